package vismasim

import (
	"regexp"
	"slices"
	"strings"
	"time"
)

// Sums are debit and credit totals in minor units.
type Sums struct {
	Debit  int64 `json:"debit"`
	Credit int64 `json:"credit"`
}

// Balance returns debit less credit.
func (s Sums) Balance() int64 { return s.Debit - s.Credit }

func (s Sums) plus(debit, credit int64) Sums { return Sums{s.Debit + debit, s.Credit + credit} }

// AccountSums are the sums of an account: in minor units of the base currency, and of each currency that
// was posted to it.
type AccountSums struct {
	Sums
	Currencies map[string]Sums `json:"currencies"`
}

// Books are a simulated company's books at one time: every batch, whoever made it and whatever its status.
// Amounts are minor units.
type Books struct {
	TenantID     string                 `json:"tenant_id"`
	Company      string                 `json:"company"`
	BaseCurrency string                 `json:"base_currency"`
	Batches      int                    `json:"batches"`
	Debit        int64                  `json:"debit"` // base currency
	Credit       int64                  `json:"credit"`
	Released     Sums                   `json:"released"`   // of the above, Unposted and Posted
	Currencies   map[string]Sums        `json:"currencies"` // each in its own minor units
	Statuses     map[Status]int         `json:"statuses"`
	Accounts     map[string]AccountSums `json:"accounts"`
	// DuplicateReferences are the line references (payment references) that occur in more than one batch,
	// with those batches' numbers. A batch and its reversal share one.
	DuplicateReferences map[string][]string `json:"duplicate_references"`
	// DuplicateTokens are the "[name:hex]" tokens that occur in the descriptions of more than one batch.
	// There must never be one.
	DuplicateTokens map[string][]string `json:"duplicate_tokens"`
	List            []*Batch            `json:"-"` // in the order they were made
}

// Entry is a line on an account, with data of its batch.
type Entry struct {
	Batch    string
	Date     time.Time
	Status   Status
	Currency string
	Line
}

// Account returns the lines of every batch on an account of a company ("" is the only one), in the order
// the batches were made. It is cheaper than Books.
func (s *Sim) Account(tenantID, number string) []Entry {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.settle()
	c, err := s.company(tenantID)
	if err != nil {
		return nil
	}
	var all []Entry
	for _, b := range c.batches {
		for _, l := range b.Lines {
			if l.Account == number {
				all = append(all, Entry{Batch: b.Number, Date: b.Date, Status: b.Status, Currency: b.Currency, Line: l})
			}
		}
	}
	return all
}

var token = regexp.MustCompile(`\[[a-z]+:[0-9a-f]+\]`)

// WithDescription returns the batches whose description contains the text, a token for example.
func (b Books) WithDescription(text string) []*Batch {
	return slices.DeleteFunc(slices.Clone(b.List), func(batch *Batch) bool {
		return !strings.Contains(batch.Description, text)
	})
}

// WithReference returns the batches with a line that has the reference.
func (b Books) WithReference(reference string) []*Batch {
	return slices.DeleteFunc(slices.Clone(b.List), func(batch *Batch) bool {
		return !slices.ContainsFunc(batch.Lines, func(l Line) bool { return l.Reference == reference })
	})
}

func (c *company) report() Books {
	b := Books{
		TenantID: c.TenantID, Company: c.Name, BaseCurrency: c.BaseCurrency, Batches: len(c.batches),
		Currencies: map[string]Sums{}, Statuses: map[Status]int{}, Accounts: map[string]AccountSums{},
	}
	references, tokens := map[string][]string{}, map[string][]string{}
	for _, batch := range c.batches {
		b.List = append(b.List, batch.clone())
		b.Statuses[batch.Status]++
		debit, credit := batch.BaseTotals()
		b.Debit, b.Credit = b.Debit+debit, b.Credit+credit
		if batch.Released() {
			b.Released = b.Released.plus(debit, credit)
		}
		b.Currencies[batch.Currency] = b.Currencies[batch.Currency].plus(batch.Totals())
		for _, found := range token.FindAllString(batch.Description, -1) {
			note(tokens, found, batch.Number)
		}
		for _, l := range batch.Lines {
			note(references, l.Reference, batch.Number)
			account := b.Accounts[l.Account]
			if account.Currencies == nil {
				account.Currencies = map[string]Sums{}
			}
			account.Sums = account.plus(l.BaseDebit, l.BaseCredit)
			account.Currencies[batch.Currency] = account.Currencies[batch.Currency].plus(l.Debit, l.Credit)
			b.Accounts[l.Account] = account
		}
	}
	b.DuplicateReferences, b.DuplicateTokens = several(references), several(tokens)
	return b
}

// note records, once, that a key occurs in a batch.
func note(where map[string][]string, key, number string) {
	if key != "" && !slices.Contains(where[key], number) {
		where[key] = append(where[key], number)
	}
}

func several(where map[string][]string) map[string][]string {
	for key, numbers := range where {
		if len(numbers) < 2 {
			delete(where, key)
		}
	}
	return where
}
