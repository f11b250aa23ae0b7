package voucher

import (
	"fmt"
	"slices"
	"time"

	"kvitt/internal/settlement"
)

// Captures are what the captured rows of a payout come to, by day.
type Captures struct {
	Proof *settlement.Proof
	Days  map[Date][]settlement.Component
}

// Share is the part of a payout that was captured by the end of a day.
type Share struct {
	Proof      *settlement.Proof // of the whole payout: it knows the directions
	Components []settlement.Component
}

// UpTo returns what was captured up to and including a day.
func (c *Captures) UpTo(day Date) (Share, error) {
	var all []settlement.Component
	for at, components := range c.Days {
		if !day.Before(at) {
			all = append(all, components...)
		}
	}
	merged, fits := settlement.MergeComponents(all)
	if !fits {
		return Share{}, fmt.Errorf("sum what was captured of payout %s up to %s: it does not fit 64 bits", c.Proof.Payout.PaymentReference, day)
	}
	return Share{Proof: c.Proof, Components: merged}, nil
}

// Days are the rows of one payout by the day of their capture, summed while they
// stream by. Their memory grows with the days, never with the rows.
type Days struct {
	Undated int64 // rows of captures that carry no date, which are in no day

	zone     *time.Location
	currency settlement.Currency
	tallies  map[Date]*settlement.Tally
	from, to time.Time // the day of the row before
	today    *settlement.Tally
}

// NewDays starts the sums of a payout in a company's zone.
func NewDays(currency settlement.Currency, zone *time.Location) *Days {
	return &Days{zone: zone, currency: currency, tallies: map[Date]*settlement.Tally{}}
}

// Restart forgets what was added, for a listing that is read from the start.
func (d *Days) Restart() { *d = *NewDays(d.currency, d.zone) }

// Add counts a row in. The zero time is no date.
func (d *Days) Add(at time.Time, r *settlement.Row) {
	if at.IsZero() {
		if settlement.Capture(r.Type) {
			d.Undated++
		}
		return
	}
	if d.today == nil || at.Before(d.from) || !at.Before(d.to) {
		d.turnTo(at)
	}
	d.today.Add(r)
}

func (d *Days) turnTo(at time.Time) {
	day := DateOf(at, d.zone)
	d.from = time.Date(day.Year, day.Month, day.Day, 0, 0, 0, 0, d.zone)
	d.to = time.Date(day.Year, day.Month, day.Day+1, 0, 0, 0, 0, d.zone)
	if d.tallies[day] == nil {
		d.tallies[day] = settlement.NewTally(d.currency)
	}
	d.today = d.tallies[day]
}

// Captures are the captured components of each day. Fees that a GROSS payout only
// lists are left out: they come again in their own bill and count there.
func (d *Days) Captures(proof *settlement.Proof) Captures {
	captures := Captures{Proof: proof, Days: make(map[Date][]settlement.Component, len(d.tallies))}
	for day, tally := range d.tallies {
		components := slices.DeleteFunc(tally.Components(), func(c settlement.Component) bool {
			return !settlement.Capture(c.Type) || proof.Effect(c).Outside
		})
		if len(components) > 0 {
			captures.Days[day] = components
		}
	}
	return captures
}
