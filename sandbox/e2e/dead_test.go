package e2e_test

import (
	"encoding/json"
	"strings"
	"testing"
	"time"

	"kvitt/sandbox/stack"
)

// checked is what `starter doctor` says of the worker.
type checked struct {
	Result, Found, Remedy string
}

func (w *world) doctorOnWorker(t *testing.T) checked {
	t.Helper()
	var document struct {
		Checks []struct {
			Check, Result, Found, Remedy string
		}
	}
	s := w.starter(t, "doctor", "--output", "json")
	if err := json.Unmarshal([]byte(s.out), &document); err != nil {
		t.Fatalf("doctor: %v\n%s%s", err, s.out, s.err)
	}
	for _, c := range document.Checks {
		if c.Check == "worker" {
			return checked{c.Result, c.Found, c.Remedy}
		}
	}
	t.Fatalf("doctor does not check the worker:\n%s", s.out)
	return checked{}
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
	if got.Result != "fail" || !strings.Contains(got.Found, "None of them answers now") || got.Remedy == "" {
		t.Errorf("%s after it was killed: %+v", time.Since(killed), got)
	}
	if took := time.Since(killed); took > time.Minute {
		t.Errorf("doctor took %s", took)
	}

	if _, err := w.StartWorker(t.Context()); err != nil {
		t.Fatal(err)
	}
	if got := w.doctorOnWorker(t); got.Result != "ok" || !strings.Contains(got.Found, "it answers") {
		t.Errorf("another worker in its place: %+v", got)
	}
}
