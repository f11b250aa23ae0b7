// Package opening finds what stood open with Klarna when a connection begins to
// post: what Klarna owed the shop for captured orders, what it held back, and
// what the shop owed Klarna. The figures come from Klarna's own documents.
//
// Kvitt books no payout from before the start, so these amounts have to be in the
// books already, or be entered once; otherwise the accounts never agree with
// Klarna. It must never round or assume an amount: what the documents do not show
// is said in words, and such a figure is not whole.
package opening

import (
	"cmp"
	"encoding/json"
	"fmt"
	"slices"
	"time"

	"kvitt/internal/settlement"
	"kvitt/internal/voucher"
)

// The roles that have opening figures, named as the profile names their accounts.
const (
	Clearing = "clearing"
	Reserve  = "reserve"
	Debt     = "debt"
)

// Figure holds what one account has to show at the end of the day before the start.
type Figure struct {
	Role     string `json:"role"`
	Merchant string `json:"merchant_id,omitempty"` // empty: of all merchants of the connection
	Account  string `json:"account"`               // by the posting profile; "" when it has none
	Amount   int64  `json:"amount"`                // minor units; positive: a debit balance
	From     string `json:"from"`                  // which documents say so
	// First is the payout that has to continue from a debt; empty: it is not known yet.
	First string `json:"first_payout,omitempty"`
}

// Opening are the figures of one currency.
type Opening struct {
	Start    voucher.Date        `json:"start"` // the first day that is posted
	At       voucher.Date        `json:"at"`    // the day before it
	Currency settlement.Currency `json:"currency"`
	Figures  []Figure            `json:"figures"`
	// Missing says what keeps the figures from being whole: they cannot be confirmed
	// yet. Notes are what else has to be known of them.
	Missing []string `json:"missing,omitempty"`
	Notes   []string `json:"notes,omitempty"`
}

// Input holds what the figures are computed from.
type Input struct {
	Start   voucher.Date
	Zone    *time.Location
	Profile *voucher.Profile
	// Payouts are all of Klarna's from Since on, those after the start included.
	Payouts []settlement.Payout
	Since   voucher.Date
	// Captured is what was captured before the start and paid out after it, by
	// currency; Unread are payouts whose rows are not in it, and why.
	Captured map[settlement.Currency]Captured
	Undated  int64
	Unread   []string
	Last     time.Time // when the last payout was paid out whose rows were read
}

// Captured holds what captured orders come to, in minor units. Returns are what they
// cost the merchant; Other is disputes, commission, charges and credits.
type Captured struct{ Sales, Returns, Other int64 }

// Compute finds the opening figures, by currency.
func Compute(in *Input) []Opening {
	byCurrency := map[settlement.Currency]*Opening{}
	of := func(c settlement.Currency) *Opening {
		if byCurrency[c] == nil {
			byCurrency[c] = &Opening{Start: in.Start, At: dayBefore(in.Start), Currency: c}
		}
		return byCurrency[c]
	}
	after := map[settlement.Currency]int{}
	rolls := settlement.RollForward(in.Payouts)
	for i := range rolls {
		after[rolls[i].Currency] += in.roll(of(rolls[i].Currency), &rolls[i])
	}
	for currency := range in.Captured {
		of(currency)
	}
	var out []Opening
	for currency, o := range byCurrency {
		in.clearing(o, after[currency])
		slices.SortStableFunc(o.Figures, func(a, b Figure) int {
			return cmp.Or(slices.Index(order, a.Role)-slices.Index(order, b.Role), cmp.Compare(a.Merchant, b.Merchant))
		})
		out = append(out, *o)
	}
	slices.SortFunc(out, func(a, b Opening) int { return cmp.Compare(a.Currency, b.Currency) })
	return out
}

var order = []string{Clearing, Reserve, Debt}

func dayBefore(d voucher.Date) voucher.Date {
	return voucher.DateOf(d.Time().AddDate(0, 0, -1), time.UTC)
}

// clearing returns what was captured before the start and paid out after it.
func (in *Input) clearing(o *Opening, after int) {
	c := in.Captured[o.Currency]
	if after == 0 {
		o.miss("no payout in %s after the start is known yet, so what was captured before it and not paid out is not known", o.Currency)
		return
	}
	account := in.Profile.AccountOf(Clearing, o.Currency, "")
	o.Figures = append(o.Figures, Figure{
		Role: Clearing, Account: account, Amount: c.Sales - c.Returns,
		From: fmt.Sprintf("sales less returns captured before %s, in the rows of payouts that came after, read up to %s", in.Start, voucher.DateOf(in.Last, in.Zone)),
	})
	if in.Profile.ByCountry(Clearing) {
		o.say("the profile has clearing accounts by country; divide the figure among them")
	}
	if c.Other != 0 {
		o.say("disputes, commission, charges and credits from before the start come to %s besides; they are not on the clearing account", settlement.Format(c.Other, o.Currency))
	}
	if in.Undated > 0 {
		o.miss("%d rows have no capture date and are in no figure", in.Undated)
	}
	for _, words := range in.Unread {
		o.miss("not in the figure of the clearing account: payout %s", words)
	}
}

