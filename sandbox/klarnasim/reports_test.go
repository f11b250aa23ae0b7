package klarnasim

import (
	"bytes"
	"encoding/csv"
	"fmt"
	"regexp"
	"strconv"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"kvitt/sandbox/shop"
)

// minor reads a decimal of the CSV without a float.
func minor(t *testing.T, text string) int64 {
	t.Helper()
	n, err := strconv.ParseInt(strings.Replace(text, ".", "", 1), 10, 64)
	if err != nil || !regexp.MustCompile(`^-?\d+\.\d\d$`).MatchString(text) {
		t.Fatalf("%q is not an amount", text)
	}
	return n
}

func records(t *testing.T, block string) []map[string]string {
	t.Helper()
	r := csv.NewReader(strings.NewReader(block))
	r.Comma = ';'
	lines, err := r.ReadAll()
	if err != nil {
		t.Fatal(err)
	}
	var all []map[string]string
	for _, line := range lines[1:] {
		record := map[string]string{}
		for i, name := range lines[0] {
			record[name] = line[i]
		}
		all = append(all, record)
	}
	return all
}

func TestTheCSVReportHasASummaryAndTheTransactions(t *testing.T) {
	s := newStage(t)
	for _, p := range s.shop.Payouts()[:12] {
		a := s.ask("/reports/payout-with-transactions?payment_reference=" + p.PaymentReference)
		if a.status != 200 || a.header.Get("Content-Type") != "text/csv" {
			t.Fatalf("the answer is %d of %s", a.status, a.header.Get("Content-Type"))
		}
		summary, rows, ok := strings.Cut(a.body, "\n\n")
		if !ok || !strings.HasPrefix(rows, "type;capture_date;sale_date;order_id;short_order_id;capture_id;"+
			"merchant_reference1;merchant_reference2;amount;posting_currency;") {
			t.Fatalf("the blocks are %.300s", a.body)
		}
		head := records(t, summary)
		if len(head) != 1 || head[0]["payment_reference"] != p.PaymentReference ||
			minor(t, head[0]["total_settlement_amount"]) != p.Totals.Settlement ||
			minor(t, head[0]["total_tax_amount"]) != p.Totals.Tax {
			t.Errorf("the summary is %v", head)
		}
		var sales int64
		lines := records(t, rows)
		for _, line := range lines {
			if line["type"] == "SALE" {
				sales += minor(t, line["amount"])
			}
		}
		if len(lines) != p.Rows.Len() || sales != p.Totals.Sale {
			t.Errorf("%d rows with sales of %d, the payout has %d with %d", len(lines), sales, p.Rows.Len(), p.Totals.Sale)
		}
	}
}

func TestTheSummaryCSVHasOneLinePerPayout(t *testing.T) {
	s := newStage(t)
	a := s.ask("/reports/payouts-summary-with-transactions?start_date=2025-09-01&end_date=2025-09-30")
	summary, rows, _ := strings.Cut(a.body, "\n\n")
	payouts, transactions := 0, 0
	for _, p := range s.shop.Payouts() {
		if day := p.Date.Format("2006-01-02"); day >= "2025-09-01" && day < "2025-09-30" {
			payouts++
			transactions += p.Rows.Len()
		}
	}
	if n := len(records(t, summary)); n != payouts {
		t.Errorf("%d lines of %d payouts", n, payouts)
	}
	if n := len(records(t, rows)); n != transactions {
		t.Errorf("%d lines of %d transactions", n, transactions)
	}
}

func TestAmountsAreWrittenInMajorUnits(t *testing.T) {
	for in, want := range map[int64]string{0: "0.00", 5: "0.05", -5: "-0.05", 123: "1.23", -123456: "-1234.56"} {
		if got := major(in); got != want {
			t.Errorf("%d is written %q, want %q", in, got, want)
		}
	}
}

