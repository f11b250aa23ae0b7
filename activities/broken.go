package activities

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"

	"kvitt/internal/archive"
	"kvitt/internal/fault"
	"kvitt/internal/held"
	"kvitt/internal/klarna"
	"kvitt/internal/settlement"
	"kvitt/internal/store"
	"kvitt/workflows"
)

// recorded is a payout as it is kept: what Klarna lists, and why that cannot be
// read. Of an entry that cannot be read nothing counts but its reference and its
// day, so that no figure of it gets into a sum or a balance.
type recorded struct {
	settlement.Payout
	Unreadable string          `json:"unreadable,omitempty"`
	Warnings   klarna.Warnings `json:"warnings,omitempty"`
}

// keepBroken records the entries of a page that cannot be read, each with the
// page as received, so that they are held alone as bad data.
func (k *Klarna) keepBroken(ctx context.Context, in workflows.ListPayoutsInput, page *klarna.Page[klarna.Payout]) ([]string, error) {
	var refs []string
	for i := range page.Broken {
		b := &page.Broken[i]
		if !b.Date.IsZero() && (b.Date.Before(in.Window.From) || !b.Date.Before(in.Window.To)) {
			continue
		}
		row, err := rowOf(in.Connection, recorded{
			Payout:     settlement.Payout{PaymentReference: b.ID(), Date: b.Date},
			Unreadable: fmt.Sprintf("Klarna's entry for the payout cannot be read: %s", b.Err),
		})
		if err != nil {
			return nil, err
		}
		news, due, err := k.brokenNews(ctx, &row)
		if err != nil {
			return nil, err
		}
		if due {
			refs = append(refs, row.PaymentReference)
		}
		if !news {
			continue
		}
		if due {
			if _, err := k.Store.UpsertPayouts(ctx, in.Connection, []store.Payout{row}); err != nil {
				return nil, err
			}
		}
		if err := k.keep(ctx, &row, archive.KindUnusable, &page.Answer); err != nil {
			return nil, err
		}
	}
	return refs, nil
}

// brokenNews tells whether an entry that cannot be read says something new, and
// whether the payout is due because of it. Figures that were read before stay:
// what cannot be read does not contradict them.
func (k *Klarna) brokenNews(ctx context.Context, row *store.Payout) (news, due bool, err error) {
	known, err := k.Store.Payout(ctx, row.ConnectionID, row.PaymentReference)
	switch {
	case errors.Is(err, store.ErrNotFound):
		return true, true, nil
	case err != nil:
		return false, false, err
	}
	why, err := unreadable(&known)
	if err != nil || why == "" {
		return err == nil, true, err
	}
	same, err := sameFigures(known.Payout, row.Payout)
	return !same, true, err
}

// unreadable returns why the entry that is kept of a payout cannot be read, "" when
// it can.
func unreadable(row *store.Payout) (string, error) {
	var kept recorded
	if err := json.Unmarshal(row.Payout, &kept); err != nil {
		return "", fmt.Errorf("read the recorded payout %s: %w", row.PaymentReference, err)
	}
	return kept.Unreadable, nil
}

// stillUnreadable holds a payout whose entry was asked for again and is no better.
func (k *Klarna) stillUnreadable(ctx context.Context, row *store.Payout, err error) (*workflows.Held, error) {
	if err == nil {
		return nil, nil //nolint:nilnil // it can be read
	}
	why, readErr := unreadable(row)
	switch class := fault.ClassOf(err); {
	case readErr != nil:
		return nil, readErr
	case class == fault.BadData && !again(ctx), class == fault.Rejected && why != "":
		return held.Because(held.BadData, err.Error()), k.keepEvidence(ctx, row, err)
	}
	return nil, err
}

// warned returns how warnings are kept.
func warned(w klarna.Warnings) (json.RawMessage, error) {
	if len(w) == 0 {
		return nil, nil
	}
	return json.Marshal(w.Sorted())
}
