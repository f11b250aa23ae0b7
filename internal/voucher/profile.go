package voucher

import (
	"cmp"
	"crypto/sha256"
	"encoding/hex"
	"slices"
	"time"

	"kvitt/internal/settlement"
)

// Profile is a posting profile: which component goes to which account, and how
// a company wants its vouchers. It comes from ParseProfile and never changes.
//
// A rule is looked up field by field. The overrides whose `when` holds come
// first, the most specific of them (most conditions) before the others, then
// the profile itself; among equals merchant_id goes before country, and country
// before currency. Within each of these, the rule of the pair "FEE/SERVICING_FEE"
// goes before the rule of the type "FEE/*", which covers rows without a detailed
// type too, and branch and subaccount come last from the level itself. The first
// that sets the field decides. The members of `vat` are looked up in the same way,
// each as a whole.
type Profile struct {
	Version         int
	Name            string
	TransactionCode string
	TimeZone        string
	Language        Language // of the texts on vouchers; empty: English as the first release wrote it
	Posting         Posting
	Periods         Periods
	Start           Date // nothing before this day is posted; zero: no such day

	hash   string
	zone   *time.Location
	layers []layer // the most specific first, the profile itself last
	texts  texts   // each empty one is looked up in the language

	accrual accrual // of what is captured and not paid out, on request
}

// Posting says how far a voucher goes by itself.
type Posting struct {
	Mode        Mode
	ReviewFirst int // the first N payouts of a connection are reviewed in any mode
	// ReviewAfterChange is the number of payouts to review after the profile was
	// changed, in any mode; as many as ReviewFirst, and at least one, when the
	// profile does not say.
	ReviewAfterChange int
}

// Mode decides what happens to a compiled voucher.
type Mode string

// The posting modes.
const (
	Draft  Mode = "draft"  // posted on hold; released by a person in Visma.net
	Review Mode = "review" // posted after approval in Kvitt, then released
	Auto   Mode = "auto"   // posted and released
)

// Periods says what happens when the period of the voucher date is closed, and
// to a payout whose captures lie in more than one.
type Periods struct {
	Policy PeriodPolicy
	Split  bool // what was captured in an earlier period is booked there, see Part
}

// PeriodPolicy decides what happens when the period of a voucher date is closed.
type PeriodPolicy string

// The period policies.
const (
	HoldPeriod PeriodPolicy = "hold"      // the payout waits
	NextOpen   PeriodPolicy = "next_open" // the voucher goes into the next open period
)

// layer is the profile itself, or one override.
type layer struct {
	when       condition
	ledger     string
	branch     string
	subaccount []Segment
	accounts   map[string]map[settlement.Currency]string // by name and currency; anyCurrency for the rest
	rules      map[string]rule                           // by "TYPE/DETAILED_TYPE" or "TYPE/*"
	vat        vat
}

// anyCurrency stands for the currencies that an account does not name.
const anyCurrency settlement.Currency = "*"

// rule says where the amounts of a kind of rows go. An empty field is looked up
// further; accounts are numbers, or names of the profile's accounts.
type rule struct {
	account    string
	taken      string // the account of what takes money, where it is another one
	taxed      string // the account of amounts with VAT, where it is another one
	vatAccount string
	vatCode    string
	text       string
	branch     string
	subaccount []Segment
	noReverse  bool  // no reverse charge is owed on these fees
	zeroRate   *bool // these fees may carry no VAT, whatever the rates are
}

// condition says what an override applies to. An empty field holds for everything.
type condition struct {
	currency   settlement.Currency
	country    string
	merchantID string
}

// holds tells whether the condition is met by what a line is about.
func (w condition) holds(about condition) bool {
	return (w.currency == "" || w.currency == about.currency) &&
		(w.country == "" || w.country == about.country) &&
		(w.merchantID == "" || w.merchantID == about.merchantID)
}

// weight orders conditions: more conditions first, then the merchant before the
// country before the currency.
func (w condition) weight() int {
	weight := 0
	if w.merchantID != "" {
		weight += 8 + 4
	}
	if w.country != "" {
		weight += 8 + 2
	}
	if w.currency != "" {
		weight += 8 + 1
	}
	return weight
}

// sortLayers puts the most specific first. Overrides with the same weight ask
// for different values of the same members (two with equal conditions are
// refused), so no more than one of them ever holds and the order between them
// decides nothing.
func sortLayers(layers []layer) {
	slices.SortStableFunc(layers, func(a, b layer) int {
		return cmp.Compare(b.when.weight(), a.when.weight())
	})
}

// Hash is the SHA-256 of the document, in hex.
func (p *Profile) Hash() string { return p.hash }

func hashOf(doc []byte) string {
	sum := sha256.Sum256(doc)
	return hex.EncodeToString(sum[:])
}

// Location is the company's zone, in which a payout's moment becomes a date.
func (p *Profile) Location() *time.Location { return p.zone }

