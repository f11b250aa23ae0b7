package interview_test

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"kvitt/internal/interview"
)

// chart reads a chart: number, type (A, L, I, E), name, and flags as in "!cash".
func chart(t *testing.T, name string) interview.Chart {
	t.Helper()
	text, err := os.ReadFile(filepath.Join("testdata", "charts", name+".txt"))
	if err != nil {
		t.Fatal(err)
	}
	types := map[string]string{"A": "Asset", "L": "Liability", "I": "Income", "E": "Expense"}
	var all interview.Chart
	for line := range strings.Lines(string(text)) {
		parts := strings.SplitN(strings.TrimSpace(line), " ", 3)
		words, flags, _ := strings.Cut(parts[2], " !")
		account := interview.ChartAccount{Number: parts[0], Type: types[parts[1]], Name: words, Usable: true}
		for flag := range strings.SplitSeq(flags, " !") {
			switch what, value, _ := strings.Cut(flag, "="); what {
			case "cash":
				account.Cash = true
			case "control":
				account.Control = value
			case "inactive", "nomanual":
				account.Usable = false
			case "currency":
				account.Currency = value
			}
		}
		all = append(all, account)
	}
	return all
}

func TestTheBestSuggestionPerCountry(t *testing.T) {
	for _, c := range []struct {
		chart   string
		answers interview.Answers
		want    map[string]string // question: the first suggestion, and why
	}{
		{"se-bas-2026", interview.Answers{"country": "se", "loans": "yes", "commission": "exempt", "reverse_charge": "owed"}, map[string]string{
			"account.settlement":     "1687 klarna",
			"account.clearing":       "1686 preset",
			"account.fees":           "6064 preset",
			"account.input_vat":      "2641 preset",
			"account.reserve":        "1688 klarna",
			"account.debt":           "2891 klarna",
			"account.disputes":       "1516 ",
			"account.loan":           "2411 klarna",
			"account.loan_costs":     "8420 preset",
			"account.suspense":       "2999 preset",
			"account.reverse_input":  "2645 preset",
			"account.reverse_output": "2614 preset",
		}},
		{"se-older", interview.Answers{"country": "se", "chart": "bas-older", "deposits": "bank", "currencies": "SEK, EUR"}, map[string]string{
			"account.settlement":     "1930 preset",
			"account.settlement.EUR": "1935 group",
			"account.clearing":       "1580 ",
		}},
		{"no", interview.Answers{"country": "no", "deposits": "bank"}, map[string]string{
			"account.settlement": "1920 preset",
			"account.clearing":   "1520 preset",
			"account.fees":       "7770 preset",
			"account.debt":       "2991 klarna",
		}},
		{"fi", interview.Answers{"country": "fi"}, map[string]string{
			"account.settlement": "1703 ",
			"account.clearing":   "1711 preset",
			"account.fees":       "8564 preset",
			"account.reserve":    "1765 ",
		}},
		{"dk", interview.Answers{"country": "dk"}, map[string]string{
			"account.settlement": "6482 ",
			"account.clearing":   "6191 ",
			"account.fees":       "2390 preset",
			"account.debt":       "7521 klarna",
		}},
	} {
		answers := interview.Complete(c.answers, nil)
		for _, q := range interview.Questions(answers) {
			want, asked := c.want[q.Key]
			if !asked {
				continue
			}
			number, reason, _ := strings.Cut(want, " ")
			got := interview.Suggest(q, answers, chart(t, c.chart))
			if len(got) == 0 || got[0].Number != number || reason != "" && string(got[0].Reason) != reason {
				t.Errorf("%s, %s: want %s first, got %+v", c.chart, q.Key, want, got)
			}
		}
	}
}

func suggestions(t *testing.T, name string, a interview.Answers, key string) []interview.Suggestion {
	t.Helper()
	a = interview.Complete(a, nil)
	for _, q := range interview.Questions(a) {
		if q.Key == key {
			return interview.Suggest(q, a, chart(t, name))
		}
	}
	t.Fatalf("nothing asks for %s", key)
	return nil
}

// A control account of a sub-ledger, and one that collects other things, are never
// suggested in silence, and never before one that is not.
func TestControlAndSharedAccountsSaySo(t *testing.T) {
	for _, c := range []struct {
		chart, country, key, number string
		says                        interview.Objection
	}{
		{"se-bas-2026", "se", "account.clearing", "1510", interview.IsControl},
		{"fi", "fi", "account.clearing", "1701", interview.IsControl},
		{"dk", "dk", "account.clearing", "6190", interview.IsControl},
		{"se-bas-2026", "se", "account.reserve", "1689", interview.IsShared},
		{"se-bas-2026", "se", "account.debt", "2890", interview.IsShared},
	} {
		all := suggestions(t, c.chart, interview.Answers{"country": c.country}, c.key)
		at := slices.IndexFunc(all, func(s interview.Suggestion) bool { return s.Number == c.number })
		if at == 0 || at > 0 && !slices.Contains(all[at].Objections, c.says) {
			t.Errorf("%s: %s has to come later and say %s: %+v", c.key, c.number, c.says, all)
		}
		a := interview.Answers{"country": c.country, c.key: c.number}
		a = interview.Complete(a, nil)
		for _, q := range interview.Accounts(a) {
			if q.Key == c.key && !slices.Contains(interview.Objections(q, a, chart(t, c.chart)), c.says) {
				t.Errorf("the answer %s to %s raises no objection", c.number, c.key)
			}
		}
	}
}

// Inactive accounts, those of another type and those of another currency are not
// suggested at all.
func TestUnusableAccountsAreNotSuggested(t *testing.T) {
	for _, key := range []string{"account.clearing", "account.fees", "account.settlement", "account.debt"} {
		for _, s := range suggestions(t, "se-bas-2026", interview.Answers{"country": "se"}, key) {
			if s.Number == "1519" || s.Number == "1930" || s.Number == "6064" && key != "account.fees" {
				t.Errorf("%s: %+v is suggested", key, s)
			}
		}
	}
}

// Without the company's chart the preset's number is proposed, and nobody has
// confirmed it; two purposes on one account are told.
func TestWithoutAChartNothingIsConfirmed(t *testing.T) {
	a := interview.Complete(interview.Answers{"country": "se"}, nil)
	if n := len(a.Unconfirmed()); n != len(interview.Accounts(a)) {
		t.Errorf("%d of %d accounts are unconfirmed", n, len(interview.Accounts(a)))
	}
	all := chart(t, "se-bas-2026")
	if got := interview.Name("1688", all); got != "1688 Klarna, innehållna medel" {
		t.Errorf("a number that somebody chose becomes %q", got)
	}
	if got := interview.Name("1111", all); got != "1111 (unconfirmed)" {
		t.Errorf("a number that the company lacks becomes %q", got)
	}
	a["account.reserve"], a["account.clearing"] = "1686", "1686"
	for _, q := range interview.Accounts(a) {
		if q.Key == "account.reserve" && !slices.Contains(interview.Objections(q, a, all), interview.SameAsMore) {
			t.Error("one account for the reserve and for clearing raises no objection")
		}
	}
}
