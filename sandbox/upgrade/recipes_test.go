package upgrade

import (
	"fmt"
	"net/http"
	"testing"
	"time"

	"kvitt/sandbox/klarnasim"
	"kvitt/sandbox/shop"
	"kvitt/sandbox/vismasim"
	"kvitt/workflows"
)

const (
	journals = "/v2/journaltransaction"
	batch    = journals + "/*"
	release  = batch + "/action/release"
	attach   = journals + "/module/*/*/attachment"
	job      = "/v1/background/*"
)

// recipe is a payout of the fixture and what happens to it. Its place in recipes
// is its payment reference, so a new one is added at the end.
type recipe struct {
	name, connection string
	day              string // of the payout
	straddles        bool   // its first sale was captured in the month before

	klarna klarnasim.FaultKind // what Klarna says wrongly
	visma  vismasim.Fault      // what Visma.net does wrongly, in the activity at
	dies   *crash              // where the worker dies in the activity at
	at     string              // none: from the beginning
	stops  string              // the activity that is not reached any more
	then   []string            // what people do, see deeds
}

var (
	posting1  = workflows.PostVoucher.Name
	splits1   = workflows.PostSplit.Name
	completes = workflows.CompleteBatch.Name
	reverses  = workflows.PostReversal.Name
	reversed1 = workflows.CompleteReversal.Name
)

var recipes = []recipe{
	{name: "verified", connection: "auto"},
	{name: "verified, its batch edited since", connection: "auto", then: []string{"edit", "drift"}},
	{name: "discovered", connection: "auto", stops: workflows.ProvePayout.Name},
	{name: "proven", connection: "auto", stops: workflows.CompileVoucher.Name},
	{name: "compiled", connection: "auto", stops: posting1},
	{name: "intended", connection: "auto", at: posting1, dies: &crash{method: http.MethodGet, path: journals}},
	{name: "sending, nothing was sent", connection: "auto", at: posting1, dies: &crash{method: http.MethodPost, path: journals}},
	{name: "sending, and it is booked", connection: "auto", at: posting1, dies: &crash{method: http.MethodPost, path: journals, after: true}},
	{name: "sending, and it is not listed yet", connection: "auto", at: posting1, dies: &crash{method: http.MethodPost, path: journals, after: true}, visma: vismasim.Fault{Kind: vismasim.Slow, ListedAfter: time.Hour}},
	{name: "accepted, and it is booked", connection: "auto", at: posting1, dies: &crash{method: http.MethodGet, path: job}},
	{name: "accepted, and the job is late", connection: "auto", at: posting1, dies: &crash{method: http.MethodGet, path: job}, visma: vismasim.Fault{Kind: vismasim.JobLate, Delay: time.Hour}},
	{name: "accepted, and the job is lost", connection: "auto", at: posting1, dies: &crash{method: http.MethodGet, path: job}, visma: vismasim.Fault{Kind: vismasim.JobLostBeforeCommit}},
	{name: "unknown, nothing is booked", connection: "auto", at: posting1, visma: vismasim.Fault{Kind: vismasim.JobLostBeforeCommit}},
	{name: "unknown, booked and not listed yet", connection: "auto", at: posting1, visma: vismasim.Fault{Kind: vismasim.JobLostAfterCommit, ListedAfter: time.Hour}},
	{name: "unknown, booked and not looked for yet", connection: "auto", at: posting1, visma: vismasim.Fault{Kind: vismasim.JobLostAfterCommit}, dies: &crash{method: http.MethodGet, path: journals, sent: true}},
	{name: "booked", connection: "auto", at: posting1, dies: &crash{method: http.MethodGet, path: batch}},
	{name: "checked", connection: "auto", stops: completes},
	{name: "checked, with half of its documents", connection: "auto", at: completes, dies: &crash{method: http.MethodPost, path: attach, skip: 1}},
	{name: "attached", connection: "auto", at: completes, dies: &crash{method: http.MethodPost, path: release}},
	{name: "attached, and it is released", connection: "auto", at: completes, dies: &crash{method: http.MethodPost, path: release, after: true}},
	{name: "released", connection: "auto", at: completes, dies: &crash{method: http.MethodGet, path: batch}},
	{name: "adopted", connection: "auto", at: posting1, visma: vismasim.Fault{Kind: vismasim.JobLostAfterCommit}},

	{name: "held: rows differ", connection: "auto", klarna: klarnasim.FaultRowDropped},
	{name: "held: period closed", connection: "auto", day: "2025-11-20"},
	{name: "held: rejected by Visma.net", connection: "auto", at: posting1, visma: vismasim.Fault{Kind: vismasim.JobRejected, Message: "The account is not allowed here."}},
	{name: "held: batch differs", connection: "auto", at: posting1, dies: &crash{method: http.MethodGet, path: batch}, then: []string{"edit", "go on"}},
	{name: "held: booked elsewhere", connection: "auto", then: []string{"foreign", "go on"}, stops: posting1},
	{name: "held: release failed", connection: "auto", at: completes, visma: vismasim.Fault{Kind: vismasim.ReleaseFailed}},
	{name: "decided: booked elsewhere", connection: "auto", then: []string{"foreign", "go on", "elsewhere", "anew"}, stops: posting1},
	{name: "rejected by a person", connection: "auto", klarna: klarnasim.FaultRowDropped, then: []string{"reject", "anew"}},

	{name: "split, all of it final", connection: "auto", straddles: true},
	{name: "split, the part is booked", connection: "auto", straddles: true, stops: completes},
	{name: "split, the part is not begun", connection: "auto", straddles: true, stops: splits1},
	{name: "split, the part is sending and booked", connection: "auto", straddles: true, at: splits1, dies: &crash{method: http.MethodPost, path: journals, after: true}},
	{name: "split, the part is unknown", connection: "auto", straddles: true, at: splits1, visma: vismasim.Fault{Kind: vismasim.JobLostAfterCommit, ListedAfter: time.Hour}},
	{name: "split, the part is checked", connection: "auto", straddles: true, at: splits1, dies: &crash{method: http.MethodPost, path: attach}},
	{name: "split, the part is attached", connection: "auto", straddles: true, at: splits1, dies: &crash{method: http.MethodPost, path: release}},
	{name: "split, the part is rejected", connection: "auto", straddles: true, at: splits1, visma: vismasim.Fault{Kind: vismasim.JobRejected, Message: "The account is not allowed here."}},

	{name: "reversed", connection: "auto", then: []string{"reverse"}},
	{name: "reversal prepared", connection: "auto", then: []string{"reverse"}, stops: reverses},
	{name: "reversal sending, and it is booked", connection: "auto", then: []string{"reverse"}, at: reverses, dies: &crash{method: http.MethodPost, path: journals, after: true}},
	{name: "reversal unknown", connection: "auto", then: []string{"reverse"}, at: reverses, visma: vismasim.Fault{Kind: vismasim.JobLostAfterCommit, ListedAfter: time.Hour}},
	{name: "reversal checked", connection: "auto", then: []string{"reverse"}, stops: reversed1},
	{name: "reversal held: release failed", connection: "auto", then: []string{"reverse"}, at: reversed1, visma: vismasim.Fault{Kind: vismasim.ReleaseFailed}},
	{name: "reversal final, its link not made", connection: "auto", then: []string{"reverse"}, at: reversed1, dies: &crash{method: http.MethodPost, path: attach, skip: 1}},
	{name: "reposted", connection: "auto", then: []string{"reverse", "repost", "go on"}},
	{name: "repost begun", connection: "auto", then: []string{"reverse", "repost"}},
	{name: "repost accepted", connection: "auto", then: []string{"reverse", "repost", "accepted"}},

	{name: "draft on hold", connection: "draft"},
	{name: "draft, checked", connection: "draft", stops: completes},
	{name: "draft, unknown", connection: "draft", at: posting1, visma: vismasim.Fault{Kind: vismasim.JobLostAfterCommit, ListedAfter: time.Hour}},
	{name: "awaits approval", connection: "review"},
	{name: "approved and verified", connection: "review", then: []string{"approve", "go on"}},
	{name: "approved and not posted yet", connection: "review", then: []string{"approve"}},

	{name: "accrued in January", connection: "accrues", day: "2026-02-03", straddles: true},
	{name: "accrued in February", connection: "accrues", day: "2026-03-03", straddles: true},
	{name: "accrued in March", connection: "accrues", day: "2026-04-03", straddles: true},
	{name: "accrued in April", connection: "accrues", day: "2026-05-05", straddles: true},
	{name: "accrued in May", connection: "accrues", day: "2026-06-03", straddles: true},
}

