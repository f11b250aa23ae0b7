package portal

import (
	"slices"

	"kvitt/internal/held"
	"kvitt/internal/operate"
	"kvitt/internal/store"
	"kvitt/workflows"
)

// doing describes how a page lets somebody take a way out: a form that is sent to the
// payout, or a link to the page of the connection where it is done.
type doing struct {
	Post   string // path below the payout
	Kind   string // of the decision that the form takes
	Link   string // path below the connection
	Role   string // who may
	Words  string // key of the words on the button or link
	Reason string // key of the label of the reason that the form asks for
	Danger bool
}

func decided(kind, words string) doing {
	return doing{Post: "decisions", Kind: kind, Role: "approver", Words: "way." + words + "_do", Reason: "ways.reason"}
}

// doings are what a page has for each way. One that needs nobody has none.
var doings = map[held.Way]doing{
	held.Accept:      decided(store.DecidedAccept, "accept"),
	held.Elsewhere:   decided(store.DecidedElsewhere, "booked-elsewhere"),
	held.Unrelated:   decided(store.DecidedUnrelated, "unrelated"),
	held.AcceptBatch: decided(store.DecidedBatch, "accept-batch"),
	held.Keep:        decided(store.DecidedKeep, "keep"),
	held.Retry:       {Post: "retry", Role: "approver", Words: "payout.retry"},
	held.Visma:       {Post: "retry", Role: "approver", Words: "payout.retry"},
	held.Approve:     {Post: "approve", Role: "approver", Words: "payout.approve"},
	held.Reject:      {Post: "reject", Role: "approver", Words: "payout.reject", Reason: "payout.reason", Danger: true},
	held.Reverse:     {Post: "reverse", Role: "approver", Words: "payout.reverse", Reason: "payout.why", Danger: true},
	held.Repost:      {Post: "repost", Role: "approver", Words: "payout.repost", Reason: "payout.why"},
	held.Withdraw:    {Post: "reversal/withdraw", Role: "approver", Words: "way.withdraw_do", Reason: "ways.reason", Danger: true},
	held.Profile:     {Link: "profile/edit", Role: "administrator", Words: "way.profile_do"},
	held.Backfill:    {Link: "", Role: "approver", Words: "way.backfill_do"},
	held.KlarnaKey:   {Link: "klarna", Role: "administrator", Words: "way.klarna-key_do"},
	held.Authorize:   {Link: "visma", Role: "administrator", Words: "way.authorize_do"},
}

// Offer is a way out of what a payout waits for, and how the page does it.
type Offer struct {
	operate.WayOut
	Do doing
}

// offered makes offers of the ways out. Two ways that end with the same button
// have it once, and a held payout can always be tried again, or closed where
// nothing of it may be in the books.
func (at *payoutPage) offered(ways []operate.WayOut, inBooks bool) (all []Offer) {
	shown := func(post string) bool {
		return slices.ContainsFunc(all, func(o Offer) bool { return o.Do.Post == post })
	}
	add := func(w operate.WayOut) {
		do := doings[w.Way]
		if do.Post == "retry" && at.Reversal != nil {
			do.Post = "reversal/retry"
		}
		if do.Post != "" && do.Kind == "" && shown(do.Post) {
			do = doing{} // the button is there
		}
		all = append(all, Offer{w, do})
	}
	for _, w := range ways {
		add(w)
	}
	again := at.Reversal != nil || at.State == workflows.StateHeld
	if again && !shown("retry") && !shown("reversal/retry") {
		add(operate.WayOut{Way: held.Retry})
	}
	waits := at.State == workflows.StateHeld || at.State == workflows.StateAwaitingApproval
	if waits && at.Reversal == nil && !inBooks && !shown("reject") {
		add(operate.WayOut{Way: held.Reject})
	}
	return all
}