func (o *Opening) say(format string, args ...any) {
	o.Notes = append(o.Notes, fmt.Sprintf(format, args...))
}

func (o *Opening) miss(format string, args ...any) {
	o.Missing = append(o.Missing, fmt.Sprintf(format, args...))
}

// roll adds reserve and debt of one merchant, and counts its payouts after the
// start.
func (in *Input) roll(o *Opening, r *settlement.Roll) (after int) {
	first := slices.IndexFunc(r.Movements, func(m settlement.Movement) bool {
		return !voucher.DateOf(m.Date, in.Zone).Before(in.Start)
	})
	if first >= 0 {
		after = len(r.Movements) - first
	}
	var reserve, debt int64
	var reserveFrom, debtFrom, next string
	switch {
	case first < 0:
		last := r.Movements[len(r.Movements)-1]
		reserve, debt = last.Reserve.Closing, last.Debt.Closing
		debtFrom = "closing_debt_balance of payout " + last.PaymentReference + ", the last before the start"
	default:
		m := r.Movements[first]
		reserve, debt, next = m.Reserve.Opening, m.Debt.Opening, m.PaymentReference
		debtFrom = "opening_debt_balance of payout " + m.PaymentReference + ", the first from the start on"
		if m.Break != 0 {
			o.say("payout %s of %s opens with another debt than the payout before closed with, a difference of %s: a payout is missing, or the debt was invoiced apart",
				m.PaymentReference, r.MerchantID, settlement.Format(m.Break, o.Currency))
		}
	}
	before := len(r.Movements)
	if first >= 0 {
		before = first
	}
	reserveFrom = fmt.Sprintf("holdbacks less releases of the %d payouts before the start, read from %s on", before, in.Since)
	if r.Reserve.Opening != 0 {
		reserveFrom += fmt.Sprintf(", and %s that must have been held back before that, because it was released since", settlement.Format(r.Reserve.Opening, o.Currency))
	}
	if r.Overflow {
		o.miss("the amounts of %s do not fit 64 bits", r.MerchantID)
	}
	o.Figures = append(o.Figures,
		Figure{Role: Reserve, Merchant: r.MerchantID, Account: in.Profile.AccountOf(Reserve, o.Currency, r.MerchantID), Amount: reserve, From: reserveFrom},
		Figure{Role: Debt, Merchant: r.MerchantID, Account: in.Profile.AccountOf(Debt, o.Currency, r.MerchantID), Amount: -debt, From: debtFrom, First: next},
	)
	return after
}

// Line is a line of the opening voucher.
type Line struct {
	Account string `json:"account"`
	Debit   int64  `json:"debit"`
	Credit  int64  `json:"credit"`
	Text    string `json:"text"`
}

// Lines are the opening voucher against a contra account: one line for each
// account, and one that makes them come to zero. Each has the text, and the
// merchant where the figure is of one. None when nothing is open.
func (o *Opening) Lines(contra, text string) []Line {
	var lines []Line
	var sum int64
	add := func(account, text string, amount int64) {
		if amount == 0 {
			return
		}
		l := Line{Account: account, Text: text, Debit: max(amount, 0), Credit: max(-amount, 0)}
		lines = append(lines, l)
	}
	for _, f := range o.Figures {
		words := text
		if f.Merchant != "" {
			words += ", " + f.Merchant
		}
		add(f.Account, words, f.Amount)
		sum += f.Amount
	}
	add(contra, text, -sum)
	return lines
}

// Empty tells that nothing stood open.
func (o *Opening) Empty() bool {
	return !slices.ContainsFunc(o.Figures, func(f Figure) bool { return f.Amount != 0 })
}

// Balances are the figures by account: what a batch has to come to on each.
func (o *Opening) Balances() map[string]int64 {
	out := map[string]int64{}
	for _, f := range o.Figures {
		out[f.Account] += f.Amount
	}
	return out
}

// DebtOf is the debt to Klarna from which a payout has to continue, by recorded
// figures; not known: the payout is another than the first one of its merchant.
func DebtOf(figures []byte, merchant, payout string) (debt int64, known bool, err error) {
	var all []Figure
	if err := json.Unmarshal(figures, &all); err != nil {
		return 0, false, fmt.Errorf("read the recorded opening figures: %w", err)
	}
	for _, f := range all {
		if f.Role == Debt && f.Merchant == merchant && (f.First == "" || f.First == payout) {
			return -f.Amount, true, nil
		}
	}
	return 0, false, nil
}