// accruals are those of the connection "accrues", in SEK.
var accruals = []recipe{
	{name: "accrual verified", day: "2026-01-31", then: []string{"drift"}},
	{name: "accrual sending, and it is booked", day: "2026-02-28", at: workflows.PostAccrual.Name, dies: &crash{method: http.MethodPost, path: journals, after: true}},
	{name: "accrual unknown", day: "2026-03-31", at: workflows.PostAccrual.Name, visma: vismasim.Fault{Kind: vismasim.JobLostAfterCommit, ListedAfter: time.Hour}},
	{name: "accrual checked", day: "2026-04-30", stops: workflows.CompleteAccrual.Name},
	{name: "accrual held: release failed", day: "2026-05-31", at: workflows.CompleteAccrual.Name, visma: vismasim.Fault{Kind: vismasim.ReleaseFailed}},
}

func reference(n int) string { return fmt.Sprintf("9200000%02d", n) }

// payoutsOf are the payouts of a connection's merchant, the same in every run.
func payoutsOf(t testing.TB, f firm) (all []*shop.Payout) {
	t.Helper()
	for n, r := range recipes {
		if r.connection != f.id {
			continue
		}
		day := r.day
		if day == "" {
			day = "2026-03-10"
			if r.straddles {
				day = "2026-04-02"
			}
		}
		date, err := time.Parse(time.DateOnly, day)
		must(t, err)
		s := shop.Settlement{PaymentReference: reference(n), MerchantID: f.merchant, Date: date.Add(12 * time.Hour)}
		for i := range 2 {
			s.Rows = append(s.Rows, shop.SaleRows(uint64(1000*(i+1)+n), int64(49_900+1000*i+n), 1_450, 350, 2500)...)
		}
		if r.straddles {
			for i := range s.Rows {
				s.Rows[i].CaptureDate = time.Date(date.Year(), date.Month(), 1-(1-i%2), 12, 0, 0, 0, time.UTC)
			}
		}
		p, err := s.Payout()
		must(t, err)
		all = append(all, p)
	}
	return all
}
