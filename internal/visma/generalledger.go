package visma

import (
	"context"
	"errors"
	"net/url"
	"slices"
	"strings"
	"time"
)

// GeneralLedgerTransactionsQuery selects entries of accounts.
type GeneralLedgerTransactionsQuery struct {
	Ledger            string // required
	FromPeriod        string // YYYYPP
	ToPeriod          string // YYYYPP
	Account           string
	SubaccountID      string
	Branch            string
	FromDate          Date // inclusive
	ToDate            Date
	IncludeUnposted   bool
	IncludeUnreleased bool
}

// GeneralLedgerTransaction is one entry of an account. Amounts are in the
// currency of the ledger; those named Curr in the currency of the entry.
// Source: Visma.net ERP API, General ledger transactions.
type GeneralLedgerTransaction struct {
	LineNumber       int               `json:"lineNumber"`
	Module           string            `json:"module"`
	BatchNumber      string            `json:"batchNumber"`
	TransactionDate  DateTime          `json:"tranDate"`
	Period           string            `json:"period"`
	Description      string            `json:"description"`
	ReferenceNumber  string            `json:"refNumber"`
	Branch           NumberName        `json:"branch"`
	Account          NumberDescription `json:"account"`
	Ledger           IDDescription     `json:"ledger"`
	Subaccount       string            `json:"subaccount"`
	DebitAmount      Decimal           `json:"debitAmount"`
	CreditAmount     Decimal           `json:"creditAmount"`
	Currency         string            `json:"currency"`
	CurrDebitAmount  Decimal           `json:"currDebitAmount"`
	CurrCreditAmount Decimal           `json:"currCreditAmount"`
	LastModified     DateTime          `json:"lastModifiedDateTime"`
	Listed
}

// GeneralLedgerTransactions lists the entries that fit the query, page by page, and filters them again:
// the second way to find a batch, and the entries behind the balance of the clearing account.
func (c *Client) GeneralLedgerTransactions(ctx context.Context, q GeneralLedgerTransactionsQuery) ([]GeneralLedgerTransaction, error) {
	if q.Ledger == "" {
		return nil, errors.New("list general ledger transactions: no ledger was given")
	}
	v := url.Values{"ledger": {q.Ledger}}
	setIf(v, "fromPeriod", q.FromPeriod)
	setIf(v, "toPeriod", q.ToPeriod)
	setIf(v, "account", q.Account)
	setIf(v, "subaccountId", q.SubaccountID)
	setIf(v, "branch", q.Branch)
	setIf(v, "fromDate", q.FromDate.String())
	setIf(v, "toDate", q.ToDate.String())
	if q.IncludeUnposted {
		v.Set("includeUnposted", "true")
	}
	if q.IncludeUnreleased {
		v.Set("includeUnreleased", "true")
	}
	rows, err := list[GeneralLedgerTransaction](ctx, c, &request{
		attempted: "list general ledger transactions", path: "/v1/GeneralLedgerTransactions", query: v,
	})
	return slices.DeleteFunc(rows, func(t GeneralLedgerTransaction) bool { return !q.matches(&t) }), err
}

// matches drops entries that clearly were not asked for.
func (q *GeneralLedgerTransactionsQuery) matches(t *GeneralLedgerTransaction) bool {
	day := t.TransactionDate.Date()
	return sameOrMissing(q.Ledger, t.Ledger.ID) && sameOrMissing(q.Account, t.Account.Number) &&
		sameOrMissing(q.Branch, t.Branch.Number) &&
		(q.FromDate.IsZero() || day.IsZero() || day.Compare(q.FromDate) >= 0) &&
		(q.ToDate.IsZero() || day.IsZero() || day.Compare(q.ToDate) <= 0)
}

func sameOrMissing(wanted, given string) bool {
	return wanted == "" || given == "" || strings.EqualFold(strings.TrimSpace(given), strings.TrimSpace(wanted))
}

// GeneralLedgerBalancesQuery selects balances of accounts.
type GeneralLedgerBalancesQuery struct {
	PeriodID      string // YYYYPP; this or ModifiedSince
	ModifiedSince time.Time
	Account       string
	Ledger        string
	Branch        string
}

// GeneralLedgerBalance is the balance of an account in a period. Amounts are
// in the currency of the ledger unless they are named InCurrency. Source:
// Visma.net ERP API, General ledger balance.
type GeneralLedgerBalance struct {
	Branch                      NumberName        `json:"branch"`
	Ledger                      IDDescription     `json:"ledger"`
	BalanceType                 string            `json:"balanceType"`
	FinancialPeriod             string            `json:"financialPeriod"`
	Account                     NumberDescription `json:"account"`
	SubaccountID                string            `json:"subaccountId"`
	SubaccountCD                string            `json:"subAccountCd"`
	CurrencyID                  string            `json:"currencyId"`
	PeriodToDateDebit           Decimal           `json:"periodToDateDebit"`
	PeriodToDateCredit          Decimal           `json:"periodToDateCredit"`
	BeginningBalance            Decimal           `json:"beginningBalance"`
	YearToDateBalance           Decimal           `json:"yearToDateBalance"`
	PeriodToDateDebitInCurrency Decimal           `json:"periodToDateDebitInCurrency"`
	PeriodToDateCreditInCurr    Decimal           `json:"periodToDateCreditInCurrency"`
	BeginningBalanceInCurrency  Decimal           `json:"beginningBalanceInCurrency"`
	YearToDateBalanceInCurrency Decimal           `json:"yearToDateBalanceInCurrency"`
	YearClosed                  bool              `json:"yearClosed"`
	LastModified                DateTime          `json:"lastModifiedDateTime"`
	Listed
}

// GeneralLedgerBalances lists the balances that fit the query, page by page, and filters them again.
func (c *Client) GeneralLedgerBalances(ctx context.Context, q GeneralLedgerBalancesQuery) ([]GeneralLedgerBalance, error) {
	v := url.Values{}
	switch {
	case q.PeriodID == "" && q.ModifiedSince.IsZero():
		return nil, errors.New("list general ledger balances: neither a period nor a time was given")
	case q.PeriodID != "":
		v.Set("periodId", q.PeriodID)
	default:
		v.Set("lastModifiedDateTime", q.ModifiedSince.UTC().Format("2006-01-02 15:04:05"))
	}
	setIf(v, "account", q.Account)
	setIf(v, "ledger", q.Ledger)
	setIf(v, "branch", q.Branch)
	rows, err := list[GeneralLedgerBalance](ctx, c, &request{
		attempted: "list general ledger balances", path: "/v2/generalLedgerBalance", query: v,
	})
	return slices.DeleteFunc(rows, func(b GeneralLedgerBalance) bool {
		return !sameOrMissing(q.Account, b.Account.Number) || !sameOrMissing(q.Ledger, b.Ledger.ID) ||
			!sameOrMissing(q.Branch, b.Branch.Number)
	}), err
}
