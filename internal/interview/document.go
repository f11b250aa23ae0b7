package interview

import (
	"fmt"
	"regexp"
	"slices"
	"strings"

	"kvitt/internal/voucher"
)

// Document is the posting profile that complete answers make: a function of
// them alone, so that the same answers always make the same document. The error
// is an *AnswerError, or says that the preset could not be read.
func Document(a Answers) ([]byte, error) {
	if problems := Check(a); len(problems) > 0 {
		return nil, problems[0]
	}
	preset, err := voucher.Preset(a.preset())
	if err != nil {
		return nil, err
	}
	parts := sections(string(preset))
	for i := range parts {
		p := &parts[i]
		switch p.name {
		case "":
			p.body = heading(a) + p.body
		case "language":
			p.body = "language: " + a["language"] + "\n"
		case "posting":
			p.body = modeLine.ReplaceAllString(p.body, "${1}"+a["posting"])
		case "periods":
			p.body = policyLine.ReplaceAllString(p.body, "${1}"+a["periods"])
			if a["accruals"] == "split" {
				p.body = strings.Replace(p.body, "  # split: true", "  split: true", 1)
			}
		case "accounts":
			p.body = accountsOf(a)
		case "components":
			p.body = componentsOf(p.body, a)
		case "vat":
			p.body = vatOf(p.body, a)
		case "accrual":
			p.body = accrualOf(a)
		}
		if p.name == "vat" {
			p.lead = overridesOf(a) + p.lead
		}
	}
	var b strings.Builder
	for i := range parts {
		b.WriteString(parts[i].lead)
		b.WriteString(parts[i].body)
	}
	return []byte(b.String()), nil
}

var (
	modeLine    = regexp.MustCompile(`(?m)^(  mode: )\w+`)
	policyLine  = regexp.MustCompile(`(?m)^(  policy: )\w+`)
	sectionLine = regexp.MustCompile(`^([a-z_]+):`)
	ruleLine    = regexp.MustCompile(`^  [A-Z_]+/[A-Z0-9_*]+: \{.*\}`)
	decided     = regexp.MustCompile(`(?m)^  (reverse_charge|transaction|return): .*\n`)
	rateLine    = regexp.MustCompile(`(?m)^(    "(?:[1-9][0-9.]*)": ){}`)
	accountIn   = regexp.MustCompile(`\b(?:account|taken): ([a-z_]+)`)
)

// section is a member of a document at its top level, with the comments above
// it. The first one has no name: what comes before all members.
type section struct{ name, lead, body string }

func sections(document string) []section {
	parts := []section{{}}
	var lead strings.Builder
	blank := false // the last line was
	for line := range strings.Lines(document) {
		last := &parts[len(parts)-1]
		m := sectionLine.FindStringSubmatch(line)
		switch empty := strings.TrimSpace(line) == ""; {
		case m != nil:
			parts = append(parts, section{name: m[1], lead: lead.String(), body: line})
			lead.Reset()
		case last.name == "" || lead.Len() > 0 && (empty || strings.HasPrefix(line, "#")):
			lead.WriteString(line)
		case empty, strings.HasPrefix(line, "#") && blank:
			lead.WriteString(line)
		default: // a blank line before it belongs to the member after all
			last.body += lead.String() + line
			lead.Reset()
		}
		blank = strings.TrimSpace(line) == ""
	}
	return append(parts, section{name: "end", lead: lead.String()})
}

// heading states the answers, as Read has them back.
func heading(a Answers) string {
	var b strings.Builder
	b.WriteString("# Kvitt posting profile, made by the interview\n#\n" +
		"# The answers below made this document. Ask them again with\n#\n" +
		"#     starter profile interview ID\n#\n" +
		"# or on the page of the connection's profile. What else is changed in this file\n" +
		"# stays when an answer changes. An account marked as unconfirmed is a suggestion\n" +
		"# that nobody has looked up in the company's chart.\n")
	for _, q := range Questions(a) {
		if value := a[q.Key]; value != "" {
			fmt.Fprintf(&b, "#\n# %s\n# answer %s: %s\n", q.Text, q.Key, value)
		}
	}
	b.WriteString("\n")
	return b.String()
}

