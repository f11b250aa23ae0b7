package voucher

import (
	"fmt"
	"strings"
	"unicode/utf8"

	"github.com/goccy/go-yaml/ast"
	"github.com/goccy/go-yaml/token"
)

// Slot is a place of a profile's document where the number of a named account
// stands.
type Slot struct {
	Name     string // "settlement"
	Currency string // of a number that is for one currency, "*" for the rest; else empty
	Number   string
	place
	written string // as it stands in the document, quotes included
}

// Key names the slot within its document.
func (s *Slot) Key() string { return strings.TrimSuffix(s.Name+"."+s.Currency, ".") }

// Slots finds the numbers of the profile's own named accounts, in the order of
// the document. Overrides are left out. The error is a *ProfileError.
func Slots(doc []byte) ([]Slot, error) {
	root, err := document(doc)
	if err != nil {
		return nil, err
	}
	members, err := root.members()
	if err != nil {
		return nil, err
	}
	var out []Slot
	for _, m := range members {
		if m.name != "accounts" || !m.value.isMapping() {
			continue
		}
		accounts, err := m.value.members()
		if err != nil {
			return nil, err
		}
		for _, a := range accounts {
			slots, err := slotsOf(a)
			if err != nil {
				return nil, err
			}
			out = append(out, slots...)
		}
	}
	return out, nil
}

func slotsOf(account member) ([]Slot, error) {
	if !account.value.isMapping() {
		s, err := slotAt(account.value)
		s.Name = account.name
		return []Slot{s}, err
	}
	members, err := account.value.members()
	if err != nil {
		return nil, err
	}
	out := make([]Slot, len(members))
	for i, m := range members {
		if out[i], err = slotAt(m.value); err != nil {
			return nil, err
		}
		out[i].Name, out[i].Currency = account.name, m.name
	}
	return out, nil
}

func slotAt(v value) (Slot, error) {
	number, err := v.text()
	if err != nil {
		return Slot{}, err
	}
	written := v.node.GetToken().Value
	if s, ok := v.node.(*ast.StringNode); ok {
		switch s.Token.Type { //nolint:exhaustive // the others stand as they are
		case token.DoubleQuoteType:
			written = `"` + written + `"`
		case token.SingleQuoteType:
			written = "'" + written + "'"
		}
	}
	return Slot{Number: number, place: v.place, written: written}, nil
}

// WithAccounts puts other numbers into the slots of a document, by their keys,
// and leaves every other character of it as it is. The error is a
// *ProfileError.
func WithAccounts(doc []byte, numbers map[string]string) ([]byte, error) {
	slots, err := Slots(doc)
	if err != nil {
		return nil, err
	}
	lines := strings.SplitAfter(string(doc), "\n")
	// From the last one on, so that what was found stays where it is.
	for i := len(slots) - 1; i >= 0; i-- {
		s := &slots[i]
		number, asked := numbers[s.Key()]
		if !asked || number == s.Number {
			continue
		}
		if !accountNumberPattern.MatchString(number) {
			return nil, s.errorf("pick one of the company's accounts", "%q is not an account number", number)
		}
		line := lines[s.line-1]
		at := byteOf(line, s.column)
		if !strings.HasPrefix(line[at:], s.written) {
			return nil, s.errorf("change it in the document", "the number of the account %q could not be replaced", s.Key())
		}
		lines[s.line-1] = line[:at] + fmt.Sprintf("%q", number) + line[at+len(s.written):]
	}
	return []byte(strings.Join(lines, "")), nil
}

// byteOf is where the n-th character of a line begins, counted from 1.
func byteOf(line string, n int) int {
	at := 0
	for i := 1; i < n && at < len(line); i++ {
		_, size := utf8.DecodeRuneInString(line[at:])
		at += size
	}
	return at
}
