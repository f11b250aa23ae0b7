package settlement_test

import (
	"math"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"kvitt/internal/settlement"
)

func on(day int, merchant string, c settlement.Currency, reference string, t settlement.Totals) settlement.Payout {
	return settlement.Payout{
		PaymentReference: reference, MerchantID: merchant, Currency: c, Totals: t,
		Date: time.Date(2026, 1, day, 6, 0, 0, 0, time.UTC),
	}
}

func TestReserveAndDebtRollForwardByMerchantAndCurrency(t *testing.T) {
	got := settlement.RollForward([]settlement.Payout{
		on(9, "K1", "SEK", "P2", settlement.Totals{settlement.TotalHoldback: 500, settlement.TotalRelease: 200, settlement.TotalOpeningDebt: 40, settlement.TotalRepay: 30, settlement.TotalClosingDebt: 10}),
		on(2, "K2", "SEK", "P8", settlement.Totals{settlement.TotalHoldback: 70}),
		on(2, "K1", "SEK", "P1", settlement.Totals{settlement.TotalHoldback: 300, settlement.TotalDeposit: 40, settlement.TotalClosingDebt: 40}),
		on(3, "K1", "EUR", "P9", settlement.Totals{settlement.TotalOpeningDebt: 7, settlement.TotalRepay: 7}),
	})
	want := []settlement.Roll{
		{
			MerchantID: "K1", Currency: "EUR", Debt: settlement.Balance{Opening: 7, Taken: 7},
			Movements: []settlement.Movement{{PaymentReference: "P9", Debt: settlement.Balance{Opening: 7, Taken: 7}}},
		},
		{
			MerchantID: "K1", Currency: "SEK",
			Reserve: settlement.Balance{Added: 800, Taken: 200, Closing: 600},
			Debt:    settlement.Balance{Added: 40, Taken: 30, Closing: 10},
			Movements: []settlement.Movement{
				{PaymentReference: "P1", Reserve: settlement.Balance{Added: 300, Closing: 300}, Debt: settlement.Balance{Added: 40, Closing: 40}},
				{
					PaymentReference: "P2", Reserve: settlement.Balance{Opening: 300, Added: 500, Taken: 200, Closing: 600},
					Debt: settlement.Balance{Opening: 40, Taken: 30, Closing: 10},
				},
			},
		},
		{
			MerchantID: "K2", Currency: "SEK", Reserve: settlement.Balance{Added: 70, Closing: 70},
			Movements: []settlement.Movement{{PaymentReference: "P8", Reserve: settlement.Balance{Added: 70, Closing: 70}}},
		},
	}
	for i := range got {
		for j := range got[i].Movements {
			got[i].Movements[j].Date = time.Time{}
		}
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}

func TestABreakInTheDebtIsShownWhereItIs(t *testing.T) {
	got := settlement.RollForward([]settlement.Payout{
		on(2, "K1", "SEK", "P1", settlement.Totals{settlement.TotalDeposit: 40, settlement.TotalClosingDebt: 40}),
		on(9, "K1", "SEK", "P2", settlement.Totals{settlement.TotalOpeningDebt: 25, settlement.TotalClosingDebt: 25}),
		on(16, "K1", "SEK", "P3", settlement.Totals{settlement.TotalOpeningDebt: 25, settlement.TotalRepay: 25}),
	})
	breaks := got[0].Breaks()
	if len(breaks) != 1 || breaks[0].PaymentReference != "P2" || breaks[0].Break != -15 {
		t.Errorf("breaks: %+v", breaks)
	}
}

func TestAnAcceptedBreakIsNoBreak(t *testing.T) {
	payouts := []settlement.Payout{
		on(2, "K1", "SEK", "P1", settlement.Totals{settlement.TotalDeposit: 40, settlement.TotalClosingDebt: 40}),
		on(9, "K1", "SEK", "P2", settlement.Totals{}),
		on(16, "K1", "SEK", "P3", settlement.Totals{settlement.TotalOpeningDebt: 5, settlement.TotalRepay: 5}),
	}
	for name, accept := range map[string]func(r *settlement.Roll, off int64){
		"of this payout": func(r *settlement.Roll, off int64) {
			r.Accept("P2", settlement.Accepted{Code: "debt_differs", Component: "opening_debt_balance", Difference: -40 + off})
		},
		"of the one before, proven last": func(r *settlement.Roll, off int64) {
			r.Accept("P1", settlement.Accepted{Code: "debt_differs", Component: "next_opening_debt_balance", Difference: 40 + off})
		},
	} {
		t.Run(name, func(t *testing.T) {
			r := settlement.RollForward(payouts)[0]
			accept(&r, 0)
			if breaks := r.Breaks(); len(breaks) != 1 || breaks[0].PaymentReference != "P3" {
				t.Errorf("breaks: %+v", breaks)
			}
			r = settlement.RollForward(payouts)[0]
			accept(&r, 1)
			if breaks := r.Breaks(); len(breaks) != 2 {
				t.Errorf("another difference was accepted, and the breaks are %+v", breaks)
			}
		})
	}
}

func TestANegativePayoutIsOwedThoughKlarnaStatesNoDebt(t *testing.T) {
	got := settlement.RollForward([]settlement.Payout{
		on(2, "K1", "SEK", "P1", settlement.Totals{settlement.TotalSettlement: -50}),
		on(9, "K1", "SEK", "P2", settlement.Totals{settlement.TotalSettlement: -30, settlement.TotalDeposit: 30, settlement.TotalClosingDebt: 30}),
		on(16, "K1", "SEK", "P3", settlement.Totals{settlement.TotalSettlement: 70, settlement.TotalOpeningDebt: 30, settlement.TotalClosingDebt: 30}),
	})[0]
	if got.Unstated != 50 || got.Movements[0].Unstated != 50 || got.Movements[1].Unstated != 0 {
		t.Errorf("%+v", got)
	}
}

func TestWhatIsReleasedAndWasNotHeldBackSinceWasHeldBackBefore(t *testing.T) {
	got := settlement.RollForward([]settlement.Payout{
		on(2, "K1", "SEK", "P1", settlement.Totals{settlement.TotalHoldback: 100, settlement.TotalRelease: 250}),
		on(9, "K1", "SEK", "P2", settlement.Totals{settlement.TotalHoldback: 100, settlement.TotalRelease: 30}),
		on(16, "K1", "SEK", "P3", settlement.Totals{settlement.TotalRelease: 90}),
	})[0]
	if got.Reserve != (settlement.Balance{Opening: 170, Added: 200, Taken: 370}) {
		t.Errorf("%+v", got.Reserve)
	}
	for _, m := range got.Movements {
		if m.Reserve.Opening < 0 || m.Reserve.Closing < 0 {
			t.Errorf("the reserve is less than nothing: %+v", m)
		}
	}
}

func TestARollForwardDoesNotHideAnOverflow(t *testing.T) {
	got := settlement.RollForward([]settlement.Payout{
		on(2, "K1", "SEK", "P1", settlement.Totals{settlement.TotalHoldback: math.MaxInt64}),
		on(9, "K1", "SEK", "P2", settlement.Totals{settlement.TotalHoldback: 1}),
	})
	if !got[0].Overflow {
		t.Error("it hides it")
	}
}

func TestLoansNettingAndReservesAreComponentsOfTheirOwnByKlarnasComment(t *testing.T) {
	tally := settlement.NewTally("SEK")
	for _, r := range []settlement.Row{
		{Type: "CHARGE", DetailedType: "LOAN_AMORTISATION", Amount: 10, Comment: "Loan Amortisation 2026-01-01"},
		{Type: "CHARGE", DetailedType: "LOAN_AMORTISATION", Amount: 10, Comment: "Loan Amortisation 2026-01-08"},
		{Type: "CHARGE", DetailedType: "LIABILITY_TRANSFER", Amount: 5, Comment: "Netting, statement 4711"},
		{Type: "HOLDBACK", DetailedType: "UNDER_REVIEW", Amount: 7, Comment: "Netting, statement 4711"},
		{Type: "CHARGE", DetailedType: "LOAN_AMORTISATION", Amount: 1, Comment: "Loan Amortisation 2026-01-01"},
		// An order's rows are summed, whatever is said about them.
		{Type: "CHARGE", DetailedType: "MANUAL_ENTRY", Amount: 1, Comment: "a", OrderID: "o1"},
		{Type: "CHARGE", DetailedType: "MANUAL_ENTRY", Amount: 1, Comment: "b", OrderID: "o2"},
		{Type: "FEE", DetailedType: "MANUAL_ENTRY", Amount: 1, Comment: "a"},
		{Type: "FEE", DetailedType: "MANUAL_ENTRY", Amount: 1, Comment: "b"},
	} {
		r.Currency = "SEK"
		tally.Add(&r)
	}
	got := map[string]int64{}
	for _, c := range tally.Components() {
		got[c.Pair()+" "+c.Reference] = c.Amount
	}
	want := map[string]int64{
		"CHARGE/LOAN_AMORTISATION Loan Amortisation 2026-01-01": 11,
		"CHARGE/LOAN_AMORTISATION Loan Amortisation 2026-01-08": 10,
		"CHARGE/LIABILITY_TRANSFER Netting, statement 4711":     5,
		"HOLDBACK/UNDER_REVIEW Netting, statement 4711":         7,
		"CHARGE/MANUAL_ENTRY ":                                  2,
		"FEE/MANUAL_ENTRY ":                                     2,
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}
