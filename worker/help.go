package main

import (
	"flag"
	"fmt"
	"io"
	"strings"

	"kvitt/internal/cli/table"
	"kvitt/internal/config"
)

// The exit statuses. People script against them.
const (
	exitDone   = 0
	exitFailed = 1
	exitUsage  = 2
)

const columns = 80

// wanted holds the flags of the command line.
type wanted struct{ health, version, help bool }

// parse reads the command line. It refuses unknown flags and arguments: a worker that started in spite of
// a mistyped flag would not do what was meant.
func parse(args []string) (wanted, error) {
	var w wanted
	f := flag.NewFlagSet("worker", flag.ContinueOnError)
	f.SetOutput(io.Discard)
	f.BoolVar(&w.health, "healthcheck", false, "")
	f.BoolVar(&w.version, "version", false, "")
	f.BoolVar(&w.help, "help", false, "")
	f.BoolVar(&w.help, "h", false, "")
	if err := f.Parse(args); err != nil {
		return w, fmt.Errorf("read the command line: %s", strings.Replace(err.Error(), "flag provided but not defined: -", "there is no flag --", 1))
	}
	if f.NArg() > 0 {
		return w, fmt.Errorf("read the command line: the worker takes no arguments, but got %q; its settings are environment variables", f.Arg(0))
	}
	return w, nil
}

// help returns the text of --help.
func help() string {
	return `The worker does Kvitt's work: it runs the workflows and activities on Temporal,
and serves the portal, its metrics and its health. Ctrl-C or SIGTERM stops it:
activities have 30 seconds to end, and those that do not are retried when a
worker runs again. With PostgreSQL, two workers can run at the same time.

Set the database up once with ` + "`starter setup`" + ` before the first start.

Usage:
  worker [flags]

Examples:
  worker
  KVITT_ROLES=portal worker
  worker --healthcheck

Flags:
  --healthcheck   ask the worker at KVITT_METRICS_ADDR whether it is
                  ready, and exit
  --version       print version, commit, date and Go version, and exit
  --help          print this, and exit

Exit status: 0 stopped normally, or ready; 1 failed, or not ready; 2 wrong
usage.

` + config.Page(func(words string, indent int) string { return table.Fold(words, columns, indent) })
}
