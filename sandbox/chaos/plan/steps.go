package plan

import (
	"cmp"
	"maps"
	"math/rand/v2"
	"net/http"
	"slices"
	"time"

	"kvitt/sandbox/klarnasim"
	"kvitt/sandbox/vismasim"
)

// Step is a point in the protocol at which a process can be killed exactly: a request that has arrived and
// is not answered. What was durable before is durable, and nothing after it has begun.
type Step struct {
	Name     string
	visma    *vismasim.Fault
	klarna   *klarnasim.Fault
	aimed    bool
	released bool
}

// Steps returns the named steps of a payout, in order.
func Steps() []Step {
	before := func(name, method, path string, aimed bool) Step {
		return Step{Name: name, aimed: aimed, visma: &vismasim.Fault{Kind: vismasim.TimeoutBeforeCommit, Method: method, Path: path}}
	}
	after := func(name, path string, aimed bool) Step {
		return Step{Name: name, aimed: aimed, visma: &vismasim.Fault{Kind: vismasim.TimeoutAfterCommit, Method: http.MethodPost, Path: path}}
	}
	hang := func(name, path string, aimed bool) Step {
		return Step{Name: name, aimed: aimed, klarna: &klarnasim.Fault{Kind: klarnasim.FaultSlow, Milliseconds: 20_000, Path: path}}
	}
	const (
		journals = "/v2/journaltransaction"
		attach   = journals + "/module/*/*/attachment"
		release  = journals + "/*/action/release"
	)
	read := before("released: the batch is read back", http.MethodGet, journals+"/*", false)
	read.released = true
	return []Step{
		hang("due: the payouts are listed", "/payouts", false),
		hang("discovered: its rows are fetched", "/transactions", true),
		before("proven: the company is read", http.MethodGet, "/v1/account", false),
		before("intended: the period is read", http.MethodGet, journals, false),
		before("sending: nothing has arrived", http.MethodPost, journals, true),
		after("sending: it has arrived and is not answered", journals, true),
		before("accepted: the job is asked", http.MethodGet, "/v1/background/*", false),
		before("booked: the batch is read back", http.MethodGet, journals+"/*", false),
		hang("checked: the report is fetched", "/reports/payout", true),
		hang("checked: the report with the rows is fetched", "/reports/payout-with-transactions", true),
		before("checked: nothing is attached", http.MethodPost, attach, true),
		after("checked: it is attached and not answered", attach, true),
		before("attached: nothing is released", http.MethodPost, release, false),
		after("attached: it is released and not answered", release, false),
		read,
	}
}

// Kill returns the fault that kills a victim at the step of a payout.
func (s *Step) Kill(deed Deed, payout int) Fault {
	f := Fault{Party: processes, What: killed[deed], Where: "at " + s.Name, Payout: -1, Deed: deed, Released: s.released, Unknown: true}
	if deed == KillDatabase {
		f.Party = database
	}
	if s.aimed {
		f.Payout = payout
	}
	if s.visma != nil {
		v := *s.visma
		v.Times = 1
		f.Visma = &v
	} else {
		k := *s.klarna
		k.Times = 1
		f.Klarna = &k
	}
	return f
}

var killed = map[Deed]string{
	KillAsker: "the worker is killed", KillWorkers: "all workers are killed", KillTemporal: "Temporal is killed",
	KillDatabase: "PostgreSQL is killed", FillDisk: "SQLite's disk is full",
}

// stepCards kill at every step.
func stepCards() []card {
	var all []card
	for _, s := range Steps() {
		for _, deed := range []Deed{KillAsker, KillWorkers, KillTemporal, KillDatabase} {
			all = append(all, func(dice *rand.Rand, p *Plan) Fault {
				f := s.Kill(deed, aim(dice, p))
				if deed == KillDatabase {
					f.Lasts = time.Millisecond
				}
				return f
			})
		}
	}
	return all
}

func sorted[K cmp.Ordered, V any](m map[K]V) []K { return slices.Sorted(maps.Keys(m)) }
