// Command sandbox runs all of Kvitt on loopback for trying it out: Temporal, simulated Klarna, Visma
// Connect and Visma.net, one connection that is ready, and a year of payouts. It is not part of the
// product.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"log/slog"
	"maps"
	"os"
	"os/signal"
	"slices"
	"syscall"
	"time"

	"kvitt/sandbox/stack"
)

const usage = `Kvitt's sandbox: the whole system on loopback, with simulated providers.

  go run ./sandbox            start everything and print where to look
  go run ./sandbox demo       do the main job once and exit
  go run ./sandbox temporal   start only the Temporal development server
  go run ./sandbox apis       start only the simulated Klarna, Visma Connect and Visma.net

Flags (before or after the command):
`

// exit statuses, as those of starter.
const (
	done      = 0
	failed    = 1
	wrong     = 2
	something = 3 // done, but something is held
)

type settings struct {
	stack.Options
	output   string
	from, to string
}

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	slog.SetDefault(slog.New(slog.DiscardHandler))       // hides the simulated providers' refusals
	os.Exit(run(ctx, os.Args[1:], os.Stdout, os.Stderr)) //nolint:gocritic // nothing is left to stop
}

func run(ctx context.Context, args []string, stdout, stderr io.Writer) int {
	s, command, chosen, err := parse(args, stdout)
	if errors.Is(err, flag.ErrHelp) {
		return done
	}
	if err != nil {
		fmt.Fprintf(stderr, "sandbox: %v\n`go run ./sandbox -h` lists the commands and flags.\n", err)
		return wrong
	}
	if s.Module, err = stack.Module(); err != nil {
		fmt.Fprintln(stderr, "sandbox:", err)
		return failed
	}
	s.Log = stderr
	release, err := s.settle(command, chosen)
	if err != nil {
		fmt.Fprintln(stderr, "sandbox:", err)
		return failed
	}
	defer release()
	err = commands[command](ctx, s, stdout)
	var status exitStatusError
	switch {
	case errors.As(err, &status):
		return int(status)
	case err != nil && ctx.Err() != nil:
		fmt.Fprintln(stderr, "sandbox: stopped before it had finished")
		return failed
	case err != nil:
		fmt.Fprintln(stderr, "sandbox:", err)
		return failed
	}
	return done
}

var commands = map[string]func(context.Context, settings, io.Writer) error{
	"": serve, "demo": demo, "temporal": onlyTemporal, "apis": onlyProviders,
}

// exitStatusError ends the sandbox with the exit status of the starter it ran.
type exitStatusError int

func (e exitStatusError) Error() string { return fmt.Sprintf("exit status %d", int(e)) }

// parse reads the command line. chosen are the flags that were given.
func parse(args []string, help io.Writer) (s settings, command string, chosen map[string]bool, err error) {
	s = settings{Options: stack.Options{Ports: stack.Fixed()}}
	f := flag.NewFlagSet("sandbox", flag.ContinueOnError)
	f.SetOutput(io.Discard) // run prints errors once
	f.Usage = func() {}
	f.StringVar(&s.Dir, "data", "", "keep everything in this `folder` for the next start, including the shop")
	f.StringVar(&s.output, "output", "table", "of demo: `table` or json")
	f.StringVar(&s.from, "from", "2025-01-01", "of demo: first `day` to backfill")
	f.StringVar(&s.to, "to", "2025-12-31", "of demo: last `day` to backfill")
	f.Uint64Var(&s.Shop.Seed, "seed", 1, "the `number` that generates the shop")
	f.BoolVar(&s.Shop.Gross, "gross", false, "make Klarna invoice the Danish fees separately")
	ports := map[string]*int{}
	for _, p := range []struct {
		name, what string
		port       *int
	}{
		{"temporal", "the Temporal server", &s.Ports.Temporal},
		{"ui", "Temporal's Web UI", &s.Ports.UI},
		{"portal", "the worker's portal, with the codec endpoint", &s.Ports.Portal},
		{"metrics", "the worker's metrics and health", &s.Ports.Metrics},
		{"klarna", "the simulated Klarna", &s.Ports.Klarna},
		{"visma", "the simulated Visma.net", &s.Ports.Visma},
		{"connect", "the simulated Visma Connect", &s.Ports.Connect},
	} {
		ports["-port-"+p.name] = p.port
		f.IntVar(p.port, "port-"+p.name, *p.port, "the `port` of "+p.what+"; 0 uses a free one")
	}
	for rest := args; ; {
		if err = f.Parse(rest); errors.Is(err, flag.ErrHelp) {
			fmt.Fprint(help, usage)
			f.SetOutput(help)
			f.PrintDefaults()
		}
		if err != nil {
			return s, "", nil, err
		}
		if rest = f.Args(); len(rest) == 0 {
			break
		}
		if command != "" {
			return s, "", nil, fmt.Errorf("unexpected argument %q", rest[0])
		}
		command, rest = rest[0], rest[1:]
		if commands[command] == nil {
			return s, "", nil, fmt.Errorf("unknown command %q; the commands are demo, temporal and apis", command)
		}
		if len(rest) == 0 {
			break
		}
	}
	chosen = map[string]bool{}
	f.Visit(func(one *flag.Flag) { chosen[one.Name] = true })
	for _, name := range slices.Sorted(maps.Keys(ports)) {
		if port := *ports[name]; port < 0 || port > 65535 {
			return s, "", nil, fmt.Errorf("%s is %d; use 1 to 65535, or 0 for a free one", name, port)
		}
	}
	return s, command, chosen, s.check()
}

func (s *settings) check() error {
	if s.output != "table" && s.output != "json" {
		return fmt.Errorf("-output is %q; use table or json", s.output)
	}
	for name, day := range map[string]string{"-from": s.from, "-to": s.to} {
		if _, err := time.Parse(time.DateOnly, day); err != nil {
			return fmt.Errorf("%s is %q; use a day such as 2025-01-31", name, day)
		}
	}
	if s.to < s.from {
		return fmt.Errorf("-to %s is before -from %s; swap them", s.to, s.from)
	}
	return nil
}
