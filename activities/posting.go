package activities

import (
	"context"
	"encoding/json"
	"fmt"
	"strings"
	"time"

	"kvitt/internal/archive"
	"kvitt/internal/fault"
	"kvitt/internal/klarna"
	"kvitt/internal/posting"
	"kvitt/internal/settlement"
	"kvitt/internal/store"
	"kvitt/internal/voucher"
	"kvitt/workflows"
)

// PostVoucher books the compiled voucher exactly once and reads it back.
func (v *Visma) PostVoucher(ctx context.Context, in workflows.PostInput) (workflows.Posted, error) {
	poster, intent, err := v.intend(ctx, in)
	if err != nil {
		return workflows.Posted{}, err
	}
	got, err := poster.Post(ctx, intent)
	if err != nil {
		return workflows.Posted{}, err
	}
	out := workflows.Posted{BatchNumber: got.BatchNumber, Adopted: got.Adopted, LookAgain: got.LookAgain}
	state := workflows.StatePosting
	switch {
	case got.Stop != nil:
		v.Doors.ForgetCompany(in.Connection) // a person will now correct something there
		out.Held = reason(got.Stop.Code, got.Stop.Detail)
		return out, nil
	case got.BatchNumber != "" && got.LookAgain == 0:
		state = workflows.StatePosted
	}
	return out, v.enter(ctx, in.PayoutRef, state)
}

// CompleteBatch attaches the documents, releases the batch and reads it back.
func (v *Visma) CompleteBatch(ctx context.Context, in workflows.PostInput) (workflows.Completed, error) {
	poster, intent, err := v.intend(ctx, in)
	if err != nil {
		return workflows.Completed{}, err
	}
	state, stop, err := poster.Complete(ctx, intent, func(ctx context.Context) ([]posting.Attachment, error) {
		return v.documents(ctx, in.PayoutRef, intent.Voucher)
	})
	switch {
	case err != nil:
		return workflows.Completed{}, err
	case stop != nil:
		return workflows.Completed{Held: reason(stop.Code, stop.Detail)}, nil
	case state == posting.Draft:
		return workflows.Completed{State: workflows.StatePosted}, v.enter(ctx, in.PayoutRef, workflows.StatePosted)
	}
	return workflows.Completed{State: workflows.StateVerified}, v.enter(ctx, in.PayoutRef, workflows.StateVerified)
}

func (v *Visma) enter(ctx context.Context, ref workflows.PayoutRef, state string) error {
	return v.Store.UpdatePayout(ctx, ref.Connection, ref.PaymentReference, func(p *store.Payout) error {
		p.State, p.HeldReason, p.Held = state, "", nil
		return nil
	}, nil)
}

// intend is the poster of the connection's company and the intent to post the
// voucher that was compiled, and approved where that is needed: no other one.
func (v *Visma) intend(ctx context.Context, in workflows.PostInput) (*posting.Poster, posting.Intent, error) {
	row, err := v.Store.Payout(ctx, in.Connection, in.PaymentReference)
	if err != nil {
		return nil, posting.Intent{}, err
	}
	if row.VoucherHash != in.VoucherHash {
		return nil, posting.Intent{}, fmt.Errorf("post payout %s: the voucher has changed since it was compiled (%.12s, now %.12s)", in.PaymentReference, in.VoucherHash, row.VoucherHash)
	}
	var document voucher.Voucher
	if err := json.Unmarshal(row.Voucher, &document); err != nil {
		return nil, posting.Intent{}, fmt.Errorf("read the voucher of payout %s: %w", in.PaymentReference, err)
	}
	if err := document.Check(); err != nil {
		return nil, posting.Intent{}, err
	}
	client, err := v.Doors.Visma(ctx, in.Connection)
	if err != nil {
		return nil, posting.Intent{}, err
	}
	connection, err := v.Store.Connection(ctx, in.Connection)
	if err != nil {
		return nil, posting.Intent{}, err
	}
	poster := &posting.Poster{
		Books: client, Memory: v.Store, Now: time.Now, Pause: pause, Absent: v.UnknownWait, Scans: &v.scans,
	}
	return poster, posting.Intent{
		Connection: in.Connection, Company: connection.CompanyID, Revision: firstRevision,
		Voucher: &document, Periods: in.Periods, Draft: in.Draft,
	}, nil
}

func pause(ctx context.Context, d time.Duration) error {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-t.C:
		return nil
	}
}

// documents are what hangs on a batch: Klarna's settlement report, which is
// the VAT invoice for its fees, and the proof. The report is archived as
// received.
func (v *Visma) documents(ctx context.Context, ref workflows.PayoutRef, document *voucher.Voucher) ([]posting.Attachment, error) {
	row, err := v.Store.Payout(ctx, ref.Connection, ref.PaymentReference)
	if err != nil {
		return nil, err
	}
	proof, err := proofText(&row, document)
	if err != nil {
		return nil, err
	}
	list := []posting.Attachment{{Filename: "kvitt." + ref.PaymentReference + ".txt", Body: proof}}
	report, err := v.report(ctx, ref)
	if err != nil {
		return nil, err
	}
	if report != nil {
		list = append(list, posting.Attachment{Filename: "settlement." + ref.PaymentReference + ".pdf", Body: report})
	}
	return list, nil
}

