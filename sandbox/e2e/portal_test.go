package e2e_test

import (
	"path"
	"strings"
	"testing"
	"time"

	"kvitt/sandbox/klarnasim"
	"kvitt/workflows"
)

// A person who has never seen Kvitt sets a connection up in the browser, with the
// mistakes that people make on the way.
func TestAConnectionIsSetUpInABrowser(t *testing.T) {
	t.Parallel()
	p := administrator(t, "en")
	p.name = "setup"
	w := p.world
	firm := w.company(t)
	now := time.Now().UTC()
	payouts := days(t, now.AddDate(0, 0, -4).Format(time.DateOnly), 2)
	m := merchant(payouts)
	w.Klarna.Serve(m)
	key, dead := "klarna_test_api_portal000000000000000000000000000000001", "klarna_test_api_portal000000000000000000000000000000002"
	w.addKey(t, klarnasim.Key{Key: key, MerchantID: m.MerchantID})
	w.addKey(t, klarnasim.Key{Key: dead, MerchantID: m.MerchantID, Region: "na"})

	p.sees("connections", "Connections")
	p.goes("New connection")
	p.sees("new", "Name")
	p.fill("Name", "Fjord & Fjäll AB")
	p.goes("Create")
	p.sees("klarna-1", "1. Find the key")
	p.goes("Next")
	p.sees("klarna-2", "klarna_live_api_…")
	p.goes("Next")
	p.sees("klarna-3", "Save it safely")
	p.goes("Next")
	p.sees("klarna-4", "Confirm the environment")
	p.tick("test")
	p.goes("Next")
	p.sees("klarna-5", "Paste the key")
	for _, wrong := range []struct{ name, key, words string }{
		{"malformed", "not a key", "This is not an API key."},
		{"environment", "klarna_live_api_abcdefghijklmnop", "This is a live key, and you chose test."},
		{"refused", dead, "Klarna refused this key."},
	} {
		p.fill("API key", wrong.key)
		p.goes("Test and save the key")
		p.sees("klarna-"+wrong.name, wrong.words, "Nothing was kept.")
		if strings.Contains(p.HTML(), wrong.key) {
			t.Errorf("the page shows the key again: %s", wrong.name)
		}
	}
	p.fill("API key", key)
	p.goes("Test and save the key")
	p.sees("visma", "The key works and is in use.", "Sign in with the Visma account")
	id := strings.Split(p.Address(), "/")[4]
	p.goes("Connect")
	p.consents(firm, "Approve")
	p.sees("connected", "Connected", firm.Name, "SEK", "anna@example.com")
	p.must(p.Reload()) // nothing is asked for again
	p.sees("connected-again", "Connected", firm.Name)
	p.goes("Next")
	p.sees("interview", "The answers make the posting profile.")
	p.chooses("vat_return", "ledger")
	p.goes("Next")
	p.sees("interview-accounts", "16891 Klarna, innehållna medel")
	p.goes("Next")
	p.fill("Reason for the change", "The first answers")
	p.goes("Save as a new version")
	p.sees("verify", "All checks passed.", payouts[1].PaymentReference, "Nothing was posted.")
	if books := w.Visma.Books(firm.TenantID); books.Batches != 0 {
		t.Errorf("before the start %d batches are booked", books.Batches)
	}
	if s := facts[workflows.Status](t, w.done(t, "connection", "show", id, "--output", "json")); s.State != workflows.ConnVerifying || s.Start != "" {
		t.Errorf("before the start the connection is %s, from %q", s.State, s.Start)
	}
	p.fill("First day to post from", now.AddDate(0, 0, -10).Format(time.DateOnly))
	p.goes("Start")
	p.sees("started", "The connection has started.", "active")
	p.fill("First day", now.AddDate(0, 0, -6).Format(time.DateOnly))
	p.fill("Last day", now.Format(time.DateOnly))
	p.goes("Start the backfill")
	p.sees("backfill", "Backfill")
	p.must(p.UntilText("done"))
	p.sees("backfilled", "done", "payouts found")
	p.goes("Back to the connection")
	p.sees("connection", "2 awaiting approval")
	p.goes("2 awaiting approval")
	p.sees("payouts", payouts[0].PaymentReference)
	p.goes(payouts[0].PaymentReference)
	p.sees("payout", "Approve this voucher and post it")
	p.goes("Approve this voucher and post it")
	p.sees("approved", "Approved.", "verified")
	p.open("/connections/"+id+"/payouts/"+payouts[1].PaymentReference, 200)
	p.fill("Why is it rejected?", "booked by hand")
	p.goes("Reject, never post it")
	p.sees("rejected", "Rejected.", "booked by hand")
	if books := w.Visma.Books(firm.TenantID); books.Batches != 1 {
		t.Errorf("%d batches are booked, want the approved one", books.Batches)
	}
	first := "/connections/" + id + "/payouts/" + payouts[0].PaymentReference
	p.open(first, 200)
	p.fill("Reason", "the fees belong on another account")
	p.goes("Reverse")
	p.sees("reversing", "The reversal was started.")
	p.shows(first, "Post it again")
	p.sees("reversed", "reversed", "the fees belong on another account")
	p.fill("Reason", "the account is right now")
	p.goes("Post it again")
	p.shows(first, "Approve this voucher and post it")
	p.goes("Approve this voucher and post it")
	p.shows(first, "verified")
	if books := w.Visma.Books(firm.TenantID); books.Batches != 3 {
		t.Errorf("%d batches are booked, want the first one, its mirror and the new one", books.Batches)
	}
	p.reports(id, payouts[0].PaymentReference, now)
	p.open("/connections/"+id, 200)
	p.goes("Pause")
	p.sees("paused", "The connection is paused.")
	p.goes("Resume")
	p.sees("resumed", "The connection is active again.", "active")
	p.goes("Disconnect")
	p.sees("disconnect", "Type "+id+" to confirm")
	p.fill("Type "+id+" to confirm", "yes")
	p.goes("Disconnect for good")
	p.sees("disconnect-wrong", "The text does not match.")
	p.fill("Type "+id+" to confirm", id)
	p.goes("Disconnect for good")
	p.sees("disconnected", "The connection is disconnected for good.")
	if c := w.Providers.Connect.Counters(); c["revocation"] == 0 {
		t.Errorf("nothing was revoked at Visma Connect: %v", c)
	}
	p.open("/people", 200)
	p.sees("people", "Invite someone")
	p.open("/nowhere", 404)
	p.sees("missing", "Page not found")
	p.must(p.Phone(true))
	p.must(p.Dark(true))
	p.open("/connections", 200)
	p.sees("phone-dark", "Fjord & Fjäll AB")
	var width []int
	p.must(p.Value(`[document.documentElement.scrollWidth, window.innerWidth]`, &width))
	if width[0] > width[1] {
		t.Errorf("on a phone the page is %d wide and the screen %d", width[0], width[1])
	}
	for name, secret := range map[string]string{"Klarna's key": key, "the refused key": dead, "the client's secret": w.ClientSecret} {
		if newCanary(name, secret).in([]byte(p.pages.String())) {
			t.Errorf("%s was found in a page", name)
		}
	}
}

