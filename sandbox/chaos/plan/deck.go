package plan

import (
	"math/rand/v2"
	"net/http"
	"time"

	"kvitt/internal/held"
	"kvitt/sandbox/klarnasim"
	"kvitt/sandbox/vismasim"
)

// UnknownWait is the time for which, in plans, a batch must be missing before it may be sent again;
// lateness is the longest delay with which the simulated Visma.net books and lists: the promise holds only
// if the first is longer.
const (
	UnknownWait = 5 * time.Second
	lateness    = 2500 * time.Millisecond
)

// card deals one fault; chance fills in the rest.
type card func(*rand.Rand, *Plan) Fault

// The parties of the table.
const (
	vismaNet     = "Visma.net"
	klarna       = "Klarna"
	vismaConnect = "Visma Connect"
	processes    = "Processes"
	database     = "Database"
)

// endpoint is a request that posting a payout needs.
type endpoint struct {
	name         string
	method, path string
	writes       bool
	aimed        bool // its body names the payout
	rare         bool // sent rarely by a process
}

var vismaEndpoints = []endpoint{
	{name: "post the batch", method: http.MethodPost, path: "/v2/journaltransaction", writes: true, aimed: true},
	{name: "ask the job", method: http.MethodGet, path: "/v1/background/*"},
	{name: "list a period", method: http.MethodGet, path: "/v2/journaltransaction"},
	{name: "read the batch", method: http.MethodGet, path: "/v2/journaltransaction/*"},
	{name: "attach", method: http.MethodPost, path: "/v2/journaltransaction/module/*/*/attachment", writes: true, aimed: true},
	{name: "release", method: http.MethodPost, path: "/v2/journaltransaction/*/action/release", writes: true},
	{name: "accounts", method: http.MethodGet, path: "/v1/account", rare: true},
	{name: "periods", method: http.MethodGet, path: "/v1/financialPeriod", rare: true},
	{name: "ledgers", method: http.MethodGet, path: "/v1/ledger", rare: true},
	{name: "branches", method: http.MethodGet, path: "/v1/branch", rare: true},
	{name: "currencies", method: http.MethodGet, path: "/v1/currency", rare: true},
	{name: "subaccounts", method: http.MethodGet, path: "/v1/dimension/*", rare: true},
	{name: "organization", method: http.MethodGet, path: "/v1/organization", rare: true},
}

var klarnaEndpoints = []endpoint{
	{name: "list payouts", path: "/payouts"},
	{name: "read a payout", path: "/payouts/*", aimed: true},
	{name: "rows", path: "/transactions", aimed: true},
	{name: "report", path: "/reports/payout", aimed: true},
	{name: "report with rows", path: "/reports/payout-with-transactions", aimed: true},
}

// deck returns every card once.
func deck() []card {
	var all []card
	all = append(all, vismaCards()...)
	all = append(all, jobCards()...)
	all = append(all, klarnaCards()...)
	all = append(all, refusalCards()...)
	all = append(all, connectCards()...)
	all = append(all, processCards()...)
	return append(all, stepCards()...)
}

// shuffled returns the deck in an order that is the same for every seed and mixes the kinds of faults.
func shuffled() []card {
	all := deck()
	dice := rand.New(rand.NewPCG(2026, 2)) //nolint:gosec // the same on purpose
	dice.Shuffle(len(all), func(i, j int) { all[i], all[j] = all[j], all[i] })
	return all
}

// aim picks the payout whose request is struck.
func aim(dice *rand.Rand, p *Plan) int { return dice.IntN(p.Payouts) }

