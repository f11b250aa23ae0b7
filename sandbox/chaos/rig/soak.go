package rig

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"strconv"
	"sync"
	"sync/atomic"
	"time"

	"kvitt/internal/held"
	"kvitt/internal/store"
	"kvitt/sandbox/chaos/judge"
	"kvitt/sandbox/chaos/plan"
	"kvitt/sandbox/stack"
	"kvitt/workflows"
)

// Soak is a long run: many connections at once while faults strike.
type Soak struct {
	Seed                 uint64
	Connections, Payouts int // payouts of each connection
}

// Sample is the resource use of both workers together at one time.
type Sample struct {
	At         time.Duration // since the backfills began
	Verified   int
	Goroutines float64
	Bytes      float64 // resident
}

// Soaked is the result of a long run.
type Soaked struct {
	Took          time.Duration
	Samples       []Sample
	Injected, Met int // faults of requests
	Kills         map[string]int
	Rest          []float64 // goroutines that each worker has more when idle than at its start
	Findings      []string
}

// shower is the interval between faults of requests, upheaval the interval between kills of Temporal and
// PostgreSQL and losses of tokens. The workers are never killed: they are being measured.
const (
	shower   = 150 * time.Millisecond
	upheaval = 25 * time.Second
)

// coroutines is the number of goroutines a worker keeps for an idle connection: its workflow stays open,
// and the SDK keeps it in its cache.
const coroutines = 4

// Soak carries out a long run in a new world and has it judged.
func (w *World) Soak(ctx context.Context, o Soak) (out Soaked, err error) {
	out.Kills = map[string]int{}
	var houses []*house
	for i := range o.Connections {
		h, err := w.build(ctx, plan.Plan{Seed: o.Seed*1000 + uint64(i), Payouts: o.Payouts})
		if err != nil {
			return out, err
		}
		houses = append(houses, h)
	}
	var met atomic.Int64
	w.onStrike(func(string, string, string) { met.Add(1) })
	defer w.onStrike(nil)
	began := time.Now()
	for _, h := range houses {
		if _, err := w.Ask(ctx, "backfill", h.id, "--from", firstDay, "--to", lastDay, "--yes", "--detach", "--output", "json", "--concurrency", "4"); err != nil {
			return out, err
		}
	}
	raining, stop := context.WithCancel(ctx)
	var weather sync.WaitGroup
	var trouble []error
	weather.Go(func() { out.Injected = w.rain(raining, o, houses) })
	weather.Go(func() { trouble = w.upheave(raining, houses, out.Kills) })
	want := o.Connections * o.Payouts
	verified := 0
	for deadline := began.Add(time.Hour); verified < want && ctx.Err() == nil && time.Now().Before(deadline); pause(ctx, 2*time.Second) {
		verified = w.verified(ctx, houses)
		if s, ok := w.sample(ctx); ok {
			s.At, s.Verified = time.Since(began), verified
			out.Samples = append(out.Samples, s)
			fmt.Fprintf(w.log, "%s: %d of %d verified, %.0f goroutines, %.0f MiB\n", s.At.Round(time.Second), s.Verified, want, s.Goroutines, s.Bytes/(1<<20))
		}
	}
	stop()
	weather.Wait()
	w.Visma.ClearFaults()
	w.Klarna.ClearFault(0)
	out.Took, out.Met = time.Since(began), int(met.Load())
	if err := errors.Join(trouble...); err != nil {
		return out, err
	}
	w.judgeAll(ctx, houses, &out)
	return out, ctx.Err()
}

// rain injects single faults, each for a payout of any of the houses.
func (w *World) rain(ctx context.Context, o Soak, houses []*house) (injected int) {
	next := plan.Shower(o.Seed, o.Payouts)
	dice := rand.New(rand.NewPCG(o.Seed, 3))
	for ; ctx.Err() == nil; pause(ctx, shower) {
		f, h := next(), houses[dice.IntN(len(houses))]
		if injected%32 == 31 {
			// Faults that were not met are removed; otherwise they would gather for the last payouts.
			w.Visma.ClearFaults()
			w.Klarna.ClearFault(0)
		}
		injected++
		reference := ""
		if f.Payout >= 0 {
			reference = h.payouts[f.Payout].PaymentReference
		}
		switch {
		case f.Visma != nil:
			f.Visma.Name, f.Visma.Tenant = f.Name(), h.company.TenantID // for any payout, so that it is met
			_ = w.Visma.Inject(*f.Visma)
		default:
			f.Klarna.Name, f.Klarna.PaymentReference = f.Name(), reference
			w.Klarna.Inject(*f.Klarna)
		}
	}
	return injected
}

