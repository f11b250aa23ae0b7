package try

import (
	"cmp"
	"context"
	"fmt"
	"io"
	"iter"
	"slices"

	"kvitt/internal/klarna"
	"kvitt/internal/settlement"
	"kvitt/internal/voucher"
)

// rows sums the transactions of a payout while they are read, and remembers which
// part of the listing each page covers.
type rows struct {
	payout *klarna.Payout
	from   string // the payout's file
	tally  *settlement.Tally
	days   *voucher.Days // nil: nothing is accrued
	pages  []page
}

// page is one page of a file.
type page struct {
	klarna.Extent
	file string
}

func newRows(payout *klarna.Payout, in *Input) *rows {
	currency := settlement.Currency(payout.CurrencyCode)
	r := &rows{payout: payout, from: in.Payout.Name, tally: settlement.NewTally(currency)}
	if !in.AccrueAt.IsZero() {
		r.days = voucher.NewDays(currency, in.Profile.Location())
	}
	return r
}

// read sums the rows of all files.
func (r *rows) read(ctx context.Context, documents iter.Seq2[Document, error]) error {
	var one settlement.Row
	err := klarna.ReadPages(r.files(ctx, documents), func(t *klarna.Transaction, at *klarna.At) error {
		if t.PaymentReference != "" && t.PaymentReference != r.payout.PaymentReference {
			return r.mixed(t, at)
		}
		t.Row(&one)
		r.tally.Add(&one)
		if r.days != nil {
			r.days.Add(t.CaptureDate, &one)
		}
		return nil
	}, r.add)
	return wrong(err, klarna.LooksTransactions)
}

// files opens one document after the other.
func (r *rows) files(ctx context.Context, documents iter.Seq2[Document, error]) iter.Seq2[io.Reader, error] {
	return func(yield func(io.Reader, error) bool) {
		for d, err := range documents {
			var file *opened
			if err == nil {
				file, err = open(ctx, d)
			}
			if err == nil && file.look == klarna.LooksEmpty {
				err = file.other(klarna.LooksTransactions, nil)
			}
			if !yield(file, err) {
				return
			}
		}
	}
}

// mixed complains about a row of another payout.
func (r *rows) mixed(t *klarna.Transaction, at *klarna.At) error {
	return &FileError{
		File:    nameOf(at.File),
		Problem: fmt.Sprintf("line %d, column %d: row %d belongs to payout %s, and %s is payout %s", at.Place.Line, at.Place.Column, at.Row, t.PaymentReference, r.from, r.payout.PaymentReference),
		Helps:   "Give the transactions of one payout: /transactions?payment_reference=" + r.payout.PaymentReference + ".",
	}
}

// add takes a page in that says the same about itself as it has. One that has the
// rows of a whole listing may carry the count of its first page.
func (r *rows) add(file io.Reader, extent klarna.Extent) error {
	p := page{extent, nameOf(file)}
	if p.Count >= 0 && p.Count != p.Rows && (p.Rows != p.Total || p.Offset > 0) {
		return &FileError{File: p.file, Problem: fmt.Sprintf("its pagination.count is %d, and it has %s", p.Count, counted(p.Rows)), Helps: wholePages}
	}
	if p.Offset < 0 {
		p.Offset = 0
		for i := range r.pages {
			p.Offset = max(p.Offset, r.pages[i].Offset+r.pages[i].Rows)
		}
	}
	r.pages = append(r.pages, p)
	return nil
}

// announced is the number of rows Klarna says that there are, -1 when no page does.
// The pages must be all of the listing, each of its rows once.
func (r *rows) announced() (int64, error) {
	if len(r.pages) == 0 {
		return 0, &FileError{File: NoFile, Problem: "no file has any", Helps: wholePages}
	}
	total := page{Extent: klarna.Extent{Total: -1}}
	for _, p := range r.pages {
		switch {
		case p.Total < 0:
		case total.Total < 0:
			total = p
		case p.Total != total.Total:
			return 0, &FileError{
				File: p.file, Problem: fmt.Sprintf("its pagination.total is %d, and in %s it is %d", p.Total, total.file, total.Total),
				Helps: "The pages are of different moments or listings; save all of them again.",
			}
		}
	}
	sorted := slices.DeleteFunc(slices.Clone(r.pages), func(p page) bool { return p.Rows == 0 })
	slices.SortStableFunc(sorted, func(a, b page) int { return cmp.Compare(a.Offset, b.Offset) })
	return total.Total, gapless(sorted, total)
}

// gapless makes sure that pages sorted by their offset are the whole listing.
func gapless(sorted []page, total page) error {
	var next int64
	seen := map[uint64]page{}
	var before page
	for _, p := range sorted {
		earlier, same := seen[p.Digest]
		switch {
		case same && p.Rows > 1:
			return &FileError{File: p.file, Problem: fmt.Sprintf("its rows %s are those of %s again", p.span(), earlier.where(&p)), Helps: oncePerAsked}
		case p.Offset < next:
			return &FileError{File: p.file, Problem: fmt.Sprintf("its rows %s overlap with rows %s of %s", p.span(), before.span(), before.where(&p)), Helps: oncePerAsked}
		case p.Offset > next:
			return missing(p.file, next, p.Offset, total.Total)
		}
		seen[p.Digest], before = p, p
		next = p.Offset + p.Rows
	}
	switch {
	case total.Total < 0 || next == total.Total:
		return nil
	case next < total.Total:
		file := total.file
		if len(sorted) > 0 {
			file = before.file
		}
		return missing(file, next, total.Total, total.Total)
	}
	return &FileError{File: before.file, Problem: fmt.Sprintf("its rows %s are more than the %d that pagination.total states in %s", before.span(), total.Total, total.where(&before)), Helps: oncePerAsked}
}

// missing says which rows are in no file. The file is the one beside them.
func missing(file string, from, to, total int64) error {
	of := ""
	if total >= 0 {
		of = fmt.Sprintf(" of %d", total)
	}
	beside := "before it"
	if to == total {
		beside = "after it"
	}
	return &FileError{
		File: file, Problem: fmt.Sprintf("rows %d to %d%s, which come %s, are in none of the files", from+1, to, of, beside),
		Helps: fmt.Sprintf("Give the pages from offset=%d on too.", from),
	}
}

// span is which rows of the listing a page has, counted from 1.
func (p *page) span() string { return fmt.Sprintf("%d to %d", p.Offset+1, p.Offset+p.Rows) }

// where is the page's file as seen from another page.
func (p *page) where(from *page) string {
	if p.file == from.file {
		return "an earlier page in it"
	}
	return p.file
}

func counted(n int64) string {
	if n == 1 {
		return "1 row"
	}
	return fmt.Sprintf("%d rows", n)
}