// vismaCards are the faults that can strike any request to Visma.net.
func vismaCards() []card {
	every := map[string]vismasim.Fault{
		"a slow answer":           {Kind: vismasim.Slow, Delay: 400 * time.Millisecond},
		"429 with Retry-After":    {Kind: vismasim.Throttled, Delay: time.Second},
		"429 without":             {Kind: vismasim.ThrottledBare},
		"500":                     {Kind: vismasim.ErrorBeforeCommit},
		"502 with HTML":           {Kind: vismasim.HTMLError},
		"reset before":            {Kind: vismasim.ResetBeforeCommit},
		"half of the body":        {Kind: vismasim.Truncated},
		"no answer, nothing done": {Kind: vismasim.TimeoutBeforeCommit},
		"504 with HTML":           {Kind: vismasim.TimeoutBeforeCommit, Delay: 300 * time.Millisecond},
		"401, once":               {Kind: vismasim.Unauthorized},
	}
	writes := map[string]vismasim.Fault{
		"reset after":         {Kind: vismasim.ResetAfterCommit},
		"500 after":           {Kind: vismasim.ErrorAfterCommit},
		"408 after":           {Kind: vismasim.ErrorAfterCommit, Status: http.StatusRequestTimeout},
		"no answer, all done": {Kind: vismasim.TimeoutAfterCommit},
		"504 after":           {Kind: vismasim.TimeoutAfterCommit, Delay: 300 * time.Millisecond},
		"done after the cut":  {Kind: vismasim.TimeoutThenCommit, Delay: lateness},
	}
	var all []card
	for _, e := range vismaEndpoints {
		for _, what := range sorted(every) {
			all = append(all, vismaCard(e, what, every[what]))
		}
		if e.writes {
			for _, what := range sorted(writes) {
				all = append(all, vismaCard(e, what, writes[what]))
			}
		}
	}
	return append(all, shifting("pages shift: entries came", 3), shifting("pages shift: entries went", -3))
}

// shifting moves the pages of a period while a batch is looked for among those of the payouts before it.
func shifting(what string, by int) card {
	lost := vismaCard(vismaEndpoints[0], "reset after, listed late", vismasim.Fault{Kind: vismasim.ResetAfterCommit, ListedAfter: lateness})
	return func(dice *rand.Rand, p *Plan) Fault {
		p.Concurrency = 1
		unknown := lost(dice, p)
		unknown.Payout = 2 // the third one of its month
		p.Faults = append(p.Faults, unknown)
		list := vismaEndpoints[2]
		return Fault{Party: vismaNet, What: what, Where: list.name, Payout: -1, Visma: &vismasim.Fault{
			Kind: vismasim.PagesShift, Shift: by, Method: list.method, Path: list.path, Times: 2,
		}}
	}
}

func vismaCard(e endpoint, what string, f vismasim.Fault) card {
	return func(dice *rand.Rand, p *Plan) Fault {
		f := f // each plan has its own copy
		f.Method, f.Path = e.method, e.path
		out := Fault{Party: vismaNet, What: what, Where: e.name, Payout: -1, Unknown: e.method+e.path == vismaEndpoints[0].method+vismaEndpoints[0].path}
		switch {
		case e.aimed:
			out.Payout = aim(dice, p)
		case !e.rare:
			f.Skip = dice.IntN(3)
		}
		if f.Kind != vismasim.TimeoutBeforeCommit || f.Delay > 0 {
			f.Times = 1 + dice.IntN(2)
		}
		if e.writes || f.Kind == vismasim.Unauthorized { // twice would be a dead credential
			f.Times = 1
		}
		out.Visma = &f
		return out
	}
}

// jobCards are the faults of the background job that books a batch, and of the list in which the batch is
// looked for.
func jobCards() []card {
	post := vismaEndpoints[0]
	jobs := map[string]vismasim.Fault{
		"the job is late":                     {Kind: vismasim.JobLate, Delay: lateness},
		"the job is lost (404), nothing done": {Kind: vismasim.JobLostBeforeCommit},
		"the job is gone (410), nothing done": {Kind: vismasim.JobLostBeforeCommit, Status: http.StatusGone},
		"the job is lost (404), all done":     {Kind: vismasim.JobLostAfterCommit},
		"the job is gone (410), all done":     {Kind: vismasim.JobLostAfterCommit, Status: http.StatusGone},
		"the job failed, nothing done":        {Kind: vismasim.JobFailedBeforeCommit},
		"the job failed, all done":            {Kind: vismasim.JobFailedAfterCommit},
		"the job came to 500, nothing done":   {Kind: vismasim.JobErrorBeforeCommit},
		"the job came to 500, all done":       {Kind: vismasim.JobErrorAfterCommit},
		"the job names no batch":              {Kind: vismasim.JobNoLocation},
		"the job's answer is gone":            {Kind: vismasim.JobContentGone},
		"the job is on another host":          {Kind: vismasim.JobElsewhere},
		"reset after, listed late":            {Kind: vismasim.ResetAfterCommit, ListedAfter: lateness},
		"no answer, all done, listed late":    {Kind: vismasim.TimeoutAfterCommit, ListedAfter: lateness},
		"lost job (404), listed late":         {Kind: vismasim.JobLostAfterCommit, ListedAfter: lateness},
		"gone job (410), listed late":         {Kind: vismasim.JobLostAfterCommit, Status: http.StatusGone, ListedAfter: lateness},
		"reset after, booked late":            {Kind: vismasim.ResetAfterCommit, JobAfter: lateness},
		"500 after, booked late":              {Kind: vismasim.ErrorAfterCommit, JobAfter: lateness},
		"no answer, booked late":              {Kind: vismasim.TimeoutAfterCommit, JobAfter: lateness},
		"lost job (404), booked late":         {Kind: vismasim.JobLostAfterCommit, JobAfter: lateness},
	}
	var all []card
	for _, what := range sorted(jobs) {
		all = append(all, vismaCard(post, what, jobs[what]))
	}
	return all
}

