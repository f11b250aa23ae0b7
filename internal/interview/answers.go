package interview

import (
	"fmt"
	"regexp"
	"slices"
	"strings"

	"kvitt/internal/settlement"
	"kvitt/internal/voucher"
)

// Answers are what was answered, by the keys of the questions. An account is
// written as its number, the name that the company's chart gives it, and
// "(unconfirmed)" as long as nobody has looked it up there.
type Answers map[string]string

// Chosen is an account that was answered.
type Chosen struct {
	Number, Name string
	Unconfirmed  bool
}

const unconfirmed = "(unconfirmed)"

func (c Chosen) String() string {
	words := strings.TrimSpace(c.Number + " " + c.Name)
	if c.Unconfirmed && words != "" {
		words += " " + unconfirmed
	}
	return words
}

// Account is the answer to a question about an account.
func (a Answers) Account(key string) Chosen {
	text, open := strings.CutSuffix(strings.TrimSpace(a[key]), unconfirmed)
	number, name, _ := strings.Cut(strings.TrimSpace(text), " ")
	return Chosen{number, strings.TrimSpace(name), open}
}

// currencies are those that Klarna pays out in, the company's own first.
func (a Answers) currencies() []string {
	if all := list(strings.ToUpper(a["currencies"])); len(all) > 0 {
		return all
	}
	return []string{countryOf(a).currency}
}

func (a Answers) merchants() []string { return list(a["merchants"]) }

// Unconfirmed are the questions whose account nobody has looked up in the
// company's chart.
func (a Answers) Unconfirmed() []Question {
	return slices.DeleteFunc(Accounts(a), func(q Question) bool { return !a.Account(q.Key).Unconfirmed })
}

// Complete gives a default to every question that is not answered: the first
// option, and for an account the best suggestion, which is unconfirmed.
func Complete(a Answers, chart Chart) Answers {
	out := Answers{}
	for key, value := range a {
		out[key] = strings.TrimSpace(value)
	}
	for _, ask := range []func(Answers) []Question{Choices, Choices, Accounts} { // choices lead to choices
		for _, q := range ask(out) {
			if out[q.Key] == "" && !q.Optional {
				out[q.Key] = Default(q, out, chart)
			}
		}
	}
	known := Questions(out)
	for key := range out {
		if _, asked := questionOf(known, key); !asked || out[key] == "" {
			delete(out, key)
		}
	}
	return out
}

// Move puts the answers into another country: what belongs to the books of the
// one before is no longer answered.
func Move(a Answers, country string) Answers {
	out := Answers{}
	for key, value := range a {
		ofBooks := strings.HasPrefix(key, "account.") || strings.HasPrefix(key, "merchant.") || strings.HasPrefix(key, "vat_code.") ||
			slices.Contains([]string{"chart", "language", "currencies", "reverse_charge", "reverse_charge.rate"}, key)
		if a["country"] == country || !ofBooks {
			out[key] = value
		}
	}
	out["country"] = country
	return out
}

// Default returns what stands for an answer that was not given.
func Default(q Question, a Answers, chart Chart) string {
	if q.Kind != Account || q.Optional {
		return q.defaulted()
	}
	s := Suggest(q, a, chart)
	if len(s) == 0 || slices.Contains(s[0].Objections, IsControl) {
		return Chosen{Number: presetNumber(q, a), Unconfirmed: true}.String()
	}
	return Chosen{s[0].Number, s[0].Name, true}.String()
}

// Name gives an account that was answered by its number the name of the chart,
// and says whether it is confirmed: it is when a person chose it and the chart
// has it.
func Name(value string, chart Chart) string {
	c := Answers{"": value}.Account("")
	if i := slices.IndexFunc(chart, func(known ChartAccount) bool { return known.Number == c.Number }); i >= 0 {
		return Chosen{c.Number, oneLine(chart[i].Name), false}.String()
	}
	c.Unconfirmed = c.Number != ""
	return c.String()
}

// AnswerError is an answer that cannot be taken.
type AnswerError struct {
	Key, Happened, Helps string
}

func (p *AnswerError) Error() string {
	return fmt.Sprintf("read the answer to %s: %s; %s", p.Key, p.Happened, p.Helps)
}

var (
	numberPattern   = regexp.MustCompile(`^[0-9][0-9A-Za-z.\-]{0,19}$`)
	ratePattern     = regexp.MustCompile(`^[0-9]{1,2}(\.[0-9]{1,2})?$`)
	merchantPattern = regexp.MustCompile(`^[0-9A-Za-z_\-]{1,40}$`)
	codePattern     = regexp.MustCompile(`^[^\s"'#{}\[\],:/]{1,10}(/[^\s"'#{}\[\],:/]{1,10})?$`)
	branchPattern   = regexp.MustCompile(`^[^\s"'#{}\[\],:]{1,30}$`)
)

// Check says which answers cannot be taken, in the order of the questions. Keys
// that no question has are among them.
func Check(a Answers) []*AnswerError {
	var out []*AnswerError
	known := Questions(a)
	for i := range known {
		if p := known[i].check(a[known[i].Key]); p != nil {
			out = append(out, p)
		}
	}
	var strange []string
	for key := range a {
		if _, asked := questionOf(known, key); !asked {
			strange = append(strange, key)
		}
	}
	slices.Sort(strange)
	for _, key := range strange {
		out = append(out, &AnswerError{key, "these answers lead to no such question", "take it out, or correct its spelling"})
	}
	return out
}

