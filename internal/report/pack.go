package report

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"slices"
	"strconv"
	"strings"
	"time"

	"kvitt/internal/archive"
	"kvitt/internal/klarna"
	"kvitt/internal/settlement"
	"kvitt/internal/store"
)

// Pack writes what a month's end needs into a bundle: first whether the month is
// complete by Klarna's own figures, then register, roll-forwards, fees and VAT,
// disputes, loans and what is held, each as CSV, XLSX and PDF; the posting rules in
// force and which program this is; the vouchers; Klarna's PDFs and CSVs and
// Kvitt's proofs; the audit trail of the month. The bundle is the caller's to
// close. yearEnd is the last month of the company's financial year.
func (r *Reports) Pack(ctx context.Context, month Span, yearEnd time.Month, b *Bundle) error {
	if _, err := r.CatchUp(ctx, 0, nil); err != nil {
		return err
	}
	left := []string{}
	bad := 0
	for _, name := range Names() {
		for _, format := range Formats() {
			made, err := r.Make(ctx, name, month)
			if err != nil {
				return err
			}
			if name == Completeness {
				if bad, err = made.countBad(); err != nil {
					return err
				}
			}
			err = b.add(name+"."+format, func(w io.Writer) error { return made.Write(w, format, r.Now) })
			var long *TooLongError
			if errors.As(err, &long) {
				left = append(left, name+"."+format+" is left out: "+long.Error()+".")
				continue
			}
			if err != nil {
				return err
			}
			if format == "pdf" {
				if err := addCharts(b, made); err != nil {
					return err
				}
			}
		}
	}
	for _, part := range []func() error{
		func() error { return r.addProgram(ctx, month, b) },
		func() error { return r.addRules(ctx, month, b) },
		func() error { return r.addAnswers(ctx, month, b) },
		func() error { return r.addVouchers(ctx, month, b) },
		func() error { return r.addAccruals(ctx, month, b) },
		func() error { return r.addDocuments(ctx, month, yearEnd, b, "klarna/", isForPeople) },
		func() error { return r.addAudit(ctx, month, b) },
	} {
		if err := part(); err != nil {
			return err
		}
	}
	return b.bytes("README.txt", []byte(r.readme("Month-end pack", month, append([]string{"", verdict(bad)}, append(packFiles(), left...)...))))
}

// packFiles say what a pack has besides what an export has too.
func packFiles() []string {
	return []string{
		"completeness: Klarna's own summary of the month against what Kvitt knows and has booked; klarna/YYYY-MM/: Klarna's answers as received.",
		"rules.csv: the posting rules in force, with who added each version, when and why; rules/: each as it stands.",
		"kvitt.json: which Kvitt made this, and the head of the audit trail.",
	}
}

// countBad returns how many lines do not agree; the rows must be there already, as
// those of completeness are.
func (r *Report) countBad() (bad int, err error) {
	for row, err := range r.Rows {
		if err != nil {
			return 0, err
		}
		if row.Bad {
			bad++
		}
	}
	return bad, nil
}

func addCharts(b *Bundle, made *Report) error {
	for i := range made.Charts {
		c := &made.Charts[i]
		name := fmt.Sprintf("charts/%s-%s-%d.svg", made.Name, fileName(string(c.Currency)), i+1)
		if err := b.bytes(name, []byte(c.SVG())); err != nil {
			return err
		}
	}
	return nil
}

func (r *Reports) readme(what string, span Span, more []string) string {
	lines := []string{
		what + " of " + r.Connection.CompanyName + " (connection " + r.Connection.ID + ")",
		"Days: " + span.String() + ", made " + r.Now.In(r.Zone).Format("2006-01-02 15:04 MST"),
		"",
		r.amounts() + " SHA256SUMS has a digest of every file: sha256sum -c SHA256SUMS.",
		"vouchers.csv: what was posted, line by line; vouchers/: the same as it was kept, with the components behind each line.",
		"accruals.csv: the accruals of these days, line by line, with what Visma.net had of them at the last daily check; accruals/: the same as it was kept.",
		"documents.csv: what is archived, as received, with its digest and the day until which it has to be kept.",
		"A CSV of Klarna's is archived in parts, which documents.csv lists; here it is one file, whose digest is the one in the proof.",
		"audit.jsonl: the audit trail, an entry a line; audit.txt says how the chain was verified.",
	}
	all := append(lines, more...)
	says := klarna.Provider(r.Connection.Provider).Says
	for i := range all {
		if all[i] = r.Language.In(all[i]); i > 0 { // the first line has the company's name
			all[i] = says(all[i])
		}
	}
	return strings.Join(all, "\n") + "\n"
}

