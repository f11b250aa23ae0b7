package visma

import (
	"errors"
	"fmt"
	"strings"
	"testing"

	"pgregory.net/rapid"
)

func day(t *testing.T, s string) Date {
	t.Helper()
	d, err := ParseDate(s)
	if err != nil {
		t.Fatal(err)
	}
	return d
}

// months makes n monthly periods of financial years that start with that month, in a chosen notation and
// form of end date.
func months(year, startMonth, n int, write func(year, number int) string, endsAfter bool) []FinancialPeriod {
	var all []FinancialPeriod
	for i := range n {
		start := DateOf(Date{year, 1, 1}.midnight().AddDate(0, startMonth-1+i, 0))
		end := DateOf(start.midnight().AddDate(0, 1, 0))
		if !endsAfter {
			end = end.AddDays(-1)
		}
		// The financial year is named after the calendar year it ends in.
		number, financial := i%12+1, year+i/12
		if startMonth > 1 {
			financial++
		}
		all = append(all, FinancialPeriod{Year: financial, Period: write(financial, number), StartDate: start, EndDate: end, Active: true})
	}
	return all
}

func yearFirst(y, n int) string   { return fmt.Sprintf("%04d%02d", y, n) }
func numberFirst(y, n int) string { return fmt.Sprintf("%02d%04d", n, y) }
func dashed(y, n int) string      { return fmt.Sprintf("%02d-%04d", n, y) }

func TestThePeriodOfADayIsItsFinancialYearAndNumberNotItsMonth(t *testing.T) {
	for name, write := range map[string]func(int, int) string{"202601": yearFirst, "012026": numberFirst, "01-2026": dashed} {
		for _, endsAfter := range []bool{true, false} {
			t.Run(fmt.Sprintf("%s, end after %t", name, endsAfter), func(t *testing.T) {
				calendar, err := NewCalendar(months(2025, 5, 24, write, endsAfter)) // years start in May
				if err != nil {
					t.Fatal(err)
				}
				for date, want := range map[string]string{
					"2025-05-01": "202601", "2025-05-31": "202601", "2025-06-01": "202602", "2025-12-31": "202608",
					"2026-01-01": "202609", "2026-02-28": "202610", "2026-04-30": "202612", "2026-05-01": "202701", "2027-04-30": "202712",
				} {
					p, err := calendar.Of(day(t, date))
					if err != nil || p.ID != want || p.Start.Compare(day(t, date)) > 0 || p.End.Compare(day(t, date)) < 0 {
						t.Errorf("%s is in %+v (%v), want %s", date, p, err, want)
					}
				}
				for _, date := range []string{"2025-04-30", "2027-05-01"} {
					if p, err := calendar.Of(day(t, date)); err == nil {
						t.Errorf("%s is in %+v", date, p)
					}
				}
			})
		}
	}
}

func TestPeriodsAreReadInEveryForm(t *testing.T) {
	for _, c := range []struct {
		text string
		year int
		want string
	}{
		{"202601", 2026, "202601"},
		{"012026", 2026, "202601"},
		{"01-2026", 2026, "202601"},
		{"2026-01", 2026, "202601"},
		{"1-2026", 2026, "202601"},
		{"01/2026", 2026, "202601"},
		{" 202612 ", 2026, "202612"},
		{"1", 2026, "202601"},
		{"13", 2026, "202613"},
		{"202012", 2020, "202012"},
		{"122020", 2020, "202012"},
		{"202020", 2020, "202020"},
		{"202012", 2012, "201220"},
		{"202601", 0, "202601"},
		{"012026", 0, "202601"},
		{"12-2020", 0, "202012"},
	} {
		y, n, err := ParsePeriod(c.text, c.year)
		if err != nil || PeriodID(y, n) != c.want {
			t.Errorf("%q of %d is %s (%v), want %s", c.text, c.year, PeriodID(y, n), err, c.want)
		}
	}
	for text, year := range map[string]int{"": 2026, "1": 0, "202601": 2025, "01-2025": 2026, "202600": 2026, "januari": 2026, "20260101": 2026, "-": 2026, "å12026": 2026} {
		if y, n, err := ParsePeriod(text, year); err == nil {
			t.Errorf("%q of %d was read as %d/%d", text, year, y, n)
		}
	}
}

