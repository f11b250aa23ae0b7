// Package voucher turns a proven payout into one balanced voucher, by the rules
// of a posting profile that an accountant writes.
//
// It is pure: no I/O, no clock, and of our packages only settlement. It must
// never round, plug or guess: an amount without a rule, or one that would not
// balance, is returned as a typed error that names it, and suspense is used
// only where the profile says so. It knows nothing of financial periods; those
// belong to the company in Visma.net.
package voucher

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"io"
	"strconv"
	"strings"
	"unicode/utf8"

	"kvitt/internal/settlement"
)

// What Visma.net can be trusted to keep: its field lengths are not documented,
// so these are the shortest of its kin.
const (
	maxDescription = 60
	maxText        = 60
	maxReference   = 15
)

// Voucher is one batch as we mean to post it. Amounts are minor units of
// Currency. It survives JSON unchanged.
type Voucher struct {
	Token            string              `json:"token"`       // who we are, see Token
	Description      string              `json:"description"` // starts with Token, at most 60 characters
	PaymentReference string              `json:"payment_reference"`
	Ledger           string              `json:"ledger,omitempty"` // empty: the company's own
	Branch           string              `json:"branch,omitempty"`
	TransactionCode  string              `json:"transaction_code,omitempty"`
	Date             Date                `json:"date"` // the payout's day in the company's zone
	Currency         settlement.Currency `json:"currency"`
	Lines            []Line              `json:"lines"`

	// Settlement is Klarna's settlement amount. When it is positive, it is what the
	// lines of RoleSettlement come to; Klarna collects nothing, so there are none
	// when it is negative.
	Settlement int64 `json:"settlement"`
	// Invoice is what a GROSS_FEE bill adds to the debt to Klarna, and what the
	// lines of RoleInvoice come to. It moves no money, so such a voucher has no
	// line of RoleSettlement. Zero for every payout that moves money.
	Invoice int64 `json:"invoice,omitempty"`
	// Outside are the fees that a GROSS payout lists without deducting them.
	// They are booked from their own GROSS_FEE bill, never here.
	Outside []settlement.Component `json:"outside,omitempty"`
	// Earlier are the periods before Date that a part of the payout belongs to,
	// where the profile wants that split; no part of the hash, see Seal.
	Earlier []Part `json:"earlier,omitempty"`
	// Reverses is the batch that the voucher takes back, see Mirror; the texts
	// name it, so it is no part of the hash.
	Reverses string `json:"reverses,omitempty"`
	// AutoReversing lets Visma.net take the batch back on the first day of the
	// next period, see Accrue.
	AutoReversing bool `json:"auto_reversing,omitempty"`
	// VATTransaction lets Visma.net make VAT transactions of the lines.
	VATTransaction bool `json:"vat_transaction,omitempty"`
	// ExchangeRate is the company's currency for one unit of Currency, as a
	// decimal; empty: Visma.net's own.
	ExchangeRate string `json:"exchange_rate,omitempty"`
}

// Role says why a line is there.
type Role string

// The roles of lines, in the order in which they stand in a voucher.
const (
	RoleSettlement    Role = "settlement"     // the settlement (bank) account
	RoleInvoice       Role = "invoice"        // a fee bill that is paid apart
	RoleReceivable    Role = "receivable"     // of an accrual: what Klarna owes for what it books
	RoleComponent     Role = "component"      // what rows were about
	RoleVAT           Role = "vat"            // VAT on Klarna's fees
	RoleDebt          Role = "debt"           // debt to Klarna added or repaid
	RoleReverseCharge Role = "reverse_charge" // VAT that the buyer owes and deducts
	RoleReverseBase   Role = "reverse_base"   // the amount that such VAT is on, and its contra
	RoleCarried       Role = "carried"        // a negative payout that was carried as debt, not paid
	RoleAccepted      Role = "accepted"       // a difference that a person accepted
)

