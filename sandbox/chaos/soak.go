package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"maps"
	"os"
	"slices"
	"strings"
	"time"

	"kvitt/sandbox/chaos/plan"
	"kvitt/sandbox/chaos/rig"
	"kvitt/sandbox/stack"
)

// flat is the limit for the ratio of the mean use in the last quarter of a long run to that in the second.
// The first quarter is the start.
const flat = 1.25

// soak does the long run: 2,000 payouts on 20 connections.
func (o options) soak(ctx context.Context, out io.Writer, run rig.Soak) error {
	module, err := stack.Module()
	if err != nil {
		return err
	}
	bin, err := os.MkdirTemp("", "kvitt-chaos-bin-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(bin)
	if err := rig.Build(ctx, module, bin, rig.Shortened()...); err != nil {
		return err
	}
	w, err := rig.Open(ctx, rig.Options{Module: module, Bin: bin, Database: plan.PostgreSQL, Companies: run.Connections, Log: o.log()})
	if err != nil {
		return err
	}
	got, err := w.Soak(ctx, run)
	got.Findings = append(got.Findings, w.Close()...)
	if err != nil {
		return err
	}
	return show(out, run, got)
}

func show(out io.Writer, run rig.Soak, got rig.Soaked) error {
	fmt.Fprintf(out, "%d payouts on %d connections with 2 workers in %s; %d faults injected, %d met", run.Connections*run.Payouts, run.Connections, got.Took.Round(time.Second), got.Injected, got.Met)
	for _, deed := range slices.Sorted(maps.Keys(got.Kills)) {
		fmt.Fprintf(out, "; %d times: %s", got.Kills[deed], deed)
	}
	fmt.Fprintf(out, ".\n\n| both workers together | 1st quarter | 2nd | 3rd | 4th | 4th to 2nd | at most |\n|---|---|---|---|---|---|---|\n")
	var errs []error
	for _, one := range []struct {
		what string
		unit float64
		of   func(rig.Sample) float64
	}{
		{"memory, MiB", 1 << 20, func(s rig.Sample) float64 { return s.Bytes }},
		{"goroutines", 1, func(s rig.Sample) float64 { return s.Goroutines }},
	} {
		q := quarters(got.Samples, one.of)
		ratio := q[3] / q[1]
		fmt.Fprintf(out, "| %s | %.0f | %.0f | %.0f | %.0f | %.2f | %.2f |\n", one.what, q[0]/one.unit, q[1]/one.unit, q[2]/one.unit, q[3]/one.unit, ratio, flat)
		if !(ratio <= flat) {
			errs = append(errs, fmt.Errorf("%s grow: %.2f times from the second quarter to the last", one.what, ratio))
		}
	}
	fmt.Fprintf(out, "\nIdle afterwards, the workers have %.0f goroutines more than when they started.\n", got.Rest)
	if len(got.Findings) > 0 {
		errs = append(errs, fmt.Errorf("judged unclean:\n  ! %s", strings.Join(got.Findings, "\n  ! ")))
	} else {
		fmt.Fprintln(out, "All judged clean.")
	}
	return errors.Join(errs...)
}

// quarters returns the means of four equal parts of the samples.
func quarters(samples []rig.Sample, of func(rig.Sample) float64) (mean [4]float64) {
	n := len(samples)
	for i := range mean {
		part := samples[i*n/4 : (i+1)*n/4]
		for _, s := range part {
			mean[i] += of(s) / float64(len(part))
		}
	}
	return mean
}
