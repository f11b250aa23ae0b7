package operate

import (
	"context"
	"fmt"
	"net/http"
	"regexp"
	"slices"
	"strings"
	"time"

	"kvitt/activities"
	"kvitt/internal/decision"
	"kvitt/internal/fault"
	"kvitt/internal/held"
	"kvitt/internal/posting"
	"kvitt/internal/settlement"
	"kvitt/internal/store"
	"kvitt/internal/visma"
	"kvitt/internal/voucher"
	"kvitt/workflows"
)

// ReadBatch reads a batch of the connection's company.
type ReadBatch func(ctx context.Context, connection, number string) (*visma.JournalTransaction, error)

// inBooks tells whether a posting is in the books, or may be.
func (t *target) inBooks() bool {
	return t.sent != nil && posting.Bound(t.sent.State) && t.sent.State != posting.Reversed
}

func (t *target) held() error {
	if t.row.State == workflows.StateHeld || t.work == store.WorkReversal {
		return nil
	}
	return refuse("it is %s, and only a payout that is held can be decided about", t.row.State)
}

var accountNumber = regexp.MustCompile(`^[0-9A-Za-z][0-9A-Za-z.-]{0,29}$`)

// mayAccept takes a difference only as it stands: the same component, and the
// same amount to the minor unit.
func (d *Desk) mayAccept(ctx context.Context, at *target, c *Choice, made *store.Decision) (decision.Evidence, error) {
	none := decision.Evidence{}
	if err := at.held(); err != nil {
		return none, err
	}
	why := HeldIn(at.row.Held)
	if !held.Offers(at.code, held.Accept) || len(why.Acceptable) == 0 || at.inBooks() || at.work != store.WorkPayout {
		return none, refuse("it is held as %s, which names no difference that could be accepted", at.code)
	}
	fits := func(a workflows.Acceptable) bool { return a.Component == c.Component && a.Difference == c.Difference }
	if !slices.ContainsFunc(why.Acceptable, fits) {
		var there []string
		for _, a := range why.Acceptable {
			there = append(there, strings.TrimSpace(a.Component+" "+amountOf(a.Difference, a.Rows, at.row.Currency)))
		}
		return none, &Error{
			Happened: fmt.Sprintf("a difference of %s in %q is not what it is held for", amountOf(c.Difference, why.Acceptable[0].Rows, at.row.Currency), c.Component),
			Helps:    "It is held for " + strings.Join(there, ", ") + "; a difference is accepted exactly or not at all.",
		}
	}
	if (c.Account != "") == c.Booked {
		return none, refuse("either an account is named on which it is booked, or the books have it already")
	}
	if c.Account != "" && !accountNumber.MatchString(c.Account) {
		return none, refuse("%q is not the number of an account", c.Account)
	}
	if problem := d.accountProblem(ctx, at.row.ConnectionID, c.Account); problem != "" {
		return none, refuse("%s", problem)
	}
	made.Component, made.Difference, made.Account, made.BatchNumber = c.Component, c.Difference, c.Account, ""
	return none, nil
}

// accountProblem says why the company would not take a line on an account. What
// cannot be asked now is asked when the voucher is compiled.
func (d *Desk) accountProblem(ctx context.Context, connection, account string) string {
	if account == "" || account[0] < '0' || account[0] > '9' {
		return "" // the name of an account in the profile
	}
	firm, err := d.Doors.Company(ctx, connection)
	if err != nil {
		return ""
	}
	if problems := firm.Check(voucher.Uses{Accounts: []string{account}}); len(problems) > 0 && strings.HasPrefix(string(problems[0].Code), "account_") {
		return problems[0].Detail
	}
	return ""
}

// mayBeElsewhere reads the batch that is said to book the payout, and compares.
func (d *Desk) mayBeElsewhere(ctx context.Context, at *target, c *Choice, made *store.Decision) (decision.Evidence, error) {
	switch {
	case at.work != store.WorkPayout || at.inBooks():
		return decision.Evidence{}, refuse("Kvitt has posted it, or may have; it can only be reversed")
	case at.row.State != workflows.StateHeld && at.row.State != workflows.StateAwaitingApproval:
		return decision.Evidence{}, refuse("it is %s, and only a payout that waits can be decided about", at.row.State)
	case made.BatchNumber == "":
		return decision.Evidence{}, refuse("no batch was named")
	}
	e, err := d.compareElsewhere(ctx, at.row, made.BatchNumber)
	if err != nil {
		return e, err
	}
	if e.Anyway = len(e.Differences) > 0; e.Anyway && !c.Anyway {
		return e, &Error{
			Happened: fmt.Sprintf("batch %s does not look like it: %s", made.BatchNumber, strings.Join(e.Differences, "; ")),
			Helps:    "Name another batch, or state it anyway (`--anyway`) and say why.",
		}
	}
	return e, nil
}

