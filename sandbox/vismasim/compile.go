package vismasim

import (
	"cmp"
	"errors"
	"strings"
	"time"
	"unicode/utf8"
)

// Limits on texts. The real lengths are not documented.
type Limits struct {
	Description int // of a batch; 256 when zero
	LineText    int // transactionDescription; 256 when zero
	Reference   int // referenceNumber; 15 when zero
}

func (l Limits) orDefault() Limits {
	pick := func(n, otherwise int) int {
		if n == 0 {
			return otherwise
		}
		return n
	}
	return Limits{pick(l.Description, 256), pick(l.LineText, 256), pick(l.Reference, 15)}
}

// compiler turns an update into a batch, or refuses it with the first rule that
// it breaks.
type compiler struct {
	c      *company
	limits Limits
	doing  string // for the message: creating or updating
}

// apply writes the update into the batch (a new one, or a copy of the one being changed) and checks the
// result.
func (k compiler) apply(b *Batch, u *journalUpdate, now time.Time) error {
	fresh := b.Number == ""
	steps := []func() error{
		func() error { return k.texts(b, u) },
		func() error { return k.place(b, u) },
		func() error { return k.when(b, u, now, fresh) },
		func() error { return k.currency(b, u, fresh) },
		func() error { return k.lines(b, u) },
		func() error { return k.totals(b, u) },
		func() error { return k.c.balanceBase(b) },
	}
	for _, step := range steps {
		if err := step(); err != nil {
			return err
		}
	}
	return nil
}

func (k compiler) no(format string, args ...any) error { return refuse(k.doing, format, args...) }

func (k compiler) tooLong(field, text string, most int) error {
	if n := utf8.RuneCountInString(text); n > most {
		return k.no("The value of the field %s is too long: %d characters, at most %d are allowed.", field, n, most)
	}
	return nil
}

func (k compiler) texts(b *Batch, u *journalUpdate) error {
	if u.Description.set {
		b.Description = u.Description.or("")
	}
	if u.TransactionCode.set {
		b.Code = u.TransactionCode.or("")
	}
	b.Reversing = u.AutoReversing.or(b.Reversing)
	b.VAT = u.CreateVAT.or(b.VAT || b.Number == "" && k.c.VATOnEntry)
	b.SkipVATCheck = u.SkipVATCheck.or(b.SkipVATCheck)
	if err := k.tooLong("Description", b.Description, k.limits.Description); err != nil {
		return err
	}
	if kept := []rune(b.Description); k.c.CutTexts > 0 && len(kept) > k.c.CutTexts {
		b.Description = string(kept[:k.c.CutTexts])
	}
	return nil
}

// place sets ledger and branch.
func (k compiler) place(b *Batch, u *journalUpdate) error {
	b.Branch = u.Branch.or(b.Branch)
	if b.Branch == "" {
		b.Branch = cmp.Or(k.c.DefaultBranch, k.c.Branches[0].Number)
	}
	if err := k.branch(b.Branch); err != nil {
		return err
	}
	b.Ledger = u.Ledger.or(b.Ledger)
	if b.Ledger == "" {
		b.Ledger = k.c.Ledgers[0].Number
	}
	ledger, ok := k.c.ledger(b.Ledger)
	if !ok {
		return k.no("LedgerID '%s' cannot be found in the system.", b.Ledger)
	}
	if ledger.BalanceType == "Budget" {
		return k.no("Ledger '%s' is a budget ledger; journal transactions cannot be posted to it.", b.Ledger)
	}
	return nil
}

func (k compiler) branch(number string) error {
	branch, ok := k.c.branch(number)
	if !ok {
		return k.no("BranchID '%s' cannot be found in the system.", number)
	}
	if branch.Inactive {
		return k.no("Branch '%s' is inactive.", number)
	}
	return nil
}

// when sets the date and the period, and checks that the period is open.
func (k compiler) when(b *Batch, u *journalUpdate, now time.Time, fresh bool) error {
	switch {
	case u.TransactionDate.given():
		day, ok := parseDay(u.TransactionDate.v)
		if !ok {
			return k.no("TransactionDate '%s' is not a date.", u.TransactionDate.v)
		}
		b.Date = day
	case fresh:
		b.Date = now.UTC().Truncate(24 * time.Hour)
	}
	if id, err := k.periodAsked(u); err != nil {
		return err
	} else if id != "" {
		b.Period = id
	} else if fresh || u.TransactionDate.given() {
		p := k.c.periodOn(b.Date)
		if p == nil {
			return k.no("There is no financial period for the date %s.", b.Date.Format(time.DateOnly))
		}
		b.Period = p.ID
	}
	return k.open(b.Period)
}

