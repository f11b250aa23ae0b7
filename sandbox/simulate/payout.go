package main

import (
	"time"

	"kvitt/internal/fault"
	"kvitt/internal/posting"
	"kvitt/internal/voucher"
)

const (
	company  = "42"
	january  = "202601"
	february = "202602"
)

// payout is one voucher that is to be booked once.
type payout struct {
	reference string
	intent    *posting.Intent
	posts     []*sent
	excuse    string // why it may stay with a person: what people or Visma.net did
	touched   bool   // by a person, in Visma.net
}

// sent is a POST that reached Visma.net.
type sent struct {
	no      bool // a clear no to it has reached Kvitt
	pending bool // it will be booked
	batch   *batch
	at      time.Duration
}

// intents are the vouchers, by payment reference; shared, and never written to.
var intents = func() (out [2][]*posting.Intent) {
	for i, reference := range []string{"10001", "10002"} {
		v := &voucher.Voucher{
			Token: voucher.Token("K1", reference, company, 0), PaymentReference: reference, Ledger: "1",
			Date: voucher.Date{Year: 2026, Month: 1, Day: 5}, Currency: "SEK", Settlement: 8_590_000,
			Lines: []voucher.Line{
				{Account: "1930", Debit: 8_590_000, Reference: reference, Text: "Klarna payout", Role: voucher.RoleSettlement},
				{Account: "1686", Credit: 8_590_000, Reference: reference, Text: "Klarna sales", Role: voucher.RoleComponent},
			},
		}
		v.Description = v.Token + " Klarna " + reference
		for _, periods := range [][]string{{january}, {january, february}} {
			for _, onHold := range []bool{false, true} {
				out[i] = append(out[i], &posting.Intent{Company: company, Voucher: v, Periods: periods, Draft: onHold})
			}
		}
	}
	return out
}()

func (p *payout) period() string { return p.intent.Periods[len(p.intent.Periods)-1] }

func problem(class fault.Class, attempted string, status int) error {
	return &fault.Error{Class: class, Party: "Visma.net", Attempted: attempted, Status: status}
}
