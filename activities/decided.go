package activities

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"

	"kvitt/internal/decision"
	"kvitt/internal/held"
	"kvitt/internal/posting"
	"kvitt/internal/settlement"
	"kvitt/internal/store"
	"kvitt/internal/voucher"
	"kvitt/workflows"
)

// decidedOn returns what people decided about a work, for a revision of its posting.
func decidedOn(ctx context.Context, s *store.Store, connection, work, name string, revision int) (decision.Set, error) {
	all, err := s.Decisions(ctx, connection, work, name)
	if err != nil || len(all) == 0 {
		return decision.Set{}, err
	}
	row, err := s.Connection(ctx, connection)
	return decision.Of(all, revision, row.FourEyes), err
}

// allow lets an intent know what people decided about it.
func (v *Visma) allow(ctx context.Context, in *posting.Intent) error {
	set, err := decidedOn(ctx, v.Store, in.Connection, store.Work(in.Kind), in.Voucher.PaymentReference, in.Revision)
	if err != nil {
		return err
	}
	in.Unrelated = set.Unrelated()
	if taken := set.Batch(); taken != nil {
		in.Taken = &posting.Taken{Batch: taken.BatchNumber, Differences: decision.EvidenceOf(taken).Differences}
	}
	return nil
}

// Figures is the digest of what Klarna lists of a payout, by which a decision to
// keep what was posted knows the figures that it is about.
func Figures(row *store.Payout) (string, error) {
	var listed settlement.Payout
	if err := json.Unmarshal(row.Payout, &listed); err != nil {
		return "", fmt.Errorf("read the recorded payout %s: %w", row.PaymentReference, err)
	}
	plain, err := json.Marshal(listed)
	if err != nil {
		return "", fmt.Errorf("read the recorded payout %s: %w", row.PaymentReference, err)
	}
	digest := sha256.Sum256(plain)
	return hex.EncodeToString(digest[:]), nil
}

// ended is the final state that a decision brings a payout to without a proof:
// another batch books it, or what was posted stays. "" when there is none.
func (k *Klarna) ended(ctx context.Context, row *store.Payout) (string, error) {
	set, err := decidedOn(ctx, k.Store, row.ConnectionID, store.WorkPayout, row.PaymentReference, row.Revision)
	if err != nil {
		return "", err
	}
	elsewhere, kept := set.Elsewhere(), set.Kept()
	if elsewhere == nil && kept == nil {
		return "", nil
	}
	sent, err := k.Store.BookingOf(ctx, row.ConnectionID, row.PaymentReference, row.Revision)
	switch {
	case err != nil && !errors.Is(err, store.ErrNotFound):
		return "", err
	case elsewhere != nil && (err != nil || !posting.Bound(sent.State)):
		return workflows.StateRejected, nil
	case err == nil && keeps(kept, row, &sent) && sent.State == posting.Verified:
		return workflows.StateVerified, nil
	case err == nil && keeps(kept, row, &sent) && sent.State == posting.Draft:
		return workflows.StatePosted, nil
	}
	return "", nil
}

// keeps tells whether a decision keeps this posting although Klarna lists just
// these figures.
func keeps(kept *store.Decision, row *store.Payout, sent *store.Booking) bool {
	if kept == nil {
		return false
	}
	figures, err := Figures(row)
	about := decision.EvidenceOf(kept)
	return err == nil && about.Posted == sent.VoucherHash && about.Figures == figures
}

// end records the final state that a decision leads to.
func (k *Klarna) end(ctx context.Context, row *store.Payout, state string) error {
	return k.Store.UpdatePayout(ctx, row.ConnectionID, row.PaymentReference, func(p *store.Payout) error {
		p.State, p.HeldReason, p.Held = state, "", nil
		return nil
	}, nil)
}

