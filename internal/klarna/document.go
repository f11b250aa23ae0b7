package klarna

import (
	"bytes"
	"errors"
	"fmt"
	"hash/maphash"
	"io"

	"github.com/go-json-experiment/json/jsontext"
)

// Extent is what one page of transactions covers of its listing. A figure that
// the document does not state is -1.
type Extent struct {
	Rows   int64 // that it has
	Count  int64 // that it says it has
	Offset int64 // of its first row, counted from 0
	Total  int64 // rows of the whole listing
	Digest uint64
}

// TransactionReader reads pages of transactions from a file while it comes, in
// memory that does not grow with the rows. A file holds one page or several one
// after the other; a page may have any number of rows, and a bare array of rows
// is a page that states nothing about itself.
type TransactionReader struct {
	source  *placed
	decoder *jsontext.Decoder
	cursor  cursor
	order   memberOrder
	row     Transaction
	digest  maphash.Hash
	start   int64 // of the value that is being read
	number  int64 // of the row that is being read, counted from 1; 0: none
}

// NewTransactionReader starts to read.
func NewTransactionReader(r io.Reader) *TransactionReader {
	t := &TransactionReader{source: newPlaced(r)}
	t.cursor.strict = true
	t.digest.SetSeed(fingerprint)
	t.decoder = jsontext.NewDecoder(t.source, jsontext.AllowDuplicateNames(true))
	return t
}

// Page reads the next page and calls each for every row, in order; the row is
// good until each returns. The error is io.EOF when no page follows, that of each
// as it is, that of the reader as it is, or a *PlacedError.
func (t *TransactionReader) Page(each func(*Transaction) error) (Extent, error) {
	e := Extent{Count: -1, Offset: -1, Total: -1}
	t.number = 0
	t.digest.Reset()
	t.cursor.store.reset(1 << 20)
	kind, err := t.peek()
	switch {
	case err != nil:
		return e, err // io.EOF among them
	case kind == '[':
		err = t.rows(&e, each)
	case kind == '{':
		err = t.members(&e, each)
	default:
		err = t.problem("is neither an object nor an array")
	}
	e.Digest = t.digest.Sum64()
	return e, err
}

// peek looks at what comes next. io.EOF is the end of the file.
func (t *TransactionReader) peek() (jsontext.Kind, error) {
	t.source.allow(t.decoder.InputOffset())
	kind := t.decoder.PeekKind()
	if kind != 0 {
		t.start = t.decoder.InputOffset() + int64(leading(t.decoder.UnreadBuffer()))
		return kind, nil
	}
	_, err := t.decoder.ReadToken()                   // PeekKind keeps its error for itself
	if err == io.EOF && t.decoder.StackDepth() == 0 { //nolint:errorlint // a wrapped one is no end
		return 0, io.EOF
	}
	return 0, t.wrong(err)
}

// leading counts what stands before a value.
func leading(unread []byte) int {
	return len(unread) - len(bytes.TrimLeft(unread, " \t\r\n,:"))
}

// members reads a page with its members in whatever order they come.
func (t *TransactionReader) members(e *Extent, each func(*Transaction) error) error {
	if _, err := t.decoder.ReadToken(); err != nil {
		return t.wrong(err)
	}
	listed, began := false, t.source.place(t.start)
	for {
		kind, err := t.peek()
		if err != nil {
			return err
		}
		name, err := t.decoder.ReadToken()
		if err != nil {
			return t.wrong(err)
		}
		if kind == '}' {
			break
		}
		member := name.String()
		if kind, err = t.peek(); err != nil {
			return err
		}
		switch {
		case member == "transactions" && listed:
			return t.problem("has transactions twice")
		case member == "transactions" && kind != '[':
			return t.problem("has transactions that are no array")
		case member == "transactions":
			listed = true
			err = t.rows(e, each)
		case member == "pagination":
			err = t.pagination(e)
		default:
			err = t.skip()
		}
		if err != nil {
			return err
		}
	}
	if !listed {
		return &PlacedError{Place: began, Err: &DecodeError{Problem: "lacks transactions"}}
	}
	return nil
}

