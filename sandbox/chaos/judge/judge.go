// Package judge compares the simulated Visma.net's books with what Klarna paid out, and what Kvitt reports
// about a payout with what was done to it. It believes the simulators and the plan, and treats Kvitt's
// reports as claims to be checked.
//
// It must never repair, wait or ask again, and never import the product's judgement of what is right: a
// mistake there would be repeated here.
package judge

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"maps"
	"net/http"
	"slices"
	"strings"
	"time"

	"kvitt/sandbox/klarnasim"
	"kvitt/sandbox/shop"
	"kvitt/sandbox/vismasim"
)

// Case is the evidence after a run.
type Case struct {
	Payouts []*shop.Payout // what Klarna paid
	Books   vismasim.Books // of their company, in which nobody else books
	Writes  []vismasim.Write
	// Bank is the settlement account of the profile.
	Bank string
	// Split holds, for each split payout by payment reference, the day by which a part was captured in an
	// earlier period; Receivable is the account for what Klarna owed then.
	Split      map[string]string
	Receivable string
	Zone       *time.Location // the company's, which decides the day of a capture

	Reports   []Report   // Kvitt's final report on each payout
	Holds     []Hold     // each time a payout was seen held
	True      []Cause    // what justifies holding
	Asked     []Asked    // a person's commands
	Workflows []Workflow // of the connection
	// UnknownWait is the time a batch whose outcome is unknown must be missing before it is sent again.
	UnknownWait time.Duration
}

// Report is Kvitt's report on a payout.
type Report struct{ Reference, State, Reason, Batch string }

// Hold is a payout that was seen held.
type Hold struct{ Reference, Code, Words string }

// Cause justifies holding a payout: one, or any when Reference is empty. Words, if given, must occur in
// the reason.
type Cause struct{ Reference, Code, Words string }

// Asked is a person's command to retry a payout.
type Asked struct {
	Reference string
	At        time.Time
}

// Workflow is the state of one of Temporal's workflows.
type Workflow struct{ ID, Type, Status, Words string }

// Judge returns what is wrong, in sentences; nothing when all is clean.
func Judge(c Case) []string {
	var found []string
	for _, look := range []func(Case) []string{books, reported, holds, writes, ended} {
		found = append(found, look(c)...)
	}
	return found
}

// books: one batch for each payout, released, equal to the öre; none missing, none twice, nothing else.
func books(c Case) (found []string) {
	say := func(format string, args ...any) { found = append(found, fmt.Sprintf(format, args...)) }
	if c.Books.Debit != c.Books.Credit {
		say("the books do not balance: debit %d, credit %d", c.Books.Debit, c.Books.Credit)
	}
	for token, numbers := range c.Books.DuplicateTokens {
		if !takesBack(c, numbers) {
			say("the token %s is in the batches %v", token, numbers)
		}
	}
	for reference, numbers := range c.Books.DuplicateReferences {
		if !takesBack(c, numbers) {
			say("payout %s is booked twice: batches %v", reference, numbers)
		}
	}
	if want := len(c.Payouts) + 2*len(c.Split); c.Books.Batches != want {
		say("the books hold %d batches for %d payouts, of which %d are split, instead of %d", c.Books.Batches, len(c.Payouts), len(c.Split), want)
	}
	found = append(found, parts(c)...)
	paid := map[string]int64{}
	for _, p := range c.Payouts {
		paid[p.Currency] += p.Totals.Settlement
		batches := c.Books.WithReference(p.PaymentReference)
		if len(batches) == 0 {
			say("payout %s is missing in the books", p.PaymentReference)
		}
		for _, b := range batches {
			found = append(found, batch(c, p, b)...)
		}
	}
	for currency, sum := range paid {
		if got := c.Books.Accounts[c.Bank].Currencies[currency].Balance(); got != sum {
			say("Klarna paid %d %s in all, and account %s holds %d", sum, currency, c.Bank, got)
		}
	}
	return found
}

