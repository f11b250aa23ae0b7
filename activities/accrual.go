package activities

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"time"

	"kvitt/internal/company"
	"kvitt/internal/posting"
	"kvitt/internal/report"
	"kvitt/internal/settlement"
	"kvitt/internal/store"
	"kvitt/internal/visma"
	"kvitt/internal/voucher"
	"kvitt/workflows"
)

// PrepareAccrual sums what is captured and not paid out, compiles its voucher
// and remembers it. Once it may have been sent, it stays what it is.
func (v *Visma) PrepareAccrual(ctx context.Context, in workflows.AccrualInput) (workflows.PreparedAccrual, error) {
	why, err := prove(ctx, v.Instructions, in.Connection, workflows.Instruction{
		ID: in.Instruction, Action: workflows.ActionAccrue, Who: in.Who, Digest: workflows.DigestOf(in),
	})
	if err != nil || why != "" {
		return workflows.PreparedAccrual{Refused: why}, err
	}
	if why, err := onePerson(ctx, v.Store, v.Instructions, in.Connection, in.Instruction, in.Who); err != nil || why != "" {
		return workflows.PreparedAccrual{Refused: why}, err
	}
	out, err := v.prepareAccrual(ctx, in)
	if err == nil && out.Refused != "" {
		err = v.accrualOver(ctx, in)
	}
	return out, err
}

// accrualOver forgets why an accrual waited: it has ended.
func (v *Visma) accrualOver(ctx context.Context, in workflows.AccrualInput) error {
	return over(ctx, v.Store, in.Connection, workflows.WorkAccrual, in.Name())
}

func (v *Visma) prepareAccrual(ctx context.Context, in workflows.AccrualInput) (workflows.PreparedAccrual, error) {
	refused := func(format string, args ...any) (workflows.PreparedAccrual, error) {
		return workflows.PreparedAccrual{Refused: fmt.Sprintf(format, args...)}, nil
	}
	row, err := v.Store.Connection(ctx, in.Connection)
	if err != nil {
		return workflows.PreparedAccrual{}, err
	}
	firm, stop, err := v.company(ctx, in.Connection)
	if err != nil {
		return workflows.PreparedAccrual{}, err
	}
	if stop != nil {
		return refused("%s; %s", stop.Detail, stop.Remedy)
	}
	at, err := voucher.ParseDate(in.At)
	if err != nil {
		return refused("%v", err)
	}
	token := voucher.AccrualToken(row.MerchantID, at, settlement.Currency(in.Currency), row.CompanyID)
	before, _, err := v.bound(ctx, row.CompanyID, token)
	switch {
	case err != nil:
		return workflows.PreparedAccrual{}, err
	case before != nil && (before.State == posting.Verified || before.State == posting.Draft):
		return refused("it is in the books already, as batch %s", before.BatchNumber)
	case before != nil:
		return workflows.PreparedAccrual{VoucherHash: before.VoucherHash, Periods: []string{before.Period}, Draft: before.Mode == "draft"}, nil
	}
	if split, err := v.splitAt(ctx, in.Connection, at); err != nil || len(split) > 0 {
		return workflows.PreparedAccrual{Refused: fmt.Sprintf("payouts that were split have booked their part of it already: %s", strings.Join(split, ", "))}, err
	}
	document, why, err := v.accrue(ctx, &row, at, settlement.Currency(in.Currency))
	if err != nil || why != "" {
		return workflows.PreparedAccrual{Refused: why}, err
	}
	period, why := accrualPeriod(firm, at)
	if stop := taken(firm, document); why == "" && stop != nil {
		why = stop.Detail
	}
	if why != "" {
		v.Doors.ForgetCompany(in.Connection) // a person will now correct something there
		return workflows.PreparedAccrual{Refused: why}, nil
	}
	if in.Seen != "" && in.Seen != document.Hash() {
		return refused("the figures are others than those that were looked at: payouts have come since; look at them again")
	}
	out := workflows.PreparedAccrual{VoucherHash: document.Hash(), Periods: []string{period}, Draft: voucher.Mode(row.Posting) == voucher.Draft}
	return out, v.rememberAccrual(ctx, &in, &row, document, out)
}

// accrue compiles the accrual of a day, or says why it cannot.
func (v *Visma) accrue(ctx context.Context, row *store.Connection, at voucher.Date, currency settlement.Currency) (*voucher.Voucher, string, error) {
	profile, _, err := v.Doors.Profile(ctx, row.ID, 0)
	if err != nil {
		return nil, "", err
	}
	made := report.Reports{Source: v.Store, Connection: *row, Zone: profile.Location(), Now: time.Now()}
	return made.Accrue(ctx, profile, at, currency)
}

// accrualPeriod is the open period that ends on a day. An accrual takes itself
// back on the first day of the next one, so that there has to be one.
func accrualPeriod(firm *company.Company, at voucher.Date) (id, why string) {
	day := visma.DateOf(at.Time())
	period, err := firm.Calendar.Of(day)
	if err != nil {
		return "", err.Error()
	}
	if period.End != day {
		return "", fmt.Sprintf("%s is not the last day of a financial period: %s ends on %s", at, period.ID, period.End)
	}
	if !takesBack(firm, period) {
		return "", fmt.Sprintf("there is no open financial period after %s in which Visma.net could take the accrual back; open one there", period.ID)
	}
	return period.ID, ""
}

// takesBack tells whether the period after one is open, so that Visma.net can
// take back there what reverses itself.
func takesBack(firm *company.Company, period visma.Period) bool {
	next, ok := firm.Calendar.After(period)
	return ok && next.Open()
}

