package operate_test

import (
	"context"
	"strings"
	"testing"
	"time"

	"kvitt/internal/company"
	"kvitt/internal/operate"
	"kvitt/internal/visma"
	"kvitt/internal/voucher"
)

// firm is a Visma.net company whose keys are padded and whose fee account has a
// VAT category of its own.
type firm struct{}

func (firm) Organization(context.Context) (*visma.Organization, error) {
	return &visma.Organization{OrganizationCD: "1", Name: "Shop AB"}, nil
}

func (firm) Accounts(context.Context) ([]visma.Account, error) {
	return []visma.Account{
		{AccountCD: "1930      ", Active: true}, {AccountCD: "6570      ", Description: "Bank charges", Active: true, TaxCategory: "25   "},
	}, nil
}

func (firm) Ledgers(context.Context) ([]visma.Ledger, error) {
	return []visma.Ledger{{Number: "1         ", BalanceType: visma.LedgerActual}}, nil
}

func (firm) Branches(context.Context) ([]visma.Branch, error) {
	return []visma.Branch{{Number: "1    ", IsMainBranch: true, IsActive: true}}, nil
}

func (firm) Currencies(context.Context) ([]visma.Currency, error) { return nil, nil }
func (firm) Segments(context.Context) ([]visma.Segment, error)    { return nil, nil }
func (firm) VATs(context.Context) ([]visma.VAT, error) {
	return []visma.VAT{{VATID: "25I  ", VATCategoryID: "25   "}}, nil
}

func (firm) FinancialPeriods(context.Context) ([]visma.FinancialPeriod, error) { return nil, nil }

// profile has a rule of fees, with these members beside its account.
func profile(t *testing.T, more string) *voucher.Profile {
	t.Helper()
	p, err := voucher.ParseProfile([]byte(`version: 1
name: Small
time_zone: Europe/Stockholm
ledger: "1"
branch: "1"
accounts: {settlement: "1930", fees: "6570"}
components:
  SALE/*: {account: "1686"}
  FEE/*: {account: fees` + more + `}
  FEE/SERVICING_FEE: {account: fees, text: Servicing}
vat: {reverse_charge: false}
`))
	if err != nil {
		t.Fatal(err)
	}
	return p
}

func TestAnAccountWithAVATCategoryIsFoundAtSetUp(t *testing.T) {
	read, err := company.Read(t.Context(), firm{}, time.Now())
	if err != nil {
		t.Fatal(err)
	}
	for more, found := range map[string]bool{"": true, `, vat_code: "25"`: false} {
		p := profile(t, more)
		said := ""
		for _, gap := range operate.VATProblems(p, read) {
			said += gap.Detail + " " + gap.Helps + "\n"
		}
		if strings.Contains(said, "Account 6570 Bank charges has the VAT category 25") != found {
			t.Errorf("with %q:\n%s", more, said)
		}
		if found && (!strings.Contains(said, "FEE/*, FEE/SERVICING_FEE would be held as batch_differs") || !strings.Contains(said, "GL202500")) {
			t.Errorf("with %q neither what it means nor what helps is said:\n%s", more, said)
		}
		for _, problem := range operate.ProfileProblems(p, read) {
			if strings.Contains(problem.Detail, "ledger") || strings.Contains(problem.Detail, "branch") || strings.Contains(problem.Detail, "6570") {
				t.Errorf("a padded key is not the key: %s", problem.Detail)
			}
		}
	}
}
