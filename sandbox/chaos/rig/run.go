package rig

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"kvitt/internal/held"
	"kvitt/internal/store"
	"kvitt/sandbox/chaos/judge"
	"kvitt/sandbox/chaos/plan"
	"kvitt/workflows"
)

// patience is the time a plan may take until every payout is verified, unless the world's options set
// another.
const patience = 4 * time.Minute

// Result is the outcome of a plan: which of its faults were met, and what the judge and the rig found
// wrong.
type Result struct {
	Plan     plan.Plan
	Met      []bool
	Findings []string
	Adopted  int
	Took     time.Duration
}

// run is one plan being carried out.
type run struct {
	w *World
	p plan.Plan
	h *house

	strikes chan strike
	hands   sync.WaitGroup // deeds under way

	mu       sync.Mutex
	met      []bool
	done     []bool // deeds begun
	findings []string
	tokens   map[int]int // requests for tokens before a deed that concerns them
	klarna   map[int]int // ids of faults that stay until they are removed
	holds    []judge.Hold
	asked    []judge.Asked
	seen     map[string]time.Time
}

type strike struct {
	name, server, path string
}

// Run carries a plan out and has it judged.
func (w *World) Run(ctx context.Context, p plan.Plan) Result {
	began := time.Now()
	r := &run{
		w: w, p: p, strikes: make(chan strike, 1024), met: make([]bool, len(p.Faults)), done: make([]bool, len(p.Faults)),
		tokens: map[int]int{}, klarna: map[int]int{}, seen: map[string]time.Time{},
	}
	if err := r.carry(ctx); err != nil {
		r.find("the rig: %v", err)
	}
	return Result{Plan: p, Met: r.met, Findings: r.findings, Took: time.Since(began)}
}

func (r *run) find(format string, args ...any) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.findings = append(r.findings, fmt.Sprintf(format, args...))
}

func (r *run) carry(ctx context.Context) (err error) {
	if r.h, err = r.w.build(ctx, r.p); err != nil {
		return err
	}
	r.w.Visma.ResetRequests()
	r.w.Klarna.ResetRequests()
	r.w.onStrike(func(name, server, path string) { r.strikes <- strike{name, server, path} })
	defer r.w.onStrike(nil)
	if err := r.arm(); err != nil {
		return err
	}
	watching, stop := context.WithCancel(ctx)
	var watch sync.WaitGroup
	watch.Go(func() { r.watch(watching) })
	_, err = r.w.Ask(ctx, "backfill", r.h.id, "--from", firstDay, "--to", lastDay, "--yes", "--detach", "--output", "json",
		"--concurrency", strconv.Itoa(r.p.Concurrency))
	if err == nil {
		r.settle(ctx)
	}
	stop()
	watch.Wait()
	r.hands.Wait()
	r.w.Visma.ClearFaults()
	r.w.Klarna.ClearFault(0)
	r.w.skew.Store(0)
	if err != nil {
		return err
	}
	r.report(ctx)
	_, err = r.w.Ask(ctx, "connection", "pause", r.h.id)
	return err
}

// arm gives the simulated providers their faults.
func (r *run) arm() error {
	for i, f := range r.p.Faults {
		name := strconv.Itoa(i)
		switch {
		case f.Released:
			mark := *f.Visma
			mark.Kind, mark.Method, mark.Path, mark.Name = "slow", "POST", "/v2/journaltransaction/*/action/release", name+"!"
			mark.Delay, mark.Times, mark.Tenant = 250*time.Millisecond, 1, r.h.company.TenantID
			if err := r.w.Visma.Inject(mark); err != nil {
				return err
			}
		case f.Visma != nil:
			v := *f.Visma
			v.Name, v.Tenant = name, r.h.company.TenantID
			if f.Payout >= 0 {
				v.Body = r.h.payouts[f.Payout].PaymentReference
			}
			if err := r.w.Visma.Inject(v); err != nil {
				return err
			}
		case f.Klarna != nil:
			k := *f.Klarna
			k.Name = name
			if f.Payout >= 0 {
				k.PaymentReference = r.h.payouts[f.Payout].PaymentReference
				if path, ok := strings.CutSuffix(k.Path, "/*"); ok {
					k.Path = path + "/" + k.PaymentReference
				}
			}
			r.klarna[i] = r.w.Klarna.Inject(k)
		}
	}
	return nil
}

// watch does the deeds that are due when a fault strikes or after a number of requests.
func (r *run) watch(ctx context.Context) {
	tick := time.NewTicker(20 * time.Millisecond)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case s := <-r.strikes:
			r.struck(ctx, s)
		case <-tick.C:
			asked := r.asks()
			for i, f := range r.p.Faults {
				if f.Deed != plan.None && f.After > 0 && asked >= f.After {
					r.begin(ctx, i, "")
				}
			}
		}
	}
}

func (r *run) struck(ctx context.Context, s strike) {
	name, mark := strings.CutSuffix(s.name, "!")
	i, err := strconv.Atoi(name)
	if err != nil || i >= len(r.p.Faults) {
		return
	}
	f := r.p.Faults[i]
	if mark {
		v := *f.Visma
		v.Path = strings.TrimSuffix(s.path, "/action/release")
		v.Name, v.Tenant = name, r.h.company.TenantID
		if err := r.w.Visma.Inject(v); err != nil {
			r.find("the rig: %v", err)
		}
		return
	}
	r.mu.Lock()
	r.met[i] = true
	r.mu.Unlock()
	if f.Deed != plan.None {
		r.begin(ctx, i, s.server)
	}
}

