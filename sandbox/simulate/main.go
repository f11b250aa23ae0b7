// Command simulate runs the exactly-once protocol of internal/posting through
// simulated schedules: one process, no clock but the simulated one, and a seed
// that decides every interleaving and every fault. It judges each schedule and
// says how many were bad; a bad one is printed with its seed and its trace.
//
//	go run ./sandbox/simulate              schedules for ten minutes
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
	"sync"
	"sync/atomic"
	"time"
)

func main() {
	n := flag.Uint64("n", 0, "how many schedules; 0 runs for the time that -for gives")
	long := flag.Duration("for", 10*time.Minute, "how long to run when -n is 0")
	from := flag.Uint64("from", 1, "seed of the first schedule")
	seed := flag.Uint64("seed", 0, "replay the schedule of this seed and print its trace")
	cores := flag.Int("cores", runtime.GOMAXPROCS(0), "how many schedules at a time")
	broken := flag.Bool("broken", false, "let every broken variant be found")
	flag.Parse()
	bad := false
	switch {
	case *seed > 0:
		bad = replay(os.Stdout, *seed, variant{})
	case *broken:
		for _, v := range variants {
			found, words := v.find(10_000)
			fmt.Printf("%-45s found after %d schedules: %s\n", v.name, found, words)
			bad = bad || found == 0
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
	w := newWorld(seed, v)
	w.trace = func(line string) { fmt.Fprintln(out, line) }
	found := w.run()
	if len(found) == 0 {
		fmt.Fprintf(out, "schedule %d is clean\n", seed)
	}
	for _, words := range found {
		fmt.Fprintf(out, "schedule %d is bad: %s\n", seed, words)
	}
	return len(found) > 0
}

// run judges n schedules, or as many as fit into a time, and returns how many
// were bad. The first bad ones are printed with their traces.
func run(out io.Writer, from, n uint64, long time.Duration, cores int) uint64 {
	const printed = 3
	var taken, done, bad atomic.Uint64
	var mu sync.Mutex
	began := time.Now()
	var all sync.WaitGroup
	for range cores {
		all.Go(func() {
			for {
				at := taken.Add(1) - 1
				if n > 0 && at >= n || n == 0 && time.Since(began) > long {
					return
				}
				if found := newWorld(from+at, variant{}).run(); len(found) > 0 && bad.Add(1) <= printed {
					mu.Lock()
					replay(out, from+at, variant{})
					fmt.Fprintf(out, "replay it with SEED=%d make simulate\n", from+at)
					mu.Unlock()
				}
				done.Add(1)
			}
		})
	}
	all.Wait()
	took := time.Since(began)
	fmt.Fprintf(out, "%d schedules in %s on %d cores, %.0f a second and core: %d bad\n",
		done.Load(), took.Round(time.Millisecond), cores, float64(done.Load())/took.Seconds()/float64(cores), bad.Load())
	return bad.Load()
}