// amounts says how the CSV files write them.
func (r *Reports) amounts() string {
	if r.Excel {
		return "Amounts are decimals with a comma, columns are separated by semicolons."
	}
	return "Amounts are decimals with a point."
}

// voucherColumns are those of vouchers.csv.
var voucherColumns = []string{
	"payment_reference", "revision", "batch", "period", "voucher_date", "state", "token", "line", "account", "text", "currency", "debit", "credit", "vat_code", "components",
}

// addVouchers writes the vouchers of the payouts of a span, as they were sent.
func (r *Reports) addVouchers(ctx context.Context, span Span, b *Bundle) error {
	err := b.add("vouchers.csv", func(to io.Writer) error {
		w := newSheet(to, r.Excel)
		if err := w.Write(voucherColumns); err != nil {
			return err
		}
		for p, err := range r.postings(ctx, span) {
			if err != nil {
				return err
			}
			if err := writeVoucher(w, p, r.Excel); err != nil {
				return err
			}
		}
		w.Flush()
		return w.Error()
	})
	if err != nil {
		return err
	}
	for p, err := range r.postings(ctx, span) {
		if err != nil {
			return err
		}
		body, err := json.MarshalIndent(recordOfPosting(p), "", "  ")
		if err == nil {
			err = b.bytes(fmt.Sprintf("vouchers/%s.%d.json", fileName(p.PaymentReference), p.Revision), append(body, '\n'))
		}
		if err != nil {
			return err
		}
	}
	return nil
}

func writeVoucher(w sheet, p *store.Booking, excel bool) error {
	v, err := voucherOf(p)
	if err != nil {
		return err
	}
	for i := range v.Lines {
		l := &v.Lines[i]
		var components []string
		for _, c := range l.Components {
			components = append(components, strings.TrimSpace(c.Pair()+" "+c.Country))
		}
		err := w.Write(commas(excel, []string{
			p.PaymentReference, strconv.Itoa(p.Revision), p.BatchNumber, p.Period, v.Date.String(), p.State, p.Token, strconv.Itoa(i + 1), l.Account, harmless(l.Text),
			string(v.Currency), settlement.Format(l.Debit, v.Currency), settlement.Format(l.Credit, v.Currency), l.VATCode, strings.Join(components, "; "),
		}))
		if err != nil {
			return err
		}
	}
	return nil
}

// postings goes through the postings of the payouts of a span.
func (r *Reports) postings(ctx context.Context, span Span) func(func(*store.Booking, error) bool) {
	return func(yield func(*store.Booking, error) bool) {
		for e, err := range r.each(ctx, span) {
			if err != nil {
				yield(nil, err)
				return
			}
			found, err := r.Source.BookingsOf(ctx, r.Connection.ID, []string{e.PaymentReference})
			if err != nil {
				yield(nil, err)
				return
			}
			for i := range found[e.PaymentReference] {
				if !yield(&found[e.PaymentReference][i], nil) {
					return
				}
			}
		}
	}
}

// bookings goes through everything that is booked in a span: of its payouts, and
// then the accruals that are dated in it.
func (r *Reports) bookings(ctx context.Context, span Span) func(func(*store.Booking, error) bool) {
	return func(yield func(*store.Booking, error) bool) {
		for p, err := range r.postings(ctx, span) {
			if !yield(p, err) || err != nil {
				return
			}
		}
		all, err := r.accruals(ctx, span)
		if err != nil {
			yield(nil, err)
			return
		}
		for i := range all {
			if !yield(all[i].Booking, nil) {
				return
			}
		}
	}
}

// isForPeople tells the documents that a person reads: Klarna's PDF and CSV, and
// the proof.
func isForPeople(kind string) bool {
	return strings.HasPrefix(kind, archive.KindPDF) || strings.HasPrefix(kind, archive.KindCSV) || strings.HasPrefix(kind, archive.KindProof)
}

