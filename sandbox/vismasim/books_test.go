package vismasim_test

import (
	"encoding/json"
	"fmt"
	"net/http"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"kvitt/sandbox/vismasim"
)

func TestBooksReportWhatWasBooked(t *testing.T) {
	w := newWorld(t, nil)
	w.post(voucher(payoutLines))
	books := w.sim.Books(tenant)
	if books.Batches != 1 || books.Debit != 10_200_000 || books.Credit != 10_200_000 {
		t.Errorf("batches %d, debit %d, credit %d; want 1 and 102 000.00 twice", books.Batches, books.Debit, books.Credit)
	}
	balances := map[string]int64{}
	for number, account := range books.Accounts {
		balances[number] = account.Balance()
	}
	want := map[string]int64{"1930": 8_590_000, "6064": 248_000, "2641": 62_000, "1687": 300_000, "1686": -9_200_000}
	if diff := cmp.Diff(want, balances); diff != "" {
		t.Errorf("balances (-want +got):\n%s", diff)
	}
	if len(books.WithDescription("[kvitt:0011223344556677]")) != 1 || len(books.WithReference("PR-1")) != 1 {
		t.Error("the batch is not found by its token or its reference")
	}
	if books.Released.Debit != 0 || books.Statuses[vismasim.Balanced] != 1 {
		t.Errorf("nothing is released yet: %+v %v", books.Released, books.Statuses)
	}
	if got := w.sim.Books(other); got.Batches != 0 {
		t.Errorf("the other company has %d batches", got.Batches)
	}
}

func TestBooksNameDuplicates(t *testing.T) {
	w := newWorld(t, nil)
	w.post(voucher(payoutLines))
	w.post(voucher(payoutLines))
	w.post(voucher(payoutLines, set("description", "[kvitt:8899aabbccddeeff] reversal")))
	books := w.sim.Books(tenant)
	if diff := cmp.Diff(map[string][]string{"[kvitt:0011223344556677]": {"000001", "000002"}}, books.DuplicateTokens); diff != "" {
		t.Errorf("tokens (-want +got):\n%s", diff)
	}
	if diff := cmp.Diff(map[string][]string{"PR-1": {"000001", "000002", "000003"}}, books.DuplicateReferences); diff != "" {
		t.Errorf("references (-want +got):\n%s", diff)
	}
}

func TestAForeignBatchBalancesInBothCurrencies(t *testing.T) {
	w := newWorld(t, func(o *vismasim.Options) {
		for i := range o.Companies[0].Currencies {
			if o.Companies[0].Currencies[i].ID == "NOK" {
				o.Companies[0].Currencies[i].Rate = "0.9657"
			}
		}
	})
	number, _ := w.post(voucher([]line{{"1931", "0.33", ""}, {"6064", "0.33", ""}, {"2641", "0.34", ""}, {"1686", "", "1.00"}}, set("currencyId", "NOK")))
	batch := w.journal(number)
	if batch["debitTotalInCurrency"] != json.Number("1.0") || batch["debitTotal"] != batch["creditTotal"] {
		t.Errorf("the totals are %v, %v and %v", batch["debitTotalInCurrency"], batch["debitTotal"], batch["creditTotal"])
	}
	if len(batch["journalTransactionLines"].([]any)) != 4 || batch["exchangeRate"] != json.Number("0.9657") {
		t.Errorf("the batch has other lines or another rate: %v", batch)
	}
	if got := w.sim.Books(tenant).Currencies["NOK"]; got.Debit != 100 || got.Credit != 100 {
		t.Errorf("NOK in the books: %+v", got)
	}
}

func TestARateMayBeGivenAndOtherwiseDependsOnlyOnTheDay(t *testing.T) {
	w := newWorld(t, nil)
	lines := []line{{"1933", "100", ""}, {"1686", "", "100"}}
	given, _ := w.post(voucher(lines, set("currencyId", "EUR"), set("exchangeRate", json.Number("11.5"))))
	if got := w.journal(given)["debitTotal"]; got != json.Number("1150.0") {
		t.Errorf("100 EUR at 11.5 is %v SEK", got)
	}
	if got := w.journal(given)["exchangeRate"]; got != json.Number("11.5") {
		t.Errorf("the given rate reads %v", got)
	}
	first, _ := w.post(voucher(lines, set("currencyId", "EUR")))
	second, _ := w.post(voucher(lines, set("currencyId", "EUR")))
	next, _ := w.post(voucher(lines, set("currencyId", "EUR"), set("transactionDate", "2026-01-29T00:00:00")))
	w.inject(vismasim.Fault{Kind: vismasim.RateIgnored, Path: "/v2/journaltransaction"})
	ignored, _ := w.post(voucher(lines, set("currencyId", "EUR"), set("exchangeRate", json.Number("11.5"))))
	if a, b := w.journal(first)["exchangeRate"], w.journal(ignored)["exchangeRate"]; a != b {
		t.Errorf("the rate to be ignored is %v, and the day's %v", b, a)
	}
	if a, b, c := w.journal(first)["exchangeRate"], w.journal(second)["exchangeRate"], w.journal(next)["exchangeRate"]; a != b || a == c {
		t.Errorf("the rates are %v and %v on one day, %v on another", a, b, c)
	}
}

func TestTheBooksAlwaysBalance(t *testing.T) {
	w := newWorld(t, func(o *vismasim.Options) { o.MaxPageSize = 1 << 20 })
	accounts := []string{"1930", "1686", "1687", "6064", "2641", "3740", "2391"}
	rapid.Check(t, func(r *rapid.T) {
		currency := rapid.SampledFrom([]string{"SEK", "NOK", "DKK", "EUR"}).Draw(r, "currency")
		var lines []line
		rest := int64(0)
		for range rapid.IntRange(1, 8).Draw(r, "lines") {
			amount := rapid.Int64Range(1, 9_999_999).Draw(r, "amount")
			text := fmt.Sprintf("%d.%02d", amount/100, amount%100)
			if rapid.Bool().Draw(r, "debit") {
				lines, rest = append(lines, line{rapid.SampledFrom(accounts).Draw(r, "account"), text, ""}), rest+amount
			} else {
				lines, rest = append(lines, line{rapid.SampledFrom(accounts).Draw(r, "account"), "", text}), rest-amount
			}
		}
		if rest == 0 {
			return
		}
		text := fmt.Sprintf("%d.%02d", max(rest, -rest)/100, max(rest, -rest)%100)
		if rest > 0 {
			lines = append(lines, line{"1686", "", text})
		} else {
			lines = append(lines, line{"1686", text, ""})
		}
		number, _ := w.post(voucher(lines, set("currencyId", currency)))
		w.ask(http.StatusOK, "POST", "/v2/journaltransaction/"+number+"/action/release", "")
		books := w.sim.Books(tenant)
		if books.Debit != books.Credit || books.Released.Debit != books.Debit {
			r.Fatalf("debit %d, credit %d, released %+v", books.Debit, books.Credit, books.Released)
		}
		sum := int64(0)
		for _, account := range books.Accounts {
			sum += account.Balance()
		}
		for id, s := range books.Currencies {
			if s.Debit != s.Credit {
				r.Fatalf("%s: debit %d, credit %d", id, s.Debit, s.Credit)
			}
		}
		if sum != 0 {
			r.Fatalf("the accounts sum to %d", sum)
		}
	})
	rows := read[[]struct{ DebitAmount, CreditAmount json.Number }](t, w.ask(http.StatusOK, "GET", "/v1/GeneralLedgerTransactions?ledger=1", ""))
	if len(rows) == 0 {
		t.Fatal("the general ledger is empty")
	}
}
