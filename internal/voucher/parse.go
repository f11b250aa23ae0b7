package voucher

import (
	"regexp"
	"slices"
	"strings"

	"kvitt/internal/settlement"
)

// The accounts that a profile names. Rules refer to them by name.
const (
	accountSettlement  = "settlement"
	accountDebt        = "debt"
	accountFeesInvoice = "fees_invoice"
)

// accountNames are all of them: the money side, then what components are about.
var accountNames = []string{
	accountSettlement, "clearing", "fees", "input_vat", "reserve", accountDebt, "disputes",
	"commission", "loan", "loan_costs", "suspense", accountFeesInvoice,
}

// payoutAccounts are used by lines that no rule is behind. They belong to a
// payout as a whole, which has no country.
var payoutAccounts = []string{accountSettlement, accountDebt, accountFeesInvoice}

var (
	accountNamePattern   = regexp.MustCompile(`^[a-z][a-z_]*$`)
	accountNumberPattern = regexp.MustCompile(`^[0-9A-Za-z][0-9A-Za-z.\-]{0,19}$`)
	countryPattern       = regexp.MustCompile(`^[A-Z]{2}$`)
	detailedTypePattern  = regexp.MustCompile(`^[A-Z][A-Z0-9_]*$`)
)

// isAccountName tells a name of the profile's accounts from a number.
func isAccountName(reference string) bool { return accountNamePattern.MatchString(reference) }

// reader fills in a profile from its document. base collects the profile's own
// layer, which the overrides' layers precede in the end.
type reader struct {
	profile   *Profile
	base      layer
	overrides []layer
	rulesAt   []ruleAt // where rules stand, for the checks that need all of them
	seen      map[string]place

	vatReferences     []levelReference // accounts that vat refers to by name
	accrualReferences []reference      // accounts that accrual refers to by name
}

type ruleAt struct {
	place
	kind       string
	layer      int // index of the override, -1 for the profile itself
	references []reference
}

// reference is an account that a rule refers to by name.
type reference struct {
	place
	name string
}

// levelReference is one that a level refers to.
type levelReference struct {
	reference
	layer int // index of the override, -1 for the profile itself
}

// ParseProfile reads a posting profile from YAML. It is strict: every member is
// known, every reference leads somewhere and every rule has an account, or the
// error, a *ProfileError, says where it is not so and what helps.
func ParseProfile(doc []byte) (*Profile, error) {
	root, err := document(doc)
	if err != nil {
		return nil, err
	}
	r := &reader{
		profile: &Profile{
			hash:    hashOf(doc),
			Posting: Posting{Mode: Review, ReviewAfterChange: 1},
			Periods: Periods{Policy: HoldPeriod},
		},
		seen: map[string]place{},
	}
	if err := r.read(root); err != nil {
		return nil, err
	}
	if err := r.check(root); err != nil {
		return nil, err
	}
	r.profile.layers = append(r.overrides, r.base)
	sortLayers(r.profile.layers)
	return r.profile, nil
}

