package e2e_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/goccy/go-yaml"

	"kvitt/sandbox/klarnasim"
	"kvitt/sandbox/shop"
	"kvitt/workflows"
)

// wordsOf looks the portal's words in one language up by key.
func wordsOf(t *testing.T, tag string) func(key string) string {
	t.Helper()
	text, err := os.ReadFile(filepath.Join(module, "internal", "portal", "words", tag+".yaml"))
	if err != nil {
		t.Fatal(err)
	}
	var all map[string]any
	if err := yaml.Unmarshal(text, &all); err != nil {
		t.Fatal(err)
	}
	return func(key string) string {
		t.Helper()
		var at any = all
		for _, part := range strings.Split(key, ".") {
			tree, _ := at.(map[string]any)
			at = tree[part]
		}
		word, ok := at.(string)
		if !ok {
			t.Fatalf("%s does not say %s", tag, key)
		}
		return word
	}
}

// before is the text before the first figure or name that is filled in.
func before(words string) string {
	first, _, _ := strings.Cut(words, "%")
	return strings.TrimSpace(first)
}

// inEachLanguage runs a day of a user in the languages of the portal.
func inEachLanguage(t *testing.T, day func(t *testing.T, tag string, say func(string) string)) {
	t.Helper()
	t.Parallel()
	for _, tag := range []string{"en", "sv", "nb"} {
		t.Run(tag, func(t *testing.T) { day(t, tag, wordsOf(t, tag)) })
	}
}

// resides is resident, in a language.
func (w *world) resides(t *testing.T, role, language string) *person {
	t.Helper()
	p := w.sits(t, language)
	p.signsInWith(w.invite(t, strings.ToLower(t.Name()[strings.LastIndex(t.Name(), "/")+1:])+time.Now().Format("150405.000000")+"@example.com", role), "", "")
	return p
}

// A newcomer sets a connection up, starts it, and sees that something happens
// without loading a page again.
func TestADayOfANewcomer(t *testing.T) {
	inEachLanguage(t, func(t *testing.T, tag string, say func(string) string) {
		w := theVillage(t)
		firm := w.company(t)
		payouts := days(t, time.Now().UTC().AddDate(0, 0, -3).Format(time.DateOnly), 2)
		m := merchant(payouts)
		w.Klarna.Serve(m)
		key := "klarna_test_api_newcomer" + tag + strings.Repeat("0", 24)
		w.addKey(t, klarnasim.Key{Key: key, MerchantID: m.MerchantID})
		p := w.resides(t, "administrator", tag)
		p.name = "newcomer-" + tag
		p.sees("connections", say("connections.title"))
		p.goes(say("connections.new"))
		p.fill(say("new.name"), "Fjäll "+tag)
		p.goes(say("new.create"))
		for range 3 {
			p.goes(say("setup.next"))
		}
		p.tick(say("environment.test"))
		p.goes(say("setup.next"))
		p.fill(say("klarna.step5.key"), key)
		p.goes(say("klarna.step5.check"))
		p.sees("visma", say("done.klarna"))
		p.goes(say("visma.connect"))
		p.consents(firm, "Approve")
		p.sees("connected", firm.Name)
		p.goes(say("setup.next"))
		p.sees("interview", say("interview.heading"))
		p.chooses("vat_return", "ledger")
		p.goes(say("interview.next"))
		p.sees("interview-accounts", say("interview.heading"))
		p.goes(say("interview.next"))
		p.fill(say("edit.reason"), "the first answers")
		p.goes(say("edit.save"))
		p.sees("verify", say("verify.fine"), payouts[1].PaymentReference)
		p.fill(say("start.day"), time.Now().UTC().AddDate(0, 0, -10).Format(time.DateOnly))
		p.goes(say("start.do"))
		p.sees("started", say("done.started"))
		p.must(p.UntilText(say("state.awaiting_approval"))) // without a reload
		p.sees("moved")
	})
}

// An accountant approves, is told what a second tab finds, rejects by mistake,
// takes it up again, and closes the month.
func TestADayOfAnAccountant(t *testing.T) {
	inEachLanguage(t, func(t *testing.T, tag string, say func(string) string) {
		w := theVillage(t)
		payouts := days(t, "2026-02-02", 3)
		h := w.house(t, plan{payouts: payouts, posting: "review"})
		h.awaiting(t, payouts)
		p := w.resides(t, "approver", tag)
		p.name = "accountant-" + tag
		page := func(i int) string { return "/connections/" + h.id + "/payouts/" + payouts[i].PaymentReference }
		p.open("/connections/"+h.id+"/payouts?state=awaiting_approval", 200)
		p.sees("review", payouts[2].PaymentReference)
		p.open(page(0), 200)
		p.sees("payout", say("payout.totals"), say("proof.title"), "SALE/PURCHASE", say("payout.papers"))
		var form string
		p.must(p.Value(`document.querySelector('input[name=voucher]').value`, &form))
		p.goes(say("payout.approve"))
		p.must(p.UntilText(say("state.verified"))) // without a reload
		p.sees("approved", say("payout.batches"))
		var second string // the other tab still has the page of before
		p.must(p.Await(`fetch('`+page(0)+`/approve', {method: 'POST', body: new URLSearchParams({voucher: '`+form+`'})}).then(a => a.text())`, &second))
		if words := before(say("already.batch.approve.happened")); !strings.Contains(second, words) {
			t.Errorf("the second tab is not told %q: %.1500s", words, second)
		}
		p.open(page(1), 200)
		p.fill(say("payout.reason"), "by mistake")
		p.goes(say("payout.reject"))
		p.sees("rejected", say("state.rejected"), "by mistake")
		p.fill(say("payout.why"), "it was not booked after all")
		p.goes(say("payout.reopen"))
		p.must(p.UntilText(say("payout.approve"))) // without a reload
		p.sees("reopened", say("action.reopen"), "it was not booked after all")
		p.goes(say("payout.approve"))
		p.must(p.UntilText(say("state.verified")))
		h.verified(t, payouts[1].PaymentReference)
		days := "?from=2026-02-01&to=2026-02-28"
		for _, name := range []string{"completeness", "register", "clearing", "fees", "disputes", "loans", "unsettled", "held"} {
			p.open("/connections/"+h.id+"/reports/"+name+days, 200)
			p.sees("report-" + name)
		}
		p.open("/connections/"+h.id+"/reports/register"+days, 200)
		p.goes(payouts[0].PaymentReference)
		p.sees("from-report", payouts[0].PaymentReference, say("payout.batches"))
		p.open("/connections/"+h.id+"/accruals?at=2026-02-28", 200)
		p.sees("accruals")
		var pack string
		p.must(p.Await(`fetch('/connections/`+h.id+`/files/pack?month=2026-02').then(a => a.blob()).then(b => b.text())`, &pack))
		if !strings.HasPrefix(pack, "PK") {
			t.Errorf("the month's pack is %.80q", pack)
		}
	})
}

