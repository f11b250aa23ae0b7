package main

import (
	"net/http"

	"kvitt/internal/fault"
	"kvitt/internal/posting"
	"kvitt/internal/store"
	"kvitt/internal/visma"
)

// variant is a fault of the protocol, made at its ports.
type variant struct {
	name string

	keepsScans, lastWins, forgetsSeen, believesEmpty bool

	begin  func(*world)
	poster func(*posting.Poster)
	found  func(*store.Posting)
	posted func(error) error
	asked  func(*visma.Job, *error)
	read   func(ports, *visma.JournalTransaction)
	listed func(*[]visma.JournalTransaction, *error)
}

var variants = []variant{
	{name: "sends again on a time-out", posted: func(err error) error {
		if fault.ClassOf(err) == fault.UnknownOutcome {
			return problem(fault.Transient, "post", 0)
		}
		return err
	}},
	{name: "sends again after a crash", found: func(r *store.Posting) {
		if r.State == posting.Sending {
			r.State = posting.Intended
		}
	}},
	{name: "forgets the job after a crash", found: func(r *store.Posting) {
		if r.State == posting.Accepted {
			r.State = posting.Intended
		}
	}},
	{name: "takes unknown for not sent", found: func(r *store.Posting) {
		if r.State == posting.Unknown {
			r.State = posting.Intended
		}
	}},
	{name: "does not wait for what is late", poster: func(p *posting.Poster) { p.Absent = 0 }},
	{name: "takes a lost job for a no", asked: func(j *visma.Job, err *error) {
		if fault.ClassOf(*err) == fault.Rejected {
			*j, *err = visma.Job{Status: visma.JobFinished, StatusCode: http.StatusBadRequest}, nil
		}
	}},
	{name: "confirms an absence by one list only", listed: func(out *[]visma.JournalTransaction, err *error) {
		*out, *err = []visma.JournalTransaction{{BatchNumber: "000001"}}, nil
	}},
	{name: "takes empty lists for empty books", believesEmpty: true},
	{name: "does not look at what is booked before", forgetsSeen: true},
	{name: "believes what was read before a restore", keepsScans: true},
	{name: "lets the last of two workers win", lastWins: true},
	{name: "releases what it did not compare", read: func(p ports, b *visma.JournalTransaction) {
		for i := range b.Lines {
			b.Lines[i].AccountNumber = p.what.intent.Voucher.Lines[i].Account
		}
	}},
	{name: "believes a release without reading back", read: func(p ports, b *visma.JournalTransaction) {
		if p.w.memory.rows[p.what.intent.Voucher.Token].State == posting.Released {
			b.Status = visma.BatchPosted
		}
	}},
}

// find runs schedules until one shows the variant's fault; 0 when none of so many
// does.
func (v variant) find(most int) (after int, words string) {
	for n := 1; n <= most; n++ {
		if found := newWorld(uint64(n), v).run(); len(found) > 0 {
			return n, found[0]
		}
	}
	return 0, "it was not found"
}
