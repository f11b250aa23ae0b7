package activities

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"time"

	"kvitt/internal/access"
	"kvitt/internal/company"
	"kvitt/internal/held"
	"kvitt/internal/posting"
	"kvitt/internal/settlement"
	"kvitt/internal/store"
	"kvitt/internal/visma"
	"kvitt/internal/visma/connect"
	"kvitt/internal/voucher"
	"kvitt/workflows"
)

// Visma has the activities that talk to Visma.net.
type Visma struct {
	Doors *access.Doors
	Store *store.Store
	// Instructions prove who asked for an accrual.
	Instructions Instructions
	UnknownWait  time.Duration
	// GrantLifetime limits how long an interactive consent lives.
	GrantLifetime time.Duration
	// CSVPatience limits how long a booked batch waits for Klarna's CSV; four hours
	// when zero, which leaves the step time for all else.
	CSVPatience time.Duration

	scans posting.Scans
}

// CompileVoucher compiles a proven payout by the connection's profile, checks
// it against the company, and decides whether a person has to see it first.
func (v *Visma) CompileVoucher(ctx context.Context, in workflows.PayoutRef) (workflows.Compiled, error) {
	row, err := v.Store.Payout(ctx, in.Connection, in.PaymentReference)
	if err != nil {
		return workflows.Compiled{}, err
	}
	var proof Proof
	if err := json.Unmarshal(row.Proof, &proof); err != nil {
		return workflows.Compiled{}, fmt.Errorf("read the proof of payout %s: %w", in.PaymentReference, err)
	}
	draft, stop, err := v.compile(ctx, &row, proof.Proof, v.archivedDays(&row))
	if err != nil || stop != nil {
		return workflows.Compiled{Held: stop}, err
	}
	out := workflows.Compiled{VoucherHash: draft.voucher.Seal(), Periods: draft.periods, Split: draft.voucher.Splits()}
	if out.Draft, out.NeedsApproval, err = v.mode(ctx, in.Connection, draft.profile, draft.version); err != nil {
		return out, err
	}
	if !out.NeedsApproval && !out.Draft {
		if out.NeedsApproval, err = v.secondLook(ctx, &row); err != nil {
			return out, err
		}
	}
	if draft.bound {
		out.NeedsApproval = false // it was decided before it was posted
	}
	document, err := json.Marshal(draft.voucher)
	if err != nil {
		return out, fmt.Errorf("record the voucher of payout %s: %w", in.PaymentReference, err)
	}
	return out, v.Store.UpdatePayout(ctx, in.Connection, in.PaymentReference, func(p *store.Payout) error {
		p.State, p.HeldReason, p.Held = workflows.StateCompiled, "", nil
		p.Voucher, p.VoucherHash, p.ProfileVersion = document, out.VoucherHash, draft.version
		return nil
	}, nil)
}

// compiled is a voucher with what it takes to post it.
type compiled struct {
	voucher *voucher.Voucher
	periods []string
	profile *voucher.Profile
	version int
	bound   bool // an earlier attempt may have posted it

	provider string // who pays out, as texts name it
}

// compile makes the voucher of a payout. Once anything may have been posted,
// the profile version and the date of that attempt are used again, so that
// only a change of Klarna's figures leads to another voucher.
func (v *Visma) compile(ctx context.Context, row *store.Payout, proof *settlement.Proof, days capturedDays) (*compiled, *workflows.Held, error) {
	firm, stop, err := v.company(ctx, row.ConnectionID)
	if err != nil || stop != nil {
		return nil, stop, err
	}
	token := voucher.Token(row.MerchantID, row.PaymentReference, firm.ID, row.Revision)
	before, err := v.Store.Booking(ctx, firm.ID, token)
	if err != nil && !errors.Is(err, store.ErrNotFound) {
		return nil, nil, err
	}
	out := &compiled{bound: err == nil && posting.Bound(before.State)}
	version := 0
	if out.bound && before.ConnectionID == row.ConnectionID {
		version = row.ProfileVersion
	}
	out.profile, out.version, err = v.Doors.Profile(ctx, row.ConnectionID, version)
	if err != nil {
		return nil, heldFor(err), unlessHeld(err)
	}
	target := voucher.Target{Company: firm.ID, Revision: row.Revision, Posted: out.bound}
	if target.Provider, err = v.provider(ctx, row.ConnectionID); err != nil {
		return nil, nil, err
	}
	out.provider = target.Provider
	compiled := func(t voucher.Target) (*voucher.Voucher, error) { return voucher.Compile(out.profile, proof, t) }
	var posted voucher.Voucher
	if !out.bound {
		out.voucher, err = compiled(target)
	} else if err = json.Unmarshal(before.Voucher, &posted); err != nil {
		return nil, nil, fmt.Errorf("read the posted voucher of payout %s: %w", row.PaymentReference, err)
	} else {
		out.voucher, err = inWordsOf(&posted, target, compiled)
	}
	if err != nil {
		return nil, heldFor(err), unlessHeld(err)
	}
	if out.bound {
		out.periods, out.voucher.Earlier = []string{before.Period}, posted.Earlier
		if len(row.Voucher) > 0 {
			var latest voucher.Voucher
			if err := json.Unmarshal(row.Voucher, &latest); err != nil {
				return nil, nil, fmt.Errorf("read the voucher of payout %s: %w", row.PaymentReference, err)
			}
			out.voucher.Earlier = latest.Earlier
		}
		if err := v.keepPosted(ctx, row, out, &before); err != nil {
			return nil, nil, err
		}
	} else if stop, err := v.place(ctx, row, out, firm, proof, days); stop != nil || err != nil {
		v.Doors.ForgetCompany(row.ConnectionID)
		return nil, stop, err
	}
	if err := out.voucher.Check(); err != nil {
		return nil, heldFor(err), unlessHeld(err)
	}
	return out, nil, nil
}

