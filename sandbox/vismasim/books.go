package vismasim

import (
	"fmt"
	"slices"
	"strings"
	"time"
)

// company is a Company with its books. All of it is guarded by Sim.mu.
type company struct {
	Company
	accounts map[string]*Account
	numbers  []string // of accounts, in order
	periods  []*Period
	subs     []subaccount
	batches  []*Batch // in the order they were made
	series   map[string]int
	files    map[string]*file // by attachment id
	// changed lists the accounts and periods that differ from the Company's; only these are saved.
	changed map[string]bool
}

type subaccount struct {
	id     int
	number string
	values []SegmentValue
}

// file is the content of an attachment, all its revisions; a large one is null.
type file struct {
	ID        string   `json:"id"`
	Name      string   `json:"name"`
	Revisions [][]byte `json:"revisions"`
}

func newCompany(c Company) (*company, error) {
	if c.TenantID == "" || c.BaseCurrency == "" || len(c.Accounts) == 0 || len(c.Ledgers) == 0 || len(c.Branches) == 0 {
		return nil, fmt.Errorf("set up the simulated company %q: tenant id, base currency, accounts, ledgers and branches are all needed", c.Name)
	}
	if _, ok := c.currency(c.BaseCurrency); !ok {
		return nil, fmt.Errorf("set up the simulated company %q: its base currency %s is not among its currencies", c.Name, c.BaseCurrency)
	}
	books := &company{
		Company: c, accounts: map[string]*Account{}, periods: periodsOf(c),
		series: map[string]int{"GL": max(c.FirstBatch, 1) - 1}, files: map[string]*file{},
		changed: map[string]bool{},
	}
	for _, account := range c.Accounts {
		books.accounts[account.Number] = &account
		books.numbers = append(books.numbers, account.Number)
	}
	slices.Sort(books.numbers)
	books.subs = combinations(c.Segments)
	return books, nil
}

// combinations returns all subaccounts that the segments allow, including inactive values, in order.
func combinations(segments []Segment) []subaccount {
	if len(segments) == 0 {
		return nil
	}
	subs := []subaccount{{}}
	for _, segment := range segments {
		var next []subaccount
		for _, sub := range subs {
			for _, v := range segment.Values {
				next = append(next, subaccount{values: append(slices.Clone(sub.values), v)})
			}
		}
		subs = next
	}
	for i := range subs {
		parts := make([]string, len(subs[i].values))
		for j, v := range subs[i].values {
			parts[j] = v.Value
		}
		subs[i].id, subs[i].number = 101+i, strings.Join(parts, "-")
	}
	return subs
}

func (s subaccount) active() bool {
	return !slices.ContainsFunc(s.values, func(v SegmentValue) bool { return v.Inactive })
}

func (c *company) sub(number string) (subaccount, bool) {
	for _, s := range c.subs {
		if s.number == number {
			return s, true
		}
	}
	return subaccount{}, false
}

// batch finds a general ledger batch by its number.
func (c *company) batch(number string) *Batch { return c.batchOf("GL", number) }

func (c *company) batchOf(module, number string) *Batch {
	for _, b := range c.batches {
		if b.Module == module && b.Number == number {
			return b
		}
	}
	return nil
}

// enter numbers a batch from its module's series and adds it to the books.
func (c *company) enter(b *Batch) {
	c.series[b.Module]++
	b.Number = fmt.Sprintf("%06d", c.series[b.Module])
	c.batches = append(c.batches, b)
}

// replace puts a changed batch in place of the one it was copied from.
func (c *company) replace(b *Batch) {
	for i := range c.batches {
		if c.batches[i].Module == b.Module && c.batches[i].Number == b.Number {
			c.batches[i] = b
			return
		}
	}
	c.batches = append(c.batches, b)
	n := 0
	if _, err := fmt.Sscanf(b.Number, "%d", &n); err == nil {
		c.series[b.Module] = max(c.series[b.Module], n)
	}
}

// finishRelease completes a queued release that is due.
func (c *company) finishRelease(b *Batch, at time.Time) {
	b.Status, b.ReleaseDue = Unposted, nil
	if c.PostOnRelease {
		b.Status = Posted
	}
	b.Modified = at
}

// reversal returns the reversal of a released auto-reversing batch: the same lines with the sides
// exchanged on the first day of the next period, with the same description. It is nil when there is none,
// or no period for it.
func (c *company) reversal(b *Batch) *Batch {
	own := c.period(b.Period)
	if !b.Reversing || own == nil {
		return nil
	}
	next := c.periodOn(own.Next)
	if next == nil {
		return nil
	}
	back := b.clone()
	back.Number, back.Attachments, back.ListedFrom = "", nil, nil
	back.Reversing, back.Reverses = false, b.Number
	back.Date, back.Period, back.Created = next.Start, next.ID, b.Modified
	for i := range back.Lines {
		l := &back.Lines[i]
		l.Debit, l.Credit, l.BaseDebit, l.BaseCredit = l.Credit, l.Debit, l.BaseCredit, l.BaseDebit
		l.Attachments = nil
	}
	return back
}

// setAccount changes or adds an account.
func (c *company) setAccount(account Account) {
	if c.accounts[account.Number] == nil {
		c.numbers = append(c.numbers, account.Number)
		slices.Sort(c.numbers)
	}
	c.accounts[account.Number] = &account
	c.changed[kindAccount+account.Number] = true
}
