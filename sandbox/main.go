// Command sandbox runs the whole of Kvitt on loopback for trying it out:
// Temporal, simulated Klarna, Visma Connect and Visma.net, one connection
// ready, and a year of payouts. It is not part of the product.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"
	"syscall"

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
	os.Exit(run(ctx, os.Args[1:], os.Stdout, os.Stderr)) //nolint:gocritic // nothing is left to stop
}

func run(ctx context.Context, args []string, stdout, stderr io.Writer) int {
	s, command, err := parse(args, stderr)
	if errors.Is(err, flag.ErrHelp) {
		return done
	}
	if err != nil {
		fmt.Fprintln(stderr, "sandbox:", err)
		return wrong
	}
	if s.Module, err = stack.Module(); err != nil {
		fmt.Fprintln(stderr, "sandbox:", err)
		return failed
	}
	s.Log = stderr
	commands := map[string]func(context.Context, settings, io.Writer) error{
		"": serve, "demo": demo, "temporal": onlyTemporal, "apis": onlyProviders,
	}
	do, ok := commands[command]
	if !ok {
		fmt.Fprintf(stderr, "sandbox: there is no command %q; there are demo, temporal and apis\n", command)
		return wrong
	}
	err = do(ctx, s, stdout)
	var status exitStatusError
	switch {
	case errors.As(err, &status):
		return int(status)
	case err != nil && ctx.Err() == nil:
		fmt.Fprintln(stderr, "sandbox:", err)
		return failed
	}
	return done
}

// exitStatusError ends the sandbox with the exit status of the starter it ran.
type exitStatusError int

func (e exitStatusError) Error() string { return fmt.Sprintf("exit status %d", int(e)) }

func parse(args []string, stderr io.Writer) (settings, string, error) {
	s := settings{Options: stack.Options{Ports: stack.Fixed()}}
	f := flag.NewFlagSet("sandbox", flag.ContinueOnError)
	f.SetOutput(stderr)
	f.Usage = func() { fmt.Fprint(stderr, usage); f.PrintDefaults() }
	f.StringVar(&s.Dir, "data", "", "keep everything in this `folder`, to be there again at the next start")
	f.StringVar(&s.output, "output", "table", "of demo: table or json")
	f.StringVar(&s.from, "from", "2025-01-01", "of demo: first `day` to backfill")
	f.StringVar(&s.to, "to", "2025-12-31", "of demo: last `day` to backfill")
	f.Uint64Var(&s.Shop.Seed, "seed", 1, "which shop to make up")
	f.BoolVar(&s.Shop.Gross, "gross", false, "let Klarna invoice the Danish fees separately")
	for name, port := range map[string]*int{
		"temporal": &s.Ports.Temporal, "ui": &s.Ports.UI, "portal": &s.Ports.Portal, "metrics": &s.Ports.Metrics,
		"klarna": &s.Ports.Klarna, "visma": &s.Ports.Visma, "connect": &s.Ports.Connect,
	} {
		f.IntVar(port, "port-"+name, *port, "port of "+name+"; 0 takes a free one")
	}
	command := ""
	for rest := args; ; {
		if err := f.Parse(rest); err != nil {
			return s, "", err
		}
		if rest = f.Args(); len(rest) == 0 {
			break
		}
		if command != "" {
			return s, "", fmt.Errorf("there is one command too many: %q", rest[0])
		}
		command, rest = rest[0], rest[1:]
		if len(rest) == 0 {
			break
		}
	}
	if s.output != "table" && s.output != "json" {
		return s, "", fmt.Errorf("-output is %q; it is table or json", s.output)
	}
	return s, command, nil
}
