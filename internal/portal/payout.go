package portal

import (
	"cmp"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strings"
	"time"

	"go.uber.org/zap"

	"kvitt/activities"
	"kvitt/internal/archive"
	"kvitt/internal/company"
	"kvitt/internal/held"
	"kvitt/internal/klarna"
	"kvitt/internal/lang"
	"kvitt/internal/operate"
	"kvitt/internal/report"
	"kvitt/internal/settlement"
	"kvitt/internal/store"
	"kvitt/internal/voucher"
	"kvitt/workflows"
)

// payoutPage is everything that decides about a payout.
type payoutPage struct {
	language lang.Language
	store.Payout
	Totals   settlement.Totals
	Proof    *activities.Proof
	Voucher  *voucher.Voucher
	Held     *workflows.Held
	Warned   klarna.Warnings   // what was borne with in Klarna's answers
	Reversal *operate.Reversal // that is held
	Posting  *store.Booking
	Parts    []operate.Part // what of it is posted in earlier periods
	Batches  []batch
	Rows     rowPage
	Papers   []paper
	History  []happening
	Past     pager // of the history
	Busy     bool  // it continues by itself
	Moving   bool  // it does, or something has just happened, so the page looks again

	Decisions []store.Decision
	Offers    []Offer
	Elsewhere string            // the batch of somebody else that books it
	Chart     []company.Account // the company's accounts, where they are asked for and known
}

// batch is one batch in Visma.net that belongs to a payout.
type batch struct {
	Number, State, Period string
	Reverses              string // the batch that this one takes back
	Earlier               bool   // what of the payout was captured in an earlier period
}

// paper is a document that is archived of a payout, in one part or several.
type paper struct {
	Kind  string
	Parts int
	Size  int64
	At    time.Time
	Sum   string // SHA-256, of the only part
}

// rowPage is a page of the archived rows, all or those of one component.
type rowPage struct {
	Of    string // TYPE/DETAILED_TYPE, "" for all
	Found []report.Found
	Pager pager
	Gone  bool // the rows could not be read
}

// How much of a payout a page has.
const (
	mostRows = 100
	mostPast = 50
)

func (p *Portal) payout(w http.ResponseWriter, r *http.Request) error {
	row, err := p.Desk.Store.Payout(r.Context(), r.PathValue("id"), r.PathValue("ref"))
	if err != nil {
		return err
	}
	at := payoutPage{language: lang.Of(languageOf(r).Tag), Payout: row}
	var figures settlement.Payout
	for _, part := range []struct {
		document json.RawMessage
		into     any
	}{{row.Payout, &figures}, {row.Proof, &at.Proof}, {row.Voucher, &at.Voucher}, {row.Held, &at.Held}, {row.Warnings, &at.Warned}} {
		if len(part.document) == 0 {
			continue
		}
		if err := json.Unmarshal(part.document, part.into); err != nil {
			return fmt.Errorf("read what is recorded of the payout %s: %w", row.PaymentReference, err)
		}
	}
	at.Totals = figures.Totals
	if row.HeldReason == "" {
		at.Held = nil
	} else if at.Held == nil { // nobody wrote down more than the code
		at.Held = &workflows.Held{Code: held.Code(row.HeldReason)}
	} else if entry, _ := held.Look(at.Held.Code); at.Held.Detail == entry.Sentence {
		at.Held.Detail = "" // the page says it in the reader's language
	}
	posting, err := p.Desk.Store.BookingOf(r.Context(), row.ConnectionID, row.PaymentReference, -1)
	switch {
	case err == nil:
		at.Posting = &posting
	case !notFound(err):
		return err
	}
	if at.Parts, err = p.Desk.Parts(r.Context(), row.ConnectionID, row.PaymentReference); err != nil {
		return err
	}
	reversals, err := p.Desk.HeldReversals(r.Context(), row.ConnectionID)
	if err != nil {
		return err
	}
	at.Reversal = reversals[row.PaymentReference]
	if at.History, at.Past, err = p.payoutHistory(r, &row); err != nil {
		return err
	}
	if err := p.attachments(r, &at); err != nil {
		return err
	}
	if err := p.decisions(r.Context(), &at); err != nil {
		return err
	}
	at.Busy = at.moves()
	at.Moving = at.Busy || len(at.History) > 0 && p.Now().Sub(at.History[0].At) < justNow
	p.show(w, r, http.StatusOK, "payout", &at)
	return nil
}

// payoutHistory returns what the audit trail tells about a payout, newest first.
func (p *Portal) payoutHistory(r *http.Request, row *store.Payout) ([]happening, pager, error) {
	past := pagerOf(r, "history")
	trail, err := p.Desk.Store.AuditOf(r.Context(), row.ConnectionID, "payout/"+row.PaymentReference, past.skip(mostPast), mostPast+1)
	trail = cut(&past, trail, mostPast)
	all := make([]happening, len(trail))
	for i := range trail {
		e := &trail[i]
		var after struct {
			Reason string `json:"reason"`
			Code   string `json:"code"`
		}
		_ = json.Unmarshal(e.After, &after) // most actions have neither
		all[i] = happening{At: e.At, Who: e.Who, Action: strings.TrimPrefix(e.Action, "payout."), After: cmp.Or(after.Reason, after.Code)}
	}
	return all, past, err
}

