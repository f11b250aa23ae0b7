package portal

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"html/template"
	"net/http"
	"slices"
	"strings"
	"time"

	"go.uber.org/zap"

	"kvitt/internal/lang"
	"kvitt/internal/operate"
	"kvitt/internal/report"
	"kvitt/internal/store"
	"kvitt/internal/web"
)

// mostReported is the number of report lines on a page.
const mostReported = 300

// reportPage is a report on a page.
type reportPage struct {
	store.Connection
	Names, Formats []string
	Name           string
	From, To       string
	Month          string
	Columns        []report.Column
	Rows           []report.Row
	Pager          pager
	Notes          []string
	Charts         []template.HTML
}

// reports returns what makes the reports of a connection, up to date.
func (p *Portal) reports(r *http.Request, row *store.Connection) (*report.Reports, error) {
	profile, _, err := p.Desk.Doors.Profile(r.Context(), row.ID, 0)
	if err != nil {
		return nil, err
	}
	made := &report.Reports{Source: p.Desk.Store, Connection: *row, Zone: profile.Location(), Now: p.Now()}
	made.Language, made.Excel = lang.Of(languageOf(r).Tag), r.FormValue("excel") == "yes"
	made.Klarna = func(ctx context.Context) (report.Payer, error) { return p.Desk.Doors.Klarna(ctx, row.ID) }
	_, err = made.CatchUp(r.Context(), 0, nil)
	return made, err
}

// spanOf reads the days that a report is asked for; this month when none are.
func (p *Portal) spanOf(r *http.Request, zone *time.Location) (report.Span, error) {
	from, to := r.FormValue("from"), r.FormValue("to")
	if from == "" && to == "" {
		now := p.Now().In(zone)
		first := time.Date(now.Year(), now.Month(), 1, 0, 0, 0, 0, time.UTC)
		return report.Span{From: first, To: first.AddDate(0, 1, -1)}, nil
	}
	var span report.Span
	var err1, err2 error
	span.From, err1 = time.Parse(time.DateOnly, from)
	span.To, err2 = time.Parse(time.DateOnly, to)
	if err := errors.Join(err1, err2); err != nil || span.To.Before(span.From) {
		return span, say("report.days")
	}
	if err := span.Check(); err != nil {
		return span, tooManyDays("make a report", err)
	}
	return span, nil
}

// tooManyDays says in two sentences which days may be asked for.
func tooManyDays(attempted string, err error) error {
	var refused *report.SpanError
	if !errors.As(err, &refused) {
		return err
	}
	return &operate.Error{Attempted: attempted, Happened: "the days " + refused.Span.String() + " " + refused.Problem, Helps: refused.Helps, Err: err}
}

func (p *Portal) report(w http.ResponseWriter, r *http.Request) error {
	row, err := p.found(r)
	if err != nil {
		return err
	}
	all, err := p.reports(r, &row)
	if err != nil {
		return err
	}
	span, err := p.spanOf(r, all.Zone)
	if err != nil {
		return err
	}
	at := reportPage{
		Connection: row, Names: report.Names(), Formats: report.Formats(), Name: r.PathValue("name"),
		From: span.From.Format(time.DateOnly), To: span.To.Format(time.DateOnly), Month: span.From.Format("2006-01"),
	}
	if !slices.Contains(at.Names, at.Name) {
		return p.missing(w, r)
	}
	made, err := all.Make(r.Context(), at.Name, span)
	if err != nil {
		return err
	}
	at.Columns = made.Columns
	at.Pager = pagerOf(r, "page")
	skip := at.Pager.skip(mostReported)
	for line, err := range made.Rows {
		if err != nil {
			return err
		}
		switch n := len(at.Rows); {
		case skip > 0:
			skip--
		case n < mostReported:
			at.Rows = append(at.Rows, line)
		default: // the rest is gone through for the notes, which tell of all
			at.Pager.More = true
		}
	}
	if made.Notes != nil {
		at.Notes = made.Notes()
	}
	for i := range made.Charts {
		at.Charts = append(at.Charts, template.HTML(made.Charts[i].SVG())) //nolint:gosec // made by us, every word in it escaped
	}
	p.show(w, r, http.StatusOK, "report", &at)
	return nil
}

// reportForm is the page of a report without one: why it was refused, and the days
// that were typed.
func (p *Portal) reportForm(w http.ResponseWriter, r *http.Request) error {
	row, err := p.found(r)
	if err != nil {
		return err
	}
	name, _, _ := strings.Cut(cmp.Or(r.PathValue("name"), r.PathValue("file"), report.Register), ".")
	p.show(w, r, http.StatusConflict, "report", &reportPage{
		Connection: row, Names: report.Names(), Formats: report.Formats(), Name: name,
		From: r.FormValue("from"), To: r.FormValue("to"), Month: r.FormValue("month"), Pager: pagerOf(r, "page"),
	})
	return nil
}

