package klarna

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/go-json-experiment/json/jsontext"
)

// DecodeError says which part of an answer is not what it must be.
type DecodeError struct {
	Where   string // "transactions[17].amount", "" for the whole answer
	Problem string
	At      int // bytes of the document before it
}

func (e *DecodeError) Error() string {
	if e.Where == "" {
		return "the answer " + e.Problem
	}
	return e.Where + " " + e.Problem
}

// within says that the part is itself a part of where.
func (e *DecodeError) within(where string) *DecodeError {
	switch {
	case e.Where == "":
		e.Where = where
	case e.Where[0] == '[':
		e.Where = where + e.Where
	default:
		e.Where = where + "." + e.Where
	}
	return e
}

// shape describes how a JSON object becomes a T: one field for each member that has a
// name. Member names are matched exactly, a member that stands twice is an
// error, and null means the same as absent. A needed member must also not be
// the empty string. A member that carries money or identity must be of its type;
// any other that is not is borne with, see bear.
type shape[T any] struct {
	fields  []field[T]
	slots   map[string]int // of the member's field, counted from 1
	needed  uint64         // bit i: fields[i] must be there
	unknown func(*T) *Members

	// warnings is where an entry keeps what was borne with in it; nil: the page
	// does.
	warnings func(*T) *Warnings
	// check judges an entry as a whole; doubtful has the bit of each field whose
	// value could not be read.
	check func(into *T, filled, doubtful uint64) *DecodeError
	// apart sets an entry of a list aside that cannot be read, instead of giving
	// the list up.
	apart bool
}

// field is one member. Exactly one of the functions is set; it tells where in
// a T the value goes.
type field[T any] struct {
	name   string
	lead   []byte // the name as it stands in compact JSON: "name":
	needed bool
	exact  bool // carries money or identity
	number func(*T) *int64
	text   func(*T) *string
	word   func(*T) *string
	date   func(*T) *time.Time
	raw    func(*T) *Raw
	nested func(*cursor, *T) *DecodeError
}

func newShape[T any](unknown func(*T) *Members, fields ...field[T]) *shape[T] {
	s := &shape[T]{fields: fields, slots: make(map[string]int, len(fields)), unknown: unknown}
	if len(fields) > 64 {
		panic("klarna: a shape has room for 64 members") //nolint:forbidigo // a slip in this package, seen at once by every test
	}
	for i := range fields {
		fields[i].lead = []byte(`"` + fields[i].name + `":`)
		s.slots[fields[i].name] = i + 1
		if fields[i].needed {
			s.needed |= 1 << i
		}
	}
	return s
}

// must marks a member without which the object is of no use.
func must[T any](f field[T]) field[T] {
	f.needed, f.exact = true, true
	return f
}

// exact marks a member that carries money or identity: without a value of its
// type the object is of no use, where it has the member at all.
func exact[T any](f field[T]) field[T] {
	f.exact = true
	return f
}

func number[T any](name string, at func(*T) *int64) field[T] {
	return field[T]{name: name, number: at}
}

func text[T any](name string, at func(*T) *string) field[T] {
	return field[T]{name: name, text: at}
}

// word is a text of which few different values occur.
func word[T any](name string, at func(*T) *string) field[T] {
	return field[T]{name: name, word: at}
}

func date[T any](name string, at func(*T) *time.Time) field[T] {
	return field[T]{name: name, date: at}
}

func raw[T any](name string, at func(*T) *Raw) field[T] {
	return field[T]{name: name, raw: at}
}

func object[T, U any](name string, of *shape[U], at func(*T) *U) field[T] {
	return field[T]{name: name, exact: true, nested: func(c *cursor, into *T) *DecodeError {
		var order memberOrder
		return of.read(c, at(into), &order)
	}}
}

func list[T, U any](name string, of *shape[U], at func(*T) *[]U, broken func(*T) *[]Broken) field[T] {
	return field[T]{name: name, exact: true, nested: func(c *cursor, into *T) *DecodeError {
		return of.readList(c, at(into), broken(into))
	}}
}

