package vismasim_test

import (
	"testing"
	"time"

	"kvitt/sandbox/vismasim"
)

func TestAccountReturnsAnAccountsLines(t *testing.T) {
	w := newWorld(t, nil)
	number, _ := w.post(voucher(payoutLines))
	var balance int64
	for _, l := range w.sim.Account(tenant, "1686") {
		balance += l.Debit - l.Credit
		if l.Batch != number || l.Reference != "PR-1" || l.Currency != "SEK" || l.Status != vismasim.Balanced || l.Date.Format(time.DateOnly) != "2026-01-30" {
			t.Errorf("%+v", l)
		}
	}
	if want := w.sim.Books(tenant).Accounts["1686"].Balance(); balance != want || want == 0 {
		t.Errorf("the sum of the lines is %d, the books have %d", balance, want)
	}
	if lines := w.sim.Account(other, "1686"); len(lines) != 0 {
		t.Errorf("the other company has %+v", lines)
	}
}
