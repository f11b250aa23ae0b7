package try_test

import (
	"bytes"
	"encoding/json"
	"flag"
	"iter"
	"os"
	"path/filepath"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"

	"kvitt/internal/klarna"
	"kvitt/internal/try"
	"kvitt/internal/voucher"
)

var renew = flag.Bool("renew", false, "write the golden files anew")

const examples = "../../docs/examples"

// profile is the posting profile of these tests.
func profile(t *testing.T) *voucher.Profile {
	t.Helper()
	p, err := voucher.ParseProfile(read(t, "testdata/profile.yaml"))
	if err != nil {
		t.Fatal(err)
	}
	return p
}

func read(t *testing.T, path string) []byte {
	t.Helper()
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return text
}

// file is a document of a test.
type file struct{ name, text string }

func (f file) document() try.Document {
	return try.Document{Name: f.name, Reader: bytes.NewReader([]byte(f.text))}
}

func all(files ...file) iter.Seq2[try.Document, error] {
	return func(yield func(try.Document, error) bool) {
		for _, f := range files {
			if !yield(f.document(), nil) {
				return
			}
		}
	}
}

// kept is a file of these tests, or of the examples.
func kept(t *testing.T, path string) file {
	t.Helper()
	return file{filepath.Base(path), string(read(t, path))}
}

func example(t *testing.T) (payout, one, two file) {
	t.Helper()
	return kept(t, examples+"/payout.json"), kept(t, examples+"/transactions-1.json"), kept(t, examples+"/transactions-2.json")
}

func debt(n int64) *int64 { return &n }

func day(t *testing.T, text string) voucher.Date {
	t.Helper()
	d, err := voucher.ParseDate(text)
	if err != nil {
		t.Fatal(err)
	}
	return d
}

