package activities

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"time"

	"kvitt/internal/access"
	"kvitt/internal/archive"
	"kvitt/internal/fault"
	"kvitt/internal/held"
	"kvitt/internal/klarna"
	"kvitt/internal/posting"
	"kvitt/internal/settlement"
	"kvitt/internal/store"
	"kvitt/internal/voucher"
	"kvitt/workflows"
)

// Klarna has the activities that talk to Klarna.
type Klarna struct {
	Doors *access.Doors
	Store *store.Store
}

// ListPayouts records the payouts of a window and returns those that are not
// final yet, oldest first.
func (k *Klarna) ListPayouts(ctx context.Context, in workflows.ListPayoutsInput) (workflows.Listing, error) {
	client, err := k.Doors.Klarna(ctx, in.Connection)
	if err != nil {
		return workflows.Listing{}, err
	}
	var refs []string
	err = klarna.Read(ctx, client.Payouts(ctx, klarna.PayoutsQuery{Start: in.Window.From, End: in.Window.To}),
		func() error { refs = refs[:0]; return nil },
		func(page *klarna.Page[klarna.Payout]) error {
			found, err := k.keepPage(ctx, in, page)
			refs = append(refs, found...)
			return err
		})
	if err != nil {
		return workflows.Listing{}, err
	}
	return k.due(ctx, in, refs)
}

// keepPage records the payouts of a page that fall into the window, and the
// page itself as received.
func (k *Klarna) keepPage(ctx context.Context, in workflows.ListPayoutsInput, page *klarna.Page[klarna.Payout]) ([]string, error) {
	var rows []store.Payout
	refs, err := k.keepBroken(ctx, in, page)
	if err != nil {
		return nil, err
	}
	for i := range page.Items {
		p := page.Items[i].Settlement()
		// Whether Klarna's end date is inclusive is not documented.
		if p.Date.Before(in.Window.From) || !p.Date.Before(in.Window.To) {
			continue
		}
		row, err := rowOf(in.Connection, recorded{Payout: p, Warnings: page.Items[i].Warnings})
		if err != nil {
			return nil, err
		}
		refs = append(refs, p.PaymentReference)
		news, err := k.isNews(ctx, &row, in.DryRun)
		if err != nil {
			return nil, err
		}
		if news {
			rows = append(rows, row)
		}
	}
	if _, err := k.Store.UpsertPayouts(ctx, in.Connection, rows); err != nil {
		return nil, err
	}
	for i := range rows {
		if err := k.keep(ctx, &rows[i], archive.KindPayout, &page.Answer); err != nil {
			return nil, err
		}
	}
	return refs, nil
}

// isNews tells whether Klarna says something that is not recorded yet. Other
// figures for a payout that is final are loud: it is held, and due again.
func (k *Klarna) isNews(ctx context.Context, row *store.Payout, dryRun bool) (bool, error) {
	known, err := k.Store.Payout(ctx, row.ConnectionID, row.PaymentReference)
	if errors.Is(err, store.ErrNotFound) {
		return true, nil
	}
	if err != nil {
		return false, err
	}
	same, err := sameFigures(known.Payout, row.Payout)
	if err != nil || same {
		return false, err
	}
	done, err := final(ctx, k.Store, &known)
	if err != nil || !done || dryRun || known.State == workflows.StateRejected || known.State == workflows.StateReversed {
		return !done, err
	}
	stop := held.Becausef(held.ChangedAfterPosting, "payout %s was posted with a settlement of %s %s (batch %s), and Klarna now lists other figures, a settlement of %s",
		row.PaymentReference, settlement.Format(known.Settlement, settlement.Currency(known.Currency)), known.Currency, known.BatchNumber,
		settlement.Format(row.Settlement, settlement.Currency(row.Currency)))
	stop.Difference = row.Settlement - known.Settlement
	evidence, err := json.Marshal(stop)
	if err != nil {
		return false, fmt.Errorf("record the new figures of payout %s: %w", row.PaymentReference, err)
	}
	return true, k.Store.UpdatePayout(ctx, row.ConnectionID, row.PaymentReference, func(p *store.Payout) error {
		p.State, p.HeldReason, p.Held = workflows.StateHeld, string(stop.Code), evidence
		return nil
	}, &store.AuditEntry{Who: "kvitt", Action: "payout.figures_changed", Before: known.Payout, After: row.Payout})
}

// sameFigures compares two recorded payouts by what they state.
func sameFigures(a, b json.RawMessage) (bool, error) {
	var one, other recorded
	if err := errors.Join(json.Unmarshal(a, &one), json.Unmarshal(b, &other)); err != nil {
		return false, fmt.Errorf("compare two recorded payouts: %w", err)
	}
	return one.Unreadable == other.Unreadable && one.Same(other.Payout), nil
}

