package report_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"kvitt/internal/report"
	"kvitt/internal/voucher"
	"kvitt/sandbox/shop"
)

// disputed tells what a row does to an account for disputes, by Klarna's own
// description of its types; known is false for rows of another kind.
func disputed(r *shop.Row) (debit int64, known bool) {
	switch r.Type + "/" + r.DetailedType {
	case "REVERSAL/REVERSAL", "REVERSAL/FRAUD_POLICY_CHARGE", "RETURN/PAYMENT_DEFAULT":
		return r.Amount, true
	case "CREDIT/CORRECTION_DISPUTE", "REVERSAL_MERCHANT_PROTECTION/FRAUD_POLICY_CREDIT_NET":
		return -r.Amount, true
	}
	return 0, false
}

// onAccount is an account by the vouchers that were posted, debit less credit,
// by currency.
func (w *world) onAccount(account string) map[string]int64 {
	w.t.Helper()
	sums := map[string]int64{}
	for _, reference := range w.refs {
		v := w.voucher(reference)
		for i := range v.Lines {
			if v.Lines[i].Account == account {
				sums[string(v.Currency)] += v.Lines[i].Debit - v.Lines[i].Credit
			}
		}
	}
	return sums
}

// account is the number that a preset has for a name.
func account(t *testing.T, preset, name string) string {
	t.Helper()
	document, err := voucher.Preset(preset)
	if err != nil {
		t.Fatal(err)
	}
	p, err := voucher.ParseProfile(document)
	if err != nil {
		t.Fatal(err)
	}
	for _, n := range p.Named() {
		if n.Name == name {
			return n.Number
		}
	}
	t.Fatalf("%s has no account %s", preset, name)
	return ""
}

// Open disputes are those of the shop's own rows, order by order, and together
// they are what the vouchers put on the account.
func TestDisputesAreOpenByOrderAndEqualTheAccount(t *testing.T) {
	onBoth(t, func(t *testing.T, w *world) {
		w.current()
		want, firsts := map[string]int64{}, map[string]string{}
		for p, r := range w.shop.Transactions() {
			if p == nil {
				continue
			}
			if debit, known := disputed(r); known {
				key := p.Currency + " " + r.OrderID
				want[key] += debit
				if day := voucher.DateOf(r.CaptureDate, w.Zone).String(); firsts[key] == "" || day < firsts[key] {
					firsts[key] = day
				}
			}
		}
		lines, totals := w.rows(report.Disputes)
		open := 0
		for _, line := range lines {
			key := line["currency"].Words + " " + line["order_id"].Words
			if got := line["balance"].Number; got != want[key] {
				t.Errorf("order %s: %d is open, want %d", key, got, want[key])
			}
			if want[key] != 0 {
				open++
				opened, err := time.Parse(time.DateOnly, line["opened"].Words)
				w.must(err)
				if line["opened"].Words < firsts[key] || line["days"].Number != int64(quarter.To.Sub(opened)/(24*time.Hour)) {
					t.Errorf("order %s is open since %s, %d days; its first row is of %s", key, line["opened"].Words, line["days"].Number, firsts[key])
				}
			}
			if line["opening"].Number+line["taken"].Number-line["given"].Number != line["balance"].Number {
				t.Errorf("order %s does not roll forward: %+v", key, line)
			}
			delete(want, key)
		}
		for key, balance := range want {
			t.Errorf("order %s with %d is not in the report", key, balance)
		}
		number := account(t, "se-bas", "disputes")
		sums := w.onAccount(number)
		compared := 0
		for _, total := range totals {
			c := total["currency"].Words
			switch {
			case total["order_id"].Words == "Account "+number+" by Kvitt's vouchers":
				compared++
				if total["balance"].Number != sums[c] || total["unbooked"].Known {
					t.Errorf("%s: the account holds %d, and the report says %+v", c, sums[c], total)
				}
			case total["order_id"].Words == "Total" && total["balance"].Number != sums[c]:
				t.Errorf("%s: %d is open, and the account holds %d", c, total["balance"].Number, sums[c])
			}
		}
		if open < 3 || compared < 1 || len(lines) < 5 {
			t.Errorf("the quarter shows little: %d orders, %d open, %d accounts", len(lines), open, compared)
		}
	})
}

