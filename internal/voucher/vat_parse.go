package voucher

import (
	"regexp"
	"slices"
	"strconv"
	"strings"
)

var percentPattern = regexp.MustCompile(`^[0-9]{1,2}(\.[0-9]{1,2})?$`)

// vatReader reads the `vat` of a level.
type vatReader struct {
	*reader
	layer int // index of the override, -1 for the profile itself
}

// readVAT reads the `vat` of the profile, or of an override.
func (r *reader) readVAT(to *vat, layer int, v value) error {
	return vatReader{r, layer}.read(to, v)
}

// noneOfTheBatch refuses what a country cannot say of the whole batch.
func noneOfTheBatch(v value) error {
	members, err := v.members()
	if err != nil {
		return err
	}
	for _, m := range members {
		if slices.Contains(batchMembers, m.name) {
			return m.errorf("set it for a currency or a merchant_id", "a country cannot choose `%s` of vat: a payout is one batch and has many countries", m.name)
		}
	}
	return nil
}

func (r vatReader) read(to *vat, v value) error {
	members, err := v.object("rates", "reverse_charge", "transaction", "return", "exchange_rate")
	if err != nil {
		return err
	}
	for _, m := range members {
		switch v := m.value; m.name {
		case "rates":
			to.rates, err = r.rates(v)
		case "reverse_charge":
			to.reverse, err = r.reverseCharge(v)
		case "transaction":
			var yes bool
			yes, err = v.yesOrNo()
			to.transaction = &yes
		case "return":
			var from string
			from, err = v.oneOf("visma", "ledger")
			ledger := from == "ledger"
			to.fromLedger = &ledger
		case "exchange_rate":
			var from string
			from, err = v.oneOf("visma", "klarna")
			klarna := from == "klarna"
			to.klarnaRate = &klarna
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// rates reads the rates that are expected, each with where its VAT goes.
func (r vatReader) rates(v value) (map[int64]vatRate, error) {
	members, err := v.members()
	if err != nil {
		return nil, err
	}
	rates := make(map[int64]vatRate, len(members))
	for _, m := range members {
		rate, err := m.percent(m.name)
		if err != nil {
			return nil, err
		}
		if _, twice := rates[rate]; twice {
			return nil, m.errorf("keep one of the two", "the rate %s stands twice in %s", Percent(rate), v.name)
		}
		if rates[rate], err = r.rate(m.value); err != nil {
			return nil, err
		}
	}
	return rates, nil
}

func (r vatReader) rate(v value) (to vatRate, err error) {
	members, err := v.object("account", "code", "id", "base_code", "base_id")
	if err != nil {
		return to, err
	}
	for _, m := range members {
		switch m.name {
		case "account":
			to.account, err = r.vatAccount(m.value)
		case "code":
			to.code, err = m.value.short(10)
		case "id":
			to.id, err = m.value.short(10)
		case "base_code":
			to.baseCode, err = m.value.short(10)
		case "base_id":
			to.baseID, err = m.value.short(10)
		}
		if err != nil {
			return to, err
		}
	}
	return to, nil
}

// vatAccount reads an account and notes a name, which check makes sure of.
func (r vatReader) vatAccount(v value) (string, error) {
	var references []reference
	account, err := v.account(&references)
	for _, ref := range references {
		r.vatReferences = append(r.vatReferences, levelReference{ref, r.layer})
	}
	return account, err
}

// reverseCharge reads what the buyer owes; `false` says that nothing is owed.
func (r vatReader) reverseCharge(v value) (*reverseCharge, error) {
	if !v.isMapping() {
		if _, err := v.oneOf("false"); err != nil {
			return nil, err
		}
		return &reverseCharge{}, nil
	}
	members, err := v.object(reverseMembers...)
	if err != nil {
		return nil, err
	}
	var to reverseCharge
	for _, m := range members {
		if err := r.reverseMember(&to, m); err != nil {
			return nil, err
		}
	}
	switch {
	case to.rate == 0 || to.input.account == "" || to.output.account == "":
		return nil, v.errorf("write `rate`, `input` and `output`", "a reverse charge needs its rate and the accounts of its two lines")
	case (to.base.account == "") != (to.contra.account == ""):
		return nil, v.errorf("write both `base` and `base_contra`, or neither", "the taxable amount of a reverse charge needs two accounts, so that its lines come to zero")
	case to.base.account == "" && to.contra != (vatRate{}):
		return nil, v.errorf("write `base` and `base_contra` too, or leave the code out", "a reverse charge has a code for a contra line that it does not have")
	}
	return &to, nil
}

var reverseMembers = []string{
	"rate", "input", "output", "base", "base_contra",
	"input_code", "output_code", "base_code", "base_contra_code",
	"input_id", "output_id", "base_id", "base_contra_id",
}

// reverseMember reads the rate, or an account, code or id of one of the lines.
func (r vatReader) reverseMember(to *reverseCharge, m member) (err error) {
	if m.name == "rate" {
		text, err := m.value.text()
		if err == nil {
			to.rate, err = m.value.percent(text)
		}
		return err
	}
	name, isCode := strings.CutSuffix(m.name, "_code")
	name, isID := strings.CutSuffix(name, "_id")
	line := map[string]*vatRate{"input": &to.input, "output": &to.output, "base": &to.base, "base_contra": &to.contra}[name]
	switch {
	case isCode:
		line.code, err = m.value.short(10)
	case isID:
		line.id, err = m.value.short(10)
	default:
		line.account, err = r.vatAccount(m.value)
	}
	return err
}

// percent reads a rate such as 25 or 25.5 as hundredths of a percent.
func (p place) percent(text string) (int64, error) {
	if !percentPattern.MatchString(text) {
		return 0, p.errorf("write it in percent: \"25\" or \"25.5\"", "%q is not a VAT rate", text)
	}
	whole, decimals := text, ""
	for i, r := range text {
		if r == '.' {
			whole, decimals = text[:i], text[i+1:]
		}
	}
	for len(decimals) < 2 {
		decimals += "0"
	}
	rate, err := strconv.ParseInt(whole+decimals, 10, 64)
	return rate, err
}

func (v value) yesOrNo() (bool, error) {
	text, err := v.oneOf("true", "false")
	return text == "true", err
}
