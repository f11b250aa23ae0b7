package klarna

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/go-json-experiment/json/jsontext"
	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"kvitt/internal/settlement"
)

// liveRow has every member that is published or has been seen live, and some
// that have not.
const liveRow = `{"amount":-2000,"type":"NEW_TYPE","detailed_type":"NEW_DETAIL","currency_code":"NOK",
	"sale_date":"2026-01-14T07:52:26Z","capture_date":"2026-01-15T08:52:26.5+01:00",
	"order_id":"ce17b4cb-147f-48b7-b8e6-dde2fa397f04","short_order_id":"42W6SNM2-1","capture_id":"c","refund_id":"r",
	"merchant_reference1":"Ordre \u00e5 \"7\"","merchant_reference2":"#7\ud83d\ude00","merchant_capture_reference":"mc","merchant_refund_reference":"mr",
	"reversal_reference":"krn:klarna:eu1:dispute:x:1","klarna_comment":"Loan 2022-12-01","payment_reference":"4711",
	"payout":"https://api.klarna.com/x","merchant_id":"K1","purchase_country":"NO","shipping_address_country":"SE",
	"vat_rate":2500,"vat_amount":7,"tax_in_currency_of_registration_country":8,"currency_code_of_registration_country":"SEK",
	"consumer_vat":null,"customer_vat":[{"tax_amount":1,"tax_rate":2500},null],
	"initial_payment_method_type":"slice_it_by_card","initial_payment_method_number_of_installments":3,"initial_payment_method_monthly_downpayments":12,
	"brand_new" : {"a":[1,"}"]} ,"nothing":null}`

func theRow(t *testing.T, row string) *Transaction {
	t.Helper()
	page, err := DecodeTransactions([]byte(pageOf("transactions", []string{row}, 0, 1, 1)))
	if err != nil {
		t.Fatal(err)
	}
	return &page.Items[0]
}

func TestEveryMemberOfARowIsRead(t *testing.T) {
	want := Transaction{
		Amount: -2000, Type: "NEW_TYPE", DetailedType: "NEW_DETAIL", CurrencyCode: "NOK",
		SaleDate:    time.Date(2026, 1, 14, 7, 52, 26, 0, time.UTC),
		CaptureDate: time.Date(2026, 1, 15, 7, 52, 26, 500_000_000, time.UTC),
		OrderID:     "ce17b4cb-147f-48b7-b8e6-dde2fa397f04", ShortOrderID: "42W6SNM2-1", CaptureID: "c", RefundID: "r",
		MerchantReference1: `Ordre å "7"`, MerchantReference2: "#7😀", MerchantCaptureReference: "mc", MerchantRefundReference: "mr",
		ReversalReference: "krn:klarna:eu1:dispute:x:1", KlarnaComment: "Loan 2022-12-01", PaymentReference: "4711",
		Payout: "https://api.klarna.com/x", MerchantID: "K1", PurchaseCountry: "NO", ShippingAddressCountry: "SE",
		VATRate: 2500, VATAmount: 7, TaxInRegistrationCurrency: 8, RegistrationCurrency: "SEK",
		CustomerVAT: `[{"tax_amount":1,"tax_rate":2500},null]`, InitialPaymentMethodType: "slice_it_by_card",
		InitialMethodInstallments: 3, InitialMonthlyDownpayments: 12,
		Unknown: Members{{"brand_new", `{"a":[1,"}"]}`}, {"nothing", "null"}},
	}
	got := theRow(t, liveRow)
	if diff := cmp.Diff(&want, got); diff != "" {
		t.Error(diff)
	}
	if got.ShippedTo() != "SE" || got.Installments() != 3 || got.VATOfConsumer() != want.CustomerVAT {
		t.Error("the live names are not understood")
	}
}

func TestThePublishedNamesAreReadToo(t *testing.T) {
	got := theRow(t, `{"amount":1,"type":"SALE","currency_code":"SEK","shipping_country":"PL","initial_number_of_installments":4,"consumer_vat":[{}]}`)
	if got.ShippedTo() != "PL" || got.Installments() != 4 || got.VATOfConsumer() != "[{}]" {
		t.Errorf("got %+v", got)
	}
}

func TestNullAndAbsentMembersAreNothing(t *testing.T) {
	var nulls strings.Builder
	for name := range transactionShape.slots {
		if name != "amount" && name != "type" && name != "currency_code" {
			nulls.WriteString(`,"` + name + `":null`)
		}
	}
	want := Transaction{Amount: 1, Type: "HOLDBACK", CurrencyCode: "SEK"}
	for _, more := range []string{"", nulls.String(), `,"sale_date":"","order_id":""`} {
		got := theRow(t, `{"amount":1,"type":"HOLDBACK","currency_code":"SEK"`+more+`}`)
		if diff := cmp.Diff(&want, got); diff != "" {
			t.Error(diff)
		}
	}
}