// klarnaCards are the faults that can strike any request to Klarna.
func klarnaCards() []card {
	every := map[string]klarnasim.Fault{
		"a slow answer":        {Kind: klarnasim.FaultSlow, Milliseconds: 400},
		"no answer":            {Kind: klarnasim.FaultSlow, Milliseconds: 20_000, Times: 1},
		"429 with Retry-After": {Kind: klarnasim.FaultThrottled, RetryAfter: 1},
		"429 without":          {Kind: klarnasim.FaultThrottled},
		"500":                  {Kind: klarnasim.FaultStatus},
		"502 with HTML":        {Kind: klarnasim.FaultHTML, Status: http.StatusBadGateway},
		"504":                  {Kind: klarnasim.FaultStatus, Status: http.StatusGatewayTimeout},
		"reset":                {Kind: klarnasim.FaultReset},
		"200 with HTML":        {Kind: klarnasim.FaultHTML, Times: 1},
		"half of the body":     {Kind: klarnasim.FaultTruncated, Times: 1},
		"cut in the body":      {Kind: klarnasim.FaultCut, Times: 1},
	}
	var all []card
	for _, e := range klarnaEndpoints {
		for _, what := range sorted(every) {
			if f := every[what]; f.Kind != klarnasim.FaultTruncated || e.name != "report with rows" { // its form is up to the merchant, so half of it cannot be recognised
				all = append(all, klarnaCard(e, what, f))
			}
		}
	}
	rows := klarnaEndpoints[2]
	for _, what := range sorted(pages) {
		all = append(all, klarnaCard(rows, what, pages[what]))
	}
	return all
}

var pages = map[string]klarnasim.Fault{
	"pages shift: rows came":  {Kind: klarnasim.FaultMovedPage, Times: 1},
	"pages shift: page twice": {Kind: klarnasim.FaultRepeatedPage, Times: 1},
	"pages shift: rows twice": {Kind: klarnasim.FaultRepeatedRows, Times: 1},
}

func klarnaCard(e endpoint, what string, f klarnasim.Fault) card {
	return func(dice *rand.Rand, p *Plan) Fault {
		f := f // each plan has its own copy
		out := Fault{Party: klarna, What: what, Where: e.name, Payout: -1}
		f.Path = e.path
		if _, shifts := pages[what]; shifts {
			out.Payout = p.Payouts - 1 // the one with several pages
			out.Klarna = &f
			return out
		}
		if e.aimed {
			out.Payout = aim(dice, p)
		}
		if e.path == "/payouts/*" { // read only after the payout was held
			p.Faults = append(p.Faults, bent("a row is one öre off", out.Payout, klarnasim.Fault{Kind: klarnasim.FaultRowChanged, Delta: 1}, held.RowsDiffer))
		}
		if f.Times == 0 {
			f.Times = 1 + dice.IntN(2)
		}
		out.Klarna = &f
		return out
	}
}

// refusalCards are the faults that hold a payout for a true reason, until a person has removed the cause.
func refusalCards() []card {
	refused := func(e endpoint, what string, f vismasim.Fault, holds ...held.Code) card {
		deal := vismaCard(e, what, f)
		return func(dice *rand.Rand, p *Plan) Fault {
			out := deal(dice, p)
			out.Visma.Times, out.Visma.Skip, out.Visma.Message = 1, 0, "Refused on purpose."
			out.Holds = holds
			return out
		}
	}
	rows := func(what string, f klarnasim.Fault, holds ...held.Code) card {
		return func(dice *rand.Rand, p *Plan) Fault { return bent(what, aim(dice, p), f, holds...) }
	}
	return []card{
		refused(vismaEndpoints[0], "the job finished with 400", vismasim.Fault{Kind: vismasim.JobRejected}, held.Rejected),
		refused(vismaEndpoints[5], "the release failed", vismasim.Fault{Kind: vismasim.ReleaseFailed}, held.ReleaseFailed),
		rows("nonsense, thrice", klarnasim.Fault{Kind: klarnasim.FaultGarbage, Times: 3}, held.BadData),
		rows("a row is missing", klarnasim.Fault{Kind: klarnasim.FaultRowDropped, Row: 1}, held.RowsDiffer, held.RowsIncomplete),
		rows("a row is one öre off", klarnasim.Fault{Kind: klarnasim.FaultRowChanged, Delta: 1}, held.RowsDiffer),
		rows("a kind of row is unknown", klarnasim.Fault{Kind: klarnasim.FaultUnknownDetailedType, Row: 1}, held.RowsDiffer, held.ComponentUnknown),
	}
}

