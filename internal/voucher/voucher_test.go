package voucher_test

import (
	"encoding/json"
	"errors"
	"math"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"kvitt/internal/settlement"
	"kvitt/internal/voucher"
)

func TestADescriptionStartsWithTheTokenOfThePosting(t *testing.T) {
	p := payout(settlement.Totals{settlement.TotalSale: 1, settlement.TotalSettlement: 1})
	v := compile(t, firstRelease(t, "se-bas"), prove(t, p, row("SALE/PURCHASE", 1)))
	const want = "[kvitt:3bf440c9e57e2e78] Klarna 1234567890 SEK 2026-01-30"
	if v.Description != want {
		t.Errorf("description %q, want %q", v.Description, want)
	}
	if token, ok := voucher.FindToken("Rättelse: " + v.Description); !ok || token != v.Token {
		t.Errorf("found token %q, %t", token, ok)
	}
	for _, s := range []string{"", "kvitt", "[kvitt:]", "[kvitt:3BF440C9E57E2E78]", "[kvitt:3bf440c9e57e2e7]", "[kvitt:3bf440c9e57e2e781]"} {
		if token, ok := voucher.FindToken(s); ok {
			t.Errorf("found token %q in %q", token, s)
		}
	}
}

// A token is written into books for years: it must never come out differently.
func TestTheTokenIsMadeOfTheBusinessAlone(t *testing.T) {
	if got, want := voucher.Token("K100001", "1234567890", "5566778899", 0), "[kvitt:3bf440c9e57e2e78]"; got != want {
		t.Errorf("token %s, want %s", got, want)
	}
	seen := map[string]bool{}
	for _, token := range []string{
		voucher.Token("K1", "2", "3", 0), voucher.Token("K1", "2", "3", 1), voucher.Token("K12", "", "3", 0),
		voucher.Token("K1", "23", "", 0), voucher.Token("", "K12", "3", 0), voucher.Token("K1", "2", "30", 0),
	} {
		if seen[token] {
			t.Errorf("token %s names two postings", token)
		}
		seen[token] = true
	}
}

func TestAVoucherSurvivesJSON(t *testing.T) {
	p, rows := nordicWeek("SEK", 100, 25)
	want := compile(t, firstRelease(t, "se-bas", "# branch: \"1\"\n# subaccount", "branch: \"1\"\nsubaccount"), prove(t, p, rows...))
	doc, err := json.Marshal(want)
	if err != nil {
		t.Fatal(err)
	}
	var got voucher.Voucher
	if err := json.Unmarshal(doc, &got); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(*want, got); diff != "" {
		t.Errorf("the voucher changed (-want +got):\n%s", diff)
	}
	if want.Hash() != got.Hash() || !strings.Contains(string(doc), `"date":"2026-01-30"`) {
		t.Errorf("hash %s became %s in %s", want.Hash(), got.Hash(), doc)
	}
}

// Hashes are stored with postings and compared years later.
func TestTheHashOfAVoucherIsStable(t *testing.T) {
	p, rows := nordicWeek("SEK", 100, 25)
	v := compile(t, firstRelease(t, "se-bas", "# branch: \"1\"\n# subaccount", "branch: \"1\"\nsubaccount"), prove(t, p, rows...))
	if got, want := v.Hash(), "668a2d010aeb583b2ababf53c91bd6bdf398fde01283152464518b8d40f0f140"; got != want {
		t.Errorf("hash %s, want %s", got, want)
	}
}

