// Package plan draws fault plans: what is broken, where and when, while a few payouts are on their way
// into the books. One seed gives the same plan on every machine, so that a plan that was judged unclean
// can be run again by its seed.
//
// It is pure: it must never read a clock, start a process or know how a fault is carried out.
package plan

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"time"

	"kvitt/internal/held"
	"kvitt/sandbox/klarnasim"
	"kvitt/sandbox/vismasim"
)

// Database is the database that a plan's workers use.
type Database string

// The databases. SQLite allows one worker, so its plans have one.
const (
	PostgreSQL Database = "PostgreSQL"
	SQLite     Database = "SQLite"
)

// Deed is something that the rig does itself, besides the faults of the providers.
type Deed string

// The deeds.
const (
	None          Deed = ""
	KillAsker     Deed = "kill -9 the worker that asked"
	KillOne       Deed = "kill -9 a worker"
	KillWorkers   Deed = "kill -9 all workers"
	KillTemporal  Deed = "kill -9 Temporal"
	KillDatabase  Deed = "kill -9 PostgreSQL"
	FillDisk      Deed = "fill the disk of SQLite"
	ExpireTokens  Deed = "expire the access tokens"
	RevokeCompany Deed = "revoke the approval of the app"
	RevokeKey     Deed = "revoke Klarna's key"
	FailTokens    Deed = "answer 503 for tokens"
	LoseTokens    Deed = "lose the answer with a token"
	JumpClock     Deed = "move the providers' clocks"
)

// Fault is one thing that goes wrong. A provider's fault strikes the requests that it names; a deed is
// done when its provider's fault strikes, or after a number of requests.
type Fault struct {
	Party string // the row of the table: who, what, and at which request
	What  string
	Where string

	Visma  *vismasim.Fault
	Klarna *klarnasim.Fault
	Payout int // the payout whose requests are struck, from 0; -1: any
	// Released makes the fault wait until a batch is released, and then strike requests about that batch.
	Released bool

	Deed  Deed
	After int           // requests to both providers before the deed
	Lasts time.Duration // the time that a killed process stays down, or a clock moves

	// Holds are the held codes that this fault justifies. Unknown says that it may leave the outcome of a
	// write unknown.
	Holds   []held.Code
	Unknown bool
}

// Name returns the fault in a few words.
func (f Fault) Name() string {
	name := f.Party + ": " + f.What
	if f.Where != "" {
		name += ", " + f.Where
	}
	return name
}

// Plan describes what is broken in one run.
type Plan struct {
	Seed        uint64
	Database    Database
	Payouts     int
	Rows        int // of the last payout; 0: as few as the others
	Concurrency int
	// Clock makes the workers' clocks jump an hour forward and back all the time.
	Clock  bool
	Faults []Fault
}

// Splits reports whether the profile splits payouts by period; some of the plan's payouts then span two.
// One plan in four does.
func (p Plan) Splits() bool { return p.Seed%4 == 3 }

// String returns the plan as it is printed when it was judged unclean.
func (p Plan) String() string {
	var b strings.Builder
	fmt.Fprintf(&b, "plan %d: %d payouts, %d at a time, on %s", p.Seed, p.Payouts, p.Concurrency, p.Database)
	if p.Rows > 0 {
		fmt.Fprintf(&b, ", the last one of %d rows", p.Rows)
	}
	if p.Splits() {
		b.WriteString(", split by period")
	}
	if p.Clock {
		b.WriteString(", with workers whose clocks jump")
	}
	for i, f := range p.Faults {
		fmt.Fprintf(&b, "\n  %d. %s", i+1, f.Name())
		if f.Payout >= 0 {
			fmt.Fprintf(&b, " (payout %d)", f.Payout)
		}
		switch {
		case f.Deed == None:
		case f.After > 0:
			fmt.Fprintf(&b, " (after %d requests)", f.After)
		}
		if f.Lasts != 0 {
			fmt.Fprintf(&b, " (%s)", f.Lasts)
		}
	}
	return b.String()
}

// perPlan is the number of cards of the deck that a plan takes in turn, so that enough plans in a row take
// every card.
const perPlan = 4

// Draw makes the plan of a seed.
func Draw(seed uint64) Plan {
	dice := rand.New(rand.NewPCG(seed, 0x6b766974)) //nolint:gosec // repeatable on purpose
	p := Plan{Seed: seed, Database: PostgreSQL, Payouts: 4 + dice.IntN(4), Concurrency: 1 + dice.IntN(8)}
	if dice.IntN(10) == 0 {
		p.Database = SQLite
	}
	if dice.IntN(8) == 0 {
		p.Rows = 600 + dice.IntN(900) // more than one page
	}
	p.Clock = dice.IntN(12) == 0
	deck := shuffled()
	for i := range uint64(perPlan) {
		p.Faults = p.take(deck[(seed*perPlan+i)%uint64(len(deck))], dice)
	}
	for i := range p.Faults {
		if f := &p.Faults[i]; f.Deed == KillDatabase && p.Database == SQLite {
			// SQLite cannot be killed; its disk can be full.
			f.Deed, f.What, f.Lasts = FillDisk, killed[FillDisk], 3*time.Second
		}
	}
	return p
}

// take adds a card and adapts the plan so that it can be met.
func (p *Plan) take(c card, dice *rand.Rand) []Fault {
	f := c(dice, p)
	if f.shuts() { // two of them at the same request rightly kill the credential
		others := func(one Fault) bool { return one.shuts() }
		if slices.ContainsFunc(p.Faults, others) && dice.IntN(2) == 0 {
			return p.Faults
		}
		p.Faults = slices.DeleteFunc(p.Faults, others)
	}
	if f.pages() && p.Rows == 0 {
		p.Rows = 600 + dice.IntN(900)
	}
	if f.Deed == FillDisk {
		p.Database = SQLite
	}
	return append(p.Faults, f)
}

// shuts reports whether the fault makes Visma.net answer 401 to a token once.
func (f *Fault) shuts() bool {
	switch f.Deed {
	case ExpireTokens, FailTokens, LoseTokens, RevokeCompany, JumpClock:
		return true
	default:
		return f.Visma != nil && f.Visma.Kind == vismasim.Unauthorized
	}
}

// pages reports whether the fault needs a list of more than one page.
func (f *Fault) pages() bool {
	if f.Klarna == nil {
		return false
	}
	switch f.Klarna.Kind {
	case klarnasim.FaultMovedPage, klarnasim.FaultRepeatedPage, klarnasim.FaultRepeatedRows:
		return true
	default:
		return false
	}
}

// Names returns the names of all faults that plans on PostgreSQL can contain, each once.
func Names() []string {
	names := map[string]bool{}
	for _, c := range deck() {
		p := Plan{Database: PostgreSQL, Payouts: 1, Concurrency: 1}
		f := c(rand.New(rand.NewPCG(1, 1)), &p) //nolint:gosec // any source will do
		names[f.Name()] = true
	}
	return sorted(names)
}