// keep archives an answer as received. What a voucher that was sent rests on is
// never written over.
func (k *Klarna) keep(ctx context.Context, row *store.Payout, kind string, a *klarna.Answer) error {
	kind, err := k.kind(ctx, row, kind)
	if err != nil {
		return err
	}
	return keepAnswer(ctx, k.Store, workflows.PayoutRef{Connection: row.ConnectionID, PaymentReference: row.PaymentReference}, kind, a)
}

// kind is where evidence of that kind is kept now.
func (k *Klarna) kind(ctx context.Context, row *store.Payout, kind string) (string, error) {
	revision, err := k.revision(ctx, row)
	if err != nil {
		return "", err
	}
	kind = archive.Revised(kind, revision)
	sent, err := k.Store.BookingOf(ctx, row.ConnectionID, row.PaymentReference, revision)
	switch {
	case errors.Is(err, store.ErrNotFound):
		return kind, nil
	case err != nil:
		return "", err
	case posting.Bound(sent.State):
		return archive.Later(kind), nil
	}
	return kind, nil
}

// revision is the one of the recorded payout; row may be what Klarna lists.
func (k *Klarna) revision(ctx context.Context, row *store.Payout) (int, error) {
	known, err := k.Store.Payout(ctx, row.ConnectionID, row.PaymentReference)
	if errors.Is(err, store.ErrNotFound) {
		return 0, nil
	}
	return known.Revision, err
}

func rowOf(connection string, p recorded) (store.Payout, error) {
	document, err := json.Marshal(p)
	if err != nil {
		return store.Payout{}, fmt.Errorf("record payout %s: %w", p.PaymentReference, err)
	}
	return store.Payout{
		ConnectionID: connection, PaymentReference: p.PaymentReference, MerchantID: p.MerchantID,
		Date: p.Date, Currency: string(p.Currency), SettlementType: string(p.Type),
		Settlement: p.Totals[settlement.TotalSettlement], OpeningDebt: p.Totals[settlement.TotalOpeningDebt], ClosingDebt: p.Totals[settlement.TotalClosingDebt],
		Payout: document,
	}, nil
}

// due tells what is left to do for the payouts of a window.
func (k *Klarna) due(ctx context.Context, in workflows.ListPayoutsInput, refs []string) (workflows.Listing, error) {
	listed := make(map[string]bool, len(refs))
	for _, ref := range refs {
		listed[ref] = true
	}
	rows, err := k.Store.Payouts(ctx, store.PayoutFilter{Connection: in.Connection, From: in.Window.From, To: in.Window.To})
	if err != nil {
		return workflows.Listing{}, err
	}
	zone := zoneOf(ctx, k.Doors, in.Connection)
	out := workflows.Listing{Found: len(listed), SkippedSums: map[string]int64{}}
	for i := range rows {
		row := &rows[i]
		if !listed[row.PaymentReference] {
			continue
		}
		done, err := final(ctx, k.Store, row)
		if err != nil {
			return out, err
		}
		if !done {
			out.Due = append(out.Due, workflows.DuePayout{
				PaymentReference: row.PaymentReference, Date: row.Date, Day: dayOf(row.Date, zone), Currency: row.Currency,
			})
			continue
		}
		out.Skipped++
		out.SkippedRows += row.Rows
		out.SkippedSums[row.Currency] += row.Settlement
	}
	return out, nil
}

// ProvePayout fetches a settlement, archives it as received, and proves it.
func (k *Klarna) ProvePayout(ctx context.Context, in workflows.PayoutRef) (workflows.Proven, error) {
	row, err := k.Store.Payout(ctx, in.Connection, in.PaymentReference)
	if err != nil {
		return workflows.Proven{}, err
	}
	out := workflows.Proven{Rows: row.Rows, Settlement: row.Settlement, Currency: row.Currency}
	done, err := final(ctx, k.Store, &row)
	if err != nil || done {
		out.Final, out.Batch = row.State, row.BatchNumber
		return out, err
	}
	if (row.State == workflows.StateHeld || row.Revision > 0 || touched(&row)) && !klarna.Unnamed(in.PaymentReference) {
		fresh, err := k.readAgain(ctx, in)
		if stop, err := k.stillUnreadable(ctx, &row, err); err != nil || stop != nil {
			out.Held = stop
			return out, err
		}
		row, out.Settlement, out.Currency = fresh, fresh.Settlement, fresh.Currency
	}
	if state, err := k.ended(ctx, &row); err != nil || state != "" {
		out.Final, out.Batch = state, row.BatchNumber
		if err == nil {
			err = k.end(ctx, &row, state)
		}
		return out, err
	}
	kind, err := k.kind(ctx, &row, archive.KindTransactions)
	if err != nil {
		return out, err
	}
	proof, stop, err := k.prove(ctx, &row, k.Store, kind, nil)
	if err != nil {
		return out, err
	}
	out.Rows = row.Rows
	if stop != nil {
		if out.Held, err = named(ctx, k.Store, stop, in.Connection); err != nil {
			return out, err
		}
		return out, k.Store.UpdatePayout(ctx, in.Connection, in.PaymentReference, func(p *store.Payout) error {
			p.Rows, p.Warnings = row.Rows, row.Warnings
			return nil
		}, nil)
	}
	document, err := json.Marshal(proof)
	if err != nil {
		return out, fmt.Errorf("record the proof of payout %s: %w", in.PaymentReference, err)
	}
	return out, k.Store.UpdatePayout(ctx, in.Connection, in.PaymentReference, func(p *store.Payout) error {
		p.State, p.HeldReason, p.Held = workflows.StateProven, "", nil
		p.Rows, p.Proof, p.Warnings = row.Rows, document, row.Warnings
		return nil
	}, nil)
}