func accountsOf(a Answers) string {
	var b strings.Builder
	b.WriteString("accounts:\n")
	questions := Accounts(a)
	for _, name := range rolesOf(a) {
		if apart(name) {
			continue
		}
		q, _ := questionOf(questions, "account."+name)
		b.WriteString("\n" + comment(q.Help))
		note := func(c Chosen) string {
			switch {
			case c.Unconfirmed:
				return "\n  # Unconfirmed: nobody has looked " + c.Number + " up in the company's chart.\n"
			case c.Name != "":
				return "\n  # In the company's chart: " + c.Number + " " + c.Name + ".\n"
			}
			return "\n"
		}
		c := a.Account(q.Key)
		others := a.currencies()[1:]
		if name != "settlement" || len(others) == 0 {
			b.WriteString(strings.TrimPrefix(note(c), "\n"))
			fmt.Fprintf(&b, "  %s: %q\n", name, c.Number)
			continue
		}
		numbers := []string{fmt.Sprintf("%s: %q", a.currencies()[0], c.Number)}
		b.WriteString(strings.TrimPrefix(note(c), "\n"))
		for _, currency := range others {
			of := a.Account(q.Key + "." + currency)
			b.WriteString(strings.TrimPrefix(note(of), "\n"))
			numbers = append(numbers, fmt.Sprintf("%s: %q", currency, of.Number))
		}
		fmt.Fprintf(&b, "  %s: {%s}\n", name, strings.Join(numbers, ", "))
	}
	return b.String()
}

// componentsOf takes out the rules that the answers leave to a person, and
// points those of taxable commission to suspense.
func componentsOf(body string, a Answers) string {
	out := map[string]string{}
	leave := func(when bool, answer string, names ...string) {
		for _, name := range names {
			if when {
				out[name] = answer
			}
		}
	}
	leave(a["loans"] == "no", "loans: no", "loan", "loan_costs")
	leave(a["disputes"] == "hold", "disputes: hold", "disputes")
	leave(a["commission"] == "none", "commission: none", "commission")
	var b strings.Builder
	said := map[string]bool{}
	for line := range strings.Lines(body) {
		name := ""
		for _, m := range accountIn.FindAllStringSubmatch(line, -1) {
			if ruleLine.MatchString(line) && (name == "" || out[m[1]] != "") {
				name = m[1]
			}
		}
		switch answer := out[name]; {
		case answer != "" && !said[answer]:
			said[answer] = true
			fmt.Fprintf(&b, "  # Left out by the answer %s: a payout with such a row is held, and names the\n  # rule that it needs.\n", answer)
		case answer != "":
		case name == "commission" && a["commission"] == "taxable":
			b.WriteString(strings.Replace(line, "account: commission", "account: suspense", 1))
		default:
			b.WriteString(line)
		}
	}
	return b.String()
}

// vatOf writes what was answered into the preset's `vat`.
func vatOf(body string, a Answers) string {
	body = strings.TrimRight(decided.ReplaceAllString(body, ""), "\n") + "\n"
	if code, id := codeOf(a["vat_code.input"]); code != "" {
		body = rateLine.ReplaceAllString(body, fmt.Sprintf("${1}{code: %q, id: %q, base_code: %q, base_id: %q}", code, id, code, id))
	}
	switch a["vat_return"] {
	case "transactions":
		body += "\n  # Answered: Visma.net makes VAT transactions of the lines with VAT codes.\n  transaction: true\n"
	case "ledger":
		body += "\n  # Answered: the VAT return is made from the balances of the VAT accounts.\n  return: ledger\n"
	}
	switch a["reverse_charge"] {
	case "none":
		body += "\n  # Answered: nothing is owed on fees without VAT.\n  reverse_charge: false\n"
	case "owed":
		if !strings.Contains(body, `    "0": `) { // a fee without VAT is expected then
			body = strings.Replace(body, "  rates:\n", "  rates:\n    \"0\": {}\n", 1)
		}
		body += "\n  # Answered: fees without VAT are services from abroad, on which the company owes VAT.\n  reverse_charge: " + reverseOf(a) + "\n"
	}
	return body
}

func reverseOf(a Answers) string {
	number := func(key string) string { return a.Account("account." + key).Number }
	parts := []string{
		fmt.Sprintf("rate: %q", a["reverse_charge.rate"]),
		fmt.Sprintf("input: %q", number("reverse_input")), fmt.Sprintf("output: %q", number("reverse_output")),
	}
	if base, contra := number("reverse_base"), number("reverse_contra"); base != "" && contra != "" {
		parts = append(parts, fmt.Sprintf("base: %q", base), fmt.Sprintf("base_contra: %q", contra))
	}
	if code, id := codeOf(a["vat_code.reverse"]); code != "" {
		for _, line := range []string{"input", "output", "base"} {
			parts = append(parts, fmt.Sprintf("%s_code: %q, %s_id: %q", line, code, line, id))
		}
	}
	return "{" + strings.Join(parts, ", ") + "}"
}

