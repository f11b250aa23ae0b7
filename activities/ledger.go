package activities

import (
	"context"
	"encoding/json"
	"fmt"
	"strings"
	"time"

	"go.temporal.io/sdk/temporal"

	"kvitt/internal/access"
	"kvitt/internal/held"
	"kvitt/internal/instruct"
	"kvitt/internal/notice"
	"kvitt/internal/report"
	"kvitt/internal/settlement"
	"kvitt/internal/store"
	"kvitt/internal/voucher"
	"kvitt/workflows"
)

// Ledger has the activities that use Kvitt's own database only.
type Ledger struct {
	Store *store.Store
	Doors *access.Doors
	// Instructions prove who asked for what.
	Instructions Instructions
}

// A scheduled sync overlaps the one before by this much, because Klarna has no
// "changed since" and may report a payout late.
const overlap = 14 * 24 * time.Hour

const defaultConcurrency = 8

// BeginSync decides the windows of a sync and records that it began.
func (l *Ledger) BeginSync(ctx context.Context, in workflows.BeginSyncInput) (workflows.Plan, error) {
	if err := l.mayBackfill(ctx, in.SyncInput); err != nil {
		return workflows.Plan{}, err
	}
	connection, err := l.Store.Connection(ctx, in.Connection)
	if err != nil {
		return workflows.Plan{}, err
	}
	profile, _, err := l.Doors.Profile(ctx, in.Connection, 0)
	if err != nil {
		return workflows.Plan{}, err
	}
	var span workflows.Window
	if in.Mode == workflows.ModeBackfill {
		if span, err = Days(in.From, in.To, profile.Location()); err != nil {
			return workflows.Plan{}, temporal.NewNonRetryableApplicationError(err.Error(), "days", nil)
		}
	} else if span, err = l.sliding(ctx, connection, in.Nominal, profile); err != nil {
		return workflows.Plan{}, err
	}
	if first := profile.Start; !first.IsZero() && span.From.Before(startOf(first, profile.Location())) && span.To.After(span.From) {
		return workflows.Plan{}, temporal.NewNonRetryableApplicationError(fmt.Sprintf(
			"begin the sync of connection %s: its posting profile posts nothing from before %s. Begin on that day, or change `start` in the profile", in.Connection, first), "before_start", nil)
	}
	plan := workflows.Plan{RunID: in.RunID, Concurrency: in.Concurrency, Windows: months(span, profile.Location())}
	if plan.Concurrency <= 0 {
		plan.Concurrency = defaultConcurrency
	}
	return plan, l.Store.PutSyncRun(ctx, store.SyncRun{
		ID: in.RunID, ConnectionID: in.Connection, Mode: modeOf(in.Mode, in.DryRun), From: span.From, To: span.To, StartedAt: time.Now(),
	})
}

// mayBackfill refuses a backfill that nobody is known to have asked for. The
// schedule and the connection start the other syncs.
func (l *Ledger) mayBackfill(ctx context.Context, in workflows.SyncInput) error {
	if in.Mode != workflows.ModeBackfill {
		return nil
	}
	why, err := prove(ctx, l.Instructions, in.Connection, workflows.Instruction{
		ID: in.Instruction, Action: workflows.ActionBackfill, Who: in.Who, Digest: workflows.DigestOf(in),
	})
	if err == nil && why != "" {
		err = temporal.NewNonRetryableApplicationError("begin the backfill of connection "+in.Connection+": "+why, workflows.RefusedErrorType, nil, workflows.RefusedInstruction)
	}
	return err
}

func modeOf(mode string, dryRun bool) string {
	if dryRun {
		return "dry_run"
	}
	return mode
}

// Days is the half-open span in UTC of the days from and to, both included, in
// the company's zone.
func Days(from, to string, zone *time.Location) (workflows.Window, error) {
	first, err := time.ParseInLocation(time.DateOnly, from, zone)
	if err != nil {
		return workflows.Window{}, fmt.Errorf("read the first day: %q is not a day such as 2026-01-31", from)
	}
	last, err := time.ParseInLocation(time.DateOnly, to, zone)
	if err != nil {
		return workflows.Window{}, fmt.Errorf("read the last day: %q is not a day such as 2026-01-31", to)
	}
	if last.Before(first) {
		return workflows.Window{}, fmt.Errorf("the last day %s lies before the first day %s; turn them round", to, from)
	}
	if err := (report.Span{From: first, To: last}).Check(); err != nil {
		return workflows.Window{}, err
	}
	return workflows.Window{From: first.UTC(), To: last.AddDate(0, 0, 1).UTC()}, nil
}