// check says why an answer cannot be taken; nil: it can.
func (q *Question) check(value string) *AnswerError {
	bad := func(helps string) *AnswerError {
		return &AnswerError{q.Key, fmt.Sprintf("%q does not fit", value), helps}
	}
	switch {
	case value == "" && q.Optional:
		return nil
	case value == "":
		return &AnswerError{q.Key, "it is missing", "answer it"}
	case strings.ContainsAny(value, "\r\n"):
		return bad("write it on one line")
	}
	switch q.Kind {
	case Choice:
		if !slices.Contains(q.Options, value) {
			return bad("write one of " + strings.Join(q.Options, ", "))
		}
	case Currencies:
		all := list(strings.ToUpper(value))
		for i, c := range all {
			if _, err := settlement.Currency(c).Exponent(); err != nil || slices.Contains(all[:i], c) {
				return bad("write currencies once each and separated by commas: SEK, EUR")
			}
		}
		if len(all) == 0 {
			return bad("write at least one")
		}
	case Merchants:
		all := list(value)
		for i, id := range all {
			if !merchantPattern.MatchString(id) || slices.Contains(all[:i], id) {
				return bad("write Merchant IDs once each and separated by commas: K123456")
			}
		}
	case Account:
		if number := (Answers{"": value}).Account("").Number; !numberPattern.MatchString(number) {
			return bad("write the number of an account, as in 1930")
		}
	case Rate:
		if !ratePattern.MatchString(value) || strings.Trim(value, "0.") == "" {
			return bad("write a rate in percent, as in 25 or 25.5")
		}
	case Code:
		if !codePattern.MatchString(value) {
			return bad("write a VAT code as the company's list in Visma.net has it, and after a slash its VAT id where that is another one")
		}
	case Branch:
		if !branchPattern.MatchString(value) {
			return bad("write the number of a branch")
		}
	}
	return nil
}

// answerLine says how an answer is written in a document.
var answerLine = regexp.MustCompile(`(?m)^# answer ([a-zA-Z0-9_.\-]+): (.*)$`)

// Read returns what was answered for a document, from its comments; nil: the
// interview has not made it.
func Read(document []byte) Answers {
	var a Answers
	for _, m := range answerLine.FindAllStringSubmatch(string(document), -1) {
		if a == nil {
			a = Answers{}
		}
		a[m[1]] = strings.TrimSpace(m[2])
	}
	return a
}

// Parse reads a file of answers: lines "KEY: VALUE", empty ones, and comments.
// The answers of a document can be read as they stand there.
func Parse(file []byte) (Answers, error) {
	a := Answers{}
	for i, line := range strings.Split(string(file), "\n") {
		line = strings.TrimSpace(line)
		if rest, ok := strings.CutPrefix(line, "# answer "); ok {
			line = rest
		}
		if line == "" || strings.HasPrefix(line, "#") {
			continue
		}
		key, value, ok := strings.Cut(line, ":")
		key, value = strings.TrimSpace(key), strings.TrimSpace(value)
		switch _, twice := a[key]; {
		case !ok || key == "":
			return nil, fmt.Errorf("line %d: %q is not an answer; write KEY: VALUE, as in deposits: bank", i+1, line)
		case twice:
			return nil, fmt.Errorf("line %d: %s is answered twice", i+1, key)
		}
		a[key] = strings.Trim(value, `"`)
	}
	return a, nil
}

// presetNumber is the account of the country's preset for a question; "": it has
// none.
func presetNumber(q Question, a Answers) string {
	c := countryOf(a)
	if q.Role == "bank" {
		return c.bank
	}
	if q.Currency != "" || q.Merchant != "" {
		return ""
	}
	if number := presetNumbers(a.preset())[q.Role]; number != "" {
		return number
	}
	return shown(a.preset())[q.Role]
}

// presetNumbers are the accounts of a preset by their names.
func presetNumbers(name string) map[string]string {
	document, err := voucher.Preset(name)
	if err != nil {
		return nil
	}
	slots, err := voucher.Slots(document)
	if err != nil {
		return nil
	}
	numbers := map[string]string{}
	for i := range slots {
		if _, there := numbers[slots[i].Name]; !there {
			numbers[slots[i].Name] = slots[i].Number
		}
	}
	return numbers
}

// rolesOf are the accounts that the answers lead to, in the order of the preset.
func rolesOf(a Answers) []string {
	numbers := presetNumbers(a.preset())
	var out []string
	add := func(when bool, names ...string) {
		for _, name := range names {
			if when && (numbers[name] != "" || apart(name)) {
				out = append(out, name)
			}
		}
	}
	add(true, "settlement", "clearing", "fees", "input_vat", "reserve", "debt")
	add(a["disputes"] != "hold", "disputes")
	add(a["commission"] == "exempt", "commission")
	add(a["loans"] == "yes", "loan", "loan_costs")
	add(true, "suspense")
	add(a["fee_bill"] == "kvitt", "fees_invoice")
	add(a["reverse_charge"] == "owed", "reverse_input", "reverse_output")
	// With VAT transactions the codes say what the VAT is on.
	add(a["reverse_charge"] == "owed" && a["vat_return"] != "transactions", "reverse_base", "reverse_contra")
	accrues := a["accruals"] == "request" || a["accruals"] == "split"
	add(accrues, "accrual")
	add(accrues && numbers["input_vat"] != "", "accrual_vat") // where Klarna charges VAT
	return out
}

func oneLine(text string) string { return strings.Join(strings.Fields(text), " ") }
