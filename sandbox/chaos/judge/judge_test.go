package judge_test

import (
	"crypto/sha256"
	"encoding/hex"
	"strings"
	"testing"
	"time"

	"kvitt/sandbox/chaos/judge"
	"kvitt/sandbox/klarnasim"
	"kvitt/sandbox/shop"
	"kvitt/sandbox/vismasim"
)

const wait = 5 * time.Second

var noon = time.Date(2026, 1, 15, 12, 0, 0, 0, time.UTC)

// split makes all of the second payout captured in the year before.
func split(c *judge.Case) {
	const day, token = "2025-12-31", "[kvitt:09e]"
	c.Receivable, c.Split, c.Zone = "1687", map[string]string{"92": day}, time.UTC
	c.Books.List = append(c.Books.List, &vismasim.Batch{
		Number: "0000093", Status: vismasim.Posted, Currency: "SEK", Description: token + " Klarna 92 till " + day, Reversing: true,
		Date:        time.Date(2025, 12, 31, 0, 0, 0, 0, time.UTC),
		Lines:       []vismasim.Line{{Account: "1687", Reference: "ACC1", Debit: c.Payouts[1].Totals.Settlement}},
		Attachments: []vismasim.Attachment{{Name: "kvitt.split.92." + day + ".txt"}},
	}, &vismasim.Batch{Number: "0000094", Description: token + " Klarna 92 till " + day, Reverses: "0000093"})
	both := []string{"0000093", "0000094"}
	c.Books.DuplicateTokens, c.Books.DuplicateReferences = map[string][]string{token: both}, map[string][]string{"ACC1": both}
}

// clean returns a case in which everything is right: two payouts, one refused once and retried, the other
// held and sent again after the wait.
func clean(t *testing.T) judge.Case {
	t.Helper()
	c := judge.Case{Bank: "1930", UnknownWait: wait}
	c.Books = vismasim.Books{Accounts: map[string]vismasim.AccountSums{}}
	var sum int64
	for i, reference := range []string{"91", "92"} {
		rows := shop.SaleRows(uint64(i+1), 100_00, 2_99, 2_95, 2500)
		for j := range rows {
			rows[j].CaptureDate = noon.AddDate(0, -1, 0)
		}
		p, err := shop.Settlement{PaymentReference: reference, Rows: rows}.Payout()
		if err != nil {
			t.Fatal(err)
		}
		sum += p.Totals.Settlement
		number := "00000" + reference
		csv := sha256.New()
		if err := klarnasim.WriteCSV(csv, p); err != nil {
			t.Fatal(err)
		}
		c.Payouts = append(c.Payouts, p)
		c.Reports = append(c.Reports, judge.Report{Reference: reference, State: "verified", Batch: number})
		c.Books.List = append(c.Books.List, &vismasim.Batch{
			Number: number, Status: vismasim.Posted, Currency: "SEK", Description: "[kvitt:0" + reference + "] Klarna",
			Lines: []vismasim.Line{
				{Account: "1930", Reference: reference, Debit: p.Totals.Settlement},
				{Account: "1686", Reference: reference, Credit: p.Totals.Settlement},
			},
			Attachments: []vismasim.Attachment{
				{Name: "settlement." + reference + ".csv", SHA256: hex.EncodeToString(csv.Sum(nil))},
				{Name: "settlement." + reference + ".pdf"},
				{Name: "kvitt." + reference + ".txt"},
			},
		})
	}
	split(&c)
	c.Books.Batches, c.Books.Debit, c.Books.Credit = 4, sum, sum
	c.Books.Accounts["1930"] = vismasim.AccountSums{Currencies: map[string]vismasim.Sums{"SEK": {Debit: sum}}}
	c.Writes = []vismasim.Write{
		posted("[kvitt:091]", 0, vismasim.JobRejected), posted("[kvitt:091]", 3*time.Second, ""),
		posted("[kvitt:092]", 0, vismasim.ResetBeforeCommit), posted("[kvitt:092]", 6*time.Second, vismasim.Throttled), posted("[kvitt:092]", 7*time.Second, ""),
	}
	shut := posted("[kvitt:092]", 12*time.Second, "") // the token was revoked: nothing was done
	shut.Status = 401
	c.Writes = append(c.Writes, shut, posted("[kvitt:092]", 13*time.Second, ""))
	c.Holds = []judge.Hold{{Reference: "91", Code: "rejected", Words: "Error: Refused on purpose"}, {Reference: "92", Code: "outcome_unknown"}}
	c.True = []judge.Cause{{Reference: "91", Code: "rejected", Words: "Refused on purpose"}, {Code: "outcome_unknown"}}
	c.Asked = []judge.Asked{{Reference: "91", At: noon.Add(2 * time.Second)}}
	c.Workflows = []judge.Workflow{{Type: "ConnectionWorkflow", Status: "Running"}, {Type: "PayoutWorkflow", Status: "Completed"}}
	return c
}

func posted(token string, after time.Duration, f vismasim.FaultKind) vismasim.Write {
	return vismasim.Write{Method: "POST", Path: "/v2/journaltransaction", Token: token, At: noon.Add(after), Fault: f}
}

