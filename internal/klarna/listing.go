package klarna

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"hash/maphash"
	"iter"
	"net/url"
	"strconv"
	"sync"
	"time"

	"kvitt/internal/fault"
)

// Page is one page of a listing. Its strings are good for ever; Items and the
// bytes of Answer.Body are good until Release.
type Page[T any] struct {
	Items  []T
	Offset int64 // of the first item, counted from 0
	Total  int64 // items in the whole listing; -1 when Klarna did not say
	Answer Answer
	// Broken are the entries that cannot be read, where one alone can be held.
	Broken []Broken
	// Warnings are what was borne with, but for what an item keeps itself.
	Warnings Warnings

	count int64 // what the answer says that it holds
	at    int64 // where the answer says that it starts, -1 when it does not
	rooms rooms[T]
}

// Release hands the room of Items and Answer.Body to a later page, so that a
// listing of any length needs the memory of a few pages. Whoever does not call
// it leaves the page to the garbage collector. The page must not be used
// afterwards, nor what was taken from its Items or its Body except strings.
func (p *Page[T]) Release() {
	const most = 8 << 20 // what is larger than any usual page is not worth keeping
	if p.rooms == nil || cap(p.Answer.Body) > most {
		return
	}
	rooms, free := p.rooms, room[T]{p.Items[:0], p.Answer.Body[:0]}
	p.rooms, p.Items, p.Answer.Body = nil, nil, nil
	select {
	case rooms <- free:
	default: // there is enough
	}
}

// room is the memory of a page.
type room[T any] struct {
	items []T
	body  []byte
}

// rooms are those that no page uses. A client keeps a few; a sync.Pool would
// lose them at every garbage collection, and a long listing has many.
type rooms[T any] chan room[T]

func (r rooms[T]) take() room[T] {
	select {
	case free := <-r:
		return free
	default:
		return room[T]{}
	}
}

// ErrMoved is in the chain of the error that ends a listing which moved
// underneath: rows were added or removed, or a page came twice, while it was
// read. What was yielded so far must be forgotten and the listing read from
// the start; [Read] does that.
var ErrMoved = errors.New("the listing moved while it was read")

// MovedError says how a listing moved. It is an ErrMoved.
type MovedError struct {
	Offset int64 // of the page that shows it
	Reason string
}

func (e *MovedError) Error() string { return ErrMoved.Error() + ": " + e.Reason }

// Is makes a MovedError an ErrMoved.
func (e *MovedError) Is(target error) bool { return target == ErrMoved } //nolint:errorlint // identity is meant

// readings limits how often Read goes through a listing that keeps moving, and
// between the first two it waits for readingPause, then twice that.
const (
	readings     = 3
	readingPause = time.Second
)

// Read goes through a whole listing that may move: it calls begin, which must
// forget everything of an earlier reading, then each for every page in order,
// and starts over with begin when the listing moved. A listing that still
// moves at the third reading is an error of the class bad data. The errors of
// begin and each end it and are returned as they are.
func Read[T any](ctx context.Context, pages iter.Seq2[*Page[T], error], begin func() error, each func(*Page[T]) error) error {
	for reading := 1; ; reading++ {
		if err := begin(); err != nil {
			return err
		}
		err := through(pages, each)
		if !errors.Is(err, ErrMoved) {
			return err
		}
		if reading == readings {
			return unsteady(err)
		}
		timer := time.NewTimer(time.Duration(reading) * readingPause)
		select {
		case <-ctx.Done():
			timer.Stop()
			return err
		case <-timer.C:
		}
	}
}

func through[T any](pages iter.Seq2[*Page[T], error], each func(*Page[T]) error) error {
	for page, err := range pages {
		if err != nil {
			return err
		}
		if err := each(page); err != nil {
			return err
		}
	}
	return nil
}

// unsteady turns the last ErrMoved into what has to be looked at by a person.
func unsteady(err error) error {
	outside := fault.As(err)
	if outside == nil {
		return err
	}
	last := *outside
	last.Class = fault.BadData
	last.Err = fmt.Errorf("after %d readings", readings)
	if outside.Err != nil {
		last.Err = fmt.Errorf("after %d readings: %w", readings, outside.Err)
	}
	last.Remedy = "Try again later. If it stays so, give " + last.Party + " the request number: its pages contradict each other"
	return &last
}

// listing is a question whose answer comes in pages. Pages are asked for by
// offset; pagination.next is never followed.
type listing[T any] struct {
	client *Client
	name   string // "list payouts"
	path   string
	query  url.Values
	shape  *shape[collection[T]]
	rooms  rooms[T]
	check  func(*T) error  // refuses an item that was not asked for
	same   func(*T) string // names an item that may come once only; nil: items have no name
}

// pages asks for the first page alone, because it tells how many there are,
// and then for several at a time. They are yielded in order; at most inFlight
// are asked for or wait. When the consumer stops or ctx ends, the requests
// under way are given up, and nothing runs any more when the loop is left.
func (l *listing[T]) pages(ctx context.Context) iter.Seq2[*Page[T], error] {
	return func(yield func(*Page[T], error) bool) {
		ctx, stop := context.WithCancel(ctx)
		var running sync.WaitGroup
		defer running.Wait()
		defer stop()

		size := l.client.pageSize
		asked := []chan fetched[T]{}
		ask := func(offset int64) {
			answer := make(chan fetched[T], 1)
			asked = append(asked, answer)
			running.Go(func() { answer <- l.fetch(ctx, offset) })
		}
		seen := newReading(l)
		ask(0)
		for next := size; len(asked) > 0; {
			page := <-asked[0]
			asked = asked[1:]
			err := page.err
			if err == nil {
				err = seen.admit(page)
			}
			if err != nil {
				yield(nil, err)
				return
			}
			for seen.expects(next) && len(asked) < l.client.inFlight {
				ask(next)
				next += size
			}
			if !yield(page.Page, nil) {
				return
			}
		}
	}
}

