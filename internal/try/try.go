// Package try proves a payout from Klarna's own documents and compiles its
// voucher, with nothing else there: it is how somebody tries Kvitt on a payout of
// their own before anything is connected. What it finds is what a connection
// would find, because the decoders, the proof and the compiler are the same.
//
// It never keeps what it reads, never asks anybody for anything (no database, no
// Temporal, no keyset, no network, no settings), and never holds the rows in
// memory. It never guesses what a document lacks: a file that is not what it
// was given as, a page that is missing and rows of another payout are errors
// that name the file, the place and what helps.
package try

import (
	"context"
	"errors"
	"io"
	"iter"

	"kvitt/internal/held"
	"kvitt/internal/klarna"
	"kvitt/internal/settlement"
	"kvitt/internal/voucher"
)

// Company stands in for the Visma.net company, which is a part of what a token
// is derived from. So the token of a trial is never that of a posting.
const Company = "starter try"

// Before stands in for the reference of the payout before.
const Before = "(not named)"

// Document is a file with one of Klarna's documents.
type Document struct {
	Name string // as the person knows it
	io.Reader
}

// Input holds what a trial is made of.
type Input struct {
	Payout Document // the answer of /payouts/{payment_reference}
	// Transactions are pages of /transactions, in any order. They are asked for and
	// read in a goroutine of their own, the next one when the one before was read. An
	// error of it ends the trial as it is.
	Transactions iter.Seq2[Document, error]
	Profile      *voucher.Profile
	Provider     klarna.Provider // who pays out
	// ClosingDebt is what the payout before left open, in minor units; nil when that
	// is not known.
	ClosingDebt *int64
	// AccrueAt asks what an accrual on this day would book of the payout; zero: not.
	AccrueAt voucher.Date
}

// The states of an answer.
const (
	Compiled = "compiled"
	Held     = "held"
)

// Answer holds what came of a trial. Amounts are minor units of Currency.
type Answer struct {
	PaymentReference string   `json:"payment_reference"`
	State            string   `json:"state"`
	HeldReason       string   `json:"held_reason"` // a code of the catalogue; "" when compiled
	Detail           string   `json:"detail"`      // what exactly holds it
	Remedy           string   `json:"remedy"`
	Variants         []string `json:"variants"` // the readings of Klarna's figures that the proof needed
	Currency         string   `json:"currency"`
	Settlement       int64    `json:"settlement_amount"`
	Difference       int64    `json:"difference"` // in money, that the reason names
	Rows             int64    `json:"rows"`
	Provider         string   `json:"provider"`
	Profile          string   `json:"profile"` // its name
	Voucher          *Voucher `json:"voucher"` // null when held
	Accrual          *Accrual `json:"accrual"` // null when not asked for, or held

	Batch   *voucher.Voucher   `json:"-"` // the voucher in full
	Accrued *voucher.Voucher   `json:"-"` // the accrual in full
	Payout  *settlement.Payout `json:"-"`
}

// Voucher is a compiled voucher.
type Voucher struct {
	Date         voucher.Date `json:"date"`
	Description  string       `json:"description"` // with a token that no posting has
	ExchangeRate string       `json:"exchange_rate,omitempty"`
	Lines        []Line       `json:"lines"`
}

// Line is one line.
type Line struct {
	Account string `json:"account"`
	Debit   int64  `json:"debit"`
	Credit  int64  `json:"credit"`
	Text    string `json:"text"`
	VATCode string `json:"vat_code"`
}

// Accrual holds what an accrual would book of the payout. Without lines, Detail
// says why.
type Accrual struct {
	Date       voucher.Date `json:"date"`
	Lines      []Line       `json:"lines"`
	HeldReason string       `json:"held_reason,omitempty"`
	Detail     string       `json:"detail,omitempty"`
}

// Stopped tells whether anything is held.
func (a *Answer) Stopped() bool {
	return a.State == Held || a.Accrual != nil && a.Accrual.HeldReason != ""
}

// Run reads the documents, proves the payout and compiles its voucher. What a
// connection would hold is an answer; the errors are *FileError, those of the
// readers and of Transactions, and that of ctx.
func Run(ctx context.Context, in *Input) (*Answer, error) {
	payout, err := readPayout(ctx, in.Payout)
	if err != nil {
		return nil, err
	}
	rows := newRows(payout, in)
	if err := rows.read(ctx, in.Transactions); err != nil {
		return nil, err
	}
	announced, err := rows.announced()
	if err != nil {
		return nil, err
	}
	var previous *settlement.Debt
	if in.ClosingDebt != nil {
		previous = &settlement.Debt{PaymentReference: Before, Closing: *in.ClosingDebt}
	}
	return judge(in, payout, rows, announced, previous)
}

// judge proves and compiles.
func judge(in *Input, payout *klarna.Payout, rows *rows, announced int64, previous *settlement.Debt) (*Answer, error) {
	reported := payout.Settlement()
	a := &Answer{
		PaymentReference: reported.PaymentReference, Currency: string(reported.Currency), Settlement: reported.Totals[settlement.TotalSettlement],
		Rows: rows.tally.Rows(), Provider: in.Provider.Name(), Profile: in.Profile.Name, Variants: []string{}, Payout: &reported,
	}
	proof, err := settlement.Prove(reported, rows.tally, announced, previous)
	if err != nil {
		return a, a.hold(err, in.Provider)
	}
	a.Variants = append(a.Variants, proof.Variants...)
	v, err := voucher.Compile(in.Profile, proof, voucher.Target{Company: Company, Provider: in.Provider.Name()})
	if err != nil {
		return a, a.hold(err, in.Provider)
	}
	a.State, a.Batch = Compiled, v
	a.Voucher = &Voucher{Date: v.Date, Description: v.Description, ExchangeRate: v.ExchangeRate, Lines: lines(v)}
	if !in.AccrueAt.IsZero() {
		return a, a.accrue(in, proof, rows.days)
	}
	return a, nil
}

// coded is an error of the pure core that names its held code.
type coded interface {
	error
	Code() string
}

// hold makes the answer one that is held, and returns the error if it is none of
// the core's.
func (a *Answer) hold(err error, provider klarna.Provider) error {
	var c coded
	if !errors.As(err, &c) {
		return err
	}
	reason, _ := held.Look(held.Code(c.Code()))
	a.State, a.HeldReason, a.Detail, a.Remedy = Held, c.Code(), provider.Says(c.Error()), provider.Says(reason.Remedy)
	a.Difference = voucher.DifferenceOf(err)
	return nil
}

func lines(v *voucher.Voucher) []Line {
	all := make([]Line, len(v.Lines))
	for i := range v.Lines {
		l := &v.Lines[i]
		all[i] = Line{Account: l.Account, Debit: l.Debit, Credit: l.Credit, Text: l.Text, VATCode: l.VATCode}
	}
	return all
}
