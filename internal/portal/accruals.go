package portal

import (
	"errors"
	"net/http"
	"slices"
	"strings"
	"time"

	"kvitt/internal/operate"
	"kvitt/internal/report"
	"kvitt/internal/store"
	"kvitt/internal/voucher"
	"kvitt/workflows"
)

// accrualPage holds what is captured and not paid out at the end of a day, what
// would be posted for it, and what was asked for before.
type accrualPage struct {
	store.Connection
	At      string // the day that is asked about, or proposed
	Asked   bool
	Columns []report.Column
	Rows    []report.Row
	Notes   []string
	Drafts  []accrualDraft
	All     []operate.Booking // those of this page
	Pager   pager
}

// accrualDraft is an accrual that can be asked for.
type accrualDraft struct {
	operate.Booking
	Hash  string
	Taken bool // it was asked for before
}

func (p *Portal) accruals(w http.ResponseWriter, r *http.Request) error {
	row, err := p.found(r)
	if err != nil {
		return err
	}
	at := accrualPage{Connection: row, At: r.URL.Query().Get("at")}
	all, err := p.Desk.Bookings(r.Context(), row.ID, store.Accruals...)
	if err != nil {
		return err
	}
	at.Pager = pagerOf(r, "asked")
	at.All = window(&at.Pager, newest(all), mostVersions)
	if at.Asked = at.At != ""; !at.Asked {
		now := p.Now().In(p.zoneOf(r.Context(), row.ID))
		at.At = time.Date(now.Year(), now.Month(), 0, 0, 0, 0, 0, time.UTC).Format(time.DateOnly)
	} else if err := p.fillAccruals(r, &at, all); err != nil {
		return err
	}
	p.show(w, r, http.StatusOK, "accruals", &at)
	return nil
}

// newest are accruals by their day, the newest first; before them come those that
// wait for somebody.
func newest(all []operate.Booking) []operate.Booking {
	sorted := slices.Clone(all)
	slices.SortStableFunc(sorted, func(a, b operate.Booking) int {
		if waits := a.HeldReason != ""; waits != (b.HeldReason != "") {
			if waits {
				return -1
			}
			return 1
		}
		return strings.Compare(b.At, a.At)
	})
	return sorted
}

// fillAccruals sums what is not paid out at the end of the day, and compiles it.
func (p *Portal) fillAccruals(r *http.Request, at *accrualPage, asked []operate.Booking) error {
	day, err := voucher.ParseDate(at.At)
	if err != nil {
		return &operate.Error{Attempted: "accrue", Happened: "this is not a day", Helps: "Choose the last day of a financial period.", Err: err}
	}
	if err := (report.Span{From: day.Time(), To: day.Time()}).Check(); err != nil {
		return tooManyDays("accrue", err)
	}
	profile, _, err := p.Desk.Doors.Profile(r.Context(), at.ID, 0)
	if err != nil {
		return err
	}
	made := &report.Reports{Source: p.Desk.Store, Connection: at.Connection, Zone: profile.Location(), Now: p.Now()}
	n, err := made.Unsettled(r.Context(), day)
	if err != nil {
		return err
	}
	figures := made.UnsettledReport(n)
	at.Columns, at.Notes = figures.Columns, figures.Notes()
	for line, err := range figures.Rows {
		if err != nil {
			return err
		}
		at.Rows = append(at.Rows, line)
	}
	for _, one := range operate.WouldAccrue(made, profile, n) {
		draft := accrualDraft{Booking: one}
		if one.Voucher != nil {
			draft.Hash = one.Voucher.Hash()
			draft.Taken = slices.ContainsFunc(asked, func(a operate.Booking) bool {
				return a.Voucher.Token == one.Voucher.Token && a.State != "intended" && a.State != "rejected"
			})
		}
		at.Drafts = append(at.Drafts, draft)
	}
	return nil
}

// accruing asks whether an accrual is meant, with its voucher.
type accruing struct {
	store.Connection
	accrualDraft
}

// accrue asks for an accrual, after it was confirmed. What is posted is the
// voucher that was shown, or nothing.
func (p *Portal) accrue(w http.ResponseWriter, r *http.Request) error {
	row, err := p.found(r)
	if err != nil {
		return err
	}
	at := accrualPage{Connection: row, At: r.PostFormValue("at")}
	currency, seen := r.PostFormValue("currency"), r.PostFormValue("voucher")
	attempted := "accrue " + currency + " at " + at.At
	if seen == "" {
		return &operate.Error{Attempted: attempted, Happened: "the page did not say which voucher was looked at", Helps: "Open the page of accruals again."}
	}
	if r.PostFormValue("sure") == "yes" {
		in := workflows.AccrualInput{Connection: row.ID, At: at.At, Currency: currency, Who: by(r), Seen: seen}
		if row.FourEyes {
			return p.ask(w, r, row.ID, operate.RequestAccrue, in)
		}
		return p.startAccrual(w, r, in)
	}
	if err := p.fillAccruals(r, &at, nil); err != nil {
		return err
	}
	for i := range at.Drafts {
		if d := at.Drafts[i]; d.Currency == currency && d.Hash == seen {
			p.show(w, r, http.StatusOK, "accruing", &accruing{row, d})
			return nil
		}
	}
	return &operate.Error{
		Attempted: attempted, Happened: "the figures are others than those that were looked at: payouts have come since",
		Helps: "Open the page of accruals again.",
	}
}

// retryAccrual lets an accrual that is held look again.
func (p *Portal) retryAccrual(w http.ResponseWriter, r *http.Request) error {
	return p.startAccrual(w, r, workflows.AccrualInput{
		Connection: r.PathValue("id"), At: r.PostFormValue("at"), Currency: r.PostFormValue("currency"), Who: by(r),
	})
}

func (p *Portal) startAccrual(w http.ResponseWriter, r *http.Request, in workflows.AccrualInput) error {
	attempted := "accrue " + in.Currency + " at " + in.At
	last, err := p.Desk.Accrue(r.Context(), in, 200*time.Millisecond, decisionWithin)
	switch {
	case err != nil && !errors.Is(err, operate.ErrStillGoing):
		return operate.Unanswered(attempted, err, nil)
	case last.State == workflows.AccrualRefused:
		return &operate.Error{Attempted: attempted, Happened: last.Refused}
	}
	return done(w, r, "/connections/"+in.Connection+"/accruals", "accrue")
}
