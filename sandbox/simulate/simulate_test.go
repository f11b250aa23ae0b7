package main

import (
	"fmt"
	"io"
	"regexp"
	"runtime"
	"slices"
	"strings"
	"testing"
)

// played is the trace of a schedule, what is bad about it, and what happened.
func played(seed uint64, v variant, threads *[]*thread) (trace string, found []string, happened counts) {
	var out strings.Builder
	w := newWorld(seed, v, threads)
	w.trace = func(line string) { out.WriteString(line + "\n") }
	found = w.play()
	return out.String(), found, w.counts
}

// TestSchedulesAreClean runs a fixed number of them, and sees to it that they are
// not trivial.
func TestSchedulesAreClean(t *testing.T) {
	const schedules = 3_000
	var out strings.Builder
	bad := run(&out, 1, schedules, 0, runtime.GOMAXPROCS(0))
	t.Log("\n" + out.String())
	if bad > 0 {
		t.Errorf("%d schedules are bad", bad)
	}
	lines := strings.Split(strings.TrimSpace(out.String()), "\n")
	if want := fmt.Sprintf("%d schedules, %d bad", schedules, bad); lines[len(lines)-1] != want {
		t.Errorf("the last line is %q, and should be %q", lines[len(lines)-1], want)
	}
	for _, name := range named {
		least := 15.0 // of 100 schedules
		row := regexp.MustCompile(regexp.QuoteMeta(name) + `.* ([0-9.]+)%`).FindStringSubmatch(out.String())
		var share float64
		if row != nil {
			_, _ = fmt.Sscan(row[1], &share)
		}
		if share < least {
			t.Errorf("%.1f%% of the schedules have %s, and at least %.0f%% should", share, name, least)
		}
	}
}

// TestASeedRepeatsExactly: whatever happens follows from the seed, whether anybody
// looks or not, and whatever was played before.
func TestASeedRepeatsExactly(t *testing.T) {
	t.Parallel()
	var threads, others []*thread
	defer func() { end(threads); end(others) }()
	different := map[string]bool{}
	for seed := range uint64(200) {
		first, found, happened := played(seed, variant{}, &threads)
		second, again, _ := played(seed, variant{}, &others)
		if first != second || !slices.Equal(found, again) {
			t.Fatalf("seed %d does not repeat: %d and %d bytes of trace, %v and %v", seed, len(first), len(second), found, again)
		}
		unseen := newWorld(seed, variant{}, &threads)
		if silent := unseen.play(); !slices.Equal(silent, found) || unseen.counts != happened {
			t.Fatalf("seed %d goes another way when nobody looks: %v, and %v", seed, unseen.counts, happened)
		}
		different[first] = true
	}
	if len(different) < 200 {
		t.Errorf("200 seeds lead to %d traces", len(different))
	}
}

func TestEveryBrokenVariantIsFound(t *testing.T) {
	for i := range variants {
		v := variants[i]
		t.Run(v.name, func(t *testing.T) {
			t.Parallel()
			after, words := v.find(mostUntilFound)
			if after == 0 {
				t.Fatalf("it is not found in %d schedules", mostUntilFound)
			}
			t.Logf("found after %d: %s", after, words)
			if again := replay(io.Discard, after, v); !again {
				t.Errorf("seed %d, which found it, does not when it is replayed", after)
			}
		})
	}
}

// TestACrashAtEachAwait kills a worker at each step of schedules in which nothing
// else goes wrong but what becomes of the job.
func TestACrashAtEachAwait(t *testing.T) {
	t.Parallel()
	var threads []*thread
	defer func() { end(threads) }()
	killed := 0
	for seed := range uint64(15) {
		for step := 1; ; step++ {
			w := newWorld(seed, variant{}, &threads)
			w.troubled, w.crashes, w.diesAt, w.books.half = 0, 1, step, none
			w.deadly = 0
			if found := w.play(); len(found) > 0 {
				t.Fatalf("seed %d, crash at step %d: %v", seed, step, found)
			}
			if w.counts[steps] < step || step > 300 {
				break
			}
			killed += w.counts[crashes]
		}
	}
	if killed < 500 {
		t.Errorf("workers were killed at %d steps", killed)
	}
}

// Schedules that were bad before the protocol was mended stay clean.
func TestWhatWasMendedStaysClean(t *testing.T) {
	var threads []*thread
	defer func() { end(threads) }()
	for _, seed := range []uint64{1065, 702470} {
		if _, found, _ := played(seed, variant{}, &threads); len(found) > 0 {
			t.Errorf("seed %d: %v", seed, found)
		}
	}
}