// BeforeStart tells whether a payout of this moment is before the profile's
// start, if it has one.
func (p *Profile) BeforeStart(payoutDate time.Time) bool {
	return !p.Start.IsZero() && DateOf(payoutDate, p.zone).Before(p.Start)
}

// and returns what a line of this level is about: what the condition asks for, and the
// rest from elsewhere.
func (w condition) and(rest condition) condition {
	return condition{
		currency:   cmp.Or(w.currency, rest.currency),
		country:    cmp.Or(w.country, rest.country),
		merchantID: cmp.Or(w.merchantID, rest.merchantID),
	}
}

// find returns the first value that a layer which holds gives for a field.
func find[T any](p *Profile, about condition, get func(*layer) (T, bool)) (T, bool) {
	for i := range p.layers {
		if l := &p.layers[i]; l.when.holds(about) {
			if value, ok := get(l); ok {
				return value, true
			}
		}
	}
	var none T
	return none, false
}

// account resolves a named account in a currency.
func (p *Profile) account(name string, about condition) string {
	number, _ := find(p, about, func(l *layer) (string, bool) { return l.account(name, about.currency) })
	return number
}

// numberOf is the number of an account that is a number or a name; "" when the
// name has none in the currency.
func (p *Profile) numberOf(reference string, about condition) string {
	if isAccountName(reference) {
		return p.account(reference, about)
	}
	return reference
}

func (l *layer) account(name string, currency settlement.Currency) (string, bool) {
	if number, ok := l.accounts[name][currency]; ok {
		return number, true
	}
	number, ok := l.accounts[name][anyCurrency]
	return number, ok
}

// rule gathers the rule of a kind of rows. Fields that the profile says nothing
// about are empty; accounts are still numbers or names.
func (p *Profile) rule(kind settlement.Key, about condition) rule {
	pair, group := kind.Pair(), kind.Type+"/*"
	field := func(get func(rule) string) string {
		value, _ := find(p, about, func(l *layer) (string, bool) {
			value := cmp.Or(get(l.rules[pair]), get(l.rules[group]))
			return value, value != ""
		})
		return value
	}
	subaccount, _ := find(p, about, func(l *layer) ([]Segment, bool) {
		for _, segments := range [][]Segment{l.rules[pair].subaccount, l.rules[group].subaccount, l.subaccount} {
			if segments != nil {
				return segments, true
			}
		}
		return nil, false
	})
	branch, _ := find(p, about, func(l *layer) (string, bool) {
		branch := cmp.Or(l.rules[pair].branch, l.rules[group].branch, l.branch)
		return branch, branch != ""
	})
	noReverse, _ := find(p, about, func(l *layer) (bool, bool) {
		exempt := l.rules[pair].noReverse || l.rules[group].noReverse
		return exempt, exempt
	})
	zeroRate, _ := find(p, about, func(l *layer) (bool, bool) {
		return said(cmp.Or(l.rules[pair].zeroRate, l.rules[group].zeroRate))
	})
	return rule{
		noReverse:  noReverse,
		zeroRate:   &zeroRate,
		account:    field(func(r rule) string { return r.account }),
		taken:      field(func(r rule) string { return r.taken }),
		taxed:      field(func(r rule) string { return r.taxed }),
		vatAccount: field(func(r rule) string { return r.vatAccount }),
		vatCode:    field(func(r rule) string { return r.vatCode }),
		text:       field(func(r rule) string { return r.text }),
		branch:     branch,
		subaccount: subaccount,
	}
}

// accountFor is the account of an amount that gives (+) or takes (-) money.
func (r *rule) accountFor(gives, vat int64) string {
	switch {
	case vat != 0 && r.taxed != "":
		return r.taxed
	case gives < 0 && r.taken != "":
		return r.taken
	}
	return r.account
}

// ruleOf is the rule of a component. Rows without a detailed type that no rule
// covers take that of the detailed types which Klarna documents for their type,
// if all of these book the same.
func (p *Profile) ruleOf(kind settlement.Key, about condition) rule {
	own := p.rule(kind, about)
	if kind.DetailedType != "" || own.account != "" {
		return own
	}
	var common *rule
	for _, k := range settlement.Kinds() {
		if k.Type != kind.Type || !k.Documented {
			continue
		}
		kind.DetailedType = k.DetailedType
		r := p.rule(kind, about)
		r.text = ""
		if r.account == "" || common != nil && !common.same(&r) {
			return own
		}
		if common != nil { // no VAT is right only where it is right for all
			all := *common.zeroRate && *r.zeroRate
			r.zeroRate = &all
		}
		common = &r
	}
	if common == nil {
		return own
	}
	return *common
}

// same tells whether two rules book alike.
func (r *rule) same(o *rule) bool {
	return r.account == o.account && r.taken == o.taken && r.taxed == o.taxed && r.vatAccount == o.vatAccount &&
		r.vatCode == o.vatCode && r.branch == o.branch && r.noReverse == o.noReverse &&
		slices.Equal(r.subaccount, o.subaccount)
}
