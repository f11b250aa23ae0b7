// Command bench measures what Kvitt claims about speed, memory and cost, each figure beside its baseline
// from the same run. It prints one table; the last one is kept in docs/performance.md.
package main

import (
	"context"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"
	"slices"
	"strings"

	"kvitt/sandbox/stack"
)

// figure is one line of the table.
type figure struct {
	what, value, baseline string
	ratio                 float64 // a time, a memory or a count over its limit's unit
	limit                 float64
}

func (f figure) ok() bool { return f.ratio <= f.limit }

// measurement makes some lines of the table.
type measurement struct {
	name string
	run  func(context.Context, string) ([]figure, []string, error)
}

var measurements = []measurement{{"prove", prove}, {"try", tryRows}, {"memory", memory}, {"backfill", backfill}}

func main() {
	only := flag.String("only", "", "measure only these, separated by commas: prove, try, memory, backfill")
	flag.Parse()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	if err := bench(ctx, *only, os.Stdout); err != nil {
		fmt.Fprintln(os.Stderr, "bench:", err)
		os.Exit(1) //nolint:gocritic // nothing is left to stop
	}
}

// chosen returns the named measurements, all when none is named.
func chosen(only string) ([]measurement, error) {
	if only == "" {
		return measurements, nil
	}
	var some []measurement
	for name := range strings.SplitSeq(only, ",") {
		i := slices.IndexFunc(measurements, func(m measurement) bool { return m.name == name })
		if i < 0 {
			return nil, fmt.Errorf("-only %s: unknown measurement %q; the measurements are prove, try, memory and backfill", only, name)
		}
		some = append(some, measurements[i])
	}
	return some, nil
}

func bench(ctx context.Context, only string, out io.Writer) error {
	chosen, err := chosen(only)
	if err != nil {
		return err
	}
	module, err := stack.Module()
	if err != nil {
		return err
	}
	var figures []figure
	var notes []string
	for _, m := range chosen {
		fmt.Fprintf(os.Stderr, "Measuring %s.\n", m.name)
		f, n, err := m.run(ctx, module)
		if err != nil {
			return fmt.Errorf("measure %s: %w", m.name, err)
		}
		figures, notes = append(figures, f...), append(notes, n...)
	}
	fmt.Fprintf(out, "| what | value | baseline | ratio | at most |\n|---|---|---|---|---|\n")
	missed := 0
	for _, f := range figures {
		mark := ""
		if !f.ok() {
			mark, missed = " **missed**", missed+1
		}
		fmt.Fprintf(out, "| %s | %s | %s | %.2f%s | %.2g |\n", f.what, f.value, f.baseline, f.ratio, mark, f.limit)
	}
	if len(notes) > 0 {
		fmt.Fprintf(out, "\n%s\n", strings.Join(notes, "\n"))
	}
	if missed > 0 {
		return fmt.Errorf("%d of %d figures missed their limit", missed, len(figures))
	}
	return nil
}