// asks returns the number of requests to both providers in this plan.
func (r *run) asks() int {
	n := int(r.w.Klarna.Requests().Total)
	for _, times := range r.w.Visma.Requests() {
		n += times
	}
	return n
}

// settle waits until every payout is verified and the backfill has ended, and meanwhile does what a person
// would do: remove the causes, and try again.
func (r *run) settle(ctx context.Context) {
	sync := workflows.BackfillWorkflowID(r.h.id, firstDay, lastDay)
	progress := ""
	if !eventually(ctx, r.w.patience, func() bool {
		rows, err := r.w.store.Payouts(ctx, store.PayoutFilter{Connection: r.h.id})
		if err != nil {
			progress = err.Error()
			return false
		}
		verified := 0
		var states []string
		for i := range rows {
			states = append(states, rows[i].PaymentReference+" "+rows[i].State+" "+rows[i].HeldReason)
			if rows[i].State == workflows.StateVerified {
				verified++
			}
			r.mend(ctx, &rows[i])
		}
		r.reauthorize(ctx)
		progress = fmt.Sprintf("%d of %d are verified: %s", verified, len(r.h.payouts), strings.Join(states, ", "))
		if verified < len(r.h.payouts) {
			return false
		}
		progress = "all are verified, and the backfill is still running"
		seen, err := r.w.temporal.DescribeWorkflowExecution(ctx, sync, "")
		return err == nil && seen.GetWorkflowExecutionInfo().GetCloseTime() != nil
	}) {
		r.find("after %s it has not settled: %s", r.w.patience, progress)
	}
}

// mend records that a payout is held, removes the cause and asks to try again.
func (r *run) mend(ctx context.Context, row *store.Payout) {
	if row.HeldReason == "" {
		return
	}
	key := row.PaymentReference + row.HeldReason + row.UpdatedAt.String()
	since, known := r.seen[key]
	if known && time.Since(since) < 10*time.Second {
		return
	}
	r.seen[key] = time.Now()
	if !known {
		var h workflows.Held
		_ = json.Unmarshal(row.Held, &h) // without a text the judge calls the reason untrue
		r.holds = append(r.holds, judge.Hold{Reference: row.PaymentReference, Code: row.HeldReason, Words: h.Detail})
	}
	if reason, _ := held.Look(held.Code(row.HeldReason)); reason.Waits != held.ForPerson {
		return
	}
	for i, f := range r.p.Faults {
		if f.Klarna != nil && len(f.Holds) > 0 && r.h.payouts[f.Payout].PaymentReference == row.PaymentReference {
			r.w.Klarna.ClearFault(r.klarna[i])
		}
	}
	r.asked = append(r.asked, judge.Asked{Reference: row.PaymentReference, At: time.Now()})
	_, _ = r.w.Ask(ctx, "payout", "retry", r.h.id, row.PaymentReference) // asked again if it did not help
}

// reauthorize gives Kvitt access again once it has noticed that it lost it.
func (r *run) reauthorize(ctx context.Context) {
	c, err := r.w.store.Connection(ctx, r.h.id)
	if err != nil || c.State != workflows.ConnReauthRequired {
		return
	}
	for i, f := range r.p.Faults {
		r.mu.Lock()
		begun := r.done[i]
		r.met[i] = r.met[i] || begun && (f.Deed == plan.RevokeCompany || f.Deed == plan.RevokeKey)
		r.mu.Unlock()
		switch {
		case !begun:
		case f.Deed == plan.RevokeCompany:
			r.w.Providers.Connect.Approve(clientID, r.h.company.TenantID, true)
			_ = r.w.authorize(ctx, r.h) // retried at the next check
		case f.Deed == plan.RevokeKey:
			_ = r.w.Klarna.RestoreKey(r.h.key)
			_ = r.w.giveKey(ctx, r.h) // retried at the next check
		default:
		}
	}
}

// causes lists the deeds and faults that justify holding a payout.
func (r *run) causes() (all []judge.Cause) {
	kills := []plan.Deed{plan.KillAsker, plan.KillOne, plan.KillWorkers, plan.KillTemporal, plan.KillDatabase, plan.FillDisk}
	for i, f := range r.p.Faults {
		if !r.met[i] {
			continue
		}
		reference, words := "", ""
		if f.Payout >= 0 {
			reference = r.h.payouts[f.Payout].PaymentReference
		}
		if f.Visma != nil {
			words = strings.TrimSuffix(f.Visma.Message, ".")
		}
		for _, code := range f.Holds {
			all = append(all, judge.Cause{Reference: reference, Code: string(code), Words: words})
		}
		switch {
		case slices.Contains(kills, f.Deed):
			all = append(all, judge.Cause{Code: string(held.OutcomeUnknown)})
		case f.Unknown:
			all = append(all, judge.Cause{Reference: reference, Code: string(held.OutcomeUnknown)})
		}
	}
	return all
}