func golden(t *testing.T, name string, answer *try.Answer) {
	t.Helper()
	var got bytes.Buffer
	e := json.NewEncoder(&got)
	e.SetIndent("", "  ")
	if err := e.Encode(answer); err != nil {
		t.Fatal(err)
	}
	path := filepath.Join("testdata", name+".golden.json")
	if *renew {
		if err := os.WriteFile(path, got.Bytes(), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	if diff := cmp.Diff(string(read(t, path)), got.String()); diff != "" {
		t.Errorf("%s differs (-want +got):\n%s", path, diff)
	}
}

// Each answer was checked by hand before it became golden.
func TestWhatBecomesOfAPayout(t *testing.T) {
	payout, one, two := example(t)
	for name, in := range map[string]struct {
		payout  file
		pages   []file
		closing *int64
		at      string
	}{
		"example":              {payout, []file{one, two}, nil, ""},
		"accrued":              {payout, []file{two, one}, nil, "2026-01-31"},
		"accrued-before":       {payout, []file{one, two}, nil, "2026-01-29"},
		"accrued-when-paid":    {payout, []file{one, two}, nil, "2026-02-03"},
		"debt-added":           {kept(t, "testdata/debt-added.payout.json"), []file{kept(t, "testdata/debt-added.transactions.json")}, debt(10000), ""},
		"debt-of-another-size": {kept(t, "testdata/debt-added.payout.json"), []file{kept(t, "testdata/debt-added.transactions.json")}, debt(9000), ""},
		"rows-differ":          {kept(t, "testdata/rows-differ.payout.json"), []file{kept(t, "testdata/rows-differ.transactions.json")}, nil, ""},
		"fee-bill":             {kept(t, "testdata/fee-bill.payout.json"), []file{kept(t, "testdata/fee-bill.transactions.json")}, nil, ""},
		"unknown-rule":         {kept(t, "testdata/unknown-rule.payout.json"), []file{kept(t, "testdata/unknown-rule.transactions.json")}, nil, ""},
		"nothing":              {kept(t, "testdata/nothing.payout.json"), []file{kept(t, "testdata/nothing.transactions.json")}, nil, ""},
		"reserve-eur":          {kept(t, "testdata/reserve-eur.payout.json"), []file{kept(t, "testdata/reserve-eur.transactions.json")}, nil, ""},
	} {
		t.Run(name, func(t *testing.T) {
			input := try.Input{Payout: in.payout.document(), Transactions: all(in.pages...), Profile: profile(t), Provider: klarna.Klarna, ClosingDebt: in.closing}
			if in.at != "" {
				input.AccrueAt = day(t, in.at)
			}
			answer, err := try.Run(t.Context(), &input)
			if err != nil {
				t.Fatal(err)
			}
			golden(t, name, answer)
		})
	}
}

// However the same rows are cut into files, the answer is the same.
func TestTheCutOfTheRowsDoesNotMatter(t *testing.T) {
	payout, one, two := example(t)
	var first, second struct {
		Transactions []json.RawMessage `json:"transactions"`
	}
	for text, into := range map[string]any{one.text: &first, two.text: &second} {
		if err := json.Unmarshal([]byte(text), into); err != nil {
			t.Fatal(err)
		}
	}
	rows := slices.Concat(first.Transactions, second.Transactions)
	page := func(pagination string) file {
		text, err := json.Marshal(map[string]any{"transactions": rows, "pagination": json.RawMessage(pagination)})
		if err != nil {
			t.Fatal(err)
		}
		return file{"all.json", string(text)}
	}
	want := ""
	for name, files := range map[string][]file{
		"two pages":                          {one, two},
		"two pages, the second first":        {two, one},
		"both in one file":                   {{"both.json", two.text + "\n" + one.text}},
		"all rows in one page":               {page(`{"count":7,"total":7,"offset":0}`)},
		"all rows with the first pagination": {page(`{"count":3,"total":7,"offset":0}`)},
		"and an empty page after them":       {one, two, {"3.json", `{"transactions":[],"pagination":{"count":0,"total":7,"offset":7}}`}},
		"with a byte order mark":             {{"1.json", "\ufeff" + one.text}, two},
	} {
		answer, err := try.Run(t.Context(), &try.Input{Payout: payout.document(), Transactions: all(files...), Profile: profile(t), AccrueAt: day(t, "2026-01-31")})
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		text, err := json.Marshal(answer)
		if err != nil {
			t.Fatal(err)
		}
		if want == "" {
			want = string(text)
		}
		if diff := cmp.Diff(want, string(text)); diff != "" {
			t.Errorf("%s gives another answer:\n%s", name, diff)
		}
	}
}

// Rows that nobody counted are proven by their sums, and the answer says so.
func TestRowsWithoutPaginationAreUncounted(t *testing.T) {
	payout, _, _ := example(t)
	var text bytes.Buffer
	text.WriteString("[")
	for i, name := range []string{"1", "2"} {
		var page struct{ Transactions json.RawMessage }
		if err := json.Unmarshal(read(t, examples+"/transactions-"+name+".json"), &page); err != nil {
			t.Fatal(err)
		}
		if i > 0 {
			text.WriteString(",")
		}
		text.Write(bytes.Trim(page.Transactions, "[]"))
	}
	text.WriteString("]")
	answer, err := try.Run(t.Context(), &try.Input{Payout: payout.document(), Transactions: all(file{"rows.json", text.String()}), Profile: profile(t)})
	if err != nil {
		t.Fatal(err)
	}
	if answer.State != try.Compiled || !slices.Equal(answer.Variants, []string{"rows_uncounted"}) {
		t.Errorf("it is %s by %v: %s", answer.State, answer.Variants, answer.Detail)
	}
}

// The token stands in for one, so no batch in Visma.net can be taken for it.
func TestTheTokenIsNotThatOfAPosting(t *testing.T) {
	payout, one, two := example(t)
	answer, err := try.Run(t.Context(), &try.Input{Payout: payout.document(), Transactions: all(one, two), Profile: profile(t)})
	if err != nil {
		t.Fatal(err)
	}
	if want := voucher.Token("K012345", "700000012345", try.Company, 0); answer.Batch.Token != want {
		t.Errorf("the token is %s, want %s", answer.Batch.Token, want)
	}
}

// Where Kustom pays out nothing speaks of Klarna, in a held payout neither.
func TestKustomIsNamedAsKustom(t *testing.T) {
	payout, one, two := example(t)
	for name, in := range map[string]struct {
		payout file
		pages  []file
		state  string
	}{
		"compiled": {payout, []file{one, two}, try.Compiled},
		"held":     {kept(t, "testdata/rows-differ.payout.json"), []file{kept(t, "testdata/rows-differ.transactions.json")}, try.Held},
	} {
		answer, err := try.Run(t.Context(), &try.Input{
			Payout: in.payout.document(), Transactions: all(in.pages...), Profile: profile(t), Provider: klarna.Kustom, AccrueAt: day(t, "2026-01-31"),
		})
		if err != nil {
			t.Fatal(err)
		}
		text, err := json.Marshal(answer)
		if err != nil {
			t.Fatal(err)
		}
		if answer.State != in.state || bytes.Contains(text, []byte("Klarna")) || !bytes.Contains(text, []byte("Kustom")) {
			t.Errorf("%s: %s", name, text)
		}
	}
}
