package klarna

import (
	"errors"
	"fmt"
	"io"
	"iter"
	"sync"
)

// Extent holds what one page of transactions covers of its listing. A figure that
// the document does not state is -1.
type Extent struct {
	Rows   int64  // that it has
	Count  int64  // that it says it has
	Offset int64  // of its first row, counted from 0
	Total  int64  // rows of the whole listing
	Digest uint64 // of its rows, the same for the same text
}

// At is where a row stands.
type At struct {
	File  io.Reader // the one of ReadPages
	Place Place
	Row   int64 // of its page, counted from 1
}

// ReadPages reads pages of transactions from files, while they come and in memory
// that does not grow with the rows. A file holds one page or several one after the
// other; a page may have any number of rows, and a bare array of rows is a page
// that states nothing about itself.
//
// It calls each for every row, which is good until each returns, and page after
// the rows of every page, in order and from the goroutine that called. The files
// are asked for and read in another one, which has ended when ReadPages returns.
// The error is that of files, of a file, of each or of page as it is, or a
// *PlacedError.
func ReadPages(files iter.Seq2[io.Reader, error], each func(*Transaction, *At) error, page func(io.Reader, Extent) error) error {
	full, free, stop := make(chan *batch, batches), make(chan *batch, batches), make(chan struct{})
	for range batches {
		free <- new(batch)
	}
	var failed error
	var scanning sync.WaitGroup
	scanning.Go(func() {
		defer close(full)
		s := newScanner(full, free, stop)
		failed = s.files(files)
	})
	err := decodePages(full, free, each, page)
	close(stop)
	scanning.Wait()
	if err != nil {
		return err
	}
	return failed
}

// decodePages takes batches until there are no more.
func decodePages(full <-chan *batch, free chan<- *batch, each func(*Transaction, *At) error, page func(io.Reader, Extent) error) error {
	var row Transaction
	var order memberOrder
	c := cursor{strict: true, broken: true} // each text is checked
	c.store.reset(mostValue)
	for b := range full {
		start := 0
		for i := range b.rows {
			r := &b.rows[i]
			value := b.bytes[start:r.end]
			start = r.end
			c.doc, c.at, c.replaced, c.warnings, row = value, 0, false, nil, Transaction{}
			if err := transactionShape.read(&c, &row, &order); err != nil {
				return &PlacedError{File: r.File, Place: r.Place.then(PlaceIn(value, err.At)), Row: r.Row, Err: err}
			}
			if err := each(&row, &r.At); err != nil {
				return err
			}
		}
		if b.extent != nil {
			if err := page(b.file, *b.extent); err != nil {
				return err
			}
		}
		free <- b
	}
	return nil
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
		return nil, &PlacedError{File: r, Place: PlaceIn(body, mostValue), Err: &DecodeError{Problem: fmt.Sprintf("is longer than %d bytes", mostValue), At: mostValue}}
	}
	payout, err := DecodePayout(body)
	var wrong *DecodeError
	if errors.As(err, &wrong) {
		return nil, &PlacedError{File: r, Place: PlaceIn(body, wrong.At), Err: wrong}
	}
	return payout, err
}
