package report

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"

	"golang.org/x/sync/errgroup"

	"kvitt/internal/archive"
	"kvitt/internal/klarna"
	"kvitt/internal/settlement"
	"kvitt/internal/store"
	"kvitt/internal/voucher"
)

// What the accounts of lines are about.
const (
	AboutClearing   = "clearing"
	AboutReserve    = "reserve"
	AboutDebt       = "debt"
	AboutFee        = "fee"
	AboutVAT        = "vat"
	AboutSettlement = "settlement"
	AboutDisputes   = "disputes"
	AboutLoan       = "loan"
	AboutOther      = "other"
)

// CatchUp brings the sums and the references of the connection up to date with
// what was proven and posted since: it reads the archived rows of payouts that
// are new, page by page, and the vouchers of postings that moved. It tells how
// many it took up; at most limit, all when it is 0. told, when given, is called
// after each. What cannot be read is noted in Problems and tried again next time.
func (r *Reports) CatchUp(ctx context.Context, limit int, told func(done int)) (done int, err error) {
	r.Problems = nil
	for after := (store.Todo{}); limit == 0 || done < limit; {
		todos, err := r.Source.Todos(ctx, r.Connection.ID, after, catchUpSome)
		if err != nil || len(todos) == 0 {
			return done, err
		}
		if limit > 0 {
			todos = todos[:min(len(todos), limit-done)]
		}
		after = todos[len(todos)-1]
		if err := r.takeAll(ctx, todos); err != nil {
			return done, err
		}
		if err := r.foldIfMany(ctx); err != nil {
			return done, err
		}
		if done += len(todos); told != nil {
			told(done)
		}
	}
	return done, nil
}

// How many todos are read at once, and how many payouts are read side by side:
// most of the time goes into waiting for the database.
const (
	catchUpSome   = 200
	catchUpAtOnce = 4
)

// takeAll takes some todos up. What is wrong with one of them is noted; what is
// wrong with the database ends it.
func (r *Reports) takeAll(ctx context.Context, todos []store.Todo) error {
	var lock sync.Mutex
	g, ctx := errgroup.WithContext(ctx)
	g.SetLimit(catchUpAtOnce)
	for _, todo := range todos {
		g.Go(func() error {
			err := r.take(ctx, todo)
			if err == nil || ctx.Err() != nil || errors.Is(err, store.ErrUnreachable) {
				return err
			}
			lock.Lock()
			defer lock.Unlock()
			if len(r.Problems) < 20 {
				r.Problems = append(r.Problems, "Not in these figures: "+todo.PaymentReference+": "+err.Error()+".")
			}
			return nil
		})
	}
	err := g.Wait()
	slices.Sort(r.Problems) // whoever came first
	return err
}

func (r *Reports) take(ctx context.Context, t store.Todo) error {
	p, err := r.Source.Payout(ctx, t.ConnectionID, t.PaymentReference)
	if err != nil {
		return err
	}
	if t.What == store.TodoBooks {
		return r.takeBooks(ctx, t, &p)
	}
	return r.takeRows(ctx, t, &p)
}

// takeBooks writes down the lines of the payout's vouchers that are booked.
func (r *Reports) takeBooks(ctx context.Context, t store.Todo, p *store.Payout) error {
	found, err := r.Source.BookingsOf(ctx, t.ConnectionID, []string{t.PaymentReference})
	if err != nil {
		return err
	}
	proof, err := proofOf(p)
	if err != nil {
		return err
	}
	var lines []store.RegisterLine
	var where []store.RegisterPlace
	day := ""
	for _, posting := range found[t.PaymentReference] {
		if !isBooked(posting.State) || posting.ConnectionID != t.ConnectionID {
			continue
		}
		v, err := voucherOf(&posting)
		if err != nil {
			return err
		}
		if !takesBack(&posting) {
			day = v.Date.String()
		}
		lines = append(lines, linesOf(v, &posting, proof)...)
		where = append(where, placesOf(v, &posting)...)
	}
	return r.Source.PutLines(ctx, t, day, lines, where)
}