// memberOrder remembers, for each member, which one followed it the last time
// (0: not known). Rows of a listing write their members in the same order, so
// the next name is nearly always the expected one, and comparing is cheaper
// than looking up.
type memberOrder [65]uint8

// decode reads a whole document. into is not reset first.
func (s *shape[T]) decode(body []byte, into *T, strict bool) error {
	c, err := open(body, strict)
	if err != nil {
		return err
	}
	defer c.close()
	var order memberOrder
	problem := s.read(c, into, &order)
	if s.warnings != nil {
		*s.warnings(into) = c.warnings
	}
	return asError(problem)
}

// bit is that of a member.
func (s *shape[T]) bit(name string) uint64 { return 1 << (s.slots[name] - 1) }

// decodeList reads a document that is an array.
func (s *shape[T]) decodeList(body []byte, into *[]T, strict bool) error {
	c, err := open(body, strict)
	if err != nil {
		return err
	}
	defer c.close()
	return asError(s.readList(c, into, nil))
}

func asError(e *DecodeError) error {
	if e == nil {
		return nil
	}
	return e
}

// open checks that the body is JSON and places a cursor on it. A byte order
// mark is tolerated.
func open(body []byte, strict bool) (*cursor, error) {
	body = trimBOM(body)
	// Names that stand twice are found by read, where it costs less.
	broken := false
	if !jsontext.Value(body).IsValid(jsontext.AllowDuplicateNames(true)) {
		if broken = jsontext.Value(body).IsValid(jsontext.AllowDuplicateNames(true), jsontext.AllowInvalidUTF8(true)); !broken {
			return nil, syntaxError(body)
		}
	}
	c := cursors.Get().(*cursor)
	c.doc, c.at, c.strict, c.broken, c.replaced, c.warnings = body, 0, strict, broken, false, nil
	c.store.reset(len(body))
	c.space()
	return c, nil
}

const byteOrderMark = "\ufeff"

func trimBOM(body []byte) []byte { return bytes.TrimPrefix(body, []byte(byteOrderMark)) }

func (c *cursor) close() {
	c.doc, c.warnings = nil, nil
	c.store.reset(0)
	cursors.Put(c)
}

var empty = []byte(`""`)

func (s *shape[T]) read(c *cursor, into *T, order *memberOrder) *DecodeError {
	if !c.strict && c.null() {
		return nil
	}
	if !c.sees('{') {
		return c.wrong(c.at, "an object")
	}
	start := c.at
	c.at++
	var seen, filled, doubtful uint64
	for last := 0; c.next('}'); {
		slot := s.slot(c, order, last)
		if slot < 0 {
			if err := s.keep(c, into); err != nil {
				return err
			}
			continue
		}
		f, bit := &s.fields[slot-1], uint64(1)<<(slot-1)
		if seen&bit != 0 {
			return (&DecodeError{Problem: "stands twice", At: c.at}).within(f.name)
		}
		seen |= bit
		last = slot
		c.space()
		if c.null() {
			continue
		}
		if s.needed&bit == 0 || !bytes.HasPrefix(c.doc[c.at:], empty) {
			filled |= bit
		}
		start := c.at
		err := f.read(c, into)
		if err != nil {
			if f.exact || !c.strict {
				return err.within(f.name)
			}
			if !f.bear(c, start, err, into) {
				doubtful |= bit
			}
		}
		if c.replaced {
			c.replaced = false
			c.warnings.Add(f.name, "is not text in UTF-8; what cannot be shown was replaced", 1)
		}
	}
	if missing := s.needed &^ filled; missing != 0 && c.strict {
		return s.lacks(missing, start)
	}
	if s.check != nil && c.strict {
		return s.check(into, filled, doubtful)
	}
	return nil
}

