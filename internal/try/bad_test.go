package try_test

import (
	"context"
	"errors"
	"io"
	"strings"
	"testing"
	"testing/iotest"

	"kvitt/internal/try"
)

const csv = "type;detailed_type;amount\nSALE;PURCHASE;125000\n"

const signInPage = "<!DOCTYPE html>\n<html><title>Sign in</title></html>\n"

// Each is one sentence that names the file and the place, and one that helps.
func TestAFileThatIsNotWhatItClaimsSaysSo(t *testing.T) {
	payout, one, two := example(t)
	with := func(f file, name, old, replacement string) file {
		if !strings.Contains(f.text, old) {
			t.Fatalf("%s does not contain %q", f.name, old)
		}
		return file{name, strings.Replace(f.text, old, replacement, 1)}
	}
	const (
		asPayout = " Give the answer of /payouts/{payment_reference}, as it came."
		asPages  = " Give the pages of /transactions?payment_reference=…, as they came."
		again    = " Save the whole answer again, and change nothing in it."
		once     = " Save the answers again, each page once, and give all of them."
	)
	for name, test := range map[string]struct {
		payout file
		pages  []file
		want   string
	}{
		"transactions as the payout": {one, []file{one}, "read transactions-1.json: line 1, column 1: the file holds transactions, where a payout should be." + asPayout},
		"the payout as transactions": {payout, []file{payout}, "read payout.json: line 1, column 1: the file holds a payout, where transactions should be." + asPages},
		"a list of payouts":          {file{"p.json", `{"payouts":[` + payout.text + `],"pagination":{"count":1}}`}, nil, "read p.json: line 1, column 1: the file holds a list of payouts, where a payout should be." + asPayout},
		"CSV as the payout":          {file{"p.csv", csv}, nil, "read p.csv: line 1, column 1: the file holds text that is no JSON, such as CSV, where a payout should be." + asPayout},
		"CSV as transactions":        {payout, []file{{"t.csv", csv}}, "read t.csv: line 1, column 1: the file holds text that is no JSON, such as CSV, where transactions should be." + asPages},
		"a web page":                 {file{"p.html", signInPage}, nil, "read p.html: line 1, column 1: the file holds a web page, where a payout should be." + asPayout},
		"a web page as transactions": {payout, []file{{"t.html", signInPage}}, "read t.html: line 1, column 1: the file holds a web page, where transactions should be." + asPages},
		"an empty payout":            {file{"p.json", " \n"}, nil, "read p.json: the file is empty, where a payout should be." + asPayout},
		"empty transactions":         {payout, []file{{"t.json", ""}}, "read t.json: the file is empty, where transactions should be." + asPages},
		"no transactions at all":     {payout, nil, "read the transactions: no file has any." + asPages},
		"a refusal of Klarna's":      {payout, []file{{"t.json", `{"error_code":"NOT_FOUND","error_messages":["x"]}`}}, "read t.json: line 1, column 1: the file holds an error that Klarna answered with, where transactions should be." + asPages},
		"other JSON":                 {payout, []file{{"t.json", "{\n \"rows\": []}"}}, "read t.json: line 1, column 1: it lacks transactions." + asPages},
		"a spreadsheet":              {payout, []file{{"t.xlsx", "PK\x03\x04\x14\x00"}}, "read t.xlsx: line 1, column 1: the file is compressed, or a spreadsheet, where transactions should be." + asPages},

		"a truncated payout":       {file{"p.json", payout.text[:len(payout.text)-40]}, nil, "read p.json: line 15, column 65: it breaks off after 441 bytes." + again},
		"truncated transactions":   {payout, []file{{"t.json", one.text[:700]}}, "read t.json: line 4, column 333: row 2: it breaks off after 700 bytes." + again},
		"a payout that lacks":      {with(payout, "p.json", `"merchant_id"`, `"merchant"`), nil, "read p.json: line 1, column 1: it lacks merchant_id." + again},
		"a fraction in the payout": {with(payout, "p.json", "174900", "1749.00"), nil, "read p.json: line 9, column 20: totals.sale_amount is 1749.00, not a whole number." + again},
		"a fraction in a row":      {payout, []file{with(one, "t.json", "3113", "31.13"), two}, "read t.json: line 4, column 75: row 2: amount is 31.13, not a whole number." + again},
		"a word for a number":      {payout, []file{with(one, "t.json", "3113", `"3113"`), two}, `read t.json: line 4, column 75: row 2: amount is "3113", not a whole number.` + again},
		"a comma that is missing":  {payout, []file{with(one, "t.json", "},\n", "}\n"), two}, "read t.json: line 4, column 5: row 2: it is not JSON: invalid character '{' after array element (expecting ',' or ']') within \"/transactions\" after offset 371." + again},

		"rows of two payouts":  {payout, []file{one, with(two, "t.json", `"payment_reference": "700000012345", "capture_date": "2026-02-02`, `"payment_reference": "700000099999", "capture_date": "2026-02-02`)}, "read t.json: line 6, column 5: row 4 belongs to payout 700000099999, and payout.json is payout 700000012345. Give the transactions of one payout: /transactions?payment_reference=700000012345."},
		"the payout of others": {with(payout, "p.json", "700000012345", "700000099999"), []file{one, two}, "read transactions-1.json: line 3, column 5: row 1 belongs to payout 700000012345, and p.json is payout 700000099999. Give the transactions of one payout: /transactions?payment_reference=700000099999."},

		"the first page is missing":   {payout, []file{two}, "read transactions-2.json: rows 1 to 3 of 7, which come before it, are in none of the files. Give the pages from offset=0 on too."},
		"the last page is missing":    {payout, []file{one}, "read transactions-1.json: rows 4 to 7 of 7, which come after it, are in none of the files. Give the pages from offset=3 on too."},
		"no page has a row":           {payout, []file{{"t.json", `{"transactions":[],"pagination":{"count":0,"total":7,"offset":7}}`}}, "read t.json: rows 1 to 7 of 7, which come after it, are in none of the files. Give the pages from offset=0 on too."},
		"a page twice":                {payout, []file{one, two, {"again.json", one.text}}, "read again.json: its rows 1 to 3 are those of transactions-1.json again." + once},
		"a page twice in one file":    {payout, []file{{"t.json", one.text + two.text + one.text}}, "read t.json: its rows 1 to 3 are those of an earlier page in it again." + once},
		"a page under another offset": {payout, []file{one, with(one, "t.json", `"offset": 0`, `"offset": 3`)}, "read t.json: its rows 4 to 6 are those of transactions-1.json again." + once},
		"pages that overlap":          {payout, []file{one, with(two, "t.json", `"offset": 3`, `"offset": 2`)}, "read t.json: its rows 3 to 6 overlap with rows 1 to 3 of transactions-1.json." + once},
		"pages of two moments":        {payout, []file{one, with(two, "t.json", `"total": 7`, `"total": 8`)}, "read t.json: its pagination.total is 8, and in transactions-1.json it is 7. The pages are of different moments or listings; save all of them again."},
		"more rows than there are":    {payout, []file{with(one, "1.json", `"total": 7`, `"total": 6`), with(two, "2.json", `"total": 7`, `"total": 6`)}, "read 2.json: its rows 4 to 7 are more than the 6 that pagination.total states in 1.json." + once},
		"a row that was taken out":    {payout, []file{with(one, "t.json", `"count": 3`, `"count": 4`), two}, "read t.json: its pagination.count is 4, and it has 3 rows." + asPages},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := try.Run(t.Context(), &try.Input{Payout: test.payout.document(), Transactions: all(test.pages...), Profile: profile(t)})
			var wrong *try.FileError
			if !errors.As(err, &wrong) || err.Error() != test.want {
				t.Errorf("\n got %v\nwant %s", err, test.want)
			}
		})
	}
}

