package activities

import (
	"strings"
	"testing"

	"kvitt/internal/instruct"
	"kvitt/internal/store"
	"kvitt/internal/vault"
	"kvitt/workflows"
)

// book writes instructions of a connection c1 that wants a second pair of eyes.
type book struct {
	t *testing.T
	s *store.Store
	*instruct.Book
	*Ledger
}

func newBook(t *testing.T, s *store.Store) *book {
	t.Helper()
	keyset, err := vault.NewKeyset()
	if err != nil {
		t.Fatal(err)
	}
	keys, err := vault.Open(keyset)
	if err != nil {
		t.Fatal(err)
	}
	b := instruct.NewBook(vault.New(keys, s), s)
	eyes(t, s, true)
	return &book{t, s, b, &Ledger{Store: s, Instructions: b}}
}

// decide returns what a person wants of P1: why it is refused, "" when it is not.
func (b *book) decide(kind, action string, by instruct.Party, first *instruct.Party) string {
	b.t.Helper()
	digest := "d"
	id, err := b.Write(b.t.Context(), instruct.Instruction{Connection: "c1", Action: action, Who: by.Who, VouchedBy: by.VouchedBy, First: first, Digest: digest})
	if err != nil {
		b.t.Fatal(err)
	}
	got, err := b.RecordDecision(b.t.Context(), workflows.Decision{
		PayoutRef: workflows.PayoutRef{Connection: "c1", PaymentReference: "P1"}, Kind: kind, Who: by.Who, VoucherHash: "v1",
		Instruction: workflows.Instruction{ID: id, Action: action, Who: by.Who, Digest: digest},
	})
	if err != nil {
		b.t.Fatal(err)
	}
	return got.Refused
}

func TestOnePersonDoesNotPassTheSecondPairOfEyesByAnyName(t *testing.T) {
	for name, c := range map[string]struct {
		author, approver instruct.Party
		refused          string // "" when these are two persons
	}{
		"another person":                                   {instruct.Party{Who: "anna@example.com"}, instruct.Party{Who: "bo@example.com"}, ""},
		"another person, let in by a third":                {instruct.Party{Who: "anna@example.com"}, instruct.Party{Who: "bo@example.com", VouchedBy: "cia@example.com"}, ""},
		"the same name":                                    {instruct.Party{Who: "anna@example.com"}, instruct.Party{Who: "Anna@Example.com"}, "made version 1"},
		"a link that the author has seen":                  {instruct.Party{Who: "anna@example.com"}, instruct.Party{Who: "bo@example.com", VouchedBy: "anna@example.com"}, "signed in with a link that anna@example.com has seen"},
		"a link of somebody who used the author's link":    {instruct.Party{Who: "anna@example.com"}, instruct.Party{Who: "bo@example.com", VouchedBy: "cia@example.com,anna@example.com"}, "has seen"},
		"the author used a link of the approver":           {instruct.Party{Who: "anna@example.com", VouchedBy: "bo@example.com"}, instruct.Party{Who: "bo@example.com"}, "one of them made the link"},
		"both used a link of the same third person":        {instruct.Party{Who: "anna@example.com", VouchedBy: "cia@example.com"}, instruct.Party{Who: "bo@example.com", VouchedBy: "cia@example.com"}, "has seen"},
		"the command line, whatever name it gives":         {instruct.Party{Who: "anna@example.com"}, instruct.Party{Who: "bo@example.com", VouchedBy: instruct.Anybody}, "nobody has checked who bo@example.com is"},
		"a profile from the command line":                  {instruct.Party{Who: "anna"}, instruct.Party{Who: "anna@example.com"}, "nobody has checked who anna is"},
		"a profile from the command line with an address":  {instruct.Party{Who: "x@example.com", VouchedBy: instruct.Anybody}, instruct.Party{Who: "anna@example.com"}, "save the posting profile again"},
		"a session that began with the first printed link": {instruct.Party{Who: "anna@example.com", VouchedBy: instruct.Anybody}, instruct.Party{Who: "bo@example.com"}, "printed link"},
	} {
		t.Run(name, func(t *testing.T) {
			s := shelf(t, "review", "P1")
			version, err := s.ReviseProfile(t.Context(), "c1", store.Revision{Document: []byte("two"), Hash: "h2", Who: c.author.Who, VouchedBy: c.author.VouchedBy})
			if err != nil {
				t.Fatal(err)
			}
			change(t, s, "P1", func(p *store.Payout) { p.State, p.ProfileVersion = workflows.StateAwaitingApproval, version })
			got := newBook(t, s).decide(workflows.DecisionApprove, workflows.ApprovePayout.Name, c.approver, nil)
			want := strings.ReplaceAll(c.refused, "version 1", "version 2")
			if (got == "") != (want == "") || !strings.Contains(got, want) {
				t.Errorf("got %q, want %q", got, want)
			}
			approved, err := s.Approved(t.Context(), "c1", "P1", "v1")
			if err != nil || approved != (want == "") {
				t.Errorf("the trail says approved: %v, %v", approved, err)
			}
		})
	}
}

