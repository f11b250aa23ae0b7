package activities

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
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
	before, err := v.Store.Accruals().Posting(ctx, row.CompanyID, token)
	switch {
	case err == nil && (before.State == posting.Verified || before.State == posting.Draft):
		return refused("it is in the books already, as batch %s", before.BatchNumber)
	case err == nil && posting.Bound(before.State):
		return workflows.PreparedAccrual{VoucherHash: before.VoucherHash, Periods: []string{before.Period}, Draft: before.Mode == "draft"}, nil
	case err != nil && !errors.Is(err, store.ErrNotFound):
		return workflows.PreparedAccrual{}, err
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
	body, err := json.Marshal(document)
	if err != nil {
		return fmt.Errorf("write down the voucher of %s: %w", document.PaymentReference, err)
	}
	mode := "auto"
	if out.Draft {
		mode = "draft"
	}
	stored, err := v.Store.Accruals().EnsurePosting(ctx, store.Posting{
		CompanyID: row.CompanyID, Token: document.Token, ConnectionID: row.ID, PaymentReference: document.PaymentReference,
		VoucherHash: out.VoucherHash, Voucher: body, Period: out.Periods[0], Mode: mode, State: posting.Intended,
	})
	if err == nil && (stored.State != posting.Intended || stored.VoucherHash != out.VoucherHash || stored.Period != out.Periods[0] || stored.Mode != mode) {
		_, err = v.Store.Accruals().UpdatePosting(ctx, row.CompanyID, document.Token, func(p *store.Posting) error {
			if posting.Bound(p.State) {
				return fmt.Errorf("compile %s anew: it is being sent", document.PaymentReference)
			}
			p.State, p.VoucherHash, p.Voucher, p.Period, p.Mode = posting.Intended, out.VoucherHash, body, out.Periods[0], mode
			return nil
		})
	}
	if err != nil {
		return err
	}
	asked, err := json.Marshal(map[string]string{"accrual": document.PaymentReference, "voucher_hash": out.VoucherHash})
	if err != nil {
		return fmt.Errorf("record who asked for %s: %w", document.PaymentReference, err)
	}
	return v.Store.Audit(ctx, store.AuditEntry{Who: in.Who, ConnectionID: in.Connection, Subject: "accrual/" + document.Token, Action: "accrual.asked", After: asked})
}

// intendAccrual is the intent to post the voucher that was prepared, and no
// other one.
func (v *Visma) intendAccrual(ctx context.Context, in workflows.AccrualStep) (*posting.Poster, posting.Intent, error) {
	none := posting.Intent{}
	row, err := v.Store.Connection(ctx, in.Connection)
	if err != nil {
		return nil, none, err
	}
	at, err := voucher.ParseDate(in.At)
	if err != nil {
		return nil, none, err
	}
	kept, err := v.Store.Accruals().Posting(ctx, row.CompanyID, voucher.AccrualToken(row.MerchantID, at, settlement.Currency(in.Currency), row.CompanyID))
	if err != nil {
		return nil, none, err
	}
	var document voucher.Voucher
	if err := json.Unmarshal(kept.Voucher, &document); err != nil {
		return nil, none, fmt.Errorf("read the voucher of %s: %w", kept.PaymentReference, err)
	}
	if document.Hash() != in.VoucherHash {
		return nil, none, fmt.Errorf("post %s: its voucher has changed since it was prepared", kept.PaymentReference)
	}
	if err := document.Check(); err != nil {
		return nil, none, err
	}
	client, err := v.Doors.Visma(ctx, in.Connection)
	if err != nil {
		return nil, none, err
	}
	branch, err := v.mainBranch(ctx, in.Connection, &document)
	if err != nil {
		return nil, none, err
	}
	poster := v.poster(ctx, client)
	poster.Memory = v.Store.Accruals()
	intent := posting.Intent{
		Connection: in.Connection, Company: row.CompanyID, Voucher: &document, Periods: in.Periods, Draft: in.Draft,
		Branch: branch, Again: in.Again,
	}
	return poster, intent, v.allow(ctx, &intent, store.WorkAccrual, document.PaymentReference)
}

// PostAccrual books the accrual exactly once and reads it back.
func (v *Visma) PostAccrual(ctx context.Context, in workflows.AccrualStep) (workflows.Posted, error) {
	poster, intent, err := v.intendAccrual(ctx, in)
	if err != nil {
		return workflows.Posted{}, err
	}
	got, err := poster.Post(ctx, intent)
	if err != nil {
		return workflows.Posted{}, err
	}
	out := workflows.Posted{BatchNumber: got.BatchNumber, Adopted: got.Adopted, LookAgain: got.LookAgain}
	if got.Stop != nil {
		out.Held = reason(got.Stop.Code, got.Stop.Detail)
	}
	if workflows.RefusesAccrual(out.Held) {
		return out, v.accrualOver(ctx, in.AccrualInput)
	}
	return out, nil
}

// CompleteAccrual attaches what the accrual is about, releases it and reads it
// back.
func (v *Visma) CompleteAccrual(ctx context.Context, in workflows.AccrualStep) (workflows.Completed, error) {
	poster, intent, err := v.intendAccrual(ctx, in)
	if err != nil {
		return workflows.Completed{}, err
	}
	state, stop, err := poster.Complete(ctx, intent, func(ctx context.Context, attach posting.Attach) error {
		return v.attachAccrual(ctx, in, intent.Voucher, attach)
	})
	switch {
	case err != nil:
		return workflows.Completed{}, err
	case stop != nil:
		return workflows.Completed{Held: reason(stop.Code, stop.Detail)}, nil
	case state == posting.Draft:
		return workflows.Completed{State: workflows.StatePosted}, v.accrualOver(ctx, in.AccrualInput)
	}
	return workflows.Completed{State: workflows.StateVerified}, v.accrualOver(ctx, in.AccrualInput)
}

// attachAccrual attaches what hangs on the batch: what it is, and the figures that
// it sums, day by day. Payouts that have come since it was compiled are in the
// figures; then the text says so.
func (v *Visma) attachAccrual(ctx context.Context, in workflows.AccrualStep, posted *voucher.Voucher, attach posting.Attach) error {
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
	text := accrualText(providerName(&row), in, posted)
	if now, _ := made.Accrual(profile, n, posted.Currency); now == nil || now.Hash() != posted.Hash() {
		text = append(text, "The figures per day were read later and come to something else: payouts or the posting profile have changed since.\n"...)
	}
	name := "kvitt.accrual." + in.At + "." + in.Currency
	if err := attach(ctx, visma.Bytes(name+".txt", text)); err != nil {
		return err
	}
	return attach(ctx, visma.Bytes(name+".csv", figures.Bytes()))
}

func accrualText(provider string, in workflows.AccrualStep, v *voucher.Voucher) []byte {
	var b strings.Builder
	fmt.Fprintf(&b, "%s: captured up to and including %s in %s, and paid out after it\n\nAsked for by %s\n", provider, in.At, in.Currency, in.Who)
	writeVoucher(&b, v)
	fmt.Fprintf(&b, "\nThis batch is auto-reversing: Visma.net takes it back on the first day of the next period.\nVoucher hash %s\n", v.Hash())
	return []byte(b.String())
}
