package shop

import "time"

// slot is one payout to be made: it contains every event before cutoff and after the cutoff of the slot
// before.
type slot struct {
	cutoff time.Time
	date   time.Time // when Klarna initiates the payout
}

// payoutDelay is the time between the cut-off and the planned payout day.
const payoutDelay = 5 * 24 * time.Hour

// shortestPeriod is the shortest period of a first payout; a shorter rest goes into the next one.
const shortestPeriod = 4 * 24 * time.Hour

// schedule plans the payouts of a market whose dates fall into the days from
// start to before end. Weekends and bank holidays move a payout to the next
// banking day, which can give two payouts of one currency on one day.
func (m *market) schedule(seed uint64, start, end time.Time) []slot {
	var slots []slot
	for day := start; day.Before(end); day = day.AddDate(0, 0, 1) {
		if !m.payday(day.Weekday()) {
			continue
		}
		cutoff := day.Add(-payoutDelay)
		if cutoff.Sub(start) < shortestPeriod {
			continue
		}
		var previous time.Time
		if len(slots) > 0 {
			previous = slots[len(slots)-1].date
		}
		paid := m.payoutTime(newRandom(seed, m.number, 7, uint64(day.Unix())),
			nextBankingDay(m.country, day), previous)
		if !paid.Before(end) {
			break
		}
		slots = append(slots, slot{cutoff: cutoff, date: paid})
	}
	return slots
}

func (m *market) payday(weekday time.Weekday) bool {
	for _, d := range m.paydays {
		if d == weekday {
			return true
		}
	}
	return false
}

// payoutTime returns a time in the early morning of the banking day or, sometimes, late in the evening
// before, when it is already that day in the Nordics. On the first of a month the evening is preferred:
// then the month differs with the zone. It is always after the previous payout.
func (m *market) payoutTime(r *random, day, previous time.Time) time.Time {
	evening := day.Add(-time.Duration(r.between(1, 3300)) * time.Second)
	morning := day.Add(4*time.Hour + time.Duration(r.below(2*3600))*time.Second)
	late := r.chance(220) || day.Day() == 1
	if late && BankingDay(m.country, day.AddDate(0, 0, -1)) && evening.After(previous) {
		return evening
	}
	if !morning.After(previous) {
		return previous.Add(time.Duration(r.between(1800, 5400)) * time.Second)
	}
	return morning
}

// largeSlot returns the slot to be extended: the one with Black Friday or else, if a large payout was
// requested by number, the one in the middle; -1 for none.
func largeSlot(slots []slot, asked bool) int {
	for i := 1; i < len(slots); i++ {
		friday := blackFriday(slots[i].cutoff.Year()).Add(12 * time.Hour)
		if !friday.Before(slots[i-1].cutoff) && friday.Before(slots[i].cutoff) {
			return i
		}
	}
	if asked {
		return len(slots) / 2
	}
	return -1
}

// debtSlot returns the slot of the week in which returns exceed the sales: the first in a January if there
// are enough slots before, or else one after the middle of the window; -1 when the window is too short for
// a debt and its repayment.
func debtSlot(slots []slot) int {
	const before, after = 5, 2
	if len(slots) < before+after+1 {
		return -1
	}
	for i := before; i < len(slots)-after; i++ {
		if slots[i].date.Month() == time.January {
			return i
		}
	}
	return min(max(len(slots)*6/10, before), len(slots)-after-1)
}
