package voucher

import (
	"time"

	"kvitt/internal/settlement"
)

// Captured is what captured orders come to, in minor units. Returns, fees and
// VAT are what they cost the merchant.
type Captured struct {
	Rows    int64 `json:"rows"`
	Sales   int64 `json:"sales"`
	Returns int64 `json:"returns"`
	Fees    int64 `json:"fees"` // without VAT
	VAT     int64 `json:"vat"`
	Other   int64 `json:"other"` // whatever else gives (+) or takes (−): disputes, commission, charges, credits
}

// Total is what Klarna owes for it.
func (c *Captured) Total() int64 { return c.Sales - c.Returns - c.Fees - c.VAT + c.Other }

// Add adds another one's amounts.
func (c *Captured) Add(o *Captured) {
	c.Rows += o.Rows
	c.Sales += o.Sales
	c.Returns += o.Returns
	c.Fees += o.Fees
	c.VAT += o.VAT
	c.Other += o.Other
}

// captured sums components by the directions that the payout's proof found.
// Fees that a GROSS payout only lists come again in their own bill and count
// there.
func captured(proof *settlement.Proof, components []settlement.Component) (sum Captured) {
	for _, c := range components {
		effect := proof.Effect(c)
		if effect.Outside || noCapture(c.Type) {
			continue
		}
		switch c.Type {
		case settlement.TypeSale:
			sum.Sales += effect.Amount
		case settlement.TypeReturn:
			sum.Returns -= effect.Amount
		case settlement.TypeTax:
			sum.VAT -= effect.Amount
		case settlement.TypeFee, settlement.TypeFeeRefund, settlement.TypeCorrection:
			sum.Fees -= effect.Amount
		default:
			sum.Other += effect.Amount
		}
		sum.VAT -= effect.VAT
		sum.Rows += c.Rows
	}
	return sum
}

// noCapture tells what moves an amount that is owed, and is no capture.
func noCapture(typ string) bool {
	return typ == settlement.TypeHoldback || typ == settlement.TypeRelease
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
		if !noCapture(r.Type) {
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

// Sums are the days of captures, each with what it comes to.
func (d *Days) Sums(proof *settlement.Proof) map[Date]Captured {
	sums := make(map[Date]Captured, len(d.tallies))
	for day, tally := range d.tallies {
		if sum := captured(proof, tally.Components()); sum.Rows > 0 {
			sums[day] = sum
		}
	}
	return sums
}
