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

func TestTheLastColumnIsFoldedIntoTheTerminal(t *testing.T) {
	table := New(Left(""), Left(""))
	table.Width = 40
	table.Heading("shop-1, a heading that no column shapes")
	table.Add("failed", "it does not answer; run `starter doctor --x` and read")
	want := `shop-1, a heading that no column shapes
failed  it does not answer; run
        ` + "`starter doctor --x` and read\n"
	if diff := cmp.Diff(want, written(t, table)); diff != "" {
		t.Error(diff)
	}
}

func TestFoldingKeepsCommandsWholeAndWordsInOrder(t *testing.T) {
	for _, c := range []struct {
		words           string
		columns, indent int
		want            string
	}{
		{"no terminal, no folding", 0, 2, "no terminal, no folding"},
		{"too narrow to fold anything at all", 30, 20, "too narrow to fold anything at all"},
		{"one two three four five six", 26, 2, "one two three four five\n  six"},
		{"run `starter sync shop-1` then", 26, 0, "run `starter sync shop-1`\nthen"},
		{"a backtick ` without its second one", 30, 0, "a backtick\n` without its second one"},
		{"averylongwordthatfitsnowhereatall and", 26, 0, "averylongwordthatfitsnowhereatall\nand"},
	} {
		if got := Fold(c.words, c.columns, c.indent); got != c.want {
			t.Errorf("%q: got %q, want %q", c.words, got, c.want)
		}
	}
}

func TestAnOptionalColumnIsLeftOutWhileItIsEmpty(t *testing.T) {
	for filled, want := range map[string]string{
		"":   "A  C\n1  <3>\n",
		"25": "A  B   C\n1  25  <3>\n",
	} {
		table := New(Left("a"), Optional("b"), Left("c"))
		table.Paint = func(column int, text string) string {
			if column == 2 {
				return "<" + text + ">"
			}
			return text
		}
		table.Add("1", filled, "3")
		if diff := cmp.Diff(want, written(t, table)); diff != "" {
			t.Error(diff)
		}
	}
}
