package report

import (
	"fmt"
	"time"
)

// MostYears is the most years that a report, a file or a backfill may be about: what
// the law has companies keep, and some more.
const MostYears = 10

// The days that anything can be about.
var (
	firstDay = time.Date(2000, time.January, 1, 0, 0, 0, 0, time.UTC)
	lastDay  = time.Date(2100, time.January, 1, 0, 0, 0, 0, time.UTC)
)

// SpanError says that days are too many or lie too far away.
type SpanError struct {
	Span    Span
	Problem string
	Helps   string
}

func (e *SpanError) Error() string {
	return fmt.Sprintf("the days %s %s. %s", e.Span, e.Problem, e.Helps)
}

// Check refuses days that nothing can be about, or so many of them that one
// report would take the machine from everybody else.
func (s Span) Check() error {
	switch {
	case s.From.Before(firstDay) || !s.To.Before(lastDay):
		return &SpanError{s, fmt.Sprintf("are not between %s and %s", firstDay.Format(time.DateOnly), lastDay.AddDate(0, 0, -1).Format(time.DateOnly)), "Check the years."}
	case s.To.Before(s.From):
		return &SpanError{s, "end before they begin", "Turn them round."}
	case !s.To.Before(s.From.AddDate(MostYears, 0, 0)):
		return &SpanError{s, fmt.Sprintf("are more than %d years", MostYears), "Ask for fewer years at once."}
	}
	return nil
}
