package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"strconv"
	"strings"

	"kvitt/sandbox/shop"
	"kvitt/sandbox/stack"
)

// memory compares the peak memory of a worker that posts a payout of a million
// rows with that of one that posts ten thousand, each a fresh process of the
// real thing.
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
	mb := func(kb int64) string { return fmt.Sprintf("%.1f MiB", float64(kb)/1024) }
	return []figure{{"peak memory of the worker, 1,000,000 rows against 10,000", mb(many), mb(few), float64(many) / float64(few), 1.2}}, nil, nil
}

func peak(ctx context.Context, module string, rows int) (int64, error) {
	payout, err := shop.Lazy{Seed: 1, Rows: rows, PaymentReference: reference}.Payout()
	if err != nil {
		return 0, err
	}
	st, id, err := connected(ctx, module, stack.Shop{Made: shop.New(payout.MerchantID, "SEK", payout)})
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
