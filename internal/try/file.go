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

// NoFile stands for the transactions where no file has any.
const NoFile = "the transactions"

const (
	wholePayout  = "Give the answer of /payouts/{payment_reference}, as it came."
	wholePages   = "Give the pages of /transactions?payment_reference=…, as they came."
	oncePerAsked = "Save the answers again, each page once, and give all of them."
)

// opened is a file with its beginning seen.
type opened struct {
	*bufio.Reader
	name string
	look klarna.Look
}

// open looks at the beginning of a file. The error is that of reading it.
func open(ctx context.Context, d Document) (*opened, error) {
	r := bufio.NewReaderSize(&stoppable{ctx, d}, 64<<10)
	start, err := r.Peek(4 << 10)
	if err != nil && err != io.EOF { //nolint:errorlint // a wrapped one is no end
		return nil, err
	}
	return &opened{r, d.Name, klarna.LookAt(start)}, nil
}

func nameOf(file io.Reader) string {
	if f, ok := file.(*opened); ok {
		return f.name
	}
	return "the file"
}

// stoppable ends when ctx does, and names the file when it cannot be read.
type stoppable struct {
	ctx  context.Context //nolint:containedctx // of the one trial
	from Document
}

func (s *stoppable) Read(p []byte) (int, error) {
	if err := s.ctx.Err(); err != nil {
		return 0, err
	}
	n, err := s.from.Read(p)
	if err != nil && err != io.EOF { //nolint:errorlint // a wrapped one is no end
		err = fmt.Errorf("read %s: %w", s.from.Name, err)
	}
	return n, err
}

// wrong makes a *FileError of what a reader of Klarna's documents found; other
// errors, such as those of a disk, stay what they are.
func wrong(err error, due klarna.Look) error {
	var placed *klarna.PlacedError
	if !errors.As(err, &placed) {
		return err
	}
	file, ok := placed.File.(*opened)
	if ok && file.look != due {
		return file.other(due, err)
	}
	return &FileError{File: nameOf(placed.File), Problem: placed.Error(), Helps: "Save the whole answer again, and change nothing in it.", Err: err}
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
func (o *opened) other(due klarna.Look, err error) error {
	wanted, helps := "a payout", wholePayout
	if due == klarna.LooksTransactions {
		wanted, helps = "transactions", wholePages
	}
	place := "line 1, column 1: "
	var placed *klarna.PlacedError
	if o.look == klarna.LooksJSON && errors.As(err, &placed) {
		return &FileError{File: o.name, Problem: placed.Error(), Helps: helps, Err: err}
	}
	if o.look == klarna.LooksEmpty {
		place = ""
	}
	return &FileError{File: o.name, Problem: place + others[o.look] + ", where " + wanted + " should be", Helps: helps, Err: err}
}

func readPayout(ctx context.Context, d Document) (*klarna.Payout, error) {
	file, err := open(ctx, d)
	if err != nil {
		return nil, err
	}
	if file.look == klarna.LooksTransactions || file.look == klarna.LooksPayouts { // however long it is
		return nil, file.other(klarna.LooksPayout, nil)
	}
	payout, err := klarna.ReadPayout(file)
	return payout, wrong(err, klarna.LooksPayout)
}
