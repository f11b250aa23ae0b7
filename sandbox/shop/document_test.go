package shop

import (
	"testing"
	"time"
)

// The shop's documents and Klarna's settlements are recorded separately; they correspond one to one.
func TestDocumentsAndKlarnasRowsCorrespondOneToOne(t *testing.T) {
	for name, s := range years(t) {
		documents, numbers := map[string]Document{}, map[string]bool{}
		var last time.Time
		for _, d := range s.Documents() {
			documents[d.CaptureID+"/"+d.RefundID] = d
			if numbers[d.Number] || d.At.Before(last) || (d.Number[0] == 'K') != d.Credit() {
				t.Errorf("%s: document %+v after %s", name, d, last)
			}
			numbers[d.Number], last = true, d.At
		}
		if len(documents) != len(s.Documents()) || len(documents) == 0 {
			t.Errorf("%s: %d ids for %d documents", name, len(documents), len(s.Documents()))
		}
		for _, r := range s.Transactions() {
			var id string
			switch r.Type + "/" + r.DetailedType {
			case "SALE/PURCHASE":
				id = r.CaptureID + "/"
			case "RETURN/PURCHASE_RETURN":
				id = "/" + r.RefundID
			default:
				continue
			}
			if d := documents[id]; d.Amount != r.Amount || d.Currency != r.Currency || d.VAT != r.CustomerVAT || !d.At.Equal(r.CaptureDate) {
				t.Errorf("%s: the row %s of %d %s has the document %+v", name, id, r.Amount, r.Currency, d)
			}
			delete(documents, id)
		}
		for id, d := range documents {
			t.Errorf("%s: Klarna has no row for %s: %+v", name, id, d)
		}
	}
}

func TestAShopOutsideSwedenIsChargedNoVAT(t *testing.T) {
	s := generate(t, Config{Seed: 4, Start: date(2025, 1, 1), Days: 120, Country: "NO", Currencies: []string{"NOK", "EUR"}, Demand: 10})
	if s.RegistrationCurrency != "NOK" {
		t.Errorf("registered in %s", s.RegistrationCurrency)
	}
	seen := map[string]int{}
	for _, r := range s.Transactions() {
		seen[r.Currency]++
		if r.VAT != 0 || r.VATRate != 0 || r.VATAtHome != 0 || r.RegistrationCurrency != "NOK" {
			t.Fatalf("a row with Swedish VAT: %+v", *r)
		}
	}
	if len(seen) != 2 || seen["NOK"] == 0 || seen["EUR"] == 0 {
		t.Errorf("rows by currency: %v", seen)
	}
	for _, p := range s.Payouts() {
		checkFormula(t, p)
	}
	usual := generate(t, Config{Seed: 4, Start: date(2025, 1, 1), Days: 120, LargeRows: -1})
	if few, all := len(s.Documents()), len(usual.Documents()); few*10 > all {
		t.Errorf("%d documents at a tenth of the demand in two currencies, %d otherwise", few, all)
	}
	for _, wrong := range []Config{{Country: "PL"}, {Currencies: []string{"PLN"}}, {Demand: -1}} {
		wrong.Start, wrong.Days = date(2025, 1, 1), 30
		if _, err := Generate(wrong); err == nil {
			t.Errorf("a shop of %+v was made", wrong)
		}
	}
}
