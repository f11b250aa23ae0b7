// Package company knows one Visma.net company as far as posting needs it: its
// chart of accounts, ledgers, branches, currencies, subaccount segments and
// financial periods, read once and kept for a short while.
//
// It finds, before a voucher is posted, what Visma.net would refuse. It must never write to Visma.net.
package company

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"golang.org/x/sync/errgroup"

	"kvitt/internal/held"
	"kvitt/internal/settlement"
	"kvitt/internal/visma"
	"kvitt/internal/voucher"
)

// Reader reads a company; *visma.Client is one.
type Reader interface {
	Organization(ctx context.Context) (*visma.Organization, error)
	Accounts(ctx context.Context) ([]visma.Account, error)
	Ledgers(ctx context.Context) ([]visma.Ledger, error)
	Branches(ctx context.Context) ([]visma.Branch, error)
	Currencies(ctx context.Context) ([]visma.Currency, error)
	Segments(ctx context.Context) ([]visma.Segment, error)
	FinancialPeriods(ctx context.Context) ([]visma.FinancialPeriod, error)
	VATs(ctx context.Context) ([]visma.VAT, error)
}

// Company is a snapshot of a Visma.net company.
type Company struct {
	ID, Name, BaseCurrency string
	ReadAt                 time.Time

	Calendar   *visma.Calendar
	accounts   map[string]visma.Account
	ledgers    map[string]bool
	branches   map[string]visma.Branch
	currencies map[string]visma.Currency
	segments   []visma.Segment
	vats       []visma.VAT
	vatsKnown  bool // Visma.net listed them; false where it refuses to
}

// Read takes a snapshot.
func Read(ctx context.Context, r Reader, now time.Time) (*Company, error) {
	var (
		c          = &Company{ReadAt: now}
		org        *visma.Organization
		accounts   []visma.Account
		ledgers    []visma.Ledger
		branches   []visma.Branch
		currencies []visma.Currency
		periods    []visma.FinancialPeriod
	)
	g, ctx := errgroup.WithContext(ctx)
	g.Go(func() (err error) { org, err = r.Organization(ctx); return })
	g.Go(func() (err error) { accounts, err = r.Accounts(ctx); return })
	g.Go(func() (err error) { ledgers, err = r.Ledgers(ctx); return })
	g.Go(func() (err error) { branches, err = r.Branches(ctx); return })
	g.Go(func() (err error) { currencies, err = r.Currencies(ctx); return })
	g.Go(func() (err error) { c.segments, err = r.Segments(ctx); return })
	g.Go(func() (err error) { periods, err = r.FinancialPeriods(ctx); return })
	g.Go(func() (err error) { c.vats, c.vatsKnown, err = vatCodes(ctx, r); return })
	if err := g.Wait(); err != nil {
		return nil, err
	}
	calendar, err := visma.NewCalendar(periods)
	if err != nil {
		return nil, err
	}
	c.ID, c.Name, c.BaseCurrency, c.Calendar = Identity(org), org.Name, org.BaseCurrencyID(), calendar
	c.accounts = byKey(accounts, func(a visma.Account) string { return a.AccountCD })
	c.branches = byKey(branches, func(b visma.Branch) string { return b.Number })
	c.currencies = byKey(currencies, func(c visma.Currency) string { return c.ID })
	c.ledgers = map[string]bool{}
	for _, l := range ledgers {
		c.ledgers[trim(l.Number)] = l.BalanceType == visma.LedgerActual
	}
	return c, nil
}

// Identity identifies a company by Visma.net's own data, so that it is the same whichever flow gives
// access, and after a new installation: the tokens of all postings depend on it. Organization numbers
// alone are unique within one customer only.
func Identity(org *visma.Organization) string {
	if org.CorporateID == "" {
		return org.OrganizationCD
	}
	return org.OrganizationCD + "/" + org.CorporateID
}

func byKey[T any](list []T, key func(T) string) map[string]T {
	m := make(map[string]T, len(list))
	for _, v := range list {
		m[trim(key(v))] = v
	}
	return m
}

// MainBranch returns the branch that is used for a voucher without one: the main one, or the only active
// one; "" where that is unclear.
func (c *Company) MainBranch() string {
	var active, main []string
	for number := range c.branches {
		b := c.branches[number]
		switch {
		case !b.IsActive:
			continue
		case b.IsMainBranch:
			main = append(main, number)
		}
		active = append(active, number)
	}
	for _, only := range [][]string{main, active} {
		if len(only) == 1 {
			return only[0]
		}
	}
	return ""
}

// FilledIn returns the accounts of the chart with a VAT category of their own, which Visma.net writes on
// every line of a batch that names no VAT code.
func (c *Company) FilledIn(accounts []string) (all []Account) {
	for _, number := range accounts {
		if a, ok := c.accounts[trim(number)]; ok && trim(a.TaxCategory) != "" {
			all = append(all, Account{Number: trim(number), Description: a.Description, VATCategory: trim(a.TaxCategory)})
		}
	}
	slices.SortFunc(all, func(a, b Account) int { return strings.Compare(a.Number, b.Number) })
	return slices.CompactFunc(all, func(a, b Account) bool { return a.Number == b.Number })
}

