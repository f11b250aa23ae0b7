package report_test

import (
	"errors"
	"testing"
	"time"

	"kvitt/internal/report"
	"kvitt/internal/store"
)

func TestDaysAreBoundedAndTheRefusalSaysTheLimit(t *testing.T) {
	day := func(text string) time.Time {
		d, err := time.Parse(time.DateOnly, text)
		if err != nil {
			t.Fatal(err)
		}
		return d
	}
	for _, c := range []struct{ from, to, want string }{
		{"2026-01-01", "2026-01-31", ""},
		{"2017-01-01", "2026-12-31", ""},
		{"2016-12-31", "2026-12-31", "the days 2016-12-31 to 2026-12-31 are more than 10 years. Ask for fewer years at once."},
		{"0001-01-01", "9999-12-31", "the days 0001-01-01 to 9999-12-31 are not between 2000-01-01 and 2099-12-31. Check the years."},
		{"2026-02-01", "2026-01-01", "the days 2026-02-01 to 2026-01-01 end before they begin. Turn them round."},
	} {
		span := report.Span{From: day(c.from), To: day(c.to)}
		got := ""
		if err := span.Check(); err != nil {
			got = err.Error()
		}
		if got != c.want {
			t.Errorf("%s to %s: %q, want %q", c.from, c.to, got, c.want)
		}
	}
	// Nothing is read before it is refused: there is no source.
	made := &report.Reports{Connection: store.Connection{ID: "c1"}, Zone: time.UTC}
	long := report.Span{From: day("0001-01-01"), To: day("9999-12-31")}
	for _, name := range report.Names() {
		if name == report.Held { // of now, whatever the days
			continue
		}
		var refused *report.SpanError
		if _, err := made.Make(t.Context(), name, long); !errors.As(err, &refused) {
			t.Errorf("%s: %v", name, err)
		}
	}
}
