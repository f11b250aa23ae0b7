package activities

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"kvitt/internal/archive"
	"kvitt/internal/klarna"
	"kvitt/internal/posting"
	"kvitt/internal/store"
	"kvitt/internal/visma"
	"kvitt/internal/voucher"
	"kvitt/workflows"
)

// PrepareReversal mirrors the voucher that was posted and finds a period for
// it. Once the mirrored batch may have been sent, it stays what it is.
func (v *Visma) PrepareReversal(ctx context.Context, in workflows.ReverseInput) (workflows.PreparedReversal, error) {
	out, err := v.prepareReversal(ctx, in)
	if err == nil && out.Refused != "" {
		err = over(ctx, v.Store, in.Connection, workflows.WorkReversal, in.PaymentReference)
	}
	return out, err
}

func (v *Visma) prepareReversal(ctx context.Context, in workflows.ReverseInput) (workflows.PreparedReversal, error) {
	row, original, refused, err := v.reversible(ctx, in)
	if err != nil || refused != "" {
		return workflows.PreparedReversal{Refused: refused}, err
	}
	out := workflows.PreparedReversal{Reverses: original.BatchNumber, Draft: original.Mode == "draft"}
	firm, stop, err := v.company(ctx, in.Connection)
	if err != nil || stop != nil {
		out.Held = stop
		return out, err
	}
	if original.CompanyID != firm.ID {
		out.Refused = fmt.Sprintf("it was posted into company %s, and this connection is for %s", original.CompanyID, firm)
		return out, nil
	}
	draft := &compiled{}
	draft.profile, out.Profile, err = v.Doors.Profile(ctx, in.Connection, 0)
	if err != nil {
		out.Held = heldFor(err)
		return out, unlessHeld(err)
	}
	draft.voucher, draft.periods, err = v.mirror(ctx, row, original, draft.profile)
	if err != nil {
		return out, err
	}
	if draft.periods == nil { // not sent yet
		if out.Held, err = v.inPeriod(ctx, in.Connection, draft, firm); err != nil {
			return out, err
		}
		if out.Held == nil {
			out.Held = taken(firm, draft.voucher)
		}
		if out.Held != nil {
			v.Doors.ForgetCompany(in.Connection)
		}
	}
	if err := draft.voucher.Check(); err != nil {
		return out, err
	}
	out.VoucherHash, out.Date, out.Periods = draft.voucher.Hash(), draft.voucher.Date.String(), draft.periods
	return out, nil
}

// reversible finds the posting that is to be taken back, or says why there is
// none.
func (v *Visma) reversible(ctx context.Context, in workflows.ReverseInput) (row *store.Payout, original *store.Booking, refused string, err error) {
	payout, err := v.Store.Payout(ctx, in.Connection, in.PaymentReference)
	if err != nil {
		return nil, nil, "", err
	}
	sent, err := v.Store.BookingOf(ctx, in.Connection, in.PaymentReference, in.Revision-1)
	switch {
	case errors.Is(err, store.ErrNotFound):
		return &payout, nil, "nothing was posted for it", nil
	case err != nil:
		return &payout, nil, "", err
	}
	return &payout, &sent, posting.WhyNotReversible(&payout, &sent, in.Revision), nil
}

// mirror is the voucher that takes the posted one back. Periods are those of an
// attempt that may have been sent, nil before that.
func (v *Visma) mirror(ctx context.Context, row *store.Payout, original *store.Booking, profile *voucher.Profile) (*voucher.Voucher, []string, error) {
	sent, err := v.Store.BookingOf(ctx, row.ConnectionID, row.PaymentReference, original.Revision+1)
	switch {
	case err == nil && posting.Bound(sent.State):
		document, err := voucherOf(&sent)
		return document, []string{sent.Period}, err
	case err != nil && !errors.Is(err, store.ErrNotFound):
		return nil, nil, err
	}
	stands, err := voucherOf(original)
	if err != nil {
		return nil, nil, err
	}
	return voucher.Mirror(profile, voucher.Reversed{
		Voucher: stands, MerchantID: row.MerchantID, Company: original.CompanyID, Revision: original.Revision, Batch: original.BatchNumber,
	}), nil, nil
}

// PostReversal books the mirrored voucher exactly once and reads it back.
func (v *Visma) PostReversal(ctx context.Context, in workflows.ReversalStep) (workflows.Posted, error) {
	return post(ctx, v, v.draftReversal, in)
}

// CompleteReversal releases the mirrored batch, reads it back, and lets each of
// the two batches name the other. Then the payout is reversed.
func (v *Visma) CompleteReversal(ctx context.Context, in workflows.ReversalStep) (workflows.Completed, error) {
	return complete(ctx, v, v.draftReversal, in)
}

