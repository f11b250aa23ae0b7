package vismasim

import (
	"fmt"
	"slices"
	"time"
)

// ForeignBatch is a batch entered by somebody else, in the user interface or through another integration.
// The API's rules do not apply to it, but it must balance.
type ForeignBatch struct {
	Module      string        `json:"module"` // GL when empty
	Date        string        `json:"date"`   // YYYY-MM-DD
	Period      string        `json:"period"` // YYYYPP; by the date when empty
	Currency    string        `json:"currency"`
	Description string        `json:"description"`
	Status      Status        `json:"status"` // Posted when empty
	Lines       []ForeignLine `json:"lines"`
}

// ForeignLine is a line of a ForeignBatch; amounts in minor units.
type ForeignLine struct {
	Account   string `json:"account"`
	Reference string `json:"reference"`
	Text      string `json:"text"`
	Debit     int64  `json:"debit"`
	Credit    int64  `json:"credit"`
}

// AddBatch enters a batch by someone else and returns its number.
func (s *Sim) AddBatch(tenantID string, f ForeignBatch) (string, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.settle()
	c, err := s.company(tenantID)
	if err != nil {
		return "", err
	}
	b, err := c.foreign(f)
	if err != nil {
		return "", fmt.Errorf("enter a batch by someone else: %w", err)
	}
	now := s.o.Now()
	b.Created = now
	c.enter(b)
	s.touch(c, b, now)
	return b.Number, nil
}

func (c *company) foreign(f ForeignBatch) (*Batch, error) {
	day, err := time.Parse(time.DateOnly, f.Date)
	if err != nil {
		return nil, fmt.Errorf("read its date: %w", err)
	}
	period := c.period(f.Period)
	if f.Period == "" {
		period = c.periodOn(day)
	}
	if period == nil {
		return nil, fmt.Errorf("period %q does not exist, for %s", f.Period, f.Date)
	}
	b := &Batch{
		Module: f.Module, Status: f.Status, Date: day, Period: period.ID, Ledger: c.Ledgers[0].Number, Branch: c.Branches[0].Number,
		Currency: f.Currency, Description: f.Description, BySomeone: true,
	}
	if b.Module == "" {
		b.Module = "GL"
	}
	if b.Status == "" {
		b.Status = Posted
	}
	if b.Currency == "" {
		b.Currency = c.BaseCurrency
	}
	if b.Rate, err = c.rateOn(b.Currency, day); err != nil {
		return nil, err
	}
	sub := ""
	if len(c.subs) > 0 {
		sub = c.subs[0].number
	}
	for _, l := range f.Lines {
		if c.accounts[l.Account] == nil {
			return nil, fmt.Errorf("account %q does not exist", l.Account)
		}
		b.LastLine++
		b.Lines = append(b.Lines, Line{
			Number: b.LastLine, Account: l.Account, Subaccount: sub, Branch: b.Branch, Reference: l.Reference, Text: l.Text,
			Debit: l.Debit, Credit: l.Credit,
		})
	}
	debit, credit := b.Totals()
	if len(b.Lines) < 2 || debit != credit {
		return nil, fmt.Errorf("it must have two lines or more and balance; debit is %d, credit %d minor units", debit, credit)
	}
	b.ControlTotal = debit
	return b, c.balanceBase(b)
}

// EditBatch changes a general ledger batch as another user, even a released one.
func (s *Sim) EditBatch(tenantID, number string, change func(*Batch)) error {
	return s.changeBatch(tenantID, number, func(c *company, b *Batch) error {
		edited := *b
		edited.Lines = slices.Clone(b.Lines)
		change(&edited)
		c.replace(&edited)
		s.touch(c, &edited, s.o.Now())
		return c.balanceBase(&edited)
	})
}

// RemoveBatch removes a general ledger batch, as restoring a company would. It comes back at the next
// start of a simulator that saves its books.
func (s *Sim) RemoveBatch(tenantID, number string) error {
	return s.changeBatch(tenantID, number, func(c *company, b *Batch) error {
		c.batches = slices.DeleteFunc(c.batches, func(other *Batch) bool { return other == b })
		return nil
	})
}

func (s *Sim) changeBatch(tenantID, number string, change func(*company, *Batch) error) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.settle()
	c, err := s.company(tenantID)
	if err != nil {
		return err
	}
	for _, b := range c.batches {
		if b.Module == "GL" && b.Number == number {
			return change(c, b)
		}
	}
	return fmt.Errorf("change batch %s: %s has no such batch", number, c.Name)
}

// OpenPeriod opens a period (YYYYPP) again.
func (s *Sim) OpenPeriod(tenantID, period string) error {
	return s.changePeriod(tenantID, period, "open", func(_ *company, p *Period) error {
		p.Closed, p.Inactive = false, false
		return nil
	})
}

// ClosePeriod closes a period (YYYYPP) in every module. It is refused while a batch in it is not released,
// as in the real API.
func (s *Sim) ClosePeriod(tenantID, period string) error {
	return s.changePeriod(tenantID, period, "close", func(c *company, p *Period) error {
		for _, b := range c.batches {
			if b.Period == p.ID && !b.Released() {
				return fmt.Errorf("batch %s is not released", b.Number)
			}
		}
		p.Closed = true
		return nil
	})
}

// DeactivatePeriod makes a period inactive: nothing can be posted to it yet.
func (s *Sim) DeactivatePeriod(tenantID, period string) error {
	return s.changePeriod(tenantID, period, "deactivate", func(_ *company, p *Period) error {
		p.Inactive = true
		return nil
	})
}

func (s *Sim) changePeriod(tenantID, id, verb string, change func(*company, *Period) error) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.settle()
	c, err := s.company(tenantID)
	if err != nil {
		return err
	}
	p := c.period(id)
	if p == nil {
		return fmt.Errorf("%s period %s: %s has no such period", verb, id, c.Name)
	}
	if err := change(c, p); err != nil {
		return fmt.Errorf("%s period %s: %w", verb, id, err)
	}
	c.changed[kindPeriod+p.ID] = true
	s.keep(c, kindPeriod, p)
	return nil
}

// SetAccount changes an account of the chart, or adds it.
func (s *Sim) SetAccount(tenantID string, account Account) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.settle()
	c, err := s.company(tenantID)
	if err != nil {
		return err
	}
	c.setAccount(account)
	s.keep(c, kindAccount, &account)
	return nil
}
