package voucher

import (
	"cmp"
	"errors"
	"slices"

	"kvitt/internal/settlement"
)

// Compile turns a proven payout into a voucher by the rules of a profile: a
// line per account, text and side for its components, lines for the VAT that
// their rows carry, for debt added and repaid, and the settlement line. What a
// component takes from the merchant is debited, what it gives is credited.
// Everything is in the payout's currency. The voucher has passed Check.
//
// Klarna pays out and never collects: a negative settlement has no bank line and
// becomes debt, and one of zero has none either. A GROSS_FEE bill moves no money;
// what it comes to goes to fees_invoice instead. Each accepted difference that
// moves money has a line of its own on the account that it names. Fees that a GROSS payout only lists are left out and
// named in Voucher.Outside.
//
// The errors are *RuleError (the profile does not say where an amount belongs),
// *UnexplainedError (the proof needed a reading that cannot be booked without
// guessing), *VATRateError (VAT of a rate that the profile does not expect),
// *VATUndecidedError (a fee without VAT, and nothing says who owes it),
// *RateImpreciseError (no exchange rate follows from so little VAT),
// *NothingToBookError (no amounts at all), *UnbalancedError and
// *settlement.AcceptedError (an accepted difference names no account), and tell
// the held code by Code().
func Compile(p *Profile, proof *settlement.Proof, t Target) (*Voucher, error) {
	if t.Company == "" {
		return nil, errors.New("compile voucher: no Visma.net company was given")
	}
	c := newCompiler(p, proof, t)
	if err := c.checkVAT(); err != nil {
		return nil, err
	}
	if err := c.addReverseCharges(c.addComponents()); err != nil {
		return nil, err
	}
	c.addDebt()
	if err := c.addAccepted(); err != nil {
		return nil, err
	}
	if err := c.addMoney(); err != nil {
		return nil, err
	}
	if err := c.unruled(); err != nil {
		return nil, err
	}
	if len(c.lines) == 0 {
		return nil, &NothingToBookError{c.payout.PaymentReference}
	}
	v := c.voucher
	v.Lines = c.sorted(v.PaymentReference)
	if err := v.Check(); err != nil {
		return nil, err
	}
	return &v, nil
}

// compiler collects the lines of one voucher, from the components of one payout
// after the other: a payout's own voucher has one, an accrual has many.
type compiler struct {
	profile    *Profile
	proof      *settlement.Proof
	payout     *settlement.Payout
	components []settlement.Component                  // of the payout, what is booked; in the one order that they have
	whole      map[settlement.Key]settlement.Component // all of the payout's
	date       Date                                    // the payout's day
	voucher    Voucher
	about      condition // the payout as a whole: it has a currency and a merchant, and many countries
	vatTo      string    // the account for VAT that is not deductible yet; empty: by the rules
	lines      map[lineKey]*lineSum
	booked     adder // what the lines give the merchant, the money side left out
	missing    []Missing

	provider string // who pays out, as texts name it
	posted   bool   // see Target.Posted
}

// turnTo makes what follows about some components of a payout.
func (c *compiler) turnTo(proof *settlement.Proof, components []settlement.Component) {
	c.proof, c.payout = proof, &proof.Payout
	c.components = slices.Clone(components)
	settlement.SortComponents(c.components)
	c.whole = make(map[settlement.Key]settlement.Component, len(proof.Components))
	for _, component := range proof.Components {
		c.whole[component.Key] = component
	}
	c.date = DateOf(c.payout.Date, c.profile.zone)
	c.about = condition{currency: c.payout.Currency, merchantID: c.payout.MerchantID}
}

func newCompiler(p *Profile, proof *settlement.Proof, t Target) *compiler {
	c := &compiler{profile: p, lines: map[lineKey]*lineSum{}, provider: cmp.Or(t.Provider, defaultProvider), posted: t.Posted}
	c.turnTo(proof, proof.Components)
	payout := c.payout
	token := Token(payout.MerchantID, payout.PaymentReference, t.Company, t.Revision)
	ledger, _ := find(p, c.about, func(l *layer) (string, bool) { return l.ledger, l.ledger != "" })
	transaction, _ := find(p, c.about, func(l *layer) (bool, bool) { return said(l.vat.transaction) })
	c.voucher = Voucher{
		Token:            token,
		PaymentReference: payout.PaymentReference,
		Ledger:           ledger,
		Branch:           c.branch(c.about),
		TransactionCode:  p.TransactionCode,
		Date:             c.date,
		Currency:         payout.Currency,
		Settlement:       payout.Totals[settlement.TotalSettlement],
		VATTransaction:   transaction,
	}
	c.voucher.Description = fit(token+" "+c.fill(c.say("description"), nil, c.orders()), maxDescription)
	return c
}

