package klarna

import (
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

// TestWhatCarriesNoMoneyIsBorneWith: each row is read, with the value that the
// member counts as and the warning that says what came.
func TestWhatCarriesNoMoneyIsBorneWith(t *testing.T) {
	day := time.Date(2026, 1, 5, 0, 0, 0, 0, time.UTC)
	noon := day.Add(12 * time.Hour)
	for members, want := range map[string]struct {
		row      Transaction
		warnings Warnings
	}{
		`"merchant_reference1":"order \ud83d"`:               {Transaction{MerchantReference1: "order \ufffd"}, notUTF8("merchant_reference1")},
		"\"klarna_comment\":\"sm\xf6r\"":                     {Transaction{KlarnaComment: "sm\ufffdr"}, notUTF8("klarna_comment")},
		"\"detailed_type\":\"\xe5\\n\"":                      {Transaction{DetailedType: "\ufffd\n"}, notUTF8("detailed_type")},
		`"merchant_reference1":100234`:                       {Transaction{MerchantReference1: "100234"}, Warnings{{"merchant_reference1", "is 100234, not a string", 1}}},
		`"order_id":{"a":"}"}`:                               {Transaction{OrderID: `{"a":"}"}`}, Warnings{{"order_id", `is {"a":"}"}, not a string`, 1}}},
		`"purchase_country":false`:                           {Transaction{PurchaseCountry: "false"}, Warnings{{"purchase_country", "is false, not a string", 1}}},
		`"capture_date":"2026-01-05"`:                        {Transaction{CaptureDate: day}, Warnings{{"capture_date", `is "2026-01-05", not a date and time as RFC 3339 has it`, 1}}},
		`"capture_date":"2026-01-05T12:00:00.000+0000"`:      {Transaction{CaptureDate: noon}, Warnings{{"capture_date", `is "2026-01-05T12:00:00.000+0000", not a date and time as RFC 3339 has it`, 1}}},
		`"sale_date":"2026-01-05T14:00:00+0200"`:             {Transaction{SaleDate: noon}, Warnings{{"sale_date", `is "2026-01-05T14:00:00+0200", not a date and time as RFC 3339 has it`, 1}}},
		`"capture_date":1767614400`:                          {Transaction{}, Warnings{{"capture_date", "is 1767614400, not a date and time", 1}}},
		`"capture_date":"2026-01-05T12:00:00"`:               {Transaction{}, Warnings{{"capture_date", `is "2026-01-05T12:00:00", not a date and time as RFC 3339 has it`, 1}}},
		`"vat_rate":25.0`:                                    {Transaction{}, Warnings{{"vat_rate", "is 25.0, not a whole number", 1}}},
		`"vat_rate":"2500"`:                                  {Transaction{VATRate: 2500}, Warnings{{"vat_rate", `is "2500", not a whole number`, 1}}},
		`"vat_rate":"25 %"`:                                  {Transaction{}, Warnings{{"vat_rate", `is "25 %", not a whole number`, 1}}},
		`"initial_payment_method_monthly_downpayments":12.5`: {Transaction{}, Warnings{{"initial_payment_method_monthly_downpayments", "is 12.5, not a whole number", 1}}},
		`"initial_payment_method_monthly_downpayments":"12"`: {Transaction{InitialMonthlyDownpayments: 12}, Warnings{{"initial_payment_method_monthly_downpayments", `is "12", not a whole number`, 1}}},
		"\"new_\xe5\":\"\xe5\"":                              {Transaction{Unknown: Members{{"new_\ufffd", "\"\ufffd\""}}}, nil},
	} {
		row := `{"amount":1000,"type":"SALE","currency_code":"SEK",` + members + `}`
		page, err := DecodeTransactions([]byte(pageOf("transactions", []string{row}, 0, 1, 1)))
		if err != nil {
			t.Errorf("%s: %v", members, err)
			continue
		}
		want.row.Amount, want.row.Type, want.row.CurrencyCode = 1000, "SALE", "SEK"
		if diff := cmp.Diff(want.row, page.Items[0]) + cmp.Diff(want.warnings, page.Warnings); diff != "" {
			t.Errorf("%s: %s", members, diff)
		}
	}
}

func notUTF8(member string) Warnings {
	return Warnings{{member, "is not text in UTF-8; what cannot be shown was replaced", 1}}
}

func TestWarningsAreCountedByMember(t *testing.T) {
	row := `{"amount":1,"type":"SALE","currency_code":"SEK","merchant_reference1":7,"vat_rate":1.5}`
	client := serveWrong(t, pages("transactions", []string{row, row, row})).client(Options{PageSize: 2})
	var all Warnings
	for page, err := range client.Transactions(t.Context(), thePayout) {
		if err != nil {
			t.Fatal(err)
		}
		all.Merge(page.Warnings)
	}
	want := Warnings{{"merchant_reference1", "is 7, not a string", 3}, {"vat_rate", "is 1.5, not a whole number", 3}}
	if diff := cmp.Diff(want, all.Sorted()); diff != "" {
		t.Error(diff)
	}
}

// TestOneEntryAloneIsSetAside: what is whole goes on, and the other keeps what
// is certain of it.
func TestOneEntryAloneIsSetAside(t *testing.T) {
	whole := strings.Replace(onePayout, "4711", "9000000004", 1)
	at := time.Date(2026, 1, 14, 23, 10, 0, 0, time.UTC)
	for name, c := range map[string]struct {
		entry, id, says string
		date            time.Time
	}{
		"without a date":        {strings.Replace(onePayout, `"2026-01-14T23:10:00Z"`, "null", 1), "4711", "payout lacks payout_date", time.Time{}},
		"without a currency":    {strings.Replace(onePayout, `"currency_code":"SEK"`, `"currency_code":""`, 1), "4711", "lacks currency_code", at},
		"with a broken amount":  {strings.Replace(onePayout, `"settlement_amount":`, `"settlement_amount":1.5,"x":`, 1), "4711", "totals.settlement_amount is 1.5, not a whole number", at},
		"that is none":          {"null", "", "is null, not an object", time.Time{}},
		"with a member twice":   {strings.Replace(onePayout, "{", `{"payment_reference":"1",`, 1), "", "payment_reference stands twice", time.Time{}},
		"with a long reference": {strings.Replace(onePayout, "4711", strings.Repeat("7", 3000), 1), "", "payment_reference is not 1 to 64", at},
		"with a path":           {strings.Replace(onePayout, "4711", "../4711", 1), "", "payment_reference is not 1 to 64", at},
		"with a line feed":      {strings.Replace(onePayout, "4711", `4711\r\n`, 1), "", "payment_reference is not 1 to 64", at},
		"with a nul":            {strings.Replace(onePayout, "4711", `47\u0000`, 1), "", "payment_reference is not 1 to 64", at},
		"with a number":         {strings.Replace(onePayout, `"4711"`, "4711", 1), "", "payment_reference is 4711, not a string", at},
		"with one of our names": {strings.Replace(onePayout, "4711", "unreadable-1", 1), "", "payment_reference is not 1 to 64", at},
	} {
		t.Run(name, func(t *testing.T) {
			client := serveWrong(t, pages("payouts", []string{whole, c.entry, strings.Replace(onePayout, "4711", "9000000006", 1)})).client(Options{})
			for page, err := range client.Payouts(t.Context(), PayoutsQuery{}) {
				if err != nil {
					t.Fatal(err)
				}
				if len(page.Items) != 2 || page.Items[1].PaymentReference != "9000000006" || len(page.Broken) != 1 {
					t.Fatalf("got %d whole and %d broken", len(page.Items), len(page.Broken))
				}
				b := page.Broken[0]
				if b.Reference != c.id || !b.Date.Equal(c.date) || string(b.Raw) != c.entry || !strings.Contains(b.Err.Error(), strings.TrimPrefix(c.says, "payout ")) {
					t.Errorf("got %q of %s: %v\n%s", b.Reference, b.Date, b.Err, b.Raw)
				}
				if !IsReference(b.ID()) || Unnamed(b.ID()) != (c.id == "") {
					t.Errorf("its id is %q", b.ID())
				}
			}
		})
	}
}

// TestWarningsStayWithTheirPayout keeps one payout's warnings off the next.
func TestWarningsStayWithTheirPayout(t *testing.T) {
	odd := strings.Replace(onePayout, "{", `{"transactions":5,`, 1)
	odd = strings.Replace(odd, `"transactions":"`, `"link":"`, 1)
	page, err := DecodePayouts([]byte(pageOf("payouts", []string{odd, strings.Replace(onePayout, "4711", "4712", 1)}, 0, 2, 2)))
	if err != nil {
		t.Fatal(err)
	}
	if len(page.Items[0].Warnings) != 1 || len(page.Items[1].Warnings) != 0 {
		t.Errorf("got %v and %v", page.Items[0].Warnings, page.Items[1].Warnings)
	}
	if one, err := DecodePayout([]byte(odd)); err != nil || len(one.Warnings) != 1 {
		t.Errorf("got %v, %v", one, err)
	}
}