func linesOf(v *voucher.Voucher, p *store.Booking, proof *kept) []store.RegisterLine {
	sign := int64(1)
	if takesBack(p) {
		sign = -1
	}
	about := aboutAccounts(v, takesBack(p))
	lines := make([]store.RegisterLine, len(v.Lines))
	for i := range v.Lines {
		l := &v.Lines[i]
		lines[i] = store.RegisterLine{
			Token: v.Token, Day: v.Date.String(), Currency: string(v.Currency), Account: l.Account,
			About: about(l), Debit: l.Debit, Credit: l.Credit, Proven: l.Credit - l.Debit,
		}
		if proof == nil {
			continue
		}
		if proven, known := provenOf(proof.Proof, l, sign); known {
			lines[i].Proven = proven
		}
	}
	return lines
}

// aboutAccounts tells what a line is about: its account is for clearing when
// sales or returns stand on it, for the reserve when holdbacks or releases do,
// for debt when debt does, for disputes and loans when those do and nothing of
// the former. What is booked there otherwise belongs to it too.
func aboutAccounts(v *voucher.Voucher, back bool) func(*voucher.Line) string {
	accounts := map[string]string{}
	mark := func(about string, holds func(*voucher.Line) bool) {
		for i := range v.Lines {
			if l := &v.Lines[i]; accounts[l.Account] == "" && holds(l) {
				accounts[l.Account] = about
			}
		}
	}
	of := func(pairs ...string) func(*voucher.Line) bool {
		return func(l *voucher.Line) bool {
			return l.Role == voucher.RoleComponent && slices.ContainsFunc(l.Components, func(c settlement.Component) bool {
				return slices.ContainsFunc(pairs, func(pair string) bool { return strings.HasPrefix(c.Pair(), pair) })
			})
		}
	}
	mark(AboutClearing, of("SALE/PURCHASE", "RETURN/PURCHASE_RETURN"))
	mark(AboutReserve, of("HOLDBACK/", "RELEASE/"))
	mark(AboutDebt, func(l *voucher.Line) bool { return l.Role == voucher.RoleDebt })
	mark(AboutDisputes, func(l *voucher.Line) bool { return holdsRows(l, itemDispute) })
	mark(AboutLoan, func(l *voucher.Line) bool { return holdsRows(l, itemLoan) })
	return func(l *voucher.Line) string {
		if about := accounts[l.Account]; about != "" {
			return about
		}
		switch {
		case l.Role == voucher.RoleVAT:
			return AboutVAT
		case l.Role == voucher.RoleSettlement:
			return AboutSettlement
		case l.Role == voucher.RoleCarried && (l.Credit > 0) != back:
			return AboutDebt
		case of("FEE/", "FEE_REFUND/", "TAX/", "CORRECTION/")(l):
			return AboutFee
		}
		return AboutOther
	}
}

// holdsRows tells whether a line has rows that are about something; what a loan
// costs makes no account the loan's.
func holdsRows(l *voucher.Line, about string) bool {
	return l.Role == voucher.RoleComponent && slices.ContainsFunc(l.Components, func(c settlement.Component) bool {
		return aboutRows(c.Type, c.DetailedType) == about && !settlement.LoanCost(c.DetailedType)
	})
}

// takeRows reads the archived rows of a payout once: their sums by rate of VAT,
// and the references that they can be found by.
func (r *Reports) takeRows(ctx context.Context, t store.Todo, p *store.Payout) error {
	proof, err := proofOf(p)
	if err != nil {
		return err
	}
	kind, err := r.evidence(ctx, p, proof)
	if err != nil {
		return err
	}
	var refs hashes
	items := itemsOf{proof: proof, day: r.dayOf(p), zone: r.Zone}
	tallies := map[int64]*settlement.Tally{}
	rows := int64(0)
	var row settlement.Row
	for t, err := range r.rowsIn(ctx, p, kind) {
		if err != nil {
			return err
		}
		rows++
		refs.add(t)
		tally := tallies[t.VATRate]
		if tally == nil {
			tally = settlement.NewTally(currency(p.Currency))
			tallies[t.VATRate] = tally
		}
		t.Row(&row)
		tally.Add(&row)
		items.add(t, &row)
	}
	if rows != p.Rows {
		return fmt.Errorf("read the archived rows of payout %s: there are %d, and %d were counted when it was fetched", p.PaymentReference, rows, p.Rows)
	}
	if err := items.check(); err != nil {
		return fmt.Errorf("read the archived rows of payout %s: %w", p.PaymentReference, err)
	}
	read := store.PayoutRead{Day: r.dayOf(p), Currency: p.Currency, Rows: rows, Sums: sumsOf(tallies, proof), References: refs.bodies(), Items: items.items}
	if read.Difference, err = feeDifference(p, proof, read.Sums); err != nil {
		return err
	}
	return r.Source.PutRead(ctx, t, &read)
}

