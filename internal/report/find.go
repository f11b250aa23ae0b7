package report

import (
	"context"
	"errors"
	"slices"
	"strings"
	"time"

	"kvitt/internal/klarna"
	"kvitt/internal/settlement"
	"kvitt/internal/store"
	"kvitt/internal/voucher"
)

// Hit is a payout that a reference belongs to.
type Hit struct {
	PaymentReference string    `json:"payment_reference"`
	Date             time.Time `json:"payout_date"`
	Currency         string    `json:"currency"`
	Settlement       int64     `json:"settlement_amount"` // minor units
	State            string    `json:"state"`
	Batches          []string  `json:"batches"`
	By               []string  `json:"by"`             // what the reference is: payment reference, batch, token, order …
	Rows             []Found   `json:"rows,omitempty"` // those that carry it, at most MostRows
	More             bool      `json:"more,omitempty"` // there are more rows
}

// Found is a row, and where it went: its component, and the line of the voucher
// that the component was booked in. Amounts are minor units as Klarna gives
// them.
type Found struct {
	Type               string    `json:"type"`
	DetailedType       string    `json:"detailed_type"`
	Amount             int64     `json:"amount"`
	VAT                int64     `json:"vat,omitempty"`
	Captured           time.Time `json:"capture_date,omitzero"`
	OrderID            string    `json:"order_id,omitempty"`
	CaptureID          string    `json:"capture_id,omitempty"`
	RefundID           string    `json:"refund_id,omitempty"`
	MerchantReference1 string    `json:"merchant_reference1,omitempty"`
	MerchantReference2 string    `json:"merchant_reference2,omitempty"`
	Line               int       `json:"line,omitempty"` // of the voucher, counted from 1; 0: not booked
	Account            string    `json:"account,omitempty"`
	VATAccount         string    `json:"vat_account,omitempty"`
}

// How much a search shows: payouts that a reference is looked for in, and rows
// of one payout.
const (
	MostHits = 100
	MostRows = 200
)

// Find looks for a reference of any kind: a payment reference, the number of a
// batch, a token, or what an order, a capture, a refund or the merchant calls
// it. Rows are compared with what was archived. CatchUp has to have been called
// for the newest payouts to be found by their rows.
func (r *Reports) Find(ctx context.Context, reference string) ([]Hit, error) {
	reference = strings.TrimSpace(reference)
	f := finding{Reports: r, reference: normal(reference), hits: map[string]*Hit{}}
	if reference == "" {
		return nil, &WantedError{Wanted: "a reference"}
	}
	for _, spelled := range spellings(reference) {
		if err := f.byPayout(ctx, spelled); err != nil {
			return nil, err
		}
	}
	if err := f.batches(ctx); err != nil {
		return nil, err
	}
	if err := f.byRows(ctx); err != nil {
		return nil, err
	}
	hits := make([]Hit, 0, len(f.hits))
	for _, h := range f.hits {
		hits = append(hits, *h)
	}
	slices.SortFunc(hits, func(a, b Hit) int {
		if c := b.Date.Compare(a.Date); c != 0 {
			return c // the newest first
		}
		return strings.Compare(b.PaymentReference, a.PaymentReference)
	})
	return hits, nil
}

type finding struct {
	*Reports
	reference string // as normal has it
	hits      map[string]*Hit
}

// byPayout looks among payment references, batches and tokens.
func (f *finding) byPayout(ctx context.Context, reference string) error {
	for _, ref := range slices.Compact([]string{reference, strings.ToUpper(reference)}) {
		switch p, err := f.Source.Payout(ctx, f.Connection.ID, ref); {
		case err == nil:
			f.hit(&p, "payment reference")
		case !errors.Is(err, store.ErrNotFound):
			return err
		}
	}
	token := normal(reference)
	if !strings.HasPrefix(token, "[") {
		token = "[kvitt:" + strings.TrimPrefix(token, "kvitt:") + "]"
	}
	postings, err := f.Source.BookingsBy(ctx, f.Connection.ID, token, reference)
	if err != nil {
		return err
	}
	for i := range postings {
		p, err := f.Source.Payout(ctx, f.Connection.ID, postings[i].PaymentReference)
		if errors.Is(err, store.ErrNotFound) {
			continue // of another merchant who books into the same company
		}
		if err != nil {
			return err
		}
		by := "batch"
		if postings[i].Token == token {
			by = "token"
		}
		f.hit(&p, by)
	}
	return nil
}

// batches fills in the batches of the hits so far.
func (f *finding) batches(ctx context.Context) error {
	var refs []string
	for ref := range f.hits {
		refs = append(refs, ref)
	}
	found, err := f.Source.BookingsOf(ctx, f.Connection.ID, refs)
	if err != nil {
		return err
	}
	for ref, postings := range found {
		f.hits[ref].Batches = batchesOf(postings)
	}
	return nil
}

func batchesOf(postings []store.Booking) []string {
	batches := []string{}
	for i := range postings {
		if postings[i].BatchNumber != "" {
			batches = append(batches, postings[i].BatchNumber)
		}
	}
	return batches
}

func (f *finding) hit(p *store.Payout, by string) *Hit {
	h := f.hits[p.PaymentReference]
	if h == nil {
		h = &Hit{
			PaymentReference: p.PaymentReference, Date: p.Date, Currency: p.Currency, Settlement: p.Settlement, State: p.State, Batches: []string{},
		}
		f.hits[p.PaymentReference] = h
	}
	if !slices.Contains(h.By, by) {
		h.By = append(h.By, by)
	}
	return h
}

