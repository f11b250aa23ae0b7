package klarna

import "testing"

func TestAFileIsKnownByItsBeginning(t *testing.T) {
	for start, want := range map[string]Look{
		"":                                LooksEmpty,
		" \n\ufeff":                       LooksText,
		"\ufeff \r\n":                     LooksEmpty,
		`{"totals":{"sale_amount":1},"pa`: LooksPayout,
		`{"merchant_id":"K1","payment_reference":"1"}`:                  LooksPayout,
		`{"transactions":"https://api.klarna.com/"`:                     LooksPayout,
		`{"transactions":[{"amount":1`:                                  LooksTransactions,
		"\ufeff{\n \"pagination\": {\"count\": 1}, \"transactions\": [": LooksTransactions,
		`[]`:                             LooksTransactions,
		`[{"order_id":"1","type":"SALE"`: LooksTransactions,
		`[{"payout_date":"2026-01-01"`:   LooksPayouts,
		`[{"summary_settlement_currency":"SEK"}]`: LooksJSON,
		`[1]`:          LooksJSON,
		`{"payouts":[`: LooksPayouts,
		`{"correlation_id":"x","error_code":"NOT_FOUND"`: LooksRefusal,
		`{}`:                  LooksJSON,
		`{"a`:                 LooksJSON,
		"<!doctype html>":     LooksHTML,
		"\n<?xml version":     LooksHTML,
		"%PDF-1.7":            LooksPDF,
		"PK\x03\x04":          LooksPacked,
		"\x1f\x8b\x08":        LooksPacked,
		"type,amount\nSALE,1": LooksText,
		"\"type\";\"amount\"": LooksText,
	} {
		if got := LookAt([]byte(start)); got != want {
			t.Errorf("%q looks like %s, want %s", start, got, want)
		}
	}
}