// keepPosted gives a payout the voucher that was posted, where a person decided
// that it stays and it is not final yet.
func (v *Visma) keepPosted(ctx context.Context, row *store.Payout, out *compiled, sent *store.Booking) error {
	set, err := decidedOn(ctx, v.Store, row.ConnectionID, store.WorkPayout, row.PaymentReference, row.Revision)
	if err != nil || !keeps(set.Kept(), row, sent) {
		return err
	}
	var posted voucher.Voucher
	if err := json.Unmarshal(sent.Voucher, &posted); err != nil {
		return fmt.Errorf("read the posted voucher of payout %s: %w", row.PaymentReference, err)
	}
	out.voucher = &posted
	return nil
}

// secondLook tells whether somebody else than who decided has to approve what
// the decisions about a payout led to.
func (v *Visma) secondLook(ctx context.Context, row *store.Payout) (bool, error) {
	set, err := decidedOn(ctx, v.Store, row.ConnectionID, store.WorkPayout, row.PaymentReference, row.Revision)
	if err != nil || !set.Leads() {
		return false, err
	}
	connection, err := v.Store.Connection(ctx, row.ConnectionID)
	return connection.FourEyes, err
}

// stillDecided stops a voucher that rests on a decision which was taken back.
func (v *Visma) stillDecided(ctx context.Context, row *store.Payout, proof *Proof) (*workflows.Held, error) {
	if len(proof.Accepted) == 0 {
		return nil, nil //nolint:nilnil // it rests on none
	}
	set, err := decidedOn(ctx, v.Store, row.ConnectionID, store.WorkPayout, row.PaymentReference, row.Revision)
	if err != nil {
		return nil, err
	}
	inForce := set.Accepted()
	for _, used := range proof.Accepted {
		if !slices.Contains(inForce, used) {
			return held.Becausef(held.FiguresChanged, "the decision to accept the difference of %s in %s was taken back; payout %s is proven anew",
				settlement.Format(used.Difference, proof.Payout.Currency), used.Component, row.PaymentReference), nil
		}
	}
	return nil, nil //nolint:nilnil // nothing stops it
}

// decidedBy says why a person must not approve what a decision of that person
// led to; "" when the person may.
func (l *Ledger) decidedBy(ctx context.Context, in workflows.Decision, row *store.Payout) (string, error) {
	set, err := decidedOn(ctx, l.Store, in.Connection, store.WorkPayout, in.PaymentReference, row.Revision)
	if err != nil {
		return "", err
	}
	approver, _, err := asker(ctx, l.Instructions, in.Instruction.ID, in.Who)
	by, found := set.MadeBy(approver)
	switch {
	case err != nil || !found:
		return "", err
	case strings.EqualFold(by.Who, approver.Who):
		return fmt.Sprintf("approve payout %s: %s took a decision that its voucher rests on, and this connection wants a second pair of eyes; somebody else has to approve it",
			in.PaymentReference, in.Who), nil
	}
	return fmt.Sprintf("approve payout %s: %s took a decision that its voucher rests on, and this connection wants a second pair of eyes, but %s. %s",
		in.PaymentReference, by.Who, workflows.WhyOnePerson(by.Who, approver.Who, by.Unknown(), approver.VouchedBy), workflows.TwoPersonsHelps), nil
}

// stands says why a payout cannot be rejected; "" when it can: nothing of it may
// be in the books.
func (l *Ledger) stands(ctx context.Context, in workflows.Decision) (string, error) {
	row, err := l.Store.Payout(ctx, in.Connection, in.PaymentReference)
	if err != nil {
		return "", err
	}
	sent, err := l.Store.BookingOf(ctx, in.Connection, in.PaymentReference, row.Revision)
	switch {
	case errors.Is(err, store.ErrNotFound):
		return "", nil
	case err != nil:
		return "", err
	case !posting.Bound(sent.State) || sent.State == posting.Reversed:
		return "", nil
	}
	return fmt.Sprintf("reject payout %s: %s; it can only be reversed", in.PaymentReference, strings.TrimSpace("Visma.net may already have the batch "+sent.BatchNumber)), nil
}
