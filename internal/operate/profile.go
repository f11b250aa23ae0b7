package operate

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"

	"kvitt/internal/klarna"
	"kvitt/internal/settlement"
	"kvitt/internal/store"
	"kvitt/internal/voucher"
	"kvitt/workflows"
)

// ProfileSet holds what setting a profile led to.
type ProfileSet struct {
	Version int
	Posting string // the connection's posting mode now
	Changed string // the posting mode, where the profile has changed it
	Told    int    // payouts that wait and look at the new version now
}

// SetProfile gives a connection a new version of its posting profile and tells
// the connection, and the payouts that wait, of it. What is posted keeps the
// version it used. Errors: store.ErrOutdated, *Error.
func (d *Desk) SetProfile(ctx context.Context, row *store.Connection, profile *voucher.Profile, r store.Revision) (ProfileSet, error) {
	attempted := "set the posting profile of the connection " + row.ID
	if row.State == workflows.ConnDisconnected {
		return ProfileSet{}, &Error{Attempted: attempted, Happened: "it is disconnected, which is final"}
	}
	r.Hash = profile.Hash()
	change := workflows.Settings{Posting: d.changedPosting(ctx, row, profile)}
	if change.Posting != "" && needsSecond(ctx, row) {
		return ProfileSet{}, &Error{
			Attempted: attempted, Happened: "it changes how vouchers are posted, from " + row.Posting + " to " + change.Posting + ", and this connection wants a second pair of eyes",
			Helps: "Leave posting.mode as it is. " + workflows.AskForSecond,
		}
	}
	r.VouchedBy = partyOf(ctx).vouchedBy
	version, err := d.Store.ReviseProfile(ctx, row.ID, r)
	if err != nil {
		return ProfileSet{}, err
	}
	change.ProfileVersion = version
	out := ProfileSet{Version: version, Changed: change.Posting}
	now, err := Give(ctx, d, row.ID, workflows.ConfigureConnection, workflows.ConnectionWorkflowID(row.ID), workflows.Configure{Settings: change, Who: r.Who}, SettingsWithin)
	if err != nil {
		return out, Unanswered(fmt.Sprintf("tell the connection %s of version %d of its profile, which is stored", row.ID, version), err, NoConnectionWorkflow(row))
	}
	out.Posting = now.Posting
	out.Told, err = d.tellPayouts(ctx, row.ID, version)
	return out, err
}

// changedPosting is the posting mode of a profile, where it is another one than
// that of the version in use; else "". A mode that was chosen for the connection
// itself stays as long as the profile does not change its mind.
func (d *Desk) changedPosting(ctx context.Context, row *store.Connection, profile *voucher.Profile) string {
	before, _, err := d.Doors.Profile(ctx, row.ID, row.ProfileVersion)
	if err != nil || before.Posting.Mode == profile.Posting.Mode || row.Posting == string(profile.Posting.Mode) {
		return ""
	}
	return string(profile.Posting.Mode)
}

// tellPayouts tells the payouts that wait of a new version.
func (d *Desk) tellPayouts(ctx context.Context, id string, version int) (told int, err error) {
	for _, state := range []string{workflows.StateHeld, workflows.StateAwaitingApproval} {
		waiting, err := d.Store.Payouts(ctx, store.PayoutFilter{Connection: id, State: state})
		if err != nil {
			return told, err
		}
		for i := range waiting {
			err := Tell(ctx, d.Temporal, workflows.ProfileChanged, workflows.PayoutWorkflowID(id, waiting[i].PaymentReference), version)
			switch {
			case errors.Is(err, ErrNotRunning): // the next sync starts it again
			case err != nil:
				return told, Unanswered("tell the payout "+waiting[i].PaymentReference+" of the new profile", err, nil)
			default:
				told++
			}
		}
	}
	return told, nil
}

// Latest stands for the latest payout that was proven.
const Latest = "latest"

// Rehearsal is a past payout compiled by the profile in use and by another one.
// Nothing of it is kept.
type Rehearsal struct {
	Payout store.Payout
	InUse  int // the version of the profile that Old was compiled by
	// Old and New are nil when the profile cannot book the payout; then OldWhy
	// and NewWhy say why.
	Old, New       *voucher.Voucher
	OldWhy, NewWhy string
	voucher.Comparison
}

// Rehearse compiles a payout that was proven before by the profile in use and by
// another one, and lays the vouchers beside each other. The proof stands in the
// database, so nobody else is asked. Which period is open, and what the company
// would refuse, is not looked at. Error: *Error when there is no such payout.
func (d *Desk) Rehearse(ctx context.Context, row *store.Connection, reference string, profile *voucher.Profile) (*Rehearsal, error) {
	attempted := "compile a past payout of the connection " + row.ID
	payout, err := d.provenPayout(ctx, row.ID, reference)
	if err != nil {
		return nil, err
	}
	var proof settlement.Proof
	switch {
	case payout == nil || len(payout.Proof) == 0:
		return nil, &Error{Attempted: attempted, Happened: "none has been proven yet", Err: store.ErrNotFound, Helps: "A sync or a backfill proves some."}
	case row.CompanyID == "":
		return nil, &Error{Attempted: attempted, Happened: "the company is not known yet", Helps: "Connect Visma.net first."}
	}
	if err := json.Unmarshal(payout.Proof, &proof); err != nil {
		return nil, fmt.Errorf("read the proof of payout %s: %w", payout.PaymentReference, err)
	}
	out := &Rehearsal{Payout: *payout}
	target := voucher.Target{Company: row.CompanyID, Provider: klarna.Provider(row.Provider).Name()}
	inUse, version, err := d.Doors.Profile(ctx, row.ID, 0)
	if err == nil {
		out.InUse = version
		out.Old, err = voucher.Compile(inUse, &proof, target)
	}
	out.OldWhy = why(err)
	out.New, err = voucher.Compile(profile, &proof, target)
	out.NewWhy = why(err)
	if out.Old != nil && out.New != nil {
		out.Comparison = voucher.Compare(out.Old, out.New)
	}
	return out, nil
}

func (d *Desk) provenPayout(ctx context.Context, connection, reference string) (*store.Payout, error) {
	if reference != "" && reference != Latest {
		p, err := d.Store.Payout(ctx, connection, reference)
		return &p, err
	}
	all, err := d.Store.ProvenPayouts(ctx, connection, 1)
	if err != nil || len(all) == 0 {
		return nil, err
	}
	return &all[0], nil
}

func why(err error) string {
	if err == nil {
		return ""
	}
	return Sentence(err)
}
