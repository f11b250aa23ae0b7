package main

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"slices"
	"strconv"
	"strings"
	"time"

	"go.temporal.io/sdk/client"

	"kvitt/sandbox/shop"
	"kvitt/sandbox/stack"
)

const (
	payouts     = 200
	concurrency = 8
	answerTime  = 100 * time.Millisecond
)

// backfill compares the real system, with Temporal and the store, with a bare loop that makes the same
// calls with the same concurrency, and counts the cost of a posted payout.
func backfill(ctx context.Context, module string) ([]figure, []string, error) {
	merchant, err := plainShop(payouts)
	if err != nil {
		return nil, nil, err
	}
	st, id, err := connected(ctx, stack.Options{Module: module, Shop: stack.Shop{Made: merchant}})
	if st != nil {
		defer func() { _ = st.Close() }()
	}
	if err != nil {
		return nil, nil, err
	}
	st.Klarna.SetLatency(answerTime)
	st.Visma.SetLatency(answerTime)
	st.Klarna.ResetRequests()
	st.Visma.ResetRequests()

	began := time.Now()
	out, err := st.Ask(ctx, "backfill", id, "--from", "2025-01-01", "--to", "2025-12-31", "--yes", "--output", "json", "--concurrency", strconv.Itoa(concurrency))
	ours := time.Since(began)
	if err != nil {
		return nil, nil, err
	}
	var document struct {
		Posted int `json:"posted"`
	}
	if err := json.Unmarshal(out, &document); err != nil {
		return nil, nil, fmt.Errorf("read what the backfill posted: %w", err)
	}
	if document.Posted != payouts {
		return nil, nil, fmt.Errorf("the backfill posted %d of %d payouts", document.Posted, payouts)
	}
	requests := perPayout(st)
	actions, events, err := cost(ctx, st)
	if err != nil {
		return nil, nil, err
	}
	bare, err := bareLoop(ctx, merchant)
	if err != nil {
		return nil, nil, err
	}
	seconds := func(d time.Duration) string { return fmt.Sprintf("%.1f s", d.Seconds()) }
	return []figure{
		{"backfill of 200 payouts at 100 ms a request, against a bare loop", seconds(ours), seconds(bare), ours.Seconds() / bare.Seconds(), 1.5},
		{"Temporal actions per posted payout", fmt.Sprintf("%.2f", actions), "8", actions / 8, 1},
		{"history events per posted payout", fmt.Sprintf("%.2f", events), "45", events / 45, 1},
	}, requests, nil
}

// plainShop has n payouts of about thirty rows, spread over 2025.
func plainShop(n int) (*shop.Shop, error) {
	merchant := shop.New("K600001", "SEK")
	first := time.Date(2025, 1, 2, 9, 0, 0, 0, time.UTC)
	for i := range n {
		var rows []shop.Row
		for order := range uint64(10) {
			rows = append(rows, shop.SaleRows(uint64(i)*100+order, 49_900+int64(order)*100, 1_450, 350, 2500)...)
		}
		p, err := shop.Settlement{
			PaymentReference: fmt.Sprintf("7200%08d", i), Date: first.Add(time.Duration(i) * 360 * 24 * time.Hour / time.Duration(n)), Rows: rows,
		}.Payout()
		if err != nil {
			return nil, err
		}
		merchant.Add(p)
	}
	return merchant, nil
}

// connected starts everything and sets one connection up. workers are further settings for the worker
// only.
func connected(ctx context.Context, o stack.Options, workers ...string) (*stack.Stack, string, error) {
	if o.Log == nil {
		o.Log = io.Discard
	}
	st, err := stack.Start(ctx, o)
	if err != nil {
		return st, "", err
	}
	if _, err := st.Ask(ctx, "setup"); err != nil {
		return st, "", err
	}
	if _, err := st.StartWorker(ctx, workers...); err != nil {
		return st, "", err
	}
	id, err := st.Connect(ctx, func(...string) {})
	return st, id, err
}

// perPayout lists the requests by endpoint, per posted payout.
func perPayout(st *stack.Stack) []string {
	lines := []string{"Requests per posted payout, by endpoint:", "", "| endpoint | requests |", "|---|---|"}
	counts := map[string]float64{}
	for endpoint, n := range st.Klarna.Requests().ByEndpoint {
		counts["Klarna GET "+endpoint] = float64(n)
	}
	for endpoint, n := range st.Visma.Requests() {
		method, path, _ := strings.Cut(endpoint, " ")
		counts["Visma.net "+method+" "+path] = float64(n)
	}
	var names []string
	for name := range counts {
		names = append(names, name)
	}
	slices.Sort(names)
	total := 0.0
	for _, name := range names {
		total += counts[name]
		lines = append(lines, fmt.Sprintf("| %s | %.2f |", name, counts[name]/payouts))
	}
	return append(lines, fmt.Sprintf("| all | %.2f |", total/payouts))
}

// cost counts actions and events of all workflows of the backfill, per posted payout.
func cost(ctx context.Context, st *stack.Stack) (actions, events float64, err error) {
	c, err := client.DialContext(ctx, client.Options{HostPort: st.Temporal.Address, Logger: stack.Quiet{}})
	if err != nil {
		return 0, 0, err
	}
	defer c.Close()
	total, err := stack.Cost(ctx, c, "WorkflowType = 'PayoutWorkflow' OR WorkflowId STARTS_WITH 'backfill/'")
	if err != nil {
		return 0, 0, err
	}
	if total.Payouts != payouts {
		return 0, 0, fmt.Errorf("%d payout workflows were found, want %d", total.Payouts, payouts)
	}
	return float64(total.Actions) / payouts, float64(total.Events) / payouts, nil
}
