package cli

import (
	"strings"
	"testing"
)

func TestDoctorTellsWhetherThisVersionGetsTheWork(t *testing.T) {
	for current, want := range map[string]string{
		"1.4.0": "1.4.0 of kvitt is current",
		"1.3.0": "Version 1.4.0 is not current; 1.3.0 gets the work.",
		"":      "No version of the deployment kvitt is current",
	} {
		d := newDesk(t)
		t.Setenv("KVITT_DEPLOYMENT", "kvitt")
		t.Setenv("KVITT_BUILD_ID", "1.4.0")
		d.temporal.current = current
		if said := strings.Join(strings.Fields(d.run("doctor").out), " "); !strings.Contains(said, want) {
			t.Errorf("with %q current doctor says:\n%s", current, said)
		}
	}
	d := newDesk(t)
	t.Setenv("KVITT_DEPLOYMENT", "")
	t.Setenv("KVITT_BUILD_ID", "")
	if said := d.run("doctor").out; strings.Contains(said, "version ") && strings.Contains(said, "is current") {
		t.Errorf("without versions doctor speaks of one:\n%s", said)
	}
}
