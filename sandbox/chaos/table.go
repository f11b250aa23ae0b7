package main

import (
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"
	"time"

	"kvitt/sandbox/chaos/plan"
	"kvitt/sandbox/chaos/rig"
)

// table counts what was injected, met and survived.
type table struct {
	plans, unclean int
	payouts        int
	rows           map[string]*row // by party and what
}

type row struct {
	where                   map[string]bool // the requests or steps at which it was met
	injected, met, survived int
}

func newTable() *table { return &table{rows: map[string]*row{}} }

func (t *table) add(r rig.Result) {
	t.plans++
	t.payouts += r.Plan.Payouts
	if len(r.Findings) > 0 {
		t.unclean++
	}
	if r.Plan.Clock {
		r.Plan.Faults = append(r.Plan.Faults, plan.Fault{Party: "Processes", What: "the workers' clocks jump an hour forward and back"})
		r.Met = append(r.Met, true)
	}
	for i, f := range r.Plan.Faults {
		key := f.Party + " | " + f.What
		one := t.rows[key]
		if one == nil {
			one = &row{where: map[string]bool{}}
			t.rows[key] = one
		}
		one.injected++
		if !r.Met[i] {
			continue
		}
		one.met++
		if f.Where != "" {
			one.where[f.Where] = true
		}
		if len(r.Findings) == 0 {
			one.survived++
		}
	}
}

func (t *table) print(out io.Writer, took time.Duration) {
	fmt.Fprintf(out, "\n%d plans with %d payouts in %s: %d judged clean, %d unclean.\n\n", t.plans, t.payouts, took.Round(time.Second), t.plans-t.unclean, t.unclean)
	fmt.Fprintf(out, "| who | what goes wrong | met at | injected | met | survived |\n|---|---|---|---|---|---|\n")
	var all row
	for _, key := range slices.Sorted(maps.Keys(t.rows)) {
		r := t.rows[key]
		fmt.Fprintf(out, "| %s | %s | %d | %d | %d |\n", key, strings.Join(slices.Sorted(maps.Keys(r.where)), "; "), r.injected, r.met, r.survived)
		all.injected, all.met, all.survived = all.injected+r.injected, all.met+r.met, all.survived+r.survived
	}
	fmt.Fprintf(out, "| | all | | %d | %d | %d |\n", all.injected, all.met, all.survived)
}
