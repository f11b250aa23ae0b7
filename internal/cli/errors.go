package cli

import (
	"errors"
	"fmt"
	"io"
	"strings"

	"kvitt/internal/cli/table"
	"kvitt/internal/config"
	"kvitt/internal/operate"
)

// UsageError is a command line that cannot be carried out as it stands.
type UsageError struct {
	Words   string // what is wrong and what is right
	Command string // whose help tells more, "starter backfill"
}

func (e *UsageError) Error() string { return e.Words }

func usagef(format string, args ...any) error {
	return &UsageError{Words: fmt.Sprintf(format, args...)}
}

// errHeld ends a command that did what it should and has told what is held.
var errHeld = errors.New("something is held")

// errTold ends a command that failed and has said why.
var errTold = errors.New("it failed")

// status is the exit status of an error.
func status(err error) int {
	var usage *UsageError
	switch {
	case err == nil:
		return ExitDone
	case errors.Is(err, errHeld):
		return ExitHeld
	case errors.As(err, &usage):
		return ExitUsage
	default:
		return ExitFailed
	}
}

// explain writes an error for a person, unless it was told already.
func explain(w io.Writer, err error, paint painter) {
	if err == nil || errors.Is(err, errHeld) || errors.Is(err, errTold) {
		return
	}
	lines := strings.Split(sentence(err), "\n")
	for i := range lines {
		lines[i] = table.Fold(lines[i], width(w), len("Error: "))
	}
	fmt.Fprintf(w, "%s %s\n", paint.bad("Error:"), strings.Join(lines, "\n       "))
	var usage *UsageError
	if errors.As(err, &usage) && usage.Command != "" {
		fmt.Fprintf(w, "Run `%s --help` for its flags and examples.\n", usage.Command)
	}
}

// sentence is an error as a sentence of its own.
func sentence(err error) string {
	var (
		failure  *operate.Error
		usage    *UsageError
		settings *config.Error
	)
	switch {
	case errors.As(err, &failure):
		return operate.Sentence(err)
	case errors.As(err, &usage):
		return operate.Finish(operate.Printable(usage.Words))
	case errors.As(err, &settings):
		return operate.Finish(operate.Printable(settingsWords(settings)))
	default:
		return operate.Sentence(err)
	}
}

func settingsWords(e *config.Error) string {
	const attempted = "read the settings from the environment: "
	if len(e.Problems) == 1 {
		return attempted + e.Error()
	}
	return attempted + "\n" + e.Error()
}
