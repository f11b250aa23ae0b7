// Command simulate runs the exactly-once protocol of internal/posting through
// simulated schedules: one process, no clock but the simulated one, and a seed
// that decides every interleaving and every fault. It judges each schedule; a bad
// one is printed with its seed and its trace. The last line says how many
// schedules there were and how many were bad.
//
//	go run ./sandbox/simulate              schedules for a minute
//	go run ./sandbox/simulate -n 50000     that many
//	go run ./sandbox/simulate -seed 17     one schedule again, with its trace
//	go run ./sandbox/simulate -broken      how soon each broken variant is found
//
// It must never read the real clock within a schedule, block on anything but the
// scheduler's turn, or change the protocol: variants are made at its ports.
package main

import (
	"flag"
	"fmt"
	"io"
	"os"
	"runtime"
	"runtime/debug"
	"sync"
	"sync/atomic"
	"time"
)

// mostUntilFound is the most schedules that may pass until a broken variant is found.
const mostUntilFound = 10_000

func main() {
	n := flag.Uint64("n", 0, "how many schedules; 0 runs for the time that -for gives")
	long := flag.Duration("for", time.Minute, "how long to run when -n is 0")
	from := flag.Uint64("from", 1, "seed of the first schedule")
	seed := flag.Uint64("seed", 0, "replay the schedule of this seed and print its trace")
	cores := flag.Int("cores", runtime.GOMAXPROCS(0), "how many schedules at a time")
	broken := flag.Bool("broken", false, "let every broken variant be found")
	flag.Parse()
	debug.SetGCPercent(400) // schedules are small, and their rubbish is most of the work
	bad := false
	switch {
	case *seed > 0:
		bad = replay(os.Stdout, *seed, variant{})
	case *broken:
		for i := range variants {
			after, words := variants[i].find(mostUntilFound)
			fmt.Printf("%-46s %6d  %s\n", variants[i].name, after, words)
			bad = bad || after == 0
		}
	default:
		bad = run(os.Stdout, *from, *n, *long, *cores) > 0
	}
	if bad {
		os.Exit(1)
	}
}

// replay prints the trace of one schedule and tells whether it is bad.
func replay(out io.Writer, seed uint64, v variant) bool {
	var threads []*thread
	defer func() { end(threads) }()
	w := newWorld(seed, v, &threads)
	w.trace = func(line string) { fmt.Fprintln(out, line) }
	found := w.play()
	for _, words := range found {
		fmt.Fprintf(out, "schedule %d is bad: %s\n", seed, words)
	}
	bad := min(len(found), 1)
	fmt.Fprintf(out, "1 schedule, %d bad\n", bad)
	return bad > 0
}

// run judges n schedules, or as many as fit into a time, and returns how many
// were bad. The first bad ones are printed with their traces.
func run(out io.Writer, from, n uint64, long time.Duration, cores int) uint64 {
	const printed = 3
	var taken, bad atomic.Uint64
	var mu sync.Mutex
	var all spread
	began := time.Now()
	var wait sync.WaitGroup
	for range cores {
		wait.Go(func() {
			var mine spread
			var threads []*thread
			defer func() { end(threads) }()
			for {
				at := taken.Add(1) - 1
				if n > 0 && at >= n || n == 0 && time.Since(began) > long {
					break
				}
				w := newWorld(from+at, variant{}, &threads)
				found := w.play()
				mine.add(&w.counts)
				if len(found) > 0 && bad.Add(1) <= printed {
					mu.Lock()
					replay(out, from+at, variant{})
					fmt.Fprintf(out, "replay it with SEED=%d make simulate\n\n", from+at)
					mu.Unlock()
				}
			}
			mu.Lock()
			defer mu.Unlock()
			all.join(&mine)
		})
	}
	wait.Wait()
	took := time.Since(began)
	done := all.schedules()
	all.print(out)
	fmt.Fprintf(out, "%s on %d cores, %.0f schedules a second and core\n", took.Round(time.Millisecond), cores, float64(done)/took.Seconds()/float64(cores))
	fmt.Fprintf(out, "%d schedules, %d bad\n", done, bad.Load())
	return bad.Load()
}