func TestAFileThatCannotBeReadIsNotItsFault(t *testing.T) {
	payout, one, _ := example(t)
	gone := errors.New("the disk is gone")
	_, err := try.Run(t.Context(), &try.Input{
		Payout: payout.document(), Profile: profile(t),
		Transactions: func(yield func(try.Document, error) bool) {
			yield(try.Document{Name: "t.json", Reader: io.MultiReader(strings.NewReader(one.text[:500]), iotest.ErrReader(gone))}, nil)
		},
	})
	var wrong *try.FileError
	if !errors.Is(err, gone) || errors.As(err, &wrong) || !strings.Contains(err.Error(), "t.json") {
		t.Errorf("it says %v", err)
	}
	_, err = try.Run(t.Context(), &try.Input{
		Payout: payout.document(), Profile: profile(t), Transactions: func(yield func(try.Document, error) bool) { yield(try.Document{}, gone) },
	})
	if !errors.Is(err, gone) {
		t.Errorf("it says %v", err)
	}
}

func TestATrialEndsWhenItIsCancelled(t *testing.T) {
	payout, one, two := example(t)
	ctx, cancel := context.WithCancel(t.Context())
	_, err := try.Run(ctx, &try.Input{
		Payout: payout.document(), Profile: profile(t),
		Transactions: func(yield func(try.Document, error) bool) {
			if yield(one.document(), nil) {
				cancel()
				yield(two.document(), nil)
			}
		},
	})
	if !errors.Is(err, context.Canceled) {
		t.Errorf("it ended with %v", err)
	}
}