// sliding is the window of a scheduled sync: it ends at the run's nominal time
// and overlaps the last successful one, but never reaches before the
// connection's start, nor the profile's.
func (l *Ledger) sliding(ctx context.Context, c store.Connection, nominal time.Time, profile *voucher.Profile) (workflows.Window, error) {
	start, err := time.ParseInLocation(time.DateOnly, c.Start, profile.Location())
	if err != nil {
		return workflows.Window{}, fmt.Errorf("read the start of connection %s: %w", c.ID, err)
	}
	if own := profile.Start; !own.IsZero() && startOf(own, profile.Location()).After(start) {
		start = startOf(own, profile.Location())
	}
	last, err := l.Store.LastSuccessfulSync(ctx, c.ID)
	if err != nil {
		return workflows.Window{}, err
	}
	from := start
	if last != nil && last.To.Add(-overlap).After(start) {
		from = last.To.Add(-overlap)
	}
	if !from.Before(nominal) {
		return workflows.Window{From: nominal.UTC(), To: nominal.UTC()}, nil
	}
	return workflows.Window{From: from.UTC(), To: nominal.UTC()}, nil
}

// startOf is the first moment of a day in the company's zone.
func startOf(d voucher.Date, zone *time.Location) time.Time {
	return time.Date(d.Year, d.Month, d.Day, 0, 0, 0, 0, zone).UTC()
}

// months cuts a span at the first day of each month in the company's zone.
func months(span workflows.Window, zone *time.Location) []workflows.Window {
	var out []workflows.Window
	for from := span.From; from.Before(span.To); {
		y, m, _ := from.In(zone).Date()
		to := time.Date(y, m+1, 1, 0, 0, 0, 0, zone).UTC()
		if to.After(span.To) {
			to = span.To
		}
		out = append(out, workflows.Window{From: from, To: to})
		from = to
	}
	return out
}

// FinishSync keeps the result of a sync and says in words what came of it.
func (l *Ledger) FinishSync(ctx context.Context, in workflows.FinishSyncInput) (workflows.Finished, error) {
	out, err := l.outcome(ctx, in)
	if err != nil {
		return out, err
	}
	run, err := l.Store.SyncRun(ctx, in.RunID)
	if err != nil {
		return out, err
	}
	now := time.Now()
	run.FinishedAt, run.Outcome = &now, out.Outcome
	run.Result, err = json.Marshal(in.Progress)
	if err != nil {
		return out, fmt.Errorf("record the result of sync %s: %w", in.RunID, err)
	}
	return out, l.Store.PutSyncRun(ctx, run)
}

// outcome tells nothing due, due but missing and fetched apart.
func (l *Ledger) outcome(ctx context.Context, in workflows.FinishSyncInput) (workflows.Finished, error) {
	if in.Failed != "" {
		return workflows.Finished{Outcome: workflows.OutcomeFailed, Words: in.Failed}, nil
	}
	if in.Cancelled {
		return workflows.Finished{Outcome: workflows.OutcomeCancelled, Words: "It was stopped before it was done; what had been posted stays posted."}, nil
	}
	since, err := l.listedSince(ctx, in.Connection, in.Window)
	if err != nil {
		return workflows.Finished{}, err
	}
	rows, err := l.Store.Payouts(ctx, store.PayoutFilter{Connection: in.Connection, From: since, To: in.Window.To})
	if err != nil {
		return workflows.Finished{}, err
	}
	zone := zoneOf(ctx, l.Doors, in.Connection) // the rhythm is one of the company's days
	dates := map[string][]time.Time{}
	var order []string
	for i := range rows {
		if rows[i].Date.IsZero() {
			continue
		}
		if _, known := dates[rows[i].Currency]; !known {
			order = append(order, rows[i].Currency)
		}
		dates[rows[i].Currency] = append(dates[rows[i].Currency], voucher.DateOf(rows[i].Date, zone).Time())
	}
	var missing []notice.Missing
	for _, currency := range order {
		if due := settlement.Rhythm(dates[currency], in.Window.To); due.Missing {
			missing = append(missing, notice.Missing{
				Currency: currency, Due: due.Next.Format(time.DateOnly), GapDays: due.GapDays, Last: due.Last.Format(time.DateOnly),
			})
		}
	}
	if len(missing) > 0 {
		return workflows.Finished{Outcome: workflows.OutcomeDueMissing, Words: missing[0].String(), Missing: missing}, nil
	}
	if in.Progress.Found == 0 {
		return workflows.Finished{Outcome: workflows.OutcomeNothingDue, Words: "Klarna paid nothing out in this window, and nothing was due."}, nil
	}
	return workflows.Finished{Outcome: workflows.OutcomeFetched, Words: fmt.Sprintf("%d payouts were found.", in.Progress.Found)}, nil
}

