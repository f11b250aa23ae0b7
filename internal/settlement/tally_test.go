package settlement_test

import (
	"fmt"
	"math"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"kvitt/internal/settlement"
	"kvitt/internal/settlement/settlementtest"
)

// row makes a row in SEK of a pair "TYPE/DETAILED_TYPE".
func row(pair string, amount int64, vat ...int64) settlement.Row {
	r := settlement.Row{Amount: amount, Currency: "SEK"}
	for i := range pair {
		if pair[i] == '/' {
			r.Type, r.DetailedType = pair[:i], pair[i+1:]
		}
	}
	if len(vat) > 0 {
		r.VAT = vat[0]
	}
	return r
}

func tally(rows ...settlement.Row) *settlement.Tally {
	t := settlement.NewTally("SEK")
	for i := range rows {
		t.Add(&rows[i])
	}
	return t
}

func TestRowsAreSummedByTypeDetailedTypeCountryAndMerchant(t *testing.T) {
	inNorway, other := row("SALE/PURCHASE", 500), row("SALE/PURCHASE", 30)
	inNorway.Country, other.MerchantID = "NO", "K2"
	got := tally(
		row("SALE/PURCHASE", 100), row("FEE/PURCHASE_FEE_FIXED", 3, 1), inNorway,
		row("SALE/PURCHASE", 100), row("FEE/PURCHASE_FEE_FIXED", 3, 1), other,
	).Components()
	want := []settlement.Component{
		{Key: settlement.Key{Type: "FEE", DetailedType: "PURCHASE_FEE_FIXED"}, Rows: 2, Amount: 6, VAT: 2},
		{Key: settlement.Key{Type: "SALE", DetailedType: "PURCHASE"}, Rows: 2, Amount: 200},
		{Key: settlement.Key{Type: "SALE", DetailedType: "PURCHASE", MerchantID: "K2"}, Rows: 1, Amount: 30},
		{Key: settlement.Key{Type: "SALE", DetailedType: "PURCHASE", Country: "NO"}, Rows: 1, Amount: 500},
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("components differ (-want +got):\n%s", diff)
	}
}

func TestTheTypeGivesTheDirectionAndOnlyACorrectionKeepsItsSign(t *testing.T) {
	for _, typ := range settlement.Types() {
		got := tally(row(typ+"/X", -7), row(typ+"/X", 5)).Components()[0].Amount
		want := int64(12)
		if typ == settlement.TypeCorrection {
			want = -2
		}
		if got != want {
			t.Errorf("%s: -7 and 5 sum to %d, want %d", typ, got, want)
		}
	}
	if got := tally(row("NEW/X", -7), row("NEW/X", 5)).Components()[0].Amount; got != -2 {
		t.Errorf("a type nobody told us of: -7 and 5 sum to %d, want -2", got)
	}
}

func TestTheOrderOfRowsDoesNotMatter(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		c := settlementtest.Draw(t)
		want := c.Tally(0).Components()
		got := c.Tally(rapid.Uint64().Draw(t, "order")).Components()
		if diff := cmp.Diff(want, got); diff != "" {
			t.Fatalf("components depend on the order of rows:\n%s", diff)
		}
		if !slices.IsSortedFunc(got, func(a, b settlement.Component) int {
			return slices.Compare([]string{a.Type, a.DetailedType, a.Country, a.MerchantID},
				[]string{b.Type, b.DetailedType, b.Country, b.MerchantID})
		}) {
			t.Fatal("components are not sorted")
		}
	})
}

func TestATallyCostsNothingPerRow(t *testing.T) {
	rows := []settlement.Row{
		row("SALE/PURCHASE", 100), row("FEE/PURCHASE_FEE_PERCENTAGE", 3, 1), row("FEE/PURCHASE_FEE_FIXED", 2, 1),
		row("SALE/PURCHASE", 100), row("RETURN/PURCHASE_RETURN", 50),
	}
	sums := tally(rows...)
	allocated := testing.AllocsPerRun(1000, func() {
		for i := range rows {
			sums.Add(&rows[i])
		}
	})
	if allocated != 0 {
		t.Errorf("adding rows of known components allocates %v times", allocated)
	}
}

func TestATallyDoesNotKeepThePageAlive(t *testing.T) {
	page := []byte("SALE PURCHASE")
	r := settlement.Row{Type: string(page[:4]), DetailedType: string(page[5:]), Amount: 1, Currency: "SEK"}
	sums := settlement.NewTally("SEK")
	sums.Add(&r)
	r.Type, r.Amount = "FEE", 99
	if got := sums.Components()[0]; got.Type != "SALE" || got.Amount != 1 {
		t.Errorf("the component changed with the row: %+v", got)
	}
}

func TestSumsThatDoNotFitAreCaught(t *testing.T) {
	for name, rows := range map[string][]settlement.Row{
		"too large":    {row("SALE/PURCHASE", math.MaxInt64), row("SALE/PURCHASE", 1)},
		"no magnitude": {row("FEE/SERVICING_FEE", math.MinInt64)},
		"too small":    {row("CORRECTION/CORRECTION", math.MinInt64), row("CORRECTION/CORRECTION", -1)},
		"VAT":          {row("FEE/SERVICING_FEE", 1, math.MaxInt64), row("FEE/SERVICING_FEE", 1, 1)},
		"between":      {row("FEE/SERVICING_FEE", math.MaxInt64), row("FEE/RETURN_FEE", 1)},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := settlement.Prove(payout(settlement.Totals{}), tally(rows...), int64(len(rows)), nil)
			mismatch(t, err, "bad_data")
		})
	}
}

// shopRows is the pattern of rows in a Nordic shop's payout.
func shopRows() []settlement.Row {
	var rows []settlement.Row
	for i := range 400 {
		country := []string{"SE", "SE", "SE", "NO", "FI", "DK"}[i%6]
		for _, pair := range []string{"SALE/PURCHASE", "FEE/PURCHASE_FEE_PERCENTAGE", "FEE/PURCHASE_FEE_FIXED"} {
			r := row(pair, int64(1000+i))
			r.Country, r.MerchantID, r.OrderID = country, "K100001", fmt.Sprint(i)
			rows = append(rows, r)
		}
		if i%10 == 0 {
			r := row("RETURN/PURCHASE_RETURN", 300)
			r.Country, r.MerchantID = country, "K100001"
			rows = append(rows, r)
		}
	}
	return rows
}

func BenchmarkTallyAdd(b *testing.B) {
	rows := shopRows()
	sums := tally(rows...)
	b.ReportAllocs()
	for i := 0; b.Loop(); i++ {
		sums.Add(&rows[i%len(rows)])
	}
}

func BenchmarkProve(b *testing.B) {
	rows := shopRows()
	sums := tally(rows...)
	p := payout(settlement.Totals{})
	for _, c := range sums.Components() {
		switch c.Type {
		case "SALE":
			p.Totals[settlement.TotalSale] += c.Amount
		case "FEE":
			p.Totals[settlement.TotalFee] += c.Amount
		case "RETURN":
			p.Totals[settlement.TotalReturn] += c.Amount
		}
	}
	p.Totals[settlement.TotalSettlement] = p.Totals[settlement.TotalSale] - p.Totals[settlement.TotalFee] - p.Totals[settlement.TotalReturn]
	b.ReportAllocs()
	for b.Loop() {
		if _, err := settlement.Prove(p, sums, int64(len(rows)), nil); err != nil {
			b.Fatal(err)
		}
	}
}