func TestACorrectRunIsClean(t *testing.T) {
	if found := judge.Judge(clean(t)); len(found) > 0 {
		t.Errorf("found: %s", strings.Join(found, "\n"))
	}
}

func TestEveryErrorIsFound(t *testing.T) {
	for what, c := range map[string]struct {
		spoil func(*judge.Case)
		words string
	}{
		"a payout is missing": {func(c *judge.Case) { c.Books.List = c.Books.List[:1]; c.Books.Batches = 1 }, "payout 92 is missing"},
		"a payout is booked twice": {func(c *judge.Case) {
			c.Books.DuplicateReferences = map[string][]string{"91": {"1", "2"}}
		}, "booked twice"},
		"a token occurs twice":  {func(c *judge.Case) { c.Books.DuplicateTokens = map[string][]string{"[kvitt:0]": {"1", "2"}} }, "is in the batches"},
		"a part is missing":     {func(c *judge.Case) { c.Books.List = c.Books.List[:2] }, "0 batches have 0"},
		"a part is off":         {func(c *judge.Case) { c.Books.List[2].Lines[0].Debit++ }, "Klarna owed"},
		"a part on another day": {func(c *judge.Case) { c.Books.List[2].Date = noon }, "the part of payout 92"},
		"a part not released":   {func(c *judge.Case) { c.Books.List[2].Status = vismasim.Balanced }, "the part of payout 92"},
		"a part without words":  {func(c *judge.Case) { c.Books.List[2].Attachments = nil }, "its attachments are"},
		"a part twice":          {func(c *judge.Case) { c.Books.List[3].Reverses = "" }, "is in the batches"},
		"one batch more":        {func(c *judge.Case) { c.Books.Batches++ }, "5 batches for 2 payouts"},
		"the books are off":     {func(c *judge.Case) { c.Books.Credit++ }, "do not balance"},
		"one öre too much":      {func(c *judge.Case) { c.Books.List[0].Lines[0].Debit++ }, "account 1930 got"},
		"another currency":      {func(c *judge.Case) { c.Books.List[0].Currency = "EUR" }, "Klarna paid"},
		"the account is off":    {func(c *judge.Case) { c.Books.Accounts["1930"].Currencies["SEK"] = vismasim.Sums{Debit: 1} }, "holds 1"},
		"not released":          {func(c *judge.Case) { c.Books.List[1].Status = vismasim.Balanced }, "not released"},
		"no token":              {func(c *judge.Case) { c.Books.List[1].Description = "Klarna" }, "has no token"},
		"another reference":     {func(c *judge.Case) { c.Books.List[1].Lines[1].Reference = "91" }, "carries the reference"},
		"a document too many": {func(c *judge.Case) {
			c.Books.List[1].Attachments = append(c.Books.List[1].Attachments, vismasim.Attachment{Name: "kvitt.92.txt"})
		}, "attachments are"},
		"a document is missing":  {func(c *judge.Case) { c.Books.List[1].Attachments = c.Books.List[1].Attachments[1:] }, "attachments are"},
		"another payout's":       {func(c *judge.Case) { c.Books.List[1].Attachments[1].Name = "settlement.91.pdf" }, "attachments are"},
		"half of the rows":       {func(c *judge.Case) { c.Books.List[1].Attachments[0].SHA256 = strings.Repeat("0", 64) }, "Klarna's has"},
		"not known":              {func(c *judge.Case) { c.Reports = c.Reports[:1] }, "does not know payout 92"},
		"not verified":           {func(c *judge.Case) { c.Reports[0].State = "held" }, "not verified"},
		"said to be another":     {func(c *judge.Case) { c.Reports[0].Batch = "000099" }, "the books do not"},
		"held for no cause":      {func(c *judge.Case) { c.True = nil }, "which is not true"},
		"held for another cause": {func(c *judge.Case) { c.Holds[0].Code = "bad_data" }, "which is not true"},
		"held with other words":  {func(c *judge.Case) { c.Holds[0].Words = "something" }, "which is not true"},
		"a no is repeated":       {func(c *judge.Case) { c.Asked = nil }, "nobody asked for that"},
		"asked before the no":    {func(c *judge.Case) { c.Asked[0].At = noon.Add(-time.Second) }, "nobody asked for that"},
		"unknown, sent again":    {func(c *judge.Case) { c.Writes[3].At = noon.Add(wait - 1) }, "request of unknown outcome"},
		"booked, sent again":     {func(c *judge.Case) { c.Writes = append(c.Writes, posted("[kvitt:092]", 14*time.Second, "")) }, "request of unknown outcome"},
		"a workflow failed":      {func(c *judge.Case) { c.Workflows[1].Status = "Failed" }, "is Failed"},
		"a workflow is left":     {func(c *judge.Case) { c.Workflows[1].Status = "Running" }, "is Running"},
	} {
		t.Run(what, func(t *testing.T) {
			spoilt := clean(t)
			c.spoil(&spoilt)
			if found := strings.Join(judge.Judge(spoilt), "\n"); !strings.Contains(found, c.words) {
				t.Errorf("found:\n%s\nwant %q in it", found, c.words)
			}
		})
	}
}