// dated gives a voucher the date under which it was posted before, with the
// texts of that version of Kvitt: an early one did not name the original date.
func dated(v, posted *voucher.Voucher) {
	plain := *v
	plain.Date = posted.Date
	if plain.Hash() == posted.Hash() {
		*v = plain
		return
	}
	v.MoveTo(posted.Date)
}

// unlessHeld is the error itself when it is not a reason to hold.
func unlessHeld(err error) error {
	if heldFor(err) != nil {
		return nil
	}
	return err
}

// company is the connection's company, which must be the one it was made for.
func (v *Visma) company(ctx context.Context, connection string) (*company.Company, *workflows.Held, error) {
	row, err := v.Store.Connection(ctx, connection)
	if err != nil {
		return nil, nil, err
	}
	firm, err := v.Doors.Company(ctx, connection)
	if err != nil {
		return nil, nil, err
	}
	if row.CompanyID != firm.ID {
		return nil, held.Becausef(held.CompanyChanged, "this connection was made for company %s %s, and Visma.net answers for %s", row.CompanyID, row.CompanyName, firm), nil
	}
	return firm, nil, nil
}

// place finds the financial periods of a voucher and asks whether the company
// takes it.
func (v *Visma) place(ctx context.Context, row *store.Payout, out *compiled, firm *company.Company, proof *settlement.Proof, days capturedDays) (*workflows.Held, error) {
	if stop, err := v.inPeriod(ctx, row.ConnectionID, out, firm); stop != nil || err != nil {
		return stop, err
	}
	if stop, err := v.split(ctx, row, out, firm, proof, days); stop != nil || err != nil {
		return stop, err
	}
	return taken(firm, out.voucher), nil
}

// taken asks whether the company takes a voucher.
func taken(firm *company.Company, document *voucher.Voucher) *workflows.Held {
	problems := firm.Check(document.Uses())
	if len(problems) == 0 {
		return nil
	}
	words := make([]string, len(problems))
	for i, p := range problems {
		words[i] = p.Detail
	}
	return held.Because(problems[0].Code, strings.Join(words, "; "))
}

// inPeriod finds the financial period that a voucher itself goes into. One that
// stands in a period which was closed since stays there.
func (v *Visma) inPeriod(ctx context.Context, connection string, out *compiled, firm *company.Company) (*workflows.Held, error) {
	day := visma.DateOf(out.voucher.Date.Time())
	period, err := firm.Calendar.Of(day)
	var closed *visma.PeriodError
	switch {
	case err == nil:
		out.periods = since(firm.Calendar, day, period.ID)
		return nil, nil //nolint:nilnil // nothing stops it
	case !errors.As(err, &closed):
		return held.Because(held.PeriodMissing, err.Error()), nil
	case closed.Period == nil:
		return held.Because(held.Code(closed.Code()), err.Error()), nil
	}
	there, failed := v.stands(ctx, connection, firm, closed.Period.ID, out.voucher.Token)
	switch next := closed.NextOpen; {
	case failed != nil:
		return nil, failed
	case there:
		out.periods = since(firm.Calendar, day, closed.Period.ID)
	case next != nil && out.profile.Periods.Policy == voucher.NextOpen:
		out.voucher.MoveTo(dateOf(next.Start))
		out.periods = since(firm.Calendar, day, next.ID)
	default:
		return held.Because(held.Code(closed.Code()), err.Error()), nil
	}
	return nil, nil //nolint:nilnil // nothing stops it
}

// stands tells whether a batch with that token is in the books of a period.
func (v *Visma) stands(ctx context.Context, connection string, firm *company.Company, period, token string) (bool, error) {
	client, err := v.Doors.Visma(ctx, connection)
	if err != nil {
		return false, err
	}
	return v.postsTo(ctx, client).Stands(ctx, firm.ID, period, token)
}

