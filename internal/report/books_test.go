package report_test

import (
	"bytes"
	"encoding/json"
	"os/exec"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"kvitt/internal/archive"
	"kvitt/internal/report"
	"kvitt/internal/settlement"
	"kvitt/internal/store"
	"kvitt/internal/voucher"
	"kvitt/sandbox/shop"
)

func TestTheRegisterHasADifferenceOfZeroForEveryBookedPayout(t *testing.T) {
	onBoth(t, func(t *testing.T, w *world) {
		w.current()
		lines, totals := w.rows(report.Register)
		if len(lines) != len(w.refs) {
			t.Fatalf("the register has %d payouts of %d", len(lines), len(w.refs))
		}
		for _, line := range lines {
			if d := line["difference"]; !d.Known || d.Number != 0 {
				t.Errorf("%s: difference %+v", line["payment_reference"].Words, d)
			}
		}
		want := map[string]int64{}
		for _, p := range w.shop.Payouts() {
			want[p.Currency] += p.Totals.Settlement
		}
		for _, total := range totals {
			c := total["currency"].Words
			if total["settlement_amount"].Number != want[c] {
				t.Errorf("%s: the register comes to %d, Klarna paid %d", c, total["settlement_amount"].Number, want[c])
			}
		}
		if len(totals) != len(want) {
			t.Errorf("%d totals for %d currencies", len(totals), len(want))
		}
	})
}

// A difference is computed: whatever is not as it was proven shows.
func TestTheDifferenceShowsWhateverIsNotAsProven(t *testing.T) {
	w := newWorld(t, sqlite(t))
	net := w.ofType(shop.Net)[0].PaymentReference
	p, err := w.store.Payout(t.Context(), "c1", net)
	w.must(err)
	posting, err := w.store.BookingOf(t.Context(), "c1", net, 0)
	w.must(err)
	compare := func(change func(*voucher.Voucher), p store.Payout, rehash bool) *report.Booked {
		t.Helper()
		v := w.voucher(net)
		change(v)
		changed := posting
		changed.Voucher = w.json(v)
		if rehash {
			changed.VoucherHash = v.Hash()
		}
		b, err := report.Compare(&p, []store.Booking{changed})
		w.must(err)
		return b
	}
	if b := compare(func(*voucher.Voucher) {}, p, true); b.Difference != 0 || b.Problem != "" {
		t.Fatalf("as posted, and still %+v", b)
	}
	other := p
	other.Settlement += 100
	if b := compare(func(*voucher.Voucher) {}, other, true); b.Difference != 100 {
		t.Errorf("Klarna paid 1.00 more, and the difference is %+v", b)
	}
	if b := compare(func(v *voucher.Voucher) { v.Lines[0].Debit += 7 }, p, true); b.Difference == 0 {
		t.Errorf("a bank line of 0.07 more is not seen: %+v", b)
	}
	if b := compare(func(v *voucher.Voucher) { // two lines that swap 0.05: the voucher still balances
		v.Lines[1], v.Lines[2] = shifted(v.Lines[1], 5), shifted(v.Lines[2], -5)
	}, p, true); b.Difference == 0 {
		t.Errorf("0.05 moved between two lines is not seen: %+v", b)
	}
	if b := compare(func(v *voucher.Voucher) { v.Lines[1].Account = "9999" }, p, false); b.Problem == "" {
		t.Errorf("a voucher that is not the one posted is not seen: %+v", b)
	}
	posting.State = "sending"
	if b, err := report.Compare(&p, []store.Booking{posting}); err != nil || b != nil {
		t.Errorf("a batch that may not be there counts as booked: %+v %v", b, err)
	}
}

// shifted is a line that gives the merchant more.
func shifted(l voucher.Line, more int64) voucher.Line {
	if l.Credit > 0 {
		l.Credit += more
	} else {
		l.Debit -= more
	}
	return l
}