// checkPDF reads a document by its cross-reference table, as a viewer does.
func checkPDF(t *testing.T, document string) {
	t.Helper()
	tail := regexp.MustCompile(`startxref\n(\d+)\n%%EOF\n$`).FindStringSubmatch(document)
	if !strings.HasPrefix(document, "%PDF-1.4\n") || tail == nil {
		t.Fatalf("this is no PDF: %.80q", document)
	}
	table, err := strconv.Atoi(tail[1])
	if err != nil || !strings.HasPrefix(document[table:], "xref\n0 ") {
		t.Fatalf("the table is not at %s", tail[1])
	}
	places := regexp.MustCompile(`(?m)^(\d{10}) 00000 n $`).FindAllStringSubmatch(document[table:], -1)
	for i, place := range places {
		at, err := strconv.Atoi(place[1])
		if err != nil || !strings.HasPrefix(document[at:], fmt.Sprintf("%d 0 obj\n", i+1)) {
			t.Errorf("object %d is not at %s", i+1, place[1])
		}
	}
	streams := regexp.MustCompile(`(?s)/Length (\d+) >>\nstream\n(.*?)endstream`).FindAllStringSubmatch(document, -1)
	pages := regexp.MustCompile(`/Type /Page /`).FindAllString(document, -1)
	if len(streams) == 0 || len(streams) != len(pages) || len(places) != 3+2*len(pages) {
		t.Errorf("%d streams, %d pages, %d objects", len(streams), len(pages), len(places))
	}
	for _, stream := range streams {
		if stream[1] != strconv.Itoa(len(stream[2])) {
			t.Errorf("a stream of %d bytes claims %s", len(stream[2]), stream[1])
		}
	}
}

func TestThePDFReportIsADocumentWithTheFigures(t *testing.T) {
	s := newStage(t)
	for _, p := range s.shop.Payouts()[:12] {
		a := s.ask("/reports/payout?payment_reference=" + p.PaymentReference)
		if a.status != 200 || a.header.Get("Content-Type") != "application/pdf" {
			t.Fatalf("the answer is %d of %s", a.status, a.header.Get("Content-Type"))
		}
		checkPDF(t, a.body)
		for _, words := range []string{
			"(Payment reference: " + p.PaymentReference + ")", "(Merchant id: " + p.MerchantID + ")",
			"(Settlement amount: " + major(p.Totals.Settlement) + " " + p.Currency + ")",
		} {
			if !strings.Contains(a.body, words) {
				t.Errorf("the report does not say %s", words)
			}
		}
	}
	a := s.ask("/reports/payouts-summary?start_date=2025-07-01&end_date=2025-12-31")
	checkPDF(t, a.body)
	if n := strings.Count(a.body, "(Payment reference: "); n != len(s.shop.Payouts()) {
		t.Errorf("the summary names %d payouts", n)
	}
	checkPDF(t, string(writePDF([]string{`a (b) \ c`})))
	checkPDF(t, string(writePDF(nil)))
}

func TestALazyMillionIsServedPageByPage(t *testing.T) {
	p, err := shop.Lazy{Seed: 2, Rows: 1_000_000, Currency: "EUR"}.Payout()
	if err != nil {
		t.Fatal(err)
	}
	s := stageOf(t, shop.New(p.MerchantID, "SEK", p))
	path := "/transactions?size=500&offset=999500&payment_reference=" + p.PaymentReference
	list := read[rowList](s, path)
	if list.Pagination.Total != 1_000_000 || len(list.Transactions) != 500 || list.Pagination.Next != nil {
		t.Fatalf("the last page is %+v", list.Pagination)
	}
	if again := read[rowList](s, path); !cmp.Equal(list.Transactions, again.Transactions) {
		t.Error("the same page differs when asked for again")
	}
}

func BenchmarkAPageOf500Rows(b *testing.B) {
	p, err := shop.Lazy{Seed: 2, Rows: 1_000_000}.Payout()
	if err != nil {
		b.Fatal(err)
	}
	sim, err := New(shop.New(p.MerchantID, "SEK", p), Options{Keys: []Key{{Key: liveKey}}})
	if err != nil {
		b.Fatal(err)
	}
	var row shop.Row
	var buffer []byte
	b.ReportAllocs()
	for b.Loop() {
		buffer = buffer[:0]
		for i := range 500 {
			p.Rows.Row(i, &row)
			buffer = sim.appendRow(append(buffer, ','), &row, p.PaymentReference, "http://127.0.0.1:1234/settlements/v1/payouts/1")
		}
	}
	b.SetBytes(int64(len(buffer)))
	if bytes.Count(buffer, []byte("capture_id")) != 500 {
		b.Fatal("rows are missing")
	}
}
