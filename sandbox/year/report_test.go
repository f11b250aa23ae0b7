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

// fees are Klarna's fees without VAT and the VAT.
type fees struct{ net, vat int64 }

// stated is the sum of the PDFs of a month and currency.
type stated struct {
	fees
	corrections int64
}

// report compares Kvitt's report of fees and VAT, and Visma.net's accounts for them, with the sum of the
// PDFs.
func (w *world) report() {
	w.t.Helper()
	reported := w.reported()
	for month, s := range w.stated() {
		w.checkBooked(month, s.fees)
		for rate, want := range w.byRate(s) {
			key := rateKey(month, rate)
			if got := reported[key]; got != want {
				w.differ("fees", "%s %%: the PDFs come to %+v and the report to %+v", key, want, got)
			}
			if delete(reported, key); want != (fees{}) {
				w.months++
			}
		}
	}
	for key, got := range reported {
		if got != (fees{}) {
			w.differ("fees", "%s %%: the report has %+v and no PDF does", key, got)
		}
	}
}

// byRate adds what the PDFs do not say: the rate of fees is the country's, and corrections carry no VAT.
func (w *world) byRate(s stated) map[int64]fees {
	rates := map[int64]fees{w.country.feeRate: s.fees}
	rest := rates[0]
	rest.net -= s.corrections
	rates[0] = rest
	return rates
}

// checkBooked reads Visma.net's accounts of fees and of the VAT on them. Only Sweden has VAT on them, so
// elsewhere nothing may be booked for it.
func (w *world) checkBooked(month monthly, want fees) {
	got := fees{net: w.moved("fees", month)}
	if w.country.feeRate != 0 {
		got.vat = w.moved("input_vat", month)
	}
	if got != want {
		w.differ("fees", "%s: the PDFs come to %+v and Visma.net's accounts to %+v", month, want, got)
	}
}

// moved returns what was booked on an account in a month.
func (w *world) moved(account string, month monthly) int64 {
	var sum int64
	for _, e := range w.visma.Account("", w.accounts[account]) {
		if e.Currency == month.currency && e.Date.Format("2006-01") == month.month {
			sum += e.Debit - e.Credit
		}
	}
	return sum
}

// monthly is a month in a currency.
type monthly struct{ month, currency string }

func (m monthly) String() string { return m.month + " " + m.currency }

func rateKey(month monthly, rate int64) string { return fmt.Sprintf("%s %d", month, rate/100) }

// stated returns the sums of the PDFs.
func (w *world) stated() map[monthly]stated {
	w.t.Helper()
	sums := map[monthly]stated{}
	for _, p := range w.shop.Payouts() {
		text := w.pdfText(p.PaymentReference)
		if !strings.Contains(text, p.PaymentReference) {
			w.t.Fatalf("the PDF of payout %s is about another: %s", p.PaymentReference, text)
		}
		month := monthly{w.day(p.Date).Format("2006-01"), p.Currency}
		s := sums[month]
		s.corrections += w.figure(text, "Fee corrections")
		if p.SettlementType != shop.Gross { // its fees are invoiced separately, with their own PDF
			s.net -= w.figure(text, "Fees excl. VAT") + w.figure(text, "Refunded fees")
			s.vat -= w.figure(text, "VAT on fees") + w.figure(text, "Refunded VAT")
		}
		sums[month] = s
	}
	return sums
}

// reported returns the sums for each rate in Kvitt's report of the year.
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
			month := monthly{cells["month"].Words, cells["currency"].Words}
			sums[rateKey(month, cells["vat_rate"].Number)] = fees{cells["fees"].Number, cells["vat"].Number}
		}
	}
	if notes := strings.Join(made.Notes(), "\n"); strings.Contains(notes, "differ from") {
		w.differ("fees", "the report itself reports differences: %s", notes)
	}
	return sums
}

// pdfText is read by a program from outside this project. `make reporting-tools` installs it.
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

// figure returns an amount in a PDF, in minor units; 0 when it is not there.
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