// The pages speak Swedish and Norwegian to browsers that ask for it.
func TestThePagesSpeakTheReadersLanguage(t *testing.T) {
	t.Parallel()
	p := administrator(t, "sv")
	p.sees("kopplingar", "Ny koppling")
	p.goes("Norsk")
	p.sees("koblinger", "Ny kobling")
	if at := path.Base(p.Address()); at != "connections" {
		t.Errorf("choosing a language led to %s", p.Address())
	}
	p.goes("English")
	p.sees("connections", "New connection")
}

// reports looks at every report, takes one as a file, and finds a payout.
func (p *person) reports(id, reference string, now time.Time) {
	p.t.Helper()
	days := "?from=" + now.AddDate(0, 0, -20).Format(time.DateOnly) + "&to=" + now.Format(time.DateOnly)
	for _, name := range []string{"register", "clearing", "reserve", "debt", "fees", "held"} {
		p.open("/connections/"+id+"/reports/"+name+days, 200)
		p.sees("report-" + name)
	}
	p.open("/connections/"+id+"/reports/register"+days, 200)
	p.sees("register", reference, "Klarna paid", "Difference")
	var files []string
	script := `(async () => { const texts = []; for (const f of ['register.csv', 'register.xlsx', 'register.pdf', 'pack']) { const a = await fetch('/connections/` + id + `/files/' + f + '` + days + `&month=` + now.Format("2006-01") + `'); texts.push(await (await a.blob()).text()) } return texts })()`
	p.must(p.Await(script, &files))
	if !strings.Contains(files[0], reference) || !strings.HasPrefix(files[1], "PK") || !strings.HasPrefix(files[2], "%PDF") || !strings.HasPrefix(files[3], "PK") {
		p.t.Errorf("the files are not what they should be: %.80q", files)
	}
	p.open("/connections/"+id+"/find?reference="+reference, 200)
	p.sees("find", reference, "payment reference")
	p.open("/connections/"+id+"/find?reference=nothing-of-this-name", 200)
	p.sees("find-none", "No payout matches “nothing-of-this-name”.")
}