// A reversal of a posting is the odd revision after it.
func TestAReversedPayoutStandsInTheBooksWithNothing(t *testing.T) {
	w := newWorld(t, sqlite(t))
	ref := w.ofType(shop.Net)[1].PaymentReference
	w.current()
	before, _ := w.rows(report.Clearing)
	w.takeBack(ref, "000999")
	w.must(w.store.UpdatePayout(t.Context(), "c1", ref, func(p *store.Payout) error { p.State = "reversed"; return nil }, nil))
	w.current()
	lines, _ := w.rows(report.Register)
	for _, line := range lines {
		if line["payment_reference"].Words == ref {
			if line["booked"].Number != 0 || line["difference"].Number != 0 || !strings.HasSuffix(line["batch"].Words, " 000999") {
				t.Errorf("reversed, and booked %d, difference %d, batches %s", line["booked"].Number, line["difference"].Number, line["batch"].Words)
			}
		}
	}
	after, _ := w.rows(report.Clearing)
	changed := false
	for i := range after {
		if d := after[i]["difference"]; d.Number != 0 {
			t.Errorf("%s %s: the clearing account differs by %d", after[i]["month"].Words, after[i]["currency"].Words, d.Number)
		}
		changed = changed || before[i]["closing"].Number != after[i]["closing"].Number
	}
	if !changed {
		t.Error("the reversal did not reach the clearing account")
	}
}

func TestTheAccountsRollForwardToWhatTheRowsAndKlarnaSay(t *testing.T) {
	onBoth(t, func(t *testing.T, w *world) {
		w.current()
		for _, name := range []string{report.Clearing, report.Reserve, report.Debt} {
			lines, _ := w.rows(name)
			if len(lines) == 0 {
				t.Errorf("%s: nothing", name)
			}
			closing := map[string]int64{}
			for _, line := range lines {
				key := line["currency"].Words + line["account"].Words
				if line["opening"].Number != closing[key] {
					t.Errorf("%s %s: opens with %d after a closing of %d", name, key, line["opening"].Number, closing[key])
				}
				closing[key] = line["closing"].Number
				if line["opening"].Number+line["debit"].Number-line["credit"].Number != line["closing"].Number {
					t.Errorf("%s %s %s does not add up", name, key, line["month"].Words)
				}
				if line["difference"].Number != 0 {
					t.Errorf("%s %s %s differs from Klarna's figures by %d", name, key, line["month"].Words, line["difference"].Number)
				}
			}
		}
		// What Klarna holds back, from the simulated Klarna's own totals.
		reserve := map[string]int64{}
		for _, p := range w.shop.Payouts() {
			reserve[p.Currency] += p.Totals.Holdback - p.Totals.Release
		}
		lines, _ := w.rows(report.Reserve)
		for _, line := range lines {
			if c := line["currency"].Words; line["month"].Words == "2026-03" && line["closing"].Number != reserve[c] {
				t.Errorf("Klarna holds %d %s back, and the reserve is %d", reserve[c], c, line["closing"].Number)
			}
		}
		// A span that begins later opens with what was before it.
		later, err := w.Make(t.Context(), report.Clearing, report.Span{From: first.AddDate(0, 1, 0), To: quarter.To})
		w.must(err)
		whole, _ := w.rows(report.Clearing)
		for row, err := range later.Rows {
			w.must(err)
			if !row.Total && row.Cells[0].Words == "2026-02" {
				for _, line := range whole {
					if line["month"].Words == "2026-01" && line["currency"].Words == row.Cells[1].Words && line["closing"].Number != row.Cells[3].Number {
						t.Errorf("%s: February opens with %d, January closes with %d", row.Cells[1].Words, row.Cells[3].Number, line["closing"].Number)
					}
				}
			}
		}
	})
}

// The PDFs are the VAT invoices for the fees. They are read by poppler's
// pdftotext, from the archive.
func TestFeesAndVATEqualTheSumOfKlarnasPDFs(t *testing.T) {
	onBoth(t, func(t *testing.T, w *world) {
		w.current()
		type sum struct{ fees, vat int64 }
		pdfs := map[string]*sum{}
		for _, p := range w.shop.Payouts() {
			key := voucher.DateOf(p.Date, w.Zone).Time().Format("2006-01") + " " + p.Currency
			if pdfs[key] == nil {
				pdfs[key] = &sum{}
			}
			text := w.pdfText(p.PaymentReference)
			pdfs[key].fees -= figure(t, text, "Fee corrections")
			if p.SettlementType == shop.Gross {
				continue // its fees are billed apart, with a PDF of their own
			}
			pdfs[key].fees += -figure(t, text, "Fees excl. VAT") - figure(t, text, "Refunded fees")
			pdfs[key].vat += -figure(t, text, "VAT on fees") - figure(t, text, "Refunded VAT")
		}
		_, totals := w.rows(report.Fees)
		got := map[string]*sum{}
		for _, total := range totals {
			key := total["month"].Words + " " + total["currency"].Words
			if got[key] == nil {
				got[key] = &sum{}
			}
			if total["kind"].Words == "Sum at this rate" {
				got[key].fees += total["fees"].Number
				got[key].vat += total["vat"].Number
			}
		}
		for key, want := range pdfs {
			if *want == (sum{}) {
				delete(pdfs, key) // a month that has only payouts billed apart
				continue
			}
			if got[key] == nil || *got[key] != *want {
				t.Errorf("%s: the PDFs come to %+v, the report to %+v", key, want, got[key])
			}
		}
		if len(pdfs) < 9 || len(got) != len(pdfs) {
			t.Errorf("%d sums from PDFs, %d in the report", len(pdfs), len(got))
		}
		made, err := w.Make(t.Context(), report.Fees, quarter)
		w.must(err)
		if notes := strings.Join(made.Notes(), "\n"); strings.Contains(notes, "differ from") || !strings.Contains(notes, "equal Klarna's totals") {
			t.Errorf("the notes say %s", notes)
		}
	})
}

