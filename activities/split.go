package activities

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"kvitt/internal/company"
	"kvitt/internal/held"
	"kvitt/internal/posting"
	"kvitt/internal/report"
	"kvitt/internal/settlement"
	"kvitt/internal/store"
	"kvitt/internal/visma"
	"kvitt/internal/voucher"
	"kvitt/workflows"
)

// capturedDays tells on which days the rows of a payout were captured.
type capturedDays func(ctx context.Context, zone *time.Location) (*voucher.Days, error)

// archivedDays reads them from the archived rows that the proof rests on.
func (v *Visma) archivedDays(row *store.Payout) capturedDays {
	return func(ctx context.Context, zone *time.Location) (*voucher.Days, error) {
		made := report.Reports{Source: v.Store, Connection: store.Connection{ID: row.ConnectionID}, Zone: zone}
		return made.CapturedDays(ctx, row)
	}
}

// split adds what the payout has to do with earlier periods, where the profile
// wants that: for each period that ended before the voucher's own day, what was
// captured by its end.
func (v *Visma) split(ctx context.Context, row *store.Payout, out *compiled, firm *company.Company, proof *settlement.Proof, days capturedDays) (*workflows.Held, error) {
	if !out.profile.Periods.Split {
		return nil, nil //nolint:nilnil // nothing stops it
	}
	captured, err := days(ctx, out.profile.Location())
	if err != nil {
		return nil, err
	}
	paid := voucher.DateOf(proof.Payout.Date, out.profile.Location())
	if captured.Undated > 0 {
		return held.Becausef(held.SplitUnclear, "rows of payout %s without a capture date: %d; it is not known to which period they belong", row.PaymentReference, captured.Undated), nil
	}
	captures := captured.Captures(proof)
	for _, period := range endedBefore(firm, &captures, paid) {
		share, err := captures.UpTo(dateOf(period.End))
		if err != nil {
			return nil, err
		}
		part, stop, err := v.part(ctx, row, out, firm, period, share)
		if err != nil || stop != nil {
			return stop, err
		}
		if part != nil {
			out.voucher.Earlier = append(out.voucher.Earlier, *part)
		}
	}
	return nil, nil //nolint:nilnil // nothing stops it
}

// endedBefore are the periods from the first capture on that ended before the
// payout.
func endedBefore(firm *company.Company, captures *voucher.Captures, paid voucher.Date) (ended []visma.Period) {
	first := paid
	for day := range captures.Days {
		if day.Before(first) {
			first = day
		}
	}
	for _, p := range firm.Calendar.Periods() {
		if end := dateOf(p.End); !end.Before(first) && end.Before(paid) {
			ended = append(ended, p)
		}
	}
	return ended
}

// part returns what the payout books in one earlier period; nil when that comes to
// nothing. What is on its way there stays what it is.
func (v *Visma) part(ctx context.Context, row *store.Payout, out *compiled, firm *company.Company, period visma.Period, share voucher.Share) (*voucher.Part, *workflows.Held, error) {
	accrued := voucher.Accrued{
		MerchantID: row.MerchantID, Company: firm.ID, At: dateOf(period.End), Currency: settlement.Currency(row.Currency),
		PaymentReference: row.PaymentReference, Provider: out.provider, Shares: []voucher.Share{share},
	}
	part := &voucher.Part{At: accrued.At, Period: period.ID}
	sent, posted, err := v.bound(ctx, firm.ID, accrued.Token())
	if err != nil || sent != nil {
		if sent != nil {
			part.Period, part.Batch = sent.Period, posted
		}
		return part, nil, err
	}
	if stop, err := v.accruedInAll(ctx, &accrued); stop != nil || err != nil {
		return nil, stop, err
	}
	part.Batch, err = voucher.Accrue(out.profile, &accrued)
	var nothing *voucher.NothingAccruedError
	switch {
	case errors.As(err, &nothing):
		return nil, nil, nil
	case err != nil:
		return nil, heldFor(err), unlessHeld(err)
	}
	closed, err := v.whyClosed(ctx, row.ConnectionID, firm, period, part.Batch.Token)
	if err != nil || closed == nil {
		return part, nil, err
	}
	if out.profile.Periods.Policy != voucher.NextOpen {
		return nil, closed, nil
	}
	part.Batch, part.Why = nil, closed.Detail
	return part, nil, nil
}

// accruedInAll stops a split that an accrual in the books may hold already.
func (v *Visma) accruedInAll(ctx context.Context, part *voucher.Accrued) (*workflows.Held, error) {
	all := *part
	all.PaymentReference = ""
	row, _, err := v.bound(ctx, part.Company, all.Token())
	if err != nil || row == nil {
		return nil, err
	}
	return held.Becausef(held.SplitUnclear, "what was captured by %s and not paid out is accrued already (%s, batch %s), and the payout may be in it",
		part.At, row.Name, cmp.Or(row.BatchNumber, "none yet")), nil
}

// whyClosed says why a batch that takes itself back cannot be booked in a
// period: it is closed, or the one that follows is. One that stands there already
// is not booked again.
func (v *Visma) whyClosed(ctx context.Context, connection string, firm *company.Company, period visma.Period, token string) (*workflows.Held, error) {
	closed := period.ID
	switch {
	case period.Open() && takesBack(firm, period):
		return nil, nil //nolint:nilnil // nothing stops it
	case period.Open():
		closed = "that follows " + period.ID
	}
	there, err := v.stands(ctx, connection, firm, period.ID, token)
	if err != nil || there {
		return nil, err
	}
	return held.Becausef(held.PeriodClosed, "a part of the payout was captured in the period %s of %s, and the period %s is not open", period.ID, firm, closed), nil
}

