package portal

import (
	"testing"

	"kvitt/internal/interview"
)

// Every question, option, purpose, reason and objection has its words.
func TestTheInterviewHasWords(t *testing.T) {
	english := words(t, "en")
	want := func(keys ...string) {
		t.Helper()
		for _, key := range keys {
			if !english.has(key) {
				t.Errorf("there are no words for %s", key)
			}
		}
	}
	for _, country := range []string{"se", "no", "fi", "dk"} {
		for _, vat := range []string{"transactions", "ledger"} {
			a := interview.Complete(interview.Answers{"country": country, "reverse_charge": "owed", "vat_return": vat, "loans": "yes", "commission": "exempt", "fee_bill": "kvitt", "merchants": "K1", "accruals": "request"}, nil)
			for _, q := range interview.Questions(a) {
				want("interview.problem." + string(q.Kind))
				switch q.Kind {
				case interview.Account:
					want("account."+q.Role, "interview.role."+q.Role)
				case interview.Branch:
				default:
					want("interview.q."+q.Key+".text", "interview.q."+q.Key+".help")
				}
				for _, option := range q.Options {
					want("interview.o." + q.Key + "." + option)
				}
			}
		}
	}
	for _, role := range interview.Roles() {
		want("account."+role, "interview.role."+role)
	}
	for _, r := range []interview.Reason{interview.ByPreset, interview.ByKlarna, interview.ByGroup, interview.ByName, interview.ByNumber, interview.Unchecked} {
		want("interview.reason." + string(r))
		if interview.Words(string(r)) == "" {
			t.Errorf("the command line has no words for %s", r)
		}
	}
	for _, o := range []interview.Objection{
		interview.IsControl, interview.IsShared, interview.IsCash, interview.OtherType, interview.OtherName,
		interview.Unusable, interview.Unfound, interview.OneMoney, interview.SameAsMore,
	} {
		want("interview.objection." + string(o))
		if interview.Words(string(o)) == "" {
			t.Errorf("the command line has no words for %s", o)
		}
	}
}
