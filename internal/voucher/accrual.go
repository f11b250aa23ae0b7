package voucher

import (
	"cmp"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"strings"

	"kvitt/internal/settlement"
)

// accrual says where an accrual of what is captured and not paid out goes. Each
// is a number, or a name of the profile's accounts.
type accrual struct{ receivable, clearing, fees, vat, other string }

// Accrued is what was captured and not paid out by the end of a day: in all, or
// of one payout.
type Accrued struct {
	MerchantID       string
	Company          string
	At               Date
	Currency         settlement.Currency
	PaymentReference string // of the one payout; empty: in all
	Captured
}

// Name is what an accrual is called where a payout has its payment reference.
func (a *Accrued) Name() string {
	if a.PaymentReference != "" {
		return splitPrefix + a.PaymentReference + " " + a.At.String()
	}
	return AccrualName(a.At, a.Currency)
}

// Token names the one accrual of its name in the company.
func (a *Accrued) Token() string {
	if a.PaymentReference != "" {
		return SplitToken(a.MerchantID, a.PaymentReference, a.At, a.Company)
	}
	return AccrualToken(a.MerchantID, a.At, a.Currency, a.Company)
}

func (a *Accrued) description() string {
	if a.PaymentReference != "" {
		return "Klarna " + a.PaymentReference + " to " + a.At.String()
	}
	return fmt.Sprintf("Klarna accrual %s %s", a.Currency, a.At)
}

// AccrualName is the name of the accrual of a day and currency.
func AccrualName(at Date, currency settlement.Currency) string {
	return "accrual " + at.String() + " " + string(currency)
}

// AccrualToken names the one accrual of a merchant, day and currency in a
// company. As with Token, how it is derived must never change.
func AccrualToken(merchantID string, at Date, currency settlement.Currency, company string) string {
	h := sha256.New()
	netstrings(h, "kvitt token 1", merchantID, "accrual", at.String(), string(currency), company)
	return "[kvitt:" + hex.EncodeToString(h.Sum(nil)[:8]) + "]"
}

// SplitToken names the one batch that books in an earlier period what was
// captured of a payout by the last day of that period, whatever the payout's
// revision. As with Token, how it is derived must never change.
func SplitToken(merchantID, paymentReference string, at Date, company string) string {
	h := sha256.New()
	netstrings(h, "kvitt token 1", merchantID, "split", paymentReference, at.String(), company)
	return "[kvitt:" + hex.EncodeToString(h.Sum(nil)[:8]) + "]"
}

// AccrualError says what the posting profile lacks for an accrual.
type AccrualError struct {
	Profile string
	Missing []string // members of `accrual`
}

func (e *AccrualError) Error() string {
	return fmt.Sprintf("accrue what is captured and not paid out: the posting profile %q does not say where it goes; add `accrual:` with %s, each the number of an account or a name under accounts",
		e.Profile, strings.Join(e.Missing, ", "))
}

// Code is the code under which it is held.
func (e *AccrualError) Code() string { return codeProfileInvalid }

// NothingAccruedError says that there is nothing to accrue.
type NothingAccruedError struct{ Name string }

func (e *NothingAccruedError) Error() string { return e.Name + ": it comes to nothing" }

// Accrue is the voucher of an accrual: what is owed for captured orders moves
// from clearing to the receivable, less the fees that Klarna will deduct, which
// are booked as costs of the period. It takes itself back in the next period,
// when the payouts book the same again.
func Accrue(p *Profile, a *Accrued) (*Voucher, error) {
	var receivable adder
	sales := a.Sales - a.Returns
	for _, amount := range []int64{a.Sales, -a.Returns, -a.Fees, -a.VAT, a.Other} {
		receivable.add(amount)
	}
	if receivable.overflow {
		return nil, fmt.Errorf("%s: its sums do not fit 64 bits", a.Name())
	}
	token := a.Token()
	about := condition{currency: a.Currency, merchantID: a.MerchantID}
	ledger, _ := find(p, about, func(l *layer) (string, bool) { return l.ledger, l.ledger != "" })
	branch, _ := find(p, about, func(l *layer) (string, bool) { return l.branch, l.branch != "" })
	subaccount, _ := find(p, about, func(l *layer) ([]Segment, bool) { return l.subaccount, l.subaccount != nil })
	v := &Voucher{
		Token: token, Description: fit(token+" "+a.description(), maxDescription),
		PaymentReference: a.Name(), Ledger: ledger, Branch: branch, TransactionCode: p.TransactionCode,
		Date: a.At, Currency: a.Currency, AutoReversing: true,
	}
	var missing []string
	for _, line := range []struct {
		member, to, text string
		debit            int64
	}{
		{"receivable", p.accrual.receivable, "Klarna, captured and not paid out", receivable.sum},
		{"clearing", p.accrual.clearing, "Klarna, captured less returned", -sales},
		{"fees", p.accrual.fees, "Klarna fees to come", a.Fees},
		{"vat", p.accrual.vat, "VAT on Klarna fees to come", a.VAT},
		{"other", p.accrual.other, "Klarna, disputes, charges and credits", -a.Other},
	} {
		number := line.to
		if isAccountName(number) {
			number = p.account(number, about)
		}
		switch {
		case line.debit == 0:
			continue
		case number == "":
			missing = append(missing, "`"+line.member+"`")
			continue
		}
		v.Lines = append(v.Lines, Line{
			Account: number, Subaccount: subaccount, Branch: branch, Text: fit(strings.TrimSpace(line.text+" "+a.At.String()+" "+a.PaymentReference), maxText),
			Reference: accrualReference(token), Debit: max(line.debit, 0), Credit: max(-line.debit, 0), Role: RoleComponent,
		})
	}
	switch {
	case len(missing) > 0:
		return nil, &AccrualError{p.Name, missing}
	case len(v.Lines) == 0:
		return nil, &NothingAccruedError{a.Name()}
	}
	return v, v.Check()
}

// accrualReference stands on the lines. It is of the token, because two
// merchants of one company accrue on the same day.
func accrualReference(token string) string {
	return "ACC" + strings.TrimSuffix(strings.TrimPrefix(token, "[kvitt:"), "]")[:maxReference-3]
}

// Accrues tells whether the profile says where an accrual goes.
func (p *Profile) Accrues() bool {
	return cmp.Or(p.accrual.receivable, p.accrual.clearing, p.accrual.fees, p.accrual.vat, p.accrual.other) != ""
}

// accrual reads `accrual`.
func (r *reader) readAccrual(v value) error {
	members, err := v.object("receivable", "clearing", "fees", "vat", "other")
	if err != nil {
		return err
	}
	to := &r.profile.accrual
	into := map[string]*string{"receivable": &to.receivable, "clearing": &to.clearing, "fees": &to.fees, "vat": &to.vat, "other": &to.other}
	for _, m := range members {
		if *into[m.name], err = m.value.account(&r.accrualReferences); err != nil {
			return err
		}
	}
	for _, name := range []string{"receivable", "clearing", "fees", "vat"} {
		if *into[name] == "" {
			return v.errorf("add it: the number of an account, or a name under accounts", "accrual has no %q", name)
		}
	}
	return nil
}

// references are the accounts of an accrual by the member that names them.
func (a *accrual) references() map[string]string {
	return map[string]string{
		"accrual.receivable": a.receivable, "accrual.clearing": a.clearing, "accrual.fees": a.fees, "accrual.vat": a.vat, "accrual.other": a.other,
	}
}