func dateOf(d visma.Date) voucher.Date {
	return voucher.Date{Year: d.Year, Month: d.Month, Day: d.Day}
}

// PostSplit books the parts of a payout that belong to earlier periods, each
// exactly once, after the payout itself. The profile is looked at again: a
// person may have given up the split of a payout that waits for a period.
func (v *Visma) PostSplit(ctx context.Context, in workflows.PostInput) (workflows.Posted, error) {
	payout, err := v.draftPayout(ctx, in)
	if err != nil {
		return workflows.Posted{}, err
	}
	for i := range payout.Voucher.Earlier {
		if payout.Voucher.Earlier[i].Batch == nil {
			continue
		}
		b := v.draftPart(payout, in.PayoutRef, &payout.Voucher.Earlier[i])
		wanted, stop, err := v.stillWanted(ctx, in.PayoutRef, &b.Intent)
		switch {
		case err != nil || stop != nil:
			return workflows.Posted{Held: stop}, err
		case !wanted:
			continue
		}
		if got, err := v.post(ctx, b); err != nil || got.LookAgain > 0 || got.Held != nil {
			return got, err
		}
		if got, err := v.complete(ctx, b); err != nil || got.Held != nil {
			return workflows.Posted{Held: got.Held}, err
		}
	}
	return workflows.Posted{}, nil
}

// draftPart drafts one part of a payout that is drafted.
func (v *Visma) draftPart(payout *booking, ref workflows.PayoutRef, part *voucher.Part) *booking {
	b := &booking{Intent: posting.Intent{
		Connection: payout.Connection, Company: payout.Company, Kind: store.KindPart, Payout: ref.PaymentReference, Day: part.At.String(),
		Voucher: part.Batch, Periods: []string{part.Period}, Draft: payout.Draft, Again: payout.Again,
	}, anyBranch: payout.Voucher.Branch != ""}
	b.posted = func(_ context.Context, out *workflows.Posted) error {
		if out.Held != nil && out.LookAgain == 0 {
			v.Doors.ForgetCompany(ref.Connection) // a person will now correct something there
		}
		return nil
	}
	b.attach = func(ctx context.Context, attach posting.Attach) error {
		a, err := v.attached(ctx, ref.Connection)
		if err != nil {
			return err
		}
		return attach(ctx, visma.Bytes("kvitt."+strings.ReplaceAll(b.Voucher.PaymentReference, " ", ".")+".txt", a.part(ref, b.Voucher)))
	}
	return b
}

// stillWanted looks whether a part is still to be booked; one that is given up
// is in the audit trail. What is on its way stays what it is.
func (v *Visma) stillWanted(ctx context.Context, ref workflows.PayoutRef, own *posting.Intent) (bool, *workflows.Held, error) {
	sent, document, err := v.bound(ctx, own.Company, own.Voucher.Token)
	if err != nil || sent != nil {
		if sent != nil {
			own.Periods, own.Draft, own.Voucher = []string{sent.Period}, sent.Mode == "draft", document
		}
		return true, nil, err
	}
	profile, _, err := v.Doors.Profile(ctx, ref.Connection, 0)
	if err != nil {
		return false, heldFor(err), unlessHeld(err)
	}
	firm, stop, err := v.company(ctx, ref.Connection)
	if err != nil || stop != nil {
		return false, stop, err
	}
	why := "the posting profile no longer splits payouts"
	if profile.Periods.Split {
		period, ok := firm.Calendar.Period(own.Periods[0])
		closed := held.Becausef(held.PeriodMissing, "%s has no period %s any more", firm, own.Periods[0])
		if ok {
			closed, err = v.whyClosed(ctx, ref.Connection, firm, period, own.Voucher.Token)
		}
		switch {
		case err != nil:
			return false, nil, err
		case closed == nil:
			return true, nil, nil
		case profile.Periods.Policy != voucher.NextOpen:
			v.Doors.ForgetCompany(ref.Connection)
			return false, closed, nil
		}
		why = closed.Detail
	}
	left, err := json.Marshal(map[string]string{"period": own.Periods[0], "why": why})
	if err != nil {
		return false, nil, fmt.Errorf("record that %s is not booked: %w", own.Voucher.PaymentReference, err)
	}
	return false, nil, v.Store.Audit(ctx, store.AuditEntry{Who: "kvitt", ConnectionID: ref.Connection, Subject: "payout/" + ref.PaymentReference, Action: "payout.split_left_out", After: left})
}

func (a attached) part(ref workflows.PayoutRef, v *voucher.Voucher) []byte {
	var b strings.Builder
	b.WriteString(a.say("%s payout %s: what of it was captured up to and including %s, in an earlier period than it was paid out", a.provider, ref.PaymentReference, v.Date) + "\n")
	a.writeVoucher(&b, v)
	b.WriteString("\n" + a.say(takesItselfBack) + "\n" +
		a.say("Its rows, their digest and the proof stand in %s, on the batch of the payout itself.", "kvitt."+ref.PaymentReference+".txt") + "\n" + a.say("Voucher hash %s", v.Hash()) + "\n")
	return []byte(b.String())
}

// splitAt are the payouts whose part of an earlier period is booked, or may be,
// on a day.
func (v *Visma) splitAt(ctx context.Context, connection string, at voucher.Date) ([]string, error) {
	all, err := v.Store.Bookings(ctx, connection, "", store.KindPart)
	var names []string
	for i := range all {
		if all[i].Day == at.String() && posting.Bound(all[i].State) {
			names = append(names, all[i].PaymentReference)
		}
	}
	slices.Sort(names)
	return names, err
}
