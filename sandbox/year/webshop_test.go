package year

import (
	"bytes"
	"encoding/json"
	"fmt"
	"net/http"
	"testing"
	"time"

	"kvitt/sandbox/shop"
)

// integration books a web shop's documents as those on the market do: one batch per day and currency, a
// line on the clearing account for each document, sales and VAT in one sum. It shares nothing with Kvitt
// but the account.
type integration struct {
	url                        string
	clearing, sales, outputVAT string
	forgets                    string // the number of the document to skip
}

type object map[string]any

func value(v any) object { return object{"value": v} }

func money(minor int64) json.Number {
	sign := ""
	if minor < 0 {
		sign, minor = "-", -minor
	}
	return json.Number(fmt.Sprintf("%s%d.%02d", sign, minor/100, minor%100))
}

// line debits an amount, or credits it when it is negative.
func line(account, reference, text string, amount int64) object {
	side := "debitAmountInCurrency"
	if amount < 0 {
		side, amount = "creditAmountInCurrency", -amount
	}
	return object{
		"operation": "Insert", "accountNumber": value(account), "referenceNumber": value(reference),
		"transactionDescription": value(text), side: value(money(amount)),
	}
}

// book books the documents of a day.
func (i *integration) book(t *testing.T, day time.Time, documents []shop.Document) {
	t.Helper()
	var currencies []string
	byCurrency := map[string][]shop.Document{}
	for _, d := range documents {
		if d.Number == i.forgets {
			continue
		}
		if byCurrency[d.Currency] == nil {
			currencies = append(currencies, d.Currency)
		}
		byCurrency[d.Currency] = append(byCurrency[d.Currency], d)
	}
	for _, currency := range currencies {
		var lines []object
		var invoiced, credited, invoicedVAT, creditedVAT int64
		for _, d := range byCurrency[currency] {
			if d.Credit() {
				lines = append(lines, line(i.clearing, d.Number, "Credit note "+d.Number, -d.Amount))
				credited, creditedVAT = credited+d.Amount, creditedVAT+d.VAT
			} else {
				lines = append(lines, line(i.clearing, d.Number, "Invoice "+d.Number, d.Amount))
				invoiced, invoicedVAT = invoiced+d.Amount, invoicedVAT+d.VAT
			}
		}
		for _, sum := range []struct {
			account, text string
			amount        int64
		}{
			{i.sales, "Sales", invoicedVAT - invoiced},
			{i.outputVAT, "VAT on sales", -invoicedVAT},
			{i.sales, "Returns", credited - creditedVAT},
			{i.outputVAT, "VAT on returns", creditedVAT},
		} {
			if sum.amount != 0 {
				lines = append(lines, line(sum.account, "", sum.text, sum.amount))
			}
		}
		i.post(t, object{
			"hold": value(false), "transactionDate": value(day.Format("2006-01-02T15:04:05")), "currencyId": value(currency),
			"description": value("Web shop " + day.Format(time.DateOnly) + " " + currency), "journalTransactionLines": lines,
		})
	}
}

// post creates a batch and releases it.
func (i *integration) post(t *testing.T, batch object) {
	t.Helper()
	made := i.send(t, "/v2/journaltransaction", batch, http.StatusCreated)
	i.send(t, "/v2/journaltransaction/"+made+"/action/release", object{}, http.StatusOK)
}

// send returns the last part of the Location.
func (i *integration) send(t *testing.T, path string, body object, want int) string {
	t.Helper()
	encoded, err := json.Marshal(body)
	check(t, err)
	request, err := http.NewRequestWithContext(t.Context(), http.MethodPost, i.url+path, bytes.NewReader(encoded))
	check(t, err)
	request.Header.Set("Authorization", "Bearer web-shop")
	request.Header.Set("Content-Type", "application/json")
	response, err := http.DefaultClient.Do(request)
	check(t, err)
	defer func() { _ = response.Body.Close() }()
	var answer bytes.Buffer
	_, err = answer.ReadFrom(response.Body)
	check(t, err)
	if response.StatusCode != want {
		t.Fatalf("the web shop posts %s and is answered %d: %s", path, response.StatusCode, answer.Bytes())
	}
	location := response.Header.Get("Location")
	for n := len(location) - 1; n >= 0; n-- {
		if location[n] == '/' {
			return location[n+1:]
		}
	}
	return location
}
