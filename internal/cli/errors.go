package cli

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strings"
	"unicode"
	"unicode/utf8"

	"kvitt/internal/cli/table"
	"kvitt/internal/config"
	"kvitt/internal/fault"
	"kvitt/internal/klarna"
	"kvitt/internal/operate"
	"kvitt/internal/store"
	"kvitt/internal/vault"
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

// sentence is an error as a sentence of its own, without the noise of the
// layers in between.
func sentence(err error) string {
	words := err.Error()
	var (
		failure    *operate.Error
		usage      *UsageError
		stored     *store.Error
		settings   *config.Error
		credential *klarna.CredentialError
	)
	switch {
	case errors.As(err, &failure):
		words = failure.Error()
	case errors.As(err, &usage):
		words = usage.Words
	case errors.Is(err, context.Canceled):
		words = "stopped before it was done"
	case errors.As(err, &stored):
		words = storeWords(stored)
	case errors.As(err, &settings):
		words = settingsWords(settings)
	case errors.As(err, &credential):
		words = credential.Error()
	case errors.Is(err, vault.ErrKeyset), errors.Is(err, vault.ErrWrongKeyset), errors.Is(err, vault.ErrSealed):
		for _, kind := range []error{vault.ErrKeyset, vault.ErrWrongKeyset} { // the rest says it better
			words = strings.Replace(words, kind.Error()+": ", "", 1)
		}
	default:
		if f := fault.As(err); f != nil {
			words = f.Error()
		}
	}
	return finish(printable(words))
}

// storeWords leaves the driver's words out where ours say all there is.
func storeWords(e *store.Error) string {
	if e.Problem != "" && (errors.Is(e, store.ErrNotMigrated) || errors.Is(e, store.ErrNotFound) || errors.Is(e, store.ErrExists)) {
		quiet := *e
		quiet.Err = nil
		return quiet.Error()
	}
	return e.Error()
}

func settingsWords(e *config.Error) string {
	const attempted = "read the settings from the environment: "
	if len(e.Problems) == 1 {
		return attempted + e.Error()
	}
	return attempted + "\n" + e.Error()
}

// finish starts a sentence with a capital and ends it with a full stop.
func finish(words string) string {
	if words = strings.TrimSpace(words); words == "" {
		return ""
	}
	first, size := utf8.DecodeRuneInString(words)
	if unicode.IsLower(first) && !strings.HasPrefix(words, "http") {
		words = string(unicode.ToUpper(first)) + words[size:]
	}
	if last, _ := utf8.DecodeLastRuneInString(words); !strings.ContainsRune(".!?`", last) {
		words += "."
	}
	return words
}

// split is an error in two: what happened, and what helps.
func split(err error) (words, remedy string) {
	var failure *operate.Error
	var stored *store.Error
	switch f := fault.As(err); {
	case errors.As(err, &failure):
		quiet := *failure
		quiet.Helps = ""
		return finish(printable(quiet.Error())), finish(failure.Helps)
	case errors.As(err, &stored):
		quiet := *stored
		quiet.Remedy = ""
		return finish(storeWords(&quiet)), finish(stored.Remedy)
	case f != nil:
		quiet := *f
		quiet.Remedy = ""
		return finish(printable(quiet.Error())), finish(f.Remedy)
	default:
		return sentence(err), ""
	}
}
