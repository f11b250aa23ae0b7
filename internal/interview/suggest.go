package interview

import (
	"cmp"
	"slices"
	"strings"
)

// ChartAccount is an account of the company's chart, as far as choosing one
// needs it.
type ChartAccount struct {
	Number, Name string
	Class, Type  string // Visma.net's class and type; "" when it does not say
	Control      string // the sub-ledger that owns the account, if any
	Cash         bool
	Currency     string // set when it takes one currency only
	Usable       bool   // active, and takes manual entries
}

// Chart is the company's chart of accounts; nil: it is not known yet.
type Chart []ChartAccount

// Reason says why an account is suggested.
type Reason string

// The reasons, the best first.
const (
	ByPreset  Reason = "preset"  // the number of the country's chart, and its name and type fit
	ByKlarna  Reason = "klarna"  // it is named after Klarna and its purpose
	ByGroup   Reason = "group"   // of the same group of the chart, and its name fits
	ByName    Reason = "name"    // elsewhere in the chart, and its name fits
	ByNumber  Reason = "number"  // the number of the country's chart, and something speaks against it
	Unchecked Reason = "unknown" // the company's chart is not known: the preset's number
)

// Objection holds what speaks against an account.
type Objection string

// What can speak against an account.
const (
	IsControl  Objection = "control"  // a sub-ledger owns it, or it is the ledger of customers or suppliers
	IsShared   Objection = "shared"   // it collects other things too, so its balance is not Klarna's
	IsCash     Objection = "cash"     // it is a bank account
	OtherType  Objection = "type"     // its type is another than the purpose needs
	OtherName  Objection = "meaning"  // its name says something else
	Unusable   Objection = "unusable" // inactive, or takes no manual entries
	Unfound    Objection = "unfound"  // the company does not have it
	OneMoney   Objection = "currency" // it takes another currency only
	SameAsMore Objection = "same"     // another purpose has it too
)

// Suggestion is an account for a purpose, with what speaks for and against it.
type Suggestion struct {
	Number     string      `json:"number"`
	Name       string      `json:"name"`
	Reason     Reason      `json:"reason"`
	Objections []Objection `json:"objections,omitempty"`

	score int
}

var ranks = map[Reason]int{ByPreset: 5, ByKlarna: 4, ByGroup: 3, ByName: 2, ByNumber: 1}

// mostSuggested is the number of suggestions that are worth reading.
const mostSuggested = 8

// Suggest ranks the chart's accounts for the question, the best first. Without a
// chart it is the preset's number, which is not confirmed.
func Suggest(q Question, a Answers, chart Chart) []Suggestion {
	preset := presetNumber(q, a)
	if chart == nil {
		if preset == "" {
			return nil
		}
		return []Suggestion{{Number: preset, Reason: Unchecked}}
	}
	about := purposeOf(q)
	var out []Suggestion
	for i := range chart {
		if s, ok := about.suggestion(&chart[i], preset, q.Currency); ok {
			out = append(out, s)
		}
	}
	slices.SortStableFunc(out, func(a, b Suggestion) int {
		return cmp.Or(cmp.Compare(b.score, a.score), strings.Compare(a.Number, b.Number))
	})
	return out[:min(len(out), mostSuggested)]
}

// purpose is a role with the name that it has in roles.
type purpose struct {
	role
	name string
}

func purposeOf(q Question) purpose { return purpose{roles[q.Role], q.Role} }

func (p *purpose) suggestion(account *ChartAccount, preset, currency string) (Suggestion, bool) {
	s := Suggestion{Number: account.Number, Name: account.Name, Objections: p.objections(account, currency)}
	letters := p.named(account.Name)
	exact := account.Number == preset
	klarna := strings.Contains(strings.ToLower(account.Name), "klarna")
	group := len(preset) >= 2 && strings.HasPrefix(account.Number, preset[:2])
	cash := p.name == "bank" && account.Cash
	switch {
	case slices.Contains(s.Objections, Unusable), slices.Contains(s.Objections, OtherType), slices.Contains(s.Objections, OneMoney):
		return s, false
	case exact && len(s.Objections) == 0:
		s.Reason = ByPreset
	case klarna && letters > 0 && !slices.Contains(s.Objections, IsCash):
		s.Reason = ByKlarna
	case slices.Contains(s.Objections, IsCash):
		return s, false
	case exact:
		s.Reason = ByNumber
	case group && (letters > 0 || cash):
		s.Reason = ByGroup
	case letters > 0 || cash:
		s.Reason = ByName
	default:
		return s, false
	}
	s.score = ranks[s.Reason]*1000 + letters*10
	switch {
	case currency != "" && account.Currency == currency:
		s.score += 3000
	case currency != "" && strings.Contains(account.Name, currency):
		s.score += 2000
	case currency == "" && account.Currency == "" && exact:
		s.score += 5
	}
	if group {
		s.score += 50
	}
	s.score -= 400 * len(s.Objections)
	if slices.Contains(s.Objections, IsControl) {
		s.score -= 5000 // behind all others, and it says why
	}
	return s, true
}

// objections are what speaks against an account for the purpose.
func (p *purpose) objections(account *ChartAccount, currency string) []Objection {
	var out []Objection
	say := func(when bool, o Objection) {
		if when {
			out = append(out, o)
		}
	}
	klarna := strings.Contains(strings.ToLower(account.Name), "klarna")
	say(!account.Usable, Unusable)
	say(!p.fits(account.Type), OtherType)
	say(account.Control != "" || begins(account.Name, ledgerNames) && !klarna, IsControl)
	say(p.own && begins(account.Name, sharedNames) && !klarna, IsShared)
	say(account.Cash && p.name != "bank", IsCash)
	say(currency != "" && account.Currency != "" && account.Currency != currency, OneMoney)
	say(p.named(account.Name) == 0 && (p.name != "bank" || !account.Cash), OtherName)
	return out
}

// Objections says what speaks against the account that was answered. Without a
// chart nothing is known.
func Objections(q Question, a Answers, chart Chart) []Objection {
	number := a.Account(q.Key).Number
	if chart == nil || number == "" {
		return nil
	}
	about := purposeOf(q)
	i := slices.IndexFunc(chart, func(c ChartAccount) bool { return c.Number == number })
	if i < 0 {
		return []Objection{Unfound}
	}
	out := about.objections(&chart[i], q.Currency)
	if about.own && q.Merchant == "" {
		for _, other := range Accounts(a) {
			if other.Key != q.Key && other.Merchant == "" && other.Role != q.Role && a.Account(other.Key).Number == number {
				out = append(out, SameAsMore)
				break
			}
		}
	}
	return out
}

// Words says a reason or an objection in English.
func Words(of string) string { return words[of] }

var words = map[string]string{
	string(ByPreset): "the number of the country's chart", string(ByKlarna): "named after Klarna and its purpose",
	string(ByGroup): "of the same group, and its name fits", string(ByName): "its name fits",
	string(ByNumber):  "the number of the country's chart, but see what speaks against it",
	string(Unchecked): "the number of the country's chart; the company's own is not known",

	string(IsControl):  "a control account: the ledger of customers or suppliers would no longer agree with it",
	string(IsShared):   "it collects other things too, so its balance is not Klarna's",
	string(IsCash):     "a bank account",
	string(OtherType):  "its type is another than the purpose needs",
	string(OtherName):  "its name says something else",
	string(Unusable):   "inactive, or takes no manual entries",
	string(Unfound):    "the company does not have it",
	string(OneMoney):   "it takes another currency only",
	string(SameAsMore): "another purpose has it too",
}
