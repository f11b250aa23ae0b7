package operate

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"kvitt/internal/company"
	"kvitt/internal/held"
	"kvitt/internal/store"
	"kvitt/internal/visma"
	"kvitt/internal/voucher"
)

// Check is one thing that a connection needs, looked at for real. Detail is
// what was found, or why it does not hold, with what helps.
type Check struct {
	Name   string // klarna, visma, accounts, ledger, branch, currency, subaccount, vat, period
	OK     bool
	Detail string
	Helps  string
}

// groups are the checks of a posting profile against its company, each with
// the reasons for which a payout would be held.
var groups = []struct {
	name  string
	codes []held.Code
}{
	{"accounts", []held.Code{held.AccountUnknown, held.AccountInactive, held.AccountManualEntry}},
	{"ledger", []held.Code{held.LedgerUnknown}},
	{"branch", []held.Code{held.BranchUnknown}},
	{"currency", []held.Code{held.CurrencyUnused}},
	{"subaccount", []held.Code{held.SubaccountInvalid}},
}

// verifyWithin bounds each real read.
const verifyWithin = 30 * time.Second

// Verify reads both sides of a connection for real, and holds the posting
// profile against the company.
func (d *Desk) Verify(ctx context.Context, row *store.Connection) []Check {
	out := []Check{d.verifyKlarna(ctx, row)}
	ctx, cancel := context.WithTimeout(ctx, verifyWithin)
	defer cancel()
	d.Doors.ForgetCompany(row.ID)
	firm, err := d.Doors.Company(ctx, row.ID)
	if err != nil {
		return append(out, failed("visma", err))
	}
	if row.CompanyID != "" && firm.ID != row.CompanyID {
		entry, _ := held.Look(held.CompanyChanged)
		return append(out, Check{
			Name: "visma", Helps: entry.Remedy,
			Detail: fmt.Sprintf("The connection was made for the company %s %s, and Visma.net answers for %s.", row.CompanyID, row.CompanyName, firm),
		})
	}
	out = append(out, Check{Name: "visma", OK: true, Detail: firm.Name + ", " + firm.BaseCurrency})
	profile, _, err := d.Doors.Profile(ctx, row.ID, 0)
	if err != nil {
		return append(out, failed("accounts", err))
	}
	out = append(append(out, checkProfile(profile, firm)...), checkVAT(profile, firm)...)
	return append(out, checkPeriod(profile, firm, time.Now()))
}

func (d *Desk) verifyKlarna(ctx context.Context, row *store.Connection) Check {
	ctx, cancel := context.WithTimeout(ctx, verifyWithin)
	defer cancel()
	client, err := d.Doors.Klarna(ctx, row.ID)
	if err == nil {
		_, _, err = client.Verify(ctx)
	}
	if err != nil {
		return failed("klarna", err)
	}
	return Check{Name: "klarna", OK: true, Detail: strings.TrimSpace(row.MerchantID + " " + row.Environment)}
}

func failed(name string, err error) Check {
	happened, helps := Explain(err)
	return Check{Name: name, Detail: happened, Helps: helps}
}

func checkProfile(profile *voucher.Profile, firm *company.Company) []Check {
	var out []Check
	problems := ProfileProblems(profile, firm)
	for _, group := range groups {
		fine := true
		for _, problem := range problems {
			for _, code := range group.codes {
				if problem.Code == code {
					entry, _ := held.Look(code)
					out = append(out, Check{Name: group.name, Detail: Finish(problem.Detail), Helps: entry.Remedy})
					fine = false
				}
			}
		}
		if fine {
			out = append(out, Check{Name: group.name, OK: true})
		}
	}
	return out
}

// checkVAT looks whether VAT is decided, reaches the VAT return, and has codes that
// the company has.
func checkVAT(profile *voucher.Profile, firm *company.Company) []Check {
	var out []Check
	for _, problem := range VATProblems(profile, firm) {
		out = append(out, Check{Name: "vat", Detail: problem.Detail, Helps: problem.Helps})
	}
	if len(out) == 0 {
		out = append(out, Check{Name: "vat", OK: true})
	}
	return out
}

// VATChecker is what a profile's VAT codes are held against; *company.Company is
// one.
type VATChecker interface {
	VATProblems(u voucher.Uses) []string
	FilledIn(accounts []string) []company.Account
}

// VATProblems lists what the profile leaves open about VAT, what of it would stay
// outside the VAT return, the codes that the company does not have, and the accounts
// on whose lines Visma.net writes a code that nobody meant.
func VATProblems(p *voucher.Profile, firm VATChecker) []voucher.VATGap {
	problems := p.VATGaps()
	for _, detail := range firm.VATProblems(p.Uses()) {
		problems = append(problems, voucher.VATGap{Detail: Finish(detail), Helps: "Name one of the company's VAT codes in the profile."})
	}
	uncoded := p.Uncoded()
	for _, a := range firm.FilledIn(slices.Sorted(maps.Keys(uncoded))) {
		problems = append(problems, voucher.VATGap{
			Detail: fmt.Sprintf("Account %s has the VAT category %s in Visma.net, which writes it on each line that names no VAT code; %s would be held as batch_differs.",
				strings.TrimSpace(a.Number+" "+a.Description), a.VATCategory, Some(uncoded[a.Number], 5)),
			Helps: "Take the VAT category off the account in Visma.net (Chart of accounts, GL202500), post to another account, or name the VAT code that is meant in the profile.",
		})
	}
	return problems
}

// checkPeriod looks whether a payout of today would find an open period.
func checkPeriod(profile *voucher.Profile, firm *company.Company, now time.Time) Check {
	period, err := firm.Calendar.Of(visma.DateOf(now.In(profile.Location())))
	if err == nil {
		return Check{Name: "period", OK: true, Detail: period.ID}
	}
	check := Check{Name: "period", Detail: Finish(err.Error())}
	var closed *visma.PeriodError
	if errors.As(err, &closed) {
		entry, _ := held.Look(held.Code(closed.Code()))
		check.Helps = entry.Remedy
	}
	return check
}

// Checker is what a profile is held against; *company.Company is one.
type Checker interface {
	Check(u voucher.Uses) []company.Problem
}

// ProfileProblems lists what the company would refuse, and for each account
// which rules lead to it.
func ProfileProblems(p *voucher.Profile, firm Checker) []company.Problem {
	uses := p.Uses()
	accounts := uses.Accounts
	uses.Accounts = nil
	problems := firm.Check(uses)
	for _, account := range accounts {
		for _, problem := range firm.Check(voucher.Uses{Accounts: []string{account}, Subaccounts: uses.Subaccounts}) {
			if !strings.HasPrefix(string(problem.Code), "account_") {
				continue // said above
			}
			problem.Detail += "; it is used by " + Some(p.UsedBy(account), 5)
			problems = append(problems, problem)
		}
	}
	return problems
}

// Some lists the first few of many.
func Some(names []string, most int) string {
	if more := len(names) - most; more > 0 {
		return fmt.Sprintf("%s and %d more", strings.Join(names[:most], ", "), more)
	}
	return strings.Join(names, ", ")
}
