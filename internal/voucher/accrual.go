package voucher

import (
	"cmp"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"strings"

	"kvitt/internal/settlement"
)

// accrual says where the counterpart of an accrual goes; what is accrued follows
// the profile's rules. Each is a number, or a name of the profile's accounts.
type accrual struct {
	receivable string
	vat        string // VAT that is not deductible yet; empty: VAT follows the rules too
	// withoutEffect are members that older profiles have: accounts of sums that
	// follow the rules now.
	withoutEffect []string
}

// Accrued holds what was captured and not paid out by the end of a day: in all, or
// of one payout.
type Accrued struct {
	MerchantID       string
	Company          string
	At               Date
	Currency         settlement.Currency
	Provider         string // who pays out, as texts name it
	PaymentReference string // of the one payout; empty: in all
	Shares           []Share
}

// Name returns what an accrual is called where a payout has its payment reference.
func (a *Accrued) Name() string {
	if a.PaymentReference != "" {
		return "split " + a.PaymentReference + " " + a.At.String()
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

// describe fills a text of the profile's language in for an accrual.
func (c *compiler) describe(a *Accrued, member string) string {
	return strings.NewReplacer("{provider}", c.provider, "{currency}", string(a.Currency), "{date}", a.At.String(),
		"{payment_reference}", a.PaymentReference).Replace(c.say(member))
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

// Accrue is the voucher of an accrual: what is captured is booked as the payouts
// will book it, by the same rules, with the same texts, against one receivable.
// It takes itself back in the next period, when the payouts book the same again.
//
// VAT goes to the profile's `accrual.vat`, where it has one. A reverse charge is
// left out: it comes to nothing in the books, and belongs to the VAT return of
// the period in which the payout's own voucher states it.
//
// The errors are *AccrualError, *NothingAccruedError, and for one of the payouts
// those of Compile for its components.
func Accrue(p *Profile, a *Accrued) (*Voucher, error) {
	about := condition{currency: a.Currency, merchantID: a.MerchantID}
	receivable := p.numberOf(p.accrual.receivable, about)
	if receivable == "" {
		return nil, &AccrualError{p.Name, []string{"`receivable`"}}
	}
	c := newAccrual(p, a, about)
	for i := range a.Shares {
		if err := c.addShare(&a.Shares[i]); err != nil {
			return nil, err
		}
	}
	if c.booked.overflow {
		return nil, fmt.Errorf("%s: its sums do not fit 64 bits", a.Name())
	}
	if err := c.checkAccruedVAT(about); err != nil {
		return nil, err
	}
	if c.booked.sum != 0 {
		c.add(lineKey{
			role: RoleReceivable, account: receivable, branch: c.branch(about),
			text: fit(strings.TrimSpace(c.describe(a, "accrual")+" "+a.At.String()+" "+a.PaymentReference), maxText),
		}, c.subaccount(about), -c.booked.sum, 0)
	}
	v := c.voucher
	v.Lines = c.sorted(accrualReference(v.Token))
	for i := range v.Lines {
		var fits bool
		if v.Lines[i].Components, fits = settlement.MergeComponents(v.Lines[i].Components); !fits {
			return nil, fmt.Errorf("%s: its sums do not fit 64 bits", a.Name())
		}
	}
	if v.movesNothing() {
		return nil, &NothingAccruedError{a.Name()}
	}
	return &v, v.Check()
}

// newAccrual starts the voucher of an accrual.
func newAccrual(p *Profile, a *Accrued, about condition) *compiler {
	c := &compiler{profile: p, provider: cmp.Or(a.Provider, defaultProvider), vatTo: p.accrual.vat, lines: map[lineKey]*lineSum{}}
	token := a.Token()
	ledger, _ := find(p, about, func(l *layer) (string, bool) { return l.ledger, l.ledger != "" })
	describes := "accrual_description"
	if a.PaymentReference != "" {
		describes = "split_description"
	}
	c.voucher = Voucher{
		Token: token, Description: fit(token+" "+c.describe(a, describes), maxDescription),
		PaymentReference: a.Name(), Ledger: ledger, Branch: c.branch(about), TransactionCode: p.TransactionCode,
		Date: a.At, Currency: a.Currency, AutoReversing: true,
	}
	return c
}

// addShare books what was captured of one payout.
func (c *compiler) addShare(share *Share) error {
	c.turnTo(share.Proof, share.Components)
	if c.payout.Currency != c.voucher.Currency {
		return c.voucher.unbalanced("payout %s is in %s", c.payout.PaymentReference, c.payout.Currency)
	}
	if err := c.checkRates(); err != nil {
		return err
	}
	c.addComponents()
	return c.unruled()
}

// checkAccruedVAT refuses VAT that Visma.net would put into the VAT return of the
// earlier period: whether it takes VAT transactions back together with a batch
// that reverses itself is not known.
func (c *compiler) checkAccruedVAT(about condition) error {
	transaction, _ := find(c.profile, about, func(l *layer) (bool, bool) { return said(l.vat.transaction) })
	if !transaction || c.vatTo != "" {
		return nil
	}
	for key := range c.lines {
		if key.role == RoleVAT {
			return &AccrualError{c.profile.Name, []string{"`vat`"}}
		}
	}
	return nil
}

// movesNothing tells whether the lines come to nothing on every account.
func (v *Voucher) movesNothing() bool {
	type place struct{ account, branch, subaccount string }
	sums := map[place]int64{}
	for i := range v.Lines {
		l := &v.Lines[i]
		sums[place{l.Account, l.Branch, fmt.Sprint(l.Subaccount)}] += l.Debit - l.Credit
	}
	for _, sum := range sums {
		if sum != 0 {
			return false
		}
	}
	return true
}

// accrualReference stands on the lines. It is of the token, because two
// merchants of one company accrue on the same day.
func accrualReference(token string) string {
	return "ACC" + strings.TrimSuffix(strings.TrimPrefix(token, "[kvitt:"), "]")[:maxReference-3]
}

// Accrues tells whether the profile says where an accrual goes.
func (p *Profile) Accrues() bool { return p.accrual.receivable != "" }

// WithoutEffect are members of the profile that are accepted because older
// profiles have them, and do nothing any more.
func (p *Profile) WithoutEffect() []string { return p.accrual.withoutEffect }

// olderMembers are members of `accrual` that named accounts for sums. These
// amounts follow the rules of their components now.
var olderMembers = []string{"clearing", "fees", "other"}

// readAccrual reads `accrual`.
func (r *reader) readAccrual(v value) error {
	members, err := v.object(append([]string{"receivable", "vat"}, olderMembers...)...)
	if err != nil {
		return err
	}
	to := &r.profile.accrual
	for _, m := range members {
		switch m.name {
		case "receivable":
			to.receivable, err = m.value.account(&r.accrualReferences)
		case "vat":
			to.vat, err = m.value.account(&r.accrualReferences)
		default:
			_, err = m.value.account(new([]reference))
			to.withoutEffect = append(to.withoutEffect, "accrual."+m.name)
		}
		if err != nil {
			return err
		}
	}
	if to.receivable == "" {
		return v.errorf("add it: the number of an account, or a name under accounts", "accrual has no %q", "receivable")
	}
	return nil
}

// references are the accounts of an accrual by the member that names them.
func (a *accrual) references() map[string]string {
	return map[string]string{"accrual.receivable": a.receivable, "accrual.vat": a.vat}
}
