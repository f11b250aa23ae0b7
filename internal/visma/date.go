package visma

import (
	"encoding/json"
	"fmt"
	"time"
)

// Date is a day in the company's calendar, without a zone. It is written in Visma.net's form, midnight
// without zone: "2026-01-31T00:00:00".
type Date struct {
	Year  int
	Month time.Month
	Day   int
}

// ParseDate reads "2026-01-31", or any form of date and time, of which it takes the day as written: no
// zone ever moves it.
func ParseDate(s string) (Date, error) {
	dt, err := parseDateTime(s)
	if err != nil {
		return Date{}, err
	}
	return dt.Date(), nil
}

// DateOf returns the day of a time in that time's own location.
func DateOf(t time.Time) Date {
	year, month, day := t.Date()
	return Date{Year: year, Month: month, Day: day}
}

// IsZero reports whether no date is set.
func (d Date) IsZero() bool { return d == Date{} }

// String writes the day as "2026-01-31", or "" when none is set.
func (d Date) String() string {
	if d.IsZero() {
		return ""
	}
	return fmt.Sprintf("%04d-%02d-%02d", d.Year, d.Month, d.Day)
}

// Compare returns -1, 0 or +1 as d is before, on or after other.
func (d Date) Compare(other Date) int {
	return d.midnight().Compare(other.midnight())
}

// AddDays returns the day n days later.
func (d Date) AddDays(n int) Date { return DateOf(d.midnight().AddDate(0, 0, n)) }

func (d Date) midnight() time.Time {
	return time.Date(d.Year, d.Month, d.Day, 0, 0, 0, 0, time.UTC)
}

// MarshalJSON writes midnight without zone, or null when no date is set.
func (d Date) MarshalJSON() ([]byte, error) {
	if d.IsZero() {
		return []byte("null"), nil
	}
	return json.Marshal(d.String() + "T00:00:00")
}

// UnmarshalJSON reads every form that Visma.net writes; null and "" are the
// zero date.
func (d *Date) UnmarshalJSON(b []byte) error {
	var dt DateTime
	if err := dt.UnmarshalJSON(b); err != nil {
		return err
	}
	*d = Date{}
	if !dt.IsZero() {
		*d = dt.Date()
	}
	return nil
}

// DateTime is a time as Visma.net writes it: RFC 3339 with an offset, or without zone. Without zone it is
// local time in the company, which is no definite time elsewhere; Zoned distinguishes the two.
type DateTime struct {
	Time  time.Time // in UTC when the text had no zone
	Zoned bool
}

// IsZero reports whether nothing is set; Visma.net also writes the year 1 for that.
func (d DateTime) IsZero() bool { return d.Time.IsZero() }

// Date returns the day as it was written.
func (d DateTime) Date() Date {
	if d.IsZero() {
		return Date{}
	}
	return DateOf(d.Time)
}

const zoneless = "2006-01-02T15:04:05.999999999"

// MarshalJSON writes the form that was read.
func (d DateTime) MarshalJSON() ([]byte, error) {
	switch {
	case d.IsZero():
		return []byte("null"), nil
	case d.Zoned:
		return json.Marshal(d.Time.Format(time.RFC3339Nano))
	}
	return json.Marshal(d.Time.Format(zoneless))
}

// UnmarshalJSON reads every form that Visma.net writes; null and "" are zero.
func (d *DateTime) UnmarshalJSON(b []byte) error {
	*d = DateTime{}
	if string(b) == "null" {
		return nil
	}
	var text string
	if err := json.Unmarshal(b, &text); err != nil {
		return fmt.Errorf("read date: %.40q is not text: %w", b, err)
	}
	if text == "" {
		return nil
	}
	parsed, err := parseDateTime(text)
	if err != nil {
		return err
	}
	*d = parsed
	return nil
}

func parseDateTime(text string) (DateTime, error) {
	for _, layout := range []string{time.RFC3339, "2006-01-02T15:04:05Z0700", "2006-01-02 15:04:05Z07:00"} {
		if t, err := time.Parse(layout, text); err == nil {
			return DateTime{Time: t, Zoned: true}, nil
		}
	}
	for _, layout := range []string{"2006-01-02T15:04:05", "2006-01-02 15:04:05", "2006-01-02T15:04", time.DateOnly} {
		if t, err := time.Parse(layout, text); err == nil {
			return DateTime{Time: t}, nil
		}
	}
	return DateTime{}, fmt.Errorf("read date: %.40q is not a form that Visma.net writes", text)
}
