package klarna

import (
	"bytes"
	"errors"
	"fmt"
	"hash/maphash"
	"io"
	"iter"

	"github.com/go-json-experiment/json/jsontext"
)

// Rows are found in files by one goroutine and decoded by another, which takes
// about as long. Between them go batches, as few as keep both busy.
const (
	batchRows  = 64
	batchBytes = 64 << 10
	batches    = 4
)

// batch is some rows of one page as they stand in the file.
type batch struct {
	file   io.Reader
	bytes  []byte
	rows   []scanned
	extent *Extent // of the page that ends with this batch
}

// scanned is a row of a batch.
type scanned struct {
	At
	end int // of the row in the bytes; it starts where the one before ends
}

// scanner finds rows in files. It judges the JSON and not what it says.
type scanner struct {
	full chan<- *batch
	free <-chan *batch
	stop <-chan struct{}
	b    *batch

	file    io.Reader
	source  *placed
	decoder *jsontext.Decoder
	digest  maphash.Hash
	start   int64 // of the value that is being read
	row     int64 // that is being read, counted from 1; 0: none
}

// errStopped ends a scan that nobody waits for.
var errStopped = errors.New("stopped")

func newScanner(full chan<- *batch, free <-chan *batch, stop <-chan struct{}) *scanner {
	s := &scanner{full: full, free: free, stop: stop, decoder: new(jsontext.Decoder)}
	s.digest.SetSeed(fingerprint)
	return s
}

// files scans one file after the other. What was found before something was wrong
// is handed on all the same.
func (s *scanner) files(files iter.Seq2[io.Reader, error]) error {
	for file, err := range files {
		if err == nil {
			s.file, s.source = file, newPlaced(file)
			s.decoder.Reset(s.source, jsontext.AllowDuplicateNames(true), jsontext.AllowInvalidUTF8(true))
			for err == nil {
				err = s.page()
			}
		}
		if err == io.EOF { //nolint:errorlint // a wrapped one is no end
			continue
		}
		if s.b != nil {
			s.full <- s.b // it has room for all that there are
		}
		return err
	}
	return nil
}

// hand gives the batch that is being filled on, and takes another one.
func (s *scanner) hand() error {
	if s.b != nil {
		s.full <- s.b // it has room for all that there are
		s.b = nil
	}
	select {
	case <-s.stop:
		return errStopped
	case s.b = <-s.free:
	}
	s.b.file, s.b.bytes, s.b.rows, s.b.extent = s.file, s.b.bytes[:0], s.b.rows[:0], nil
	return nil
}

// page scans the next page of the file; io.EOF when none follows.
func (s *scanner) page() error {
	e := Extent{Count: -1, Offset: -1, Total: -1}
	s.row = 0
	s.digest.Reset()
	kind, err := s.peek()
	if err != nil {
		return err // io.EOF among them
	}
	if s.b == nil {
		if err := s.hand(); err != nil {
			return err
		}
	}
	s.b.file = s.file
	switch kind {
	case '[':
		err = s.rows(&e)
	case '{':
		err = s.members(&e)
	default:
		err = s.problem("is neither an object nor an array")
	}
	if err != nil {
		return err
	}
	e.Digest = s.digest.Sum64()
	s.b.extent = &e
	s.full <- s.b // it has room for all that there are
	s.b = nil
	return nil
}

// peek looks at what comes next. io.EOF is the end of the file.
func (s *scanner) peek() (jsontext.Kind, error) {
	s.source.allow(s.decoder.InputOffset())
	if kind := s.decoder.PeekKind(); kind != 0 {
		unread := s.decoder.UnreadBuffer()
		before := len(unread) - len(bytes.TrimLeft(unread, " \t\r\n,:"))
		s.start = s.decoder.InputOffset() + int64(before)
		return kind, nil
	}
	_, err := s.decoder.ReadToken()                   // PeekKind keeps its error for itself
	if err == io.EOF && s.decoder.StackDepth() == 0 { //nolint:errorlint // a wrapped one is no end
		return 0, io.EOF
	}
	return 0, s.wrong(err)
}

// members scans a page with its members in whatever order they come.
func (s *scanner) members(e *Extent) error {
	if _, err := s.decoder.ReadToken(); err != nil {
		return s.wrong(err)
	}
	listed, began := false, s.source.place(s.start)
	for {
		kind, err := s.peek()
		if err != nil {
			return err
		}
		name, err := s.decoder.ReadToken()
		if err != nil {
			return s.wrong(err)
		}
		if kind == '}' {
			break
		}
		member := name.String()
		if kind, err = s.peek(); err != nil {
			return err
		}
		switch {
		case member == "transactions" && listed:
			return s.problem("has transactions twice")
		case member == "transactions" && kind != '[':
			return s.problem("has transactions that are no array")
		case member == "transactions":
			listed = true
			err = s.rows(e)
		case member == "pagination":
			err = s.pagination(e)
		default:
			err = s.wrong(s.decoder.SkipValue())
		}
		if err != nil {
			return err
		}
	}
	if !listed {
		return &PlacedError{File: s.file, Place: began, Err: &DecodeError{Problem: "lacks transactions"}}
	}
	return nil
}

// rows scans an array of rows.
func (s *scanner) rows(e *Extent) error {
	if _, err := s.decoder.ReadToken(); err != nil {
		return s.wrong(err)
	}
	for s.row = 1; ; s.row++ {
		kind, err := s.peek()
		if err != nil {
			return err
		}
		if kind == ']' {
			s.row = 0
			_, err := s.decoder.ReadToken()
			return s.wrong(err)
		}
		value, err := s.decoder.ReadValue()
		if err != nil {
			return s.wrong(err)
		}
		_, _ = s.digest.Write(value) // it never fails
		s.b.bytes = append(s.b.bytes, value...)
		s.b.rows = append(s.b.rows, scanned{At{s.file, s.source.place(s.start), s.row}, len(s.b.bytes)})
		e.Rows++
		if len(s.b.rows) >= batchRows || len(s.b.bytes) >= batchBytes {
			if err := s.hand(); err != nil {
				return err
			}
		}
	}
}

func (s *scanner) pagination(e *Extent) error {
	value, err := s.decoder.ReadValue()
	if err != nil {
		return s.wrong(err)
	}
	found := noPagination
	var order memberOrder
	if err := paginationShape.read(&cursor{doc: value, strict: true}, &found, &order); err != nil {
		return s.at(s.start+int64(err.At), err.within("pagination"))
	}
	e.Count, e.Offset, e.Total = found.Count, found.Offset, found.Total
	return nil
}

// problem complains about the value that is being read.
func (s *scanner) problem(problem string) error {
	return s.at(s.start, &DecodeError{Problem: problem})
}

// wrong tells a file that cannot be read from one that is no JSON; nil stays nil.
func (s *scanner) wrong(err error) error {
	switch {
	case err == nil:
		return nil
	case s.source.failed != nil:
		return s.source.failed
	case s.source.over:
		return s.problem(fmt.Sprintf("is longer than %d bytes", mostValue))
	case errors.Is(err, io.EOF):
		err = io.ErrUnexpectedEOF
	}
	refused := notJSON(err, int(s.source.read))
	return s.at(int64(refused.At), refused)
}

func (s *scanner) at(offset int64, err *DecodeError) error {
	return &PlacedError{File: s.file, Place: s.source.place(offset), Row: s.row, Err: err}
}
