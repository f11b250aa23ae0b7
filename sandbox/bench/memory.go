package main

import (
	"context"
	"bytes"
	"regexp"
	"errors"
	"fmt"
	"os"
	"slices"
	"strconv"
	"strings"

	"kvitt/sandbox/shop"
	"kvitt/sandbox/stack"
)

// samples is how many fresh workers of each size are measured; the median counts.
//
// The peak resident memory is what a container's limit is held against, so it
// stays the measure. But where it peaks depends on when the garbage collector
// runs, and that depends on what else the machine does: one worker that collects
// late reads several MiB too high without keeping a byte more. A leak or a buffer
// that grows with the rows raises every sample, and so the median; a collection
// that came late raises one.
const samples = 1

// memory compares the peak memory of a worker that posts a payout of a million
// rows with that of one that posts ten thousand, each a fresh process of the
// real thing.
func memory(ctx context.Context, module string) ([]figure, []string, error) {
	const small, large = 10_000, 1_000_000
	bin, err := os.MkdirTemp("", "kvitt-bench-")
	if err != nil {
		return nil, nil, err
	}
	defer os.RemoveAll(bin)
	if err := stack.Build(ctx, module, bin); err != nil {
		return nil, nil, err
	}
	var few, many []int64
	for range samples {
		for rows, peaks := range map[int]*[]int64{small: &few, large: &many} {
			kb, err := peak(ctx, module, bin, rows)
			if err != nil {
				return nil, nil, err
			}
			*peaks = append(*peaks, kb)
		}
	}
	f, m := median(few), median(many)
	return []figure{{"peak memory of the worker, 1,000,000 rows against 10,000", mib(m), mib(f), float64(m) / float64(f), 1.2}}, []string{
		fmt.Sprintf("Peak memory, each worker: 1,000,000 rows %s; 10,000 rows %s.", list(many), list(few)),
	}, nil
}

func median(of []int64) int64 { slices.Sort(of); return of[len(of)/2] }

func mib(kb int64) string { return fmt.Sprintf("%.1f MiB", float64(kb)/1024) }

func list(kbs []int64) string {
	var all []string
	for _, kb := range kbs {
		all = append(all, mib(kb))
	}
	return strings.Join(all, ", ")
}

func peak(ctx context.Context, module, bin string, rows int) (int64, error) {
	payout, err := shop.Lazy{Seed: 1, Rows: rows, PaymentReference: reference}.Payout()
	if err != nil {
		return 0, err
	}
	var trace bytes.Buffer
	defer func() {
		var live []int
		for line := range strings.Lines(trace.String()) {
			if !strings.HasPrefix(line, "gc ") { continue }
			m := regexp.MustCompile(`(\d+)->(\d+)->(\d+) MB`).FindStringSubmatch(line)
			n, _ := strconv.Atoi(m[3])
			live = append(live, n)
		}
		fmt.Println(rows, len(live), live)
		slices.Sort(live)
		for _, q := range []int{50, 75, 90, 95, 99, 100} { fmt.Println(q, live[(len(live)-1)*q/100]) }
	}()
	st, id, err := connected(ctx, stack.Options{Log: &trace, Module: module, Bin: bin, Shop: stack.Shop{Made: shop.New(payout.MerchantID, "SEK", payout)}}, "GODEBUG=gctrace=1")
	if st != nil {
		defer func() { _ = st.Close() }()
	}
	if err != nil {
		return 0, err
	}
	day := payout.Date.Format("2006-01-02")
	if _, err := st.Ask(ctx, "backfill", id, "--from", day, "--to", day, "--yes", "--output", "json"); err != nil {
		return 0, err
	}
	return highWater(st.Workers()[0].Pid())
}

// highWater is the peak resident memory of a process, in KiB. Linux only.
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
	return 0, errors.New("read the peak memory of the worker: this system does not tell")
}
