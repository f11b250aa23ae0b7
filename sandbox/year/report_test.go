package year

import (
	"bytes"
	"fmt"
	"os/exec"
	"regexp"
	"strconv"
	"strings"

	"kvitt/internal/report"
	"kvitt/sandbox/shop"
)

// fees are Klarna's fees without VAT and the VAT, of a month, currency and rate.
type fees struct{ net, vat int64 }

// report holds Kvitt's report of fees and VAT against the sum of the PDFs.
func (w *world) report() {
	w.t.Helper()
	stated, reported := w.stated(), w.reported()
	for key, want := range stated {
		if want == (fees{}) {
			delete(stated, key) // stated apart, by another PDF
			continue
		}
		if got := reported[key]; got != want {
			w.differ("fees", "%s %%: the PDFs come to %+v and the report to %+v", key, want, got)
		}
	}
	for key, got := range reported {
		if _, ok := stated[key]; !ok && got != (fees{}) {
			w.differ("fees", "%s %%: the report says %+v and no PDF does", key, got)
		}
	}
	w.months = len(stated)
}

// stated is what the PDFs say. They state no rate: that of Klarna's fees is the
// country's, and corrections carry none.
func (w *world) stated() map[string]fees {
	w.t.Helper()
	sums := map[string]fees{}
	for _, p := range w.shop.Payouts() {
		text := w.pdfText(p.PaymentReference)
		if !strings.Contains(text, p.PaymentReference) {
			w.t.Fatalf("the PDF of payout %s is about another: %s", p.PaymentReference, text)
		}
		month := w.day(p.Date).Format("2006-01") + " " + p.Currency
		at, none := rateKey(month, w.country.feeRate), rateKey(month, 0)
		corrections := sums[none]
		corrections.net -= w.figure(text, "Fee corrections")
		sums[none] = corrections
		if p.SettlementType == shop.Gross {
			continue // its fees are billed apart, with a PDF of their own
		}
		sum := sums[at]
		sum.net -= w.figure(text, "Fees excl. VAT") + w.figure(text, "Refunded fees")
		sum.vat -= w.figure(text, "VAT on fees") + w.figure(text, "Refunded VAT")
		sums[at] = sum
	}
	return sums
}

func rateKey(month string, rate int64) string { return fmt.Sprintf("%s %d", month, rate/100) }

// reported are the sums for each rate in Kvitt's report of the year.
func (w *world) reported() map[string]fees {
	w.t.Helper()
	ctx := w.t.Context()
	last := newYear.AddDate(0, 0, w.country.shop.Days)
	r := &report.Reports{Source: w.store, Connection: w.connection(), Zone: w.profile.Location(), Now: last.AddDate(0, 0, 7)}
	_, err := r.CatchUp(ctx, 0, nil)
	check(w.t, err)
	if len(r.Problems) > 0 {
		w.t.Fatal(r.Problems)
	}
	made, err := r.Make(ctx, report.Fees, report.Span{From: newYear, To: last})
	check(w.t, err)
	sums := map[string]fees{}
	for row, err := range made.Rows {
		check(w.t, err)
		cells := map[string]report.Cell{}
		for i := range row.Cells {
			cells[made.Columns[i].Key] = row.Cells[i]
		}
		if cells["kind"].Words == "Sum at this rate" {
			month := cells["month"].Words + " " + cells["currency"].Words
			sums[rateKey(month, cells["vat_rate"].Number)] = fees{cells["fees"].Number, cells["vat"].Number}
		}
	}
	if notes := strings.Join(made.Notes(), "\n"); strings.Contains(notes, "differ from") {
		w.differ("fees", "the report says so itself: %s", notes)
	}
	return sums
}

// pdfText is read by a program that was not written here. `make
// reporting-tools` installs it.
func (w *world) pdfText(reference string) string {
	w.t.Helper()
	command := exec.CommandContext(w.t.Context(), "pdftotext", "-layout", "-", "-")
	command.Stdin = bytes.NewReader(w.pdfs[reference])
	text, err := command.Output()
	if err != nil {
		w.t.Fatalf("run pdftotext (`make reporting-tools` installs it): %v", err)
	}
	return string(text)
}

// figure is an amount in a PDF, in minor units; 0 when it is not there.
func (w *world) figure(text, name string) int64 {
	w.t.Helper()
	found := regexp.MustCompile(regexp.QuoteMeta(name) + `: (-?)(\d+)\.(\d\d) [A-Z]{3}`).FindStringSubmatch(text)
	if found == nil {
		return 0
	}
	minor, err := strconv.ParseInt(found[1]+found[2]+found[3], 10, 64)
	check(w.t, err)
	return minor
}