// takesBack reports whether two batches are an auto-reversing one and Visma.net's reversal of it.
func takesBack(c Case, numbers []string) bool {
	return len(numbers) == 2 && slices.ContainsFunc(c.Books.List, func(b *vismasim.Batch) bool {
		return b.Number == numbers[1] && b.Reverses == numbers[0]
	})
}

// parts: the part of a payout that was captured in an earlier period is there once, to the öre.
func parts(c Case) (found []string) {
	for _, p := range c.Payouts {
		if day, ok := c.Split[p.PaymentReference]; ok {
			found = append(found, part(c, p, day)...)
		}
	}
	return found
}

func part(c Case, p *shop.Payout, day string) (found []string) {
	say := func(format string, args ...any) {
		found = append(found, fmt.Sprintf("the part of payout %s of %s: ", p.PaymentReference, day)+fmt.Sprintf(format, args...))
	}
	booked, got, want := 0, int64(0), owed(p, day, c.Zone)
	for _, b := range c.Books.WithDescription("Klarna " + p.PaymentReference + " till " + day) {
		if b.Reverses != "" {
			continue
		}
		booked++
		for _, l := range b.Lines {
			if l.Account == c.Receivable {
				got += l.Debit - l.Credit
			}
		}
		if !b.Released() || b.Date.Format(time.DateOnly) != day {
			say("batch %s of %s is %s", b.Number, b.Date.Format(time.DateOnly), b.Status)
		}
		if len(b.Attachments) != 1 || b.Attachments[0].Name != "kvitt.split."+p.PaymentReference+"."+day+".txt" {
			say("its attachments are %v", b.Attachments)
		}
	}
	if booked != 1 || got != want {
		say("%d batches have %d on account %s, and Klarna owed %d", booked, got, c.Receivable, want)
	}
	return found
}

// owed returns what Klarna owed for the rows that were captured by a day.
func owed(p *shop.Payout, day string, zone *time.Location) (sum int64) {
	var row shop.Row
	for i := range p.Rows.Len() {
		p.Rows.Row(i, &row)
		switch {
		case row.CaptureDate.In(zone).Format(time.DateOnly) > day:
		case row.Type == "SALE":
			sum += row.Amount
		default:
			sum -= row.Amount + row.VAT
		}
	}
	return sum
}

// batch: it is the payout's, to the öre, line by line as far as Klarna reports lines.
func batch(c Case, p *shop.Payout, b *vismasim.Batch) (found []string) {
	say := func(format string, args ...any) {
		found = append(found, fmt.Sprintf("payout %s, batch %s: ", p.PaymentReference, b.Number)+fmt.Sprintf(format, args...))
	}
	if !b.Released() {
		say("it is %s, not released", b.Status)
	}
	if !strings.Contains(b.Description, "[kvitt:") {
		say("its description %q has no token", b.Description)
	}
	var bank, debit, credit int64
	for _, l := range b.Lines {
		debit, credit = debit+l.Debit, credit+l.Credit
		if l.Account == c.Bank {
			bank += l.Debit - l.Credit
		}
		if l.Reference != p.PaymentReference {
			say("line %d carries the reference %q", l.Number, l.Reference)
		}
	}
	if bank != p.Totals.Settlement || b.Currency != p.Currency {
		say("Klarna paid %d %s, and account %s got %d %s", p.Totals.Settlement, p.Currency, c.Bank, bank, b.Currency)
	}
	if debit != credit {
		say("debit %d, credit %d", debit, credit)
	}
	return append(found, documents(p, b)...)
}

// documents: Klarna's two reports and the proof are attached to a batch, each once, and the one with the
// rows is Klarna's, byte for byte.
func documents(p *shop.Payout, b *vismasim.Batch) (found []string) {
	say := func(format string, args ...any) {
		found = append(found, fmt.Sprintf("payout %s, batch %s: ", p.PaymentReference, b.Number)+fmt.Sprintf(format, args...))
	}
	csv := "settlement." + p.PaymentReference + ".csv"
	names := map[string]int{}
	for _, a := range b.Attachments {
		names[a.Name]++
		if served := digest(p); a.Name == csv && a.SHA256 != served {
			say("%s has the SHA-256 %s, and Klarna's has %s", csv, a.SHA256, served)
		}
	}
	wanted := map[string]int{csv: 1, "settlement." + p.PaymentReference + ".pdf": 1, "kvitt." + p.PaymentReference + ".txt": 1}
	if !maps.Equal(names, wanted) {
		say("its attachments are %v", names)
	}
	return found
}