// trim removes the padding of Visma.net's keys, "1         " for 1. It is applied to both sides of every
// comparison.
func trim(key string) string { return strings.TrimSpace(key) }

// Problem is something that Visma.net would refuse.
type Problem struct {
	Code   held.Code
	Detail string
}

func problem(code held.Code, format string, args ...any) Problem {
	return Problem{code, fmt.Sprintf(format, args...)}
}

// Check lists what Visma.net would refuse of a voucher or of a whole profile, most fundamental first. An
// empty list means that the company accepts it.
func (c *Company) Check(u voucher.Uses) []Problem {
	var out []Problem
	for _, l := range u.Ledgers {
		if !c.ledgers[trim(l)] {
			out = append(out, problem(held.LedgerUnknown, "ledger %q is not one of %s's ledgers for real entries", l, c))
		}
	}
	for _, b := range u.Branches {
		if branch, ok := c.branches[trim(b)]; !ok || !branch.IsActive {
			out = append(out, problem(held.BranchUnknown, "branch %q is not one of %s's active branches", b, c))
		}
	}
	for _, cur := range u.Currencies {
		if known, ok := c.currencies[trim(string(cur))]; !ok || !known.IsUsedForAccounting && !known.IsBaseCurrency {
			out = append(out, problem(held.CurrencyUnused, "%s does not use %s for accounting", c, cur))
		}
	}
	for _, a := range u.Accounts {
		out = append(out, c.account(a, u.Currencies)...)
	}
	subaccounts := u.Subaccounts
	if len(subaccounts) == 0 {
		subaccounts = [][]voucher.Segment{nil}
	}
	for _, s := range subaccounts {
		out = append(out, c.subaccount(s)...)
	}
	return out
}

func (c *Company) account(number string, currencies []settlement.Currency) []Problem {
	a, ok := c.accounts[trim(number)]
	switch {
	case !ok:
		return []Problem{problem(held.AccountUnknown, "account %s does not exist in %s", number, c)}
	case !a.Active:
		return []Problem{problem(held.AccountInactive, "account %s (%s) is inactive in %s", number, a.Description, c)}
	case a.RefusesManualEntry():
		return []Problem{problem(held.AccountManualEntry, "account %s (%s) takes no manual entries in %s", number, a.Description, c)}
	case a.Currency != "" && len(currencies) == 1 && trim(a.Currency) != string(currencies[0]):
		return []Problem{problem(held.CurrencyUnused, "account %s (%s) of %s takes %s only", number, a.Description, c, a.Currency)}
	}
	return nil
}

// subaccount checks that every segment of the company has a known value, in order.
func (c *Company) subaccount(given []voucher.Segment) []Problem {
	if len(c.segments) == 0 {
		if len(given) > 0 {
			return []Problem{problem(held.SubaccountInvalid, "%s has no subaccounts, the profile names %d segments", c, len(given))}
		}
		return nil
	}
	if len(given) != len(c.segments) {
		return []Problem{problem(held.SubaccountInvalid, "%s has %d subaccount segments, the profile names %d", c, len(c.segments), len(given))}
	}
	var out []Problem
	for i, s := range c.segments {
		value := given[i].Value
		known := !s.Validate && len(s.SegmentValues) == 0
		for _, v := range s.SegmentValues {
			known = known || v.Active && trim(v.ValueID) == trim(value)
		}
		if given[i].ID != s.SegmentID || !known {
			out = append(out, problem(held.SubaccountInvalid, "subaccount segment %d (%s) of %s does not take %q", s.SegmentID, s.Description, c, value))
		}
	}
	return out
}

func (c *Company) String() string {
	return strings.TrimSpace(fmt.Sprintf("company %s %s", c.ID, c.Name))
}

// Account is an account of the chart, for a person to choose from.
type Account struct {
	Number, Description string
	Usable              bool   // active, and takes manual entries
	Class, Type         string // as Visma.net names them
	Control             string // the sub-ledger that owns the account, if any
	Cash                bool
	Currency            string // set when it takes one currency only
	VATCategory         string
}

// Chart returns the company's chart of accounts, by number.
func (c *Company) Chart() []Account {
	out := make([]Account, 0, len(c.accounts))
	for number := range c.accounts {
		a := c.accounts[number]
		out = append(out, Account{
			Number: number, Description: a.Description, Usable: a.Active && !a.RefusesManualEntry(),
			Class: a.AccountClass, Type: a.Type, Control: a.ControlAccountModule, Cash: a.CashAccount, Currency: a.Currency,
		})
	}
	slices.SortFunc(out, func(a, b Account) int { return strings.Compare(a.Number, b.Number) })
	return out
}