// pdfText is the text of Klarna's PDF in the archive.
func (w *world) pdfText(reference string) string {
	w.t.Helper()
	for body, err := range archive.Read(w.t.Context(), w.store, "c1", reference, archive.KindPDF) {
		w.must(err)
		return pdfToText(w.t, body)
	}
	w.t.Fatalf("no PDF of %s", reference)
	return ""
}

// pdfToText runs a program that was not written here. `make reporting-tools`
// installs it.
func pdfToText(t *testing.T, body []byte) string {
	t.Helper()
	command := exec.CommandContext(t.Context(), "pdftotext", "-layout", "-", "-")
	command.Stdin = bytes.NewReader(body)
	text, err := command.Output()
	if err != nil {
		t.Fatalf("run pdftotext (`make reporting-tools` installs it): %v", err)
	}
	return string(text)
}

// figure is an amount in a PDF of the simulated Klarna, in minor units; 0 when
// it is not there.
func figure(t *testing.T, text, name string) int64 {
	t.Helper()
	found := regexp.MustCompile(regexp.QuoteMeta(name) + `: (-?)(\d+)\.(\d\d) [A-Z]{3}`).FindStringSubmatch(text)
	if found == nil {
		return 0
	}
	minor, err := strconv.ParseInt(found[1]+found[2]+found[3], 10, 64)
	if err != nil {
		t.Fatal(err)
	}
	return minor
}

func TestFeesThatAreNotKlarnasTotalsAreSaid(t *testing.T) {
	w := newWorld(t, sqlite(t))
	ref := w.ofType(shop.Net)[0].PaymentReference
	p, err := w.store.Payout(t.Context(), "c1", ref)
	w.must(err)
	var payout settlement.Payout
	w.must(json.Unmarshal(p.Payout, &payout))
	payout.Totals[settlement.TotalFee] += 300 // as if Klarna had billed 3.00 more than its rows say
	w.must(w.store.UpdatePayout(t.Context(), "c1", ref, func(p *store.Payout) error { p.Payout = w.json(payout); return nil }, nil))
	w.current()
	made, err := w.Make(t.Context(), report.Fees, quarter)
	w.must(err)
	if notes := strings.Join(made.Notes(), "\n"); !strings.Contains(notes, "differ from Klarna's totals by -3.00") {
		t.Errorf("the notes say %s", notes)
	}
}

