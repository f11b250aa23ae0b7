package klarna

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"iter"
	"runtime"
	"slices"
	"strings"
	"testing"
	"testing/iotest"

	"github.com/google/go-cmp/cmp"
)

// one is a listing of one file, or of several.
func one(files ...io.Reader) iter.Seq2[io.Reader, error] {
	return func(yield func(io.Reader, error) bool) {
		for _, f := range files {
			if !yield(f, nil) {
				return
			}
		}
	}
}

func everyRow(*Transaction, *At) error { return nil }

func everyPage(io.Reader, Extent) error { return nil }

// readAll reads every page of a text, a few bytes at a time.
func readAll(text string) (rows []Transaction, pages []Extent, err error) {
	err = ReadPages(one(iotest.HalfReader(strings.NewReader(text))),
		func(t *Transaction, _ *At) error { rows = append(rows, *t); return nil },
		func(_ io.Reader, e Extent) error { e.Digest = 0; pages = append(pages, e); return nil })
	return rows, pages, err
}

func TestAFileOfTransactionsIsReadAsThePagesAre(t *testing.T) {
	first, second := samplePage(0, 7, 12), samplePage(7, 5, 12)
	var want []Transaction
	for _, body := range [][]byte{first, second} {
		page, err := DecodeTransactions(body)
		if err != nil {
			t.Fatal(err)
		}
		want = append(want, page.Items...)
	}
	got, pages, err := readAll("\ufeff" + string(first) + "\n" + string(second) + "\n")
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("the rows differ (-page +file):\n%s", diff)
	}
	if diff := cmp.Diff([]Extent{{Rows: 7, Count: 7, Offset: 0, Total: 12}, {Rows: 5, Count: 5, Offset: 7, Total: 12}}, pages); diff != "" {
		t.Errorf("the pages differ:\n%s", diff)
	}
}

func TestForeignTextInAFileIsBorneWithAsInAPage(t *testing.T) {
	rows, _, err := readAll("[{\"amount\":1,\"type\":\"SALE\",\"currency_code\":\"SEK\",\"merchant_reference1\":\"order \\ud83d\",\"klarna_comment\":\"sm\xf6r\"}]")
	if err != nil || len(rows) != 1 || rows[0].MerchantReference1 != "order \ufffd" || rows[0].KlarnaComment != "sm\ufffdr" {
		t.Errorf("got %+v, %v", rows, err)
	}
}

// row is a row that lacks nothing.
const row = `{"amount":1,"type":"SALE","currency_code":"SEK"}`

func TestAPageStatesWhatItStates(t *testing.T) {
	for text, want := range map[string][]Extent{
		``:                           nil,
		`[]`:                         {{Rows: 0, Count: -1, Offset: -1, Total: -1}},
		`[` + row + `, ` + row + `]`: {{Rows: 2, Count: -1, Offset: -1, Total: -1}},
		`{"transactions":[]}`:        {{Rows: 0, Count: -1, Offset: -1, Total: -1}},
		"{\"transactions\":[ ],\n\"pagination\":{\"count\":0,\"total\":0,\"offset\":0}}":     {{Rows: 0}},
		`{"pagination":{"count":1,"total":9},"more":{"a":[1]},"transactions":[` + row + `]}`: {{Rows: 1, Count: 1, Offset: -1, Total: 9}},
	} {
		_, pages, err := readAll(text)
		if diff := cmp.Diff(want, pages); diff != "" || err != nil {
			t.Errorf("%s: %v %s", text, err, diff)
		}
	}
}

func TestWhatIsWrongWithAFileIsSaidWithItsPlace(t *testing.T) {
	for text, want := range map[string]string{
		"{\n  \"transactions\": [\n    " + row + ",\n    {\"amount\": 12.5}\n  ]\n}": `line 4, column 16: row 2: amount is 12.5, not a whole number`,
		"[{\"amount\":1,\n\"amount\":2}]":                                            `line 2, column 10: row 1: amount stands twice`,
		"[" + row + ",\n {\"amount\":1}]":                                            `line 2, column 2: row 2: it lacks type and currency_code`,
		"[" + row + ",\n 5]":                                                         `line 2, column 2: row 2: it is 5, not an object`,
		"{\"transactions\":[\n" + row + ",\n{\"amo":                                  `line 3, column 6: row 2: it breaks off after 73 bytes`,
		"{\"transactions\":[\n" + row:                                                `line 2, column 49: row 2: it breaks off after 66 bytes`,
		"{\"transactions\":[\n" + row + "\n" + row + "]}":                            `line 3, column 1: row 2: it is not JSON: invalid character '{' after array element (expecting ',' or ']') within "/transactions" after offset 67`,
		"\n{\"a\":\n1}":                                                              `line 2, column 1: it lacks transactions`,
		"{\"transactions\":\"https://\"}":                                            `line 1, column 17: it has transactions that are no array`,
		"{\"transactions\":[],\n\"pagination\":{\"count\":\"1\"}}":                   `line 2, column 23: pagination.count is "1", not a whole number`,
		"[]\n[]\nx": `line 3, column 1: it is not JSON: invalid character 'x' at start of value after offset 6`,
		"17":        `line 1, column 1: it is neither an object nor an array`,
	} {
		_, _, err := readAll(text)
		var placed *PlacedError
		if !errors.As(err, &placed) || err.Error() != want {
			t.Errorf("%s\n got %v\nwant %s", text, err, want)
		}
	}
}

func TestAFileThatCannotBeReadIsNotCalledBroken(t *testing.T) {
	gone := errors.New("the disk is gone")
	broken := io.MultiReader(strings.NewReader(`{"transactions":[`+row), iotest.ErrReader(gone))
	rows := 0
	err := ReadPages(one(broken), func(*Transaction, *At) error { rows++; return nil }, everyPage)
	if !errors.Is(err, gone) || rows != 1 {
		t.Errorf("after %d rows it says %v", rows, err)
	}
}

