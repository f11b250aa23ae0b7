package activities

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"kvitt/internal/held"
	"kvitt/internal/posting"
	"kvitt/internal/settlement"
	"kvitt/internal/store"
	"kvitt/internal/visma"
	"kvitt/internal/voucher"
	"kvitt/workflows"
)

// PostVoucher books the compiled voucher exactly once and reads it back.
func (v *Visma) PostVoucher(ctx context.Context, in workflows.PostInput) (workflows.Posted, error) {
	if stop, err := v.stillProven(ctx, in.PayoutRef); err != nil || stop != nil {
		return workflows.Posted{Held: stop}, err
	}
	if stop, err := v.unapproved(ctx, in); err != nil || stop != nil {
		return workflows.Posted{Held: stop}, err
	}
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
	case got.Stop != nil && got.Stop.Code == held.ReversedBefore:
		out.Held, err = v.revise(ctx, in.PayoutRef, got.Stop)
		return out, err
	case got.Stop != nil:
		out.Held = v.whyRefused(ctx, in, intent.Voucher, got.Stop)
		return out, nil
	case got.BatchNumber != "" && got.LookAgain == 0:
		state = workflows.StatePosted
	}
	return out, v.enter(ctx, in.PayoutRef, state)
}

// whyRefused reads the company anew after Visma.net refused a batch: what has
// changed there since it was read last is the better reason. A person will now
// correct something there, so what was read is forgotten afterwards too.
func (v *Visma) whyRefused(ctx context.Context, in workflows.PostInput, document *voucher.Voucher, stop *posting.Stop) *workflows.Held {
	plain := reason(stop.Code, stop.Detail)
	if stop.Code != held.Rejected {
		return plain
	}
	v.Doors.ForgetCompany(in.Connection)
	defer v.Doors.ForgetCompany(in.Connection)
	firm, err := v.Doors.Company(ctx, in.Connection)
	if err != nil {
		return plain // Visma.net's own words stand
	}
	target := in.Periods[len(in.Periods)-1]
	if p, ok := firm.Calendar.Period(target); !ok || !p.Open() {
		words := fmt.Sprintf("period %s of %s was closed meanwhile; %s", target, firm, stop.Detail)
		if v.movesOn(ctx, in.Connection, document) {
			return reason(held.FiguresChanged, words) // compiled anew, which finds the next open period
		}
		return reason(held.PeriodClosed, words)
	}
	if problems := firm.Check(document.Uses()); len(problems) > 0 {
		return reason(problems[0].Code, problems[0].Detail+"; "+stop.Detail)
	}
	return plain
}

// movesOn tells whether a voucher whose period was closed goes into the next
// open one: the profile says so, and there is one.
func (v *Visma) movesOn(ctx context.Context, connection string, document *voucher.Voucher) bool {
	profile, _, err := v.Doors.Profile(ctx, connection, 0)
	if err != nil || profile.Periods.Policy != voucher.NextOpen {
		return false
	}
	firm, err := v.Doors.Company(ctx, connection)
	if err != nil {
		return false
	}
	var closed *visma.PeriodError
	_, err = firm.Calendar.Of(visma.DateOf(document.Date.Time()))
	return errors.As(err, &closed) && closed.NextOpen != nil
}

// CompleteBatch attaches the documents, releases the batch and reads it back.
func (v *Visma) CompleteBatch(ctx context.Context, in workflows.PostInput) (workflows.Completed, error) {
	poster, intent, err := v.intend(ctx, in)
	if err != nil {
		return workflows.Completed{}, err
	}
	state, stop, err := poster.Complete(ctx, intent, func(ctx context.Context, attach posting.Attach) error {
		return v.documents(ctx, in.PayoutRef, intent.Voucher, attach)
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

// stillProven stops a voucher whose figures Klarna has changed since they were
// proven, unless it may be in the books already.
func (v *Visma) stillProven(ctx context.Context, ref workflows.PayoutRef) (*workflows.Held, error) {
	row, err := v.Store.Payout(ctx, ref.Connection, ref.PaymentReference)
	if err != nil {
		return nil, err
	}
	var proof Proof
	if err := json.Unmarshal(row.Proof, &proof); err != nil {
		return nil, fmt.Errorf("read the proof of payout %s: %w", ref.PaymentReference, err)
	}
	var listed settlement.Payout
	if err := json.Unmarshal(row.Payout, &listed); err != nil {
		return nil, fmt.Errorf("read the recorded payout %s: %w", ref.PaymentReference, err)
	}
	if proof.Payout.Same(listed) {
		return v.stillDecided(ctx, &row, &proof)
	}
	sent, err := v.Store.PostingOf(ctx, ref.Connection, ref.PaymentReference, row.Revision)
	if errors.Is(err, store.ErrNotFound) || err == nil && !posting.Bound(sent.State) {
		return reason(held.FiguresChanged, fmt.Sprintf("payout %s was proven with a settlement of %s, and Klarna now lists %s",
			ref.PaymentReference, settlement.Format(proof.Payout.Totals[settlement.TotalSettlement], proof.Payout.Currency), settlement.Format(row.Settlement, proof.Payout.Currency))), nil
	}
	return nil, err
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
	branch, err := v.mainBranch(ctx, in.Connection, &document)
	if err != nil {
		return nil, posting.Intent{}, err
	}
	intent := posting.Intent{
		Connection: in.Connection, Company: connection.CompanyID, Revision: row.Revision,
		Voucher: &document, Periods: in.Periods, Draft: in.Draft, Branch: branch, Again: in.Again,
		Earlier:  tokensBefore(&row, connection.CompanyID, row.Revision),
		Reversal: voucher.Token(row.MerchantID, row.PaymentReference, connection.CompanyID, row.Revision+1),
	}
	return v.poster(ctx, client), intent, v.allow(ctx, &intent, store.WorkPayout, in.PaymentReference)
}

// mainBranch is the branch that is meant where a voucher names none.
func (v *Visma) mainBranch(ctx context.Context, connection string, document *voucher.Voucher) (string, error) {
	if document.Branch != "" {
		return "", nil
	}
	firm, err := v.Doors.Company(ctx, connection)
	if err != nil {
		return "", err
	}
	return firm.MainBranch(), nil
}

func (v *Visma) poster(ctx context.Context, books posting.Books) *posting.Poster {
	return &posting.Poster{Books: books, Memory: v.Store, Now: temporalsClock(ctx), Pause: pause, Absent: v.UnknownWait, Scans: &v.scans}
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