func (d *Desk) compareElsewhere(ctx context.Context, row *store.Payout, number string) (decision.Evidence, error) {
	b, err := d.readBatch(ctx, row.ConnectionID, number)
	if err != nil {
		if f := fault.As(err); f != nil && f.Status == http.StatusNotFound {
			return decision.Evidence{}, &Error{Happened: "Visma.net has no batch " + number, Err: err}
		}
		return decision.Evidence{Differences: []string{"batch " + number + " cannot be read: " + Sentence(err)}}, nil
	}
	connection, err := d.Store.Connection(ctx, row.ConnectionID)
	if err != nil {
		return decision.Evidence{}, err
	}
	if token, ours := voucher.FindToken(b.Description); ours {
		if sent, err := d.Store.Booking(ctx, connection.CompanyID, token); err == nil {
			return decision.Evidence{}, refuse("Kvitt made batch %s, for the payout %s", number, sent.PaymentReference)
		}
	}
	zone := time.UTC
	if profile, _, err := d.Doors.Profile(ctx, row.ConnectionID, 0); err == nil {
		zone = profile.Location()
	}
	return decision.Evidence{Batch: sheet(b), Differences: NotBookedBy(row, b, zone)}, nil
}

// bookedWithin is the number of days after a payout within which somebody else may date what books
// it: the money is a few days on its way.
const bookedWithin = 10

// NotBookedBy lists what speaks against a batch booking a payout: its status,
// currency, date, payment reference and amount.
func NotBookedBy(row *store.Payout, b *visma.JournalTransaction, zone *time.Location) (out []string) {
	say := func(format string, args ...any) { out = append(out, fmt.Sprintf(format, args...)) }
	if !b.Released() {
		say("it is %s, and not released", b.Status)
	}
	if b.CurrencyID != row.Currency {
		say("it is in %s, and the payout in %s", b.CurrencyID, row.Currency)
	}
	day := visma.DateOf(row.Date.In(zone))
	dated, last := b.TransactionDate.Date(), visma.DateOf(row.Date.In(zone).AddDate(0, 0, bookedWithin))
	if dated.Compare(day) < 0 || dated.Compare(last) > 0 {
		say("it is dated %s, and the payout is of %s", dated, day)
	}
	if !carries(b, row.PaymentReference) {
		say("neither it nor a line of it carries the reference %s", row.PaymentReference)
	}
	currency := settlement.Currency(row.Currency)
	nets, ok := netsOf(b, currency)
	switch {
	case !ok:
		say("its amounts cannot be compared in %s", row.Currency)
	case row.Settlement != 0 && !slices.Contains(nets, row.Settlement):
		say("none of its accounts comes to the settlement amount of %s", amountOf(row.Settlement, false, row.Currency))
	}
	return out
}

func carries(b *visma.JournalTransaction, reference string) bool {
	return strings.Contains(b.Description, reference) || slices.ContainsFunc(b.Lines, func(l visma.JournalTransactionLine) bool {
		return l.ReferenceNumber == reference || strings.Contains(l.TransactionDescription, reference)
	})
}

// netsOf returns what each account of a batch comes to, debit less credit.
func netsOf(b *visma.JournalTransaction, c settlement.Currency) ([]int64, bool) {
	decimals, err := c.Exponent()
	if err != nil {
		return nil, false
	}
	sums := map[string]int64{}
	for i := range b.Lines {
		l := &b.Lines[i]
		debit, err1 := l.DebitAmountInCurrency.Minor(decimals)
		credit, err2 := l.CreditAmountInCurrency.Minor(decimals)
		net, fits1 := settlement.Add(debit, -credit)
		sum, fits2 := settlement.Add(sums[l.AccountNumber], net)
		if err1 != nil || err2 != nil || !fits1 || !fits2 {
			return nil, false
		}
		sums[l.AccountNumber] = sum
	}
	var all []int64
	for _, sum := range sums {
		all = append(all, sum)
	}
	return all, true
}

func sheet(b *visma.JournalTransaction) *decision.Batch {
	return &decision.Batch{
		Number: b.BatchNumber, Status: string(b.Status), Date: b.TransactionDate.Date().String(), Currency: b.CurrencyID,
		Description: b.Description, Lines: posting.Lines(b, settlement.Currency(b.CurrencyID)),
	}
}

// mayBeUnrelated takes a batch that the payout is held for, and no other one.
func (d *Desk) mayBeUnrelated(ctx context.Context, at *target, _ *Choice, made *store.Decision) (decision.Evidence, error) {
	if at.code != held.BookedElsewhere {
		return decision.Evidence{}, refuse("it is not held because of a batch that may book it")
	}
	connection, err := d.Store.Connection(ctx, at.row.ConnectionID)
	if err != nil {
		return decision.Evidence{}, err
	}
	seen, err := d.Store.SeenByReference(ctx, connection.CompanyID, at.row.PaymentReference)
	if err != nil {
		return decision.Evidence{}, err
	}
	if !slices.ContainsFunc(seen, func(b store.SeenBatch) bool { return b.BatchNumber == made.BatchNumber }) {
		return decision.Evidence{}, refuse("batch %q is not known to carry its payment reference", made.BatchNumber)
	}
	b, err := d.readBatch(ctx, at.row.ConnectionID, made.BatchNumber)
	if err != nil {
		return decision.Evidence{}, err
	}
	return decision.Evidence{Batch: sheet(b)}, nil
}