// periodAsked returns the period in the update, as YYYYPP.
func (k compiler) periodAsked(u *journalUpdate) (string, error) {
	financial, post := u.FinancialPeriod.or(""), u.PostPeriod.or("")
	if post != "" {
		if len(post) != 6 {
			return "", k.no("PostPeriod '%s' must be written MMYYYY.", post)
		}
		post = post[2:] + post[:2]
		if financial != "" && financial != post {
			return "", k.no("PostPeriod '%s' and FinancialPeriod '%s' are not the same period.", u.PostPeriod.v, financial)
		}
		return post, nil
	}
	if financial != "" && len(financial) != 6 {
		return "", k.no("FinancialPeriod '%s' must be written YYYYMM.", financial)
	}
	return financial, nil
}

func (k compiler) open(id string) error {
	p := k.c.period(id)
	switch {
	case p == nil:
		return k.no("FinPeriodID '%s' cannot be found in the system.", id)
	case p.Inactive:
		return k.no("Financial period '%s' is inactive.", p.shown())
	case p.Closed && !k.c.AllowClosedPeriods:
		return k.no("Financial period '%s' is closed in General ledger.", p.shown())
	}
	return nil
}

func (k compiler) currency(b *Batch, u *journalUpdate, fresh bool) error {
	asked := u.CurrencyID.or(b.Currency)
	if asked == "" {
		asked = k.c.BaseCurrency
	}
	cur, ok := k.c.currency(asked)
	if !ok {
		return k.no("CuryID '%s' cannot be found in the system.", asked)
	}
	if !cur.UsedForAccounting {
		return k.no("Currency '%s' is not used for accounting.", asked)
	}
	changed := asked != b.Currency
	b.Currency = asked
	switch {
	case u.ExchangeRate.given():
		rate, err := u.ExchangeRate.v.rat()
		if err != nil || rate.Sign() <= 0 {
			return k.no("ExchangeRate '%s' is not a rate.", string(u.ExchangeRate.v))
		}
		if asked == k.c.BaseCurrency && rate.Cmp(one) != 0 {
			return k.no("The exchange rate of the base currency %s must be 1.", asked)
		}
		b.Rate = string(u.ExchangeRate.v)
	case fresh || changed:
		text, err := k.c.rateOn(asked, b.Date)
		if err != nil {
			return k.no("%s.", upperFirst(err.Error()))
		}
		b.Rate = text
	}
	return nil
}

// totals sets hold, and checks balance and control total.
func (k compiler) totals(b *Batch, u *journalUpdate) error {
	held := b.Status == Hold
	if b.Status == "" {
		held = k.c.HoldOnEntry
	}
	held = u.Hold.or(held)
	b.Status = Balanced
	if held {
		b.Status = Hold
	}
	debit, credit := b.Totals()
	if u.ControlTotal.given() {
		control, err := u.ControlTotal.v.minor(k.c.precision(b.Currency))
		if err != nil {
			return k.no("ControlTotalInCurrency '%s' %s.", string(u.ControlTotal.v), amountProblem(err))
		}
		b.ControlTotal = control
	} else if !k.c.RequireControlTotals {
		b.ControlTotal = debit
	}
	switch {
	case len(b.Lines) == 0:
		return k.no("The batch has no lines.")
	case held:
		return nil
	case len(b.Lines) < 2:
		return k.no("A batch must have at least two lines.")
	case debit != credit:
		return k.no("Batch is out of balance, please review. Debit total %s, credit total %s.",
			number(debit, k.c.precision(b.Currency)), number(credit, k.c.precision(b.Currency)))
	case b.ControlTotal != debit:
		return k.no("The control total %s differs from the debit total %s.",
			number(b.ControlTotal, k.c.precision(b.Currency)), number(debit, k.c.precision(b.Currency)))
	}
	return nil
}

func amountProblem(err error) string {
	if errors.Is(err, errPrecision) {
		return "has more decimals than the currency allows"
	}
	return "is not an amount that can be kept"
}

func upperFirst(s string) string { return strings.ToUpper(s[:1]) + s[1:] }

// parseDay reads the date of a date-time as written, whatever its zone.
func parseDay(s string) (time.Time, bool) {
	for _, layout := range []string{time.RFC3339Nano, "2006-01-02T15:04:05.999", "2006-01-02T15:04:05", "2006-01-02 15:04:05", time.DateOnly} {
		if t, err := time.Parse(layout, s); err == nil {
			y, m, d := t.Date()
			return time.Date(y, m, d, 0, 0, 0, 0, time.UTC), true
		}
	}
	return time.Time{}, false
}