func TestADayWithoutAnOpenPeriodSaysWhyAndNamesTheNextOne(t *testing.T) {
	all := months(2026, 1, 12, yearFirst, false)
	all[0].ClosedInGeneralLedger = true
	all[1].ClosedInGeneralLedger = true
	all[2].Active = false
	all = append(all[:5], all[6:]...) // June is missing
	calendar, err := NewCalendar(all)
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		date, code, period, next, words string
	}{
		{"2026-01-15", "period_closed", "202601", "202604", "closed in the general ledger"},
		{"2026-02-28", "period_closed", "202602", "202604", "closed in the general ledger"},
		{"2026-03-31", "period_closed", "202603", "202604", "not open for posting"},
		{"2026-06-15", "period_missing", "", "202607", "has none for that day"},
		{"2025-12-31", "period_missing", "", "202604", "has none for that day"},
		{"2027-01-01", "period_missing", "", "", "no later period is open"},
	} {
		_, err := calendar.Of(day(t, c.date))
		var e *PeriodError
		if !errors.As(err, &e) {
			t.Fatalf("%s: %v", c.date, err)
		}
		period, next := "", ""
		if e.Period != nil {
			period = e.Period.ID
		}
		if e.NextOpen != nil {
			next = e.NextOpen.ID
		}
		if e.Code() != c.code || period != c.period || next != c.next || !strings.Contains(e.Error(), c.words) || !strings.Contains(e.Error(), c.date) {
			t.Errorf("%s: %s, period %q, next %q: %v", c.date, e.Code(), period, next, e)
		}
	}
	if p, ok := calendar.NextOpen(day(t, "2026-05-10")); !ok || p.ID != "202607" {
		t.Errorf("the next open period after May is %+v", p)
	}
	if p, ok := calendar.Period("202605"); !ok || p.End != day(t, "2026-05-31") {
		t.Errorf("the period before the gap is %+v", p)
	}
	if _, ok := calendar.Period("202606"); ok {
		t.Error("the missing period was found")
	}
}

func TestAdjustmentPeriodsTakeNoVouchers(t *testing.T) {
	for _, endsAfter := range []bool{true, false} {
		all := months(2026, 1, 24, yearFirst, endsAfter)
		last := all[11].EndDate
		all = append(all, FinancialPeriod{Year: 2026, Period: "202613", StartDate: last, EndDate: last, Active: true})
		calendar, err := NewCalendar(all)
		if err != nil {
			t.Fatal(err)
		}
		for date, want := range map[string]string{"2026-12-31": "202612", "2027-01-01": "202701"} {
			if p, err := calendar.Of(day(t, date)); err != nil || p.ID != want {
				t.Errorf("%s is in %+v (%v)", date, p, err)
			}
		}
	}
}

func TestASinglePeriodEndsOnItsEndDate(t *testing.T) {
	for end, last := range map[string]string{"2026-02-01": "2026-01-31", "2026-01-31": "2026-01-31"} {
		calendar, err := NewCalendar([]FinancialPeriod{{Year: 2026, Period: "202601", StartDate: day(t, "2026-01-01"), EndDate: day(t, end), Active: true}})
		if err != nil || calendar.Periods()[0].End != day(t, last) {
			t.Errorf("ending %s: %+v, %v", end, calendar.Periods(), err)
		}
	}
	calendar, err := NewCalendar(nil)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := calendar.Of(day(t, "2026-01-01")); err == nil {
		t.Error("a day was found in no period")
	}
}

func TestPeriodsThatContradictEachOtherAreAnError(t *testing.T) {
	january := months(2026, 1, 1, yearFirst, false)[0]
	twice := january
	twice.ClosedInGeneralLedger = true
	calendar, err := NewCalendar([]FinancialPeriod{january, twice})
	if err != nil || len(calendar.Periods()) != 1 || calendar.Periods()[0].Open() {
		t.Errorf("listed twice, closed once: %+v, %v", calendar, err)
	}
	other := january
	other.Period = "202602"
	if _, err := NewCalendar([]FinancialPeriod{january, other}); err == nil || !strings.Contains(err.Error(), "both start on") {
		t.Errorf("two periods on one day: %v", err)
	}
	other.Period = "first"
	if _, err := NewCalendar([]FinancialPeriod{other}); err == nil {
		t.Error("a period without a number was read")
	}
}

func TestEveryDayOfAYearHasExactlyOnePeriod(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		startMonth := rapid.IntRange(1, 12).Draw(t, "first month")
		all := months(2026, startMonth, 24, dashed, rapid.Bool().Draw(t, "ends after"))
		calendar, err := NewCalendar(rapid.Permutation(all).Draw(t, "order"))
		if err != nil {
			t.Fatal(err)
		}
		offset := rapid.IntRange(0, 700).Draw(t, "day")
		date := DateOf(Date{2026, 1, 1}.midnight().AddDate(0, startMonth-1, offset))
		p, err := calendar.Of(date)
		if err != nil || p.Start.Month != date.Month || p.Start.Year != date.Year {
			t.Fatalf("%s is in %+v (%v)", date, p, err)
		}
	})
}
