package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"sync"
	"time"

	"kvitt/sandbox/chaos/plan"
	"kvitt/sandbox/chaos/rig"
	"kvitt/sandbox/stack"
)

// kind is the configuration that the plans of one world share.
type kind struct {
	database plan.Database
	clock    bool
}

// lane is a world that takes one plan after another.
type lane struct {
	kind
	plans <-chan plan.Plan
	most  int
}

// run carries out the plans in several worlds at a time and prints the table.
func (o options) run(ctx context.Context, out io.Writer) error {
	module, err := stack.Module()
	if err != nil {
		return err
	}
	lanes := o.lanes()
	bins := map[bool]string{}
	for _, l := range lanes {
		if bins[l.clock] != "" {
			continue
		}
		if bins[l.clock], err = os.MkdirTemp("", "kvitt-chaos-bin-"); err != nil {
			return err
		}
		defer os.RemoveAll(bins[l.clock])
		edits := rig.Shortened()
		if l.clock {
			edits = append(edits, rig.JumpingClock())
		}
		if err := rig.Build(ctx, module, bins[l.clock], edits...); err != nil {
			return err
		}
	}
	began := time.Now()
	t := newTable()
	var mu sync.Mutex
	var failures []error
	var all sync.WaitGroup
	for _, l := range lanes {
		all.Go(func() {
			err := l.serve(ctx, rig.Options{Module: module, Bin: bins[l.clock], Log: o.log()}, func(r rig.Result) {
				mu.Lock()
				defer mu.Unlock()
				t.add(r)
				printResult(out, r)
			})
			if err != nil {
				mu.Lock()
				failures = append(failures, err)
				mu.Unlock()
			}
		})
	}
	all.Wait()
	t.print(out, time.Since(began))
	if t.unclean > 0 {
		failures = append(failures, fmt.Errorf("%d of %d plans were judged unclean", t.unclean, t.plans))
	}
	if t.plans < o.plans {
		failures = append(failures, fmt.Errorf("%d of %d plans were carried out", t.plans, o.plans))
	}
	return errors.Join(failures...)
}

// lanes distributes the plans over worlds of their kind.
func (o options) lanes() []lane {
	dealt := map[kind][]plan.Plan{}
	for i := range uint64(o.plans) {
		p := plan.Draw(o.seed + i)
		k := kind{p.Database, p.Clock}
		dealt[k] = append(dealt[k], p)
	}
	var all []lane
	for _, database := range []plan.Database{plan.PostgreSQL, plan.SQLite} {
		for _, clock := range []bool{false, true} {
			k := kind{database, clock}
			plans := dealt[k]
			queue := make(chan plan.Plan, len(plans))
			for _, p := range plans {
				queue <- p
			}
			close(queue)
			// The number of worlds is proportional to the kind's share of the plans, at least one.
			for range min(len(plans), max(1, (o.worlds*len(plans)+o.plans/2)/o.plans)) {
				all = append(all, lane{k, queue, len(plans)})
			}
		}
	}
	return all
}

func (l lane) serve(ctx context.Context, o rig.Options, done func(rig.Result)) error {
	o.Database, o.Companies = l.database, l.most
	w, err := rig.Open(ctx, o)
	if err != nil {
		return fmt.Errorf("open a world on %s: %w", l.database, err)
	}
	var last plan.Plan
	for p := range l.plans {
		if ctx.Err() != nil {
			break
		}
		last = p
		done(w.Run(ctx, p))
	}
	if trouble := w.Close(); len(trouble) > 0 {
		return fmt.Errorf("after plan %d a world did not end cleanly: %v", last.Seed, trouble)
	}
	return ctx.Err()
}

// printResult prints the result of a plan; for one that was judged unclean, everything.
func printResult(out io.Writer, r rig.Result) {
	if len(r.Findings) == 0 {
		fmt.Fprintf(out, "plan %d: clean after %s\n", r.Plan.Seed, r.Took.Round(100*time.Millisecond))
		return
	}
	fmt.Fprintf(out, "\nUNCLEAN after %s: %s\n", r.Took.Round(100*time.Millisecond), r.Plan)
	for _, f := range r.Findings {
		fmt.Fprintf(out, "  ! %s\n", f)
	}
	fmt.Fprintf(out, "  repeat with: go run ./sandbox/chaos -seed %d\n\n", r.Plan.Seed)
}
