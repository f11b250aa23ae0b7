package cli

import (
	"context"
	"fmt"
	"io"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"kvitt/internal/cli/table"
	"kvitt/internal/lang"
	"kvitt/internal/operate"
	"kvitt/internal/report"
)

// reportWords say what each report is.
var reportWords = map[string]string{
	report.Completeness:  "Compare what Kvitt knows and has booked with Klarna's own summary, by month and currency",
	report.Disputes:      "List disputed orders: what Klarna withheld and returned, what is open, and for how long",
	report.Loans:         "Make a statement of each of Klarna's loans",
	report.Register:      "List payouts with what stands in Visma.net for each, and the difference",
	report.Clearing:      "Roll the clearing account forward by month",
	report.Reserve:       "Roll the reserve that Klarna holds forward by month",
	report.Debt:          "Roll the debt to Klarna forward by month",
	report.Fees:          "Sum Klarna's fees and the VAT on them by month, kind and rate",
	report.UnsettledName: "Sum what was captured but not yet paid out at the end of a day",
	report.Held:          "List what is held or waits for approval by reason and age",
}

func (a *app) reportCommand() *cobra.Command {
	c := group(&cobra.Command{Use: "report", Short: "Make reports for the month's end"})
	for _, name := range report.Names() {
		c.AddCommand(a.oneReportCommand(name))
	}
	c.AddCommand(a.packCommand())
	return c
}

// wanted is which days a report is about, and where it goes.
type wanted struct {
	language string
	excel    bool
	target
	from, to, month, at, format string
	yearEnd                     int
}

// spanFor is the span that a report takes: none, the end of a day, or days.
func (in *wanted) spanFor(name string) (report.Span, error) {
	switch name {
	case report.Held:
		return report.Span{}, nil
	case report.UnsettledName:
		if in.at == "" {
			return report.Span{}, usagef("--at is required: report as of the end of this day, such as 2026-01-31")
		}
		at, err := parseDay("--at", in.at)
		return report.Span{From: at, To: at}, err
	}
	return in.span()
}

func (in *wanted) span() (report.Span, error) {
	var s report.Span
	var err error
	if in.month != "" {
		if in.from != "" || in.to != "" {
			return s, usagef("--month stands for --from and --to; give either")
		}
		if s, err = report.Month(in.month); err != nil {
			err = usagef("--month is %q; it is a month such as 2026-01", in.month)
		}
		return s, err
	}
	if in.from == "" || in.to == "" {
		return s, usagef("--from and --to are both needed, or --month: days such as 2026-01-31, both included")
	}
	if s.From, err = parseDay("--from", in.from); err != nil {
		return s, err
	}
	if s.To, err = parseDay("--to", in.to); err != nil {
		return s, err
	}
	if s.To.Before(s.From) {
		return s, usagef("--to %s is before --from %s; swap them", in.to, in.from)
	}
	return s, bounded(s.From, s.To)
}

// bounded refuses days that nothing can be about.
func bounded(from, to time.Time) error {
	if err := (report.Span{From: from, To: to}).Check(); err != nil && !to.Before(from) {
		return usagef("%s", err)
	}
	return nil
}

// check makes sure of the format, which the name of the file may tell.
func (in *wanted) check() error {
	if in.format == "" {
		in.format = strings.TrimPrefix(filepath.Ext(in.out), ".")
		if !slices.Contains(report.Formats(), in.format) {
			in.format = "table"
		}
	}
	switch {
	case in.format != "table" && !slices.Contains(report.Formats(), in.format):
		return usagef("--format is %q; it is table, %s", in.format, strings.Join(report.Formats(), ", "))
	case in.out == "" && (in.format == "xlsx" || in.format == "pdf"):
		return usagef("%s cannot be printed; use --out FILE", in.format)
	}
	return nil
}