func (t *TransactionReader) skip() error {
	if err := t.decoder.SkipValue(); err != nil {
		return t.wrong(err)
	}
	return nil
}

// rows reads an array of rows.
func (t *TransactionReader) rows(e *Extent, each func(*Transaction) error) error {
	if _, err := t.decoder.ReadToken(); err != nil {
		return t.wrong(err)
	}
	for t.number = 1; ; t.number++ {
		kind, err := t.peek()
		if err != nil {
			return err
		}
		if kind == ']' {
			break
		}
		if err := t.transaction(); err != nil {
			return err
		}
		e.Rows++
		if err := each(&t.row); err != nil {
			return err
		}
	}
	t.number = 0
	if _, err := t.decoder.ReadToken(); err != nil {
		return t.wrong(err)
	}
	return nil
}

// transaction reads one row.
func (t *TransactionReader) transaction() error {
	value, err := t.decoder.ReadValue()
	if err != nil {
		return t.wrong(err)
	}
	_, _ = t.digest.Write(value) // it never fails
	t.cursor.doc, t.cursor.at, t.row = value, 0, Transaction{}
	if err := transactionShape.read(&t.cursor, &t.row, &t.order); err != nil {
		return t.at(t.start+int64(err.At), err)
	}
	return nil
}

func (t *TransactionReader) pagination(e *Extent) error {
	value, err := t.decoder.ReadValue()
	if err != nil {
		return t.wrong(err)
	}
	found := noPagination
	t.cursor.doc, t.cursor.at = value, 0
	var order memberOrder
	if err := paginationShape.read(&t.cursor, &found, &order); err != nil {
		return t.at(t.start+int64(err.At), err.within("pagination"))
	}
	e.Count, e.Offset, e.Total = found.Count, found.Offset, found.Total
	return nil
}

// Place is where the row that each was called with starts.
func (t *TransactionReader) Place() Place { return t.source.place(t.start) }

// Row is the number of that row in its page, counted from 1; 0 between pages.
func (t *TransactionReader) Row() int64 { return t.number }

// problem complains about the value that is being read.
func (t *TransactionReader) problem(problem string) error {
	return t.at(t.start, &DecodeError{Problem: problem})
}

// wrong tells a file that cannot be read from one that is no JSON.
func (t *TransactionReader) wrong(err error) error {
	if t.source.failed != nil {
		return t.source.failed
	}
	if t.source.over {
		return t.at(t.start, &DecodeError{Problem: fmt.Sprintf("is longer than %d bytes", mostValue)})
	}
	if errors.Is(err, io.EOF) {
		err = io.ErrUnexpectedEOF
	}
	refused := notJSON(err, int(t.source.read))
	return t.at(int64(refused.At), refused)
}

func (t *TransactionReader) at(offset int64, err *DecodeError) error {
	return &PlacedError{Place: t.source.place(offset), Row: t.number, Err: err}
}

// ReadPayout reads a file with one payout. The error is that of the reader as it
// is, or a *PlacedError.
func ReadPayout(r io.Reader) (*Payout, error) {
	body, err := io.ReadAll(io.LimitReader(r, mostValue+1))
	if err != nil {
		return nil, err
	}
	body = trimBOM(body)
	if len(body) > mostValue {
		return nil, &PlacedError{Place: PlaceIn(body, mostValue), Err: &DecodeError{Problem: fmt.Sprintf("is longer than %d bytes", mostValue), At: mostValue}}
	}
	payout, err := DecodePayout(body)
	var wrong *DecodeError
	if errors.As(err, &wrong) {
		return nil, &PlacedError{Place: PlaceIn(body, wrong.At), Err: wrong}
	}
	return payout, err
}
