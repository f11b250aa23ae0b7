package settlement

import (
	"bytes"
	"encoding/json"
	"os"
	"slices"
	"strings"
	"testing"
)

// Payouts are kept in databases and archives. testdata/payouts.jsonl was written
// when Totals had a field for each total: one payout with every total, one with none.
func TestTotalsAreStoredAsTheyWereBefore(t *testing.T) {
	recorded, err := os.ReadFile("testdata/payouts.jsonl")
	if err != nil {
		t.Fatal(err)
	}
	lines := bytes.Split(bytes.TrimSpace(recorded), []byte("\n"))
	for i, line := range lines {
		var p Payout
		if err := json.Unmarshal(line, &p); err != nil {
			t.Fatal(err)
		}
		var raw struct{ Totals map[string]int64 }
		if err := json.Unmarshal(line, &raw); err != nil {
			t.Fatal(err)
		}
		again, err := json.Marshal(p)
		for _, total := range EveryTotal() {
			was, known := raw.Totals[total.Member()]
			if p.Totals[total] != was {
				t.Errorf("line %d: %s is %d, and was %d", i, total.Member(), p.Totals[total], was)
			}
			if !known { // it came later, and says nothing
				again = bytes.Replace(again, []byte(`"`+total.Member()+`":0,`), nil, 1)
			}
		}
		if err != nil || !bytes.Equal(again, line) {
			t.Errorf("line %d: it was\n%s\nand is, %v,\n%s", i, line, err, again)
		}
	}
}

func TestTotalsAreReadAsAnyObject(t *testing.T) {
	was := Totals{TotalSale: 7, TotalFee: 8}
	for document, want := range map[string]Totals{
		`{}`: was, `null`: was,
		`{"sale_amount":null,"fee_amount":-1}`:       {TotalSale: 7, TotalFee: -1},
		`{"sale_amount":9,"brand_new":{"x":["y"]}} `: {TotalSale: 9, TotalFee: 8},
	} {
		got := was
		if err := json.Unmarshal([]byte(document), &got); err != nil || got != want {
			t.Errorf("%s: %v, %v", document, got, err)
		}
	}
	for _, document := range []string{`[]`, `"x"`, `{"sale_amount":1.5}`, `{"sale_amount":"1"}`, `{"sale_amount":9223372036854775808}`} {
		if err := json.Unmarshal([]byte(document), &Totals{}); err == nil {
			t.Errorf("%s is taken", document)
		}
	}
}

func TestTheTableHasEveryTotalOnce(t *testing.T) {
	seen := map[string]bool{}
	for _, total := range EveryTotal() {
		row := totalOf(total)
		if row == nil {
			t.Fatalf("total %d is not in the table", total)
		}
		if row.name == "" || row.words == "" || !strings.HasSuffix(row.member, "_amount") || seen[row.member] || seen[row.name] {
			t.Errorf("%+v lacks something, or stands twice", row)
		}
		seen[row.member], seen[row.name] = true, true
		if hasRows := len(typesOf(total)) > 0 || total == TotalCommissionReversal || total == TotalTaxRefund; hasRows != (row.rows != "") {
			t.Errorf("%s: the rows behind it are said to be %q", row.name, row.rows)
		}
	}
	if len(totals) != len(EveryTotal()) {
		t.Errorf("%d rows for %d totals", len(totals), len(EveryTotal()))
	}
}

func TestEveryTypeGoesToATotalThatSomeGroupReads(t *testing.T) {
	groups, ok := groupsOf(&Payout{}, nil)
	if !ok {
		t.Fatal("nothing does not fit 64 bits")
	}
	var read []Total
	for _, g := range groups {
		read = append(read, g.totals...)
	}
	for i := range types {
		row := &types[i]
		if !slices.Contains(read, row.total) || row.vat != noTotal && !slices.Contains(read, row.vat) {
			t.Errorf("%s: no group reads its totals", row.name)
		}
		if totalOf(row.total).sign == 0 {
			t.Errorf("%s goes to %s, which is not in the formula", row.name, row.total.Name())
		}
		if row.vat != noTotal && totalOf(row.vat).sign != int64(row.direction) {
			t.Errorf("%s: its VAT goes the other way than its amount", row.name)
		}
	}
	slices.Sort(read)
	if len(slices.Compact(read)) != len(read) {
		t.Errorf("a total is in two groups: %v", read)
	}
	if n := len(TypesOf(Fees, FeeVAT)); n > 8 {
		t.Errorf("%d types are about fees, and the register asks for eight", n)
	}
}