// digest returns the SHA-256 of a payout's report with its rows.
func digest(p *shop.Payout) string {
	sum := sha256.New()
	if err := klarnasim.WriteCSV(sum, p); err != nil {
		return err.Error()
	}
	return hex.EncodeToString(sum.Sum(nil))
}

// reported: every payout is reported, and reported where it is.
func reported(c Case) (found []string) {
	for _, p := range c.Payouts {
		i := slices.IndexFunc(c.Reports, func(t Report) bool { return t.Reference == p.PaymentReference })
		if i < 0 {
			found = append(found, fmt.Sprintf("Kvitt does not know payout %s", p.PaymentReference))
			continue
		}
		t := c.Reports[i]
		switch {
		case t.State != "verified":
			found = append(found, fmt.Sprintf("Kvitt says payout %s is %s %s, not verified", t.Reference, t.State, t.Reason))
		case !slices.ContainsFunc(c.Books.WithReference(t.Reference), func(b *vismasim.Batch) bool { return b.Number == t.Batch }):
			found = append(found, fmt.Sprintf("Kvitt says payout %s is batch %s, and the books do not", t.Reference, t.Batch))
		}
	}
	return found
}

// holds: a payout was held for what was really done to it.
func holds(c Case) (found []string) {
	for _, h := range c.Holds {
		right := func(cause Cause) bool {
			return cause.Code == h.Code && (cause.Reference == "" || cause.Reference == h.Reference) && strings.Contains(h.Words, cause.Words)
		}
		if !slices.ContainsFunc(c.True, right) {
			found = append(found, fmt.Sprintf("payout %s was held as %s, which is not true: %s", h.Reference, h.Code, h.Words))
		}
	}
	return found
}

// answeredNo are faults after which a write has certainly not been done.
var answeredNo = []vismasim.FaultKind{vismasim.Throttled, vismasim.ThrottledBare, vismasim.Unauthorized, vismasim.Forbidden, vismasim.NoLicense, vismasim.NotFound}

// noStatus are answers of Visma.net itself that mean the same.
var noStatus = []int{http.StatusUnauthorized, http.StatusForbidden, http.StatusTooManyRequests}

// posting is the path at which batches are created.
const posting = "/v2/journaltransaction"

// writes: what was refused is sent again only when a person asked for that, and what is unknown only after
// the wait.
func writes(c Case) (found []string) {
	last := map[string]vismasim.Write{}
	for _, w := range c.Writes {
		if w.Token == "" || w.Path != posting {
			continue // the attached proof repeats the token
		}
		before, sent := last[w.Token]
		last[w.Token] = w
		gap := w.At.Sub(before.At)
		switch {
		case !sent, slices.Contains(answeredNo, before.Fault), slices.Contains(noStatus, before.Status):
		case before.Refused():
			if !slices.ContainsFunc(c.Asked, func(a Asked) bool { return a.At.After(before.At) && a.At.Before(w.At) }) {
				found = append(found, fmt.Sprintf("%s was refused and sent again %s later, and nobody asked for that", w.Token, gap.Round(time.Millisecond)))
			}
		case gap < c.UnknownWait:
			found = append(found, fmt.Sprintf("%s was sent again %s after a request of unknown outcome (%s)", w.Token, gap.Round(time.Millisecond), before.Fault))
		}
	}
	return found
}

// ended: no workflow failed, and none is left that has nothing to wait for.
func ended(c Case) (found []string) {
	for _, w := range c.Workflows {
		switch {
		case w.Status == "Completed", w.Status == "ContinuedAsNew":
		case w.Status == "Running" && w.Type == "ConnectionWorkflow":
		default:
			found = append(found, fmt.Sprintf("workflow %s (%s) is %s %s", w.ID, w.Type, w.Status, w.Words))
		}
	}
	return found
}
