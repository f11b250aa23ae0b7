package cli

import (
	"bytes"
	"encoding/json"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"testing"

	"github.com/goccy/go-yaml"
	"github.com/google/go-cmp/cmp"

	"kvitt/internal/try"
	"kvitt/internal/voucher"
)

// byHand is a payout that was computed by hand, and what is right for it.
type byHand struct {
	Name         string          `json:"name"`
	Preset       string          `json:"preset"`
	ProfileWords string          `json:"profile"` // what has to be changed in the preset, in words
	Payout       json.RawMessage `json:"payout"`
	Transactions json.RawMessage `json:"transactions"`
	PreviousDebt *int64          `json:"previous_closing_debt"`
	Right        right           `json:"right"`
	WhyItIsRight string          `json:"why"`
}

// right is either a code under which it is held, or what each account gets. An
// account is a name of the preset or a number.
type right struct {
	Held     string           `json:"held"`
	Accounts map[string]sides `json:"accounts"`
}

type sides struct {
	Debit  int64 `json:"debit"`
	Credit int64 `json:"credit"`
}

// changes are those changes of a preset that a case asks for in words.
var changes = map[string]func(yaml.MapSlice) yaml.MapSlice{
	"10f NO reverse charge as the preset shows it": func(p yaml.MapSlice) yaml.MapSlice {
		return put(p, yaml.MapSlice{{Key: "rate", Value: "25"}, {Key: "input", Value: "2714"}, {Key: "output", Value: "2704"}}, "vat", "reverse_charge")
	},
	"11 EUR payout, SEK company": func(p yaml.MapSlice) yaml.MapSlice {
		return put(p, "klarna", "vat", "exchange_rate")
	},
}

// put sets a member of a document, however deep.
func put(document yaml.MapSlice, value any, path ...string) yaml.MapSlice {
	at := -1
	for i := range document {
		if document[i].Key == path[0] {
			at = i
		}
	}
	if at < 0 {
		document, at = append(document, yaml.MapItem{Key: path[0]}), len(document)
	}
	if len(path) > 1 {
		below, _ := document[at].Value.(yaml.MapSlice)
		value = put(below, value, path[1:]...)
	}
	document[at].Value = value
	return document
}

// Every payout that was computed by hand comes out right.
func TestPayoutsThatWereComputedByHandComeOutRight(t *testing.T) {
	folder := os.Getenv("KVITT_REFERENCE_DIR")
	if folder == "" {
		t.Skip("KVITT_REFERENCE_DIR is not set: `starter try` is not held against the payouts that were computed by hand")
	}
	text, err := os.ReadFile(filepath.Join(folder, "cases", "accounting", "cases.json"))
	if err != nil {
		t.Fatal(err)
	}
	var cases []byHand
	if err := json.Unmarshal(text, &cases); err != nil || len(cases) == 0 {
		t.Fatalf("%d cases: %v", len(cases), err)
	}
	environment(t)
	changed := maps.Clone(changes)
	for i := range cases {
		c := &cases[i]
		t.Run(c.Name, func(t *testing.T) { c.try(t) })
		delete(changed, c.Name)
	}
	for name := range changed {
		t.Errorf("there is no case %q, for which the preset is changed", name)
	}
}

func (c *byHand) try(t *testing.T) {
	folder := t.TempDir()
	save := func(name string, document []byte) string {
		path := filepath.Join(folder, name)
		if err := os.WriteFile(path, document, 0o600); err != nil {
			t.Fatal(err)
		}
		return path
	}
	var rows []json.RawMessage
	if err := json.Unmarshal(c.Transactions, &rows); err != nil {
		t.Fatal(err)
	}
	page := fmt.Appendf(nil, `{"transactions":%s,"pagination":{"count":%d,"total":%d,"offset":0}}`, c.Transactions, len(rows), len(rows))
	profile := c.profile(t)
	args := []string{
		"try", "--output", "json", "--payout", save("payout.json", c.Payout), "--transactions", save("transactions.json", page),
		"--profile", save("profile.yaml", profile),
	}
	if c.PreviousDebt != nil {
		args = append(args, "--closing-debt-before", fmt.Sprint(*c.PreviousDebt))
	}
	var out, errs bytes.Buffer
	status := Run(t.Context(), args, Streams{In: bytes.NewReader(nil), Out: &out, Err: &errs})
	var got try.Answer
	if err := json.Unmarshal(out.Bytes(), &got); err != nil {
		t.Fatalf("status %d, %s%s: %v", status, out.String(), errs.String(), err)
	}
	want := try.Compiled
	if c.Right.Held != "" {
		want = try.Held
	}
	if got.State != want || got.HeldReason != c.Right.Held {
		t.Fatalf("it is %s %s (%s), want %s %s. %s", got.State, got.HeldReason, got.Detail, want, c.Right.Held, c.WhyItIsRight)
	}
	if got.State == try.Held {
		if status != ExitHeld {
			t.Errorf("exit status %d for a held payout", status)
		}
		return
	}
	if status != ExitDone {
		t.Errorf("exit status %d: %s", status, errs.String())
	}
	booked := map[string]sides{}
	for _, l := range got.Voucher.Lines {
		s := booked[l.Account]
		booked[l.Account] = sides{s.Debit + l.Debit, s.Credit + l.Credit}
	}
	if diff := cmp.Diff(c.numbers(t, profile, got.Currency), booked); diff != "" {
		t.Errorf("booked otherwise than by hand (-hand +kvitt): %s\n%s", c.WhyItIsRight, diff)
	}
}

// profile is the preset, changed as the case says.
func (c *byHand) profile(t *testing.T) []byte {
	document, err := voucher.Preset(c.Preset)
	if err != nil {
		t.Fatal(err)
	}
	change, known := changes[c.Name]
	if known != (c.ProfileWords != "") {
		t.Fatalf("the case asks for %q in the preset, and this test changes it: %v", c.ProfileWords, known)
	}
	if !known {
		return document
	}
	var tree yaml.MapSlice
	if err := yaml.UnmarshalWithOptions(document, &tree, yaml.UseOrderedMap()); err != nil {
		t.Fatal(err)
	}
	if document, err = yaml.Marshal(change(tree)); err != nil {
		t.Fatal(err)
	}
	return document
}

// numbers gives what is right by the number of each account. Several names may
// share a number.
func (c *byHand) numbers(t *testing.T, document []byte, currency string) map[string]sides {
	profile, err := voucher.ParseProfile(document)
	if err != nil {
		t.Fatal(err)
	}
	byName := map[string]string{}
	for _, a := range profile.Named() {
		if a.When == "" && (a.Currency == currency || byName[a.Name] == "" && (a.Currency == "" || a.Currency == "*")) {
			byName[a.Name] = a.Number
		}
	}
	want := map[string]sides{}
	for name, s := range c.Right.Accounts {
		number := name
		if known, ok := byName[name]; ok {
			number = known
		} else if name[0] < '0' || name[0] > '9' {
			t.Fatalf("the preset %s names no account %q", c.Preset, name)
		}
		before := want[number]
		want[number] = sides{before.Debit + s.Debit, before.Credit + s.Credit}
	}
	return want
}
