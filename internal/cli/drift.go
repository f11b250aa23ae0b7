package cli

import (
	"context"
	"encoding/json"
	"fmt"
	"strings"

	"kvitt/internal/cli/table"
	"kvitt/internal/operate"
	"kvitt/internal/posting"
	"kvitt/internal/store"
)

// drift returns what the last daily check found of a posting; nil before the first.
func (s *session) drift(ctx context.Context, row *store.Booking) (*driftDetail, error) {
	found, err := s.store.DriftOf(ctx, row.CompanyID, row.Token)
	if err != nil || found == nil {
		return nil, err
	}
	d := &driftDetail{Word: found.Word, Since: found.Since, CheckedAt: found.CheckedAt}
	for _, part := range []struct {
		document json.RawMessage
		into     any
	}{{found.Differences, &d.Differences}, {found.Posted, &d.Posted}, {found.Found, &d.Found}} {
		if err := json.Unmarshal(part.document, part.into); err != nil {
			return nil, fmt.Errorf("read what was found of the payout %s in Visma.net: %w", row.Name, err)
		}
	}
	return d, nil
}

// astray tells whether a batch is not any more what Kvitt posted.
func astray(word string) bool { return word != posting.AsPosted && word != posting.NowReleased }

// drift writes both sides of what has changed in Visma.net since the posting.
func (p *page) drift(d *payoutDetail) {
	if d.Posting == nil || d.Posting.Drift == nil {
		return
	}
	q := d.Posting.Drift
	if !astray(q.Word) {
		p.line("")
		p.line("Visma.net had it as it was posted at %s.", moment(q.CheckedAt))
		return
	}
	p.heading("Changed in Visma.net: " + q.Word)
	p.line("Found so since %s, last looked at %s. Kvitt changes nothing there and posts nothing because of it.", moment(q.Since), moment(q.CheckedAt))
	for _, words := range q.Differences {
		p.line("- %s", words)
	}
	t := table.New(table.Left(""), table.Left("what Kvitt posted"), table.Left("what Visma.net has"))
	t.Width = width(p.w)
	ours, theirs := q.Posted, q.Found
	if theirs == nil {
		theirs = &posting.Sheet{}
	}
	for _, row := range []struct{ name, ours, theirs string }{
		{"batch", ours.Batch, strings.Join(append([]string{theirs.Batch}, theirs.Others...), ", ")},
		{"status", ours.Status, theirs.Status},
		{"date", ours.Date, theirs.Date},
		{"period", ours.Period, theirs.Period},
		{"currency", ours.Currency, theirs.Currency},
		{"exchange rate", ours.Rate, theirs.Rate},
		{"text", ours.Description, theirs.Description},
	} {
		if row.name == "exchange rate" && row.ours == "" {
			continue // Visma.net's own
		}
		t.Add(row.name, row.ours, row.theirs)
	}
	for i := range max(len(ours.Lines), len(theirs.Lines)) {
		t.Add("line", at(ours.Lines, i), at(theirs.Lines, i))
	}
	p.write(t)
}

func at(lines []string, i int) string {
	if i < len(lines) {
		return lines[i]
	}
	return ""
}

// books tells of batches that somebody has changed in Visma.net since they
// were posted, as the last daily check found them.
func (e *examination) books(ctx context.Context, c *store.Connection) {
	all, err := e.store.Drifts(ctx, c.ID, store.KindPayout, store.KindReversal)
	if err != nil {
		e.failed("books", c.ID, err)
		return
	}
	words := map[string][]string{}
	right := 0
	for i := range all {
		if !astray(all[i].Word) {
			right++
			continue
		}
		words[all[i].Word] = append(words[all[i].Word], all[i].Name)
	}
	for _, word := range []string{posting.Gone, posting.Voided, posting.Edited, posting.Unreleased, posting.Elsewhere} {
		if refs := words[word]; len(refs) > 0 {
			e.warn("books", c.ID, fmt.Sprintf("%s in Visma.net since Kvitt posted: %s.", word, operate.Some(refs, 5)),
				"Look at both sides: `starter payout show "+c.ID+" "+refs[0]+"`. Kvitt changes nothing there; decide in Visma.net.")
		}
	}
	if right > 0 && len(words) == 0 {
		e.ok("books", c.ID, counted(right, "posting")+" looked at again in Visma.net: as posted")
	}
}

// accruals tells of accruals that are held, and of those that are something else
// in Visma.net than what was posted, or that it has not taken back.
func (e *examination) accruals(ctx context.Context, c *store.Connection) {
	all, err := (&operate.Desk{Store: e.store}).Bookings(ctx, c.ID, store.Accruals...)
	if err != nil {
		e.failed("accruals", c.ID, err)
		return
	}
	for i := range all {
		a := &all[i]
		if a.HeldReason != "" {
			e.warn("accruals", c.ID, a.Name+" is held: "+a.HeldReason+".", operate.Finish(a.Words))
		}
		if a.Books != nil && astray(a.Books.Word) {
			e.warn("accruals", c.ID, a.Name+": "+operate.Printable(strings.Join(a.Books.Differences, "; "))+".", a.Books.Helps)
		}
	}
}