// upheave strikes what the workers depend on, in turn.
func (w *World) upheave(ctx context.Context, houses []*house, kills map[string]int) (trouble []error) {
	for turn := 0; ; turn++ {
		if pause(ctx, upheaval); ctx.Err() != nil {
			return trouble
		}
		h := houses[turn%len(houses)]
		deeds := []plan.Fault{
			{Deed: plan.KillTemporal},
			{Deed: plan.ExpireTokens},
			{Deed: plan.KillDatabase, Lasts: time.Millisecond},
			{Deed: plan.FailTokens},
			{Deed: plan.KillDatabase, Lasts: 5 * time.Second},
		}
		f := deeds[turn%len(deeds)]
		if _, err := w.do(context.WithoutCancel(ctx), h, f, ""); err != nil {
			trouble = append(trouble, fmt.Errorf("%s: %w", f.Deed, err))
		}
		kills[string(f.Deed)]++
	}
}

func (w *World) verified(ctx context.Context, houses []*house) (n int) {
	for _, h := range houses {
		rows, err := w.store.Payouts(ctx, store.PayoutFilter{Connection: h.id, State: workflows.StateVerified})
		if err == nil { // the database may be down
			n += len(rows)
		}
	}
	return n
}

// sample asks both workers for their resource use; ok is false while one does not answer.
func (w *World) sample(ctx context.Context) (s Sample, ok bool) {
	for _, k := range w.workers {
		p := k.running()
		if p == nil {
			return s, false
		}
		n, err1 := goroutines(ctx, p)
		b, err2 := metric(ctx, p, "process_resident_memory_bytes")
		if err1 != nil || err2 != nil {
			return s, false
		}
		s.Goroutines, s.Bytes = s.Goroutines+n, s.Bytes+b
	}
	return s, true
}

func (k *supervisor) running() *stack.Process {
	k.mu.Lock()
	defer k.mu.Unlock()
	return k.process
}

// judgeAll has the books of every house judged.
func (w *World) judgeAll(ctx context.Context, houses []*house, out *Soaked) {
	say := func(format string, args ...any) { out.Findings = append(out.Findings, fmt.Sprintf(format, args...)) }
	if !eventually(ctx, 30*time.Second, func() bool { return w.Visma.Pending() == 0 }) {
		say("a request or job of Visma.net never ended")
	}
	writes := w.Visma.Writes()
	for _, h := range houses {
		c := judge.Case{
			Payouts: h.payouts, Books: w.Visma.Books(h.company.TenantID), Bank: "16861", UnknownWait: plan.UnknownWait,
			True: []judge.Cause{{Code: string(held.OutcomeUnknown)}},
		}
		mine := map[string]bool{}
		for _, b := range c.Books.List {
			mine[token(b.Description)] = true
		}
		for _, one := range writes {
			if mine[one.Token] {
				c.Writes = append(c.Writes, one)
			}
		}
		rows, err := w.store.Payouts(ctx, store.PayoutFilter{Connection: h.id})
		if err != nil {
			say("the rig: %v", err)
		}
		for i := range rows {
			c.Reports = append(c.Reports, judge.Report{Reference: rows[i].PaymentReference, State: rows[i].State, Reason: rows[i].HeldReason, Batch: rows[i].BatchNumber})
		}
		var found []string
		eventually(ctx, time.Minute, func() bool {
			if c.Workflows, err = w.workflowsOf(ctx, h.id); err != nil {
				return false
			}
			found = judge.Judge(c)
			return len(found) == 0
		})
		out.Findings = append(out.Findings, found...)
	}
	most := float64(growth + coroutines*len(houses))
	for i, k := range w.workers {
		for _, words := range k.takeTrouble() {
			say("a worker ended: %s", words)
		}
		more := 0.0
		if !eventually(ctx, restWithin, func() bool { n, known := k.grown(ctx); more = n; return known && n <= most }) {
			say("worker %s that is idle has %.0f goroutines more than when it started", strconv.Itoa(i+1), more)
		}
		out.Rest = append(out.Rest, more)
	}
}

// token returns the token in a batch's description.
func token(description string) string {
	for i := range description {
		if description[i] == ']' {
			return description[:i+1]
		}
	}
	return ""
}
