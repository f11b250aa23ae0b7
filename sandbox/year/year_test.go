package year

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"kvitt/sandbox/shop"
	"kvitt/sandbox/vismasim"
)

// country is the country of a shop and its books.
type country struct {
	preset  string
	company vismasim.Company
	shop    shop.Config
	// The accounts of the web-shop integration; the preset does not use them.
	sales, outputVAT string
	feeRate          int64 // VAT on Klarna's fees, in hundredths of a percent
}

const tenant = "5f1d2c3b-8a4e-4c6d-9b7a-0e1f2a3b4c5d"

var newYear = time.Date(2025, time.January, 1, 0, 0, 0, 0, time.UTC)

// countries sell at home and in one more currency, so that each has weekly payouts, reviews, a rolling
// reserve (EUR) and debts. Each sells little: a year of a few orders a day shows the same as one of many.
func countries() []country {
	config := func(in string, seed uint64, days int, currencies ...string) shop.Config {
		return shop.Config{Seed: seed, Start: newYear, Days: days, Country: in, Currencies: currencies, Demand: 12, LargeRows: -1, Gross: in == "DK"}
	}
	return []country{
		{"se-bas", vismasim.SwedishCompany(tenant, "Nordisk Webbhandel AB"), config("SE", 11, 365, "SEK", "EUR"), "3001", "2611", 2500},
		{"no-ns4102", vismasim.NorwegianCompany(tenant, "Nordisk Netthandel AS"), config("NO", 12, 365, "NOK", "EUR"), "3000", "2700", 0},
		{"fi", vismasim.FinnishCompany(tenant, "Pohjolan Verkkokauppa Oy"), config("FI", 13, 365, "EUR", "NOK"), "3000", "29391", 0},
		{"dk", vismasim.DanishCompany(tenant, "Nordisk Nethandel ApS"), config("DK", 14, 365, "DKK", "EUR"), "1010", "7680", 0},
	}
}

func TestAYearOfTheBooksEqualsKlarnasFigures(t *testing.T) {
	for _, c := range countries() {
		t.Run(c.preset, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t, c, fault{})
			w.trade()
			w.report()
			w.checkResult()
			w.checkVATReturn()
			for _, f := range w.findings {
				t.Error(f)
			}
			if len(w.shop.Documents()) < 300 || w.payouts < 90 || w.reserveDays < 180 || w.debtDays < 5 || w.months < 20 || w.results < 40 || w.returns < 20 {
				t.Errorf("the year shows little: %d documents, %d payouts, a reserve on %d days, a debt on %d, %d months with fees, %d results, %d VAT returns",
					len(w.shop.Documents()), w.payouts, w.reserveDays, w.debtDays, w.months, w.results, w.returns)
			}
		})
	}
}

// fault is a mistake in the set-up.
type fault struct {
	about   string
	profile [2]string // in the preset: replace the first with the second
	unsent  bool      // the integration forgets an invoice
	short   bool      // Klarna settles an order with less than it was
	unread  bool      // a payout's fees are not reported
	// unaccrued leaves every payout in the month in which it was paid out.
	unaccrued bool
	finds     []string // the checks that must find it
}

// Each check finds the mistakes that it exists for.
func TestAYearWithAFaultDoesNotPass(t *testing.T) {
	for _, f := range []fault{
		{about: "returns are booked to suspense", profile: [2]string{"PURCHASE_RETURN: {account: clearing", "PURCHASE_RETURN: {account: suspense"}, finds: []string{"clearing"}},
		{about: "disputes are booked to clearing", profile: [2]string{"REVERSAL/REVERSAL: {account: disputes", "REVERSAL/REVERSAL: {account: clearing"}, finds: []string{"clearing"}},
		{about: "an invoice is not booked", unsent: true, finds: []string{"clearing", "result"}},
		{about: "Klarna settles an order with 1.00 too little", short: true, finds: []string{"clearing"}},
		{about: "what is held back is booked to clearing", profile: [2]string{"HOLDBACK/ROLLING_RESERVE: {account: reserve", "HOLDBACK/ROLLING_RESERVE: {account: clearing"}, finds: []string{"clearing", "reserve"}},
		{about: "what is released is booked to suspense", profile: [2]string{"RELEASE/UNDER_REVIEW: {account: reserve", "RELEASE/UNDER_REVIEW: {account: suspense"}, finds: []string{"reserve"}},
		{about: "debt is booked to suspense", profile: [2]string{`debt: "2999"`, `debt: "1599"`}, finds: []string{"debt"}},
		{about: "a fee is booked to suspense", profile: [2]string{"FEE/PURCHASE_FEE_FIXED: {account: fees", "FEE/PURCHASE_FEE_FIXED: {account: suspense"}, finds: []string{"fees", "result"}},
		{about: "commission is booked as less of a fee", profile: [2]string{"COMMISSION/COMMISSION: {account: commission", "COMMISSION/COMMISSION: {account: fees"}, finds: []string{"fees", "result"}},
		{about: "a fee is said to be exempt", profile: [2]string{"FEE/PURCHASE_FEE_FIXED: {account: fees", "FEE/PURCHASE_FEE_FIXED: {reverse_charge: false, account: fees"}, finds: []string{"vat"}},
		{about: "Visma.net makes no VAT transactions", profile: [2]string{"\n  transaction: true", ""}, finds: []string{"vat"}},
		{about: "the taxable amount has no code", profile: [2]string{`base_code: "86", `, ""}, finds: []string{"vat"}},
		{about: "a payout's fees are not reported", unread: true, finds: []string{"fees", "result"}},
		{about: "nothing is accrued at the end of a month", unaccrued: true, finds: []string{"result"}},
	} {
		t.Run(f.about, func(t *testing.T) {
			t.Parallel()
			c := countries()[1]
			c.shop.Days = 80
			w := newWorld(t, c, f)
			w.trade()
			w.report()
			w.checkResult()
			w.checkVATReturn()
			var found []string
			for _, finding := range w.findings {
				check, _, _ := strings.Cut(finding, ":")
				if !slices.Contains(found, check) {
					found = append(found, check)
				}
			}
			if slices.Sort(found); !slices.Equal(found, f.finds) {
				t.Errorf("%v should find it, and these do: %v", f.finds, found)
			}
		})
	}
}

// differ records a difference that a check found.
func (w *world) differ(check, format string, about ...any) {
	w.findings = append(w.findings, check+": "+fmt.Sprintf(format, about...))
}

// trade goes through the year day by day: the integration books the shop's documents, then Kvitt the
// payouts of the day.
func (w *world) trade() {
	documents, payouts := w.shop.Documents(), w.shop.Payouts()
	for day := newYear; !day.After(newYear.AddDate(0, 0, w.country.shop.Days)); day = day.AddDate(0, 0, 1) {
		n := 0
		for n < len(documents) && !w.day(documents[n].At).After(day) {
			n++
		}
		w.integration.book(w.t, day, documents[:n])
		documents = documents[n:]
		for len(payouts) > 0 && !w.day(payouts[0].Date).After(day) {
			w.book(payouts[0])
			w.checkClearing(payouts[0])
			payouts = payouts[1:]
		}
		w.checkReserveAndDebt(day)
	}
	if len(documents)+len(payouts) > 0 {
		w.t.Fatalf("after the year %d documents and %d payouts are left", len(documents), len(payouts))
	}
	w.checkOpen()
}

// day returns the civil day of a time in the company's country.
func (w *world) day(at time.Time) time.Time {
	year, month, day := at.In(w.profile.Location()).Date()
	return time.Date(year, month, day, 0, 0, 0, 0, time.UTC)
}
