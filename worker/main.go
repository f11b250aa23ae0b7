// Command worker runs Kvitt's workflows and activities on Temporal, decodes payloads for Temporal's Web
// UI, and reports its health. Its settings come from the environment; see docs/install.md.
package main

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/signal"
	"runtime/debug"
	"syscall"
	"time"
	_ "time/tzdata" // a static image has no time zones of its own

	"kvitt/internal/build"
	"kvitt/internal/config"
	"kvitt/internal/service"
)

func main() {
	if os.Getenv("GOGC") == "" {
		// A worker keeps little and discards much; collecting early keeps its memory constant for a payout
		// of any size.
		debug.SetGCPercent(50)
	}
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	code := command(ctx, os.Args[1:], os.Stdout, os.Stderr)
	stop()
	os.Exit(code)
}

// command carries out one command line, and returns its exit status.
func command(ctx context.Context, args []string, out, errs io.Writer) int {
	in, err := parse(args)
	switch {
	case err != nil:
		fmt.Fprintf(errs, "worker: %v\nRun `worker --help` for its flags and settings.\n", err)
		return exitUsage
	case in.help:
		fmt.Fprint(out, help())
		return exitDone
	case in.version:
		fmt.Fprintln(out, "worker", build.Read())
		return exitDone
	}
	if err := run(ctx, in.health); err != nil {
		fmt.Fprintln(errs, "worker:", err)
		return exitFailed
	}
	return exitDone
}

func run(ctx context.Context, health bool) error {
	c, err := config.Load()
	if err != nil {
		return err
	}
	if health {
		return ready(ctx, c.MetricsAddr)
	}
	return service.Run(ctx, &c)
}

// ready asks the worker at addr whether it is ready.
func ready(ctx context.Context, addr string) error {
	ctx, cancel := context.WithTimeout(ctx, 5*time.Second)
	defer cancel()
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://"+addr+"/readyz", http.NoBody)
	if err != nil {
		return fmt.Errorf("ask the worker at %s whether it is ready: %w", addr, err)
	}
	answer, err := http.DefaultClient.Do(request)
	if err != nil {
		return fmt.Errorf("ask the worker at %s whether it is ready: %w. Start it, or set KVITT_METRICS_ADDR to what it was started with", addr, err)
	}
	defer answer.Body.Close()
	if answer.StatusCode != http.StatusOK {
		return fmt.Errorf("ask the worker at %s whether it is ready: it answered %s. Run `starter doctor` to see what is missing", addr, answer.Status)
	}
	return nil
}
