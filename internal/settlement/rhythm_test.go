package settlement_test

import (
	"testing"
	"time"

	"pgregory.net/rapid"

	"kvitt/internal/settlement"
)

func day(s string) time.Time {
	t, err := time.Parse(time.DateOnly, s)
	if err != nil {
		panic(err)
	}
	return t
}

// every lists days from a first one on, n of them, step days apart; weekdays
// leaves Saturdays and Sundays out.
func every(first string, step, n int, weekdays bool) []time.Time {
	var days []time.Time
	for d := day(first); len(days) < n; d = d.AddDate(0, 0, step) {
		if !weekdays || d.Weekday() != time.Saturday && d.Weekday() != time.Sunday {
			days = append(days, d.Add(6*time.Hour))
		}
	}
	return days
}

func TestTheRhythmTellsDueFromMissing(t *testing.T) {
	weekly := every("2026-01-07", 7, 8, false)   // Wednesdays, the last on 2026-02-25
	daily := every("2026-03-02", 1, 20, true)    // Mondays to Fridays, the last on 2026-03-27
	easter := every("2026-03-09", 1, 19, true)   // the last on Thursday 2026-04-02, before Good Friday
	monthly := every("2025-07-15", 30, 7, false) // the last on 2026-01-11
	doubled := append(every("2026-01-07", 7, 8, false), day("2026-02-04"), day("2026-02-05"), day("2026-01-14"))
	for _, test := range []struct {
		name    string
		past    []time.Time
		through string
		known   bool
		missing bool
	}{
		{"three payouts are not a rhythm", weekly[:3], "2026-06-01", false, false},
		{"four are", weekly[:4], "2026-06-01", true, true},
		{"the same day twice counts once", append(weekly[:3:3], weekly[2]), "2026-06-01", false, false},
		{"weekly, not due yet", weekly, "2026-03-03", true, false},
		{"weekly, due today", weekly, "2026-03-04", true, false},
		{"weekly, a bank holiday late", weekly, "2026-03-07", true, false},
		{"weekly, missing", weekly, "2026-03-10", true, true},
		{"weekly with an extra payout or two", doubled, "2026-03-04", true, false},
		{"daily, over a weekend", daily, "2026-03-30", true, false},
		{"daily, missing", daily, "2026-04-03", true, true},
		{"daily, over Easter", easter, "2026-04-07", true, false},
		{"daily, missing after Easter", easter, "2026-04-10", true, true},
		{"monthly, not due yet", monthly, "2026-02-05", true, false},
		{"monthly, missing", monthly, "2026-03-01", true, true},
		{"payouts after the window are not past", weekly, "2026-01-26", false, false},
	} {
		t.Run(test.name, func(t *testing.T) {
			got := settlement.Rhythm(test.past, day(test.through))
			if got.Known != test.known || got.Missing != test.missing {
				t.Errorf("known %t, missing %t; want %t, %t (%+v)", got.Known, got.Missing, test.known, test.missing, got)
			}
		})
	}
}

func TestTheRhythmSaysWhenThePayoutWasDue(t *testing.T) {
	got := settlement.Rhythm(every("2026-01-07", 7, 8, false), day("2026-03-10"))
	want := settlement.Due{
		Known: true, Missing: true, GapDays: 7, Last: day("2026-02-25"), Next: day("2026-03-04"),
		Overdue: day("2026-03-10"), Through: day("2026-03-10"),
	}
	if got != want {
		t.Errorf("got  %+v\nwant %+v", got, want)
	}
}

func TestAnUnevenRhythmIsGivenMoreTime(t *testing.T) {
	uneven := []time.Time{day("2026-01-01"), day("2026-01-05"), day("2026-01-25"), day("2026-02-02"), day("2026-02-22")}
	if got := settlement.Rhythm(uneven, day("2026-04-01")); got.Missing {
		t.Errorf("missing after %d days: %+v", 38, got)
	}
	if got := settlement.Rhythm(uneven, day("2026-06-01")); !got.Missing {
		t.Errorf("not missing after months: %+v", got)
	}
}

func TestOnceMissingAPayoutStaysMissingUntilItComes(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		var past []time.Time
		at := day("2026-01-01")
		for range rapid.IntRange(0, 20).Draw(t, "payouts") {
			at = at.AddDate(0, 0, rapid.IntRange(0, 40).Draw(t, "gap"))
			past = append(past, at)
		}
		now := at.AddDate(0, 0, rapid.IntRange(0, 400).Draw(t, "later"))
		if due := settlement.Rhythm(past, now); due.Missing {
			if !settlement.Rhythm(past, now.AddDate(0, 0, 1)).Missing {
				t.Fatal("missing today, and not tomorrow")
			}
			if settlement.Rhythm(append(past, now), now).Missing {
				t.Fatal("missing although it came today")
			}
		}
	})
}