// accrualOf is the preset's `accrual` by the answers, or says why it is not there.
func accrualOf(a Answers) string {
	receivable, vat := a.Account("account.accrual").Number, a.Account("account.accrual_vat").Number
	switch {
	case receivable == "":
		return "#\n# Left out by the answer accruals: none.\n"
	case vat == "":
		return fmt.Sprintf("accrual: {receivable: %q}\n", receivable)
	}
	return fmt.Sprintf("accrual: {receivable: %q, vat: %q}\n", receivable, vat)
}

// codeOf takes a VAT code apart: Visma.net's vatCodeId, and after a slash its
// vatId where that is another one.
func codeOf(answer string) (code, id string) {
	code, id, two := strings.Cut(answer, "/")
	if !two {
		id = code
	}
	return code, id
}

// overridesOf are what merchants have for themselves.
func overridesOf(a Answers) string {
	var b strings.Builder
	for _, merchant := range a.merchants() {
		var accounts []string
		for _, role := range merchantRoles {
			if c := a.Account("merchant." + merchant + "." + role); c.Number != "" {
				accounts = append(accounts, fmt.Sprintf("%s: %q", role, c.Number))
			}
		}
		branch := a["merchant."+merchant+".branch"]
		if len(accounts) == 0 && branch == "" {
			continue
		}
		fmt.Fprintf(&b, "  - when: {merchant_id: %q}\n", merchant)
		if branch != "" {
			fmt.Fprintf(&b, "    branch: %q\n", branch)
		}
		if len(accounts) > 0 {
			fmt.Fprintf(&b, "    accounts: {%s}\n", strings.Join(accounts, ", "))
		}
	}
	if b.Len() == 0 {
		return ""
	}
	return "\n# What single merchants have for themselves.\noverrides:\n" + b.String()
}

// apart tells of a role whose number is not under `accounts`.
func apart(name string) bool {
	return strings.HasPrefix(name, "reverse_") || strings.HasPrefix(name, "accrual")
}

// comment folds a text into lines of comments, as wide as those of the presets.
func comment(text string) string {
	const most = 78
	var b strings.Builder
	line := "  #"
	for word := range strings.FieldsSeq(text) {
		if len([]rune(line))+1+len([]rune(word)) > most {
			b.WriteString(line + "\n")
			line = "  #"
		}
		line += " " + word
	}
	b.WriteString(line + "\n")
	return b.String()
}

// Adopt reads answers out of a document that the interview has not made: the
// accounts that it names, and the country whose preset it began with. Nobody
// has confirmed the rest.
func Adopt(document []byte) Answers {
	a := Answers{}
	profile, err := voucher.ParseProfile(document)
	if err != nil {
		return a
	}
	zones := map[string]string{"Europe/Stockholm": "se", "Europe/Oslo": "no", "Europe/Helsinki": "fi", "Europe/Copenhagen": "dk"}
	a["country"] = zones[profile.TimeZone]
	if a["country"] == "" {
		delete(a, "country")
	}
	a["posting"], a["periods"] = string(profile.Posting.Mode), string(profile.Periods.Policy)
	slots, err := voucher.Slots(document)
	if err != nil {
		return a
	}
	preset := presetNumbers(a.preset())
	for i := range slots {
		s := &slots[i]
		if s.Currency != "" || s.Number == preset[s.Name] {
			continue // a number of the preset has nobody chosen
		}
		if _, known := roles[s.Name]; known {
			a["account."+s.Name] = Chosen{Number: s.Number, Unconfirmed: true}.String()
		}
	}
	has := func(name string) bool {
		return slices.ContainsFunc(slots, func(s voucher.Slot) bool { return s.Name == name })
	}
	if has("fees_invoice") && preset["fees_invoice"] == "" || a["account.fees_invoice"] != "" {
		a["fee_bill"] = "kvitt"
	}
	a.adoptAccrual(profile)
	if has("loan") && a["account.loan"] != "" {
		a["loans"] = "yes"
	}
	if has("commission") && a["account.commission"] != "" {
		a["commission"] = "exempt"
	}
	return a
}

// adoptAccrual takes over where accruals go, unless the numbers are the preset's,
// which nobody has chosen.
func (a Answers) adoptAccrual(profile *voucher.Profile) {
	preset := shown(a.preset())
	for key, member := range map[string]string{"accrual": "accrual.receivable", "accrual_vat": "accrual.vat"} {
		for _, number := range profile.Accounts() {
			if number != preset[key] && slices.Contains(profile.UsedBy(number), member) {
				a["account."+key] = Chosen{Number: number, Unconfirmed: true}.String()
				a["accruals"] = "request"
			}
		}
	}
	if profile.Periods.Split {
		a["accruals"] = "split"
	}
}