// Line is one line of a voucher. Exactly one of Debit and Credit is positive,
// the other is zero; neither is ever negative.
type Line struct {
	Account    string    `json:"account"`
	Subaccount []Segment `json:"subaccount,omitempty"`
	Branch     string    `json:"branch,omitempty"`
	Text       string    `json:"text"`      // at most 60 characters
	Reference  string    `json:"reference"` // the payment reference, at most 15 characters
	Debit      int64     `json:"debit,omitempty"`
	Credit     int64     `json:"credit,omitempty"`
	VATCode    string    `json:"vat_code,omitempty"`
	VATID      string    `json:"vat_id,omitempty"`
	Role       Role      `json:"role"`
	// Components are the sums behind the line, for the trail from voucher to
	// rows. They are not posted and not part of the hash.
	Components []settlement.Component `json:"components,omitempty"`
}

// Segment is one segment of a Visma.net subaccount.
type Segment struct {
	ID    int    `json:"id"`
	Value string `json:"value"`
}

// Total sums the two sides, in minor units. Check has to have passed.
func (v *Voucher) Total() (debit, credit int64) {
	for i := range v.Lines {
		debit += v.Lines[i].Debit
		credit += v.Lines[i].Credit
	}
	return debit, credit
}

// Check is the last step of the proof: the voucher balances and its bank line is
// the settlement amount; a negative one is debt and has no bank line. It trusts nothing that Compile did. The error is an
// *UnbalancedError.
func (v *Voucher) Check() error {
	if len(v.Lines) < 2 {
		return v.unbalanced("it has %d lines, and a batch needs two", len(v.Lines))
	}
	var debit, credit, bank, bill, charge, base, carried adder
	for i := range v.Lines {
		l := &v.Lines[i]
		if err := v.checkLine(l); err != nil {
			return err
		}
		debit.add(l.Debit)
		credit.add(l.Credit)
		switch l.Role {
		case RoleSettlement:
			bank.add(l.Debit - l.Credit)
		case RoleInvoice:
			bill.add(l.Credit - l.Debit)
		case RoleReverseCharge:
			charge.add(l.Debit - l.Credit)
		case RoleReverseBase:
			base.add(l.Debit - l.Credit)
		case RoleCarried:
			carried.add(l.Credit - l.Debit)
		case RoleReceivable, RoleComponent, RoleVAT, RoleDebt, RoleAccepted:
			// what the money was for
		}
	}
	if debit.overflow || credit.overflow || bank.overflow || bill.overflow || carried.overflow {
		return v.unbalanced("its sums do not fit 64 bits")
	}
	if charge.sum != 0 || charge.overflow {
		return v.differs(charge.sum, 0, "its reverse charge comes to %s and has to come to nothing", v.money(charge.sum))
	}
	if base.sum != 0 || base.overflow {
		return v.differs(base.sum, 0, "the base of its reverse charge and its contra come to %s and have to come to nothing", v.money(base.sum))
	}
	if v.Settlement < 0 && v.Invoice == 0 && v.Reverses == "" && carried.sum != -v.Settlement {
		return v.differs(carried.sum, -v.Settlement, "its settlement amount is %s, and %s of it becomes debt", v.money(v.Settlement), v.money(carried.sum))
	}
	if err := v.checkSums(debit.sum, credit.sum, bank.sum, bill.sum); err != nil {
		return err
	}
	return v.checkParts()
}

func (v *Voucher) checkSums(debit, credit, bank, bill int64) error {
	if debit != credit {
		return v.differs(debit, credit, "debit comes to %s and credit to %s", v.money(debit), v.money(credit))
	}
	if bill != v.Invoice {
		return v.differs(bill, v.Invoice, "its invoice line comes to %s and the fee bill to %s", v.money(bill), v.money(v.Invoice))
	}
	if want := v.wantedAtBank(bank); v.Invoice == 0 && bank != want {
		return v.differs(bank, want, "its bank line comes to %s and the settlement amount is %s", v.money(bank), v.money(v.Settlement))
	}
	if v.Invoice != 0 && (bank != 0 || v.Settlement != 0 && v.Settlement != v.Invoice && v.Settlement != -v.Invoice) {
		return v.differs(bank, v.Settlement, "it is a fee bill of %s, its bank line comes to %s and the settlement amount is %s",
			v.money(v.Invoice), v.money(bank), v.money(v.Settlement))
	}
	return v.checkHeader()
}

