// Vulnerabilities checks whether Kvitt's dependencies and toolchain have a known vulnerability that its
// code can reach:
//
//	go run ./sandbox/vulnerabilities PATH/TO/govulncheck
//
// The database is the Go module golang.org/x/vulndb, which comes through the module proxy as every
// dependency does, so no other server has to be reachable. The command fails when something is found, when
// the database is older than 30 days, and when the check could not run.
// 30 days, and when it could not look: a check that did not run is no check.
package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"os/signal"
	"strings"
	"time"
)

const (
	database = "golang.org/x/vulndb"
	oldest   = 30 * 24 * time.Hour
	patience = 15 * time.Minute
)

// found is govulncheck's exit status when the code calls something vulnerable.
const found = 3

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	if len(os.Args) != 2 {
		fmt.Fprintln(os.Stderr, "usage: vulnerabilities PATH/TO/govulncheck")
		os.Exit(2)
	}
	if err := look(ctx, os.Args[1], time.Now(), os.Stdout); err != nil {
		fmt.Fprintln(os.Stderr, "Known vulnerabilities:", err)
		os.Exit(1)
	}
}

// look downloads the database, converts it, and runs govulncheck on every package of the module in the
// working directory.
func look(ctx context.Context, govulncheck string, now time.Time, out io.Writer) error {
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	dir, err := os.MkdirTemp("", "kvitt-vulnerabilities-")
	if err != nil {
		return fmt.Errorf("could not look: %w", err)
	}
	defer os.RemoveAll(dir)
	source, err := download(ctx, dir)
	if err != nil {
		return fmt.Errorf("could not look: fetch the database: %w", err)
	}
	entries, err := convert(source.Dir, dir, source.Time)
	if err != nil {
		return fmt.Errorf("could not look: convert the database: %w", err)
	}
	toolchain, err := output(ctx, "", "go", "env", "GOVERSION")
	if err != nil {
		return fmt.Errorf("could not look: %w", err)
	}
	fmt.Fprintf(out, "Known vulnerabilities: %d entries of %s (%s), toolchain %s\n",
		entries, source.Time.Format(time.DateOnly), source.Version, strings.TrimSpace(string(toolchain)))
	if age := now.Sub(source.Time); age > oldest {
		return fmt.Errorf("the database is %d days old, and newer vulnerabilities are not in it; at most %d days are allowed",
			int(age.Hours()/24), int(oldest.Hours()/24))
	}
	return scan(ctx, govulncheck, dir, out)
}

// scan runs govulncheck, which prints what it finds.
func scan(ctx context.Context, govulncheck, dir string, out io.Writer) error {
	var said bytes.Buffer
	cmd := exec.CommandContext(ctx, govulncheck, "-db", "file://"+dir, "./...")
	cmd.Stdout, cmd.Stderr = io.MultiWriter(out, &said), io.MultiWriter(out, &said)
	cmd.WaitDelay = time.Second
	err := cmd.Run()
	var exit *exec.ExitError
	switch {
	case err == nil:
		fmt.Fprintln(out, "Known vulnerabilities: 0 can be reached")
		return nil
	case errors.As(err, &exit) && exit.ExitCode() == found:
		return fmt.Errorf("%d can be reached, listed above; upgrade the modules that have them", strings.Count(said.String(), "Vulnerability #"))
	}
	return fmt.Errorf("could not look: govulncheck: %w", err)
}

// source is a version of the database in the module proxy.
type source struct {
	Version, Dir string
	Error        string
	Info         string    // a file
	Time         time.Time // the date of that version; its entries have no dates
}

// download fetches the newest version in an empty folder, so that nothing of the working directory's
// module is read or changed.
func download(ctx context.Context, empty string) (source, error) {
	var s source
	answer, err := output(ctx, empty, "go", "mod", "download", "-json", database+"@latest")
	if jsonErr := json.Unmarshal(answer, &s); err == nil && jsonErr != nil {
		err = jsonErr
	}
	switch {
	case s.Error != "":
		return s, errors.New(s.Error)
	case err != nil:
		return s, err
	}
	info, err := os.ReadFile(s.Info)
	if err != nil {
		return s, err
	}
	if err := json.Unmarshal(info, &s); err != nil || s.Time.IsZero() {
		return s, fmt.Errorf("version %s does not say when it was made", s.Version)
	}
	return s, nil
}

func output(ctx context.Context, dir, name string, args ...string) ([]byte, error) {
	cmd := exec.CommandContext(ctx, name, args...)
	cmd.Dir = dir
	var problem bytes.Buffer
	cmd.Stderr = &problem
	out, err := cmd.Output()
	if err != nil {
		err = fmt.Errorf("%s %s: %w: %s", name, strings.Join(args, " "), err, strings.TrimSpace(problem.String()))
	}
	return out, err
}
