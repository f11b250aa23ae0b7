package vismasim

import (
	"strings"
	"time"
)

// Company is one company in Visma.net. The presets fill one in; change what a test needs before passing it
// to New.
type Company struct {
	TenantID       string // the "Company Tenant ID", a UUID
	OrganizationCD string
	Number         string // the company's number in Location headers
	Name           string
	CorporateID    string
	VATID          string
	Country        string // ISO 3166 alpha-2
	BaseCurrency   string

	Accounts   []Account
	Ledgers    []Ledger
	Branches   []Branch
	Segments   []Segment // of SUBACCOUNT, in order; none: subaccounts are switched off
	Currencies []Currency
	VATs       []VAT

	FinancialYear FinancialYear
	// ClosedThrough closes every period up to and including this one (YYYYPP)
	// from the start.
	ClosedThrough string
	// YTDAccount is the account of the year's net income, to which nothing is posted by hand.
	YTDAccount string
	// FirstBatch is the first number of the general ledger's series.
	FirstBatch int

	HoldOnEntry          bool // a batch without "hold" is put on hold
	PostOnRelease        bool // a released batch is Posted at once, not Unposted
	RequireControlTotals bool
	AllowClosedPeriods   bool

	// Defaults of the company for what a batch leaves out.
	VATOnEntry    bool   // a batch makes VAT transactions
	DefaultBranch string // of the API's user; the main branch when empty
	CutTexts      int    // a batch's description is cut to this many characters; 0: never

	PadKeys int // keys of branches and ledgers are padded to this many characters
}

// Account is a row of the chart of accounts.
type Account struct {
	Number        string `json:"number"`
	Description   string `json:"description"`
	Type          string `json:"type"` // Asset, Liability, Income or Expense
	Inactive      bool   `json:"inactive,omitempty"`
	NoManualEntry bool   `json:"no_manual_entry,omitempty"`
	ControlModule string `json:"control_module,omitempty"` // AR, AP …: posted to by that module only
	Currency      string `json:"currency,omitempty"`       // set: only batches in this currency
	CashAccount   bool   `json:"cash_account,omitempty"`
	VATCategory   string `json:"vat_category,omitempty"` // set: written on every line that names no VAT code
}

// Ledger contains batches. The first one of type Actual is the default.
type Ledger struct {
	Number, Description string
	BalanceType         string // Actual, Report, Statistical, Budget
	Currency            string
}

// Branch is a part of the company with its own number. The first is the main one.
type Branch struct {
	Number, Name string
	Inactive     bool
}

// Segment is one part of a subaccount's number. Its values are zero-padded to
// Length.
type Segment struct {
	ID          int
	Description string
	Length      int
	Values      []SegmentValue
}

// SegmentValue is one allowed value of a Segment.
type SegmentValue struct {
	Value, Description string
	Inactive           bool
}

// Currency is a row of the currency list.
type Currency struct {
	ID, Description, Symbol string
	Precision               int // decimals
	UsedForAccounting       bool
	// Rate is the value of one unit in the base currency, as a decimal; empty: a rate that moves a little
	// from day to day (see rateOn).
	Rate string
}

// VAT is a VAT code: a category (vatCodeId) and an id (vatId) with its rate in
// basis points (2500 = 25 %).
type VAT struct {
	CategoryID, ID, Description string
	RateBasisPoints             int
	Reverse                     bool
	PayableAccount              string
	ClaimableAccount            string
}

// FinancialYear defines the company's years and their twelve periods.
type FinancialYear struct {
	FirstMonth time.Month // January when zero
	FirstYear  int        // the number of the first year that exists
	Years      int
	// BelongsToNextYear numbers a year after the calendar year in which it
	// ends, not the one in which it begins.
	BelongsToNextYear bool
	// PeriodFormat is the form of the "period" member: "PPYYYY" (default), "YYYYPP" or "PP-YYYY"; the real
	// API's form is not documented.
	PeriodFormat string
	// EndsOnNextStart writes endDate as the first day after the period instead of its last day.
	EndsOnNextStart bool
}

// Segmented is the id of the dimension of subaccounts.
const Segmented = "SUBACCOUNT"

// padded returns a key as the company writes it.
func (c Company) padded(key string) string {
	return key + strings.Repeat(" ", max(c.PadKeys-len(key), 0))
}

func (c Company) currency(id string) (Currency, bool) {
	for _, cur := range c.Currencies {
		if cur.ID == id {
			return cur, true
		}
	}
	return Currency{}, false
}

func (c Company) ledger(number string) (Ledger, bool) {
	for _, l := range c.Ledgers {
		if l.Number == number {
			return l, true
		}
	}
	return Ledger{}, false
}

func (c Company) branch(number string) (Branch, bool) {
	for _, b := range c.Branches {
		if b.Number == number {
			return b, true
		}
	}
	return Branch{}, false
}

func (c Company) vatCategory(id string) (VAT, bool) {
	for _, v := range c.VATs {
		if v.CategoryID == id {
			return v, true
		}
	}
	return VAT{}, false
}

func (c Company) vat(id string) (VAT, bool) {
	for _, v := range c.VATs {
		if v.ID == id {
			return v, true
		}
	}
	return VAT{}, false
}

func (c Company) basePrecision() int {
	cur, _ := c.currency(c.BaseCurrency)
	return cur.Precision
}

func (c Company) precision(currency string) int {
	cur, _ := c.currency(currency)
	return cur.Precision
}
