package voucher

import (
	"cmp"
	"slices"
	"strconv"
	"strings"

	"kvitt/internal/settlement"
)

// Change says what became of a line.
type Change string

// What can become of a line.
const (
	Same    Change = "same"
	Changed Change = "changed" // the same amounts of the payout, booked in another way
	Added   Change = "added"
	Removed Change = "removed"
)

// Pair is a line of an old voucher beside the line of a new one that is about
// the same amounts of the payout.
type Pair struct {
	Change   Change   `json:"change"`
	Old      *Line    `json:"old,omitempty"` // nil when it was added
	New      *Line    `json:"new,omitempty"` // nil when it was removed
	Fields   []string `json:"fields,omitempty"`
	position int
}

// Differs tells whether a field of the two lines is another one: account, text,
// debit, credit, vat_code, vat_id, branch or subaccount.
func (p *Pair) Differs(field string) bool { return slices.Contains(p.Fields, field) }

// HeadChange is a member of a voucher's head that differs.
type HeadChange struct {
	Member string `json:"member"`
	Old    string `json:"old"`
	New    string `json:"new"`
}

// Comparison holds what another profile makes of the same payout.
type Comparison struct {
	Head  []HeadChange `json:"head"`
	Lines []Pair       `json:"lines"`
}

// Changes returns how many lines and members of the head differ.
func (c *Comparison) Changes() int {
	n := len(c.Head)
	for i := range c.Lines {
		if c.Lines[i].Change != Same {
			n++
		}
	}
	return n
}

// Compare lays two vouchers of one payout beside each other. Lines belong
// together when they have the same role and sum the same components, wherever
// they are booked; a line that was split or joined shows as removed and added.
func Compare(before, after *Voucher) Comparison {
	c := Comparison{Head: []HeadChange{}, Lines: []Pair{}}
	for _, m := range []HeadChange{
		{"description", before.Description, after.Description},
		{"date", before.Date.String(), after.Date.String()},
		{"ledger", before.Ledger, after.Ledger},
		{"branch", before.Branch, after.Branch},
		{"transaction_code", before.TransactionCode, after.TransactionCode},
		{"vat_transaction", strconv.FormatBool(before.VATTransaction), strconv.FormatBool(after.VATTransaction)},
		{"exchange_rate", before.ExchangeRate, after.ExchangeRate},
	} {
		if m.Old != m.New {
			c.Head = append(c.Head, m)
		}
	}
	left := map[string][]*Line{}
	for i := range after.Lines {
		l := &after.Lines[i]
		left[about(l)] = append(left[about(l)], l)
	}
	for i := range before.Lines {
		old := &before.Lines[i]
		same := left[about(old)]
		if len(same) == 0 {
			c.Lines = append(c.Lines, Pair{Change: Removed, Old: old, position: 2 * i})
			continue
		}
		at := nearest(old, same)
		left[about(old)] = slices.Concat(same[:at], same[at+1:])
		p := Pair{Change: Same, Old: old, New: same[at], Fields: differing(old, same[at]), position: 2 * i}
		if len(p.Fields) > 0 {
			p.Change = Changed
		}
		c.Lines = append(c.Lines, p)
	}
	for i := range after.Lines {
		l := &after.Lines[i]
		if slices.Contains(left[about(l)], l) {
			c.Lines = append(c.Lines, Pair{Change: Added, New: l, position: 2*i + 1})
		}
	}
	slices.SortStableFunc(c.Lines, func(a, b Pair) int { return cmp.Compare(a.position, b.position) })
	return c
}

// nearest is the line that differs least: several reverse charges are about the
// same, and have two lines each.
func nearest(old *Line, candidates []*Line) int {
	best := 0
	for i := range candidates {
		if len(differing(old, candidates[i])) < len(differing(old, candidates[best])) {
			best = i
		}
	}
	return best
}

// about returns what a line is about: its role and the components that it sums.
func about(l *Line) string {
	parts := make([]string, len(l.Components))
	for i, c := range l.Components {
		parts[i] = strings.Join([]string{c.Pair(), c.Country, c.MerchantID}, " ")
	}
	slices.Sort(parts)
	return string(l.Role) + "\n" + strings.Join(parts, "\n")
}

// differing are the fields in which two lines differ.
func differing(a, b *Line) []string {
	var out []string
	for _, f := range []struct {
		name  string
		equal bool
	}{
		{"account", a.Account == b.Account},
		{"subaccount", slices.Equal(a.Subaccount, b.Subaccount)},
		{"branch", a.Branch == b.Branch},
		{"text", a.Text == b.Text},
		{"debit", a.Debit == b.Debit},
		{"credit", a.Credit == b.Credit},
		{"vat_code", a.VATCode == b.VATCode},
		{"vat_id", a.VATID == b.VATID},
	} {
		if !f.equal {
			out = append(out, f.name)
		}
	}
	return out
}

// TextLine is a line of a document, as it stands in two versions of it.
type TextLine struct {
	Change Change `json:"change"` // same, added or removed
	Text   string `json:"text"`
}

