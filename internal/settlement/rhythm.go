package settlement

import (
	"slices"
	"time"
)

// Due tells what the rhythm of past payouts says about the next one.
type Due struct {
	Known   bool      `json:"known"`   // false: too few payouts to know a rhythm
	Missing bool      `json:"missing"` // a payout was due, and its time is up
	GapDays int       `json:"gap_days,omitempty"`
	Last    time.Time `json:"last,omitzero"`    // the latest payout
	Next    time.Time `json:"next,omitzero"`    // when the next one is due
	Overdue time.Time `json:"overdue,omitzero"` // from when on it counts as missing
	Through time.Time `json:"through,omitzero"` // the end of the window looked at
}

const (
	rhythmLeast  = 4  // dates needed before there is a rhythm
	rhythmMost   = 13 // dates looked at: what the merchant did lately, not years ago
	rhythmGrace  = 3  // working days: bank holidays around Easter and Christmas
	rhythmSpread = 3  // median deviations that an uneven rhythm is allowed
)

// Rhythm tells "nothing was due" from "due but missing". past are the dates of
// the known payouts of one merchant in one currency, in any order, those inside
// the window included; windowEnd is the end of the window that was fetched.
//
// The gap is the median number of days between the latest payouts, so that one
// holiday or one double run does not change it. A payout is due one gap after
// the last, moved off a weekend; it is missing once three more working days and
// the usual unevenness of the rhythm have passed. Days are UTC days.
func Rhythm(past []time.Time, windowEnd time.Time) Due {
	days := payoutDays(past, windowEnd)
	if len(days) < rhythmLeast {
		return Due{Through: windowEnd}
	}
	gaps := make([]int, 0, len(days)-1)
	for i := 1; i < len(days); i++ {
		gaps = append(gaps, daysBetween(days[i-1], days[i]))
	}
	gap := median(gaps)
	uneven := make([]int, len(gaps))
	for i, g := range gaps {
		uneven[i] = max(g-gap, gap-g)
	}
	last := days[len(days)-1]
	next := offWeekend(last.AddDate(0, 0, gap))
	overdue := workingDaysAfter(next.AddDate(0, 0, rhythmSpread*median(uneven)), rhythmGrace+1)
	return Due{
		Known: true, Missing: !windowEnd.Before(overdue),
		GapDays: gap, Last: last, Next: next, Overdue: overdue, Through: windowEnd,
	}
}

// payoutDays reduces dates to the latest distinct UTC days up to end, sorted.
func payoutDays(past []time.Time, end time.Time) []time.Time {
	var days []time.Time
	for _, t := range past {
		if !t.After(end) {
			days = append(days, t.UTC().Truncate(24*time.Hour))
		}
	}
	slices.SortFunc(days, time.Time.Compare)
	days = slices.CompactFunc(days, time.Time.Equal)
	return days[max(0, len(days)-rhythmMost):]
}

func daysBetween(a, b time.Time) int { return int(b.Sub(a) / (24 * time.Hour)) }

// median returns the middle value, the upper one of two.
func median(values []int) int {
	sorted := slices.Sorted(slices.Values(values))
	return sorted[len(sorted)/2]
}

func weekend(t time.Time) bool {
	return t.Weekday() == time.Saturday || t.Weekday() == time.Sunday
}

func offWeekend(t time.Time) time.Time {
	for weekend(t) {
		t = t.AddDate(0, 0, 1)
	}
	return t
}

// workingDaysAfter moves t forward by n days from Monday to Friday.
func workingDaysAfter(t time.Time, n int) time.Time {
	for ; n > 0; n-- {
		t = offWeekend(t.AddDate(0, 0, 1))
	}
	return t
}
