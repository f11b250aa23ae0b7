package vismasim_test

import (
	"testing"
	"time"
)

func TestAnAccountTellsItsLines(t *testing.T) {
	w := newWorld(t, nil)
	number, _ := w.post(voucher(payoutLines))
	lines := w.sim.Account(tenant, "1686")
	if len(lines) != 1 || lines[0].Batch != number || lines[0].Credit != 9_200_000 || lines[0].Reference != "PR-1" || lines[0].Currency != "SEK" || lines[0].Date.Equal(time.Time{}) {
		t.Errorf("%+v", lines)
	}
	if lines := w.sim.Account(other, "1686"); len(lines) != 0 {
		t.Errorf("the other company has %+v", lines)
	}
}
