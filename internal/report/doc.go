// Package report answers what an accountant asks of the books at month end: the
// register of payouts, how clearing, reserve and debt rolled forward, fees and
// VAT, what was captured and not paid out, what is held, and where a reference
// belongs; as rows that stream, and
// from those as CSV, XLSX, PDF, and as one file for the month.
//
// It must never change a record, round, or put an amount through a float:
// amounts are int64 minor units until they are written as decimals. It must
// never call a payout settled because it was posted: a difference is computed
// from the voucher that was sent and the proof behind it, each time anew.
// Memory does not grow with the number of payouts, except in a PDF, which is
// refused when it would be too long to read.
package report

import (
	"context"
	"iter"
	"time"

	"kvitt/internal/archive"
	"kvitt/internal/lang"
	"kvitt/internal/settlement"
	"kvitt/internal/store"
)

// Source is what reports read; *store.Store is one.
type Source interface {
	archive.Shelf
	DocumentList(ctx context.Context, connection, reference string) ([]store.Document, error)
	Payout(ctx context.Context, connection, reference string) (store.Payout, error)
	Profile(ctx context.Context, connection string, version int) (store.ProfileVersion, error)

	Register(ctx context.Context, f store.RegisterFilter) ([]store.Payout, error)
	RegisterTotals(ctx context.Context, connection string, from, to time.Time) ([]store.PayoutTotal, error)
	BookingsOf(ctx context.Context, connection string, references []string) (map[string][]store.Booking, error)
	BookingsBy(ctx context.Context, connection, token, batch string) ([]store.Booking, error)
	MonthSums(ctx context.Context, connection, from, to string, types store.RowTypes) ([]store.MonthSum, error)
	MonthReads(ctx context.Context, connection, from, to string) ([]store.MonthRead, error)
	AccountMonths(ctx context.Context, connection, about, from, to string) ([]store.AccountMonth, error)
	AccountSums(ctx context.Context, connection, about, day string) ([]store.AccountSum, error)
	Debts(ctx context.Context, connection string, before time.Time) ([]store.Debt, error)
	Waiting(ctx context.Context, connection string) ([]store.Payout, error)

	Attempts(ctx context.Context, company, token string) ([]store.Attempt, error)
	Stops(ctx context.Context, connection, work string) ([]store.Stop, error)
	Bookings(ctx context.Context, connection, reference string, kinds ...string) ([]store.Booking, error)
	Drifts(ctx context.Context, connection string, kinds ...string) ([]store.Drift, error)
	AuditBetween(ctx context.Context, connection string, from, to time.Time) iter.Seq2[store.AuditEntry, error]
	AuditHead(ctx context.Context) (seq int64, hash string, err error)
	VerifyAudit(ctx context.Context) error

	Todos(ctx context.Context, connection string, after store.Todo, limit int) ([]store.Todo, error)
	PutRead(ctx context.Context, t store.Todo, r *store.PayoutRead) error
	PutLines(ctx context.Context, t store.Todo, day string, lines []store.RegisterLine, where []store.RegisterPlace) error
	RegisterItems(ctx context.Context, connection, about string, after *store.RegisterItem, limit int) ([]store.RegisterItem, error)
	RegisterPlaces(ctx context.Context, connection string, references []string) ([]store.RegisterPlace, error)
	WindowAnswers(ctx context.Context, connection, first, last string) ([]store.WindowAnswer, error)
	AddWindowAnswers(ctx context.Context, answers []store.WindowAnswer) error
	Profiles(ctx context.Context, connection string) ([]store.ProfileVersion, error)
	ReferenceLists(ctx context.Context, connection string) ([]store.ReferenceList, error)
	ReferencePages(ctx context.Context, connection string, bucket int) ([]store.ReferencePage, error)
	SegmentPayouts(ctx context.Context, connection string, segment int64) (string, error)
	ReferencesWaiting(ctx context.Context, connection string) (lists, size int64, err error)
	FoldReferences(ctx context.Context, connection string, limit int, fold func([]store.ReferenceList) (string, map[int][]byte, error)) error
}

// Books tells what Visma.net shows today for batches that were posted, by
// number. It is a hook: without one, reports leave that column out.
type Books interface {
	Shown(ctx context.Context, connection string, batches []string) (map[string]Shown, error)
}

// Shown is one batch as Visma.net showed it when it was last looked at.
type Shown struct {
	Word string    // such as as_posted or edited
	At   time.Time // when it was looked at
}

// Reports makes reports about one connection.
type Reports struct {
	Source     Source
	Books      Books                                // nil: not known
	Klarna     func(context.Context) (Payer, error) // opens the other side; nil: what was kept of it has to do
	Connection store.Connection
	Zone       *time.Location // the company's, in which its days are
	Now        time.Time      // for ages and for the day on which a report was made

	Language lang.Language // in which reports are written; zero: English
	Excel    bool          // CSV files are for Excel as it is set up in Sweden and Norway

	// Problems are payouts whose archived rows or vouchers CatchUp could not read:
	// each report says so. They do not hold the others up.
	Problems []string
}

// Span is days, both included.
type Span struct{ From, To time.Time }

// days are the span as the days of vouchers are written.
func (s Span) days() (from, to string) {
	return s.From.Format(time.DateOnly), s.To.Format(time.DateOnly)
}

// moments are the span as payouts are dated: from the first moment of From on,
// and before the end of To, in the company's zone.
func (r *Reports) moments(s Span) (from, to time.Time) {
	begin := func(d time.Time) time.Time {
		return time.Date(d.Year(), d.Month(), d.Day(), 0, 0, 0, 0, r.Zone)
	}
	return begin(s.From), begin(s.To.AddDate(0, 0, 1))
}

// String is "2026-01-01 to 2026-01-31".
func (s Span) String() string {
	from, to := s.days()
	return from + " to " + to
}

// Month is the span of a month, written 2026-01.
func Month(text string) (Span, error) {
	first, err := time.Parse("2006-01", text)
	if err != nil {
		return Span{}, &WantedError{Text: text, Wanted: "a month such as 2026-01"}
	}
	span := Span{first, first.AddDate(0, 1, -1)}
	return span, span.Check()
}

// WantedError says what should have been given.
type WantedError struct{ Text, Wanted string }

func (e *WantedError) Error() string { return `"` + e.Text + `" is not ` + e.Wanted }

// currency is a code as amounts carry it.
type currency = settlement.Currency
