package visma

import (
	"cmp"
	"context"
	"net/url"
	"slices"

	"kvitt/internal/fault"
)

// Organization is the company that a token was issued for. Source: Visma.net ERP API, Organization.
type Organization struct {
	OrganizationCD    string          `json:"organizationCd"`
	Name              string          `json:"name"`
	OrganizationType  string          `json:"organizationType"`
	BaseCurrency      string          `json:"baseCurrency"`
	CorporateID       string          `json:"corporateId"`
	VATRegistrationID string          `json:"vatRegistrationId"`
	DefaultCountry    Country         `json:"defaultCountry"`
	Currency          CompanyCurrency `json:"currency"`
	Ledger            IDDescription   `json:"ledger"`
	Branches          []NumberName    `json:"branches"`
	LastModified      DateTime        `json:"lastModifiedDateTime"`
	TimeStamp         string          `json:"timeStamp"`
}

// Country identifies a country by its ISO 3166-1 code.
type Country struct {
	ID   string `json:"id"`
	Name string `json:"name"`
}

// CompanyCurrency is the currency a company keeps its books in.
type CompanyCurrency struct {
	ID                  string `json:"id"`
	IsBaseCurrency      bool   `json:"isBaseCurrency"`
	DecimalPrecision    int    `json:"decimalPrecision"`
	IsUsedForAccounting bool   `json:"isUsedForAccounting"`
}

// BaseCurrencyID returns the ISO 4217 code of the base currency, from whichever member has it.
func (o *Organization) BaseCurrencyID() string {
	return cmp.Or(o.BaseCurrency, o.Currency.ID)
}

// Organizations lists the organizations of the company with their branches.
func (c *Client) Organizations(ctx context.Context) ([]Organization, error) {
	return listWhole[Organization](ctx, c, &request{
		attempted: "list organizations", path: "/v1/organization",
		query: url.Values{"expandBranches": {"true"}},
	})
}

// Organization returns the organization of the company: the identity that must not change under a
// connection. For a company with several it is the first by code, so that the answer is the same every
// time.
func (c *Client) Organization(ctx context.Context) (*Organization, error) {
	all, err := c.Organizations(ctx)
	if err != nil {
		return nil, err
	}
	if len(all) == 0 {
		return nil, &fault.Error{
			Class: fault.Rejected, Party: party, Attempted: "read organization", Status: 200,
			Words:  "the company has no organization",
			Remedy: "Check that the tenant id is the Company Tenant ID of the company to post to.",
		}
	}
	first := slices.MinFunc(all, func(a, b Organization) int { return cmp.Compare(a.OrganizationCD, b.OrganizationCD) })
	return &first, nil
}

// Branch is a branch of the company. Source: Visma.net ERP API, Branch.
type Branch struct {
	BranchID       int            `json:"branchId"`
	Number         string         `json:"number"`
	Name           string         `json:"name"`
	OrganizationID int            `json:"organizationId"`
	IsMainBranch   bool           `json:"isMainBranch"`
	IsActive       bool           `json:"isActive"`
	CorporateID    string         `json:"corporateId"`
	Currency       BranchCurrency `json:"currency"`
	Ledger         IDDescription  `json:"ledger"`
	LastModified   DateTime       `json:"lastModifiedDateTime"`
}

// BranchCurrency is the currency of a branch.
type BranchCurrency struct {
	ID          string `json:"id"`
	Description string `json:"description"`
	Symbol      string `json:"symbol"`
}

// Branches lists the branches of the company, including inactive ones.
func (c *Client) Branches(ctx context.Context) ([]Branch, error) {
	return listWhole[Branch](ctx, c, &request{
		attempted: "list branches", path: "/v1/branch",
		query: url.Values{"expandCurrency": {"true"}, "expandLedger": {"true"}},
	})
}

// Ledger is a general ledger. Vouchers go to one with the balance type Actual.
// Source: Visma.net ERP API, Ledger.
type Ledger struct {
	InternalID   int        `json:"internalId"`
	Number       string     `json:"number"`
	Description  string     `json:"description"`
	BalanceType  string     `json:"balanceType"` // Actual, Report, Statistical, Budget
	CurrencyID   string     `json:"currencyId"`
	ConsolBranch NumberName `json:"consolBranch"`
	LastModified DateTime   `json:"lastModifiedDateTime"`
}

// LedgerActual is the balance type of a ledger for real entries.
const LedgerActual = "Actual"

// Ledgers lists the ledgers of the company.
func (c *Client) Ledgers(ctx context.Context) ([]Ledger, error) {
	return listWhole[Ledger](ctx, c, &request{attempted: "list ledgers", path: "/v1/ledger"})
}

// Currency is a currency as the company has set it up. Source: Visma.net ERP API, Currency.
type Currency struct {
	ID                  string `json:"id"`
	Description         string `json:"description"`
	Symbol              string `json:"symbol"`
	IsBaseCurrency      bool   `json:"isBaseCurrency"`
	DecimalPrecision    int    `json:"decimalPrecision"`
	IsUsedForAccounting bool   `json:"isUsedForAccounting"`
}

// Currencies lists the currencies that Visma.net knows for the company; IsUsedForAccounting says whether
// vouchers can be posted in one.
func (c *Client) Currencies(ctx context.Context) ([]Currency, error) {
	return listWhole[Currency](ctx, c, &request{attempted: "list currencies", path: "/v1/currency"})
}