// dayOf is the voucher's day, or the payout's in the company's zone.
func (r *Reports) dayOf(p *store.Payout) string {
	var v voucher.Voucher
	if len(p.Voucher) > 0 && json.Unmarshal(p.Voucher, &v) == nil && !v.Date.IsZero() {
		return v.Date.String()
	}
	return voucher.DateOf(p.Date, r.Zone).String()
}

// evidence is the kind of archived rows that a payout's proof rests on: the one
// with its digest. Of a payout that did not prove, the newest.
func (r *Reports) evidence(ctx context.Context, p *store.Payout, proof *kept) (string, error) {
	documents, err := r.Source.DocumentList(ctx, p.ConnectionID, p.PaymentReference)
	if err != nil {
		return "", err
	}
	digests := archive.Digests(documents)
	newest := archive.KindTransactions
	for i := range documents {
		if kind := documents[i].Kind; strings.HasPrefix(kind, archive.KindTransactions) && documents[i].Seq == 0 {
			if proof != nil && digests[kind] == proof.Evidence.Digest {
				return kind, nil
			}
			newest = kind // kinds come in the order of their names, later ones last
		}
	}
	return newest, nil
}

// sumsOf merges the countries and merchants of each rate, which reports do not
// tell apart.
func sumsOf(tallies map[int64]*settlement.Tally, proof *kept) []store.RowSum {
	type key struct {
		typ, detail string
		rate        int64
	}
	merged := map[key]*store.RowSum{}
	for rate, tally := range tallies {
		for _, c := range tally.Components() {
			k := key{c.Type, c.DetailedType, rate}
			if merged[k] == nil {
				merged[k] = &store.RowSum{
					Type: c.Type, DetailedType: c.DetailedType, VATRate: rate,
					Outside: proof != nil && proof.Effect(c).Outside,
				}
			}
			merged[k].Rows += c.Rows
			merged[k].Amount += c.Amount
			merged[k].VAT += c.VAT
		}
	}
	sums := make([]store.RowSum, 0, len(merged))
	for _, m := range merged {
		sums = append(sums, *m)
	}
	return sums
}

// feeDifference is the fees and VAT of the rows less those of Klarna's totals,
// which is what its PDF states.
func feeDifference(p *store.Payout, proof *kept, sums []store.RowSum) (int64, error) {
	var payout settlement.Payout
	if err := json.Unmarshal(p.Payout, &payout); err != nil {
		return 0, fmt.Errorf("read the recorded payout %s: %w", p.PaymentReference, err)
	}
	t := &payout.Totals
	var rows int64
	for i := range sums {
		m := &sums[i]
		if m.Type != settlement.TypeCorrection && proof != nil && proof.Read(settlement.GrossFeesOutsideTotals) {
			continue
		}
		net, vat := settlement.CostOf(m.Type, m.Amount, m.VAT)
		rows += net + vat
	}
	return rows - (t[settlement.TotalFee] - t[settlement.TotalFeeRefund] + t[settlement.TotalTax] - t[settlement.TotalTaxRefund] - t[settlement.TotalFeeCorrection]), nil
}

// rowsIn goes through the archived rows of one kind. A row is good until the
// next one.
func (r *Reports) rowsIn(ctx context.Context, p *store.Payout, kind string) func(func(*klarna.Transaction, error) bool) {
	return func(yield func(*klarna.Transaction, error) bool) {
		for body, err := range archive.Read(ctx, r.Source, p.ConnectionID, p.PaymentReference, kind) {
			if err != nil {
				yield(nil, err)
				return
			}
			page, err := klarna.DecodeTransactions(body)
			if err != nil {
				yield(nil, fmt.Errorf("read the archived rows of payout %s: %w", p.PaymentReference, err))
				return
			}
			for i := range page.Items {
				if !yield(&page.Items[i], nil) {
					return
				}
			}
		}
	}
}
