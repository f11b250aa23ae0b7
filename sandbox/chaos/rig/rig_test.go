package rig_test

import (
	"bytes"
	"context"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"kvitt/sandbox/chaos/plan"
	"kvitt/sandbox/chaos/rig"
	"kvitt/sandbox/stack"
	"kvitt/sandbox/vismasim"
)

// Shared by all tests: the source and the programs built from it.
var module, bin string

func TestMain(m *testing.M) {
	flag.Parse()
	chosen := false
	flag.Visit(func(f *flag.Flag) { chosen = chosen || f.Name == "test.parallel" })
	if !chosen {
		_ = flag.Set("test.parallel", "5") // the tests mostly wait
	}
	status, err := runAll(m)
	if err != nil {
		fmt.Fprintln(os.Stderr, "rig:", err)
		status = 1
	}
	os.Exit(status)
}

func runAll(m *testing.M) (status int, err error) {
	if module, err = stack.Module(); err != nil {
		return 1, err
	}
	if bin, err = os.MkdirTemp("", "kvitt-rig-"); err != nil {
		return 1, err
	}
	defer os.RemoveAll(bin)
	if err := rig.Build(context.Background(), module, bin, rig.Shortened()...); err != nil {
		return 1, err
	}
	return m.Run(), nil
}

// open starts a world for a test.
func open(t *testing.T, o rig.Options) *rig.World {
	t.Helper()
	log := &journal{}
	o.Module, o.Log = module, log
	if o.Bin == "" {
		o.Bin = bin
	}
	w, err := rig.Open(t.Context(), o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		for _, trouble := range w.Close() {
			t.Error(trouble)
		}
		if t.Failed() {
			t.Logf("the last output:\n%s", log.tail())
		}
	})
	return w
}

// A kill at every named step of the protocol, each for another payout, while two others continue.
func TestAKillAtEveryStepLosesAndRepeatsNothing(t *testing.T) {
	t.Parallel()
	steps := plan.Steps()
	p := plan.Plan{Seed: 9001, Payouts: len(steps), Concurrency: len(steps)}
	for i := range steps {
		p.Faults = append(p.Faults, steps[i].Kill(plan.KillAsker, i))
	}
	w := open(t, rig.Options{Database: plan.PostgreSQL, Companies: 1, Workers: 3, Activities: 2})
	got := w.Run(t.Context(), p)
	clean(t, got)
	for i, f := range p.Faults {
		if !got.Met[i] {
			t.Errorf("never met: %s", f.Name())
		}
	}
}

// The plans of `make test`: some of those that `make chaos` draws.
func TestSomePlansOfManyAreJudgedClean(t *testing.T) {
	t.Parallel()
	seeds := map[plan.Database][]uint64{}
	for _, seed := range []uint64{2, 4, 6, 10, 15} {
		database := plan.Draw(seed).Database
		seeds[database] = append(seeds[database], seed)
	}
	for database, list := range seeds {
		t.Run(string(database), func(t *testing.T) {
			t.Parallel()
			w := open(t, rig.Options{Database: database, Companies: len(list)})
			for _, seed := range list {
				clean(t, w.Run(t.Context(), plan.Draw(seed)))
			}
		})
	}
}

func clean(t *testing.T, r rig.Result) {
	t.Helper()
	if len(r.Findings) > 0 {
		t.Errorf("judged unclean after %s: %s\n  ! %s", r.Took.Round(time.Second), r.Plan, strings.Join(r.Findings, "\n  ! "))
	}
}

const post = "internal/posting/post.go"

// broken are variants of the protocol that break the promise: if the judge found nothing in a run of each,
// its silence would mean nothing.
var broken = map[string]struct {
	edit  rig.Edit
	fault vismasim.Fault
	deed  plan.Deed
	words string
}{
	"it sends again on a time-out": {
		edit:  rig.Edit{File: post, Old: `return p.lost(ctx, in, row, "post", postErr)`, New: `return p.send(ctx, in, row)`},
		fault: vismasim.Fault{Kind: vismasim.TimeoutAfterCommit}, words: "is booked twice",
	},
	"it sends again after a crash": {
		edit:  rig.Edit{File: post, Old: "case Sending:\n", New: "case Sending:\n\t\tif row.Attempts > 0 {\n\t\t\treturn p.send(ctx, in, row)\n\t\t}\n"},
		fault: vismasim.Fault{Kind: vismasim.TimeoutAfterCommit}, deed: plan.KillWorkers, words: "is booked twice",
	},
	"it does not wait for what is late": {
		edit:  rig.Edit{File: "internal/posting/find.go", Old: "left > 0 {", New: "left > p.Absent {"},
		fault: vismasim.Fault{Kind: vismasim.ResetAfterCommit, JobAfter: 2500 * time.Millisecond}, words: "is booked twice",
	},
	"it repeats what was refused": {
		edit:  rig.Edit{File: post, Old: `return p.reject(ctx, row, "poll", err)`, New: `return p.send(ctx, in, row)`},
		fault: vismasim.Fault{Kind: vismasim.JobRejected, Message: "Refused on purpose."}, words: "nobody asked for that",
	},
}

func TestABrokenProtocolIsCaught(t *testing.T) {
	t.Parallel()
	for what, b := range broken {
		t.Run(what, func(t *testing.T) {
			t.Parallel()
			dir := t.TempDir()
			if err := rig.Build(t.Context(), module, dir, append(rig.Shortened(), b.edit)...); err != nil {
				t.Fatal(err)
			}
			f := b.fault
			f.Method, f.Path = "POST", "/v2/journaltransaction"
			p := plan.Plan{Seed: 9100, Payouts: 2, Concurrency: 2, Faults: []plan.Fault{
				{Party: "Visma.net", What: "the fault of this variant", Payout: 0, Visma: &f, Deed: b.deed, Unknown: true},
			}}
			w := open(t, rig.Options{Bin: dir, Database: plan.SQLite, Companies: 1, Patience: time.Minute})
			got := w.Run(t.Context(), p)
			if !got.Met[0] {
				t.Fatal("the fault was never met")
			}
			if found := strings.Join(got.Findings, "\n"); !strings.Contains(found, b.words) {
				t.Errorf("the judge found:\n%s\nand not that a payout %s", found, b.words)
			}
		})
	}
}

func TestAnEditThatNoLongerFitsIsAnError(t *testing.T) {
	t.Parallel()
	err := rig.Build(t.Context(), module, t.TempDir(), rig.Edit{File: post, Old: "no such words", New: ""})
	if err == nil || !strings.Contains(err.Error(), "adapt the edit") {
		t.Errorf("the error is %v", err)
	}
	if left, _ := filepath.Glob(filepath.Join(module, "bin", "overlay.json")); len(left) > 0 {
		t.Errorf("left behind is %v", left)
	}
}

// journal keeps the output of the processes.
type journal struct {
	mu   sync.Mutex
	text bytes.Buffer
}

func (j *journal) Write(b []byte) (int, error) {
	j.mu.Lock()
	defer j.mu.Unlock()
	return j.text.Write(b)
}

func (j *journal) tail() string {
	j.mu.Lock()
	defer j.mu.Unlock()
	const most = 4000
	return j.text.String()[max(0, j.text.Len()-most):]
}