func TestARowOfASettlementIsWhatTheProofWants(t *testing.T) {
	got := settlement.Row{OrderID: "left from the row before"}
	theRow(t, liveRow).Row(&got)
	want := settlement.Row{
		Type: "NEW_TYPE", DetailedType: "NEW_DETAIL", Amount: -2000, VAT: 7, VATRate: 2500, TaxInRegistrationCurrency: 8,
		Currency: "NOK", Country: "NO", MerchantID: "K1", OrderID: "ce17b4cb-147f-48b7-b8e6-dde2fa397f04", CaptureID: "c", RefundID: "r",
		MerchantReference1: `Ordre å "7"`, MerchantReference2: "#7😀",
		Comment:     "Loan 2022-12-01",
		CaptureDate: time.Date(2026, 1, 15, 7, 52, 26, 500_000_000, time.UTC), SaleDate: time.Date(2026, 1, 14, 7, 52, 26, 0, time.UTC),
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}

func TestAPayoutIsWhatTheProofWants(t *testing.T) {
	totals := map[string]int64{}
	for i, f := range totalsShape.fields {
		totals[f.name] = int64(i + 1)
	}
	totals["brand_new_amount"] = 99
	body, err := json.Marshal(map[string]any{
		"totals": totals, "payment_reference": "4711", "payout_date": "2026-01-31T23:10:00Z", "currency_code": "NOK",
		"currency_code_of_registration_country": "SEK", "merchant_settlement_type": "HALF_NET", "merchant_id": "K1",
		"transactions": "https://api.klarna.com/x", "more": true,
	})
	if err != nil {
		t.Fatal(err)
	}
	payout, err := DecodePayout(body)
	if err != nil {
		t.Fatal(err)
	}
	want := settlement.Payout{
		PaymentReference: "4711", MerchantID: "K1", Date: time.Date(2026, 1, 31, 23, 10, 0, 0, time.UTC),
		Currency: "NOK", RegistrationCurrency: "SEK", Type: "HALF_NET",
	}
	for _, t := range settlement.EveryTotal() {
		want.Totals[t] = totals[t.Member()]
		delete(totals, t.Member())
	}
	if diff := cmp.Diff(want, payout.Settlement()); diff != "" {
		t.Error(diff)
	}
	if len(totals) != 1 {
		t.Errorf("settlement.Totals does not know %v", totals)
	}
	if v, _ := payout.Totals.Unknown.Get("brand_new_amount"); v != "99" {
		t.Errorf("the unknown sum is %q", v)
	}
	if v, _ := payout.Unknown.Get("more"); v != "true" {
		t.Errorf("the unknown member is %q", v)
	}
	if _, ok := payout.Unknown.Get("less"); ok {
		t.Error("there is a member that did not come")
	}
}

// TestTheShapesAndTheTagsAgree keeps the two ways to decode the same: our own
// and encoding/json.
func TestTheShapesAndTheTagsAgree(t *testing.T) {
	agree(t, transactionShape)
	agree(t, payoutShape)
	agree(t, totalsShape, members(settlement.EveryTotal(), settlement.Total.Member)...)
	agree(t, summaryShape, members(settlement.SummedTotals(), settlement.Total.SummaryMember)...)
}

// members are those of totals, which no tag names.
func members(totals []settlement.Total, name func(settlement.Total) string) (names []string) {
	for _, t := range totals {
		names = append(names, name(t))
	}
	return names
}

func agree[T any](t *testing.T, s *shape[T], untagged ...string) {
	t.Helper()
	tags := map[string]bool{}
	for _, name := range untagged {
		tags[name] = true
	}
	for _, f := range reflect.VisibleFields(reflect.TypeFor[T]()) {
		if tag := f.Tag.Get("json"); tag != "" && tag != "-" {
			tags[tag] = true
		}
	}
	for name := range s.slots {
		if !tags[name] {
			t.Errorf("%T has no tag for %s", *new(T), name)
		}
		delete(tags, name)
	}
	for name := range tags {
		t.Errorf("%T: the decoder does not know %s", *new(T), name)
	}
}

func TestADateIsReadExactly(t *testing.T) {
	for _, s := range []string{
		"2026-01-14T07:52:26Z", "2024-02-29T23:59:59Z", "2026-12-31T00:00:00Z", "0001-01-01T00:00:00Z", "2026-01-14T07:52:26.123456789Z",
		"2026-01-14T07:52:26+02:00", "2026-02-29T00:00:00Z", "2026-13-01T00:00:00Z", "2026-00-01T00:00:00Z", "2026-01-00T00:00:00Z",
		"2026-01-01T24:00:00Z", "2026-01-01T00:60:00Z", "2026-01-01T00:00:60Z", "2026-01-14", "2026-01-14t07:52:26Z", "2026-01-14T07:52:26z",
		"2026-01-1xT07:52:26Z", "x026-01-14T07:52:26Z", "2026-01-14T07:52:26Z ",
	} {
		row := `{"transactions":[{"sale_date":"` + s + `"}]}`
		var ours collection[Transaction]
		var theirs plain[Transaction]
		err, wantErr := transactionsShape.decode([]byte(row), &ours, false), json.Unmarshal([]byte(row), &theirs)
		if (err == nil) != (wantErr == nil) {
			t.Errorf("%s: got %v, encoding/json %v", s, err, wantErr)
		} else if err == nil && (!ours.Items[0].SaleDate.Equal(theirs.Transactions[0].SaleDate) || ours.Items[0].SaleDate.Location() != time.UTC) {
			t.Errorf("%s: got %s, encoding/json %s", s, ours.Items[0].SaleDate, theirs.Transactions[0].SaleDate)
		}
	}
}

func TestAnIntegerIsReadExactly(t *testing.T) {
	for _, s := range []string{
		"0", "-0", "1", "-1", "9223372036854775807", "-9223372036854775808", "9223372036854775808", "-9223372036854775809",
		"18446744073709551615", "18446744073709551616", "18446744073709551626", "99999999999999999999", "1.0", "1e2", "1E2", `"1"`, "true", "[1]", "{}",
	} {
		row := []byte(`{"transactions":[{"amount":` + s + `}]}`)
		var ours collection[Transaction]
		var theirs plain[Transaction]
		err, wantErr := transactionsShape.decode(row, &ours, false), json.Unmarshal(row, &theirs)
		if (err == nil) != (wantErr == nil) {
			t.Errorf("%s: got %v, encoding/json %v", s, err, wantErr)
		} else if err == nil && ours.Items[0].Amount != theirs.Transactions[0].Amount {
			t.Errorf("%s: got %d, encoding/json %d", s, ours.Items[0].Amount, theirs.Transactions[0].Amount)
		}
	}
}

func TestAStringOutlivesThePageItCameOn(t *testing.T) {
	body := samplePage(0, 3, 3)
	page, err := DecodeTransactions(body)
	if err != nil {
		t.Fatal(err)
	}
	order := page.Items[0].OrderID
	kept := strings.Clone(order)
	clear(body)
	if order != kept {
		t.Error("the string changed with the bytes")
	}
}

// plain is a page as encoding/json decodes it.
type plain[T any] struct {
	Transactions []T             `json:"transactions"`
	Payouts      []T             `json:"payouts"`
	Pagination   plainPagination `json:"pagination"`
}

type plainPagination struct {
	Count  int64  `json:"count"`
	Total  int64  `json:"total"`
	Offset int64  `json:"offset"`
	Next   string `json:"next"`
	Prev   string `json:"prev"`
}

func FuzzDecodeTransactions(f *testing.F) {
	f.Add(samplePage(0, 4, 4))
	f.Add([]byte(pageOf("transactions", []string{liveRow}, 0, 1, 1)))
	seedsOfTrouble(f, "transactions")
	f.Fuzz(func(t *testing.T, body []byte) {
		_, _ = DecodeTransactions(body)
		_, _ = DecodePayout(body)
		againstEncodingJSON(t, body, transactionsShape, func(p *plain[Transaction]) []Transaction { return p.Transactions },
			func(tx *Transaction) { tx.SaleDate, tx.CaptureDate = tx.SaleDate.UTC(), tx.CaptureDate.UTC() })
	})
}

func FuzzDecodePayouts(f *testing.F) {
	f.Add([]byte(pageOf("payouts", []string{onePayout}, 0, 1, 1)))
	f.Add([]byte(`[{"summary_settlement_currency":"SEK","summary_total_settlement_amount":1}]`))
	seedsOfTrouble(f, "payouts")
	f.Fuzz(func(t *testing.T, body []byte) {
		_, _ = DecodePayouts(body)
		var sums []PayoutSummary
		_ = summaryShape.decodeList(body, &sums, true)
		againstEncodingJSON(t, body, payoutsShape, func(p *plain[Payout]) []Payout { return p.Payouts },
			func(p *Payout) { p.PayoutDate = p.PayoutDate.UTC() })
	})
}

func seedsOfTrouble(f *testing.F, name string) {
	for _, s := range []string{
		``, `null`, `[]`, `{}`, ` { } `, `"x"`, `{"` + name + `":null}`, `{"` + name + `":[null,{}]}`, `{"` + name + `":[{"amount":1}`,
		`{"` + name + `":[{"x":"\u0061","x":1}],"pagination":{"count":1,"next":null}}`, "\ufeff{}", `{"` + name + `":[{"type":"\ud800"}]}`,
		`{"` + name + `":[{"type":"\"\\\/","x":[{"y":"]"}],"totals":{"sale_amount":-1,"z":0}}]}`, `{"\u0070agination":{"total":1e2}}`,
		`{"` + name + `":[{"sale_date":"2026-02-30T00:00:00Z","payout_date":"2026-02-28T00:00:00+01:00"}]} `,
	} {
		f.Add([]byte(s))
	}
}

// againstEncodingJSON checks that what encoding/json accepts is accepted, and
// read as the same. Of what it accepts, three things are not held against us:
// names that stand twice and broken UTF-8 are refused here, since they are no
// evidence, and names that differ in case are other names here.
func againstEncodingJSON[T any](t *testing.T, body []byte, s *shape[collection[T]], items func(*plain[T]) []T, inUTC func(*T)) {
	t.Helper()
	var theirs plain[T]
	if json.Unmarshal(body, &theirs) != nil || loose(body) {
		return
	}
	var ours collection[T]
	if err := s.decode(body, &ours, false); err != nil {
		t.Fatalf("encoding/json accepts it, and we say that %v", err)
	}
	want := items(&theirs)
	for i := range want {
		inUTC(&want[i])
	}
	ignore := cmp.FilterPath(func(p cmp.Path) bool { return p.Last().String() == ".Unknown" }, cmp.Ignore())
	if diff := cmp.Diff(want, ours.Items, cmpopts.EquateEmpty(), ignore); diff != "" {
		t.Fatal(diff)
	}
	p := ours.Pagination
	if diff := cmp.Diff(theirs.Pagination, plainPagination{p.Count, p.Total, p.Offset, p.Next, p.Prev}); diff != "" {
		t.Fatal(diff)
	}
	everythingElseIsKept(t, body, s, ours)
}

// everythingElseIsKept checks the members that have no field, of the rows.
func everythingElseIsKept[T any](t *testing.T, body []byte, s *shape[collection[T]], ours collection[T]) {
	t.Helper()
	var whole map[string]json.RawMessage
	var all []map[string]json.RawMessage
	if json.Unmarshal(body, &whole) != nil || json.Unmarshal(whole[s.fields[0].name], &all) != nil {
		return
	}
	for i, row := range all {
		var unknown Members
		var known map[string]int
		switch item := any(&ours.Items[i]).(type) {
		case *Transaction:
			unknown, known = item.Unknown, transactionShape.slots
		case *Payout:
			unknown, known = item.Unknown, payoutShape.slots
		}
		for name := range known {
			delete(row, name)
		}
		for name, value := range row {
			if got, ok := unknown.Get(name); !ok || string(got) != string(value) {
				t.Fatalf("row %d: %s is %q, want %q", i, name, got, value)
			}
		}
		if len(unknown) != len(row) {
			t.Fatalf("row %d has %d unknown members, want %d", i, len(unknown), len(row))
		}
	}
}

// loose tells whether a document has what we refuse or read otherwise on
// purpose.
func loose(body []byte) bool {
	names := map[string]string{}
	for _, all := range []map[string]int{
		transactionShape.slots, payoutShape.slots, totalsShape.slots, paginationShape.slots, transactionsShape.slots, payoutsShape.slots,
	} {
		for name := range all {
			names[strings.ToLower(name)] = name
		}
	}
	d := jsontext.NewDecoder(bytes.NewReader(body))
	for {
		token, err := d.ReadToken()
		switch {
		case errors.Is(err, io.EOF):
			return false
		case err != nil:
			return true
		}
		if kind, length := d.StackIndex(d.StackDepth()); kind == '{' && length%2 == 1 {
			for folded, name := range names {
				if s := token.String(); s != name && strings.EqualFold(s, folded) {
					return true
				}
			}
		}
	}
}