// payoutsIn are the payouts that a cell of a report names; none for other cells.
func payoutsIn(row *report.Row, i int, column *report.Column) []string {
	if row.Total || i >= len(row.Cells) || column.Key != "payment_reference" && column.Key != "payouts" {
		return nil
	}
	return strings.Fields(strings.ReplaceAll(row.Cells[i].Words, ",", " "))
}

// monthIn is the month that a cell of a report is about, as its first and last
// day; nothing for other cells.
func monthIn(row *report.Row, i int, column *report.Column) *report.Span {
	if i >= len(row.Cells) || column.Key != "month" {
		return nil
	}
	span, err := report.Month(row.Cells[i].Words)
	if err != nil {
		return nil
	}
	return &span
}

// reportFile sends a report, whole, as a file.
func (p *Portal) reportFile(w http.ResponseWriter, r *http.Request) error {
	row, err := p.found(r)
	if err != nil {
		return err
	}
	name, format, _ := strings.Cut(r.PathValue("file"), ".")
	if !slices.Contains(report.Names(), name) || !slices.Contains(report.Formats(), format) {
		return p.missing(w, r)
	}
	all, err := p.reports(r, &row)
	if err != nil {
		return err
	}
	span, err := p.spanOf(r, all.Zone)
	if err != nil {
		return err
	}
	made, err := all.Make(r.Context(), name, span)
	if err != nil {
		return err
	}
	attach(w, fmt.Sprintf("kvitt-%s-%s-%s-%s.%s", row.ID, name, span.From.Format(time.DateOnly), span.To.Format(time.DateOnly), format))
	return p.cutOff(w, made.Write(web.Stream{W: w, Within: fileStall}, format, p.Now()))
}

// pack sends what a month's end needs as one file.
func (p *Portal) pack(w http.ResponseWriter, r *http.Request) error {
	row, err := p.found(r)
	if err != nil {
		return err
	}
	month, err := report.Month(r.FormValue("month"))
	var span *report.SpanError
	if errors.As(err, &span) {
		return tooManyDays("make a month's pack", err)
	}
	if err != nil {
		return say("report.nomonth")
	}
	all, err := p.reports(r, &row)
	if err != nil {
		return err
	}
	attach(w, fmt.Sprintf("kvitt-%s-%s.zip", row.ID, r.FormValue("month")))
	bundle := report.Zip(web.Stream{W: w, Within: fileStall}, p.Now())
	return p.cutOff(w, errors.Join(all.Pack(r.Context(), month, time.December, bundle), bundle.Close()))
}

// fileStall limits how long a browser may read nothing of a file.
const fileStall = time.Minute

func attach(w http.ResponseWriter, name string) {
	w.Header().Set("Content-Type", "application/octet-stream")
	w.Header().Set("Content-Disposition", `attachment; filename="`+name+`"`)
}

// cutOff ends a file that could not be written whole so that the browser
// notices: a file that is cut off must not look like a small one.
func (p *Portal) cutOff(w http.ResponseWriter, err error) error {
	if err == nil {
		return nil
	}
	p.Log.Error("a file could not be written whole", zap.Error(err))
	_ = http.NewResponseController(w).SetWriteDeadline(time.Now())
	panic(http.ErrAbortHandler) //nolint:forbidigo // how net/http breaks a connection off
}

// longestReference is more than any reference of Klarna's, a shop's or
// Visma.net's has, in bytes.
const longestReference = 255

// finding is a search and what it found.
type finding struct {
	store.Connection
	Reference string
	Hits      []report.Hit
	Asked     bool
}

// find looks for a reference of any kind.
func (p *Portal) find(w http.ResponseWriter, r *http.Request) error {
	row, err := p.found(r)
	if err != nil {
		return err
	}
	at := finding{Connection: row, Reference: strings.TrimSpace(r.URL.Query().Get("reference"))}
	if len(at.Reference) > longestReference {
		return &operate.Error{
			Attempted: "find a reference", Happened: fmt.Sprintf("it is longer than %d characters, and no reference is", longestReference),
			Helps: "Search for one reference at a time.",
		}
	}
	if at.Asked = at.Reference != ""; at.Asked {
		all, err := p.reports(r, &row)
		if err != nil {
			return err
		}
		if at.Hits, err = all.Find(r.Context(), at.Reference); err != nil {
			return err
		}
	}
	p.show(w, r, http.StatusOK, "find", &at)
	return nil
}