// pairs are who asks first and who confirms, and whether these are two persons.
var pairs = map[string]struct {
	first  *instruct.Party
	second instruct.Party
	two    bool
}{
	"one person":           {nil, instruct.Party{Who: "bo@example.com"}, false},
	"the command line":     {nil, instruct.Party{Who: "root", VouchedBy: instruct.Anybody}, false},
	"the same person":      {&instruct.Party{Who: "BO@example.com"}, instruct.Party{Who: "bo@example.com"}, false},
	"a link of the first":  {&instruct.Party{Who: "anna@example.com"}, instruct.Party{Who: "bo@example.com", VouchedBy: "anna@example.com"}, false},
	"a link of the second": {&instruct.Party{Who: "anna@example.com", VouchedBy: "bo@example.com"}, instruct.Party{Who: "bo@example.com"}, false},
	"a printed link":       {&instruct.Party{Who: "anna@example.com", VouchedBy: instruct.Anybody}, instruct.Party{Who: "bo@example.com"}, false},
	"two persons":          {&instruct.Party{Who: "anna@example.com"}, instruct.Party{Who: "bo@example.com"}, true},
}

func TestAReversalTakesTwoPersons(t *testing.T) {
	for name, c := range pairs {
		b := newBook(t, shelf(t, "review", "P1"))
		got := b.decide(workflows.DecisionReverse, workflows.ActionReverse, c.second, c.first)
		if (got == "") != c.two || !c.two && !strings.Contains(got, "second pair of eyes") {
			t.Errorf("%s: %q", name, got)
		}
		eyes(t, b.s, false)
		if got := b.decide(workflows.DecisionReverse, workflows.ActionReverse, c.second, c.first); got != "" {
			t.Errorf("%s, without the setting: %q", name, got)
		}
	}
}

func TestAnAccrualTakesTwoPersons(t *testing.T) {
	for name, c := range pairs {
		b := newBook(t, shelf(t, "review", "P1"))
		in := workflows.AccrualInput{Connection: "c1", At: "2026-01-31", Currency: "SEK", Who: c.second.Who}
		id, err := b.Write(t.Context(), instruct.Instruction{
			Connection: "c1", Action: workflows.ActionAccrue, Who: c.second.Who, VouchedBy: c.second.VouchedBy, First: c.first, Digest: workflows.DigestOf(in),
		})
		if err != nil {
			t.Fatal(err)
		}
		why, err := onePerson(t.Context(), b.s, b.Book, "c1", id, in.Who)
		if err != nil || (why == "") != c.two {
			t.Errorf("%s: %q, %v", name, why, err)
		}
		if c.two {
			continue
		}
		in.Instruction = id
		got, err := (&Visma{Store: b.s, Instructions: b.Book}).PrepareAccrual(t.Context(), in)
		if err != nil || !strings.Contains(got.Refused, "second pair of eyes") {
			t.Errorf("%s: %+v, %v", name, got, err)
		}
	}
}

func TestTheSecondPairOfEyesIsTurnedOffByTwoPersons(t *testing.T) {
	for name, c := range pairs {
		b := newBook(t, shelf(t, "review", "P1"))
		id, err := b.Write(t.Context(), instruct.Instruction{
			Connection: "c1", Action: workflows.ConfigureConnection.Name, Who: c.second.Who, VouchedBy: c.second.VouchedBy, First: c.first, Digest: "d",
		})
		if err != nil {
			t.Fatal(err)
		}
		if _, err := b.Use(t.Context(), id, instruct.Instruction{Connection: "c1", Action: workflows.ConfigureConnection.Name, Who: c.second.Who, Digest: "d"}, instruct.Step{}); err != nil {
			t.Fatal(err)
		}
		for _, settings := range []workflows.Settings{{Posting: "review"}, {Posting: "auto", FourEyes: true}, {Posting: "draft"}} {
			eyes(t, b.s, true)
			settings.Name = "Shop"
			if _, err := b.SaveConnection(t.Context(), workflows.SaveConnectionInput{
				Status: workflows.Status{ID: "c1", State: workflows.ConnActive, Settings: settings}, Action: "configure", Who: c.second.Who, Settings: id,
			}); err != nil {
				t.Fatal(err)
			}
			row, err := b.s.Connection(t.Context(), "c1")
			if err != nil {
				t.Fatal(err)
			}
			if kept := row.FourEyes && row.Posting == "review"; kept == c.two {
				t.Errorf("%s, %+v: it is %v, %s", name, settings, row.FourEyes, row.Posting)
			}
			if row.Posting = "review"; b.s.SaveConnection(t.Context(), row) != nil {
				t.Fatal("the database is gone")
			}
		}
	}
}

func TestARevivedConnectionAndANewOneOfTheCompanyKeepTheSecondPairOfEyes(t *testing.T) {
	b := newBook(t, shelf(t, "review", "P1"))
	row, err := b.s.Connection(t.Context(), "c1")
	if err != nil {
		t.Fatal(err)
	}
	row.CompanyID, row.State = "42", workflows.ConnDisconnected
	if err := b.s.SaveConnection(t.Context(), row); err != nil {
		t.Fatal(err)
	}
	if err := b.s.CreateConnection(t.Context(), store.Connection{ID: "c2", Name: "Again", Provider: "klarna", Region: "eu", Posting: "auto", Start: "2026-01-01"}); err != nil {
		t.Fatal(err)
	}
	for id, company := range map[string]string{"c1": "42", "c2": "42"} {
		// What the workflow remembers does not want a second pair.
		if _, err := b.SaveConnection(t.Context(), workflows.SaveConnectionInput{
			Status: workflows.Status{ID: id, State: workflows.ConnActive, Company: company, Settings: workflows.Settings{Name: "Shop", Posting: "auto"}}, Action: "settle", Who: "kvitt",
		}); err != nil {
			t.Fatal(err)
		}
		got, err := b.s.Connection(t.Context(), id)
		if err != nil || !got.FourEyes || got.Posting != "review" {
			t.Errorf("%s: %v, %s, %v", id, got.FourEyes, got.Posting, err)
		}
	}
}
