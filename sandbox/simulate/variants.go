package main

import (
	"net/http"
	"slices"
	"time"

	"kvitt/internal/fault"
	"kvitt/internal/posting"
	"kvitt/internal/store"
	"kvitt/internal/visma"
)

// variant is a fault of the protocol, made at its ports: the protocol itself is
// the one that is shipped.
type variant struct {
	name string

	keepsScans, lastWins, forgetsSeen, ownOnly, believesEmpty, retriesNo, hurries bool

	poster func(*actor, *posting.Poster)
	found  func(ports, *store.Booking) // the row, before the protocol sees it
	posted func(error) error
	asked  func(*visma.Job, *error)
	unread func(ports, string) *visma.JournalTransaction // instead of reading a batch
	read   func(ports, *visma.JournalTransaction)
	listed func(ports, lists, *[]visma.JournalTransaction, *error)
}

// variants are the faults that must be found.
var variants = []variant{
	{name: "sends again on a time-out", posted: func(err error) error {
		if fault.ClassOf(err) == fault.UnknownOutcome {
			return problem(fault.Transient, "post", 0)
		}
		return err
	}},
	{name: "takes a server's error for a no", posted: func(err error) error {
		if f := fault.As(err); f != nil && f.Status >= http.StatusInternalServerError {
			return problem(fault.Rejected, "post", f.Status)
		}
		return err
	}},
	{name: "sends again after a crash", found: from(posting.Sending, posting.Intended)},
	{name: "forgets the job after a crash", found: from(posting.Accepted, posting.Intended)},
	{name: "takes unknown for not sent", found: from(posting.Unknown, posting.Intended)},
	{name: "does not wait for what is late", poster: func(_ *actor, p *posting.Poster) { p.Absent = 0 }},
	{name: "waits less than a batch may take", poster: func(_ *actor, p *posting.Poster) { p.Absent = absent / 4 }},
	{name: "waits by each worker's own clock", poster: func(a *actor, p *posting.Poster) {
		if a.p.name == "worker 2" {
			own := p.Now
			p.Now = func() time.Time { return own().Add(time.Hour) }
		}
	}},
	{name: "takes a lost job for a no", asked: func(j *visma.Job, err *error) {
		if fault.ClassOf(*err) == fault.Rejected {
			*j, *err = visma.Job{Status: visma.JobFinished, StatusCode: http.StatusBadRequest}, nil
		}
	}},
	{name: "takes a failed job for a no", asked: func(j *visma.Job, _ *error) {
		if j.Status == visma.JobFailed {
			j.Status, j.StatusCode = visma.JobFinished, http.StatusBadRequest
		}
	}},
	{name: "never looks for the batch", listed: func(p ports, _ lists, out *[]visma.JournalTransaction, _ *error) {
		if p.state() == posting.Unknown {
			*out = without(*out, p.what.intent.Voucher.Description)
		}
	}},
	{name: "confirms an absence by one list only", listed: func(p ports, kind lists, out *[]visma.JournalTransaction, err *error) {
		if kind == ofModified && p.state() == posting.Unknown {
			*out, *err = []visma.JournalTransaction{{BatchNumber: "000001"}}, nil
		}
	}},
	{name: "reads one list only before the first POST", listed: func(p ports, kind lists, out *[]visma.JournalTransaction, err *error) {
		if kind == ofModified && p.state() == posting.Intended {
			*out, *err = []visma.JournalTransaction{{BatchNumber: "000001"}}, nil
		}
	}},
	{name: "takes empty lists for empty books", believesEmpty: true},
	{name: "does not look at what is booked before", forgetsSeen: true},
	{name: "does not look at what others booked", ownOnly: true},
	{name: "believes what was read before a restore", keepsScans: true},
	{name: "starts workers at once after a restore", hurries: true},
	{name: "lets the last of two workers win", lastWins: true},
	{name: "releases without reading back", unread: func(p ports, number string) *visma.JournalTransaction {
		if p.state() == posting.Booked {
			return p.meant(number)
		}
		return nil
	}},
	{name: "releases what it did not compare", read: func(p ports, b *visma.JournalTransaction) {
		*b = *p.meant(b.BatchNumber)
	}},
	{name: "does not compare again before a late release", unread: func(p ports, number string) *visma.JournalTransaction {
		if p.state() == posting.Attached {
			return p.meant(number)
		}
		return nil
	}},
	{name: "believes a release without reading back", read: func(p ports, b *visma.JournalTransaction) {
		if p.state() == posting.Released {
			b.Status = visma.BatchPosted
		}
	}},
	{name: "releases a draft", found: func(_ ports, r *store.Booking) { r.Mode = "auto" }},
	{name: "repeats a clear no for ever", retriesNo: true},
}

// from lets the protocol find a posting in another state than it left it.
func from(left, found string) func(ports, *store.Booking) {
	return func(_ ports, r *store.Booking) {
		if r.State == left {
			r.State = found
		}
	}
}

func (p ports) state() string { return p.w.memory.of(p.what.intent.Voucher.Token).State }

// meant is the batch as it should be.
func (p ports) meant(number string) *visma.JournalTransaction {
	v := p.what.intent.Voucher
	b := &visma.JournalTransaction{
		BatchNumber: number, Status: visma.BatchBalanced, Description: v.Description, CurrencyID: string(v.Currency), Ledger: v.Ledger,
		FinancialPeriod: p.what.period(), TransactionDate: visma.DateTime{Time: v.Date.Time()},
	}
	if now := p.w.find(number); now != nil {
		b.Status = now.Status
	}
	for _, l := range v.Lines {
		b.Lines = append(b.Lines, visma.JournalTransactionLine{
			AccountNumber: l.Account, ReferenceNumber: l.Reference, TransactionDescription: l.Text,
			DebitAmountInCurrency: visma.FromMinor(l.Debit, 2), CreditAmountInCurrency: visma.FromMinor(l.Credit, 2),
		})
	}
	return b
}

func without(all []visma.JournalTransaction, description string) []visma.JournalTransaction {
	return slices.DeleteFunc(slices.Clone(all), func(b visma.JournalTransaction) bool { return b.Description == description })
}

// find runs schedules until one shows the variant's fault; 0 when none of so many
// does.
func (v variant) find(most uint64) (after uint64, words string) {
	var threads []*thread
	defer func() { end(threads) }()
	for n := uint64(1); n <= most; n++ {
		if found := newWorld(n, v, &threads).play(); len(found) > 0 {
			return n, found[0]
		}
	}
	return 0, "it was not found"
}

func end(threads []*thread) {
	for _, t := range threads {
		t.stop()
	}
}
