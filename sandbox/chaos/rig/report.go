package rig

import (
	"context"
	"time"

	"go.temporal.io/api/workflowservice/v1"

	"kvitt/internal/store"
	"kvitt/sandbox/chaos/judge"
	"kvitt/sandbox/chaos/plan"
)

// growth is the number of goroutines that an idle worker may have more than at its start: kept-alive
// connections and pollers added since.
const growth = 60

// restWithin is the longest time connections are kept alive: 50 s to Klarna and 90 s to Visma.net.
const restWithin = 2 * time.Minute

// report collects the evidence when everything is idle, and has it judged.
func (r *run) report(ctx context.Context) {
	// Late bookings must arrive before the books are read.
	if !eventually(ctx, 20*time.Second, func() bool { return r.w.Visma.Pending() == 0 }) {
		r.find("the rig: %d requests and jobs of Visma.net never ended", r.w.Visma.Pending())
	}
	stockholm, err := zone()
	if err != nil {
		r.find("the rig: %v", err)
		return
	}
	c := judge.Case{
		Payouts: r.h.payouts, Books: r.w.Visma.Books(r.h.company.TenantID), Writes: r.w.Visma.Writes(), Bank: "16861",
		Split: r.h.split, Receivable: receivable, Zone: stockholm,
		Holds: r.holds, True: r.causes(), Asked: r.asked, UnknownWait: plan.UnknownWait,
	}
	rows, err := r.w.store.Payouts(ctx, store.PayoutFilter{Connection: r.h.id})
	if err != nil {
		r.find("the rig: %v", err)
	}
	for i := range rows {
		c.Reports = append(c.Reports, judge.Report{Reference: rows[i].PaymentReference, State: rows[i].State, Reason: rows[i].HeldReason, Batch: rows[i].BatchNumber})
	}
	// A workflow that has just ended becomes visible a little later.
	var found []string
	if !eventually(ctx, 20*time.Second, func() bool {
		if c.Workflows, err = r.w.workflowsOf(ctx, r.h.id); err != nil {
			return false
		}
		found = judge.Judge(c)
		return len(found) == 0
	}) && err != nil {
		r.find("the rig: list the workflows: %v", err)
	}
	for _, words := range found {
		r.find("%s", words)
	}
	for _, k := range r.w.workers {
		for _, words := range k.takeTrouble() {
			r.find("a worker ended: %s", words)
		}
		var more float64
		if !eventually(ctx, restWithin, func() bool {
			n, known := k.grown(ctx)
			more = n
			return known && n <= growth
		}) {
			r.find("an idle worker has %.0f goroutines more than when it started", more)
		}
	}
}

// workflowsOf returns Temporal's workflows of a connection.
func (w *World) workflowsOf(ctx context.Context, id string) (all []judge.Workflow, err error) {
	var page []byte
	for {
		found, err := w.temporal.ListWorkflow(ctx, &workflowservice.ListWorkflowExecutionsRequest{Query: "KvittConnection = '" + id + "'", NextPageToken: page, PageSize: 200})
		if err != nil {
			return nil, err
		}
		for _, e := range found.GetExecutions() {
			all = append(all, judge.Workflow{ID: e.GetExecution().GetWorkflowId(), Type: e.GetType().GetName(), Status: e.GetStatus().String()})
		}
		if page = found.GetNextPageToken(); len(page) == 0 {
			return all, nil
		}
	}
}