// read visits the members in the order of the document, so that the first error
// is the first one a reader meets.
func (r *reader) read(root value) error {
	members, err := root.object("version", "name", "ledger", "branch", "subaccount", "transaction_code",
		"time_zone", "language", "posting", "periods", "start", "accounts", "components", "overrides", "texts", "vat", "accrual")
	if err != nil {
		return err
	}
	p := r.profile
	for _, m := range members {
		r.seen[m.name] = m.place
		switch v := m.value; m.name {
		case "version":
			p.Version, err = v.number(1, 1)
		case "name":
			p.Name, err = v.short(80)
		case "transaction_code":
			p.TransactionCode, err = v.short(30)
		case "time_zone":
			p.TimeZone, p.zone, err = v.zone()
		case "language":
			p.Language, err = v.language()
		case "posting":
			p.Posting, err = v.posting(p.Posting)
		case "periods":
			p.Periods, err = v.periods(p.Periods)
		case "start":
			p.Start, err = v.date()
		case "overrides":
			err = r.readOverrides(v)
		case "accrual":
			err = r.readAccrual(v)
		case "texts":
			p.texts, err = v.texts()
		default:
			err = r.readLayer(&r.base, -1, m)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// readLayer reads a member that the profile and its overrides share.
func (r *reader) readLayer(l *layer, index int, m member) (err error) {
	switch v := m.value; m.name {
	case "ledger":
		l.ledger, err = v.short(30)
	case "branch":
		l.branch, err = v.short(30)
	case "subaccount":
		l.subaccount, err = v.segments()
	case "accounts":
		l.accounts, err = v.accounts()
	case "components":
		l.rules, err = r.readRules(v, index)
	case "vat":
		err = r.readVAT(&l.vat, index, v)
	}
	return err
}

func (r *reader) readOverrides(v value) error {
	items, err := v.list()
	if err != nil {
		return err
	}
	for i, item := range items {
		members, err := item.object("when", "ledger", "branch", "subaccount", "accounts", "components", "vat")
		if err != nil {
			return err
		}
		var l layer
		for _, m := range members {
			if m.name == "when" {
				l.when, err = m.value.condition()
			} else {
				err = r.readLayer(&l, i, m)
			}
			if err != nil {
				return err
			}
		}
		if err := r.checkOverride(item, members, l); err != nil {
			return err
		}
		r.overrides = append(r.overrides, l)
	}
	return nil
}

func (r *reader) checkOverride(item value, members []member, l layer) error {
	if l.when == (condition{}) {
		return item.errorf("say which currency, country or merchant_id it is for", "the override has no `when`")
	}
	if slices.ContainsFunc(r.overrides, func(o layer) bool { return o.when == l.when }) {
		return item.errorf("put the two together", "an override with the same `when` stands before")
	}
	if l.when.country == "" {
		return nil
	}
	for _, m := range members {
		switch m.name {
		case "ledger":
			return m.errorf("set it for a currency or a merchant_id", "a country cannot choose the ledger: a payout has one ledger and many countries")
		case "vat":
			if err := noneOfTheBatch(m.value); err != nil {
				return err
			}
		}
	}
	for _, name := range payoutAccounts {
		if l.accounts[name] != nil {
			return item.errorf("set it for a currency or a merchant_id", "a country cannot choose the account %q: a payout is paid out once, for many countries", name)
		}
	}
	return nil
}

func (r *reader) readRules(v value, index int) (map[string]rule, error) {
	members, err := v.members()
	if err != nil {
		return nil, err
	}
	rules := make(map[string]rule, len(members))
	for _, m := range members {
		if err := m.kind(); err != nil {
			return nil, err
		}
		rule, references, err := m.value.rule()
		if err != nil {
			return nil, err
		}
		rules[m.name] = rule
		r.rulesAt = append(r.rulesAt, ruleAt{m.place, m.name, index, references})
	}
	return rules, nil
}

// check looks at the profile as a whole: what is missing, and what leads
// nowhere.
func (r *reader) check(root value) error {
	for _, name := range []string{"version", "name", "time_zone", "accounts", "components"} {
		if _, ok := r.seen[name]; !ok {
			return root.errorf("add it, as the presets do", "the profile has no %q", name)
		}
	}
	if r.base.accounts[accountSettlement] == nil {
		return r.seen["accounts"].errorf("name the account that payouts arrive on", "accounts has no %q", accountSettlement)
	}
	if r.profile.Periods.Split && !r.profile.Accrues() {
		return r.seen["periods"].errorf("add `accrual:` with receivable and vat, as the presets show it",
			"periods.split wants to know where the part of an earlier period goes, and the profile has no \"accrual\"")
	}
	for _, at := range r.rulesAt {
		if err := r.checkRule(at); err != nil {
			return err
		}
	}
	for _, ref := range r.vatReferences {
		if !slices.ContainsFunc(r.levels(ref.layer), func(l *layer) bool { return l.accounts[ref.name] != nil }) {
			return ref.errorf("add it there, or write the number here", "vat uses the account %q, which is not under accounts", ref.name)
		}
	}
	for _, ref := range r.accrualReferences {
		if r.base.accounts[ref.name] == nil {
			return ref.errorf("add it there, or write the number here", "accrual uses the account %q, which is not under accounts", ref.name)
		}
	}
	return nil
}

// levels are an override and the profile itself, in the order of looking up.
func (r *reader) levels(override int) []*layer {
	if override < 0 {
		return []*layer{&r.base}
	}
	return []*layer{&r.overrides[override], &r.base}
}

// checkRule makes sure that a rule leads to an account with what its own level
// and the profile itself say.
func (r *reader) checkRule(at ruleAt) error {
	levels := r.levels(at.layer)
	group, _, _ := strings.Cut(at.kind, "/")
	account := ""
	for _, l := range levels {
		for _, kind := range []string{at.kind, group + "/*"} {
			if account == "" {
				account = l.rules[kind].account
			}
		}
	}
	if account == "" {
		return at.errorf("add `account:`, to it or to "+group+"/*", "the rule for %s has no account", at.kind)
	}
	for _, ref := range at.references {
		if !slices.ContainsFunc(levels, func(l *layer) bool { return l.accounts[ref.name] != nil }) {
			return ref.errorf("add it there, or write the number here", "the rule for %s uses the account %q, which is not under accounts", at.kind, ref.name)
		}
	}
	return nil
}

// kind checks the name of a rule, "TYPE/DETAILED_TYPE" or "TYPE/*". Klarna may
// invent detailed types, so an unknown one is accepted unless it looks like a
// slip of the pen; an unknown type is not, since no total could ever prove it.
func (m member) kind() error {
	typ, detailed, ok := strings.Cut(m.name, "/")
	if !ok {
		return m.errorf("write \"TYPE/DETAILED_TYPE\", or \"TYPE/*\" for all others of the type", "%q is not a kind of rows", m.name)
	}
	if types := settlement.Types(); !slices.Contains(types, typ) {
		return m.errorf(didYouMean(typ, types), "Klarna has no type %q", typ)
	}
	if detailed == "*" {
		return nil
	}
	if !detailedTypePattern.MatchString(detailed) {
		return m.errorf("write the detailed type as Klarna does, in capitals, or \"*\"", "%q is not a detailed type", detailed)
	}
	var known []string
	for _, k := range settlement.Kinds() {
		if k.DetailedType == detailed {
			return nil
		}
		known = append(known, k.DetailedType)
	}
	if likely := suggest(detailed, known); likely != "" && edits(detailed, likely) <= 2 {
		return m.errorf("did you mean \""+typ+"/"+likely+"\"? (A new detailed type of such a name is covered by \""+typ+"/*\".)",
			"Klarna has no detailed type %q that we know of", detailed)
	}
	return nil
}
