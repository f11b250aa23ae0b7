package e2e_test

import (
	"net/http"
	"slices"
	"strings"
	"testing"

	"kvitt/sandbox/vismasim"
)

// TestASendThatVismaAlwaysAnswersWithAnErrorIsForAPerson: the fourth one would be
// taken, and is sent when a person wants it.
func TestASendThatVismaAlwaysAnswersWithAnErrorIsForAPerson(t *testing.T) {
	t.Parallel()
	w := town(t)
	payouts := days(t, "2026-03-02", 1)
	h := w.house(t, plan{payouts: payouts})
	for range 3 {
		inject(t, h, vismasim.Fault{
			Kind: vismasim.ErrorBeforeCommit, Method: http.MethodPost, Path: journals, Body: payouts[0].PaymentReference,
			Message: "Object reference not set",
		})
	}
	h.allHeld(t, payouts, "refused_repeatedly", "sent 3 times", "answered 500")
	if books := w.Visma.Books(h.firm.TenantID); books.Batches != 0 {
		t.Errorf("the books hold %d batches", books.Batches)
	}
	h.retried(t, payouts)
}

// TestWhatAnAccountsVATCategoryWritesIsFoundFirstAndNeverReleased: the company's own
// defaults for branch and VAT transactions do not count, since they are sent.
func TestWhatAnAccountsVATCategoryWritesIsFoundFirstAndNeverReleased(t *testing.T) {
	t.Parallel()
	w := town(t)
	payouts := days(t, "2026-03-02", 1)
	h := w.house(t, plan{payouts: payouts})
	at := slices.IndexFunc(h.firm.Accounts, func(a vismasim.Account) bool { return a.Number == "16861" })
	account := h.firm.Accounts[at]
	account.VATCategory = "25"
	if err := w.Visma.SetAccount(h.firm.TenantID, account); err != nil {
		t.Fatal(err)
	}
	if doctor := strings.Join(strings.Fields(w.starter(t, "doctor").out), " "); !strings.Contains(doctor, "Account 16861 "+account.Description+" has the VAT category 25") {
		t.Errorf("doctor does not tell of it:\n%s", doctor)
	}
	h.allHeld(t, payouts, "batch_differs", "16861", "VAT code 25", "meant was no VAT code")
	if b := w.Visma.Books(h.firm.TenantID).List[0]; b.Released() {
		t.Errorf("batch %s was released", b.Number)
	}
}
