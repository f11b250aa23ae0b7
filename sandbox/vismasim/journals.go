package vismasim

import (
	"bytes"
	"errors"
	"net/http"
	"slices"
	"strings"
	"time"
)

func (s *Sim) createJournal(q *call) (answer, error) {
	u, err := readUpdate(q.body)
	if err != nil {
		return answer{}, plainly("The request is invalid: %s.", err)
	}
	if q.fault.Kind == RateIgnored {
		u.ExchangeRate = value[literal]{}
	}
	b := &Batch{Module: "GL", Created: q.at}
	if err := (compiler{q.c, s.o.Limits, "creating document"}).apply(b, u, q.at); err != nil {
		return answer{}, err
	}
	if q.fault.ListedAfter > 0 {
		from := q.at.Add(q.fault.ListedAfter)
		b.ListedFrom = &from
	}
	q.c.enter(b)
	s.touch(q.c, b, q.at)
	location := s.elsewhere(q.c, "v2/journaltransaction/"+b.Number)
	return emptyAnswer(http.StatusCreated).with("Location", location).with("ETag", etag(b.Stamp)), nil
}

func (s *Sim) getJournal(q *call) (answer, error) {
	b, err := q.batch()
	if err != nil {
		return answer{}, err
	}
	return jsonAnswer(http.StatusOK, q.c.journal(b, b.Lines, true)).with("ETag", etag(b.Stamp)), nil
}

func (s *Sim) updateJournal(q *call) (answer, error) {
	b, err := q.current()
	if err != nil {
		return answer{}, err
	}
	switch {
	case b.Released():
		return answer{}, plainly("Journal transaction can't be updated because it is already released.")
	case b.ReleaseDue != nil:
		return answer{}, plainly("The previous operation has not been completed yet.")
	}
	u, err := readUpdate(q.body)
	if err != nil {
		return answer{}, plainly("The request is invalid: %s.", err)
	}
	changed := b.clone()
	if err := (compiler{q.c, s.o.Limits, "updating document"}).apply(changed, u, q.at); err != nil {
		return answer{}, err
	}
	q.c.replace(changed)
	s.touch(q.c, changed, q.at)
	return emptyAnswer(http.StatusNoContent).with("ETag", etag(changed.Stamp)), nil
}

// actionResult is the answer of a release.
type actionResult struct {
	ID     string `json:"actionId"`
	Result string `json:"actionResult"`
	Error  string `json:"errorInfo,omitempty"`
}

func (s *Sim) releaseJournal(q *call) (answer, error) {
	b, err := q.current()
	if err != nil {
		return answer{}, err
	}
	switch {
	case b.Released():
		return answer{}, plainly("Journal transaction can't be released because it is already released.")
	case b.ReleaseDue != nil:
		return answer{}, plainly("The previous operation has not been completed yet.")
	case b.Status != Balanced:
		return answer{}, refuse("releasing document", "Batch status is not valid for processing.")
	}
	if err := (compiler{q.c, s.o.Limits, "releasing document"}).open(b.Period); err != nil {
		return answer{}, err
	}
	if s.o.Release == ReleaseDone {
		s.release(q.c, b, q.at)
	} else {
		due := q.at.Add(s.o.ReleaseDelay)
		b.ReleaseDue = &due
		s.touch(q.c, b, q.at)
	}
	reply := jsonAnswer(http.StatusOK, actionResult{ID: s.newID("action"), Result: string(s.o.Release)})
	return reply.with("ETag", etag(b.Stamp)), nil
}

func (q *call) batch() (*Batch, error) {
	b := q.c.batch(q.id("number"))
	if b == nil {
		return nil, notFound("Journal transaction '" + q.id("number") + "'")
	}
	return b, nil
}

// current returns the batch of the request, if it still has the version in If-Match.
func (q *call) current() (*Batch, error) {
	b, err := q.batch()
	if err != nil {
		return nil, err
	}
	want := q.Header.Get("If-Match")
	if want != "" && want != "*" && strings.Trim(want, `"`) != timeStamp(b.Stamp) {
		return nil, &refusal{status: http.StatusPreconditionFailed}
	}
	return b, nil
}

// onPage is one line of a list of batches: pages count lines.
type onPage struct {
	b *Batch
	l Line
}

func (s *Sim) listJournals(q *call) (answer, error) {
	wanted, err := q.journalFilter()
	if err != nil {
		return answer{}, err
	}
	var lines []onPage
	for _, b := range q.c.sorted() {
		if wanted(b) && (b.ListedFrom == nil || !q.at.Before(*b.ListedFrom)) {
			for _, l := range b.Lines {
				lines = append(lines, onPage{b, l})
			}
		}
	}
	page, meta := cut(s, q, lines)
	dtos := []journalDTO{}
	for len(page) > 0 {
		b, n := page[0].b, 0
		var part []Line
		for n < len(page) && page[n].b == b {
			part = append(part, page[n].l)
			n++
		}
		dto := q.c.journal(b, part, q.yes("expandAttachments"))
		dto.Metadata = meta
		dtos = append(dtos, dto)
		page = page[n:]
	}
	return jsonAnswer(http.StatusOK, dtos), nil
}

// journalFilter reads the parameters of the list. Unknown parameters are ignored; descriptions cannot be
// searched.
func (q *call) journalFilter() (func(*Batch) bool, error) {
	period, modified := q.query("periodId"), q.query("lastModifiedDateTime")
	if period == "" && modified == "" {
		return nil, plainly("Either PeriodId or LastModifiedDateTime must be provided.")
	}
	if period != "" && len(period) != 6 {
		return nil, plainly("PeriodId '%s' must be written YYYYPP.", period)
	}
	from, err := parseMoment(modified)
	if err != nil {
		return nil, plainly("LastModifiedDateTime '%s' is not in an accepted format.", modified)
	}
	module, status, branch := q.query("module"), q.query("status"), q.query("branch")
	return func(b *Batch) bool {
		return (period == "" || b.Period == period) &&
			!b.Modified.UTC().Before(from) &&
			(module == "" || b.Module == module) &&
			(branch == "" || b.Branch == branch) &&
			(status == "" || string(b.Status) == status || status == "Unreleased" && !b.Released())
	}, nil
}

// parseMoment reads one of the formats of lastModifiedDateTime, which have no zone; it is UTC. An empty
// text is the beginning of time.
func parseMoment(s string) (time.Time, error) {
	if s == "" {
		return time.Time{}, nil
	}
	for _, layout := range []string{time.DateOnly, "2006-01-02 15:04:05", "2006-01-02T15:04:05", time.RFC3339} {
		if t, err := time.Parse(layout, s); err == nil {
			return t, nil
		}
	}
	return time.Time{}, errors.New("no such format")
}

// sorted returns the batches by module and number.
func (c *company) sorted() []*Batch {
	return slices.SortedStableFunc(slices.Values(c.batches), func(a, b *Batch) int {
		return bytes.Compare([]byte(a.Module+a.Number), []byte(b.Module+b.Number))
	})
}
