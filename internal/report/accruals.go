package report

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"strconv"
	"time"

	"kvitt/internal/settlement"
	"kvitt/internal/store"
	"kvitt/internal/voucher"
)

// accrued is an accrual that was asked for, with what the last daily check found
// of it in Visma.net.
type accrued struct {
	*store.Booking
	voucher *voucher.Voucher
	found   *store.Drift
}

// accruals are those whose voucher is dated in a span, and of them only those
// that may have been sent.
func (r *Reports) accruals(ctx context.Context, span Span) ([]accrued, error) {
	rows, err := r.Source.Bookings(ctx, r.Connection.ID, "", store.Accruals...)
	if err != nil {
		return nil, err
	}
	found, err := r.Source.Drifts(ctx, r.Connection.ID, store.Accruals...)
	if err != nil {
		return nil, err
	}
	var all []accrued
	for i := range rows {
		v, err := voucherOf(&rows[i])
		if err != nil {
			return nil, err
		}
		if !r.own(&rows[i], v) {
			continue
		}
		if day := v.Date.Time(); day.Before(span.From) || day.After(span.To) || rows[i].State == "intended" || rows[i].State == "rejected" {
			continue
		}
		one := accrued{Booking: &rows[i], voucher: v}
		for j := range found {
			if found[j].Token == rows[i].Token && found[j].CompanyID == rows[i].CompanyID {
				one.found = &found[j]
			}
		}
		all = append(all, one)
	}
	return all, nil
}

// own tells whether an accrual is the connection's: it made it, or it is of the
// same merchant and an earlier connection of the company did.
func (r *Reports) own(p *store.Booking, v *voucher.Voucher) bool {
	token := voucher.AccrualToken(r.Connection.MerchantID, v.Date, v.Currency, p.CompanyID)
	if p.Kind == store.KindPart {
		token = voucher.SplitToken(r.Connection.MerchantID, p.PaymentReference, v.Date, p.CompanyID)
	}
	return p.ConnectionID == r.Connection.ID || v.Token == token
}

// takenBackBy is the batch that takes it back, as the last daily check found it.
func (a *accrued) takenBackBy() string {
	var sheet struct {
		By string `json:"taken_back_by"`
	}
	if a.found != nil {
		_ = json.Unmarshal(a.found.Found, &sheet) // what cannot be read was not found
	}
	return sheet.By
}

// accrualRecord is an accrual as it is exported.
type accrualRecord struct {
	postingRecord
	InVisma     string          `json:"in_visma,omitempty"`
	Differences json.RawMessage `json:"differences,omitempty"`
	Posted      json.RawMessage `json:"posted,omitempty"`
	Found       json.RawMessage `json:"found,omitempty"`
	CheckedAt   *time.Time      `json:"checked_at,omitempty"`
}

// addAccruals writes the accruals of a span: a table of their lines, and each as
// it was kept, with what Visma.net had of it when it was last looked at.
func (r *Reports) addAccruals(ctx context.Context, span Span, b *Bundle) error {
	all, err := r.accruals(ctx, span)
	if err != nil {
		return err
	}
	if err := b.add("accruals.csv", func(to io.Writer) error { return writeAccruals(to, all, r.Excel) }); err != nil {
		return err
	}
	for i := range all {
		a := &all[i]
		record := accrualRecord{postingRecord: recordOfPosting(a.Booking)}
		if f := a.found; f != nil {
			record.InVisma, record.Differences, record.Posted, record.Found, record.CheckedAt = f.Word, f.Differences, f.Posted, f.Found, &f.CheckedAt
		}
		body, err := json.MarshalIndent(record, "", "  ")
		if err == nil {
			err = b.bytes("accruals/"+fileName(a.Name)+".json", append(body, '\n'))
		}
		if err != nil {
			return err
		}
	}
	return nil
}

func writeAccruals(to io.Writer, all []accrued, excel bool) error {
	w := newSheet(to, excel)
	if err := w.Write([]string{
		"name", "batch", "period", "voucher_date", "state", "mode", "token", "voucher_hash", "auto_reversing", "line", "account", "text",
		"currency", "debit", "credit", "in_visma", "taken_back_by", "branch", "vat_code",
	}); err != nil {
		return err
	}
	for i := range all {
		a, v := &all[i], all[i].voucher
		word := ""
		if a.found != nil {
			word = a.found.Word
		}
		for j := range v.Lines {
			l := &v.Lines[j]
			if err := w.Write(commas(excel, []string{
				a.Name, a.BatchNumber, a.Period, v.Date.String(), a.State, a.Mode, a.Token, a.VoucherHash, strconv.FormatBool(v.AutoReversing),
				strconv.Itoa(j + 1), l.Account, harmless(l.Text), string(v.Currency), settlement.Format(l.Debit, v.Currency), settlement.Format(l.Credit, v.Currency),
				word, a.takenBackBy(), l.Branch, l.VATCode,
			})); err != nil {
				return err
			}
		}
	}
	w.Flush()
	return w.Error()
}

// accruedAt returns what the accruals that stand at the end of a day, and are taken
// back on the next one, move on an account.
func (r *Reports) accruedAt(ctx context.Context, day time.Time) (map[string]accruedSum, error) {
	all, err := r.accruals(ctx, Span{day, day})
	if err != nil {
		return nil, err
	}
	sums := map[string]accruedSum{}
	for i := range all {
		if v := all[i].voucher; v.AutoReversing && all[i].State == "verified" {
			for j := range v.Lines {
				key := string(v.Currency) + " " + v.Lines[j].Account
				sum := sums[key]
				sum.debit += v.Lines[j].Debit
				sum.credit += v.Lines[j].Credit
				sums[key] = sum
			}
		}
	}
	return sums, nil
}

type accruedSum struct{ debit, credit int64 }

// accruedRow is the balance of an account as it stands in the books at the end
// of the span, accruals included. They are no part of the roll-forward: on the
// next day Visma.net takes them back.
func (r *roll) accruedRow(sum accruedSum) Row {
	balance := r.opening
	for i := range r.months {
		balance += r.debit[i] - r.credit[i]
	}
	return Row{Total: true, Cells: []Cell{
		words("Accrued"), words(r.currency), words(r.account), money(balance, r.currency), money(sum.debit, r.currency), money(sum.credit, r.currency),
		money(balance+sum.debit-sum.credit, r.currency), none, none,
	}}
}

// accruedNote says what the rows of accruals are.
func accruedNote(day time.Time) string {
	return fmt.Sprintf("Accrued: with the accruals that stand at the end of %s, which Visma.net takes back on the next day. The closing balance of that line is the one in the books on that day.", day.Format(time.DateOnly))
}
