package operate

import (
	"context"
	"errors"
	"slices"
	"strconv"
	"strings"

	"kvitt/internal/held"
	"kvitt/internal/posting"
	"kvitt/internal/settlement"
	"kvitt/internal/store"
	"kvitt/internal/visma"
	"kvitt/workflows"
)

// WayOut is one thing that a person can do about a held payout, with the command
// for just this one. Words in capitals are left to fill in.
type WayOut struct {
	Way      held.Way `json:"way"`
	Sentence string   `json:"sentence"`
	Command  string   `json:"command,omitempty"`
	Decision bool     `json:"decision,omitempty"` // recorded with its reason, and can be taken back

	// What a form is filled in with.
	Component  string `json:"component,omitempty"`
	Difference int64  `json:"difference,omitempty"`
	Amount     string `json:"-"` // the difference as a person writes it
	Batch      string `json:"batch_number,omitempty"`
}

// WaysOut lists what a person can do about a payout that waits, or about its
// reversal when that does.
func (d *Desk) WaysOut(ctx context.Context, row *store.Payout) ([]WayOut, error) {
	at, err := d.target(ctx, row, "", "")
	if err != nil || at.code == "" {
		return nil, err
	}
	why := HeldIn(row.Held)
	var all []WayOut
	for _, way := range waysOf(at) {
		out, ok := held.OutOf(way)
		if !ok {
			continue
		}
		one := WayOut{Way: way, Sentence: out.Sentence, Command: out.Command, Decision: out.Decision}
		switch {
		case way == held.Accept:
			all = append(all, acceptances(one, row, why.Acceptable)...)
			continue
		case at.sent != nil && way == held.AcceptBatch:
			one.Batch = at.sent.BatchNumber
		case way == held.Unrelated, way == held.Elsewhere && at.code == held.BookedElsewhere:
			if one.Batch, err = d.suspect(ctx, row); err != nil {
				return nil, err
			}
		}
		all = append(all, one.filled(row))
	}
	return all, nil
}

// waysOf are the ways out of a code that lead on as things are: what is in the
// books, or may be, can stay or be reversed, and never be closed.
func waysOf(at *target) []held.Way {
	reason, _ := held.Look(at.code)
	ways := slices.Clone(reason.Ways)
	if at.work == store.WorkReversal {
		ways = without(ways, held.Elsewhere, held.Unrelated, held.Accept, held.Keep, held.Reverse, held.Repost, held.Reject)
		if !at.inBooks() {
			ways = append(ways, held.Withdraw)
		}
		return ways
	}
	if !at.inBooks() {
		return without(ways, held.Keep, held.Reverse)
	}
	ways = without(ways, held.Elsewhere, held.Unrelated, held.Accept, held.Reject)
	if final := at.sent.State == posting.Verified || at.sent.State == posting.Draft; final && at.row.State == workflows.StateHeld {
		for _, way := range []held.Way{held.Retry, held.Keep, held.Reverse} {
			if !slices.Contains(ways, way) {
				ways = append(ways, way)
			}
		}
	}
	if posting.WhyNotReversible(at.row, at.sent, at.revision+1) != "" {
		ways = without(ways, held.Reverse)
	}
	if len(ways) == 0 {
		ways = []held.Way{held.Retry}
	}
	return ways
}

func without(ways []held.Way, some ...held.Way) []held.Way {
	return slices.DeleteFunc(ways, func(w held.Way) bool { return slices.Contains(some, w) })
}

// acceptances are one way for each difference that can be accepted.
func acceptances(one WayOut, row *store.Payout, differences []workflows.Acceptable) (all []WayOut) {
	for _, a := range differences {
		each := one
		each.Component, each.Difference, each.Amount = a.Component, a.Difference, settlement.Format(a.Difference, settlement.Currency(row.Currency))
		if a.Rows {
			each.Amount = strconv.FormatInt(a.Difference, 10)
		}
		if a.Component == "" {
			each.Command = strings.Replace(each.Command, " --component COMPONENT", "", 1)
		}
		if a.Rows || a.Difference == 0 { // it moves no money
			each.Command = strings.Replace(each.Command, "--account ACCOUNT", "--booked", 1)
		}
		all = append(all, each.filled(row))
	}
	return all
}

// filled writes what is known into the command.
func (o WayOut) filled(row *store.Payout) WayOut {
	words := strings.Fields(o.Command)
	for i, w := range words {
		switch value := map[string]string{
			"ID": row.ConnectionID, "REF": row.PaymentReference, "BATCH": o.Batch, "COMPONENT": o.Component, "DIFFERENCE": o.Amount,
		}[w]; {
		case value == "":
		case i > 0 && words[i-1] == "--difference":
			words[i-1], words[i] = "--difference="+value, ""
		default:
			words[i] = value
		}
	}
	o.Command = strings.Join(strings.Fields(strings.Join(words, " ")), " ")
	return o
}

// suspect is the batch of somebody else that carries a payout's reference.
func (d *Desk) suspect(ctx context.Context, row *store.Payout) (string, error) {
	connection, err := d.Store.Connection(ctx, row.ConnectionID)
	if err != nil {
		return "", err
	}
	seen, err := d.Store.SeenByReference(ctx, connection.CompanyID, row.PaymentReference)
	if err != nil {
		return "", err
	}
	all, err := d.Store.Decisions(ctx, row.ConnectionID, store.WorkPayout, row.PaymentReference)
	for i := range seen {
		said := slices.ContainsFunc(all, func(o store.Decision) bool {
			return o.InForce() && o.Kind == store.DecidedUnrelated && o.BatchNumber == seen[i].BatchNumber
		})
		_, failed := d.Store.Booking(ctx, connection.CompanyID, seen[i].Token)
		if !said && (seen[i].Token == "" || errors.Is(failed, store.ErrNotFound)) {
			return seen[i].BatchNumber, err
		}
	}
	return "", err
}

// ParseDifference reads a difference as `payout show` writes it: an amount in the
// currency's major unit, or a number of rows.
func ParseDifference(text, currency string, acceptable []workflows.Acceptable) (int64, error) {
	decimals, err := settlement.Currency(currency).Exponent()
	if err != nil || len(acceptable) > 0 && acceptable[0].Rows {
		decimals = 0
	}
	number, err := visma.ParseDecimal(strings.NewReplacer("−", "-", " ", "", "\u00a0", "", ",", ".").Replace(strings.TrimPrefix(text, "+")))
	if err != nil {
		return 0, err
	}
	return number.Minor(decimals)
}
