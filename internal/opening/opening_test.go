package opening_test

import (
	"encoding/json"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"kvitt/internal/opening"
	"kvitt/internal/settlement"
	"kvitt/internal/voucher"
)

func input(t *testing.T, payouts ...settlement.Payout) *opening.Input {
	t.Helper()
	document, err := voucher.Preset("se-bas")
	if err != nil {
		t.Fatal(err)
	}
	profile, err := voucher.ParseProfile(document)
	if err != nil {
		t.Fatal(err)
	}
	day := func(text string) voucher.Date {
		d, err := voucher.ParseDate(text)
		if err != nil {
			t.Fatal(err)
		}
		return d
	}
	return &opening.Input{
		Start: day("2026-01-01"), Since: day("2024-01-01"), Zone: profile.Location(), Profile: profile, Payouts: payouts,
		Captured: map[settlement.Currency]opening.Captured{"SEK": {Sales: 120_000, Returns: 20_000}},
		Last:     time.Date(2026, 1, 9, 6, 0, 0, 0, time.UTC),
	}
}

func payout(reference, date string, totals settlement.Totals) settlement.Payout {
	at, err := time.Parse(time.RFC3339, date)
	if err != nil {
		at = time.Time{}
	}
	return settlement.Payout{PaymentReference: reference, MerchantID: "K1", Currency: "SEK", Date: at, Type: settlement.Net, Totals: totals}
}

// The case of a debt from before the start: the first payout repays it, so the
// books need it as an opening.
func TestTheFiguresComeFromKlarnasDocuments(t *testing.T) {
	in := input(
		t,
		payout("P0", "2025-12-20T06:00:00Z", settlement.Totals{settlement.TotalHoldback: 7_000, settlement.TotalRelease: 1_000, settlement.TotalDeposit: 50_000, settlement.TotalClosingDebt: 50_000}),
		// 23:30 UTC on New Year's Eve is 2026 in Stockholm.
		payout("P1", "2025-12-31T23:30:00Z", settlement.Totals{settlement.TotalOpeningDebt: 50_000, settlement.TotalRepay: 50_000, settlement.TotalRelease: 2_000}),
		payout("P2", "2026-01-08T06:00:00Z", settlement.Totals{settlement.TotalRelease: 9_000}),
	)
	all := opening.Compute(in)
	if len(all) != 1 || len(all[0].Missing) > 0 || len(all[0].Notes) > 0 {
		t.Fatalf("got %+v", all)
	}
	o := all[0]
	type figure struct {
		role, account string
		amount        int64
	}
	var got []figure
	for _, f := range o.Figures {
		got = append(got, figure{f.Role, f.Account, f.Amount})
	}
	// 11 000 were released from the start on and 6 000 were held back before, so
	// 5 000 more had been held back before what was read.
	want := []figure{{"clearing", "1686", 100_000}, {"reserve", "16891", 11_000}, {"debt", "28991", -50_000}}
	if diff := cmp.Diff(want, got, cmp.AllowUnexported(figure{})); diff != "" {
		t.Errorf("the figures differ (-want +got):\n%s", diff)
	}
	if o.At.String() != "2025-12-31" || !strings.Contains(o.Figures[2].From, "P1") || o.Figures[2].First != "P1" {
		t.Errorf("the debt stands at %s, from %s", o.At, o.Figures[2].From)
	}
	var debit, credit int64
	lines := o.Lines("1510", "Kustom: ingående saldo 2025-12-31")
	for _, l := range lines {
		debit, credit = debit+l.Debit, credit+l.Credit
	}
	if len(lines) != 4 || debit != credit || lines[3].Account != "1510" || lines[3].Credit != 61_000 || lines[1].Text != "Kustom: ingående saldo 2025-12-31, K1" || lines[3].Text != "Kustom: ingående saldo 2025-12-31" {
		t.Errorf("the voucher is %+v", lines)
	}
	figures, err := json.Marshal(o.Figures)
	if err != nil {
		t.Fatal(err)
	}
	for ref, known := range map[string]bool{"P1": true, "P2": false} {
		debt, got, err := opening.DebtOf(figures, "K1", ref)
		if err != nil || got != known || known && debt != 50_000 {
			t.Errorf("%s has to continue from %d, %v, %v", ref, debt, got, err)
		}
	}
}

func TestFiguresThatAreNotWholeSaySo(t *testing.T) {
	none := input(t, payout("P0", "2025-12-20T06:00:00Z", settlement.Totals{settlement.TotalClosingDebt: 700, settlement.TotalDeposit: 700}))
	broken := input(
		t,
		payout("P0", "2025-12-20T06:00:00Z", settlement.Totals{settlement.TotalDeposit: 700, settlement.TotalClosingDebt: 700}),
		payout("P1", "2026-01-05T06:00:00Z", settlement.Totals{}),
	)
	unread := input(t, payout("P1", "2026-01-05T06:00:00Z", settlement.Totals{}))
	unread.Unread, unread.Undated = []string{"P9: it is not proven"}, 2
	for name, c := range map[string]struct {
		in      *opening.Input
		missing int
		note    string
	}{"nothing after the start": {none, 1, ""}, "a broken debt": {broken, 0, "invoiced apart"}, "rows that were not read": {unread, 2, ""}} {
		all := opening.Compute(c.in)
		if len(all) != 1 || len(all[0].Missing) != c.missing || c.note != "" && !strings.Contains(strings.Join(all[0].Notes, " "), c.note) {
			t.Errorf("%s: %+v", name, all)
		}
	}
	if o := opening.Compute(input(t)); len(o) != 1 || len(o[0].Missing) == 0 {
		t.Errorf("without payouts the figures are %+v", o)
	}
	quiet := input(t, payout("P1", "2026-01-05T06:00:00Z", settlement.Totals{}))
	quiet.Captured = nil
	if o := opening.Compute(quiet); len(o) != 1 || !o[0].Empty() || len(o[0].Lines("1510", "")) != 0 {
		t.Errorf("nothing was open, and the opening is %+v", o)
	}
}