func TestTheHashCoversWhatIsPostedAndNothingElse(t *testing.T) {
	p, rows := nordicWeek("SEK", 100, 25)
	proof := prove(t, p, rows...)
	fresh := func() *voucher.Voucher { return compile(t, firstRelease(t, "se-bas"), proof) }
	hash := fresh().Hash()
	for name, change := range map[string]func(*voucher.Voucher){
		"token": func(v *voucher.Voucher) { v.Token += "x" }, "description": func(v *voucher.Voucher) { v.Description += "x" },
		"payment reference": func(v *voucher.Voucher) { v.PaymentReference = "" }, "ledger": func(v *voucher.Voucher) { v.Ledger = "2" },
		"branch": func(v *voucher.Voucher) { v.Branch = "2" }, "code": func(v *voucher.Voucher) { v.TransactionCode = "2" },
		"date": func(v *voucher.Voucher) { v.Date.Day++ }, "currency": func(v *voucher.Voucher) { v.Currency = "NOK" },
		"settlement": func(v *voucher.Voucher) { v.Settlement++ }, "invoice": func(v *voucher.Voucher) { v.Invoice++ },
		"order":   func(v *voucher.Voucher) { v.Lines[0], v.Lines[1] = v.Lines[1], v.Lines[0] },
		"line":    func(v *voucher.Voucher) { v.Lines = v.Lines[1:] },
		"account": func(v *voucher.Voucher) { v.Lines[0].Account = "1" }, "text": func(v *voucher.Voucher) { v.Lines[0].Text = "" },
		"reference": func(v *voucher.Voucher) { v.Lines[0].Reference = "" }, "debit": func(v *voucher.Voucher) { v.Lines[0].Debit++ },
		"credit": func(v *voucher.Voucher) { v.Lines[0].Credit++ }, "VAT code": func(v *voucher.Voucher) { v.Lines[0].VATCode = "1" },
		"line branch": func(v *voucher.Voucher) { v.Lines[0].Branch = "2" },
		"subaccount":  func(v *voucher.Voucher) { v.Lines[0].Subaccount = []voucher.Segment{{ID: 1, Value: "1"}} },
	} {
		v := fresh()
		if change(v); v.Hash() == hash {
			t.Errorf("another %s has the same hash", name)
		}
	}
	v := fresh()
	v.Lines[0].Role, v.Lines[1].Components, v.Outside = "", nil, v.Lines[1].Components
	if v.Hash() != hash {
		t.Error("what only explains the voucher changes its hash")
	}
}

