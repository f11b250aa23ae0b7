package interview_test

import (
	"flag"
	"os"
	"path/filepath"
	"testing"

	"github.com/google/go-cmp/cmp"

	"kvitt/internal/interview"
	"kvitt/internal/voucher"
)

var renew = flag.Bool("renew", false, "write the golden files anew")

// documents are answers per country, each with other choices.
var documents = map[string]interview.Answers{
	"se-plain":        {"country": "se"},
	"se-transactions": {"country": "se", "chart": "bas-2026", "vat_return": "transactions", "vat_code.input": "25", "reverse_charge": "none", "deposits": "bank", "loans": "yes", "posting": "auto", "accruals": "request"},
	"se-older":        {"country": "se", "chart": "bas-older", "vat_return": "ledger", "reverse_charge": "owed", "account.reverse_base": "4535", "account.reverse_contra": "4598", "commission": "exempt", "fee_bill": "kvitt"},
	"se-currencies":   {"country": "se", "currencies": "SEK, EUR", "deposits": "bank", "account.settlement.EUR": "1933 Valutakonto EUR", "merchants": "K100001, K100002", "merchant.K100002.settlement": "1940", "merchant.K100002.branch": "2"},
	"no":              {"country": "no", "vat_return": "transactions", "reverse_charge": "owed", "vat_code.reverse": "86/86", "disputes": "hold", "periods": "next_open"},
	"fi":              {"country": "fi", "reverse_charge": "owed", "reverse_charge.rate": "25.5", "commission": "taxable", "language": "en"},
	"dk":              {"country": "dk", "reverse_charge": "none", "loans": "yes", "posting": "draft", "accruals": "split"},
}

func TestDocumentsOfAnswers(t *testing.T) {
	for name, given := range documents {
		t.Run(name, func(t *testing.T) {
			answers := interview.Complete(given, nil)
			document, err := interview.Document(answers)
			if err != nil {
				t.Fatal(err)
			}
			golden(t, name+".yaml", document)
			if _, err := voucher.ParseProfile(document); err != nil {
				t.Fatalf("the document cannot be read: %v", err)
			}
			if diff := cmp.Diff(answers, interview.Read(document)); diff != "" {
				t.Errorf("the answers come back differently (-given +read):\n%s", diff)
			}
			again, err := interview.Document(interview.Read(document))
			if err != nil || string(again) != string(document) {
				t.Errorf("the answers of the document make another document: %v", err)
			}
		})
	}
}

func golden(t *testing.T, name string, got []byte) {
	t.Helper()
	path := filepath.Join("testdata", name)
	if *renew {
		if err := os.WriteFile(path, got, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(string(want), string(got)); diff != "" {
		t.Errorf("%s differs (-want +got):\n%s", name, diff)
	}
}