// attachments are what hangs on a payout: its batches, rows and documents.
func (p *Portal) attachments(r *http.Request, at *payoutPage) error {
	found, err := p.Desk.Store.BookingsOf(r.Context(), at.ConnectionID, []string{at.PaymentReference})
	if err != nil {
		return err
	}
	for _, posted := range found[at.PaymentReference] {
		var v voucher.Voucher
		_ = json.Unmarshal(posted.Voucher, &v) // without it, the number still stands
		at.Batches = append(at.Batches, batch{Number: posted.BatchNumber, State: posted.State, Period: posted.Period, Reverses: v.Reverses})
	}
	for _, part := range at.Parts {
		at.Batches = append(at.Batches, batch{Number: part.BatchNumber, State: part.State, Period: part.Period, Earlier: true})
	}
	documents, err := p.Desk.Store.DocumentList(r.Context(), at.ConnectionID, at.PaymentReference)
	for i := range documents {
		d := &documents[i]
		if n := len(at.Papers); n > 0 && at.Papers[n-1].Kind == d.Kind {
			one := &at.Papers[n-1]
			one.Parts, one.Size, one.Sum = one.Parts+1, one.Size+d.Size, ""
			continue
		}
		at.Papers = append(at.Papers, paper{d.Kind, 1, d.Size, d.FetchedAt, d.SHA256})
	}
	if err != nil || at.Proof == nil {
		return err
	}
	at.Rows = rowPage{Of: r.URL.Query().Get("component"), Pager: pagerOf(r, "rows")}
	row, err := p.Desk.Store.Connection(r.Context(), at.ConnectionID)
	if err != nil {
		return err
	}
	made := &report.Reports{Source: p.Desk.Store, Connection: row, Now: p.Now()}
	at.Rows.Found, at.Rows.Pager.More, err = made.RowsFrom(r.Context(), at.PaymentReference, at.Rows.Of, at.Rows.Pager.skip(mostRows), mostRows)
	if at.Rows.Gone = err != nil; at.Rows.Gone {
		p.Log.Warn("the archived rows of a payout could not be read", zap.String("payout", at.PaymentReference), zap.Error(err))
	}
	return nil
}

// total is one of Klarna's totals.
type total struct {
	Name   string // a key of the words
	Amount int64
}

// Sums are Klarna's own totals, those that are not zero.
func (at *payoutPage) Sums() (all []total) {
	for _, t := range settlement.EveryTotal() {
		if amount := at.Totals[t]; amount != 0 && t != settlement.TotalSettlement {
			all = append(all, total{t.Name(), amount})
		}
	}
	return all
}

// justNow is the time for which a page refreshes itself after something happened.
const justNow = 15 * time.Second

// moves tells whether a payout continues by itself, so that its page looks again
// until it stops.
func (at *payoutPage) moves() bool {
	if at.Posting != nil && voucher.IsReversal(at.Posting.Revision) && at.Reversal == nil {
		return at.State != workflows.StateReversed
	}
	switch at.State {
	case workflows.StateProven, workflows.StateCompiled, workflows.StatePosting, workflows.StateReleased:
		return true
	case workflows.StatePosted:
		return at.Posting == nil || at.Posting.Mode != "draft"
	default:
		return false
	}
}

// document sends what is archived of a payout, as it was received.
func (p *Portal) document(w http.ResponseWriter, r *http.Request) error {
	row, err := p.Desk.Store.Payout(r.Context(), r.PathValue("id"), r.PathValue("ref"))
	if err != nil {
		return err
	}
	kind := r.PathValue("kind")
	documents, err := p.Desk.Store.DocumentList(r.Context(), row.ConnectionID, row.PaymentReference)
	if err != nil {
		return err
	}
	if !slices.ContainsFunc(documents, func(d store.Document) bool { return d.Kind == kind }) {
		return p.missing(w, r)
	}
	body := archive.Open(r.Context(), p.Desk.Store, row.ConnectionID, row.PaymentReference, kind)
	defer body.Close()
	attach(w, "kvitt-"+row.PaymentReference+"-"+kind+extension(kind))
	_, err = io.Copy(w, body)
	return p.cutOff(w, err)
}

// extension returns how the name of a document ends.
func extension(kind string) string {
	switch first, _, _ := strings.Cut(kind, "."); first {
	case archive.KindPDF:
		return ".pdf"
	case archive.KindCSV:
		return ".csv"
	case archive.KindProof:
		return ".txt"
	default:
		return ".json"
	}
}

// stateIn is the state that an audit entry about a connection tells of.
func stateIn(document json.RawMessage) string {
	var told struct {
		State string `json:"state"`
	}
	_ = json.Unmarshal(document, &told) // some tell of none
	return told.State
}
