package voucher

import (
	"slices"
	"strconv"
	"strings"
	"time"
	_ "time/tzdata" // a profile means the same day on every machine, whatever is installed there
	"unicode"
	"unicode/utf8"

	"kvitt/internal/settlement"
)

// rule reads a rule, and the accounts that it refers to by name.
func (v value) rule() (r rule, references []reference, err error) {
	members, err := v.object("account", "taken", "taxed", "vat_account", "vat_code", "text", "branch", "subaccount", "reverse_charge", "zero_rate")
	if err != nil {
		return rule{}, nil, err
	}
	for _, m := range members {
		switch v := m.value; m.name {
		case "account":
			r.account, err = v.account(&references)
		case "taken":
			r.taken, err = v.account(&references)
		case "taxed":
			r.taxed, err = v.account(&references)
		case "vat_account":
			r.vatAccount, err = v.account(&references)
		case "vat_code":
			r.vatCode, err = v.short(10)
		case "text":
			r.text, err = v.template(maxText, rulePlaceholders)
		case "branch":
			r.branch, err = v.short(30)
		case "subaccount":
			r.subaccount, err = v.segments()
		case "reverse_charge":
			var owed bool
			owed, err = v.yesOrNo()
			r.noReverse = !owed
		case "zero_rate":
			var yes bool
			yes, err = v.yesOrNo()
			r.zeroRate = &yes
		}
		if err != nil {
			return rule{}, nil, err
		}
	}
	return r, references, nil
}

// accounts reads the named accounts, each a number or a number per currency.
func (v value) accounts() (map[string]map[settlement.Currency]string, error) {
	members, err := v.object(accountNames...)
	if err != nil {
		return nil, err
	}
	accounts := make(map[string]map[settlement.Currency]string, len(members))
	for _, m := range members {
		if accounts[m.name], err = m.value.perCurrency(); err != nil {
			return nil, err
		}
	}
	return accounts, nil
}

func (v value) perCurrency() (map[settlement.Currency]string, error) {
	if !v.isMapping() {
		number, err := v.accountNumber()
		return map[settlement.Currency]string{anyCurrency: number}, err
	}
	members, err := v.members()
	if err != nil {
		return nil, err
	}
	if len(members) == 0 {
		return nil, v.errorf("write a number, or one for each currency", "%s names no account", v.name)
	}
	numbers := make(map[settlement.Currency]string, len(members))
	for _, m := range members {
		currency := settlement.Currency(m.name)
		if currency != anyCurrency {
			if err := m.currency(currency); err != nil {
				return nil, err
			}
		}
		if numbers[currency], err = m.value.accountNumber(); err != nil {
			return nil, err
		}
	}
	return numbers, nil
}

func (v value) accountNumber() (string, error) {
	number, err := v.text()
	if err == nil && (!accountNumberPattern.MatchString(number) || isAccountName(number)) {
		err = v.errorf("write it as it stands in Visma.net, in quotes: \"1930\"", "%q is not an account number", number)
	}
	return number, err
}

// account reads an account of a rule: a number, or a name of accounts.
func (v value) account(references *[]reference) (string, error) {
	account, err := v.text()
	switch {
	case err != nil:
		return "", err
	case !isAccountName(account):
		return v.accountNumber()
	case !slices.Contains(accountNames, account):
		return "", v.errorf(didYouMean(account, accountNames), "there is no account named %q", account)
	}
	*references = append(*references, reference{v.place, account})
	return account, nil
}

func (p place) currency(c settlement.Currency) error {
	if _, err := c.Exponent(); err == nil {
		return nil
	}
	known := settlement.Currencies()
	names := make([]string, len(known))
	for i, k := range known {
		names[i] = string(k)
	}
	return p.errorf(didYouMean(string(c), names), "%q is not a currency that Klarna pays out in", string(c))
}

func (v value) condition() (w condition, err error) {
	members, err := v.object("currency", "country", "merchant_id")
	if err != nil {
		return condition{}, err
	}
	for _, m := range members {
		text, err := m.value.short(40)
		if err != nil {
			return condition{}, err
		}
		switch m.name {
		case "currency":
			w.currency = settlement.Currency(text)
			if err := m.value.currency(w.currency); err != nil {
				return condition{}, err
			}
		case "country":
			w.country = text
			if !countryPattern.MatchString(text) {
				return condition{}, m.value.errorf("write two capitals, as in NO", "%q is not a country code", text)
			}
		case "merchant_id":
			w.merchantID = text
		}
	}
	return w, nil
}

// segments reads a subaccount, "segment number: value".
func (v value) segments() ([]Segment, error) {
	members, err := v.members()
	if err != nil {
		return nil, err
	}
	if len(members) == 0 {
		return nil, v.errorf("write `1: \"10\"` for each segment", "%s has no segments", v.name)
	}
	segments := make([]Segment, 0, len(members))
	for _, m := range members {
		id, err := strconv.Atoi(m.name)
		if err != nil || id < 1 || id > 99 || strconv.Itoa(id) != m.name {
			return nil, m.errorf("count the segments from 1, as Visma.net does", "%q is not the number of a segment", m.name)
		}
		text, err := m.value.short(30)
		if err != nil {
			return nil, err
		}
		segments = append(segments, Segment{id, text})
	}
	slices.SortFunc(segments, func(a, b Segment) int { return a.ID - b.ID })
	return segments, nil
}

