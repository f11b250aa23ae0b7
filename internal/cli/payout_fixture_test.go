package cli

import (
	"encoding/json"
	"strings"
	"time"

	"kvitt/activities"
	"kvitt/internal/archive"
	"kvitt/internal/held"
	"kvitt/internal/klarna"
	"kvitt/internal/settlement"
	"kvitt/internal/store"
	"kvitt/internal/voucher"
	"kvitt/workflows"
)

// payouts stores three payouts: P1 is verified, P2 is held because the
// profile has no rule for a component, and P3 is in euro and was just found.
func (d *desk) payouts(connection string) {
	d.t.Helper()
	sek := settlement.Payout{
		PaymentReference: "P1", MerchantID: "K123", Date: time.Date(2026, 1, 12, 23, 30, 0, 0, time.UTC), Currency: "SEK", Type: settlement.Net,
		Totals: settlement.Totals{settlement.TotalSale: 1_000_00, settlement.TotalReturn: 100_00, settlement.TotalFee: 20_00, settlement.TotalTax: 5_00, settlement.TotalSettlement: 875_00},
	}
	held2 := sek
	held2.PaymentReference, held2.Date = "P2", sek.Date.AddDate(0, 0, 7)
	eur := settlement.Payout{PaymentReference: "P3", MerchantID: "K123", Date: sek.Date.AddDate(0, 0, 8), Currency: "EUR", Type: settlement.Net, Totals: settlement.Totals{settlement.TotalSale: 50_00, settlement.TotalSettlement: 50_00}}
	var rows []store.Payout
	for _, p := range []settlement.Payout{sek, held2, eur} {
		rows = append(rows, store.Payout{
			PaymentReference: p.PaymentReference, MerchantID: p.MerchantID, Date: p.Date, Currency: string(p.Currency),
			SettlementType: string(p.Type), Settlement: p.Totals[settlement.TotalSettlement], Payout: d.json(p),
		})
	}
	if _, err := d.store.UpsertPayouts(d.t.Context(), connection, rows); err != nil {
		d.t.Fatal(err)
	}
	d.verify(connection, sek)
	d.change(connection, "P2", func(p *store.Payout) error {
		p.State, p.HeldReason, p.Rows = workflows.StateHeld, string(held.ComponentUnknown), 4
		p.Held = d.json(workflows.Held{Code: held.ComponentUnknown, Detail: `compile voucher for payout P2: posting profile "x" has no rule for FEE/NEW (-20.00 SEK)`, Remedy: "Add the rule named here to the profile (`starter profile set`); the payout continues automatically."})
		return nil
	})
}

func (d *desk) json(v any) json.RawMessage {
	d.t.Helper()
	b, err := json.Marshal(v)
	if err != nil {
		d.t.Fatal(err)
	}
	return b
}

func (d *desk) change(connection, reference string, change func(*store.Payout) error) {
	d.t.Helper()
	if err := d.store.UpdatePayout(d.t.Context(), connection, reference, change, nil); err != nil {
		d.t.Fatal(err)
	}
}

// verify takes a payout of four rows all the way, as the activities would.
func (d *desk) verify(connection string, p settlement.Payout) {
	d.t.Helper()
	tally := settlement.NewTally(p.Currency)
	for _, r := range []settlement.Row{
		{Type: "SALE", DetailedType: "PURCHASE", Amount: 600_00, Currency: "SEK", Country: "SE"},
		{Type: "SALE", DetailedType: "PURCHASE", Amount: 400_00, Currency: "SEK", Country: "SE"},
		{Type: "RETURN", DetailedType: "PURCHASE_RETURN", Amount: 100_00, Currency: "SEK", Country: "SE"},
		{Type: "FEE", DetailedType: "PURCHASE_FEE_PERCENTAGE", Amount: 20_00, VAT: 5_00, Currency: "SEK", Country: "SE"},
	} {
		tally.Add(&r)
	}
	proof, err := settlement.Prove(p, tally, 4, nil)
	if err != nil {
		d.t.Fatal(err)
	}
	preset, err := voucher.Preset("se-bas")
	if err != nil {
		d.t.Fatal(err)
	}
	profile, err := voucher.ParseProfile(preset)
	if err != nil {
		d.t.Fatal(err)
	}
	v, err := voucher.Compile(profile, proof, voucher.Target{Company: "5560001"})
	if err != nil {
		d.t.Fatal(err)
	}
	at := noon.Add(-time.Hour)
	documents := []store.Document{
		{ConnectionID: connection, PaymentReference: "P1", Kind: archive.KindTransactions, SHA256: strings.Repeat("ab", 32), Size: 1234, Encoding: "identity", Body: []byte("{}"), FetchedAt: at},
		{ConnectionID: connection, PaymentReference: "P1", Kind: archive.KindTransactions, Seq: 1, SHA256: strings.Repeat("cd", 32), Size: 100, Encoding: "identity", Body: []byte("{}"), FetchedAt: at},
		{ConnectionID: connection, PaymentReference: "P1", Kind: archive.KindPDF, SHA256: strings.Repeat("ef", 32), Size: 99, Encoding: "identity", Body: []byte("{}"), FetchedAt: at},
	}
	if err := d.store.PutDocuments(d.t.Context(), documents); err != nil {
		d.t.Fatal(err)
	}
	rows := strings.NewReader(strings.Repeat("SALE;10.00;SEK\n", 100_000))
	if _, err := archive.KeepWhole(d.t.Context(), d.store, connection, "P1", archive.KindCSV, klarna.Answer{FetchedAt: at}, rows); err != nil {
		d.t.Fatal(err)
	}
	_, err = d.store.EnsureBooking(d.t.Context(), store.Booking{
		CompanyID: "5560001", Token: v.Token, ConnectionID: connection, PaymentReference: "P1", VoucherHash: v.Hash(), Voucher: d.json(v),
		Period: "202601", Mode: "auto", State: "verified", BatchNumber: "000123", Adopted: true, Attempts: 1,
	})
	if err != nil {
		d.t.Fatal(err)
	}
	if err := d.store.AppendAttempt(d.t.Context(), store.Attempt{CompanyID: "5560001", Token: v.Token, At: at, Action: "post", Outcome: "accepted", Status: 202, RequestID: "r-1"}); err != nil {
		d.t.Fatal(err)
	}
	d.change(connection, "P1", func(row *store.Payout) error {
		row.State, row.Rows, row.ProfileVersion = workflows.StateVerified, 4, 1
		row.Proof = d.json(activities.Proof{Proof: proof, Evidence: archive.Kept{Parts: 2, Size: 1334, Digest: strings.Repeat("01", 32)}})
		row.Voucher, row.VoucherHash = d.json(v), v.Hash()
		return nil
	})
}
