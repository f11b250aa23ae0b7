package vismasim

import (
	"fmt"
	"time"
)

// Period is a financial period. Closed means closed in the general ledger.
type Period struct {
	ID       string    `json:"id"` // YYYYPP: year and number, not year and month
	Year     int       `json:"year"`
	Number   int       `json:"number"`
	Start    time.Time `json:"start"`
	Next     time.Time `json:"next"` // the first day after it
	Closed   bool      `json:"closed"`
	Inactive bool      `json:"inactive"`
}

// postPeriod returns the period in the form PPYYYY.
func (p *Period) postPeriod() string { return fmt.Sprintf("%02d%04d", p.Number, p.Year) }

// shown returns the period as in the real API's messages.
func (p *Period) shown() string { return fmt.Sprintf("%02d-%04d", p.Number, p.Year) }

func (p *Period) written(format string) string {
	switch format {
	case "YYYYPP":
		return p.ID
	case "PP-YYYY":
		return p.shown()
	default:
		return p.postPeriod()
	}
}

// periodsOf divides the company's financial years into twelve periods each.
func periodsOf(c Company) []*Period {
	first := c.FinancialYear.FirstMonth
	if first == 0 {
		first = time.January
	}
	var periods []*Period
	for y := range c.FinancialYear.Years {
		number := c.FinancialYear.FirstYear + y
		begins := number
		if c.FinancialYear.BelongsToNextYear && first != time.January {
			begins--
		}
		for n := range 12 {
			start := time.Date(begins, first, 1, 0, 0, 0, 0, time.UTC).AddDate(0, n, 0)
			id := fmt.Sprintf("%04d%02d", number, n+1)
			periods = append(periods, &Period{
				ID: id, Year: number, Number: n + 1, Start: start, Next: start.AddDate(0, 1, 0),
				Closed: c.ClosedThrough != "" && id <= c.ClosedThrough,
			})
		}
	}
	return periods
}

func (c *company) period(id string) *Period {
	for _, p := range c.periods {
		if p.ID == id {
			return p
		}
	}
	return nil
}

func (c *company) periodOn(day time.Time) *Period {
	for _, p := range c.periods {
		if !day.Before(p.Start) && day.Before(p.Next) {
			return p
		}
	}
	return nil
}