// A balance of the account that no row here tells of is red.
func TestWhatElseIsBookedOnTheDisputesAccountIsSaid(t *testing.T) {
	made, err := shop.Generate(shop.Config{Seed: 7, Start: first, Days: 60, LargeRows: -1})
	if err != nil {
		t.Fatal(err)
	}
	w := worldOf(t, sqlite(t), made, "se-bas", [2]string{"FEE/PURCHASE_FEE_FIXED: {account: fees", "FEE/PURCHASE_FEE_FIXED: {account: disputes"})
	w.current()
	fees := map[string]int64{}
	for p, r := range w.shop.Transactions() {
		if p != nil && r.Type == shop.TypeFee && r.DetailedType == "PURCHASE_FEE_FIXED" {
			fees[p.Currency] += r.Amount
		}
	}
	notes, bad := w.bad(report.Disputes)
	if len(bad) == 0 || !strings.Contains(notes, "DIFFERS: account ") {
		t.Errorf("%v\n%s", bad, notes)
	}
	for _, row := range bad {
		if c := row.Cells[0].Words; row.Cells[12].Number != fees[c] {
			t.Errorf("%s: %d stands there besides, and the fees are %d", c, row.Cells[12].Number, fees[c])
		}
	}
}

// bad are the notes of a report, and its lines that do not agree.
func (w *world) bad(name string) (notes string, bad []report.Row) {
	w.t.Helper()
	made, err := w.Make(w.t.Context(), name, quarter)
	w.must(err)
	for row, err := range made.Rows {
		w.must(err)
		if row.Bad {
			bad = append(bad, row)
		}
	}
	return strings.Join(made.Notes(), "\n"), bad
}

// lending is a shop with two loans of Klarna's.
func lending(t *testing.T) *shop.Shop {
	t.Helper()
	row := func(typ, detailed string, amount int64, comment string, day time.Time) shop.Row {
		return shop.Row{Type: typ, DetailedType: detailed, Amount: amount, Currency: "SEK", Comment: comment, CaptureDate: day, SaleDate: day, PurchaseCountry: "SE"}
	}
	var payouts []*shop.Payout
	pay := func(day int, rows ...shop.Row) {
		at := first.AddDate(0, 0, day).Add(9 * time.Hour)
		for i := range rows {
			rows[i].CaptureDate, rows[i].SaleDate = at.AddDate(0, 0, -1), at.AddDate(0, 0, -1)
		}
		rows = append([]shop.Row{{
			Type: "SALE", DetailedType: "PURCHASE", Amount: 50_000_00, Currency: "SEK", OrderID: fmt.Sprintf("5f7c2a7e-0000-4000-8000-%012d", day), CaptureID: fmt.Sprint("C", day),
			PurchaseCountry: "SE", SaleDate: at, CaptureDate: at,
		}}, rows...)
		p := &shop.Payout{
			PaymentReference: fmt.Sprintf("85127%05d", day), MerchantID: "K100", Date: at, Currency: "SEK", RegistrationCurrency: "SEK", SettlementType: shop.Net, Rows: shop.List(rows),
		}
		for _, r := range rows {
			switch r.Type {
			case "SALE":
				p.Totals.Sale += r.Amount
			case "CREDIT":
				p.Totals.Credit += r.Amount
			case "CHARGE":
				p.Totals.Charge += r.Amount
			}
		}
		p.Totals.Settlement = p.Totals.Sale + p.Totals.Credit - p.Totals.Charge
		payouts = append(payouts, p)
	}
	pay(5, row("CREDIT", "LOAN_PAYOUT", 10_000_00, "Loan 2026-17", first))
	pay(12, row("CHARGE", "LOAN_AMORTISATION", 1_200_00, "Loan 2026-17", first), row("CHARGE", "LOAN_FEE", 90_00, "Loan 2026-17", first))
	pay(40, row("CHARGE", "LOAN_AMORTISATION", 1_300_00, "Loan 2026-17", first), row("CREDIT", "CASH_ADVANCE_PAYOUT", 4_000_00, "Advance A", first))
	pay(70, row("CHARGE", "CASH_ADVANCE_AMORTISATION", 4_000_00, "Advance A", first), row("CHARGE", "CASH_ADVANCE_FEES", 120_00, "Advance A", first))
	return shop.New("K100", "SEK", payouts...)
}

