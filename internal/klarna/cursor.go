package klarna

import (
	"bytes"
	"fmt"
	"strings"
	"sync"
	"time"
	"unicode/utf8"

	"github.com/go-json-experiment/json/jsontext"
)

// cursor walks over a document that jsontext has already found to be valid
// JSON. What it may rely on is exactly that: strings end, brackets match,
// every value is well formed. It never has to judge syntax, only to find
// things, which is why it is short and fast.
//
// Strings it hands out are copies in store or in words; doc may be overwritten
// when the cursor is done with it.
type cursor struct {
	doc    []byte
	at     int
	strict bool // an answer, not a comparison with encoding/json: see shape
	store  store
	words  words

	broken   bool     // the document has text that is not UTF-8, or half a surrogate pair
	replaced bool     // such text was just read
	warnings Warnings // what was borne with so far
}

var cursors = sync.Pool{New: func() any { return new(cursor) }}

// space moves to the next character that is not white space.
func (c *cursor) space() {
	for c.at < len(c.doc) && c.doc[c.at] <= ' ' {
		c.at++
	}
}

// sees tells whether the next character is b.
func (c *cursor) sees(b byte) bool { return c.at < len(c.doc) && c.doc[c.at] == b }

// next moves to the next member or element, and tells whether there is one; at
// the end it moves past the closing bracket.
func (c *cursor) next(closing byte) bool {
	c.space()
	if c.doc[c.at] == closing {
		c.at++
		return false
	}
	if c.doc[c.at] == ',' {
		c.at++
		c.space()
	}
	return true
}

// quoted reads the string at the cursor. What it returns is only good while
// doc is.
func (c *cursor) quoted() []byte {
	rest := c.doc[c.at+1:]
	text := rest[:bytes.IndexByte(rest, '"')]
	if bytes.IndexByte(text, '\\') >= 0 {
		unquoted, err := jsontext.AppendUnquote(nil, c.skip())
		c.replaced = c.replaced || err != nil
		return unquoted
	}
	c.at += len(text) + 2
	if c.broken && !utf8.Valid(text) {
		c.replaced = true
		return bytes.ToValidUTF8(text, []byte("\ufffd"))
	}
	return text
}

// name reads a member name and the colon after it.
func (c *cursor) name() []byte {
	name := c.quoted()
	c.space()
	c.at++ // the colon
	return name
}

// null moves past a null and tells whether there was one.
func (c *cursor) null() bool {
	if !c.sees('n') {
		return false
	}
	c.at += len("null")
	return true
}

// skip moves past the value at the cursor and returns it as it stands.
func (c *cursor) skip() []byte {
	start := c.at
	switch c.doc[c.at] {
	case '"':
		c.skipString()
	case '{', '[':
		c.skipNested()
	default: // a number or a word
		for c.at < len(c.doc) && strings.IndexByte(",]} \t\r\n", c.doc[c.at]) < 0 {
			c.at++
		}
	}
	return c.doc[start:c.at]
}

func (c *cursor) skipString() {
	for c.at++; c.doc[c.at] != '"'; c.at++ {
		if c.doc[c.at] == '\\' {
			c.at++
		}
	}
	c.at++
}

func (c *cursor) skipNested() {
	for depth := 0; ; {
		switch c.doc[c.at] {
		case '"':
			c.skipString()
			continue
		case '{', '[':
			depth++
		case '}', ']':
			depth--
		}
		c.at++
		if depth == 0 {
			return
		}
	}
}

// number reads a whole number that fits in 64 bits.
func (c *cursor) number(into *int64) *DecodeError {
	const cutoff = 1 << 63 / 10 // no digit may follow a larger number
	start := c.at
	negative := c.sees('-')
	if negative {
		c.at++
	}
	var n uint64
	digits := c.at
	for c.at < len(c.doc) && c.doc[c.at]-'0' <= 9 {
		if n > cutoff {
			return c.wrong(start, "a whole number that can be kept")
		}
		n = n*10 + uint64(c.doc[c.at]-'0')
		c.at++
	}
	if c.at == digits || c.sees('.') || c.sees('e') || c.sees('E') {
		return c.wrong(start, "a whole number")
	}
	switch {
	case negative && n <= 1<<63:
		*into = -int64(n) //nolint:gosec // 1<<63 becomes the smallest int64, as it should
	case !negative && n < 1<<63:
		*into = int64(n)
	default:
		return c.wrong(start, "a whole number that can be kept")
	}
	return nil
}

