package e2e_test

import (
	"encoding/json"
	"slices"
	"strings"
	"testing"
	"time"

	"kvitt/sandbox/stack"
)

// check is a line of `starter doctor`.
type check struct{ Check, Result, Words, Remedy string }

// doctorOnWorker returns what the doctor says of the worker.
func (w *world) doctorOnWorker(t *testing.T) check {
	t.Helper()
	var all []check
	s := w.starter(t, "doctor", "--output", "json")
	if err := json.Unmarshal([]byte(s.out), &all); err != nil {
		t.Fatalf("doctor: %v\n%s%s", err, s.out, s.err)
	}
	at := slices.IndexFunc(all, func(c check) bool { return c.Check == "worker" })
	if at < 0 {
		t.Fatalf("doctor does not check the worker:\n%s", s.out)
	}
	return all[at]
}

// Temporal names a worker for five minutes after its death, so a list of names
// proves nothing: the doctor must see the death long before, and must not take
// the next worker for dead.
func TestDoctorNoticesAKilledWorkerAtOnce(t *testing.T) {
	t.Parallel()
	w := start(t, stack.Options{Companies: companies(1), Shop: stack.Shop{Made: merchant(nil)}})
	w.house(t, plan{})
	if got := w.doctorOnWorker(t); got.Result != "ok" {
		t.Fatalf("a worker that lives: %+v", got)
	}

	w.Workers()[0].Kill()
	killed := time.Now()
	got := w.doctorOnWorker(t)
	if got.Result != "failed" || !strings.Contains(got.Words, "None answers now") || got.Remedy == "" {
		t.Errorf("%s after it was killed: %+v", time.Since(killed), got)
	}
	if took := time.Since(killed); took > time.Minute {
		t.Errorf("doctor took %s", took)
	}

	if _, err := w.StartWorker(t.Context()); err != nil {
		t.Fatal(err)
	}
	if got := w.doctorOnWorker(t); got.Result != "ok" || !strings.Contains(got.Words, "it answers") {
		t.Errorf("another worker in its place: %+v", got)
	}
}