// mayTakeBatch reads the batch that is taken as the payout's own, and keeps line
// by line what differs from the voucher.
func (d *Desk) mayTakeBatch(ctx context.Context, at *target, _ *Choice, made *store.Decision) (decision.Evidence, error) {
	none := decision.Evidence{}
	if err := at.held(); err != nil {
		return none, err
	}
	switch {
	case at.code != held.BatchDiffers && at.code != held.OutcomeUnknown && at.code != held.RefusedRepeatedly:
		return none, refuse("it is held as %s, and a batch is taken only where one differs or is looked for", at.code)
	case at.sent == nil:
		return none, refuse("nothing was meant to be posted for it")
	case made.BatchNumber == "":
		return none, refuse("no batch was named")
	case at.sent.BatchNumber != "" && at.sent.BatchNumber != made.BatchNumber:
		return none, refuse("its batch is %s, not %s", at.sent.BatchNumber, made.BatchNumber)
	}
	b, err := d.readBatch(ctx, at.row.ConnectionID, made.BatchNumber)
	if err != nil {
		return none, err
	}
	branch, err := d.sentBranch(ctx, at)
	if err != nil {
		return none, err
	}
	return takes(at.sent, b, branch)
}

// sentBranch is the branch that was sent where the voucher names none, as the worker
// chooses it: what a version posted that sent none is taken back without one.
func (d *Desk) sentBranch(ctx context.Context, at *target) (string, error) {
	if d.ReadBatch != nil {
		return "", nil
	}
	if at.work == store.WorkReversal {
		original, err := d.Store.BookingOf(ctx, at.row.ConnectionID, at.row.PaymentReference, at.revision-1)
		if err != nil || original.Compared == 0 {
			return "", err
		}
	}
	firm, err := d.Doors.Company(ctx, at.row.ConnectionID)
	if err != nil {
		return "", err
	}
	return firm.MainBranch(), nil
}

// takes compares a batch with the posting that it is taken for.
func takes(sent *store.Booking, b *visma.JournalTransaction, branch string) (decision.Evidence, error) {
	none := decision.Evidence{}
	if b.Status == visma.BatchVoided {
		return none, refuse("batch %s is voided, so nothing of it is in the books", b.BatchNumber)
	}
	if token, ours := voucher.FindToken(b.Description); ours && token != sent.Token {
		return none, refuse("batch %s carries the token of something else: %s", b.BatchNumber, token)
	}
	differences, err := posting.Differences(sent, b, branch)
	return decision.Evidence{Batch: sheet(b), Differences: differences}, err
}

// mayKeep notes which voucher stays, and against which figures.
func (d *Desk) mayKeep(_ context.Context, at *target, _ *Choice, made *store.Decision) (decision.Evidence, error) {
	if err := at.held(); err != nil {
		return decision.Evidence{}, err
	}
	if !at.inBooks() || at.work != store.WorkPayout {
		return decision.Evidence{}, refuse("nothing of it is in the books that could stay")
	}
	if at.code == held.BatchDiffers || at.code == held.OutcomeUnknown || at.code == held.RefusedRepeatedly {
		return decision.Evidence{}, refuse("it is held as %s; which batch is its own has to be known first", at.code)
	}
	figures, err := activities.Figures(at.row)
	made.BatchNumber = at.sent.BatchNumber
	return decision.Evidence{Posted: at.sent.VoucherHash, Figures: figures}, err
}

// readBatch reads a batch of the connection's own company, and of no other one.
func (d *Desk) readBatch(ctx context.Context, connection, number string) (*visma.JournalTransaction, error) {
	if d.ReadBatch != nil {
		return d.ReadBatch(ctx, connection, number)
	}
	ctx, cancel := context.WithTimeout(ctx, verifyWithin)
	defer cancel()
	row, err := d.Store.Connection(ctx, connection)
	if err != nil {
		return nil, err
	}
	firm, err := d.Doors.Company(ctx, connection)
	if err != nil {
		return nil, err
	}
	if firm.ID != row.CompanyID {
		return nil, refuse("the connection was made for the company %s %s, and Visma.net answers for %s", row.CompanyID, row.CompanyName, firm)
	}
	client, err := d.Doors.Visma(ctx, connection)
	if err != nil {
		return nil, err
	}
	b, _, err := client.JournalTransaction(ctx, number)
	return b, err
}
