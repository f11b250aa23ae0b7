package visma

import (
	"bytes"
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"regexp"
	"strconv"

	"kvitt/internal/fault"
)

// listed is an item of a list that carries the length of the list.
type listed interface{ listMetadata() Metadata }

// page is one page of a list, in either shape: a bare array whose items carry
// the metadata, or an object with the records in it.
type page[T any] struct {
	items  []T
	total  int64 // -1 when unknown
	number int64 // as the answer says; 0 when it does not
	digest [sha256.Size]byte
}

type envelope[T any] struct {
	PageNumber int64  `json:"pageNumber"`
	PageSize   int64  `json:"pageSize"`
	TotalCount *int64 `json:"totalCount"`
	Records    []T    `json:"records"`
}

// A list that changes while it is read is read again from the start, this many times in all.
const listAttempts = 3

// More pages than this are a loop.
const mostPages = 10_000

// errMoved means that a list changed while it was read.
var errMoved = errors.New("the list changed while it was read")

// gatherer combines the pages of one reading.
type gatherer[T any] interface {
	add(p *page[T]) error       // errMoved when the page does not fit the earlier ones
	units() int64               // received so far, in the unit of totalCount
	complete(total int64) error // errMoved when the total is not reached or exceeded
}

// readPages reads a list from its first page to its last, and again from the start when it changed while
// it was read.
func readPages[T any](ctx context.Context, c *Client, r *request, fresh func() gatherer[T]) error {
	var err error
	for range listAttempts {
		if err = readPagesOnce(ctx, c, r, fresh()); !errors.Is(err, errMoved) {
			return err
		}
	}
	return &fault.Error{
		Class: fault.Transient, Party: party, Attempted: r.attempted, Status: http.StatusOK,
		Words: fmt.Sprintf("the list was read %d times and changed each time", listAttempts), Err: err,
	}
}

func readPagesOnce[T any](ctx context.Context, c *Client, r *request, g gatherer[T]) error {
	seen := map[[sha256.Size]byte]int64{}
	total := int64(-1)
	for number := int64(1); number <= mostPages; number++ {
		p, a, err := readPage[T](ctx, c, r, number)
		if err != nil {
			return err
		}
		if len(p.items) == 0 {
			return g.complete(max(total, p.total))
		}
		if earlier, again := seen[p.digest]; again {
			return r.unusable(a, fmt.Errorf("page %d of the list is page %d again", number, earlier))
		}
		seen[p.digest] = number
		if p.number != 0 && p.number != number {
			return r.unusable(a, fmt.Errorf("page %d was asked for and page %d was returned", number, p.number))
		}
		if p.total >= 0 && p.total < total {
			return fmt.Errorf("%w: it had %d entries and then %d", errMoved, total, p.total)
		}
		total = max(total, p.total)
		if err := g.add(p); errors.Is(err, errMoved) {
			return err
		} else if err != nil {
			return r.unusable(a, err)
		}
		if total >= 0 && g.units() >= total {
			return g.complete(total)
		}
	}
	return &fault.Error{
		Class: fault.BadData, Party: party, Attempted: r.attempted, Status: http.StatusOK,
		Words: fmt.Sprintf("the list does not end after %d pages", mostPages),
	}
}

func readPage[T any](ctx context.Context, c *Client, r *request, number int64) (*page[T], *answer, error) {
	one := *r
	one.method = http.MethodGet
	one.query = url.Values{}
	for name, values := range r.query {
		one.query[name] = values
	}
	one.query.Set("pageNumber", strconv.FormatInt(number, 10))
	one.query.Set("pageSize", strconv.Itoa(c.pageSize))
	a, err := c.do(ctx, &one)
	if saysNoRecords(err) {
		return &page[T]{total: -1}, &answer{status: http.StatusNotFound}, nil
	}
	if err != nil {
		return nil, nil, err
	}
	if a.holdsNothing() {
		return &page[T]{total: -1}, a, nil
	}
	p, err := decodePage[T](&one, a)
	return p, a, err
}

// holdsNothing reports whether a good answer to a list is empty in any form: no content, an empty body,
// null.
func (a *answer) holdsNothing() bool {
	body := bytes.TrimSpace(withoutMark(a.body))
	empty := len(body) == 0 || string(body) == "null"
	return empty && (a.status == http.StatusOK || a.status == http.StatusNoContent)
}

// noRecords matches the text of a 404 for an empty list. A 404 without such a text is a wrong address.
var noRecords = regexp.MustCompile(`(?i)\bno (matching )?(records?|entries|rows|data|results?|documents?|batch(es)?|(journal )?transactions?)\b`)

func saysNoRecords(err error) bool {
	e := fault.As(err)
	return e != nil && e.Class == fault.Rejected && e.Status == http.StatusNotFound &&
		e.Remedy == "" && noRecords.MatchString(e.Words) // with a remedy, these are not Visma.net's words
}

func decodePage[T any](r *request, a *answer) (*page[T], error) {
	p := &page[T]{total: -1, digest: sha256.Sum256(a.body)}
	if body := bytes.TrimSpace(withoutMark(a.body)); len(body) > 0 && body[0] == '{' {
		var e envelope[T]
		if err := r.decode(a, &e); err != nil {
			return nil, err
		}
		if e.Records == nil && e.TotalCount == nil {
			return nil, r.unusable(a, errors.New("expected a list, got an object without records"))
		}
		p.items, p.number = e.Records, e.PageNumber
		if e.TotalCount != nil {
			p.total = *e.TotalCount
		}
		return p, nil
	}
	if err := r.decode(a, &p.items); err != nil {
		return nil, err
	}
	for _, item := range p.items {
		if l, ok := any(item).(listed); ok && l.listMetadata().TotalCount != nil {
			p.total = *l.listMetadata().TotalCount
			break
		}
	}
	return p, nil
}

// list reads a list of plain records, page by page.
func list[T any](ctx context.Context, c *Client, r *request) ([]T, error) {
	var g *plain[T]
	err := readPages(ctx, c, r, func() gatherer[T] {
		g = &plain[T]{}
		return g
	})
	if err != nil {
		return nil, err
	}
	return g.items, nil
}

// plain gathers records that each count as one. A list that grows while it is read may return a record
// twice, so it is read again.
type plain[T any] struct {
	items []T
	total int64
}

func (g *plain[T]) add(p *page[T]) error {
	if len(g.items) > 0 && p.total != g.total {
		return fmt.Errorf("%w: it had %d entries and then %d", errMoved, g.total, p.total)
	}
	g.items, g.total = append(g.items, p.items...), p.total
	return nil
}

func (g *plain[T]) units() int64 { return int64(len(g.items)) }

func (g *plain[T]) complete(total int64) error {
	if total >= 0 && g.units() != total {
		return fmt.Errorf("%w: it should have %d entries and has %d", errMoved, total, g.units())
	}
	return nil
}

// listWhole reads a list that Visma.net returns without pages, and refuses it when its own count says that
// it is incomplete.
func listWhole[T any](ctx context.Context, c *Client, r *request) ([]T, error) {
	r.method = http.MethodGet
	a, err := c.do(ctx, r)
	if err != nil {
		return nil, err
	}
	p, err := decodePage[T](r, a)
	if err != nil {
		return nil, err
	}
	if p.total > int64(len(p.items)) {
		return nil, r.unusable(a, fmt.Errorf("the list should have %d entries and has %d", p.total, len(p.items)))
	}
	return p.items, nil
}