// report is Klarna's PDF: from the archive when an earlier attempt fetched it.
// A payout without a report is a fact that the proof states, not an error.
func (v *Visma) report(ctx context.Context, ref workflows.PayoutRef) ([]byte, error) {
	for body, err := range archive.Read(ctx, v.Store, ref.Connection, ref.PaymentReference, archive.KindPDF) {
		return body, err
	}
	client, err := v.Doors.Klarna(ctx, ref.Connection)
	if err != nil {
		return nil, err
	}
	answer, err := client.PayoutPDF(ctx, ref.PaymentReference)
	if f := fault.As(err); f != nil && f.Class == fault.Rejected && f.Status == 404 {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	return answer.Body, keepAnswer(ctx, v.Store, ref, archive.KindPDF, &answer)
}

func keepAnswer(ctx context.Context, k archive.Keeper, ref workflows.PayoutRef, kind string, a *klarna.Answer) error {
	w := archive.NewWriter(k, ref.Connection, ref.PaymentReference, kind)
	if err := w.Add(ctx, a); err != nil {
		return err
	}
	_, err := w.Close(ctx)
	return err
}

// proofText is the proof as an auditor reads it: the components, the formula,
// the voucher, and the digest of the bytes it all rests on.
func proofText(row *store.Payout, document *voucher.Voucher) ([]byte, error) {
	var proof Proof
	if err := json.Unmarshal(row.Proof, &proof); err != nil {
		return nil, fmt.Errorf("read the proof of payout %s: %w", row.PaymentReference, err)
	}
	c := document.Currency
	money := func(minor int64) string { return settlement.Format(minor, c) }
	var b strings.Builder
	fmt.Fprintf(&b, "Klarna payout %s, merchant %s, %s, %s %s\n\n", row.PaymentReference, row.MerchantID, row.Date.UTC().Format(time.RFC3339), money(row.Settlement), c)
	fmt.Fprintf(&b, "%-52s %8s %16s %14s\n", "component", "rows", "amount", "VAT")
	for _, part := range proof.Components {
		fmt.Fprintf(&b, "%-52s %8d %16s %14s\n", strings.TrimSuffix(part.Type+"/"+part.DetailedType+" "+part.Country, " "), part.Rows, money(part.Amount), money(part.VAT))
	}
	fmt.Fprintf(&b, "\nSettlement formula\n")
	for _, term := range proof.Terms() {
		fmt.Fprintf(&b, "  %-40s %16s\n", term.Name, money(term.Amount))
	}
	fmt.Fprintf(&b, "  %-40s %16s\n", "settlement", money(row.Settlement))
	fmt.Fprintf(&b, "\nVoucher %s of %s\n", document.Token, document.Date)
	for _, l := range document.Lines {
		fmt.Fprintf(&b, "  %-10s %-60s %16s %16s\n", l.Account, l.Text, money(l.Debit), money(l.Credit))
	}
	debit, credit := document.Total()
	fmt.Fprintf(&b, "  %-71s %16s %16s\n", "sum", money(debit), money(credit))
	fmt.Fprintf(&b, "\n%d rows in %d archived answers (%d bytes), SHA-256 %s\nVoucher hash %s, profile version %d\n",
		proof.Rows, proof.Evidence.Parts, proof.Evidence.Size, proof.Evidence.Digest, row.VoucherHash, row.ProfileVersion)
	return []byte(b.String()), nil
}

// Preview is a dry run: the real path up to the point where Visma.net would be
// written to. It keeps the evidence and changes no state.
type Preview struct {
	Klarna *Klarna
	Visma  *Visma
}

// PreviewPayout proves a payout and compiles its voucher, and posts nothing.
func (p *Preview) PreviewPayout(ctx context.Context, in workflows.PayoutRef) (workflows.Found, error) {
	row, err := p.Klarna.Store.Payout(ctx, in.Connection, in.PaymentReference)
	if err != nil {
		return workflows.Found{}, err
	}
	proof, stop, err := p.Klarna.prove(ctx, &row)
	if err != nil {
		return workflows.Found{}, err
	}
	out := FoundOf(&row)
	if stop == nil {
		_, stop, err = p.Visma.compile(ctx, &row, proof.Proof)
	}
	if err != nil {
		return out, err
	}
	out.State, out.HeldReason = workflows.StateCompiled, ""
	if stop != nil {
		out.State, out.HeldReason = workflows.StateHeld, string(stop.Code)
		out.Words, out.Difference = stop.Detail, stop.Difference
	}
	return out, nil
}
