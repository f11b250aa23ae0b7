package interview_test

import (
	"strings"
	"testing"

	"kvitt/internal/interview"
	"kvitt/internal/voucher"
)

func document(t *testing.T, a interview.Answers) string {
	t.Helper()
	doc, err := interview.Document(interview.Complete(a, nil))
	if err != nil {
		t.Fatal(err)
	}
	return string(doc)
}

func TestAChangedAnswerKeepsWhatWasChangedByHand(t *testing.T) {
	before := document(t, interview.Answers{"country": "se"})
	hand := strings.Replace(before, "review_first: 0", "review_first: 3", 1)
	hand = strings.Replace(hand, "  FEE/DISPUTE_FEE: {account: fees", "  # ours\n  FEE/DISPUTE_FEE: {account: \"6570\"", 1)
	answers := interview.Read([]byte(hand))
	answers["posting"], answers["account.fees"], answers["loans"] = "auto", "6040 Kontokortsavgifter", "yes"
	got, err := interview.Update([]byte(hand), interview.Complete(answers, nil))
	if err != nil {
		t.Fatal(err)
	}
	text := string(got.Document)
	for _, want := range []string{"review_first: 3", "# ours", `FEE/DISPUTE_FEE: {account: "6570"`, "mode: auto", `fees: "6040"`, "CHARGE/LOAN_FEE", "# answer loans: yes"} {
		if !strings.Contains(text, want) {
			t.Errorf("the new document lacks %q", want)
		}
	}
	if got.Unrelated || len(got.Replaced) > 0 || len(got.ByHand) != 5 {
		t.Errorf("want five lines by hand and nothing replaced, got %+v", got)
	}
	// The same answers again change nothing.
	again, err := interview.Update(got.Document, interview.Read(got.Document))
	if err != nil || string(again.Document) != text {
		t.Errorf("the same answers make another document: %v", err)
	}
}

func TestAnAnswerThatMeetsAChangeByHandHoldsAndSaysSo(t *testing.T) {
	before := document(t, interview.Answers{"country": "se"})
	hand := strings.Replace(before, `  fees: "6064"`, `  fees: "6570"`, 1)
	answers := interview.Read([]byte(hand))
	answers["account.fees"] = "6040"
	got, err := interview.Update([]byte(hand), answers)
	if err != nil {
		t.Fatal(err)
	}
	if !strings.Contains(string(got.Document), `fees: "6040"`) || len(got.Replaced) != 1 || !strings.Contains(got.Replaced[0].Hand, "6570") {
		t.Errorf("want 6040 and the lost 6570 told, got %+v", got.Replaced)
	}
}

func TestAPresetThatWasChangedByHandIsTakenOver(t *testing.T) {
	preset, err := voucher.Preset("se-bas")
	if err != nil {
		t.Fatal(err)
	}
	hand := strings.Replace(string(preset), "review_after_change: 1", "review_after_change: 7", 1)
	hand = strings.Replace(hand, `fees: "6064"`, `fees: "6570"`, 1)
	answers := interview.Adopt([]byte(hand))
	if got := answers.Account("account.fees").Number; got != "6570" || answers["country"] != "se" {
		t.Fatalf("the document's own accounts are read as %v", answers)
	}
	got, err := interview.Update([]byte(hand), interview.Complete(answers, nil))
	if err != nil || got.Unrelated || !strings.Contains(string(got.Document), "review_after_change: 7") || !strings.Contains(string(got.Document), `fees: "6570"`) {
		t.Errorf("what was changed in a preset is lost: %v, %+v", err, got)
	}
	if got, err := interview.Update([]byte("version: 1\nname: Mine\n"), interview.Complete(answers, nil)); err != nil || !got.Unrelated {
		t.Errorf("a document from elsewhere is replaced in silence: %v", err)
	}
}

func TestAnswersThatCannotBeTaken(t *testing.T) {
	for key, value := range map[string]string{
		"country": "de", "currencies": "SEK, SEK", "merchants": "K 1", "account.fees": "fees", "deposits": "", "posting": "review\nmode: auto", "nonsense": "1",
	} {
		a := interview.Complete(interview.Answers{"country": "se"}, nil)
		a[key] = value
		problems := interview.Check(a)
		if len(problems) == 0 || problems[0].Key != key || problems[0].Helps == "" {
			t.Errorf("%s: %q gives %v", key, value, problems)
		}
		if _, err := interview.Document(a); err == nil {
			t.Errorf("%s: %q makes a document", key, value)
		}
	}
	for _, file := range []string{"deposits", "deposits: bank\ndeposits: in_transit", ": x"} {
		if _, err := interview.Parse([]byte(file)); err == nil || !strings.Contains(err.Error(), "line ") {
			t.Errorf("the file %q is read: %v", file, err)
		}
	}
	doc := document(t, interview.Answers{"country": "dk"})
	got, err := interview.Parse([]byte(doc[:strings.Index(doc, "\nversion:")]))
	if err != nil || got["country"] != "dk" {
		t.Errorf("the answers of a document cannot be read as a file: %v, %v", got, err)
	}
}