// since are the periods in which an earlier installation may have booked a
// payout of that day, the one to post into last: a period that was closed then
// had it post into a later one.
func since(calendar *visma.Calendar, day visma.Date, target string) []string {
	var out []string
	today := visma.DateOf(time.Now())
	for _, p := range calendar.Periods() {
		if p.End.Compare(day) >= 0 && p.Start.Compare(today) <= 0 && p.ID != target {
			out = append(out, p.ID)
		}
	}
	return append(out, target)
}

// mode decides how a voucher goes into the books: the connection's posting mode
// rules, and in the mode auto a person still sees the first vouchers of the
// connection and the first ones after a change of its profile.
func (v *Visma) mode(ctx context.Context, connection string, profile *voucher.Profile, version int) (isDraft, needsApproval bool, err error) {
	row, err := v.Store.Connection(ctx, connection)
	if err != nil {
		return false, false, err
	}
	switch row.Posting {
	case string(voucher.Draft):
		return true, false, nil
	case string(voucher.Review):
		return false, true, nil
	}
	afterChange := profile.Posting.ReviewAfterChange
	switch {
	case row.FourEyes: // no version of the profile gets around the second pair
		afterChange = max(1, afterChange)
	case version == 1: // it was never changed
		afterChange = 0
	}
	for _, ask := range []struct{ first, version int }{{profile.Posting.ReviewFirst, 0}, {afterChange, version}} {
		if ask.first == 0 {
			continue
		}
		done, err := v.Store.Payouts(ctx, store.PayoutFilter{
			Connection: connection, State: workflows.StateVerified, Version: ask.version, Limit: ask.first,
		})
		if err != nil || len(done) < ask.first {
			return false, err == nil, err
		}
	}
	return false, false, nil
}

// VerifyVisma reads from Visma.net for real with a grant, and makes sure that
// it is for the same company as before.
func (v *Visma) VerifyVisma(ctx context.Context, in workflows.VerifyInput) (workflows.Verified, error) {
	out, err := v.verify(ctx, in)
	stop := refusal(err)
	if err == nil && !out.OK {
		stop, err = &out, nil
	}
	if stop != nil {
		if in.Candidate {
			return *stop, v.Doors.Vault.Delete(ctx, in.Connection, access.FieldVismaCandidate)
		}
		return *stop, nil
	}
	if err != nil || !in.Candidate {
		return out, err
	}
	return out, v.Doors.Promote(ctx, in.Connection, access.FieldVismaCandidate, access.FieldVisma)
}

func (v *Visma) verify(ctx context.Context, in workflows.VerifyInput) (workflows.Verified, error) {
	open := v.Doors.Visma
	if in.Candidate {
		open = v.Doors.VismaCandidate
	}
	if !in.Candidate {
		v.Doors.AskAgain(in.Connection)
	}
	client, err := open(ctx, in.Connection)
	if err != nil {
		return workflows.Verified{}, err
	}
	org, err := client.Organization(ctx)
	if err != nil {
		return workflows.Verified{}, err
	}
	id := company.Identity(org)
	if in.ExpectCompany != "" && in.ExpectCompany != id {
		entry, _ := held.Look(held.CompanyChanged)
		return workflows.Verified{
			Code:   workflows.RefusedCompany,
			Words:  fmt.Sprintf("This connection belongs to company %s, and this authorisation is for company %s %s.", in.ExpectCompany, id, org.Name),
			Remedy: entry.Remedy,
		}, nil
	}
	flow, consented, err := v.Doors.Flow(ctx, in.Connection, in.Candidate)
	out := workflows.Verified{OK: true, Company: id, CompanyName: org.Name, BaseCurrency: org.BaseCurrencyID(), Flow: flow}
	if flow == connect.FlowInteractive {
		out.Consented, out.Lifetime = consented, v.GrantLifetime
	}
	return out, err
}

// EraseSecrets revokes what can be revoked and erases the secrets of a
// connection. A revocation that fails is audited and does not keep the secrets
// alive.
func (v *Visma) EraseSecrets(ctx context.Context, in workflows.VerifyInput) (workflows.Nothing, error) {
	return workflows.Nothing{}, v.Doors.Disconnect(ctx, in.Connection, func(why error) error {
		failure, err := json.Marshal(map[string]string{"error": why.Error()})
		if err != nil {
			return fmt.Errorf("record that the tokens were not revoked: %w", err)
		}
		return v.Store.Audit(ctx, store.AuditEntry{
			Who: cmp.Or(in.Who, "kvitt"), ConnectionID: in.Connection, Subject: "visma", Action: "tokens.not_revoked", After: failure,
		})
	})
}
