package operate

import (
	"context"
	"errors"
	"strings"
	"unicode"
	"unicode/utf8"

	"kvitt/internal/fault"
	"kvitt/internal/klarna"
	"kvitt/internal/store"
	"kvitt/internal/vault"
)

// Sentence is an error as a sentence of its own, without the noise of the
// layers in between.
func Sentence(err error) string {
	words := err.Error()
	var (
		failure    *Error
		stored     *store.Error
		credential *klarna.CredentialError
	)
	switch {
	case errors.As(err, &failure):
		words = failure.Error()
	case errors.Is(err, context.Canceled):
		words = "stopped before it was done"
	case errors.As(err, &stored):
		words = storeWords(stored)
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
	return Finish(Printable(words))
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

// Explain is an error in two: what happened, and what helps.
func Explain(err error) (happened, helps string) {
	var failure *Error
	var stored *store.Error
	switch f := fault.As(err); {
	case errors.As(err, &failure):
		quiet := *failure
		quiet.Helps = ""
		return Finish(Printable(quiet.Error())), Finish(failure.Helps)
	case errors.As(err, &stored):
		quiet := *stored
		quiet.Remedy = ""
		return Finish(storeWords(&quiet)), Finish(stored.Remedy)
	case f != nil:
		quiet := *f
		quiet.Remedy = ""
		return Finish(Printable(quiet.Error())), Finish(f.Remedy)
	default:
		return Sentence(err), ""
	}
}

// Finish starts a sentence with a capital and ends it with a full stop.
func Finish(words string) string {
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

// Printable is text of somebody else without what would move a terminal's
// cursor or change its colours.
func Printable(words string) string {
	return strings.Map(func(r rune) rune {
		if unicode.IsControl(r) && r != '\n' && r != '\t' {
			return '\uFFFD'
		}
		return r
	}, words)
}
