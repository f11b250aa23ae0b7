// Package fault is the one vocabulary for failures of a party outside this process. A client classifies an
// error once, when it meets it; the activities decide once, by class, what Temporal should do.
//
// It must never carry a secret: the other side's error texts are shortened, request headers and bodies are
// never kept.
package fault

import (
	"errors"
	"fmt"
	"strings"
	"time"
)

// Class says what to do about an error, not what caused it.
type Class string

// The classes of errors from outside.
const (
	Transient      Class = "transient"       // temporary; try again with back-off
	Throttled      Class = "throttled"       // try again after RetryAfter
	Auth           Class = "auth"            // the credential no longer works
	Rejected       Class = "rejected"        // refused; trying again changes nothing
	UnknownOutcome Class = "unknown_outcome" // a write that may or may not have happened
	BadData        Class = "bad_data"        // an answer that cannot be used as evidence
)

// Error is an answer, or a missing answer, of a party outside this process.
// It reads as a sentence that starts with the attempt.
type Error struct {
	Class      Class
	Party      string        // "Klarna", "Visma.net", "Visma Connect"
	Attempted  string        // the attempt: "list payouts"
	Status     int           // HTTP status, 0 when there was no answer
	Code       string        // the other side's error code, if it gave one
	Words      string        // the other side's error text, shortened
	RequestID  string        // Klarna-Correlation-Id, VismaId or Ipp-Request-Id
	RetryAfter time.Duration // the time to wait, when the other side said so
	Remedy     string        // the remedy, when it is known
	Err        error
}

func (e *Error) Error() string {
	var b strings.Builder
	fmt.Fprintf(&b, "%s: %s", e.Attempted, e.Party)
	switch {
	case e.Status != 0:
		fmt.Fprintf(&b, " answered %d", e.Status)
	case e.Class == BadData:
		b.WriteString(" gave an answer that cannot be used")
	default:
		b.WriteString(" gave no answer")
	}
	if e.Code != "" {
		fmt.Fprintf(&b, " %s", e.Code)
	}
	if e.Words != "" {
		fmt.Fprintf(&b, ": %s", strings.TrimRight(e.Words, ".")) // the sentence continues
	}
	if e.Err != nil {
		fmt.Fprintf(&b, ": %v", e.Err)
	}
	if e.RequestID != "" {
		fmt.Fprintf(&b, " (request %s)", e.RequestID)
	}
	if e.Remedy != "" {
		fmt.Fprintf(&b, ". %s", e.Remedy)
	}
	return b.String()
}

func (e *Error) Unwrap() error { return e.Err }

// As returns the outside error in err's chain, or nil.
func As(err error) *Error {
	var e *Error
	if errors.As(err, &e) {
		return e
	}
	return nil
}

// ClassOf returns the class of the outside error in err's chain, or "" when
// there is none.
func ClassOf(err error) Class {
	if e := As(err); e != nil {
		return e.Class
	}
	return ""
}

// Trim shortens the other side's error text to one readable line.
func Trim(words string) string {
	const most = 400
	words = strings.Join(strings.Fields(words), " ")
	if r := []rune(words); len(r) > most {
		return string(r[:most]) + "…"
	}
	return words
}