// rememberAccrual writes the voucher down before anything is sent, and who
// asked for it.
func (v *Visma) rememberAccrual(ctx context.Context, in *workflows.AccrualInput, row *store.Connection, document *voucher.Voucher, out workflows.PreparedAccrual) error {
	b := v.accrualOf(&workflows.AccrualStep{AccrualInput: *in, PreparedAccrual: out}, row, document)
	if _, stop, err := v.postsTo(ctx, nil).Intend(ctx, b.Intent); err != nil || stop != nil {
		if stop != nil {
			err = fmt.Errorf("compile %s anew: it is being sent", document.PaymentReference)
		}
		return err
	}
	asked, err := json.Marshal(map[string]string{"accrual": document.PaymentReference, "voucher_hash": out.VoucherHash})
	if err != nil {
		return fmt.Errorf("record who asked for %s: %w", document.PaymentReference, err)
	}
	return v.Store.Audit(ctx, store.AuditEntry{Who: in.Who, ConnectionID: in.Connection, Subject: "accrual/" + document.Token, Action: "accrual.asked", After: asked})
}

// PostAccrual books the accrual exactly once and reads it back.
func (v *Visma) PostAccrual(ctx context.Context, in workflows.AccrualStep) (workflows.Posted, error) {
	return post(ctx, v, v.draftAccrual, in)
}

// CompleteAccrual attaches what the accrual is about, releases it and reads it
// back.
func (v *Visma) CompleteAccrual(ctx context.Context, in workflows.AccrualStep) (workflows.Completed, error) {
	return complete(ctx, v, v.draftAccrual, in)
}

// draftAccrual drafts the voucher that was prepared, and no other one.
func (v *Visma) draftAccrual(ctx context.Context, in workflows.AccrualStep) (*booking, error) {
	row, err := v.Store.Connection(ctx, in.Connection)
	if err != nil {
		return nil, err
	}
	at, err := voucher.ParseDate(in.At)
	if err != nil {
		return nil, err
	}
	kept, err := v.Store.Booking(ctx, row.CompanyID, voucher.AccrualToken(row.MerchantID, at, settlement.Currency(in.Currency), row.CompanyID))
	if err != nil {
		return nil, err
	}
	document, err := voucherOf(&kept)
	if err == nil && document.Hash() != in.VoucherHash {
		err = fmt.Errorf("post %s: its voucher has changed since it was prepared", kept.Name)
	}
	return v.accrualOf(&in, &row, document), err
}

func (v *Visma) accrualOf(in *workflows.AccrualStep, row *store.Connection, document *voucher.Voucher) *booking {
	return &booking{
		Intent: posting.Intent{
			Connection: in.Connection, Company: row.CompanyID, Kind: store.KindAccrual, Day: in.At,
			Voucher: document, Periods: in.Periods, Draft: in.Draft, Again: in.Again,
		},
		attach: func(ctx context.Context, attach posting.Attach) error {
			return v.attachAccrual(ctx, in, document, attach)
		},
		posted: func(ctx context.Context, out *workflows.Posted) error {
			if workflows.RefusesAccrual(out.Held) {
				return v.accrualOver(ctx, in.AccrualInput)
			}
			return nil
		},
		final: func(ctx context.Context, _ *workflows.Completed) error { return v.accrualOver(ctx, in.AccrualInput) },
	}
}

// attachAccrual attaches what hangs on the batch: what it is, and the figures that
// it sums, day by day. Payouts that have come since it was compiled are in the
// figures; then the text says so.
func (v *Visma) attachAccrual(ctx context.Context, in *workflows.AccrualStep, posted *voucher.Voucher, attach posting.Attach) error {
	row, err := v.Store.Connection(ctx, in.Connection)
	if err != nil {
		return err
	}
	profile, _, err := v.Doors.Profile(ctx, row.ID, 0)
	if err != nil {
		return err
	}
	made := report.Reports{Source: v.Store, Connection: row, Zone: profile.Location(), Now: time.Now()}
	n, err := made.Unsettled(ctx, posted.Date)
	if err != nil {
		return err
	}
	n.Days = slices.DeleteFunc(n.Days, func(c report.Captured) bool { return c.Currency != posted.Currency })
	var figures bytes.Buffer
	if err := made.UnsettledReport(n).CSV(&figures); err != nil {
		return err
	}
	a, err := v.attached(ctx, in.Connection)
	if err != nil {
		return err
	}
	text := a.accrual(in, posted)
	if now, _ := made.Accrual(profile, n, posted.Currency); now == nil || now.Hash() != posted.Hash() {
		text = append(text, a.say("The figures per day were read later and come to something else: payouts or the posting profile have changed since.")+"\n"...)
	}
	name := "kvitt.accrual." + in.At + "." + in.Currency
	if err := attach(ctx, visma.Bytes(name+".txt", text)); err != nil {
		return err
	}
	return attach(ctx, visma.Bytes(name+".csv", figures.Bytes()))
}

func (a attached) accrual(in *workflows.AccrualStep, v *voucher.Voucher) []byte {
	var b strings.Builder
	b.WriteString(a.say("%s: captured up to and including %s in %s, and paid out after it", a.provider, in.At, in.Currency) + "\n\n" + a.say("Asked for by %s", in.Who) + "\n")
	a.writeVoucher(&b, v)
	b.WriteString("\n" + a.say(takesItselfBack) + "\n" + a.say("Voucher hash %s", v.Hash()) + "\n")
	return []byte(b.String())
}
