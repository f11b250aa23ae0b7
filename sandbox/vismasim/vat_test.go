package vismasim

import (
	"testing"
	"time"
)

// A batch makes VAT transactions when it asks for them, is released, and its lines have codes: a VAT
// account alone is in the ledger and not in the return.
func TestOnlyLinesWithCodesMakeVATTransactions(t *testing.T) {
	line := func(account, code string, amount int64) Line {
		l := Line{Account: account, VATCategory: code}
		if l.Debit = amount; amount < 0 {
			l.Debit, l.Credit = 0, -amount
		}
		return l
	}
	day := time.Date(2026, time.January, 30, 0, 0, 0, 0, time.UTC)
	lines := []Line{line("6064", "TJ25", 1000), line("2645", "TJ25", 250), line("2614", "TJ25", -250), line("2641", "", 77), line("1930", "", -1077)}
	sim, err := New(Options{Companies: []Company{SwedishCompany("t", "AB")}, Authorize: Anyone("t")})
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = sim.Close() }()
	c, err := sim.company("t")
	if err != nil {
		t.Fatal(err)
	}
	for _, b := range []*Batch{
		{Status: Posted, VAT: true, Date: day, Currency: "SEK", Lines: lines},
		{Status: Posted, Date: day, Currency: "SEK", Lines: lines},
		{Status: Balanced, VAT: true, Date: day, Currency: "SEK", Lines: lines},
	} {
		b.Module = "GL"
		c.enter(b)
	}
	all := sim.VATTransactions("")
	var base, input, output int64
	for _, v := range all {
		if v.Batch != "000001" || v.Code != "TJ25" || !v.Reverse || !v.Date.Equal(day) {
			t.Errorf("%+v", v)
		}
		base, input, output = base+v.Base, input+v.Input, output+v.Output
	}
	if len(all) != 3 || base != 1000 || input != 250 || output != -250 {
		t.Errorf("%d VAT transactions with base %d, input %d, output %d", len(all), base, input, output)
	}
}
