// Command chaos breaks everything on purpose and has the result judged: seeded fault plans on real
// processes, or with -soak a long run whose memory and goroutines must stay flat. It prints what was
// injected, met and survived; the last table is kept in docs/reliability.md.
//
//	go run ./sandbox/chaos                  200 plans
//	go run ./sandbox/chaos -seed 17 -plans 1    the plan of one seed, again
//	go run ./sandbox/chaos -seed 17 -print  what that plan would break
//	go run ./sandbox/chaos -soak
package main

import (
	"context"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"

	"kvitt/sandbox/chaos/plan"
	"kvitt/sandbox/chaos/rig"
)

func main() {
	o := options{}
	flag.Uint64Var(&o.seed, "seed", 1, "seed of the first plan")
	flag.IntVar(&o.plans, "plans", 0, "number of plans, each with the next seed (1 with -seed, otherwise 200)")
	flag.IntVar(&o.worlds, "worlds", 8, "number of plans at a time, each in its own world")
	show := flag.Bool("print", false, "print the plans and break nothing")
	flag.BoolVar(&o.verbose, "v", false, "show the output of the processes")
	long := flag.Bool("soak", false, "do the long run instead of plans")
	run := rig.Soak{}
	flag.IntVar(&run.Connections, "connections", 20, "connections of the long run")
	flag.IntVar(&run.Payouts, "payouts", 100, "payouts of each of its connections")
	flag.Parse()
	seeded := false
	flag.Visit(func(f *flag.Flag) { seeded = seeded || f.Name == "seed" })
	switch {
	case o.plans > 0:
	case seeded:
		o.plans = 1
	default:
		o.plans = 200
	}
	if *show {
		for i := range uint64(o.plans) {
			fmt.Println(plan.Draw(o.seed + i))
		}
		return
	}
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	var err error
	if run.Seed = o.seed; *long {
		err = o.soak(ctx, os.Stdout, run)
	} else {
		err = o.run(ctx, os.Stdout)
	}
	stop()
	if err != nil {
		fmt.Fprintln(os.Stderr, "chaos:", err)
		os.Exit(1)
	}
}

type options struct {
	seed          uint64
	plans, worlds int
	verbose       bool
}

func (o options) log() io.Writer {
	if o.verbose {
		return os.Stderr
	}
	return io.Discard
}