// branch and subaccount are those of lines that no rule is behind.
func (c *compiler) branch(about condition) string {
	branch, _ := find(c.profile, about, func(l *layer) (string, bool) { return l.branch, l.branch != "" })
	return branch
}

func (c *compiler) subaccount(about condition) []Segment {
	segments, _ := find(c.profile, about, func(l *layer) ([]Segment, bool) { return l.subaccount, l.subaccount != nil })
	return segments
}

// addComponents books every component that moves money, and its VAT. It returns
// the fees on which the buyer owes VAT, by the level of the profile that says so.
func (c *compiler) addComponents() (untaxed map[*layer]*adder) {
	untaxed = map[*layer]*adder{}
	for _, component := range c.components {
		effect := c.proof.Effect(component)
		switch {
		case effect.Amount == 0 && effect.VAT == 0:
		case effect.Outside:
			c.voucher.Outside = append(c.voucher.Outside, component)
		default:
			if level := c.addComponent(component, effect); level != nil {
				if untaxed[level] == nil {
					untaxed[level] = new(adder)
				}
				untaxed[level].add(-effect.Amount)
			}
		}
	}
	return untaxed
}

// aboutOf returns what the lines of a component are about.
func (c *compiler) aboutOf(component settlement.Component) condition {
	return condition{
		currency:   c.payout.Currency,
		country:    component.Country,
		merchantID: cmp.Or(component.MerchantID, c.payout.MerchantID),
	}
}

// addComponent books a component. Of a fee without VAT on which the buyer owes it,
// it returns the level of the profile that says so.
func (c *compiler) addComponent(component settlement.Component, effect settlement.Effect) (owes *layer) {
	about := c.aboutOf(component)
	r := c.profile.ruleOf(component.Key, about)
	owes = c.charged(component, about, r)
	code, id := c.baseCode(component, about, r, owes)
	for _, gives := range effect.Parts() {
		if gives == 0 {
			continue
		}
		reference := r.accountFor(gives, effect.VAT)
		c.add(lineKey{
			role:    roleOf(component.Key, reference),
			account: c.account(reference, about, Missing{component.Pair(), "account", gives}),
			branch:  r.branch, vatCode: code, vatID: id, text: c.componentText(component.Key, r),
		}, r.subaccount, gives, 0, component)
	}
	if effect.VAT != 0 {
		account, code, id := c.vatLine(component, about, r)
		c.add(lineKey{
			role:    RoleVAT,
			account: c.account(account, about, Missing{component.Pair(), "vat_account", effect.VAT}),
			branch:  r.branch, vatCode: code, vatID: id, registered: c.payout.RegistrationCurrency,
			text: c.vatLineText(component.Key),
		}, r.subaccount, effect.VAT, abs(c.proof.RegistrationTax(component)), component)
	}
	return owes
}

// roleOf is the role of a component's line. A reminder collects what is owed
// after a negative period, so it is debt repaid where the profile says so.
func roleOf(kind settlement.Key, account string) Role {
	if kind.CollectsDebt() && account == accountDebt {
		return RoleDebt
	}
	return RoleComponent
}

// account gives the number of an account that is referred to, and notes what is
// missing when there is none: the reference, or the number behind its name.
func (c *compiler) account(reference string, about condition, missing Missing) string {
	if reference == "" {
		c.miss(missing)
		return ""
	}
	if !isAccountName(reference) {
		return reference
	}
	number := c.profile.account(reference, about)
	if number == "" {
		c.miss(Missing{Member: "accounts." + reference, Amount: missing.Amount})
	}
	return number
}

// addDebt books the debt that the payout repays and adds. Added debt lifts the
// settlement amount when the formula counts it; when it does not, addMoney says
// what it is.
func (c *compiler) addDebt() {
	if repay := c.payout.Totals[settlement.TotalRepay]; repay != 0 {
		c.addPlain(RoleDebt, accountDebt, "repay", -repay)
	}
	if c.proof.DepositInFormula() {
		c.addPlain(RoleDebt, accountDebt, "deposit", c.payout.Totals[settlement.TotalDeposit])
	}
}

