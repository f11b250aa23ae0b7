package portal

import (
	"context"
	"maps"
	"net/http"
	"slices"

	"kvitt/internal/operate"
	"kvitt/internal/store"
	"kvitt/workflows"
)

// mostPayouts is the number of payouts a page lists.
const mostPayouts = 100

// payoutList is the payouts of a connection, by state where one is chosen.
type payoutList struct {
	store.Connection
	State     string
	Payouts   []store.Payout
	Reversals map[string]*operate.Reversal // those that are held
	Elsewhere map[string]store.Decision    // batches of others that book payouts
	Pager     pager
}

// heldReversals is the state to list payouts by whose reversal is held.
const heldReversals = "reversal_held"

func (p *Portal) payouts(w http.ResponseWriter, r *http.Request) error {
	if r.URL.Query().Get("state") == workflows.StateAwaitingApproval {
		return p.review(w, r)
	}
	row, err := p.found(r)
	if err != nil {
		return err
	}
	list := payoutList{Connection: row, State: r.URL.Query().Get("state"), Pager: pagerOf(r, "page")}
	if list.Reversals, err = p.Desk.HeldReversals(r.Context(), row.ID); err != nil {
		return err
	}
	if list.Payouts, err = p.listPayouts(r.Context(), &list); err != nil {
		return err
	}
	if list.Elsewhere, err = p.Desk.Store.BookedElsewhere(r.Context(), row.ID); err != nil {
		return err
	}
	p.show(w, r, http.StatusOK, "payouts", list)
	return nil
}

func (p *Portal) listPayouts(ctx context.Context, list *payoutList) ([]store.Payout, error) {
	if list.State != heldReversals {
		all, err := p.Desk.Store.Payouts(ctx, store.PayoutFilter{
			Connection: list.ID, State: list.State, Newest: true, Offset: list.Pager.skip(mostPayouts), Limit: mostPayouts + 1,
		})
		return cut(&list.Pager, all, mostPayouts), err
	}
	var all []store.Payout
	for _, ref := range window(&list.Pager, slices.Sorted(maps.Keys(list.Reversals)), mostPayouts) {
		one, err := p.Desk.Store.Payout(ctx, list.ID, ref)
		if err != nil {
			return nil, err
		}
		all = append(all, one)
	}
	slices.SortFunc(all, func(a, b store.Payout) int { return b.Date.Compare(a.Date) })
	return all, nil
}
