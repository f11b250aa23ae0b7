package visma

import (
	"encoding/json"
	"testing"
)

func FuzzDecimal(f *testing.F) {
	for _, seed := range []string{
		"0", "-0", "12.50", "-8300.25", "1e3", "125e-1", "0.1000000000000000055511151231257827",
		"92233720368547758.07", "1e9999", "-1E-9999", "007", "1.", "null", `"1"`, "1e", "9e99999",
	} {
		f.Add(seed)
	}
	f.Fuzz(checkDecimal)
}

func FuzzDecodeJournalTransaction(f *testing.F) {
	for _, seed := range []string{
		`{}`, `null`, `[]`, `{"batchNumber":null}`,
		batchJSON(batchSpec{number: "000001", lines: []lineSpec{{1, "1930", "85900", "0"}, {2, "1686", "0", "85900"}}}),
		`{"batchNumber":"1","status":"Nieuw","transactionDate":"2026-01-31T00:00:00","exchangeRate":0.0873561234567890123456789,
		  "lastModifiedDateTime":"2026-01-31T10:20:53.75+01:00","journalTransactionLines":[{"lineNumber":1,"debitAmount":1.5e2,"subaccount":null}],
		  "attachments":[{"name":"a.pdf","id":"x","revision":1}],"metadata":{"totalCount":2,"maxPageSize":1000}}`,
		`{"debitTotal":"12.50"}`, `{"transactionDate":"yesterday"}`, `{"metadata":{"totalCount":-1}}`,
	} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, body []byte) {
		var decoded JournalTransaction
		if json.Unmarshal(body, &decoded) != nil {
			return
		}
		written, err := json.Marshal(decoded)
		if err != nil {
			t.Fatalf("a batch that was read cannot be written: %v", err)
		}
		var again JournalTransaction
		if err := json.Unmarshal(written, &again); err != nil {
			t.Fatalf("a batch that was written cannot be read: %v", err)
		}
		for i := range decoded.Lines {
			if again.Lines[i].DebitAmount != decoded.Lines[i].DebitAmount || again.Lines[i].CreditAmountInCurrency != decoded.Lines[i].CreditAmountInCurrency {
				t.Fatalf("an amount of line %d changed on the way", i)
			}
		}
		if again.DebitTotal != decoded.DebitTotal || again.ExchangeRate != decoded.ExchangeRate {
			t.Fatal("an amount of the batch changed on the way")
		}
	})
}