func TestTheErrorsOfOthersStayWhatTheyAre(t *testing.T) {
	theirs := errors.New("no more of that")
	long := `[` + strings.Repeat(row+",", 5000) + row + `]`
	for name, err := range map[string]error{
		"each":  ReadPages(one(strings.NewReader(long)), func(*Transaction, *At) error { return theirs }, everyPage),
		"page":  ReadPages(one(strings.NewReader("[]"+long)), everyRow, func(io.Reader, Extent) error { return theirs }),
		"files": ReadPages(func(yield func(io.Reader, error) bool) { yield(nil, theirs) }, everyRow, everyPage),
	} {
		if !errors.Is(err, theirs) {
			t.Errorf("that of %s became %v", name, err)
		}
	}
}

func TestEachRowSaysWhereItStands(t *testing.T) {
	files := []io.Reader{strings.NewReader("[\n" + row + ",\n  " + row + "]\n[" + row + "]"), strings.NewReader("[]\n"), strings.NewReader("[" + row + "]")}
	var got []At
	var pages []io.Reader
	err := ReadPages(one(files...),
		func(_ *Transaction, at *At) error { got = append(got, *at); return nil },
		func(file io.Reader, _ Extent) error { pages = append(pages, file); return nil })
	if err != nil {
		t.Fatal(err)
	}
	want := []At{{files[0], Place{2, 1}, 1}, {files[0], Place{3, 3}, 2}, {files[0], Place{4, 2}, 1}, {files[2], Place{1, 2}, 1}}
	if !slices.Equal(got, want) {
		t.Errorf("the rows stand at %v, want %v", got, want)
	}
	if !slices.Equal(pages, []io.Reader{files[0], files[0], files[1], files[2]}) {
		t.Errorf("the pages are of %v", pages)
	}
}

func TestRowsComeInOrderAcrossBatchesPagesAndFiles(t *testing.T) {
	var files []io.Reader
	var want []int64
	next := int64(0)
	for _, sizes := range [][]int{{1, 200, 0}, {64}, {}, {128, 63}, {1000}} {
		var b strings.Builder
		for _, n := range sizes {
			b.WriteString(`{"transactions":[`)
			for i := range n {
				if i > 0 {
					b.WriteByte(',')
				}
				fmt.Fprintf(&b, `{"amount":%d,"type":"SALE","currency_code":"SEK"}`, next)
				want = append(want, next)
				next++
			}
			fmt.Fprintf(&b, `],"pagination":{"count":%d}}`, n)
		}
		files = append(files, strings.NewReader(b.String()))
	}
	var got, counts []int64
	err := ReadPages(one(files...),
		func(t *Transaction, _ *At) error { got = append(got, t.Amount); return nil },
		func(_ io.Reader, e Extent) error {
			if e.Rows != e.Count {
				t.Errorf("a page of %d has %d rows", e.Count, e.Rows)
			}
			counts = append(counts, int64(len(got)))
			return nil
		})
	if err != nil || !slices.Equal(got, want) || !slices.Equal(counts, []int64{1, 201, 201, 265, 393, 456, 1456}) {
		t.Errorf("%d of %d rows, pages after %v: %v", len(got), len(want), counts, err)
	}
}

func TestARowThatNeverEndsIsRefused(t *testing.T) {
	for _, text := range []string{`[{"order_id":"` + strings.Repeat("x", 3*mostValue), `{"other":"` + strings.Repeat("x", 3*mostValue), `[` + strings.Repeat(" ", 3*mostValue)} {
		_, _, err := readAll(text)
		if err == nil || !strings.Contains(err.Error(), "is longer than 1048576 bytes") {
			t.Errorf("%.20s: %v", text, err)
		}
	}
}

// longFile writes pages of rows that are never in memory together.
type longFile struct{ rows, page int }

func (e *longFile) reader() io.Reader {
	in, out := io.Pipe()
	go func() {
		fmt.Fprint(out, `{"transactions":[`)
		body := samplePage(0, e.page, 0)
		items := itemsOf(body)
		items = items[1 : len(items)-1]
		for i := range e.rows / e.page {
			if i > 0 {
				_, _ = out.Write([]byte(","))
			}
			if _, err := out.Write(items); err != nil {
				return
			}
		}
		fmt.Fprintf(out, `],"pagination":{"count":%d}}`, e.rows)
		_ = out.Close()
	}()
	return in
}

func TestMemoryDoesNotGrowWithTheRowsOfAFile(t *testing.T) {
	peak := func(rows int) (most uint64) {
		seen := 0
		err := ReadPages(one((&longFile{rows: rows, page: 300}).reader()), func(*Transaction, *At) error {
			if seen++; seen%(rows/10) == 0 {
				var m runtime.MemStats
				runtime.GC()
				runtime.ReadMemStats(&m)
				most = max(most, m.HeapAlloc)
			}
			return nil
		}, everyPage)
		if err != nil {
			t.Fatal(err)
		}
		return most
	}
	small, large := peak(3_000), peak(90_000)
	if large > small+2<<20 {
		t.Errorf("90,000 rows take %d bytes, and 3,000 take %d", large, small)
	}
}

func BenchmarkReadPages(b *testing.B) {
	body := samplePage(0, 9000, 9000)
	b.SetBytes(int64(len(body)))
	for b.Loop() {
		if err := ReadPages(one(bytes.NewReader(body)), everyRow, everyPage); err != nil {
			b.Fatal(err)
		}
	}
}
