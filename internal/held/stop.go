package held

import (
	"fmt"
	"slices"
)

// Stop is one thing that is held: what stopped it, with the figures of this case,
// and what helps. It travels and is stored as JSON; its members are public.
type Stop struct {
	Code   Code   `json:"code"`
	Detail string `json:"detail"`
	Remedy string `json:"remedy"`
	// Difference is what is left unexplained, in minor units, where the reason
	// is that figures differ.
	Difference int64 `json:"difference,omitempty"`
	// Acceptable are the differences that a person may accept, exactly as they are.
	Acceptable []Acceptable `json:"acceptable,omitempty"`
}

// Acceptable is a difference that a person may accept: in minor units, or a
// number of rows. Of several readings that are exact, each has its name as
// Component and no difference.
type Acceptable struct {
	Component  string `json:"component,omitempty"`
	Difference int64  `json:"difference"`
	Rows       bool   `json:"rows,omitempty"`
}

// Because is the catalogue's entry for a code with this case's own sentence; an
// empty one leaves the catalogue's.
func Because(code Code, detail string) *Stop {
	reason, _ := Look(code)
	if detail == "" {
		detail = reason.Sentence
	}
	return &Stop{Code: code, Detail: detail, Remedy: reason.Remedy}
}

// Becausef is Because with a sentence to format.
func Becausef(code Code, format string, args ...any) *Stop {
	return Because(code, fmt.Sprintf(format, args...))
}

// Same tells whether two stops say the same.
func (s *Stop) Same(other *Stop) bool {
	return s.Code == other.Code && s.Detail == other.Detail && s.Remedy == other.Remedy && s.Difference == other.Difference &&
		slices.Equal(s.Acceptable, other.Acceptable)
}
