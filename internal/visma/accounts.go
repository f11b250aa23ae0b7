package visma

import (
	"context"
	"net/http"
	"net/url"

	"kvitt/internal/fault"
)

// Account is an account of the chart of accounts. Source: Visma.net ERP API,
// Account.
type Account struct {
	AccountID            int      `json:"accountID"`
	AccountCD            string   `json:"accountCD"` // the account number
	AccountClass         string   `json:"accountClass"`
	Type                 string   `json:"type"` // Asset, Liability, Income, Expense
	Active               bool     `json:"active"`
	Description          string   `json:"description"`
	UseDefaultSub        bool     `json:"useDefaultSub"`
	Currency             string   `json:"currency"` // set when the account takes one currency only
	TaxCategory          string   `json:"taxCategory"`
	CashAccount          bool     `json:"cashAccount"`
	ControlAccountModule string   `json:"controlAccountModule"` // the sub-ledger that owns the account, if any
	AllowManualEntry     *bool    `json:"allowManualEntry"`     // nil: Visma.net does not say
	LastModified         DateTime `json:"lastModifiedDateTime"`
	TimeStamp            string   `json:"timeStamp"`
	Listed
}

// RefusesManualEntry reports whether the account accepts no entries from the general ledger.
func (a *Account) RefusesManualEntry() bool {
	return a.AllowManualEntry != nil && !*a.AllowManualEntry
}

// Accounts lists the chart of accounts, including inactive accounts: an inactive account is a different
// error from a missing one.
func (c *Client) Accounts(ctx context.Context) ([]Account, error) {
	return listWhole[Account](ctx, c, &request{attempted: "list accounts", path: "/v1/account"})
}

// Subaccount is a combination of segment values. Source: Visma.net ERP API,
// Subaccount.
type Subaccount struct {
	SubaccountNumber string              `json:"subaccountNumber"`
	SubaccountID     int                 `json:"subaccountId"`
	Description      string              `json:"description"`
	Active           bool                `json:"active"`
	Segments         []SubaccountSegment `json:"segments"`
	LastModified     DateTime            `json:"lastModifiedDateTime"`
	TimeStamp        string              `json:"timeStamp"`
	Listed
}

// SubaccountSegment is one segment of a subaccount; SegmentID counts from 1.
type SubaccountSegment struct {
	SegmentID               int    `json:"segmentId"`
	SegmentDescription      string `json:"segmentDescription"`
	SegmentValue            string `json:"segmentValue"`
	SegmentValueDescription string `json:"segmentValueDescription"`
}

// Subaccounts lists the subaccounts of the company, page by page.
func (c *Client) Subaccounts(ctx context.Context) ([]Subaccount, error) {
	return list[Subaccount](ctx, c, &request{attempted: "list subaccounts", path: "/v1/subaccount"})
}

// Segment is a segment of the subaccount key, in the order of SegmentID. A line of a voucher has a value
// for every segment. Source: Visma.net ERP API, Dimension.
type Segment struct {
	SegmentID     int            `json:"segmentId"`
	Description   string         `json:"description"`
	Length        int            `json:"length"`   // values are padded to it
	Validate      bool           `json:"validate"` // only the listed values are accepted
	SegmentValues []SegmentValue `json:"segmentValues"`
}

// SegmentValue is a value that a segment accepts.
type SegmentValue struct {
	SegmentID   int    `json:"segmentId"`
	ValueID     string `json:"valueId"`
	Description string `json:"description"`
	Active      bool   `json:"active"`
}

// Dimension is a segmented key.
type Dimension struct {
	ID          string    `json:"id"`
	Length      int       `json:"length"`
	Description string    `json:"description"`
	Segments    []Segment `json:"segments"`
}

// Segments returns the segments of the subaccount key with their values. A company without subaccounts has
// none, and no error.
func (c *Client) Segments(ctx context.Context) ([]Segment, error) {
	dimension, _, err := get[Dimension](ctx, c, &request{
		attempted: "read subaccount segments", path: "/v1/dimension/SUBACCOUNT",
		query: url.Values{"expandSegmentsValues": {"true"}},
	})
	if e := fault.As(err); e != nil && e.Status == http.StatusNotFound {
		return nil, nil
	}
	return dimension.Segments, err
}

// VAT is a VAT code of the company. Source: Visma.net ERP API, VAT.
type VAT struct {
	VATCategoryID string        `json:"vatCategoryId"`
	VATID         string        `json:"vatId"`
	Description   string        `json:"description"`
	Type          string        `json:"type"`
	DeductibleVAT bool          `json:"deductibleVat"`
	ReverseVAT    bool          `json:"reverseVat"`
	NotValidAfter DateTime      `json:"notValidAfter"`
	GLAccounts    VATAccounts   `json:"glAccounts"`
	Schedules     []VATSchedule `json:"schedules"`
	LastModified  DateTime      `json:"lastModifiedDateTime"`
}

// VATAccounts are the accounts that a VAT code books to.
type VATAccounts struct {
	VATPayableAccount   VATAccount `json:"vatPayableAccount"`
	VATClaimableAccount VATAccount `json:"vatClaimableAccount"`
}

// VATAccount is an account in the set-up of a VAT code.
type VATAccount struct {
	Type        string `json:"type"`
	Active      bool   `json:"active"`
	Number      string `json:"number"`
	Description string `json:"description"`
}

// VATSchedule is a rate of a VAT code from a day on; VATRate is in percent.
type VATSchedule struct {
	StartDate         DateTime `json:"startDate"`
	VATRate           Decimal  `json:"vatRate"`
	DeductibleVATRate Decimal  `json:"deductibleVatRate"`
	GroupType         string   `json:"groupType"` // Output, Input
}

// VATs lists the VAT codes of the company.
func (c *Client) VATs(ctx context.Context) ([]VAT, error) {
	return listWhole[VAT](ctx, c, &request{attempted: "list VAT codes", path: "/v1/vat"})
}
