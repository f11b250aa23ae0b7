package main

import (
	"context"
	"time"

	"kvitt/internal/fault"
	"kvitt/internal/held"
	"kvitt/internal/posting"
	"kvitt/internal/visma"
	"kvitt/internal/voucher"
)

const (
	company = "42"
	period  = "202601"
)

// payout is one voucher that is to be booked once, and how its posting came along.
type payout struct {
	reference string
	intent    posting.Intent
	posts     []*sent
	verified  bool
	held      held.Code
	touched   bool // by a person, in Visma.net
}

// sent is a POST that reached Visma.net.
type sent struct {
	at      time.Duration
	no      bool // it was answered with a clear no
	pending bool // it will book
	batch   *batch
}

func (p *payout) prepare() {
	v := &voucher.Voucher{
		Token: voucher.Token("K1", p.reference, company, 0), PaymentReference: p.reference, Ledger: "1",
		Date: voucher.Date{Year: 2026, Month: 1, Day: 5}, Currency: "SEK", Settlement: 8_590_000,
		Lines: []voucher.Line{
			{Account: "1930", Debit: 8_590_000, Reference: p.reference, Text: "Klarna payout", Role: voucher.RoleSettlement},
			{Account: "1686", Credit: 8_590_000, Reference: p.reference, Text: "Klarna sales", Role: voucher.RoleComponent},
		},
	}
	v.Description = v.Token + " Klarna " + p.reference
	p.intent = posting.Intent{Connection: "c1", Company: company, Voucher: v, Periods: []string{period}}
}

// drive does what the workflow does: post, look again when it is time, complete,
// and wait for a person where it must.
func (a *actor) drive() {
	poster := &posting.Poster{
		Books: ports{a}, Memory: ports{a}, Absent: absent, Scans: a.p.scans,
		Now:   func() time.Time { return midnight.Add(a.w.now) },
		Pause: func(_ context.Context, d time.Duration) error { return a.sleep(d) },
	}
	if a.w.broken.poster != nil {
		a.w.broken.poster(poster)
	}
	in := a.what.intent
	asked, failed := 0, 0
	for !a.dead {
		wait, code := a.attempt(poster, in)
		in.Again = false
		switch {
		case a.dead:
			return
		case code == "" && wait == 0:
			a.what.verified, a.what.held = true, ""
			return
		case code == "": // it looks again, or tries again
			failed++
			if a.sleep(wait) != nil {
				return
			}
			continue
		}
		a.what.held = code
		a.w.say("%s: payout %s is held: %s", a.p.name, a.what.reference, code)
		if asked++; asked > 3 && a.w.calm() {
			return
		}
		if a.sleep(max(wait, time.Hour)) != nil {
			return
		}
		in.Again = true // a person asks for it
	}
}

// attempt is one activity of each kind. It may be cancelled at any await.
func (a *actor) attempt(p *posting.Poster, in posting.Intent) (wait time.Duration, code held.Code) {
	ctx, cancel := context.WithCancel(a.ctx)
	defer cancel()
	a.abort = cancel
	got, err := p.Post(ctx, in)
	switch {
	case err != nil:
		a.w.say("%s: post %s: %v", a.p.name, a.what.reference, err)
		return a.w.upTo(30*time.Second) + time.Second, ""
	case got.Stop != nil:
		return got.LookAgain, got.Stop.Code
	case got.LookAgain > 0:
		return got.LookAgain, ""
	}
	_, stop, err := p.Complete(ctx, in, func(ctx context.Context, attach posting.Attach) error {
		return attach(ctx, visma.Bytes("settlement.pdf", nil))
	})
	switch {
	case err != nil:
		a.w.say("%s: complete %s: %v", a.p.name, a.what.reference, err)
		return a.w.upTo(30*time.Second) + time.Second, ""
	case stop != nil:
		return 0, stop.Code
	}
	a.w.say("%s: payout %s is verified", a.p.name, a.what.reference)
	return 0, ""
}

func (w *world) payoutOf(token string) *payout {
	for _, p := range w.payouts {
		if p.intent.Voucher.Token == token {
			return p
		}
	}
	return nil
}

func problem(class fault.Class, attempted string, status int) error {
	return &fault.Error{Class: class, Party: "Visma.net", Attempted: attempted, Status: status}
}