// slot reads a member's name and finds its field; -1 means that there is none,
// and leaves the cursor on the name.
func (s *shape[T]) slot(c *cursor, order *memberOrder, last int) int {
	if expected := int(order[last]); expected > 0 {
		if lead := s.fields[expected-1].lead; bytes.HasPrefix(c.doc[c.at:], lead) {
			c.at += len(lead)
			return expected
		}
	}
	start := c.at
	found := s.slots[string(c.name())]
	if found == 0 {
		c.at = start
		return -1
	}
	order[last] = uint8(found) //nolint:gosec // at most 64
	return found
}

// keep stores a member that has no field.
func (s *shape[T]) keep(c *cursor, into *T) *DecodeError {
	name := c.words.keep(c.name())
	c.space()
	kept := s.unknown(into)
	if _, ok := kept.Get(name); ok {
		return (&DecodeError{Problem: "stands twice", At: c.at}).within(name)
	}
	*kept = append(*kept, Member{name, c.raw()})
	c.replaced = false // a name that this version does not know
	return nil
}

func (s *shape[T]) lacks(missing uint64, start int) *DecodeError {
	var names []string
	for i := range s.fields {
		if missing&(1<<i) != 0 {
			names = append(names, s.fields[i].name)
		}
	}
	return &DecodeError{Problem: "lacks " + strings.Join(names, " and "), At: start}
}

func (f *field[T]) read(c *cursor, into *T) *DecodeError {
	switch {
	case f.text != nil:
		return c.text(f.text(into))
	case f.word != nil:
		return c.word(f.word(into))
	case f.number != nil:
		return c.number(f.number(into))
	case f.date != nil:
		return c.date(f.date(into))
	case f.raw != nil:
		*f.raw(into) = c.raw()
		return nil
	}
	return f.nested(c, into)
}

// readList reads an array of objects into the room that *into has, and more if
// that is not enough. An entry that cannot be read goes to broken where the
// shape sets it apart.
func (s *shape[T]) readList(c *cursor, into *[]T, broken *[]Broken) *DecodeError {
	if !c.strict && c.null() {
		return nil
	}
	if !c.sees('[') {
		return c.wrong(c.at, "an array")
	}
	c.at++
	items := (*into)[:0]
	if items == nil {
		items = []T{}
	}
	var order memberOrder
	for c.next(']') {
		if len(items) < cap(items) {
			items = items[:len(items)+1]
			clear(items[len(items)-1:])
		} else {
			var zero T
			items = append(items, zero)
		}
		start, item := c.at, &items[len(items)-1]
		err := s.read(c, item, &order)
		switch {
		case err == nil && s.warnings != nil:
			*s.warnings(item), c.warnings = c.warnings, nil
		case err == nil:
		case !s.apart || !c.strict:
			return err.within(fmt.Sprintf("[%d]", len(items)-1))
		default:
			items, c.at, c.warnings, c.replaced = items[:len(items)-1], start, nil, false
			*broken = append(*broken, newBroken(c.skip(), err))
		}
	}
	*into = items
	return nil
}

// syntaxError reads a document again that is not valid JSON, to say where.
func syntaxError(body []byte) error {
	if len(bytes.TrimSpace(body)) == 0 {
		return &DecodeError{Problem: "is empty"}
	}
	decoder := jsontext.NewDecoder(bytes.NewReader(body), jsontext.AllowDuplicateNames(true))
	if _, err := decoder.ReadValue(); err != nil {
		return notJSON(err, len(body))
	}
	return &DecodeError{Problem: "has something after its end", At: int(decoder.InputOffset())}
}

// notJSON says what a decoder refuses, after it has read so many bytes.
func notJSON(err error, read int) *DecodeError {
	var syntax *jsontext.SyntacticError
	switch {
	case errors.Is(err, io.ErrUnexpectedEOF):
		return &DecodeError{Problem: fmt.Sprintf("breaks off after %d bytes", read), At: read}
	case errors.As(err, &syntax):
		return &DecodeError{Problem: "is not JSON: " + strings.TrimPrefix(err.Error(), "jsontext: "), At: int(syntax.ByteOffset)}
	}
	return &DecodeError{Problem: "is not JSON: " + strings.TrimPrefix(err.Error(), "jsontext: "), At: read}
}