// extensions are those of files by what a kind begins with.
var extensions = []struct{ kind, extension string }{
	{archive.KindPDF, ".pdf"}, {archive.KindCSV, ".csv"}, {archive.KindProof, ".txt"}, {archive.KindUnusable, ".bin"}, {"", ".json"},
}

func documentName(d *store.Document) string {
	extension := ""
	for _, e := range extensions {
		if strings.HasPrefix(d.Kind, e.kind) {
			extension = e.extension
			break
		}
	}
	return fmt.Sprintf("%s/%s.%05d%s", fileName(d.PaymentReference), fileName(d.Kind), d.Seq, extension)
}

// addDocuments writes the archived documents of a span as they were received,
// each checked against its digest, and a list of all of them.
func (r *Reports) addDocuments(ctx context.Context, span Span, yearEnd time.Month, b *Bundle, folder string, wanted func(kind string) bool) error {
	for e, err := range r.each(ctx, span) {
		if err != nil {
			return err
		}
		documents, err := r.archived(ctx, e.PaymentReference)
		if err != nil {
			return err
		}
		for len(documents) > 0 {
			n := 1
			for n < len(documents) && documents[n].Kind == documents[0].Kind {
				n++
			}
			if wanted(documents[0].Kind) {
				if err := r.addKind(ctx, b, folder, documents[:n]); err != nil {
					return err
				}
			}
			documents = documents[n:]
		}
	}
	return b.add("documents.csv", func(w io.Writer) error { return r.listDocuments(ctx, span, yearEnd, w) })
}

// archived lists what is archived of a payout. What has begun to come in and is
// not whole is no document.
func (r *Reports) archived(ctx context.Context, reference string) ([]store.Document, error) {
	documents, err := r.Source.DocumentList(ctx, r.Connection.ID, reference)
	return slices.DeleteFunc(documents, func(d store.Document) bool { return archive.IsPartial(d.Kind) }), err
}

// addKind writes the documents of one kind, of which a CSV is one file however
// many its parts are.
func (r *Reports) addKind(ctx context.Context, b *Bundle, folder string, documents []store.Document) error {
	d := &documents[0]
	if archive.InParts(d.Kind) {
		return b.add(folder+documentName(d), func(w io.Writer) error {
			whole := archive.Open(ctx, r.Source, d.ConnectionID, d.PaymentReference, d.Kind)
			defer whole.Close() //nolint:errcheck // it was only read
			_, err := io.Copy(w, whole)
			return err
		})
	}
	for body, err := range archive.Read(ctx, r.Source, d.ConnectionID, d.PaymentReference, d.Kind) {
		if err != nil {
			return err
		}
		if len(documents) == 0 {
			return nil // came while we were reading
		}
		if err := b.bytes(folder+documentName(&documents[0]), body); err != nil {
			return err
		}
		documents = documents[1:]
	}
	return nil
}

// listDocuments lists what is archived and until when it has to be kept.
func (r *Reports) listDocuments(ctx context.Context, span Span, yearEnd time.Month, to io.Writer) error {
	rule, _ := RetentionOf(r.Connection.BaseCurrency)
	w := newSheet(to, r.Excel)
	if err := w.Write([]string{"payment_reference", "kind", "part", "bytes", "sha256", "received", "path", "correlation_id", "keep_until", "country", "source"}); err != nil {
		return err
	}
	for e, err := range r.each(ctx, span) {
		if err != nil {
			return err
		}
		day := e.Date.In(r.Zone)
		if e.Booked != nil {
			if d, err := time.Parse(time.DateOnly, e.Booked.Day); err == nil {
				day = d
			}
		}
		until := rule.KeepUntil(time.Date(day.Year(), day.Month(), day.Day(), 0, 0, 0, 0, time.UTC), yearEnd, false).Format(time.DateOnly)
		documents, err := r.archived(ctx, e.PaymentReference)
		if err != nil {
			return err
		}
		for i := range documents {
			d := &documents[i]
			err := w.Write([]string{
				d.PaymentReference, d.Kind, strconv.Itoa(d.Seq), strconv.FormatInt(d.Size, 10), d.SHA256,
				d.FetchedAt.UTC().Format(time.RFC3339), harmless(d.Path), harmless(d.CorrelationID), until, rule.Country, rule.Source,
			})
			if err != nil {
				return err
			}
		}
	}
	w.Flush()
	return w.Error()
}
