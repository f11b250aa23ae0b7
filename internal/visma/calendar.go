package visma

import (
	"cmp"
	"fmt"
	"slices"
)

// Period is a parsed financial period: its days, its name in Visma.net's terms, and whether vouchers can
// be posted to it.
type Period struct {
	ID          string // YYYYPP: financial year and number, not year and month
	Year        int
	Number      int
	Start       Date
	End         Date // the last day
	Description string
	Closed      bool // closed in the general ledger
	Inactive    bool // never opened for posting
}

// Open reports whether vouchers can be posted to the period.
func (p Period) Open() bool { return !p.Closed && !p.Inactive }

// Calendar finds the financial period of a day.
type Calendar struct {
	periods []Period // by start; no two share a day
}

// NewCalendar reads the financial periods of a company. Periods without days
// (adjustment periods at the end of a year) take no vouchers and are left out.
func NewCalendar(all []FinancialPeriod) (*Calendar, error) {
	var periods []Period
	for i := range all {
		p := &all[i]
		if p.StartDate.IsZero() || p.StartDate == p.EndDate {
			continue
		}
		year, number, err := ParsePeriod(p.Period, p.Year)
		if err != nil {
			return nil, err
		}
		periods = append(periods, Period{
			ID: PeriodID(year, number), Year: year, Number: number,
			Start: p.StartDate, End: p.EndDate, Description: p.Description,
			Closed: p.ClosedInGeneralLedger, Inactive: !p.Active,
		})
	}
	slices.SortStableFunc(periods, func(a, b Period) int {
		return cmp.Or(a.Start.Compare(b.Start), cmp.Compare(a.ID, b.ID))
	})
	periods, err := withoutRepeats(periods)
	if err != nil {
		return nil, err
	}
	setLastDays(periods)
	return &Calendar{periods: periods}, nil
}

// withoutRepeats joins a period that is listed more than once (once for each
// organization); it is open only when it is open in all of them.
func withoutRepeats(sorted []Period) ([]Period, error) {
	var periods []Period
	for _, p := range sorted {
		last := len(periods) - 1
		switch {
		case last < 0 || periods[last].Start != p.Start:
			periods = append(periods, p)
		case periods[last].ID == p.ID:
			periods[last].Closed = periods[last].Closed || p.Closed
			periods[last].Inactive = periods[last].Inactive || p.Inactive
		default:
			return nil, fmt.Errorf("read financial periods: %s and %s both start on %s", periods[last].ID, p.ID, p.Start)
		}
	}
	return periods, nil
}

// setLastDays resolves what Visma.net leaves open: endDate is the last day of a period, or the first day
// after it. The start of the next period is the bound; before a gap, and for the last period of all, the
// other periods' form applies.
func setLastDays(periods []Period) {
	after := endsAfter(periods)
	for i := range periods {
		p := &periods[i]
		end := p.End
		if after {
			end = end.AddDays(-1)
		}
		if i+1 < len(periods) {
			next := periods[i+1].Start
			if touches := p.End == next || p.End.AddDays(1) == next; touches || end.Compare(next) >= 0 {
				end = next.AddDays(-1)
			}
		}
		p.End = end
	}
}

// endsAfter reports whether endDate is the first day after a period: as the neighbours show, or, when
// there are none, when it is the first of a month as the start is.
func endsAfter(periods []Period) bool {
	for i := 1; i < len(periods); i++ {
		switch periods[i].Start {
		case periods[i-1].End:
			return true
		case periods[i-1].End.AddDays(1):
			return false
		}
	}
	return len(periods) > 0 && periods[0].Start.Day == periods[0].End.Day
}

// Periods returns the periods in the order of their days.
func (c *Calendar) Periods() []Period { return slices.Clone(c.periods) }

// Period returns the period with that id (YYYYPP).
func (c *Calendar) Period(id string) (Period, bool) {
	for _, p := range c.periods {
		if p.ID == id {
			return p, true
		}
	}
	return Period{}, false
}

// After returns the period that begins on the day after the given one has ended.
func (c *Calendar) After(p Period) (Period, bool) {
	for _, next := range c.periods {
		if next.Start == p.End.AddDays(1) {
			return next, true
		}
	}
	return Period{}, false
}

// Of returns the open period of a day, or a *PeriodError with the reason why there is none and the next
// open period.
func (c *Calendar) Of(day Date) (Period, error) {
	for _, p := range c.periods {
		if p.Start.Compare(day) > 0 || p.End.Compare(day) < 0 {
			continue
		}
		if p.Open() {
			return p, nil
		}
		e := &PeriodError{Problem: PeriodClosed, Date: day, Period: &p}
		e.NextOpen = c.nextOpen(p.End)
		return Period{}, e
	}
	return Period{}, &PeriodError{Problem: PeriodMissing, Date: day, NextOpen: c.nextOpen(day)}
}

// NextOpen returns the first open period that starts after a day.
func (c *Calendar) NextOpen(day Date) (Period, bool) {
	if p := c.nextOpen(day); p != nil {
		return *p, true
	}
	return Period{}, false
}

func (c *Calendar) nextOpen(day Date) *Period {
	for _, p := range c.periods {
		if p.Open() && p.Start.Compare(day) > 0 {
			return &p
		}
	}
	return nil
}

// PeriodProblem is the reason that a day has no period to post to.
type PeriodProblem string

// The two problems; each is also the held code of the payout.
const (
	PeriodMissing PeriodProblem = "period_missing" // no period contains the day
	PeriodClosed  PeriodProblem = "period_closed"  // its period is closed or not opened yet
)

// PeriodError explains why a day has no period to post to.
type PeriodError struct {
	Problem  PeriodProblem
	Date     Date
	Period   *Period // the closed period
	NextOpen *Period // the first open period after it, if there is one
}

// Code returns the held code: period_missing or period_closed.
func (e *PeriodError) Code() string { return string(e.Problem) }

func (e *PeriodError) Error() string {
	next := "no later period is open"
	if e.NextOpen != nil {
		next = fmt.Sprintf("the next open period is %s from %s", e.NextOpen.ID, e.NextOpen.Start)
	}
	if e.Problem == PeriodMissing {
		return fmt.Sprintf("find the financial period of %s: Visma.net has none for that day; %s", e.Date, next)
	}
	state := "closed in the general ledger"
	if e.Period.Inactive {
		state = "not open for posting"
	}
	return fmt.Sprintf("find the financial period of %s: period %s (%s to %s) is %s; %s", e.Date, e.Period.ID, e.Period.Start, e.Period.End, state, next)
}