func TestAStatementForEachLoanEqualsTheAccount(t *testing.T) {
	w := worldOf(t, sqlite(t), lending(t), "se-bas")
	w.current()
	february := report.Span{From: first.AddDate(0, 1, 0), To: first.AddDate(0, 2, -1)}
	for _, c := range []struct {
		about string
		span  report.Span
		want  []string
	}{
		{"the quarter", quarter, []string{
			"SEK Advance A 2026-02-09 2026-03-11: 0 + 400000 - 400000 = 0, costs 12000",
			"SEK Loan 2026-17 2026-01-05 2026-02-09: 0 + 1000000 - 250000 = 750000, costs 9000",
			"SEK Total: 0 + 1400000 - 650000 = 750000, costs 21000",
			"SEK Account: 750000",
		}},
		{"February", february, []string{
			"SEK Advance A 2026-02-09 2026-02-09: 0 + 400000 - 0 = 400000, costs 0",
			"SEK Loan 2026-17 2026-01-05 2026-02-09: 880000 + 0 - 130000 = 750000, costs 0",
			"SEK Total: 880000 + 400000 - 130000 = 1150000, costs 0",
			"SEK Account: 1150000",
		}},
	} {
		made, err := w.Make(t.Context(), report.Loans, c.span)
		w.must(err)
		var got []string
		for row, err := range made.Rows {
			w.must(err)
			cell := func(i int) report.Cell { return row.Cells[i] }
			if row.Bad {
				t.Errorf("%s: this does not agree: %+v", c.about, row)
			}
			if strings.HasPrefix(cell(1).Words, "Account") {
				got = append(got, fmt.Sprintf("%s Account: %d", cell(0).Words, cell(7).Number))
				continue
			}
			name := strings.Join(strings.Fields(cell(0).Words+" "+cell(1).Words+" "+cell(2).Words+" "+cell(3).Words), " ")
			got = append(got, fmt.Sprintf("%s: %d + %d - %d = %d, costs %d", name, cell(4).Number, cell(5).Number, cell(6).Number, cell(7).Number, cell(8).Number))
		}
		if !slices.Equal(got, c.want) {
			t.Errorf("%s:\n%s\nwant\n%s", c.about, strings.Join(got, "\n"), strings.Join(c.want, "\n"))
		}
	}
	loan := account(t, "se-bas", "loan")
	if sum := w.onAccount(loan)["SEK"]; sum != -7_500_00 {
		t.Errorf("account %s holds %d", loan, sum)
	}
}

// A loan whose payout is taken back stands in the books with nothing, and is
// said to be not booked.
func TestALoanThatIsNotBookedIsSaid(t *testing.T) {
	w := worldOf(t, sqlite(t), lending(t), "se-bas")
	w.takeBack(w.refs[0], "900001")
	w.current()
	lines, _ := w.rows(report.Loans)
	for _, line := range lines {
		if line["reference"].Words == "Loan 2026-17" && (line["balance"].Number != -2_500_00 || line["unbooked"].Number != 10_000_00) {
			t.Errorf("%+v", line)
		}
	}
}

// Rules that put something else on the loan's account are found.
func TestWhatElseIsBookedOnTheLoansAccountIsSaid(t *testing.T) {
	w := worldOf(t, sqlite(t), lending(t), "se-bas", [2]string{"SALE/PURCHASE: {account: clearing", "SALE/PURCHASE: {account: loan"})
	w.current()
	notes, _ := w.bad(report.Loans)
	if !strings.Contains(notes, "which is used for other things too") {
		t.Error(notes)
	}
}
