package e2e_test

import (
	"encoding/json"
	"testing"

	"kvitt/sandbox/stack"
)

// Who starts the sandbox for the first time and runs the doctor finds nothing
// wrong, before the first sync and after it.
func TestTheSandboxesConnectionHasNothingForTheDoctor(t *testing.T) {
	t.Parallel()
	w := start(t, stack.Options{})
	id, err := w.Connect(t.Context(), func(...string) {})
	if err != nil {
		t.Fatal(err)
	}
	for _, after := range []string{"connect", "sync"} {
		if after == "sync" {
			w.starter(t, "sync", id)
		}
		s := w.starter(t, "doctor", "--output", "json")
		var all []check
		if err := json.Unmarshal([]byte(s.out), &all); err != nil {
			t.Fatalf("doctor: %v\n%s%s", err, s.out, s.err)
		}
		for _, c := range all {
			if c.Result == "failed" {
				t.Errorf("after %s: %+v", after, c)
			}
		}
		if s.status != 0 {
			t.Errorf("after %s the doctor's status is %d", after, s.status)
		}
	}
}
