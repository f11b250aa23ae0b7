package activities

import (
	"cmp"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"io"
	"time"

	"github.com/klauspost/compress/gzip"
	"go.temporal.io/sdk/activity"

	"kvitt/internal/archive"
	"kvitt/internal/fault"
	"kvitt/internal/klarna"
	"kvitt/internal/posting"
	"kvitt/internal/visma"
	"kvitt/internal/voucher"
	"kvitt/workflows"
)

// largestAttachment is the most that is attached as one file. Visma.net tells no
// limit; servers of its kind refuse 30,000,000 bytes unless told otherwise.
const largestAttachment = 20 << 20

// paper is a report of Klarna's, and what became of it.
type paper struct {
	name  string
	whole archive.Whole // as received; no parts: it is not there
	note  string        // what the proof says of it besides
}

// documents attaches what hangs on a batch: Klarna's report with the rows,
// Klarna's settlement report, which is the VAT invoice for its fees, and the
// proof, which says what became of the others and so comes last. The reports are
// archived as received, before they are attached.
func (v *Visma) documents(ctx context.Context, ref workflows.PayoutRef, document *voucher.Voucher, attach posting.Attach) error {
	row, err := v.Store.Payout(ctx, ref.Connection, ref.PaymentReference)
	if err != nil {
		return err
	}
	a, err := v.attached(ctx, ref.Connection)
	if err != nil {
		return err
	}
	body, pdf, err := v.pdf(ctx, a, ref, archive.Revised(archive.KindPDF, row.Revision))
	if err != nil {
		return err
	}
	kind := archive.Revised(archive.KindCSV, row.Revision)
	csv, err := v.csv(ctx, a, ref, kind)
	if err != nil {
		return err
	}
	if csv.whole.Parts > 0 {
		if csv.note, err = v.attachCSV(ctx, a, ref, kind, &csv, attach); err != nil {
			return err
		}
	}
	if body != nil {
		if err := attach(ctx, visma.Bytes(pdf.name, body)); err != nil {
			return err
		}
	}
	proof, err := a.proof(&row, document, pdf, csv)
	if err != nil {
		return err
	}
	if err := keepAnswer(ctx, v.Store, ref, archive.Revised(archive.KindProof, row.Revision), &klarna.Answer{Body: proof, FetchedAt: time.Now().UTC()}); err != nil {
		return err
	}
	return attach(ctx, visma.Bytes("kvitt."+ref.PaymentReference+".txt", proof))
}

// pdf is Klarna's PDF: from the archive when an earlier attempt fetched it. A
// payout without one is a fact that the proof states, not an error.
func (v *Visma) pdf(ctx context.Context, a attached, ref workflows.PayoutRef, kind string) ([]byte, paper, error) {
	p := paper{name: "settlement." + ref.PaymentReference + ".pdf"}
	measured := func(body []byte) paper {
		sum := sha256.Sum256(body)
		p.whole = archive.Whole{Parts: 1, Size: int64(len(body)), SHA256: hex.EncodeToString(sum[:])}
		return p
	}
	for body, err := range archive.Read(ctx, v.Store, ref.Connection, ref.PaymentReference, kind) {
		return body, measured(body), err
	}
	client, err := v.Doors.Klarna(ctx, ref.Connection)
	if err != nil {
		return nil, p, err
	}
	answer, err := client.PayoutPDF(ctx, ref.PaymentReference)
	switch {
	case isNotThere(err):
		p.note = a.say("%s has no PDF report for this payout.", client.Party())
		return nil, p, nil
	case err != nil:
		return nil, p, err
	}
	return answer.Body, measured(answer.Body), keepAnswer(ctx, v.Store, ref, kind, &answer)
}

// csv is Klarna's report with the rows, archived: by this attempt, or by an
// earlier one.
func (v *Visma) csv(ctx context.Context, a attached, ref workflows.PayoutRef, kind string) (paper, error) {
	p := paper{name: "settlement." + ref.PaymentReference + ".csv"}
	var err error
	if p.whole, err = archive.Measure(ctx, v.Store, ref.Connection, ref.PaymentReference, kind); err != nil || p.whole.Parts > 0 {
		return p, err
	}
	client, err := v.Doors.Klarna(ctx, ref.Connection)
	if err != nil {
		return p, err
	}
	p.whole, err = v.fetchCSV(ctx, client, ref, kind)
	switch {
	case isNotThere(err):
		p.note = a.say("%s has no CSV report for this payout.", client.Party())
		return p, nil
	case v.doWithout(ctx, err):
		p.note = a.say("%s's CSV report could not be had: %s. Its rows are archived as they were proven.", client.Party(), a.other(err.Error()))
		return p, nil
	}
	return p, err
}

