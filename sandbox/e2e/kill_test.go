package e2e_test

import (
	"fmt"
	"math/rand/v2"
	"net/http"
	"testing"
	"time"

	"kvitt/sandbox/stack"
	"kvitt/sandbox/vismasim"
)

// crash is a backfill during which things die.
type crash struct {
	*house
	dice  *rand.Rand
	kills int
}

func TestWhateverIsKilledWheneverEveryPayoutIsPostedOnce(t *testing.T) {
	t.Parallel()
	merchant := quarter(t, 12)
	w, err := begin(t.Context(), stack.Options{
		Shop: stack.Shop{Made: merchant}, Companies: companies(1),
		// Few activities at a time: what dies with its process is taken up again
		// only after a while, and the others must have something left to do.
		Environment: []string{"KVITT_ACTIVITIES=2"},
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if t.Failed() {
			t.Logf("the workers' last words:\n%s", w.log.tail())
		}
		if err := w.end(); err != nil {
			t.Error(err)
		}
	})
	const seed = 20260124
	c := &crash{dice: rand.New(rand.NewPCG(seed, seed))} //nolint:gosec // repeatable on purpose
	worker := c.worker(t, w)
	c.house = w.house(t, plan{shop: merchant})
	w.Klarna.SetLatency(15 * time.Millisecond)
	w.Visma.SetLatency(25 * time.Millisecond)
	backfill := w.run(t, nil, c.backfill(quarterFrom, quarterTo, "--concurrency", "64")...)

	for range 5 {
		worker = c.atAnyMoment(t, worker)
	}
	for _, f := range []vismasim.Fault{
		{Kind: vismasim.Slow, Delay: 5 * time.Second, Path: journals}, // nothing was done yet
		{Kind: vismasim.TimeoutAfterCommit, Path: journals},           // it was accepted, and nobody heard
		{Kind: vismasim.TimeoutAfterCommit, Path: "/v2/journaltransaction/*/action/release"},
		{Kind: vismasim.TimeoutAfterCommit, Path: "/v2/journaltransaction/module/*/*/attachment"},
		{Kind: vismasim.Slow, Delay: 5 * time.Second, Path: journals},
		{Kind: vismasim.TimeoutAfterCommit, Path: journals},
	} {
		worker = c.inTheMiddleOf(t, worker, f)
	}
	other := c.worker(t, w)
	for range 2 {
		worker, other = other, c.atAnyMoment(t, worker)
	}
	if err := w.RestartTemporal(t.Context()); err != nil {
		t.Fatal(err)
	}
	c.atAnyMoment(t, worker)
	t.Logf("%d times something was killed; %d payouts stand in the books", c.kills, w.Visma.Books(c.firm.TenantID).Batches)

	got := report(t, backfill.wait(t).with(t, 0))
	n := len(merchant.Payouts())
	got.came(t, counted{Found: n, Posted: n, Adopted: got.Adopted})
	if got.Adopted < 2 {
		t.Errorf("%d payouts were adopted, and two were accepted while nobody heard", got.Adopted)
	}
	c.once(t, merchant.Payouts()...)
	for _, p := range got.Payouts {
		if p.State != "verified" || p.Difference != 0 {
			t.Errorf("payout %+v", p)
		}
	}
	if err := w.store.VerifyAudit(t.Context()); err != nil {
		t.Error(err)
	}
}

func (c *crash) worker(t *testing.T, w *world) *stack.Process {
	t.Helper()
	p, err := w.StartWorker(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	return p
}

// atAnyMoment kills a worker at a random moment of its work and starts another
// one.
func (c *crash) atAnyMoment(t *testing.T, p *stack.Process) *stack.Process {
	t.Helper()
	before := c.asked()
	until(t, time.Minute, "something is under way", func() string {
		if c.asked() == before {
			return "nothing is asked"
		}
		return ""
	})
	moment := time.NewTimer(time.Duration(c.dice.IntN(700)) * time.Millisecond)
	defer moment.Stop()
	<-moment.C
	return c.kill(t, p)
}

// asked returns how much was asked of Klarna and Visma.net.
func (c *crash) asked() int {
	n := int(c.Klarna.Requests().Total)
	for _, times := range c.Visma.Requests() {
		n += times
	}
	return n
}

// inTheMiddleOf kills a worker while it waits for the answer of a request.
func (c *crash) inTheMiddleOf(t *testing.T, p *stack.Process, f vismasim.Fault) *stack.Process {
	t.Helper()
	endpoint := map[string]string{
		journals: "POST /v2/journaltransaction",
		"/v2/journaltransaction/*/action/release":      "POST /v2/journaltransaction/{number}/action/release",
		"/v2/journaltransaction/module/*/*/attachment": "POST /v2/journaltransaction/module/{module}/{number}/attachment",
	}[f.Path]
	f.Method = http.MethodPost
	before := c.Visma.Requests()[endpoint]
	inject(t, c.house, f)
	until(t, time.Minute, fmt.Sprintf("%s has arrived", endpoint), func() string {
		if c.Visma.Requests()[endpoint] > before {
			return ""
		}
		return fmt.Sprintf("%d requests, %d batches", before, c.Visma.Books(c.firm.TenantID).Batches)
	})
	return c.kill(t, p)
}

func (c *crash) kill(t *testing.T, p *stack.Process) *stack.Process {
	t.Helper()
	p.Kill()
	c.kills++
	return c.worker(t, c.world)
}
