package vismasim

import (
	"cmp"
	"encoding/json"
	"net/http"
	"slices"
	"strconv"
	"time"
)

// entry is one line of the general ledger, with the account's balance before and after it, in the base
// currency and on the account's natural side.
type entry struct {
	b             *Batch
	l             Line
	before, after int64
	curBefore     int64
	curAfter      int64
}

type transactionDTO struct {
	LineNumber   int          `json:"lineNumber"`
	Module       string       `json:"module"`
	BatchNumber  string       `json:"batchNumber"`
	TranDate     string       `json:"tranDate"`
	Period       string       `json:"period"`
	Description  string       `json:"description"`
	RefNumber    string       `json:"refNumber"`
	Branch       object       `json:"branch"`
	Account      object       `json:"account"`
	Ledger       object       `json:"ledger"`
	Subaccount   string       `json:"subaccount,omitempty"`
	BegBalance   json.Number  `json:"begBalance"`
	Debit        json.Number  `json:"debitAmount"`
	Credit       json.Number  `json:"creditAmount"`
	Ending       json.Number  `json:"endingBalance"`
	Currency     string       `json:"currency"`
	CurBeg       json.Number  `json:"currBegBalance"`
	CurDebit     json.Number  `json:"currDebitAmount"`
	CurCredit    json.Number  `json:"currCreditAmount"`
	CurEnding    json.Number  `json:"currEndingBalance"`
	LastModified string       `json:"lastModifiedDateTime"`
	Metadata     *metadataDTO `json:"metadata,omitempty"`
}

// natural returns the sign that makes an account's usual balance positive.
func (c *company) natural(account string) int64 {
	if a := c.accounts[account]; a != nil && (a.Type == "Liability" || a.Type == "Income") {
		return -1
	}
	return 1
}

// entries returns the general ledger: by account, then date, then batch. Only posted batches count, unless
// unposted or unreleased ones are requested too.
func (c *company) entries(ledger string, unposted, unreleased bool) []entry {
	var all []entry
	for _, b := range c.sorted() {
		counts := b.Status == Posted || b.Status == Unposted && unposted || b.Status == Balanced && unreleased
		if b.Ledger != ledger || !counts {
			continue
		}
		for _, l := range b.Lines {
			all = append(all, entry{b: b, l: l})
		}
	}
	slices.SortStableFunc(all, func(a, b entry) int {
		return cmp.Or(cmp.Compare(a.l.Account, b.l.Account), a.b.Date.Compare(b.b.Date))
	})
	balances := map[string]int64{}
	for i := range all {
		e := &all[i]
		sign, inCurrency := c.natural(e.l.Account), e.l.Account+" "+e.b.Currency
		e.before, e.curBefore = balances[e.l.Account], balances[inCurrency]
		e.after = e.before + sign*(e.l.BaseDebit-e.l.BaseCredit)
		e.curAfter = e.curBefore + sign*(e.l.Debit-e.l.Credit)
		balances[e.l.Account], balances[inCurrency] = e.after, e.curAfter
	}
	return all
}

func (s *Sim) getLedgerTransactions(q *call) (answer, error) {
	ledger := q.query("ledger")
	if _, ok := q.c.ledger(ledger); !ok {
		return answer{}, plainly("The parameter ledger is mandatory; '%s' cannot be found in the system.", ledger)
	}
	fromDay, _ := parseDay(q.query("fromDate"))
	toDay, bounded := parseDay(q.query("toDate"))
	from, to, account, branch := q.query("fromPeriod"), q.query("toPeriod"), q.query("account"), q.query("branch")
	var wanted []entry
	for _, e := range q.c.entries(ledger, q.yes("includeUnposted"), q.yes("includeUnreleased")) {
		sub, _ := q.c.sub(e.l.Subaccount)
		if (from == "" || e.b.Period >= from) && (to == "" || e.b.Period <= to) &&
			!e.b.Date.Before(fromDay) && (!bounded || !e.b.Date.After(toDay)) &&
			(account == "" || e.l.Account == account) && (branch == "" || e.l.Branch == branch) &&
			(q.query("subaccountId") == "" || strconv.Itoa(sub.id) == q.query("subaccountId")) {
			wanted = append(wanted, e)
		}
	}
	page, meta := cut(s, q, wanted)
	dtos := []transactionDTO{}
	for _, e := range page {
		dto := q.c.transaction(e)
		dto.Metadata = meta
		dtos = append(dtos, dto)
	}
	return jsonAnswer(http.StatusOK, dtos), nil
}

func (c *company) transaction(e entry) transactionDTO {
	precision, base := c.precision(e.b.Currency), c.basePrecision()
	ledger, _ := c.ledger(e.b.Ledger)
	branch, _ := c.branch(e.l.Branch)
	description := e.l.Text
	if description == "" {
		description = e.b.Description
	}
	return transactionDTO{
		LineNumber: e.l.Number, Module: e.b.Module, BatchNumber: e.b.Number, TranDate: dateTime(e.b.Date), Period: e.b.Period,
		Description: description, RefNumber: e.l.Reference, Branch: object{"number": branch.Number, "name": branch.Name},
		Account: c.accountObject(e.l.Account), Ledger: object{"id": ledger.Number, "description": ledger.Description},
		Subaccount: e.l.Subaccount, BegBalance: number(e.before, base), Debit: number(e.l.BaseDebit, base),
		Credit: number(e.l.BaseCredit, base), Ending: number(e.after, base), Currency: e.b.Currency,
		CurBeg: number(e.curBefore, precision), CurDebit: number(e.l.Debit, precision),
		CurCredit: number(e.l.Credit, precision), CurEnding: number(e.curAfter, precision), LastModified: moment(e.b.Modified),
	}
}