// bent is a fault in the rows of a payout.
func bent(what string, payout int, f klarnasim.Fault, holds ...held.Code) Fault {
	f.Path = "/transactions"
	return Fault{Party: klarna, What: what, Where: "rows", Payout: payout, Klarna: &f, Holds: holds}
}

// connectCards break the way to a token.
func connectCards() []card {
	deed := func(party, what string, d Deed, lasts time.Duration, holds ...held.Code) card {
		return func(dice *rand.Rand, _ *Plan) Fault {
			return Fault{Party: party, What: what, Payout: -1, Deed: d, After: 1 + dice.IntN(60), Lasts: lasts, Holds: holds}
		}
	}
	return []card{
		deed(vismaConnect, "tokens expire in mid-flight", ExpireTokens, 0),
		deed(vismaConnect, "503 for tokens", FailTokens, 0),
		deed(vismaConnect, "a token never arrives", LoseTokens, 0),
		deed(vismaConnect, "the approval is revoked in mid-flight", RevokeCompany, 0, held.CredentialVisma),
		deed(klarna, "the key is revoked in mid-flight", RevokeKey, 0, held.CredentialKlarna),
		deed(vismaConnect, "the providers' clocks jump", JumpClock, 2*time.Hour),
		deed(vismaConnect, "the providers' clocks jump", JumpClock, -2*time.Hour),
	}
}

// processCards kill at a random moment.
func processCards() []card {
	kill := func(party, what string, d Deed, lasts ...time.Duration) card {
		return func(dice *rand.Rand, _ *Plan) Fault {
			f := Fault{Party: party, What: what, Where: "at any moment", Payout: -1, Deed: d, After: 1 + dice.IntN(90)}
			if len(lasts) > 0 {
				f.Lasts = lasts[dice.IntN(len(lasts))]
			}
			return f
		}
	}
	return []card{
		kill(processes, "a worker is killed", KillOne),
		kill(processes, "a worker is killed", KillOne),
		kill(processes, "all workers are killed", KillWorkers),
		kill(processes, "all workers are killed", KillWorkers),
		kill(processes, "Temporal is killed", KillTemporal),
		kill(processes, "Temporal is killed", KillTemporal),
		kill(database, "PostgreSQL is killed", KillDatabase, time.Millisecond),
		kill(database, "PostgreSQL is killed", KillDatabase, time.Millisecond),
		kill(database, "PostgreSQL refuses connections", KillDatabase, 5*time.Second, 15*time.Second, time.Minute),
		kill(database, "PostgreSQL refuses connections", KillDatabase, 5*time.Second, 15*time.Second, time.Minute),
		kill(database, "SQLite's disk is full", FillDisk, 3*time.Second, 8*time.Second),
		kill(database, "SQLite's disk is full", FillDisk, 3*time.Second, 8*time.Second),
		kill(database, "SQLite's disk is full", FillDisk, 3*time.Second, 8*time.Second),
	}
}

// Shower returns an endless row of single request faults that need no repair, for a long run.
func Shower(seed uint64, payouts int) func() Fault {
	dice := rand.New(rand.NewPCG(seed, 2)) //nolint:gosec // repeatable on purpose
	all := append(append(vismaCards(), jobCards()...), klarnaCards()...)
	return func() Fault {
		for {
			p := Plan{Payouts: payouts}
			f := all[dice.IntN(len(all))](dice, &p)
			if len(p.Faults) > 0 || f.pages() || f.Visma != nil && f.Visma.Kind == vismasim.Unauthorized {
				continue // these need another fault, or together kill the credential
			}
			if f.Visma != nil {
				f.Visma.Times, f.Visma.Skip = 1, 0
			} else {
				f.Klarna.Times = 1
			}
			return f
		}
	}
}