// listedSince returns how far back every day has been listed, half a year at most:
// days that nobody asked Klarna about must not look like missing payouts.
func (l *Ledger) listedSince(ctx context.Context, connection string, window workflows.Window) (time.Time, error) {
	runs, err := l.Store.SyncRuns(ctx, connection, 0)
	if err != nil {
		return time.Time{}, err
	}
	since := window.From
	for again := true; again; {
		again = false
		for i := range runs {
			r := &runs[i]
			done := r.FinishedAt != nil && r.Outcome != workflows.OutcomeCancelled && r.Outcome != workflows.OutcomeFailed
			if done && r.From.Before(since) && !r.To.Before(since) {
				since, again = r.From, true
			}
		}
	}
	if most := window.To.AddDate(0, -6, 0); since.Before(most) {
		since = most
	}
	return since, nil
}

// HoldPayout records why a payout stopped.
func (l *Ledger) HoldPayout(ctx context.Context, in workflows.Hold) (workflows.Nothing, error) {
	if _, err := named(ctx, l.Store, &in.Held, in.Connection); err != nil {
		return workflows.Nothing{}, err
	}
	evidence, err := json.Marshal(in.Held)
	if err != nil {
		return workflows.Nothing{}, fmt.Errorf("record why payout %s is held: %w", in.PaymentReference, err)
	}
	state := workflows.StateHeld
	if in.Held.Code == held.Approval {
		state = workflows.StateAwaitingApproval
	}
	return workflows.Nothing{}, l.Store.UpdatePayout(ctx, in.Connection, in.PaymentReference, func(p *store.Payout) error {
		p.State, p.HeldReason, p.Held = state, string(in.Held.Code), evidence
		return nil
	}, &store.AuditEntry{Who: "kvitt", Action: "payout." + state, After: evidence})
}

// RecordDecision records what a person decided about a payout, if that person
// may.
func (l *Ledger) RecordDecision(ctx context.Context, in workflows.Decision) (workflows.Recorded, error) {
	why, err := prove(ctx, l.Instructions, in.Connection, in.Instruction)
	if err != nil {
		return workflows.Recorded{}, err
	}
	if why != "" {
		return workflows.Recorded{Refused: in.Kind + " the payout " + in.PaymentReference + ": " + why, Code: workflows.RefusedInstruction}, nil
	}
	if rule, has := l.rules()[in.Kind]; has {
		if refused, err := rule.may(ctx, in); err != nil || refused != "" {
			return workflows.Recorded{Refused: refused, Code: rule.code}, err
		}
	}
	if in.Kind == workflows.DecisionReverse {
		why, err := onePerson(ctx, l.Store, l.Instructions, in.Connection, in.Instruction.ID, in.Who)
		if err != nil {
			return workflows.Recorded{}, err
		}
		if why != "" {
			return workflows.Recorded{Refused: "reverse the payout " + in.PaymentReference + ": " + why, Code: workflows.RefusedSamePerson}, nil
		}
	}
	decision, err := json.Marshal(map[string]string{"decision": in.Kind, "reason": in.Reason, "voucher_hash": in.VoucherHash, "instruction": in.Instruction.ID})
	if err != nil {
		return workflows.Recorded{}, fmt.Errorf("record the decision on payout %s: %w", in.PaymentReference, err)
	}
	next, err := l.nextRevision(ctx, in)
	if err != nil {
		return workflows.Recorded{}, err
	}
	if in.Kind == workflows.DecisionWithdraw {
		if err := over(ctx, l.Store, in.Connection, workflows.WorkReversal, in.PaymentReference); err != nil {
			return workflows.Recorded{}, err
		}
	}
	return workflows.Recorded{}, l.Store.UpdatePayout(ctx, in.Connection, in.PaymentReference, func(p *store.Payout) error {
		switch {
		case in.Kind == workflows.DecisionReject:
			p.State, p.HeldReason, p.Held = workflows.StateRejected, "", nil
		case in.Kind == workflows.DecisionRepost && next > p.Revision:
			p.State, p.HeldReason, p.Held, p.Revision = workflows.StateDiscovered, "", nil, next
			p.Proof, p.Voucher, p.VoucherHash = nil, nil, ""
		case in.Kind == workflows.DecisionReopen && p.State == workflows.StateRejected:
			p.State, p.Proof, p.Voucher, p.VoucherHash = workflows.StateDiscovered, nil, nil, ""
		}
		return nil
	}, &store.AuditEntry{Who: in.Who, Action: "payout." + in.Kind, After: decision})
}