func (c *company) accountObject(number string) object {
	account := object{"number": number}
	if a := c.accounts[number]; a != nil {
		account["type"], account["description"] = a.Type, a.Description
	}
	return account
}

// balanceKey identifies a row of the balances.
type balanceKey struct{ period, branch, account, subaccount string }

type balanceRow struct {
	balanceKey
	beginning, debit, credit int64
	modified                 time.Time
}

type balanceDTO struct {
	Branch       object       `json:"branch"`
	Ledger       object       `json:"ledger"`
	BalanceType  string       `json:"balanceType"`
	Period       string       `json:"financialPeriod"`
	Account      object       `json:"account"`
	SubaccountID string       `json:"subaccountId"`
	SubaccountCD string       `json:"subAccountCd"`
	Currency     string       `json:"currencyId"`
	Debit        json.Number  `json:"periodToDateDebit"`
	Credit       json.Number  `json:"periodToDateCredit"`
	Beginning    json.Number  `json:"beginningBalance"`
	YTD          json.Number  `json:"yearToDateBalance"`
	LastModified string       `json:"lastModifiedDateTime"`
	Metadata     *metadataDTO `json:"metadata,omitempty"`
}

// balances returns the rows of a period: every account that has moved in it or had a balance at its start.
// Income and expense begin each year at zero.
func (c *company) balances(ledger, period string) []balanceRow {
	rows := map[balanceKey]*balanceRow{}
	for _, e := range c.entries(ledger, false, false) {
		income := c.accounts[e.l.Account] != nil && (c.accounts[e.l.Account].Type == "Income" || c.accounts[e.l.Account].Type == "Expense")
		if e.b.Period > period || income && e.b.Period[:4] != period[:4] {
			continue
		}
		key := balanceKey{period, e.l.Branch, e.l.Account, e.l.Subaccount}
		row := rows[key]
		if row == nil {
			row = &balanceRow{balanceKey: key}
			rows[key] = row
		}
		if e.b.Period == period {
			row.debit, row.credit = row.debit+e.l.BaseDebit, row.credit+e.l.BaseCredit
		} else {
			row.beginning += c.natural(e.l.Account) * (e.l.BaseDebit - e.l.BaseCredit)
		}
		if e.b.Modified.After(row.modified) {
			row.modified = e.b.Modified
		}
	}
	all := make([]balanceRow, 0, len(rows))
	for _, row := range rows {
		all = append(all, *row)
	}
	slices.SortFunc(all, func(a, b balanceRow) int {
		return cmp.Or(cmp.Compare(a.account, b.account), cmp.Compare(a.subaccount, b.subaccount), cmp.Compare(a.branch, b.branch))
	})
	return all
}

func (s *Sim) getLedgerBalances(q *call) (answer, error) {
	period, modified := q.query("periodId"), q.query("lastModifiedDateTime")
	if period == "" && modified == "" {
		return answer{}, plainly("Either PeriodId or LastModifiedDateTime must be provided.")
	}
	from, err := parseMoment(modified)
	if err != nil || period != "" && len(period) != 6 {
		return answer{}, plainly("PeriodId '%s' or LastModifiedDateTime '%s' is not in an accepted format.", period, modified)
	}
	var rows []balanceRow
	for _, p := range q.c.periods {
		if period == "" || p.ID == period {
			rows = append(rows, q.c.balances(cmp.Or(q.query("ledger"), q.c.Ledgers[0].Number), p.ID)...)
		}
	}
	rows = slices.DeleteFunc(rows, func(r balanceRow) bool {
		return q.query("account") != "" && r.account != q.query("account") ||
			q.query("branch") != "" && r.branch != q.query("branch") || r.modified.UTC().Before(from)
	})
	page, meta := cut(s, q, rows)
	dtos := []balanceDTO{}
	for _, r := range page {
		dto := q.c.balance(r, cmp.Or(q.query("ledger"), q.c.Ledgers[0].Number))
		dto.Metadata = meta
		dtos = append(dtos, dto)
	}
	return jsonAnswer(http.StatusOK, dtos), nil
}

func (c *company) balance(r balanceRow, ledgerNumber string) balanceDTO {
	base := c.basePrecision()
	ledger, _ := c.ledger(ledgerNumber)
	branch, _ := c.branch(r.branch)
	sub, _ := c.sub(r.subaccount)
	return balanceDTO{
		Branch: object{"number": branch.Number, "name": branch.Name}, Ledger: object{"id": ledger.Number, "description": ledger.Description},
		BalanceType: ledger.BalanceType, Period: r.period, Account: c.accountObject(r.account),
		SubaccountID: strconv.Itoa(sub.id), SubaccountCD: r.subaccount, Currency: ledger.Currency,
		Debit: number(r.debit, base), Credit: number(r.credit, base), Beginning: number(r.beginning, base),
		YTD: number(r.beginning+c.natural(r.account)*(r.debit-r.credit), base), LastModified: moment(r.modified),
	}
}