func (a *app) oneReportCommand(name string) *cobra.Command {
	var in wanted
	c := &cobra.Command{
		Use:   name + " ID",
		Short: reportWords[name],
		Example: fmt.Sprintf(`  starter report %[1]s k3x9-m2qp --from 2026-01-01 --to 2026-03-31
  starter report %[1]s k3x9-m2qp --from 2026-01-01 --to 2026-03-31 --out %[1]s.xlsx`, name),
		Args: exactly("the id of a connection"),
		RunE: func(c *cobra.Command, args []string) error {
			if err := in.check(); err != nil {
				return err
			}
			span, err := in.spanFor(name)
			if err != nil {
				return err
			}
			if err := in.free(); err != nil {
				return err
			}
			return a.local(func(ctx context.Context, s *session, args []string) error {
				return s.report1(ctx, args[0], name, span, &in)
			})(c, args)
		},
	}
	f := c.Flags()
	switch name {
	case report.Held:
		c.Example = "  starter report held k3x9-m2qp\n  starter report held k3x9-m2qp --format csv --out held.csv"
	case report.Completeness:
		c.Example = "  starter report completeness k3x9-m2qp --month 2026-01\n  starter report completeness k3x9-m2qp --from 2026-01-01 --to 2026-03-31 --out completeness.xlsx"
		c.Long = reportWords[name] + `.

Klarna is asked with GET /payouts/summary, and its answers are kept as they were
received. Exit status 3 says that something does not agree or is not booked.`
	case report.UnsettledName:
		c.Example = "  starter report unsettled k3x9-m2qp --at 2026-01-31\n  starter report unsettled k3x9-m2qp --at 2026-01-31 --out unsettled.xlsx"
		f.StringVar(&in.at, "at", "", "report as of the end of this `DATE`, in the company's zone")
	}
	if name != report.Held && name != report.UnsettledName {
		f.StringVar(&in.month, "month", "", "the days of this `MONTH`, such as 2026-01, instead of --from and --to")
		f.StringVar(&in.from, "from", "", "from this `DATE` on, in the company's zone")
		f.StringVar(&in.to, "to", "", "until this `DATE`, which is included")
	}
	f.StringVar(&in.format, "format", "", "`FORMAT`: table, csv, xlsx or pdf (default by the name of the file, else table)")
	in.flags(c, "write to this new `FILE`")
	in.spoken(c)
	return c
}

// reports returns what makes the reports of a connection.
func (s *session) reports(ctx context.Context, id string) (*report.Reports, error) {
	row, err := s.connection(ctx, id)
	if err != nil {
		return nil, err
	}
	zone, err := s.zone(ctx, id)
	if err != nil {
		return nil, err
	}
	return &report.Reports{
		Source: s.store, Connection: row, Zone: zone, Now: s.now(),
		Klarna: func(ctx context.Context) (report.Payer, error) { return s.doors.Klarna(ctx, id) },
	}, nil
}

// current brings what reports read up to date, and says so when it takes long.
func (s *session) current(ctx context.Context, r *report.Reports) error {
	done, err := r.CatchUp(ctx, 0, func(done int) {
		if done%10_000 == 0 {
			s.say("%d payouts and postings that are new to the reports read so far.", done)
		}
	})
	if err == nil && done >= 1000 {
		s.say("%d payouts and postings that are new to the reports read.", done)
	}
	return err
}

func (s *session) report1(ctx context.Context, id, name string, span report.Span, in *wanted) error {
	r, err := s.reports(ctx, id)
	if err == nil {
		err = in.speaks(r)
	}
	if err != nil {
		return err
	}
	if name != report.Held && name != report.UnsettledName { // these need no sums
		if err := s.current(ctx, r); err != nil {
			return err
		}
	}
	made, err := r.Make(ctx, name, span)
	if err != nil {
		return err
	}
	bad := seesBad(made)
	write := func(w io.Writer) error { return made.Write(w, in.format, r.Now) }
	switch {
	case s.json() && in.format == "table":
		write = made.JSON
	case in.format == "table":
		write = func(w io.Writer) error { return writeReportTable(w, made, s.paint) }
	}
	if in.out == "" {
		err = write(s.Out)
	} else if err = in.write(write); err == nil {
		s.say("Wrote %s.", in.out)
	}
	if err == nil && *bad && name == report.Completeness {
		return errHeld
	}
	return err
}

// seesBad notes whether a row went by that does not agree.
func seesBad(made *report.Report) *bool {
	bad, rows := new(bool), made.Rows
	made.Rows = func(yield func(report.Row, error) bool) {
		for row, err := range rows {
			*bad = *bad || row.Bad
			if !yield(row, err) {
				return
			}
		}
	}
	return bad
}

// writeReportTable writes a report for people, what does not agree in red.
func writeReportTable(w io.Writer, made *report.Report, paint painter) error {
	columns := make([]table.Column, len(made.Columns))
	for i := range made.Columns {
		c := &made.Columns[i]
		columns[i] = table.Left(c.Name)
		if c.Kind == report.Money || c.Kind == report.Count || c.Kind == report.Rate {
			columns[i] = table.Right(c.Name)
		}
	}
	t := table.New(columns...)
	t.Width = width(w)
	t.Paint = func(column int, text string) string {
		if made.Columns[column].Key == "verdict" && strings.ToUpper(text) == text {
			return paint.bad(text)
		}
		return text
	}
	for row, err := range made.Rows {
		if err != nil {
			return err
		}
		cells := make([]string, len(row.Cells))
		for i := range row.Cells {
			cells[i] = operate.Printable(row.Cells[i].Decimal(made.Columns[i].Kind))
		}
		t.Add(cells...)
	}
	fmt.Fprintf(w, "%s\n%s\n\n", made.Title, made.About)
	if t.Rows() == 0 {
		fmt.Fprintln(w, "Nothing.")
	} else if err := t.Write(w); err != nil {
		return err
	}
	fmt.Fprintln(w)
	for _, note := range made.Notes() {
		told := table.Fold(operate.Printable(note), width(w), 0)
		if report.Alarming(note) {
			told = paint.bad(told)
		}
		fmt.Fprintln(w, told)
	}
	return nil
}

