package settlement

import (
	"encoding/json"
	"fmt"
	"slices"
	"strconv"
)

// Totals are Klarna's sums of one payout, in minor units, as positive
// magnitudes; the settlement formula gives them their direction. Absent
// members are zero. As JSON it is an object with Klarna's members.
type Totals [endOfTotals]int64

// formula are the totals of Klarna's settlement formula, in its order.
var formula = slices.DeleteFunc(slices.Clone(totals), func(t total) bool { return t.sign == 0 })

// totalByID has the place of each total in the table.
var totalByID = func() (all [endOfTotals]*total) {
	for i := range totals {
		all[totals[i].id] = &totals[i]
	}
	return all
}()

func totalOf(t Total) *total { return totalByID[t] }

// totalNamed finds a total of the formula by its name.
func totalNamed(name string) *total {
	for i := range formula {
		if formula[i].name == name {
			return &formula[i]
		}
	}
	return nil
}

// EveryTotal lists Klarna's totals in the order in which they are shown; the
// settlement amount is the last.
func EveryTotal() []Total {
	all := make([]Total, 0, len(totals))
	for t := noTotal + 1; t < endOfTotals; t++ {
		all = append(all, t)
	}
	return all
}

// SummedTotals lists what Klarna's summary of many payouts states, the settlement
// amount first.
func SummedTotals() []Total {
	all := []Total{TotalSettlement}
	for _, t := range EveryTotal() {
		if t != TotalSettlement && totalOf(t).summary != unsummed {
			all = append(all, t)
		}
	}
	return all
}

// Name returns what terms and words call the total.
func (t Total) Name() string { return totalOf(t).name }

// Member is Klarna's name of the total in a payout.
func (t Total) Member() string { return totalOf(t).member }

// SummaryMember is Klarna's name of the total in a summary of many payouts.
func (t Total) SummaryMember() string { return "summary_total_" + totalOf(t).member }

// MayBeLeftOut tells a total that older summaries do not have.
func (t Total) MayBeLeftOut() bool { return totalOf(t).summary == mayBeLeft }

// Words say in English what the total is.
func (t Total) Words() string { return totalOf(t).words }

// MarshalJSON writes every total, in the order of Total.
func (t Totals) MarshalJSON() ([]byte, error) {
	b := make([]byte, 0, 640)
	for i, id := range EveryTotal() {
		if i == 0 {
			b = append(b, '{')
		} else {
			b = append(b, ',')
		}
		b = append(b, '"')
		b = append(b, id.Member()...)
		b = append(b, '"', ':')
		b = strconv.AppendInt(b, t[id], 10)
	}
	return append(b, '}'), nil
}

// UnmarshalJSON reads the totals that are there and leaves the others as they are.
func (t *Totals) UnmarshalJSON(b []byte) error {
	var members map[string]json.RawMessage
	if err := json.Unmarshal(b, &members); err != nil {
		return fmt.Errorf("read Klarna's totals: %w", err)
	}
	for _, id := range EveryTotal() {
		if raw, ok := members[id.Member()]; ok {
			if err := json.Unmarshal(raw, &t[id]); err != nil {
				return fmt.Errorf("read Klarna's %s: %w", id.Member(), err)
			}
		}
	}
	return nil
}
