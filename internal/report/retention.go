package report

import (
	"time"
)

// Retention limits how long a country wants records kept: full years after the end
// of the financial year, or after the calendar year in which it ended.
type Retention struct {
	Country      string // ISO 3166-1
	Received     int    // years for received documents and vouchers
	Books        int    // years for registers, profiles and the audit trail
	CalendarYear bool   // for what is received, counted from the end of the calendar year
	Source       string
}

// retentions are the four countries by the currency their companies keep books
// in. docs/operations.md says what in it was not looked up in the law itself.
var retentions = map[string]Retention{
	"SEK": {"SE", 7, 7, true, "bokföringslagen (1999:1078) 7:2"},
	"NOK": {"NO", 5, 5, false, "bokføringsloven § 13"},
	"EUR": {"FI", 6, 10, true, "kirjanpitolaki (1336/1997) 2:10"},
	"DKK": {"DK", 5, 5, false, "bogføringsloven (1999) § 10; 2022"},
}

// RetentionOf is the rule for a company by the currency of its books. known is
// false for another one: then the longest of all applies.
func RetentionOf(baseCurrency string) (r Retention, known bool) {
	if r, known = retentions[baseCurrency]; known {
		return r, true
	}
	return Retention{"", 10, 10, true, "not known; the longest Nordic one"}, false
}

// KeepUntil is the last day on which a record has to be kept, of something that
// was booked on a day in a company whose financial year ends with a month. books
// tells registers, profiles and audit trail from received documents and
// vouchers. Kvitt deletes nothing, neither before that day nor after it.
func (r Retention) KeepUntil(day time.Time, yearEnd time.Month, books bool) time.Time {
	end := time.Date(day.Year(), yearEnd+1, 0, 0, 0, 0, 0, time.UTC)
	if day.After(end) {
		end = time.Date(day.Year()+1, yearEnd+1, 0, 0, 0, 0, 0, time.UTC)
	}
	years := r.Received
	if books {
		years = r.Books
	}
	if r.CalendarYear && (!books || r.Books == r.Received) {
		return time.Date(end.Year()+years, time.December, 31, 0, 0, 0, 0, time.UTC)
	}
	return time.Date(end.Year()+years, end.Month()+1, 0, 0, 0, 0, 0, time.UTC)
}