// wantedAtBank returns what the bank line has to come to: the settlement amount if
// Klarna paid it out. A voucher that takes one back has the opposite of that; of
// a batch from before negative payouts became debt, it is all of the settlement.
func (v *Voucher) wantedAtBank(bank int64) int64 {
	if v.Reverses == "" {
		return max(v.Settlement, 0)
	}
	if bank == v.Settlement {
		return bank
	}
	return min(v.Settlement, 0)
}

// checkLine looks at one line by itself.
func (v *Voucher) checkLine(l *Line) error {
	switch {
	case l.Debit < 0 || l.Credit < 0 || (l.Debit == 0) == (l.Credit == 0):
		return v.unbalanced("the line on account %s has debit %s and credit %s, and exactly one has to be positive",
			l.Account, v.money(l.Debit), v.money(l.Credit))
	case l.Account == "":
		return v.unbalanced("the line %q has no account", l.Text)
	case utf8.RuneCountInString(l.Text) > maxText:
		return v.unbalanced("the text %q is longer than %d characters", l.Text, maxText)
	case utf8.RuneCountInString(l.Reference) > maxReference:
		return v.unbalanced("the reference %q is longer than %d characters", l.Reference, maxReference)
	}
	return nil
}

func (v *Voucher) checkHeader() error {
	if v.Token == "" || !strings.HasPrefix(v.Description, v.Token) {
		return v.unbalanced("its description %q does not start with its token %q", v.Description, v.Token)
	}
	if utf8.RuneCountInString(v.Description) > maxDescription {
		return v.unbalanced("its description %q is longer than %d characters", v.Description, maxDescription)
	}
	return nil
}

// adder sums without hiding an overflow.
type adder struct {
	sum      int64
	overflow bool
}

func (a *adder) add(amount int64) {
	sum, ok := settlement.Add(a.sum, amount)
	a.sum, a.overflow = sum, a.overflow || !ok
}

func (v *Voucher) money(minor int64) string {
	return settlement.Format(minor, v.Currency) + " " + string(v.Currency)
}

// Hash is the SHA-256, in hex, of what would be posted: equal hashes mean the
// same batch. Its encoding must stay as it is, since it is compared with hashes
// that were stored years ago: the words "kvitt voucher 1", then token,
// description, payment reference, ledger, branch, transaction code, date
// (YYYY-MM-DD), currency, settlement, invoice and the number of lines; then for
// each line account, the number of segments with id and value each, branch,
// text, reference, debit, credit and VAT code; then, where they are used, VAT
// transaction, auto reversing, exchange rate and the VAT id of each line. Every item is a netstring
// (length in bytes, colon, the bytes, comma); numbers are decimal. Roles and
// components explain a voucher and are left out.
func (v *Voucher) Hash() string {
	h := sha256.New()
	netstrings(h, "kvitt voucher 1", v.Token, v.Description, v.PaymentReference, v.Ledger, v.Branch,
		v.TransactionCode, v.Date.String(), string(v.Currency), decimal(v.Settlement), decimal(v.Invoice),
		strconv.Itoa(len(v.Lines)))
	for i := range v.Lines {
		l := &v.Lines[i]
		netstrings(h, l.Account, strconv.Itoa(len(l.Subaccount)))
		for _, s := range l.Subaccount {
			netstrings(h, strconv.Itoa(s.ID), s.Value)
		}
		netstrings(h, l.Branch, l.Text, l.Reference, decimal(l.Debit), decimal(l.Credit), l.VATCode)
	}
	// What is new since is written only where it is used, so that the hashes of
	// before stay what they were.
	if v.VATTransaction {
		netstrings(h, "vat transaction")
	}
	if v.AutoReversing {
		netstrings(h, "auto reversing")
	}
	if v.ExchangeRate != "" {
		netstrings(h, "exchange rate", v.ExchangeRate)
	}
	for i := range v.Lines {
		if id := v.Lines[i].VATID; id != "" {
			netstrings(h, "vat id", strconv.Itoa(i), id)
		}
	}
	return hex.EncodeToString(h.Sum(nil))
}

func netstrings(w io.Writer, items ...string) {
	for _, item := range items {
		fmt.Fprintf(w, "%d:%s,", len(item), item)
	}
}

func decimal(n int64) string { return strconv.FormatInt(n, 10) }
