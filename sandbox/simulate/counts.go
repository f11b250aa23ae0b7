package main

import (
	"fmt"
	"io"
)

// counts are what happened in a schedule.
type counts [kinds]int

const (
	steps = iota
	crashes
	posts
	unknowns
	adoptions
	holds
	deeds
	restores
	finals
	kinds
)

var named = [kinds]string{
	"awaits and events", "crashes of a worker", "POSTs that arrived", "outcomes unknown", "batches adopted",
	"stops for a person", "foreign hands", "restores of an older database", "workflows that ended final",
}

// spread describes how the counts of many schedules are distributed.
type spread struct {
	of  [kinds][]uint64 // how many schedules had so many
	sum [kinds]uint64
}

func (s *spread) add(c *counts) {
	for k, n := range c {
		for len(s.of[k]) <= n {
			s.of[k] = append(s.of[k], 0)
		}
		s.of[k][n]++
		s.sum[k] += uint64(n) //nolint:gosec // a count
	}
}

func (s *spread) join(other *spread) {
	for k := range s.of {
		for n, times := range other.of[k] {
			for len(s.of[k]) <= n {
				s.of[k] = append(s.of[k], 0)
			}
			s.of[k][n] += times
		}
		s.sum[k] += other.sum[k]
	}
}

// print writes the distribution as a table.
func (s *spread) print(out io.Writer) {
	fmt.Fprintf(out, "%-30s %8s %8s %8s %8s %8s\n", "in one schedule", "mean", "half", "1 in 10", "most", "with any")
	for k := range s.of {
		all := uint64(0)
		for _, times := range s.of[k] {
			all += times
		}
		if all == 0 {
			continue
		}
		fmt.Fprintf(out, "%-30s %8.1f %8d %8d %8d %7.1f%%\n", named[k], float64(s.sum[k])/float64(all),
			s.quantile(k, all, 0.5), s.quantile(k, all, 0.9), len(s.of[k])-1, 100*float64(all-s.of[k][0])/float64(all))
	}
}

func (s *spread) quantile(k int, all uint64, q float64) int {
	seen := uint64(0)
	for n, times := range s.of[k] {
		if seen += times; float64(seen) >= q*float64(all) {
			return n
		}
	}
	return 0
}

func (s *spread) schedules() (all uint64) {
	for _, times := range s.of[steps] {
		all += times
	}
	return all
}
