package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"regexp"
	"strconv"
	"strings"
	"sync"

	"kvitt/sandbox/shop"
	"kvitt/sandbox/stack"
)

// memory compares a worker that posts a payout of a million rows with one that posts ten thousand, each a
// real, new process.
//
// What the worker keeps must not grow with the rows: the highest live heap after a garbage collection. The
// collector reports it in whole MiB, and the small worker collects only some fourteen times, so that it
// differs by a MiB or two from run to run. Five bytes kept per row would still miss the limit.
//
// The resident memory also contains the garbage between two collections, which depends on when the
// collector gets a processor: on a busy machine it moved by a tenth from run to run. It is measured
// because containers are limited by it and because SQLite's memory is outside the heap; its limit allows
// for that.
func memory(ctx context.Context, module string) ([]figure, []string, error) {
	const small, large = 10_000, 1_000_000
	few, err := peak(ctx, module, small)
	if err != nil {
		return nil, nil, err
	}
	many, err := peak(ctx, module, large)
	if err != nil {
		return nil, nil, err
	}
	line := func(what string, many, few, limit float64) figure {
		mib := func(n float64) string { return fmt.Sprintf("%.1f MiB", n) }
		return figure{what, mib(many), mib(few), many / few, limit}
	}
	return []figure{
		line("live heap of the worker at its highest, 1,000,000 rows against 10,000", many.live, few.live, 1.3),
		line("peak resident memory of the same", many.resident, few.resident, 1.4),
	}, nil, nil
}

// peaks are in MiB.
type peaks struct{ live, resident float64 }

func peak(ctx context.Context, module string, rows int) (peaks, error) {
	payout, err := shop.Lazy{Seed: 1, Rows: rows, PaymentReference: reference}.Payout()
	if err != nil {
		return peaks{}, err
	}
	var log words
	st, id, err := connected(ctx, stack.Options{
		Module: module, Log: &log, Shop: stack.Shop{Made: shop.New(payout.MerchantID, "SEK", payout)},
	}, "GODEBUG=gctrace=1")
	if st != nil {
		defer func() { _ = st.Close() }()
	}
	if err != nil {
		return peaks{}, err
	}
	day := payout.Date.Format("2006-01-02")
	if _, err := st.Ask(ctx, "backfill", id, "--from", day, "--to", day, "--yes", "--output", "json"); err != nil {
		return peaks{}, err
	}
	resident, err := highWater(st.Workers()[0].Pid())
	if err != nil {
		return peaks{}, err
	}
	live, err := liveHeap(log.String())
	return peaks{live, float64(resident) / 1024}, err
}

// words are the output of processes.
type words struct {
	mu   sync.Mutex
	text bytes.Buffer
}

func (w *words) Write(b []byte) (int, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.text.Write(b)
}

func (w *words) String() string {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.text.String()
}

// collected matches a line of the runtime's gctrace: the heap when a collection began, when it ended, and
// its live part.
var collected = regexp.MustCompile(`(?m)^gc \d+ .* \d+->\d+->(\d+) MB,`)

// liveHeap returns the largest live heap after any collection, in MiB.
func liveHeap(log string) (float64, error) {
	most := 0.0
	for _, line := range collected.FindAllStringSubmatch(log, -1) {
		live, err := strconv.ParseFloat(line[1], 64)
		if err != nil {
			return 0, fmt.Errorf("read the live heap of the worker: %w", err)
		}
		most = max(most, live)
	}
	if most == 0 {
		return 0, errors.New("read the live heap of the worker: it reported no garbage collection")
	}
	return most, nil
}

// highWater returns the peak resident memory of a process, in KiB. Linux only.
func highWater(pid int) (int64, error) {
	status, err := os.ReadFile("/proc/" + strconv.Itoa(pid) + "/status")
	if err != nil {
		return 0, fmt.Errorf("read the peak memory of the worker: %w", err)
	}
	for line := range strings.Lines(string(status)) {
		if kb, ok := strings.CutPrefix(line, "VmHWM:"); ok {
			return strconv.ParseInt(strings.TrimSuffix(strings.TrimSpace(kb), " kB"), 10, 64)
		}
	}
	return 0, errors.New("read the peak memory of the worker: this system does not report it")
}