// draftReversal drafts the mirrored voucher that was prepared, and no other one.
func (v *Visma) draftReversal(ctx context.Context, in workflows.ReversalStep) (*booking, error) {
	row, err := v.Store.Payout(ctx, in.Connection, in.PaymentReference)
	if err != nil {
		return nil, err
	}
	original, err := v.Store.BookingOf(ctx, in.Connection, in.PaymentReference, in.Revision-1)
	if err != nil {
		return nil, err
	}
	profile, _, err := v.Doors.Profile(ctx, in.Connection, in.Profile)
	if err != nil {
		return nil, err
	}
	document, sent, err := v.mirror(ctx, &row, &original, profile)
	if err != nil {
		return nil, err
	}
	if sent == nil {
		day, err := voucher.ParseDate(in.Date)
		if err != nil {
			return nil, err
		}
		document.MoveTo(day)
	}
	if document.Hash() != in.VoucherHash {
		return nil, fmt.Errorf("reverse payout %s: the mirrored voucher has changed since it was prepared", in.PaymentReference)
	}
	b := &booking{Intent: posting.Intent{
		Connection: in.Connection, Company: original.CompanyID, Kind: store.KindReversal, Revision: in.Revision,
		Voucher: document, Periods: in.Periods, Draft: in.Draft, Again: in.Again,
		Earlier: tokensBefore(&row, original.CompanyID, in.Revision),
	}}
	// One of before branches were sent went to whichever was the default, and so does its reversal.
	b.anyBranch = original.Compared == 0
	b.attach = func(ctx context.Context, attach posting.Attach) error {
		a, err := v.attached(ctx, in.Connection)
		if err != nil {
			return err
		}
		text := a.reversal(&in, document, a.say("This batch takes batch %s back.", original.BatchNumber))
		kind := archive.Revised(archive.KindProof, in.Revision)
		if err := keepAnswer(ctx, v.Store, in.PayoutRef, kind, &klarna.Answer{Body: text, FetchedAt: time.Now().UTC()}); err != nil {
			return err
		}
		return attach(ctx, visma.Bytes(reversalName(&in), text))
	}
	b.posted = func(ctx context.Context, out *workflows.Posted) error {
		if out.Held != nil {
			out.Held = v.whyRefused(ctx, &b.Intent, out.Held)
		}
		return nil
	}
	b.final = func(ctx context.Context, out *workflows.Completed) error {
		out.State = workflows.StateReversed
		return v.reversed(ctx, &in, &original, document)
	}
	return b, nil
}

// reversed names the mirrored batch on the one that it takes back, and makes the
// payout reversed.
func (v *Visma) reversed(ctx context.Context, in *workflows.ReversalStep, original *store.Booking, document *voucher.Voucher) error {
	mirrored, err := v.Store.Booking(ctx, original.CompanyID, document.Token)
	if err != nil {
		return err
	}
	a, err := v.attached(ctx, in.Connection)
	if err != nil {
		return err
	}
	text := a.reversal(in, document, a.say("This batch was taken back by batch %s.", mirrored.BatchNumber))
	client, err := v.Doors.Visma(ctx, in.Connection)
	if err != nil {
		return err
	}
	// The same file name again makes a revision, not a second document.
	if err := client.Attach(ctx, visma.ModuleGL, original.BatchNumber, visma.Bytes(reversalName(in), text)); err != nil {
		return err
	}
	if _, err := v.Store.UpdateBooking(ctx, original.CompanyID, original.Token, func(p *store.Booking) error {
		p.State = posting.Reversed
		return nil
	}); err != nil {
		return err
	}
	if err := over(ctx, v.Store, in.Connection, workflows.WorkReversal, in.PaymentReference); err != nil {
		return err
	}
	return v.enter(ctx, in.PayoutRef, workflows.StateReversed)
}

func reversalName(in *workflows.ReversalStep) string {
	return "kvitt." + in.PaymentReference + ".reversal.txt"
}

// reversal returns what hangs on both batches: who asked for it, and why.
func (a attached) reversal(in *workflows.ReversalStep, v *voucher.Voucher, words string) []byte {
	var b strings.Builder
	b.WriteString(a.say("%s payout %s", a.provider, in.PaymentReference) + "\n\n" + words + "\n" + a.say("Asked for by %s: %s", in.Who, in.Reason) + "\n")
	a.writeVoucher(&b, v)
	debit, _ := v.Total()
	b.WriteString("\n" + a.say("The two batches come to zero on every account, %s %s on each side.", a.money(debit, v.Currency), v.Currency) + "\n" +
		a.say("Voucher hash %s", v.Hash()) + "\n")
	return []byte(b.String())
}