// fetched is a page, or why there is none.
type fetched[T any] struct {
	*Page[T]
	rows uint64 // fingerprint of the items as they stand in the answer
	err  error
}

var fingerprint = maphash.MakeSeed()

func (l *listing[T]) fetch(ctx context.Context, offset int64) fetched[T] {
	query := url.Values{}
	for name, values := range l.query {
		query[name] = values
	}
	query.Set("size", strconv.FormatInt(l.client.pageSize, 10))
	query.Set("offset", strconv.FormatInt(offset, 10))
	r := l.rooms.take()
	attempted := l.attempted(offset)
	answer, err := l.client.get(ctx, call{attempted, l.path, query, "application/json", r.body})
	if err != nil {
		return fetched[T]{err: err}
	}
	found := collection[T]{Items: r.items, Pagination: noPagination}
	if err := l.shape.decode(answer.Body, &found, true); err != nil {
		return fetched[T]{err: l.client.unusable(attempted, answer, err)}
	}
	page := &Page[T]{
		Items: found.Items, Broken: found.Broken, Warnings: found.Warnings, Offset: offset, Total: found.Pagination.Total, Answer: answer,
		count: found.Pagination.Count, at: found.Pagination.Offset, rooms: l.rooms,
	}
	for i := range page.Items {
		if err := l.check(&page.Items[i]); err != nil {
			return fetched[T]{err: l.client.fault(fault.BadData, attempted, answer, fmt.Errorf("item %d: %w", offset+int64(i)+1, err))}
		}
	}
	return fetched[T]{Page: page, rows: maphash.Bytes(fingerprint, itemsOf(answer.Body))}
}

func (l *listing[T]) attempted(offset int64) string {
	return fmt.Sprintf("%s, from item %d", l.name, offset+1)
}

// itemsOf is the part of a page from its first to its last square bracket:
// the items, without the pagination, which differs from page to page even when
// the items are those of another.
func itemsOf(body []byte) []byte {
	first, last := bytes.IndexByte(body, '['), bytes.LastIndexByte(body, ']')
	if first < 0 || last < first {
		return body
	}
	return body[first : last+1]
}

// reading holds what one pass over a listing has seen so far.
type reading[T any] struct {
	*listing[T]
	total int64            // as the first page said
	items int64            // admitted so far
	last  bool             // the listing has ended
	pages map[uint64]int64 // fingerprint → offset
	names map[string]bool
}

func newReading[T any](l *listing[T]) *reading[T] {
	return &reading[T]{listing: l, pages: map[uint64]int64{}, names: map[string]bool{}}
}

// expects tells whether there is a page at the offset.
func (r *reading[T]) expects(offset int64) bool {
	if r.total < 0 { // Klarna did not say: go on until a page is not full
		return !r.last && offset == r.items
	}
	return offset < r.total
}

// admit checks a page against those before it. Because every page must be
// exactly as long as its place in the total wants it, the pages together have
// as many items as the total says.
func (r *reading[T]) admit(page fetched[T]) error {
	n := int64(len(page.Items) + len(page.Broken))
	if page.Offset == 0 {
		r.total = page.Total
	}
	switch first, repeated := r.pages[page.rows]; {
	case page.Total != r.total:
		return r.moved(page, "there were %d items at first and %d now", r.total, page.Total)
	case page.count != n:
		return r.moved(page, "the page says it has %d items and has %d", page.count, n)
	case page.at >= 0 && page.at != page.Offset:
		return r.moved(page, "the page starts at %d and not at %d", page.at, page.Offset)
	case r.total >= 0 && n != min(r.client.pageSize, r.total-page.Offset):
		return r.moved(page, "the page has %d items where %d were due of %d",
			n, min(r.client.pageSize, r.total-page.Offset), r.total)
	case n > r.client.pageSize:
		return r.moved(page, "the page has %d items where at most %d were due", n, r.client.pageSize)
	case repeated && n > 1: // one row may well equal another: rows have no id
		return r.moved(page, "the page repeats the one at %d", first)
	}
	if err := r.once(page); err != nil {
		return err
	}
	r.pages[page.rows] = page.Offset
	r.items += n
	r.last = n < r.client.pageSize
	return nil
}

// once refuses an item that came before, where items have names.
func (r *reading[T]) once(page fetched[T]) error {
	if r.same == nil {
		return nil
	}
	for i := range page.Items {
		name := r.same(&page.Items[i])
		if r.names[name] {
			return r.moved(page, "%s came twice", name)
		}
		r.names[name] = true
	}
	return nil
}

func (r *reading[T]) moved(page fetched[T], format string, args ...any) error {
	e := r.client.fault(fault.Transient, r.attempted(page.Offset), page.Answer,
		&MovedError{page.Offset, fmt.Sprintf(format, args...)})
	e.Remedy = "Read the listing again from its start"
	return e
}
