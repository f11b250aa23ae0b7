package e2e_test

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// chooses answers a question of the interview that has options.
func (p *person) chooses(question, option string) {
	p.t.Helper()
	var done bool
	p.must(p.Value(fmt.Sprintf(`(e => { if (!e) return false; e.click(); return e.checked; })(document.querySelector('input[name="answer:%s"][value="%s"]'))`, question, option), &done))
	if !done {
		p.t.Fatalf("%s cannot be answered by %s on the page:\n%s", question, option, p.Text())
	}
}

// The answers to the interview make the profile; a changed answer shows the voucher
// of a real payout old against new, and the command line reads the same answers.
func TestTheProfileIsMadeByQuestionsInABrowser(t *testing.T) {
	t.Parallel()
	w := theVillage(t)
	payouts := days(t, "2026-02-02", 1)
	h := w.house(t, plan{payouts: payouts})
	p := administrator(t, "en")
	p.name = "interview"
	home := "/connections/" + h.id
	p.open(home+"/profile", 200)
	p.goes("Answer the questions")
	p.sees("choices", "In which country does the company keep its books?", "BAS 2026")
	p.chooses("reverse_charge", "owed")
	p.chooses("vat_return", "transactions")
	p.chooses("posting", "auto")
	p.goes("Next")
	p.sees("more", "Your answers lead to more questions.", "At which rate?", "VAT code for the reverse charge")
	p.fill("At which rate?", "lots")
	p.goes("Next")
	p.sees("wrong", "Some answers cannot be used. Nothing was saved.", "Write a percentage")
	var typed string
	p.must(p.Value(`document.querySelector('input[name="answer:reverse_charge.rate"]').value`, &typed))
	if typed != "lots" {
		t.Errorf("what was typed became %q", typed)
	}
	p.chooses("reverse_charge", "none")
	p.chooses("vat_return", "ledger")
	p.goes("Next")
	p.sees("accounts", "Suggestions come from the company's own chart of accounts", "16861 Klarna, på väg till banken", "16891 Klarna, innehållna medel", "28991 Klarna, skuld")
	p.fill("Receivable from Klarna (clearing)", "1510")
	p.goes("Next")
	p.sees("objections", "Check these accounts", "1510 Kundfordringar", "control account of a sub-ledger")
	p.goes("Back")
	p.fill("Receivable from Klarna (clearing)", "1686")
	p.goes("Next")
	p.sees("review", "This is what your answers change. Nothing is saved yet.", "none has been proven yet")
	if strings.Contains(p.Text(), "Not found in the company's chart") {
		t.Errorf("accounts of the company's own chart are unconfirmed:\n%s", p.Text())
	}
	p.goes("Save as a new version")
	p.sees("no-reason", "Enter a reason. Nothing was saved.")
	p.fill("Reason for the change", "The first answers")
	p.goes("Save as a new version")
	p.sees("saved", "Version 2 is in use.", "The first answers")

	h.starter(t, h.backfill("2026-02-02", "2026-02-02")...).with(t, 3) // the first payout of a changed profile
	h.done(t, "payout", "approve", h.id, payouts[0].PaymentReference)
	h.once(t, payouts...)
	p.open(home+"/interview", 200)
	p.goes("Next")
	p.fill("Klarna's fees", "6040")
	p.goes("Next")
	p.sees("changed", "Payout "+payouts[0].PaymentReference+" of 2026-02-02, old and new", "≠ changed", "6064", "6040")
	p.must(p.Phone(true))
	p.must(p.Dark(true))
	p.sees("changed-phone-dark", "≠ changed")
	var width []int
	p.must(p.Value(`[document.documentElement.scrollWidth, window.innerWidth]`, &width))
	if width[0] > width[1] {
		t.Errorf("on a phone the page is %d wide and the screen %d", width[0], width[1])
	}
	p.must(p.Phone(false))
	p.must(p.Dark(false))
	p.fill("Reason for the change", "Card fees on 6040")
	p.goes("Save as a new version")
	p.sees("saved-again", "Version 3 is in use.", "Card fees on 6040")

	answers := filepath.Join(t.TempDir(), "answers.txt")
	if err := os.WriteFile(answers, []byte("account.fees: 6064\ndeposits: bank\naccount.settlement: 1930\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	args := []string{"profile", "interview", h.id, "--answers", answers, "--output", "json"}
	type set struct {
		Version int `json:"version"`
	}
	got := facts[struct {
		Answers map[string]string `json:"answers"`
		Preview *struct {
			Changes int `json:"changes"`
		} `json:"preview"`
		Set *set `json:"set"`
	}](t, w.done(t, args...))
	if got.Answers["account.fees"] != "6064 Factoringavgifter" || got.Answers["vat_return"] != "ledger" || got.Preview == nil || got.Preview.Changes < 2 || got.Set != nil {
		t.Errorf("the command line has %+v", got)
	}
	again := facts[struct {
		Set *set `json:"set"`
	}](t, w.done(t, append(args, "--yes", "--reason", "no bank import")...))
	if again.Set == nil || again.Set.Version != 4 {
		t.Errorf("with --yes the command line sets %+v", again.Set)
	}
}