// text reads a string.
func (c *cursor) text(into *string) *DecodeError {
	if !c.sees('"') {
		return c.wrong(c.at, "a string")
	}
	*into = c.store.keep(c.quoted())
	return nil
}

// word reads a string of which few different ones occur.
func (c *cursor) word(into *string) *DecodeError {
	if !c.sees('"') {
		return c.wrong(c.at, "a string")
	}
	*into = c.words.keep(c.quoted())
	return nil
}

// date reads a date-time as UTC. An empty string is a missing date.
func (c *cursor) date(into *time.Time) *DecodeError {
	start := c.at
	if !c.sees('"') {
		return c.wrong(start, "a date and time")
	}
	s := c.quoted()
	if len(s) == 0 {
		return nil
	}
	if t, ok := utcSeconds(s); ok {
		*into = t
		return nil
	}
	var t time.Time
	if err := t.UnmarshalText(s); err != nil {
		return c.wrong(start, "a date and time as RFC 3339 has it")
	}
	*into = t.UTC()
	return nil
}

// wrong complains about the value that starts at start.
func (c *cursor) wrong(start int, due string) *DecodeError {
	c.at = start
	value := strings.ToValidUTF8(string(c.skip()), "\ufffd")
	const most = 60
	if r := []rune(value); len(r) > most {
		value = string(r[:most]) + "…"
	}
	return &DecodeError{Problem: fmt.Sprintf("is %s, not %s", value, due), At: start}
}

// utcSeconds reads the one form of date-time that Klarna writes,
// 2006-01-02T15:04:05Z, and leaves every other to the standard library.
func utcSeconds(s []byte) (time.Time, bool) {
	if len(s) != len("2006-01-02T15:04:05Z") ||
		s[4] != '-' || s[7] != '-' || s[10] != 'T' || s[13] != ':' || s[16] != ':' || s[19] != 'Z' {
		return time.Time{}, false
	}
	var parts [7]int // pairs of digits
	for i, at := range [7]int{0, 2, 5, 8, 11, 14, 17} {
		tens, units := s[at]-'0', s[at+1]-'0'
		if tens > 9 || units > 9 {
			return time.Time{}, false
		}
		parts[i] = int(tens)*10 + int(units)
	}
	month, day := parts[2], parts[3]
	if month < 1 || month > 12 || day < 1 || day > 28 || parts[4] > 23 || parts[5] > 59 || parts[6] > 59 {
		return time.Time{}, false // days 29 to 31 depend on the month
	}
	return time.Date(parts[0]*100+parts[1], time.Month(month), day, parts[4], parts[5], parts[6], 0, time.UTC), true
}

// words keeps one copy of each string that comes again and again, so that a
// type or a country does not hold on to the page it was first seen on. It
// forgets when it is full; it never grows.
type words [128]string

func (w *words) keep(s []byte) string {
	n := len(s)
	if n == 0 || n > 128 {
		return string(s)
	}
	sum := uint32(n)
	for _, b := range [4]byte{s[0], s[n/3], s[n/2], s[n-1]} {
		sum = (sum ^ uint32(b)) * 16777619
	}
	slot := &w[sum>>25]
	if *slot != string(s) {
		*slot = string(s)
	}
	return *slot
}

// store keeps many short strings in few pieces of memory. A string holds on to
// its piece; a piece is full at a few dozen rows.
type store struct {
	piece strings.Builder
	size  int
}

// reset starts a new piece, of a size that suits a document.
func (s *store) reset(document int) {
	const least, most = 64, 16 << 10
	s.piece, s.size = strings.Builder{}, min(max(document/8, least), most)
}

func (s *store) keep(b []byte) string {
	if len(b) == 0 {
		return ""
	}
	if s.piece.Cap()-s.piece.Len() < len(b) {
		s.piece = strings.Builder{}
		s.piece.Grow(max(s.size, len(b)))
	}
	start := s.piece.Len()
	s.piece.Write(b)
	return s.piece.String()[start:]
}