func (v *Visma) fetchCSV(ctx context.Context, client *klarna.Client, ref workflows.PayoutRef, kind string) (archive.Whole, error) {
	stream, err := client.PayoutCSV(ctx, ref.PaymentReference)
	if err != nil {
		return archive.Whole{}, err
	}
	defer func() { _ = stream.Close() }() // it was read to its end, or failed
	return archive.KeepWhole(ctx, v.Store, ref.Connection, ref.PaymentReference, kind, stream.Answer, stream)
}

// attachCSV attaches the archived CSV as it is or, where that is too large,
// compressed. What Visma.net does not take is not attached, and the note for the
// proof says so: the batch is booked, and must not wait for a copy of its rows.
func (v *Visma) attachCSV(ctx context.Context, a attached, ref workflows.PayoutRef, kind string, csv *paper, attach posting.Attach) (note string, err error) {
	plain := visma.File{Name: csv.name, Size: csv.whole.Size, Open: func(ctx context.Context) (io.ReadCloser, error) {
		return archive.Open(ctx, v.Store, ref.Connection, ref.PaymentReference, kind), nil
	}}
	why := a.say("it is larger than %s bytes, compressed too", a.number(largestAttachment))
	if plain.Size <= largestAttachment {
		if err := attach(ctx, plain); !v.doWithout(ctx, err) {
			return "", err
		}
	}
	small, err := compressed(ctx, plain)
	if err != nil {
		return "", err
	}
	if small.Size <= largestAttachment {
		err := attach(ctx, small)
		if !v.doWithout(ctx, err) {
			return a.say("It hangs on this batch compressed, as %s; the digest is of what gunzip makes of it.", small.Name), err
		}
		why = a.other(err.Error())
	}
	return a.say("It is not attached: %s. It stands in Kvitt's archive and in its export.", why), nil
}

// isNotThere tells that Klarna has no such report.
func isNotThere(err error) bool {
	f := fault.As(err)
	return f != nil && f.Class == fault.Rejected && f.Status == 404
}

// doWithout tells whether a batch is released without Klarna's CSV for an error:
// after a clear no, after three answers that cannot be used, and when it has gone
// wrong for hours. Where it is everything that goes wrong, the batch gets no
// further anyway, and the CSV is tried again before all else.
func (v *Visma) doWithout(ctx context.Context, err error) bool {
	switch fault.ClassOf(err) {
	case fault.Rejected:
		return true
	case fault.BadData:
		return !again(ctx)
	case fault.Transient:
		return activity.IsActivity(ctx) && time.Since(activity.GetInfo(ctx).ScheduledTime) > cmp.Or(v.CSVPatience, 4*time.Hour)
	default: // waited for
		return false
	}
}

// compressed is a file as gzip makes it. It is compressed once to learn its size,
// as far as that matters, and again while it is sent.
func compressed(ctx context.Context, f visma.File) (visma.File, error) {
	small := visma.File{Name: f.Name + ".gz", Open: func(ctx context.Context) (io.ReadCloser, error) {
		body, err := f.Open(ctx)
		if err != nil {
			return nil, err
		}
		out, in := io.Pipe()
		go func() {
			defer body.Close()                               //nolint:errcheck // it was only read
			to, _ := gzip.NewWriterLevel(in, gzip.BestSpeed) // a level that there is; it needs the least memory
			_, err := io.Copy(to, body)
			if err == nil {
				err = to.Close()
			}
			in.CloseWithError(err) // io.EOF when there is none
		}()
		return out, nil
	}}
	r, err := small.Open(ctx)
	if err != nil {
		return small, err
	}
	defer r.Close() //nolint:errcheck // it was only read
	small.Size, err = io.CopyN(io.Discard, r, largestAttachment+1)
	if errors.Is(err, io.EOF) {
		err = nil
	}
	return small, err
}

func keepAnswer(ctx context.Context, k archive.Keeper, ref workflows.PayoutRef, kind string, a *klarna.Answer) error {
	w := archive.NewWriter(k, ref.Connection, ref.PaymentReference, kind)
	if err := w.Add(ctx, a); err != nil {
		return err
	}
	_, err := w.Close(ctx)
	return err
}