// addMoney books the counterpart of everything so far, and only if that is what
// Klarna says it paid or billed.
func (c *compiler) addMoney() error {
	if c.booked.overflow {
		return c.voucher.unbalanced("its sums do not fit 64 bits")
	}
	if c.payout.Type == settlement.GrossFee {
		return c.addInvoice()
	}
	paid := c.payout.Totals[settlement.TotalSettlement]
	if c.booked.sum != paid {
		return c.unexplained(c.booked.sum, paid)
	}
	if paid > 0 {
		c.addPlain(RoleSettlement, accountSettlement, "settlement", -paid)
	} else {
		c.addPlain(RoleCarried, accountDebt, "carried", -paid)
	}
	return c.depositExplained()
}

// addInvoice books what a GROSS_FEE bill comes to. Klarna's settlement amount
// may state it as money taken, as the amount of the bill, or not at all.
func (c *compiler) addInvoice() error {
	stated := c.booked.sum
	switch {
	case c.proof.Read(settlement.FeeInvoiceAsPositiveSettlement):
		stated = -stated
	case c.proof.Read(settlement.FeeInvoiceWithoutSettlement):
		stated = 0
	}
	if stated != c.payout.Totals[settlement.TotalSettlement] {
		return c.unexplained(stated, c.payout.Totals[settlement.TotalSettlement])
	}
	c.voucher.Invoice = -c.booked.sum
	c.addPlain(RoleInvoice, accountFeesInvoice, "invoice", c.voucher.Invoice)
	return c.addCarried()
}

// addCarried books a bill that was added to the debt beside the settlement
// amount: a pair of lines moves it on from fees_invoice.
func (c *compiler) addCarried() error {
	deposit := c.payout.Totals[settlement.TotalDeposit]
	if deposit == 0 || c.proof.DepositInFormula() || c.booked.sum != -deposit {
		return c.depositExplained()
	}
	c.addPlain(RoleCarried, accountFeesInvoice, "carried", -deposit)
	c.addPlain(RoleCarried, accountDebt, "carried", deposit)
	return nil
}

// depositExplained makes sure that debt which was added beside the settlement
// amount, instead of inside it, has a cause: a negative payout of just that
// amount, a bill, or a person who accepted the rest.
func (c *compiler) depositExplained() error {
	gap := c.proof.DepositUnexplained()
	if gap == 0 || slices.ContainsFunc(c.proof.Accepted, func(a settlement.Accepted) bool {
		return a.Code == codeDebtDiffers && a.Component == componentDeposit && a.Difference == gap
	}) {
		return nil
	}
	deposit := c.payout.Totals[settlement.TotalDeposit]
	e := c.unexplained(deposit-gap, deposit)
	e.HeldCode, e.Component = codeDebtDiffers, componentDeposit
	e.Problem = "Klarna adds " + c.voucher.money(deposit) + " to the debt, and neither the rows nor the settlement amount of " +
		c.voucher.money(c.payout.Totals[settlement.TotalSettlement]) + " account for it"
	return e
}

// addPlain books an amount that no rows are behind on one of the profile's
// accounts, with a text of the profile's.
func (c *compiler) addPlain(role Role, account, text string, gives int64) {
	if gives == 0 {
		return
	}
	c.addLine(role, account, c.fill(c.say(text), nil, c.orders()), gives)
}

// unruled is the error for what the profile has no rule or account for, if any.
func (c *compiler) unruled() error {
	if c.missing == nil {
		return nil
	}
	return &RuleError{
		PaymentReference: c.payout.PaymentReference, Profile: c.profile.Name,
		Currency: c.payout.Currency, Missing: c.missing,
	}
}

// miss notes what the profile has to say, each thing once.
func (c *compiler) miss(m Missing) {
	for i := range c.missing {
		if known := &c.missing[i]; known.Component == m.Component && known.Member == m.Member {
			known.Amount, _ = settlement.Add(known.Amount, m.Amount)
			return
		}
	}
	c.missing = append(c.missing, m)
}

// unexplained says that the lines would come to something else than Klarna
// states, although the proof holds by the reading it needed.
func (c *compiler) unexplained(booked, stated int64) *UnexplainedError {
	e := &UnexplainedError{
		PaymentReference: c.payout.PaymentReference, Currency: c.payout.Currency,
		HeldCode: codeVoucherUnbalanced, Booked: booked, Settlement: stated, Difference: stated - booked,
		Problem: "its rows come to " + c.voucher.money(booked) + " and the settlement amount is " + c.voucher.money(stated),
	}
	if c.proof.Read(settlement.TaxRefundOutsideFormula) {
		e.HeldCode, e.Component = codeFormulaDiffers, componentTaxRefund
		e.Problem = "Klarna refunds VAT of " + c.voucher.money(c.payout.Totals[settlement.TotalTaxRefund]) +
			" on its fees and leaves it out of the settlement amount, so nothing says where it went"
	}
	return e
}
