package activities

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"time"

	"kvitt/internal/archive"
	"kvitt/internal/held"
	"kvitt/internal/klarna"
	"kvitt/internal/posting"
	"kvitt/internal/settlement"
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
func (v *Visma) reversible(ctx context.Context, in workflows.ReverseInput) (row *store.Payout, original *store.Posting, refused string, err error) {
	payout, err := v.Store.Payout(ctx, in.Connection, in.PaymentReference)
	if err != nil {
		return nil, nil, "", err
	}
	sent, err := v.Store.PostingOf(ctx, in.Connection, in.PaymentReference, in.Revision-1)
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
func (v *Visma) mirror(ctx context.Context, row *store.Payout, original *store.Posting, profile *voucher.Profile) (*voucher.Voucher, []string, error) {
	sent, err := v.Store.PostingOf(ctx, row.ConnectionID, row.PaymentReference, original.Revision+1)
	if err != nil && !errors.Is(err, store.ErrNotFound) {
		return nil, nil, err
	}
	document, periods := original.Voucher, []string(nil)
	if err == nil && posting.Bound(sent.State) {
		document, periods = sent.Voucher, []string{sent.Period}
	}
	var stands voucher.Voucher
	if err := json.Unmarshal(document, &stands); err != nil {
		return nil, nil, fmt.Errorf("read the posted voucher of payout %s: %w", row.PaymentReference, err)
	}
	if periods != nil {
		return &stands, periods, nil
	}
	return voucher.Mirror(profile, voucher.Reversed{
		Voucher: &stands, MerchantID: row.MerchantID, Company: original.CompanyID, Revision: original.Revision, Batch: original.BatchNumber,
	}), nil, nil
}

// PostReversal books the mirrored voucher exactly once and reads it back.
func (v *Visma) PostReversal(ctx context.Context, in workflows.ReversalStep) (workflows.Posted, error) {
	poster, intent, _, err := v.intendReversal(ctx, in)
	if err != nil {
		return workflows.Posted{}, err
	}
	got, err := poster.Post(ctx, intent)
	if err != nil {
		return workflows.Posted{}, err
	}
	out := workflows.Posted{BatchNumber: got.BatchNumber, Adopted: got.Adopted, LookAgain: got.LookAgain}
	if got.Stop != nil {
		out.Held = v.whyRefused(ctx, workflows.PostInput{PayoutRef: in.PayoutRef, Periods: in.Periods}, intent.Voucher, got.Stop)
	}
	return out, nil
}

// intendReversal is the intent to post the mirrored voucher that was prepared,
// and no other one.
func (v *Visma) intendReversal(ctx context.Context, in workflows.ReversalStep) (*posting.Poster, posting.Intent, *store.Posting, error) {
	none := posting.Intent{}
	row, err := v.Store.Payout(ctx, in.Connection, in.PaymentReference)
	if err != nil {
		return nil, none, nil, err
	}
	original, err := v.Store.PostingOf(ctx, in.Connection, in.PaymentReference, in.Revision-1)
	if err != nil {
		return nil, none, nil, err
	}
	profile, _, err := v.Doors.Profile(ctx, in.Connection, in.Profile)
	if err != nil {
		return nil, none, nil, err
	}
	document, sent, err := v.mirror(ctx, &row, &original, profile)
	if err != nil {
		return nil, none, nil, err
	}
	if sent == nil {
		day, err := voucher.ParseDate(in.Date)
		if err != nil {
			return nil, none, nil, err
		}
		document.MoveTo(day)
	}
	if document.Hash() != in.VoucherHash {
		return nil, none, nil, fmt.Errorf("reverse payout %s: the mirrored voucher has changed since it was prepared", in.PaymentReference)
	}
	if err := document.Check(); err != nil {
		return nil, none, nil, err
	}
	client, err := v.Doors.Visma(ctx, in.Connection)
	if err != nil {
		return nil, none, nil, err
	}
	branch := "" // one of before branches were sent went to whichever was the default, and so does its reversal
	if original.Compared > 0 {
		if branch, err = v.mainBranch(ctx, in.Connection, document); err != nil {
			return nil, none, nil, err
		}
	}
	intent := posting.Intent{
		Connection: in.Connection, Company: original.CompanyID, Revision: in.Revision,
		Voucher: document, Periods: in.Periods, Draft: in.Draft, Branch: branch, Again: in.Again,
		Earlier: tokensBefore(&row, original.CompanyID, in.Revision),
	}
	err = v.allow(ctx, &intent, store.WorkReversal, in.PaymentReference)
	return v.poster(ctx, client), intent, &original, err
}

// CompleteReversal releases the mirrored batch, reads it back, and lets each of
// the two batches name the other. Then the payout is reversed.
func (v *Visma) CompleteReversal(ctx context.Context, in workflows.ReversalStep) (workflows.Completed, error) {
	poster, intent, original, err := v.intendReversal(ctx, in)
	if err != nil {
		return workflows.Completed{}, err
	}
	provider, err := v.provider(ctx, in.Connection)
	if err != nil {
		return workflows.Completed{}, err
	}
	name := "kvitt." + in.PaymentReference + ".reversal.txt"
	_, stop, err := poster.Complete(ctx, intent, func(ctx context.Context, attach posting.Attach) error {
		text := reversalText(provider, in, intent.Voucher, "This batch takes batch "+original.BatchNumber+" back.")
		kind := archive.Revised(archive.KindProof, in.Revision)
		if err := keepAnswer(ctx, v.Store, in.PayoutRef, kind, &klarna.Answer{Body: text, FetchedAt: time.Now().UTC()}); err != nil {
			return err
		}
		return attach(ctx, visma.Bytes(name, text))
	})
	if err != nil {
		return workflows.Completed{}, err
	}
	if stop != nil {
		return workflows.Completed{Held: held.Because(stop.Code, stop.Detail)}, nil
	}
	mirrored, err := v.Store.Posting(ctx, original.CompanyID, intent.Voucher.Token)
	if err != nil {
		return workflows.Completed{}, err
	}
	// The same file name again makes a revision, not a second document.
	text := reversalText(provider, in, intent.Voucher, "This batch was taken back by batch "+mirrored.BatchNumber+".")
	if err := poster.Books.Attach(ctx, visma.ModuleGL, original.BatchNumber, visma.Bytes(name, text)); err != nil {
		return workflows.Completed{}, err
	}
	if _, err := v.Store.UpdatePosting(ctx, original.CompanyID, original.Token, func(p *store.Posting) error {
		p.State = posting.Reversed
		return nil
	}); err != nil {
		return workflows.Completed{}, err
	}
	if err := over(ctx, v.Store, in.Connection, workflows.WorkReversal, in.PaymentReference); err != nil {
		return workflows.Completed{}, err
	}
	return workflows.Completed{State: workflows.StateReversed}, v.enter(ctx, in.PayoutRef, workflows.StateReversed)
}

// reversalText is what hangs on both batches: who asked for it, and why.
func reversalText(provider string, in workflows.ReversalStep, v *voucher.Voucher, words string) []byte {
	var b strings.Builder
	fmt.Fprintf(&b, "%s payout %s\n\n%s\nAsked for by %s: %s\n", provider, in.PaymentReference, words, in.Who, in.Reason)
	writeVoucher(&b, v)
	debit, _ := v.Total()
	fmt.Fprintf(&b, "\nThe two batches come to zero on every account, %s %s on each side.\nVoucher hash %s\n",
		settlement.Format(debit, v.Currency), v.Currency, v.Hash())
	return []byte(b.String())
}