func (v value) posting(p Posting) (Posting, error) {
	members, err := v.object("mode", "review_first", "review_after_change")
	if err != nil {
		return p, err
	}
	told := false
	for _, m := range members {
		switch m.name {
		case "mode":
			var mode string
			mode, err = m.value.oneOf(string(Draft), string(Review), string(Auto))
			p.Mode = Mode(mode)
		case "review_first":
			p.ReviewFirst, err = m.value.number(0, 1_000_000)
		case "review_after_change":
			p.ReviewAfterChange, err = m.value.number(0, 1_000_000)
			told = true
		}
		if err != nil {
			return p, err
		}
	}
	if !told {
		p.ReviewAfterChange = max(1, p.ReviewFirst)
	}
	return p, nil
}

func (v value) periods(p Periods) (Periods, error) {
	members, err := v.object("policy", "split")
	if err != nil {
		return p, err
	}
	for _, m := range members {
		var policy string
		switch m.name {
		case "policy":
			policy, err = m.value.oneOf(string(HoldPeriod), string(NextOpen))
			p.Policy = PeriodPolicy(policy)
		case "split":
			p.Split, err = m.value.yesOrNo()
		}
		if err != nil {
			return p, err
		}
	}
	return p, nil
}

func (v value) texts() (texts, error) {
	members, err := v.object(textMembers...)
	if err != nil {
		return nil, err
	}
	t := texts{}
	for _, m := range members {
		if t[m.name], err = m.value.template(longest(m.name), textPlaceholders[m.name]); err != nil {
			return nil, err
		}
	}
	return t, nil
}

// template reads a text with placeholders. most is its length in characters;
// what placeholders add to it is cut when a voucher is compiled.
func (v value) template(most int, known []string) (string, error) {
	text, err := v.line()
	if err != nil {
		return "", err
	}
	names, ok := placeholders(text)
	if !ok {
		return "", v.errorf("write placeholders as {currency}", "the braces in %q do not pair up", text)
	}
	length := utf8.RuneCountInString(text)
	for _, name := range names {
		if !slices.Contains(known, name) {
			return "", v.errorf(didYouMean(name, known), "there is no placeholder {%s} here", name)
		}
		length -= len("{}") + len(name)
	}
	if length > most {
		return "", v.errorf("shorten it", "%s is %d characters long, and %d is the most", v.name, length, most)
	}
	return text, nil
}

// line reads one line of printable text.
func (v value) line() (string, error) {
	text, err := v.text()
	switch {
	case err != nil:
		return "", err
	case strings.TrimSpace(text) == "":
		return "", v.errorf("give it a value or leave the member out", "%s is empty", v.name)
	case strings.TrimSpace(text) != text || strings.ContainsFunc(text, func(r rune) bool { return !unicode.IsPrint(r) }):
		return "", v.errorf("write it on one line, without spaces around it", "%s has to be one line of text", v.name)
	}
	return text, nil
}

// short reads a line of at most so many characters.
func (v value) short(most int) (string, error) {
	text, err := v.line()
	if n := utf8.RuneCountInString(text); err == nil && n > most {
		return "", v.errorf("shorten it", "%s is %d characters long, and %d is the most", v.name, n, most)
	}
	return text, err
}

func (v value) number(least, most int) (int, error) {
	text, err := v.text()
	if err != nil {
		return 0, err
	}
	n, err := strconv.Atoi(text)
	switch {
	case err == nil && n >= least && n <= most:
		return n, nil
	case least == most:
		return 0, v.errorf("write "+strconv.Itoa(least), "%s %q is not one that this Kvitt reads", v.name, text)
	default:
		return 0, v.errorf("write a whole number from "+strconv.Itoa(least), "%s %q is not a number that fits", v.name, text)
	}
}

func (v value) oneOf(known ...string) (string, error) {
	text, err := v.text()
	if err == nil && !slices.Contains(known, text) {
		err = v.errorf(didYouMean(text, known), "%s cannot be %q", v.name, text)
	}
	return text, err
}

func (v value) date() (Date, error) {
	text, err := v.text()
	if err != nil {
		return Date{}, err
	}
	d, err := ParseDate(text)
	if err != nil {
		return Date{}, v.errorf("write year, month and day: 2026-01-31", "%q is not a date", text)
	}
	return d, nil
}

// zone reads an IANA zone. "Local" is refused: it means another zone on another
// machine.
func (v value) zone() (string, *time.Location, error) {
	name, err := v.line()
	if err != nil {
		return "", nil, err
	}
	zone, err := time.LoadLocation(name)
	if err != nil || name == "Local" {
		return "", nil, v.errorf("write it like Europe/Stockholm", "there is no time zone %q", name)
	}
	return name, zone, nil
}
