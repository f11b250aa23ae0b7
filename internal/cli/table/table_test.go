package table

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func written(t *testing.T, table *Table) string {
	t.Helper()
	var b strings.Builder
	if err := table.Write(&b); err != nil {
		t.Fatal(err)
	}
	return b.String()
}

func TestColumnsAlignByCharactersAndNumbersGoRight(t *testing.T) {
	table := New(Left("shop"), Right("amount"), Left("currency"))
	table.Add("Blåbärsbutiken", "12.50", "SEK")
	table.Add("Øl", "-1234.50", "DKK")
	want := `SHOP              AMOUNT  CURRENCY
Blåbärsbutiken     12.50  SEK
Øl              -1234.50  DKK
`
	if diff := cmp.Diff(want, written(t, table)); diff != "" {
		t.Error(diff)
	}
}

func TestNoLineEndsInASpace(t *testing.T) {
	table := New(Left("a"), Left("b"), Right("c"))
	table.Add("long enough", "")
	table.Add("x", "y")
	table.Blank()
	table.Add("", "", "3")
	for line := range strings.Lines(written(t, table)) {
		if trimmed := strings.TrimRight(line, "\n"); trimmed != strings.TrimRight(trimmed, " ") {
			t.Errorf("%q ends in a space", trimmed)
		}
	}
}

func TestPaintDoesNotMoveColumns(t *testing.T) {
	table := New(Left(""), Left(""))
	table.Paint = func(_ int, text string) string { return "\x1b[31m" + text + "\x1b[0m" }
	table.Add("held", "1")
	table.Add("verified", "2")
	want := "\x1b[31mheld\x1b[0m      \x1b[31m1\x1b[0m\n\x1b[31mverified\x1b[0m  \x1b[31m2\x1b[0m\n"
	if diff := cmp.Diff(want, written(t, table)); diff != "" {
		t.Error(diff)
	}
}

func TestACellStaysOnItsLine(t *testing.T) {
	table := New(Left("words"))
	table.Add("first\nsecond\tthird")
	if got := written(t, table); got != "WORDS\nfirst second third\n" {
		t.Errorf("got %q", got)
	}
}