func TestAVoucherThatMustNotBePostedFailsItsCheck(t *testing.T) {
	p, rows := nordicWeek("SEK", 100, 25)
	proof := prove(t, p, rows...)
	bill := payout(settlement.Totals{settlement.TotalFee: 100, settlement.TotalTax: 25, settlement.TotalSettlement: -125})
	bill.Type = settlement.GrossFee
	billProof := prove(t, bill, row("FEE/SERVICING_FEE", 100, 25))
	negative := prove(t, payout(settlement.Totals{settlement.TotalReturn: 50, settlement.TotalSettlement: -50}), row("RETURN/PURCHASE_RETURN", 50))
	for name, test := range map[string]struct {
		proof      *settlement.Proof
		change     func(*voucher.Voucher)
		difference int64
	}{
		"one öre too much":           {proof, func(v *voucher.Voucher) { v.Lines[1].Debit++ }, -1},
		"another bank line":          {proof, func(v *voucher.Voucher) { v.Lines[0].Debit--; v.Lines[1].Debit++ }, 1},
		"another settlement amount":  {proof, func(v *voucher.Voucher) { v.Settlement++ }, 1},
		"no bank line":               {proof, func(v *voucher.Voucher) { v.Lines[0].Role = voucher.RoleComponent }, 8_590_000},
		"a negative debit":           {proof, func(v *voucher.Voucher) { v.Lines[1].Debit = -v.Lines[1].Debit }, 0},
		"a line with both sides":     {proof, func(v *voucher.Voucher) { v.Lines[1].Credit = 1 }, 0},
		"a line with neither":        {proof, func(v *voucher.Voucher) { v.Lines[1].Debit = 0 }, 0},
		"a line without an account":  {proof, func(v *voucher.Voucher) { v.Lines[1].Account = "" }, 0},
		"a text that is too long":    {proof, func(v *voucher.Voucher) { v.Lines[1].Text = strings.Repeat("ö", 61) }, 0},
		"a reference too long":       {proof, func(v *voucher.Voucher) { v.Lines[1].Reference = strings.Repeat("1", 16) }, 0},
		"a description without mark": {proof, func(v *voucher.Voucher) { v.Description = "Klarna" }, 0},
		"a description too long":     {proof, func(v *voucher.Voucher) { v.Description += strings.Repeat("x", 60) }, 0},
		"no token":                   {proof, func(v *voucher.Voucher) { v.Token = "" }, 0},
		"a single line":              {proof, func(v *voucher.Voucher) { v.Lines = v.Lines[:1] }, 0},
		"sums that do not fit": {proof, func(v *voucher.Voucher) {
			v.Lines[1].Debit, v.Lines[3].Debit = math.MaxInt64, math.MaxInt64
		}, 0},
		"another bill":            {billProof, func(v *voucher.Voucher) { v.Invoice++ }, 1},
		"a bill paid by the bank": {billProof, func(v *voucher.Voucher) { v.Lines[0].Role = voucher.RoleSettlement }, 125},
		"a bill and a bank line": {billProof, func(v *voucher.Voucher) {
			v.Lines = append(v.Lines, v.Lines[0], v.Lines[1])
			v.Lines[3].Role, v.Lines[3].Credit, v.Lines[4].Debit = voucher.RoleSettlement, 1, 1
		}, -124},
		"a negative payout collected by the bank": {negative, func(v *voucher.Voucher) { v.Lines[1].Role = voucher.RoleSettlement }, 50},
		"a negative payout that is no debt":       {negative, func(v *voucher.Voucher) { v.Lines[1].Role = voucher.RoleComponent }, 50},
		"a negative payout and a bank line that takes": {negative, func(v *voucher.Voucher) {
			v.Lines = append(v.Lines, v.Lines[0], v.Lines[1])
			v.Lines[2].Role, v.Lines[3].Role = voucher.RoleComponent, voucher.RoleSettlement
		}, 50},
		"a bill stated as another": {billProof, func(v *voucher.Voucher) { v.Settlement = 7 }, 7},
	} {
		t.Run(name, func(t *testing.T) {
			v := compile(t, firstRelease(t, "se-bas"), test.proof)
			test.change(v)
			err := v.Check()
			var u *voucher.UnbalancedError
			if !errors.As(err, &u) || u.Code() != "voucher_unbalanced" {
				t.Fatalf("got %v, want an *UnbalancedError", err)
			}
			if u.Difference != test.difference {
				t.Errorf("difference %d, want %d: %v", u.Difference, test.difference, err)
			}
		})
	}
}

func TestLinesLeadBackToTheRowsBehindThem(t *testing.T) {
	p, rows := nordicWeek("SEK", 100, 25)
	v := compile(t, firstRelease(t, "se-bas"), prove(t, p, rows...))
	for _, l := range v.Lines {
		var sum int64
		for _, c := range l.Components {
			if l.Role == voucher.RoleVAT {
				sum += c.VAT
			} else {
				sum += c.Amount
			}
		}
		if l.Role != voucher.RoleSettlement && sum != l.Debit+l.Credit {
			t.Errorf("the components behind %q come to %d, the line to %d", l.Text, sum, l.Debit+l.Credit)
		}
	}
}

func TestDatesAreCivil(t *testing.T) {
	d, err := voucher.ParseDate("2026-02-28")
	if err != nil || d.String() != "2026-02-28" || d.Time().Hour() != 0 {
		t.Errorf("%v, %v", d, err)
	}
	for _, bad := range []string{"", "2026-02-30", "28.2.2026", "2026-2-8", "2026-02-28T00:00:00Z"} {
		if d, err := voucher.ParseDate(bad); err == nil {
			t.Errorf("%q was read as %s", bad, d)
		}
	}
	var zero voucher.Date
	doc, err := json.Marshal(zero)
	if err != nil || string(doc) != `""` || json.Unmarshal(doc, &zero) != nil || !zero.IsZero() {
		t.Errorf("no date is written %s, %v", doc, err)
	}
	if !d.Before(voucher.Date{Year: 2026, Month: 3, Day: 1}) || d.Before(d) {
		t.Error("the order of days is wrong")
	}
}
