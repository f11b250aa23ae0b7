package try

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"

	"kvitt/internal/klarna"
)

// FileError says what is wrong with a file and what helps.
type FileError struct {
	File    string
	Problem string // with the place where there is one: "line 4, column 16: row 2: amount is 12.5, not a whole number"
	Helps   string // whole sentences
	Err     error
}

func (e *FileError) Error() string { return "read " + e.File + ": " + e.Problem + ". " + e.Helps }

// Unwrap lets errors.As see the cause.
func (e *FileError) Unwrap() error { return e.Err }

const (
	wholePayout  = "Give the answer of /payouts/{payment_reference}, as it came."
	wholePages   = "Give the pages of /transactions?payment_reference=…, as they came."
	oncePerAsked = "Save the answers again, each page once, and give all of them."
)

// opened is a file with its beginning seen.
type opened struct {
	*bufio.Reader
	look klarna.Look
}

// open looks at the beginning of a file. The error is that of reading it.
func open(ctx context.Context, d Document) (*opened, error) {
	r := bufio.NewReaderSize(&stoppable{ctx, d.Reader}, 64<<10)
	start, err := r.Peek(4 << 10)
	if err != nil && err != io.EOF { //nolint:errorlint // a wrapped one is no end
		return nil, fmt.Errorf("read %s: %w", d.Name, err)
	}
	return &opened{r, klarna.LookAt(start)}, nil
}

// stoppable ends when ctx does.
type stoppable struct {
	ctx  context.Context //nolint:containedctx // of the one trial
	from io.Reader
}

func (s *stoppable) Read(p []byte) (int, error) {
	if err := s.ctx.Err(); err != nil {
		return 0, err
	}
	return s.from.Read(p)
}

// wrong makes a *FileError of what a reader of Klarna's documents found; other
// errors, such as those of a disk, stay what they are.
func (d *Document) wrong(err error, look, due klarna.Look) error {
	var placed *klarna.PlacedError
	if !errors.As(err, &placed) {
		return fmt.Errorf("read %s: %w", d.Name, err)
	}
	if look != due {
		return d.other(look, due, err)
	}
	return &FileError{File: d.Name, Problem: placed.Error(), Helps: "Save the whole answer again, and change nothing in it.", Err: err}
}

// what a file can be instead, in the words of a sentence about it.
var others = map[klarna.Look]string{
	klarna.LooksEmpty:        "the file is empty",
	klarna.LooksPayout:       "the file holds a payout",
	klarna.LooksPayouts:      "the file holds a list of payouts",
	klarna.LooksTransactions: "the file holds transactions",
	klarna.LooksRefusal:      "the file holds an error that Klarna answered with",
	klarna.LooksJSON:         "the file holds other JSON",
	klarna.LooksHTML:         "the file holds a web page",
	klarna.LooksPDF:          "the file is a PDF document",
	klarna.LooksPacked:       "the file is compressed, or a spreadsheet",
	klarna.LooksText:         "the file holds text that is no JSON, such as CSV",
}

// other says what a file is instead of what is due.
func (d *Document) other(look, due klarna.Look, err error) error {
	wanted, helps := "a payout", wholePayout
	if due == klarna.LooksTransactions {
		wanted, helps = "transactions", wholePages
	}
	place := "line 1, column 1: "
	var placed *klarna.PlacedError
	if look == klarna.LooksJSON && errors.As(err, &placed) {
		return &FileError{File: d.Name, Problem: placed.Error(), Helps: helps, Err: err}
	}
	if look == klarna.LooksEmpty {
		place = ""
	}
	return &FileError{File: d.Name, Problem: place + others[look] + ", where " + wanted + " should be", Helps: helps, Err: err}
}

func readPayout(ctx context.Context, d Document) (*klarna.Payout, error) {
	file, err := open(ctx, d)
	if err != nil {
		return nil, err
	}
	if file.look == klarna.LooksTransactions || file.look == klarna.LooksPayouts { // however long it is
		return nil, d.other(file.look, klarna.LooksPayout, nil)
	}
	payout, err := klarna.ReadPayout(file)
	if err != nil {
		return nil, d.wrong(err, file.look, klarna.LooksPayout)
	}
	return payout, nil
}