func TestAPayoutIsFoundByAnythingThatItOrItsRowsAreCalled(t *testing.T) {
	onBoth(t, func(t *testing.T, w *world) {
		w.current()
		payout := w.ofType(shop.Net)[2]
		var row shop.Row
		for i := range payout.Rows.Len() {
			if payout.Rows.Row(i, &row); row.Type == "SALE" && row.CaptureID != "" {
				break
			}
		}
		posting, err := w.store.BookingOf(t.Context(), "c1", payout.PaymentReference, 0)
		w.must(err)
		for by, reference := range map[string]string{
			"payment reference": payout.PaymentReference, "batch": posting.BatchNumber, "token": posting.Token,
			"order": strings.ToUpper(row.OrderID), "capture": " " + row.CaptureID, "merchant reference 1": row.MerchantReference1, "short order": row.ShortOrderID,
		} {
			if strings.TrimSpace(reference) == "" {
				continue
			}
			hits, err := w.Find(t.Context(), reference)
			w.must(err)
			found := false
			for _, h := range hits {
				if h.PaymentReference == payout.PaymentReference && strings.Contains(strings.Join(h.By, "|"), by) && h.Batches[0] == posting.BatchNumber {
					found = true
					w.leadsBack(h)
				}
			}
			if !found {
				t.Errorf("%s %q finds %+v", by, reference, hits)
			}
		}
		for _, spelled := range []string{strings.TrimLeft(posting.BatchNumber, "0"), "00" + posting.BatchNumber, "0" + payout.PaymentReference, "000" + row.MerchantReference1} {
			hits, err := w.Find(t.Context(), spelled)
			w.must(err)
			if !slices.ContainsFunc(hits, func(h report.Hit) bool { return h.PaymentReference == payout.PaymentReference }) {
				t.Errorf("%q does not find %s", spelled, payout.PaymentReference)
			}
		}
		for _, nothing := range []string{"no-such-reference", "000000", "0", "99999999999999999999"} {
			if hits, err := w.Find(t.Context(), nothing); err != nil || len(hits) != 0 {
				t.Errorf("%q finds %+v %v", nothing, hits, err)
			}
		}
	})
}

// leadsBack follows a hit's rows to the line of the voucher, and from there to
// all rows behind it.
func (w *world) leadsBack(h report.Hit) {
	w.t.Helper()
	v := w.voucher(h.PaymentReference)
	for _, row := range h.Rows {
		if row.Line == 0 || v.Lines[row.Line-1].Account != row.Account {
			w.t.Errorf("%s: the row %s/%s is booked in line %d on %q", h.PaymentReference, row.Type, row.DetailedType, row.Line, row.Account)
			continue
		}
		for _, c := range v.Lines[row.Line-1].Components {
			rows, more, err := w.RowsOf(w.t.Context(), h.PaymentReference, c.Pair())
			w.must(err)
			if !more && int64(len(rows)) < c.Rows {
				w.t.Errorf("%s: %d rows behind %s, want %d", h.PaymentReference, len(rows), c.Pair(), c.Rows)
			}
		}
	}
}

// An index that was folded, grown old or hit by chance gives the same answers.
func TestTheIndexOfReferencesIsOnlyAHint(t *testing.T) {
	w := newWorld(t, sqlite(t))
	w.current()
	before := w.orders()
	w.must(w.store.FoldReferences(t.Context(), "c1", 20, report.Fold))
	w.must(w.store.FoldReferences(t.Context(), "c1", 20, report.Fold))
	if lists, _, err := w.store.ReferencesWaiting(t.Context(), "c1"); err != nil || int(lists) >= len(w.refs)-30 {
		t.Fatalf("%d lists wait after folding: %v", lists, err)
	}
	if after := w.orders(); after != before {
		t.Errorf("after folding\n%s\nbefore\n%s", after, before)
	}
	// Somebody else's hashes under a payout's name are candidates and no hits.
	lists, err := w.store.ReferenceLists(t.Context(), "c1")
	w.must(err)
	var last store.ReferenceList // of a payout that is looked for
	for i, p := range w.shop.Payouts() {
		for _, l := range lists {
			if i%5 == 0 && i > 0 && l.PaymentReference == p.PaymentReference {
				last = l
			}
		}
	}
	w.must(w.store.PutRead(t.Context(), store.Todo{ConnectionID: "c1", PaymentReference: w.refs[0]}, &store.PayoutRead{Day: "2026-01-02", Currency: "SEK", References: [][]byte{last.Body}}))
	if after := w.orders(); after != before {
		t.Errorf("with a list of another payout\n%s\nbefore\n%s", after, before)
	}
}

// orders looks for an order of every fifth payout.
func (w *world) orders() string {
	w.t.Helper()
	var b strings.Builder
	for i, p := range w.shop.Payouts() {
		if i%5 != 0 || p.Rows.Len() == 0 {
			continue
		}
		var row shop.Row
		for n := range p.Rows.Len() {
			if p.Rows.Row(n, &row); row.OrderID != "" {
				break
			}
		}
		hits, err := w.Find(w.t.Context(), row.OrderID)
		w.must(err)
		for _, h := range hits {
			for _, found := range h.Rows {
				if found.OrderID != row.OrderID {
					w.t.Errorf("looking for the order %s finds a row of %s", row.OrderID, found.OrderID)
				}
			}
			b.WriteString(row.OrderID + " " + h.PaymentReference + " " + strconv.Itoa(len(h.Rows)) + "\n")
		}
	}
	return b.String()
}

