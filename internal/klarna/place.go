package klarna

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
	"slices"
)

// Place is where something stands in a file. Both count from 1; the column
// counts bytes.
type Place struct{ Line, Column int64 }

// PlacedError holds what is wrong with a document that is read while it comes, and
// where.
type PlacedError struct {
	File io.Reader // as the caller gave it
	Place
	Row int64 // of its page, counted from 1; 0: in no row
	Err *DecodeError
}

func (e *PlacedError) Error() string {
	row := ""
	if e.Row > 0 {
		row = fmt.Sprintf("row %d: ", e.Row)
	}
	words := e.Err.Error()
	if e.Err.Where == "" {
		words = "it " + e.Err.Problem
	}
	return fmt.Sprintf("line %d, column %d: %s%s", e.Line, e.Column, row, words)
}

func (e *PlacedError) Unwrap() error { return e.Err }

// PlaceIn is where a byte of a whole document stands.
func PlaceIn(document []byte, offset int) Place {
	before := document[:min(max(offset, 0), len(document))]
	return Place{int64(bytes.Count(before, []byte("\n"))) + 1, int64(len(before)-bytes.LastIndexByte(before, '\n')-1) + 1}
}

// then is the place of what stands at p, and there further on.
func (p Place) then(further Place) Place {
	if further.Line > 1 {
		return Place{p.Line + further.Line - 1, further.Column}
	}
	return Place{p.Line, p.Column + further.Column - 1}
}

// mostValue bounds one row in bytes, so that a hostile file costs little.
const mostValue = 1 << 20

var errTooLong = errors.New("a value is too long")

// placed is a reader that remembers where lines end, as far back as the value
// that is being read. A byte order mark at the start is left out.
type placed struct {
	source  buffered
	begun   bool
	ends    []int64 // of lines, since the value that is being read
	lines   int64   // before those
	lastEnd int64   // the byte after the line end before those
	read    int64   // bytes handed out
	most    int64   // bytes that may be handed out
	over    bool    // more would have been needed
	failed  error   // why the source ended, unless it just did
}

// buffered is what bufio.Reader is, so that a reader that is one is not buffered
// again.
type buffered interface {
	io.Reader
	Peek(n int) ([]byte, error)
	Discard(n int) (int, error)
}

func newPlaced(r io.Reader) *placed {
	source, ok := r.(buffered)
	if !ok {
		source = bufio.NewReaderSize(r, 64<<10)
	}
	return &placed{source: source, most: mostValue}
}

// allow lets a value be read that starts at an offset, and forgets the lines
// before it.
func (p *placed) allow(offset int64) {
	p.most = offset + mostValue
	passed := 0
	for passed < len(p.ends) && p.ends[passed] < offset {
		passed++
	}
	if passed > 0 {
		p.lines += int64(passed)
		p.lastEnd = p.ends[passed-1] + 1
		p.ends = slices.Delete(p.ends, 0, passed)
	}
}

// place is where a byte stands that is not before the value being read.
func (p *placed) place(offset int64) Place {
	at := Place{p.lines + 1, offset - p.lastEnd + 1}
	for _, end := range p.ends {
		if end >= offset {
			break
		}
		at = Place{at.Line + 1, offset - end}
	}
	return at
}

func (p *placed) Read(into []byte) (int, error) {
	if p.read >= p.most {
		p.over = true
		return 0, errTooLong
	}
	if !p.begun {
		p.begun = true
		if start, _ := p.source.Peek(len(byteOrderMark)); string(start) == byteOrderMark {
			_, _ = p.source.Discard(len(byteOrderMark)) // it was just seen
		}
	}
	n, err := p.source.Read(into)
	if err != nil && err != io.EOF { //nolint:errorlint // a wrapped one is no end
		p.failed = err
	}
	for at := 0; ; {
		end := bytes.IndexByte(into[at:n], '\n')
		if end < 0 {
			break
		}
		at += end + 1
		p.ends = append(p.ends, p.read+int64(at)-1)
	}
	p.read += int64(n)
	return n, err
}