// touched tells that something became of a payout before it is proven: it was
// rejected and reopened, say, while Klarna's figures may have changed.
func touched(row *store.Payout) bool {
	return row.State == workflows.StateDiscovered && row.UpdatedAt.Sub(row.DiscoveredAt) > time.Second
}

// readAgain records a payout anew: Klarna may have corrected what it was held
// for.
func (k *Klarna) readAgain(ctx context.Context, in workflows.PayoutRef) (store.Payout, error) {
	client, err := k.Doors.Klarna(ctx, in.Connection)
	if err != nil {
		return store.Payout{}, err
	}
	payout, answer, err := client.Payout(ctx, in.PaymentReference)
	if err != nil {
		return store.Payout{}, err
	}
	row, err := rowOf(in.Connection, recorded{Payout: payout.Settlement(), Warnings: payout.Warnings})
	if err != nil {
		return store.Payout{}, err
	}
	if _, err := k.Store.UpsertPayouts(ctx, in.Connection, []store.Payout{row}); err != nil {
		return store.Payout{}, err
	}
	if err := k.keep(ctx, &row, archive.KindPayout, &answer); err != nil {
		return store.Payout{}, err
	}
	return k.Store.Payout(ctx, in.Connection, in.PaymentReference)
}

// prove streams the rows past the tally, the archive, and days if there are
// any. Memory does not grow with their number.
func (k *Klarna) prove(ctx context.Context, row *store.Payout, keeper archive.Keeper, kind string, days *voucher.Days) (*Proof, *workflows.Held, error) {
	var listed recorded
	if err := json.Unmarshal(row.Payout, &listed); err != nil {
		return nil, nil, fmt.Errorf("read the recorded payout %s: %w", row.PaymentReference, err)
	}
	if listed.Unreadable != "" {
		return nil, held.Because(held.BadData, listed.Unreadable), nil
	}
	payout := listed.Payout
	client, err := k.Doors.Klarna(ctx, row.ConnectionID)
	if err != nil {
		return nil, nil, err
	}
	previous, err := k.previous(ctx, row)
	if err != nil {
		return nil, nil, err
	}
	set, err := decidedOn(ctx, k.Store, row.ConnectionID, store.WorkPayout, row.PaymentReference, row.Revision)
	if err != nil {
		return nil, nil, err
	}
	accepted := set.Accepted()
	for reading := 1; ; reading++ {
		warnings := slices.Clone(listed.Warnings)
		tally, kept, announced, err := fetch(ctx, client, archive.NewWriter(keeper, row.ConnectionID, row.PaymentReference, kind), &payout, days, &warnings)
		if class := fault.ClassOf(err); class == fault.Rejected || class == fault.BadData && !again(ctx) {
			return nil, held.Because(held.BadData, err.Error()), k.keepEvidence(ctx, row, err)
		}
		if err != nil {
			return nil, nil, err
		}
		row.Rows = tally.Rows()
		if row.Warnings, err = warned(warnings); err != nil {
			return nil, nil, err
		}
		proof, err := settlement.Prove(payout, tally, announced, previous, accepted...)
		if err == nil {
			err = k.leadsOn(ctx, row, proof, accepted)
		}
		stop := heldFor(err)
		if stop != nil && reading == 1 && (stop.Code == held.RowsDiffer || stop.Code == held.RowsIncomplete) {
			continue // rows that moved from page to page while they were read are another set
		}
		if stop != nil {
			return nil, stop, nil
		}
		return &Proof{proof, kept}, nil, err
	}
}

// keepEvidence archives an answer that cannot be used, as received.
func (k *Klarna) keepEvidence(ctx context.Context, row *store.Payout, err error) error {
	var unusable *klarna.UnusableError
	if !errors.As(err, &unusable) {
		return nil
	}
	return k.keep(ctx, row, archive.KindUnusable, &unusable.Answer)
}
