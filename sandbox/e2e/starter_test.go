package e2e_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"os"
	"os/exec"
	"strings"
	"testing"
	"time"
)

// commandWithin limits how long a command may take.
const commandWithin = 5 * time.Minute

// said holds what a command of starter came to.
type said struct {
	line     string
	status   int
	out, err string
}

// command is a command of starter that runs.
type command struct {
	w        *world
	line     string
	cmd      *exec.Cmd
	out, err bytes.Buffer
}

// run starts a command of starter, with further settings of its environment.
func (w *world) run(t *testing.T, environment []string, args ...string) *command {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), commandWithin)
	t.Cleanup(cancel)
	c := &command{w: w, line: "starter " + strings.Join(args, " ")}
	c.cmd = w.Command(ctx, args...)
	c.cmd.Env = append(c.cmd.Env, environment...) // the last one counts
	c.cmd.Stdout, c.cmd.Stderr = &c.out, &c.err
	if err := c.cmd.Start(); err != nil {
		t.Fatalf("%s: %v", c.line, err)
	}
	return c
}

// wait waits for the end of a command.
func (c *command) wait(t *testing.T) said {
	t.Helper()
	err := c.cmd.Wait()
	var exit *exec.ExitError
	if err != nil && !errors.As(err, &exit) {
		t.Fatalf("%s: %v", c.line, err)
	}
	s := said{c.line, c.cmd.ProcessState.ExitCode(), c.out.String(), c.err.String()}
	c.w.mu.Lock()
	defer c.w.mu.Unlock()
	c.w.said.WriteString(s.out + s.err)
	return s
}

// interrupt is Ctrl-C.
func (c *command) interrupt(t *testing.T) {
	t.Helper()
	if err := c.cmd.Process.Signal(os.Interrupt); err != nil {
		t.Fatalf("interrupt %s: %v", c.line, err)
	}
}

// starter runs a command to its end, whatever its exit status.
func (w *world) starter(t *testing.T, args ...string) said {
	t.Helper()
	return w.run(t, nil, args...).wait(t)
}

// done runs a command that must end with exit status 0.
func (w *world) done(t *testing.T, args ...string) said {
	t.Helper()
	return w.starter(t, args...).with(t, 0)
}

// with makes sure of the exit status.
func (s said) with(t *testing.T, status int) said {
	t.Helper()
	if s.status != status {
		t.Fatalf("%s: exit status %d, want %d\nstdout:\n%s\nstderr:\n%s", s.line, s.status, status, s.out, s.err)
	}
	return s
}

// refused makes sure that a command ended in one clear message: on standard
// error, once, with every one of the words, and nothing on standard output.
func (s said) refused(t *testing.T, status int, words ...string) {
	t.Helper()
	s.with(t, status)
	if s.out != "" {
		t.Errorf("%s: standard output is not empty:\n%s", s.line, s.out)
	}
	if n := strings.Count(s.err, "Error:"); n != 1 {
		t.Errorf("%s: %d messages instead of one:\n%s", s.line, n, s.err)
	}
	_, message, _ := strings.Cut(s.err, "Error:")
	for _, w := range words {
		if !strings.Contains(message, w) {
			t.Errorf("%s: the message lacks %q:\n%s", s.line, w, s.err)
		}
	}
	for _, noise := range []string{"goroutine ", "rpc error", "SQLITE", "context deadline"} {
		if strings.Contains(s.err, noise) {
			t.Errorf("%s: the message has the noise %q:\n%s", s.line, noise, s.err)
		}
	}
}

// decode reads the one JSON document of a command; a member that nobody knows
// is an error.
func decode[T any](t *testing.T, s said) T {
	t.Helper()
	var document T
	d := json.NewDecoder(strings.NewReader(s.out))
	d.DisallowUnknownFields()
	if err := d.Decode(&document); err != nil {
		t.Fatalf("%s: read its document: %v\n%s", s.line, err, s.out)
	}
	if d.More() {
		t.Fatalf("%s: there is more than one document:\n%s", s.line, s.out)
	}
	return document
}

// facts reads the members that a test needs of a document.
func facts[T any](t *testing.T, s said) T {
	t.Helper()
	var document T
	if err := json.Unmarshal([]byte(s.out), &document); err != nil {
		t.Fatalf("%s: read its document: %v\n%s", s.line, err, s.out)
	}
	return document
}