// byRows looks in the rows of the payouts that the index names.
func (f *finding) byRows(ctx context.Context) error {
	candidates, err := f.candidates(ctx, spellings(f.reference)...)
	if err != nil {
		return err
	}
	for _, ref := range candidates[:min(len(candidates), MostHits)] {
		p, err := f.Source.Payout(ctx, f.Connection.ID, ref)
		if err != nil {
			return err
		}
		rows, names, more, err := f.rowsOf(ctx, &p, func(t *klarna.Transaction) []string { return namesOf(t, f.reference) })
		if err != nil {
			return err
		}
		for _, name := range names {
			h := f.hit(&p, name)
			h.Rows, h.More = rows, more
		}
	}
	return f.batches(ctx)
}

// namesOf tells as what a row carries a reference.
func namesOf(t *klarna.Transaction, reference string) (names []string) {
	for i := range keys {
		if key := keys[i].of(t); key != "" && alike(normal(key), reference) {
			names = append(names, keys[i].name)
		}
	}
	return names
}

// RowsOf gives the archived rows behind a component of a payout, written
// TYPE/DETAILED_TYPE, or behind all when it is empty; at most MostRows of them.
// It is the way from a line of a voucher to its orders.
func (r *Reports) RowsOf(ctx context.Context, paymentReference, component string) (rows []Found, more bool, err error) {
	return r.RowsFrom(ctx, paymentReference, component, 0, MostRows)
}

// RowsFrom is RowsOf after some rows that are left out, at most limit of them.
func (r *Reports) RowsFrom(ctx context.Context, paymentReference, component string, skip, limit int) (rows []Found, more bool, err error) {
	p, err := r.Source.Payout(ctx, r.Connection.ID, paymentReference)
	if err != nil {
		return nil, false, err
	}
	rows, _, more, err = r.rowsAfter(ctx, &p, skip, limit, func(t *klarna.Transaction) []string {
		if component == "" || t.Type+"/"+t.DetailedType == component {
			return []string{component}
		}
		return nil
	})
	return rows, more, err
}

func (r *Reports) rowsOf(ctx context.Context, p *store.Payout, match func(*klarna.Transaction) []string) (rows []Found, names []string, more bool, err error) {
	return r.rowsAfter(ctx, p, 0, MostRows, match)
}

func (r *Reports) rowsAfter(ctx context.Context, p *store.Payout, skip, limit int, match func(*klarna.Transaction) []string) (rows []Found, names []string, more bool, err error) {
	proof, err := proofOf(p)
	if err != nil {
		return nil, nil, false, err
	}
	kind, err := r.evidence(ctx, p, proof)
	if err != nil {
		return nil, nil, false, err
	}
	lines, err := r.linesOf(ctx, p)
	if err != nil {
		return nil, nil, false, err
	}
	for t, err := range r.rowsIn(ctx, p, kind) {
		if err != nil {
			return nil, nil, false, err
		}
		by := match(t)
		if len(by) == 0 {
			continue
		}
		names = append(names, by...)
		if skip > 0 {
			skip--
			continue
		}
		if more = len(rows) == limit; more {
			break
		}
		rows = append(rows, foundOf(t, lines))
	}
	slices.Sort(names)
	return rows, slices.Compact(names), more, nil
}

// linesOf are the lines of the voucher that counts: the one sent last, or the
// one compiled.
func (r *Reports) linesOf(ctx context.Context, p *store.Payout) ([]voucher.Line, error) {
	found, err := r.Source.BookingsOf(ctx, p.ConnectionID, []string{p.PaymentReference})
	if err != nil {
		return nil, err
	}
	postings := found[p.PaymentReference]
	for i := len(postings) - 1; i >= 0; i-- {
		if isBooked(postings[i].State) && !takesBack(&postings[i]) {
			v, err := voucherOf(&postings[i])
			if err != nil {
				return nil, err
			}
			return v.Lines, nil
		}
	}
	return nil, nil
}

func foundOf(t *klarna.Transaction, lines []voucher.Line) Found {
	f := Found{
		Type: t.Type, DetailedType: t.DetailedType, Amount: t.Amount, VAT: t.VATAmount, Captured: t.CaptureDate, OrderID: t.OrderID,
		CaptureID: t.CaptureID, RefundID: t.RefundID, MerchantReference1: t.MerchantReference1, MerchantReference2: t.MerchantReference2,
	}
	var row settlement.Row
	t.Row(&row)
	if key := row.Key(); !f.booked(lines, key) {
		key.VATRate, key.Reference = 0, "" // vouchers of before did not tell these apart
		f.booked(lines, key)
	}
	return f
}

// booked notes where a component was booked, if it was.
func (f *Found) booked(lines []voucher.Line, key settlement.Key) (found bool) {
	for i := range lines {
		l := &lines[i]
		if !slices.ContainsFunc(l.Components, func(c settlement.Component) bool { return c.Key == key }) {
			continue
		}
		found = true
		if l.Role == voucher.RoleVAT {
			f.VATAccount = l.Account
		} else {
			f.Line, f.Account = i+1, l.Account
		}
	}
	return found
}
