package cli

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"

	"golang.org/x/term"

	"kvitt/internal/cli/table"
)

// console is the person at the keyboard, if there is one.
type console interface {
	// Attended tells whether somebody can be asked.
	Attended() bool
	// Ask asks for a line.
	Ask(ctx context.Context, prompt string) (string, error)
	// Secret asks for a line that is not shown.
	Secret(ctx context.Context, prompt string) (string, error)
}

// terminal asks on standard error and listens on standard input.
type terminal struct {
	in     io.Reader
	lines  *bufio.Reader
	out    io.Writer
	fd     int
	attend bool
}

func newTerminal(in io.Reader, out io.Writer) *terminal {
	t := &terminal{in: in, lines: bufio.NewReader(in), out: out}
	if f, ok := in.(*os.File); ok {
		t.fd, t.attend = int(f.Fd()), term.IsTerminal(int(f.Fd())) && isTerminal(out)
	}
	return t
}

func isTerminal(w any) bool {
	f, ok := w.(*os.File)
	return ok && term.IsTerminal(int(f.Fd()))
}

// width is the number of columns of a terminal, 0 when it is none.
func width(w io.Writer) int { return table.Columns(w) }

func (t *terminal) Attended() bool { return t.attend }

func (t *terminal) Ask(ctx context.Context, prompt string) (string, error) {
	line, err := t.answer(ctx, prompt, func() (string, error) {
		line, err := t.lines.ReadString('\n')
		if errors.Is(err, io.EOF) && line != "" {
			err = nil
		}
		return line, err
	})
	if err != nil {
		fmt.Fprintln(t.out) // Ctrl-C leaves the cursor behind the question
	}
	return line, err
}

func (t *terminal) Secret(ctx context.Context, prompt string) (string, error) {
	before, err := term.GetState(t.fd)
	if err != nil {
		return "", fmt.Errorf("ask for a secret: the terminal cannot hide what is typed: %w", err)
	}
	defer func() { _ = term.Restore(t.fd, before) }() // also when Ctrl-C came in between
	defer fmt.Fprintln(t.out)
	return t.answer(ctx, prompt, func() (string, error) {
		secret, err := term.ReadPassword(t.fd)
		return string(secret), err
	})
}

// answer waits for a line, or for Ctrl-C.
func (t *terminal) answer(ctx context.Context, prompt string, read func() (string, error)) (string, error) {
	fmt.Fprint(t.out, prompt)
	type answer struct {
		line string
		err  error
	}
	got := make(chan answer, 1)
	go func() {
		line, err := read()
		got <- answer{line, err}
	}()
	select {
	case <-ctx.Done():
		return "", ctx.Err()
	case a := <-got:
		if errors.Is(a.err, io.EOF) {
			return "", usagef("the answer is missing: standard input ended")
		}
		return strings.TrimSpace(a.line), a.err
	}
}