func (a *app) packCommand() *cobra.Command {
	var in wanted
	var month string
	c := &cobra.Command{
		Use:   "pack ID",
		Short: "Write the reports, vouchers, PDFs and audit trail of a month as one zip file",
		Example: `  starter report pack k3x9-m2qp --month 2026-01 --out 2026-01.zip
  starter report pack k3x9-m2qp --month 2026-01 --year-end 6 --out 2026-01.zip`,
		Args: exactly("the id of a connection"),
		RunE: func(c *cobra.Command, args []string) error {
			if month == "" || in.out == "" {
				return usagef("--month and --out are both needed: a month such as 2026-01, and a file such as 2026-01.zip")
			}
			span, err := report.Month(month)
			if err != nil {
				return usagef("--month is %q; it is a month such as 2026-01", month)
			}
			if err := in.checkYear(); err != nil {
				return err
			}
			if err := in.free(); err != nil {
				return err
			}
			return a.local(func(ctx context.Context, s *session, args []string) error {
				r, err := s.reports(ctx, args[0])
				if err == nil {
					err = in.speaks(r)
				}
				if err != nil {
					return err
				}
				if err := s.current(ctx, r); err != nil {
					return err
				}
				return s.bundle(&in.target, r, func(b *report.Bundle) error { return r.Pack(ctx, span, time.Month(in.yearEnd), b) })
			})(c, args)
		},
	}
	f := c.Flags()
	f.StringVar(&month, "month", "", "the `MONTH`, such as 2026-01")
	in.flags(c, "write to this new `FILE`")
	in.spoken(c)
	in.yearFlag(c)
	return c
}

// spoken adds in which language a report is, and for whom its CSV.
func (in *wanted) spoken(c *cobra.Command) {
	c.Flags().StringVar(&in.language, "language", string(lang.English), "`LANGUAGE` of what is written: en, sv or nb")
	c.Flags().BoolVar(&in.excel, "excel", false, "write CSV that Excel opens in columns in Sweden and Norway: semicolons, decimal commas")
	_ = c.RegisterFlagCompletionFunc("language", cobra.FixedCompletions([]string{"en", "sv", "nb"}, cobra.ShellCompDirectiveNoFileComp))
}

// speaks sets that for the reports that are made.
func (in *wanted) speaks(r *report.Reports) error {
	if r.Language, r.Excel = lang.Of(in.language), in.excel; string(r.Language) != in.language {
		return usagef("--language is %q; it is en, sv or nb", in.language)
	}
	return nil
}

func (in *wanted) yearFlag(c *cobra.Command) {
	c.Flags().IntVar(&in.yearEnd, "year-end", 12, "the last `MONTH` of the company's financial year, 1 to 12, from which the time to keep documents is counted")
}

func (in *wanted) checkYear() error {
	if in.yearEnd < 1 || in.yearEnd > 12 {
		return usagef("--year-end is %d; it is a month from 1 to 12", in.yearEnd)
	}
	return nil
}

// bundled holds what a bundle came to, for programs.
type bundled struct {
	File  string `json:"file"`
	Files int    `json:"files"`
}

// bundle writes a zip file, or a folder where the name does not end in .zip.
func (s *session) bundle(to *target, r *report.Reports, fill func(*report.Bundle) error) error {
	name := to.out
	done := bundled{File: name}
	write := func(b *report.Bundle) error {
		if err := fill(b); err != nil {
			return err
		}
		err := b.Close()
		done.Files = b.Files()
		return err
	}
	var err error
	if strings.EqualFold(filepath.Ext(name), ".zip") {
		err = to.write(func(w io.Writer) error { return write(report.Zip(w, r.Now)) })
	} else {
		err = write(report.Folder(name, to.force))
	}
	if err != nil {
		return err
	}
	return s.show(done, func(w io.Writer) error {
		_, err := fmt.Fprintf(w, "%s: %s. `sha256sum -c SHA256SUMS` checks them.\n", name, counted(done.Files, "file"))
		return err
	})
}