// CompareText lays two documents beside each other line by line.
func CompareText(before, after string) []TextLine {
	a, b := strings.SplitAfter(before, "\n"), strings.SplitAfter(after, "\n")
	// longest[i][j] is how many lines a[i:] and b[j:] have in common.
	longest := make([][]int, len(a)+1)
	for i := range longest {
		longest[i] = make([]int, len(b)+1)
	}
	for i := len(a) - 1; i >= 0; i-- {
		for j := len(b) - 1; j >= 0; j-- {
			if longest[i][j] = max(longest[i+1][j], longest[i][j+1]); a[i] == b[j] {
				longest[i][j] = longest[i+1][j+1] + 1
			}
		}
	}
	var out []TextLine
	say := func(change Change, line string) {
		if line != "" {
			out = append(out, TextLine{change, strings.TrimSuffix(line, "\n")})
		}
	}
	i, j := 0, 0
	for i < len(a) || j < len(b) {
		switch {
		case i < len(a) && j < len(b) && a[i] == b[j]:
			say(Same, a[i])
			i, j = i+1, j+1
		case j == len(b) || i < len(a) && longest[i+1][j] >= longest[i][j+1]:
			say(Removed, a[i])
			i++
		default:
			say(Added, b[j])
			j++
		}
	}
	return out
}

// Near leaves out what stays the same, except for some lines around each change.
// An empty slice stands between two places.
func Near(lines []TextLine, around int) [][]TextLine {
	keep := make([]bool, len(lines))
	for i := range lines {
		if lines[i].Change != Same {
			for k := max(0, i-around); k <= min(len(lines)-1, i+around); k++ {
				keep[k] = true
			}
		}
	}
	var out [][]TextLine
	for i := range lines {
		switch {
		case !keep[i]:
		case i > 0 && keep[i-1]:
			out[len(out)-1] = append(out[len(out)-1], lines[i])
		default:
			out = append(out, []TextLine{lines[i]})
		}
	}
	return out
}

// TableRow holds what a profile says of a kind of rows, for people. Account and
// VATAccount are as they are written, a number or a name.
type TableRow struct {
	When       string `json:"when,omitempty"` // "currency EUR": an override
	Component  string `json:"component"`
	Account    string `json:"account"`
	Number     string `json:"number"` // the account's number, or several by currency
	VATAccount string `json:"vat_account,omitempty"`
	VATNumber  string `json:"vat_number,omitempty"`
	VATCode    string `json:"vat_code,omitempty"`
	Text       string `json:"text,omitempty"`
}

// NamedAccount is one of the accounts that a profile names.
type NamedAccount struct {
	When     string `json:"when,omitempty"`
	Name     string `json:"name"`
	Currency string `json:"currency,omitempty"` // "*" stands for the rest; empty: all
	Number   string `json:"number"`
}

// Table is the profile as a table: the rules of the profile itself, then those
// of its overrides, the most specific last.
func (p *Profile) Table() []TableRow {
	var out []TableRow
	for i := range slices.Backward(p.layers) {
		l := &p.layers[i]
		first := len(out)
		for kind, r := range l.rules {
			out = append(out, TableRow{
				When: l.when.words(), Component: kind, Account: r.account, Number: p.numbers(r.account, l.when),
				VATAccount: r.vatAccount, VATNumber: p.numbers(r.vatAccount, l.when), VATCode: r.vatCode, Text: r.text,
			})
		}
		slices.SortFunc(out[first:], func(a, b TableRow) int { return cmp.Compare(kindOrder(a.Component), kindOrder(b.Component)) })
	}
	return out
}

// kindOrder puts kinds in the order of their type, then of their detailed type.
func kindOrder(pair string) string { return strings.ReplaceAll(pair, "/*", "/") }

// Named lists the accounts that the profile names, in the order of their names.
func (p *Profile) Named() []NamedAccount {
	var out []NamedAccount
	for i := range slices.Backward(p.layers) {
		l := &p.layers[i]
		for _, name := range accountNames {
			for _, currency := range currencies(l.accounts[name]) {
				one := NamedAccount{When: l.when.words(), Name: name, Number: l.accounts[name][currency]}
				if len(l.accounts[name]) > 1 || currency != anyCurrency {
					one.Currency = string(currency)
				}
				out = append(out, one)
			}
		}
	}
	return out
}

// currencies are sorted, the one that stands for the rest last.
func currencies(numbers map[settlement.Currency]string) []settlement.Currency {
	var out []settlement.Currency
	for c := range numbers {
		if c != anyCurrency {
			out = append(out, c)
		}
	}
	slices.Sort(out)
	if _, ok := numbers[anyCurrency]; ok {
		out = append(out, anyCurrency)
	}
	return out
}

// numbers is the number that a reference leads to, or "SEK 1930, * 1940".
func (p *Profile) numbers(reference string, when condition) string {
	if reference == "" || !isAccountName(reference) {
		return reference
	}
	seen := map[settlement.Currency]bool{}
	for i := range p.layers {
		if l := &p.layers[i]; l.when.currency == "" || when.currency == l.when.currency {
			for c := range l.accounts[reference] {
				seen[c] = true
			}
		}
	}
	numbers := map[settlement.Currency]string{}
	for c := range seen {
		if when.currency != "" && c != when.currency && c != anyCurrency {
			continue
		}
		about := when
		if c != anyCurrency {
			about.currency = c
		}
		numbers[c] = p.account(reference, about)
	}
	var parts []string
	for _, c := range currencies(numbers) {
		if len(numbers) == 1 {
			return numbers[c]
		}
		parts = append(parts, string(c)+" "+numbers[c])
	}
	return strings.Join(parts, ", ")
}

// words is the condition for people, "" for none.
func (w condition) words() string {
	var parts []string
	for _, m := range [][2]string{{"merchant_id", w.merchantID}, {"country", w.country}, {"currency", string(w.currency)}} {
		if m[1] != "" {
			parts = append(parts, m[0]+" "+m[1])
		}
	}
	return strings.Join(parts, ", ")
}
