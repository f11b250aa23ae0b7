package cli

import (
	"bytes"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/spf13/cobra"

	"kvitt/internal/cli/table"
	"kvitt/internal/store"
)

// narrow is a terminal of so many columns.
type narrow struct {
	bytes.Buffer
	columns int
}

func (n *narrow) Columns() int { return n.columns }

// onTerminal runs a command on a terminal of so many columns.
func (d *desk) onTerminal(columns int, args ...string) string {
	d.t.Helper()
	out, errs := &narrow{columns: columns}, &narrow{columns: columns}
	d.runTo(d.t.Context(), Streams{In: strings.NewReader(""), Out: out, Err: errs}, args...)
	return out.String() + errs.String()
}

// fits checks that no line is wider than the terminal, except one that is a
// single word or a command to copy.
func fits(t *testing.T, what, text string, columns int) {
	t.Helper()
	for line := range strings.Lines(text) {
		if strings.HasPrefix(strings.TrimSpace(line), "starter ") || len(strings.Fields(line)) == 1 {
			continue
		}
		if n := utf8.RuneCountInString(strings.TrimRight(line, "\n")); n > columns {
			t.Errorf("%s: %d columns: %s", what, n, line)
		}
	}
}

// readers are the commands that print tables.
var readers = []string{
	"connection list", "connection show shop-1", "payout list shop-1", "payout show shop-1 P1", "payout show shop-1 P2", "payout show shop-1 P3",
	"find shop-1 P1", "profile history shop-1", "profile presets", "audit", "audit shop-1", "doctor",
	"profile check testdata/none.yaml",
	"report held shop-1", "report unsettled shop-1 --at 2026-01-31", "report register shop-1 --month 2026-01", "report completeness shop-1 --month 2026-01",
	"report clearing shop-1 --month 2026-01", "report reserve shop-1 --month 2026-01", "report debt shop-1 --month 2026-01", "report fees shop-1 --month 2026-01",
	"report disputes shop-1 --month 2026-01", "report loans shop-1 --month 2026-01",
}

func TestEveryTableFitsTheTerminal(t *testing.T) {
	d := reportsDesk(t)
	vismaClock(t, noon)
	d.connected("shop-2-with-an-id-that-somebody-made-long", func(c *store.Connection) {
		c.Name = "Nordisk Webbhandel med ett mycket långt namn i Göteborg och Mölndal AB"
		c.CompanyName = "Nordisk Webbhandel i Göteborg och Mölndal Holding Aktiebolag (publ)"
	})
	for _, columns := range []int{80, 60} {
		for _, line := range readers {
			fits(t, line, d.onTerminal(columns, strings.Fields(line)...), columns)
		}
	}
	if wide := d.onTerminal(200, "report", "completeness", "shop-1", "--month", "2026-01"); !regexp.MustCompile(`(?m)^MONTH .* VERDICT$`).MatchString(wide) {
		t.Error("a wide terminal is not made use of")
	}
}

func TestAPipeGetsOneLineForEachRow(t *testing.T) {
	d := reportsDesk(t)
	contains(t, d.run("report", "held", "shop-1").out, "REASON             AGE           DAYS  PAYOUT      REFERENCE  CURR.  KLARNA PAID  WHAT HAPPENED\n")
}

// Every table of the golden files is written again for a narrow terminal.
func TestTheTablesOfTheGoldenFilesFit(t *testing.T) {
	all, err := filepath.Glob("testdata/*.golden")
	if err != nil || len(all) == 0 {
		t.Fatal(err)
	}
	gap := regexp.MustCompile(`  +`)
	for _, name := range all {
		body, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		for block := range strings.SplitSeq(string(body), "\n\n") {
			lines := strings.Split(strings.TrimSpace(block), "\n")
			heading := gap.Split(lines[0], -1)
			if len(heading) < 3 || strings.ToUpper(lines[0]) != lines[0] {
				continue
			}
			columns := make([]table.Column, len(heading))
			for i := range heading {
				columns[i] = table.Left(heading[i])
			}
			again := table.New(columns...)
			for _, line := range lines[1:] {
				again.Add(gap.Split(line, len(heading))...)
			}
			to := &narrow{columns: 80}
			if err := again.Write(to); err != nil {
				t.Fatal(err)
			}
			fits(t, name, to.String(), 80)
		}
	}
}

func TestEveryPageOfHelpFits(t *testing.T) {
	d := newDesk(t)
	everyCommand(newApp(Streams{}).rootCommand(), func(c *cobra.Command) {
		page, example, _ := strings.Cut(d.run(append(strings.Fields(c.CommandPath())[1:], "--help")...).out, "Examples:\n")
		_, flags, _ := strings.Cut(example, "\nFlags:\n")
		fits(t, c.CommandPath(), page+flags, 80)
	})
}
