package activities

import (
	"context"
	"encoding/json"
	"fmt"
	"time"

	"kvitt/internal/access"
	"kvitt/internal/archive"
	"kvitt/internal/settlement"
	"kvitt/internal/store"
	"kvitt/internal/voucher"
	"kvitt/workflows"
)

// Preview is a dry run: the real path up to the point where Visma.net would be
// written to. It changes no state, and keeps nothing but its own answer.
type Preview struct {
	Klarna *Klarna
	Visma  *Visma
}

// PreviewPayout proves a payout and compiles its voucher, and posts nothing.
// What would have been posted is kept with the run.
func (p *Preview) PreviewPayout(ctx context.Context, in workflows.PreviewInput) (workflows.Found, error) {
	row, err := p.Klarna.Store.Payout(ctx, in.Connection, in.PaymentReference)
	if err != nil {
		return workflows.Found{}, err
	}
	draft, stop, err := p.draft(ctx, &row)
	out := FoundOf(&row)
	if err != nil {
		return out, err
	}
	out.State, out.HeldReason = workflows.StateCompiled, ""
	if stop != nil {
		out.State, out.HeldReason = workflows.StateHeld, string(stop.Code)
		out.Words, out.Difference = stop.Detail, stop.Difference
	}
	if in.Run == "" {
		return out, nil
	}
	return out, p.keep(ctx, in, &out, draft, stop)
}

// draft proves a payout and compiles its voucher, or says what stops it.
func (p *Preview) draft(ctx context.Context, row *store.Payout) (*compiled, *workflows.Held, error) {
	days := voucher.NewDays(settlement.Currency(row.Currency), zoneOf(ctx, p.Visma.Doors, row.ConnectionID))
	proof, stop, err := p.Klarna.prove(ctx, row, archive.Nowhere{}, archive.KindTransactions, days)
	if err != nil || stop != nil {
		return nil, stop, err
	}
	return p.Visma.compile(ctx, row, proof.Proof, func(context.Context, *time.Location) (*voucher.Days, error) { return days, nil })
}

// keep keeps what the dry run came to for a payout.
func (p *Preview) keep(ctx context.Context, in workflows.PreviewInput, found *workflows.Found, draft *compiled, stop *workflows.Held) (err error) {
	kept := store.Preview{
		RunID: in.Run, ConnectionID: in.Connection, PaymentReference: in.PaymentReference,
		State: found.State, HeldReason: found.HeldReason, Rows: found.Rows,
	}
	if stop != nil {
		kept.Held, err = json.Marshal(stop)
	} else {
		kept.VoucherHash, kept.ProfileVersion = draft.voucher.Seal(), draft.version
		kept.Voucher, err = json.Marshal(draft.voucher)
	}
	if err != nil {
		return fmt.Errorf("keep what the dry run came to for payout %s: %w", in.PaymentReference, err)
	}
	return p.Klarna.Store.PutPreview(ctx, kept)
}

// zoneOf is the company's zone; UTC where the profile cannot be read, of which
// compiling says what is wrong.
func zoneOf(ctx context.Context, doors *access.Doors, connection string) *time.Location {
	if profile, _, err := doors.Profile(ctx, connection, 0); err == nil {
		return profile.Location()
	}
	return time.UTC
}

// dayOf is a payout's day in the company's zone, "" for one that cannot be dated.
func dayOf(date time.Time, zone *time.Location) string {
	if date.IsZero() {
		return ""
	}
	return voucher.DateOf(date, zone).String()
}