// An operator looks at what stopped, loses the session while typing and nothing of
// what was typed, and finds a backfill again.
func TestADayOfAnOperator(t *testing.T) {
	inEachLanguage(t, func(t *testing.T, tag string, say func(string) string) {
		w := theVillage(t)
		payouts := []*shop.Payout{settled(t, "2026-02-02"), settled(t, "2026-02-03", and(shop.Of(shop.TypeFee, "KLARNA_SURCHARGE", 12_50).WithVAT(2500)))}
		h := w.house(t, plan{payouts: payouts})
		h.starter(t, h.backfill("2026-02-02", "2026-02-03", "--dry-run")...).with(t, 3)
		h.starter(t, h.backfill("2026-02-02", "2026-02-03")...).with(t, 3)
		p := w.resides(t, "administrator", tag)
		p.name = "operator-" + tag
		p.open("/connections", 200)
		p.sees("connections", say("connections.title"))
		p.open("/connections/"+h.id, 200)
		p.sees("connection", say("runs.title"))
		p.goes(say("mode.dry_run"))
		p.sees("dry-run", say("backfill.dryheading"), say("backfill.drynote"))
		p.open("/connections/"+h.id, 200)
		p.goes(say("mode.backfill"))
		p.sees("backfill", say("backfill.heading"))
		if strings.Contains(p.Text(), say("backfill.drynote")) {
			t.Error("a backfill that posted calls itself a dry run")
		}
		held := "/connections/" + h.id + "/payouts/" + payouts[1].PaymentReference
		p.open("/connections/"+h.id+"/payouts?state=held&page=1", 200)
		p.sees("held", payouts[1].PaymentReference, "component_unknown")
		other := map[string]string{"en": "Svenska", "sv": "Norsk", "nb": "English"}[tag]
		back := map[string]string{"en": "English", "sv": "Svenska", "nb": "Norsk"}[tag]
		p.goes(other)
		p.goes(back)
		if !strings.Contains(p.Address(), "state=held") {
			t.Errorf("choosing a language lost the filter: %s", p.Address())
		}
		p.goes(payouts[1].PaymentReference)
		p.sees("stopped", say("held.component_unknown.sentence"))
		p.fill(say("payout.reason"), "typed before the session ended")
		p.goes(other)
		p.goes(back)
		p.sees("kept-language", say("session.restored"))
		p.must(p.Value(`(document.getElementById('session').dataset.ends = Date.now() + 5 * 60e3, true)`, new(bool)))
		p.must(p.UntilText(say("session.soon")))
		p.sees("warned", say("session.stay"))
		p.must(p.Press(say("session.stay")))
		p.must(p.Until("no warning", `document.getElementById('session').hidden`))
		p.must(p.ClearCookies())
		p.goes(say("payout.reject"))
		p.sees("signed-out", say("signin.title"), say("signin.problem.expired.happened"))
		p.signsInWith(w.invite(t, "again"+tag+time.Now().Format("150405.000000")+"@example.com", "administrator"), "", "")
		p.open(held, 200)
		p.sees("kept", say("session.restored"))
		var typed []string
		p.must(p.Value(`[...document.querySelectorAll('input[name=reason]')].map(e => e.value)`, &typed))
		if !strings.Contains(strings.Join(typed, "|"), "typed before the session ended") {
			t.Errorf("what was typed is lost: %q", typed)
		}
		if got := h.show(t, payouts[1].PaymentReference); got.State != workflows.StateHeld {
			t.Errorf("without a session the payout became %s", got.State)
		}
		p.open("/connections/"+h.id+"/find?reference="+payouts[0].PaymentReference, 200)
		p.sees("find", payouts[0].PaymentReference)
		p.open("/people", 200)
		p.sees("people", say("people.fresh"))
		p.open("/connections/"+h.id+"/profile", 200)
		p.sees("profile", say("profile.heading"))
		p.open("/try", 200)
		p.sees("try", say("try.title"))
	})
}