func TestWhatIsHeldIsToldByReasonAndAge(t *testing.T) {
	w := newWorld(t, sqlite(t))
	for i, reason := range []string{"period_closed", "period_closed", "rows_differ"} {
		w.must(w.store.UpdatePayout(t.Context(), "c1", w.refs[i*20], func(p *store.Payout) error {
			p.State, p.HeldReason = "held", reason
			return nil
		}, nil))
	}
	lines, totals := w.rows(report.Held)
	if len(lines) != 3 || lines[0]["reason"].Words != "period_closed" || lines[2]["reason"].Words != "rows_differ" {
		t.Errorf("%+v", lines)
	}
	payout, err := w.store.Payout(t.Context(), "c1", w.refs[0])
	w.must(err)
	if want := int64(w.Now.Sub(payout.Date) / (24 * time.Hour)); lines[0]["days"].Number != want || lines[0]["age"].Words != "over 30 days" || lines[0]["detail"].Words == "" {
		t.Errorf("%+v", lines[0])
	}
	if len(totals) < 2 {
		t.Errorf("%+v", totals)
	}
}

// What a GROSS payout lists is billed in another one; counted here too, it
// would be there twice.
func TestFeesThatAreBilledApartAreListedAndNotSummed(t *testing.T) {
	w := newWorld(t, sqlite(t))
	w.current()
	_, before := w.rows(report.Fees)
	w.must(w.store.PutRead(t.Context(), store.Todo{ConnectionID: "c1", PaymentReference: w.refs[0]}, &store.PayoutRead{Day: "2026-03-31", Currency: "PLN", Rows: 3, Sums: []store.RowSum{
		{Type: "FEE", DetailedType: "IN", VATRate: 2500, Rows: 1, Amount: 100, VAT: 25}, {Type: "FEE", DetailedType: "APART", VATRate: 2500, Outside: true, Rows: 2, Amount: 900, VAT: 225},
	}}))
	lines, after := w.rows(report.Fees)
	if len(after) != len(before)+2 {
		t.Fatalf("%d sums, %d before", len(after), len(before))
	}
	for _, total := range after {
		if total["currency"].Words == "PLN" && (total["fees"].Number != 100 || total["vat"].Number != 25) {
			t.Errorf("summed to %+v", total)
		}
	}
	listed := false
	for _, line := range lines {
		listed = listed || line["kind"].Words == "FEE/APART (billed apart)" && line["fees"].Number == 900
	}
	if !listed {
		t.Error("it is not listed")
	}
}

// A payout whose archive was damaged is named, and the others are reported.
func TestOneDamagedPayoutHoldsNoReportUp(t *testing.T) {
	w := newWorld(t, sqlite(t))
	for _, state := range []string{"posted", "verified"} { // the database keeps the documents of what is verified
		for _, i := range []int{3, 5} {
			w.must(w.store.UpdatePayout(t.Context(), "c1", w.refs[i], func(p *store.Payout) error { p.State = state; return nil }, nil))
		}
		if state == "verified" {
			break
		}
		w.must(w.store.PutDocuments(t.Context(), []store.Document{{
			ConnectionID: "c1", PaymentReference: w.refs[3], Kind: archive.KindTransactions, SHA256: strings.Repeat("ab", 32), Encoding: "identity", Body: []byte("{}"), FetchedAt: first,
		}}))
		w.must(w.store.PruneDocuments(t.Context(), "c1", w.refs[5], archive.KindTransactions, 0)) // and of another one it is gone
	}
	_, err := w.CatchUp(t.Context(), 0, nil)
	w.must(err)
	made, err := w.Make(t.Context(), report.Fees, quarter)
	w.must(err)
	if notes := strings.Join(made.Notes(), "\n"); !strings.Contains(notes, "Not in these figures: "+w.refs[3]) || !strings.Contains(notes, "Not in these figures: "+w.refs[5]) {
		t.Errorf("the notes say %s", notes)
	}
	reads, err := w.store.MonthReads(t.Context(), "c1", "2026-01-01", "2026-12-31")
	w.must(err)
	var n int64
	for _, r := range reads {
		n += r.Payouts
	}
	if n != int64(len(w.refs)-2) {
		t.Errorf("%d payouts were read of %d", n, len(w.refs))
	}
}