// rule is who may take a decision: may says in a sentence why somebody may not,
// and code tells that refusal from others.
type rule struct {
	may  func(context.Context, workflows.Decision) (string, error)
	code string
}

// rules are those of each kind of decision that not everybody may always take.
func (l *Ledger) rules() map[string]rule {
	return map[string]rule{
		workflows.DecisionApprove: {l.samePerson, workflows.RefusedSamePerson},
		workflows.DecisionReject:  {l.stands, workflows.RefusedBooked},
	}
}

// samePerson returns why a voucher must not be approved by whoever made the profile
// version that it was compiled with, where the connection wants a second pair of
// eyes; else "".
func (l *Ledger) samePerson(ctx context.Context, in workflows.Decision) (string, error) {
	connection, err := l.Store.Connection(ctx, in.Connection)
	if err != nil || !connection.FourEyes {
		return "", err
	}
	row, err := l.Store.Payout(ctx, in.Connection, in.PaymentReference)
	if err != nil {
		return "", err
	}
	if refused, err := l.decidedBy(ctx, in, &row); err != nil || refused != "" {
		return refused, err
	}
	profile, err := l.Store.Profile(ctx, in.Connection, row.ProfileVersion)
	if err != nil {
		return "", err
	}
	approver, _, err := asker(ctx, l.Instructions, in.Instruction.ID, in.Who)
	author := instruct.Author(profile.CreatedBy, profile.VouchedBy)
	switch {
	case err != nil || !author.MayBe(approver):
		return "", err
	case strings.EqualFold(author.Who, approver.Who):
		return fmt.Sprintf("approve payout %s: %s made version %d of the posting profile, with which its voucher was compiled, and this connection wants a second pair of eyes; somebody else has to approve it",
			in.PaymentReference, in.Who, profile.Version), nil
	}
	helps := workflows.TwoPersonsHelps
	if author.Unknown() {
		helps = "Have somebody whom the provider knows, or a mailed link, save the posting profile again in the portal."
	}
	return fmt.Sprintf("approve payout %s: %s made version %d of the posting profile, with which its voucher was compiled, and this connection wants a second pair of eyes, but %s. %s",
		in.PaymentReference, author.Who, profile.Version, workflows.WhyOnePerson(author.Who, approver.Who, author.Unknown(), approver.VouchedBy), helps), nil
}

// PayoutState reads how far a payout has come.
func (l *Ledger) PayoutState(ctx context.Context, in workflows.PayoutRef) (workflows.Found, error) {
	p, err := l.Store.Payout(ctx, in.Connection, in.PaymentReference)
	if err != nil {
		return workflows.Found{}, err
	}
	out := FoundOf(&p)
	out.Final, err = final(ctx, l.Store, &p)
	return out, err
}

// FoundOf is a payout as it is reported.
func FoundOf(p *store.Payout) workflows.Found {
	return workflows.Found{
		PaymentReference: p.PaymentReference, State: p.State, HeldReason: p.HeldReason, BatchNumber: p.BatchNumber,
		Rows: p.Rows, Settlement: p.Settlement, Currency: p.Currency,
	}
}
