package visma

import (
	"context"
	"errors"
	"fmt"
	"net/url"
	"reflect"
	"slices"
	"strings"
	"time"
)

// JournalTransactionsQuery selects batches. Visma.net needs a period or a time; it cannot filter by text
// or reference.
type JournalTransactionsQuery struct {
	PeriodID          string      // YYYYPP; this or ModifiedSince
	ModifiedSince     time.Time   // the zone of Visma.net's clock is not documented: use a day earlier
	Module            string      // "GL"; empty for all
	Status            BatchStatus // empty for all
	Branch            string
	ExpandAttachments bool
}

func (q *JournalTransactionsQuery) values() (url.Values, error) {
	v := url.Values{}
	switch {
	case q.PeriodID == "" && q.ModifiedSince.IsZero():
		return nil, errors.New("list journal transactions: neither a period nor a time was given")
	case q.PeriodID != "" && !q.ModifiedSince.IsZero():
		return nil, errors.New("list journal transactions: both a period and a time were given; Visma.net accepts one of them")
	case q.PeriodID != "":
		if len(q.PeriodID) != 6 || !isDigits(q.PeriodID) {
			return nil, fmt.Errorf("list journal transactions: the period %q is not written YYYYPP", q.PeriodID)
		}
		v.Set("periodId", q.PeriodID)
	default:
		v.Set("lastModifiedDateTime", q.ModifiedSince.UTC().Format("2006-01-02 15:04:05"))
	}
	setIf(v, "module", q.Module)
	setIf(v, "status", string(q.Status))
	setIf(v, "branch", q.Branch)
	if q.ExpandAttachments {
		v.Set("expandAttachments", "true")
	}
	return v, nil
}

func setIf(v url.Values, name, value string) {
	if value != "" {
		v.Set(name, value)
	}
}

// JournalTransactions lists every batch that fits the query, each with all its lines. Visma.net pages by
// lines, so a batch may come in parts, which are combined by batch number. Visma.net ignores unknown
// parameters, so the result is filtered again.
//
// A batch that is not in the result was not in Visma.net while the list was read: an inconsistent list is
// an error, never a short result.
func (c *Client) JournalTransactions(ctx context.Context, q JournalTransactionsQuery) ([]JournalTransaction, error) {
	values, err := q.values()
	if err != nil {
		return nil, err
	}
	var g *batches
	err = readPages(ctx, c, &request{attempted: "list journal transactions", path: journalPath, query: values},
		func() gatherer[JournalTransaction] {
			g = &batches{index: map[string]int{}}
			return g
		})
	if err != nil {
		return nil, err
	}
	return g.matching(&q), nil
}

// batches combines the parts of batches. Its unit is the line. A list that grows while it is read at worst
// returns lines twice, which is harmless here; a list that shrinks may hide lines, which is not.
type batches struct {
	all   []gathered
	index map[string]int
	lines int64
	bare  int64 // batches without lines, which may or may not be counted in the total
}

// gathered is a batch of which some parts were seen, with the positions of its lines.
type gathered struct {
	batch JournalTransaction
	at    map[int]int // line number to index in batch.Lines
}

func (g *batches) add(p *page[JournalTransaction]) error {
	for i := range p.items {
		part := &p.items[i]
		part.trimKeys()
		if part.BatchNumber == "" {
			return errors.New("an entry of the list has no batch number")
		}
		key := part.Module + "/" + part.BatchNumber
		at, known := g.index[key]
		if !known {
			at = len(g.all)
			g.index[key] = at
			whole := *part
			whole.Lines, whole.Attachments = nil, nil
			g.all = append(g.all, gathered{batch: whole, at: map[int]int{}})
			if len(part.Lines) == 0 {
				g.bare++
			}
		}
		if err := g.merge(&g.all[at], part); err != nil {
			return err
		}
	}
	return nil
}

// merge adds a part to its batch. A part of another version means that the batch was changed between two
// pages.
func (g *batches) merge(whole *gathered, part *JournalTransaction) error {
	batch := &whole.batch
	if part.TimeStamp != batch.TimeStamp || part.Status != batch.Status {
		return fmt.Errorf("%w: batch %s was changed", errMoved, part.BatchNumber)
	}
	for _, line := range part.Lines {
		at, known := whole.at[line.LineNumber]
		switch {
		case !known || line.LineNumber == 0:
			whole.at[line.LineNumber] = len(batch.Lines)
			batch.Lines = append(batch.Lines, line)
			g.lines++
		case !reflect.DeepEqual(batch.Lines[at], line):
			return fmt.Errorf("%w: line %d of batch %s was changed", errMoved, line.LineNumber, part.BatchNumber)
		}
	}
	for _, file := range part.Attachments {
		if !slices.Contains(batch.Attachments, file) {
			batch.Attachments = append(batch.Attachments, file)
		}
	}
	return nil
}

func (g *batches) units() int64 { return g.lines }

func (g *batches) complete(total int64) error {
	if g.lines+g.bare < total {
		return fmt.Errorf("%w: it should have %d lines and has %d", errMoved, total, g.lines)
	}
	return nil
}

// matching returns the batches that fit the query, their lines in order.
func (g *batches) matching(q *JournalTransactionsQuery) []JournalTransaction {
	var fit []JournalTransaction
	for i := range g.all {
		batch := &g.all[i].batch
		if !q.matches(batch) {
			continue
		}
		slices.SortStableFunc(batch.Lines, func(a, b JournalTransactionLine) int { return a.LineNumber - b.LineNumber })
		fit = append(fit, *batch)
	}
	return fit
}

// matches filters again. Only a member that clearly differs excludes a batch: a batch too many costs
// nothing, a batch too few may be posted twice.
func (q *JournalTransactionsQuery) matches(t *JournalTransaction) bool {
	return inPeriod(q.PeriodID, t) && inModule(q.Module, t.Module) && hasStatus(q.Status, t.Status) &&
		(q.Branch == "" || t.Branch == "" || strings.EqualFold(strings.TrimSpace(t.Branch), strings.TrimSpace(q.Branch))) &&
		!modifiedBefore(q.ModifiedSince, t.LastModified)
}

func inPeriod(id string, t *JournalTransaction) bool {
	if id == "" {
		return true
	}
	wanted, _, _ := ParsePeriod(id, 0)
	understood := false
	for _, text := range []string{t.FinancialPeriod, t.PostPeriod} {
		year, number, err := ParsePeriod(text, wanted)
		if err != nil {
			year, number, err = ParsePeriod(text, 0)
		}
		if err == nil && PeriodID(year, number) == id {
			return true
		}
		understood = understood || err == nil
	}
	return !understood
}

func inModule(wanted, module string) bool {
	return wanted == "" || module == "" || strings.EqualFold(strings.TrimPrefix(module, "Module"), wanted)
}

func hasStatus(wanted, status BatchStatus) bool {
	switch wanted {
	case "", status:
		return true
	case BatchUnreleased:
		return status != BatchUnposted && status != BatchPosted && status != BatchVoided
	default:
		return status == ""
	}
}

// modifiedBefore allows a day for a clock whose zone is unknown.
func modifiedBefore(since time.Time, modified DateTime) bool {
	if since.IsZero() || modified.IsZero() {
		return false
	}
	if !modified.Zoned {
		since = since.Add(-26 * time.Hour)
	}
	return modified.Time.Before(since.Truncate(time.Second))
}
