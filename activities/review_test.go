package activities

import (
	"encoding/json"
	"path/filepath"
	"strings"
	"testing"

	"kvitt/internal/store"
	"kvitt/internal/voucher"
	"kvitt/workflows"
)

// shelf is a database with one connection, whose profile anna made, and one
// payout of it for each reference.
func shelf(t *testing.T, posting string, references ...string) *store.Store {
	t.Helper()
	s, err := store.Open(t.Context(), "sqlite:"+filepath.Join(t.TempDir(), "kvitt.db"))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = s.Close() })
	payouts := make([]store.Payout, len(references))
	for i, r := range references {
		payouts[i] = store.Payout{PaymentReference: r, Date: utc("2026-01-05 06:00"), Currency: "SEK", SettlementType: "NET", Payout: json.RawMessage(`{}`)}
	}
	err1 := s.Migrate(t.Context())
	err2 := s.CreateConnection(t.Context(), store.Connection{ID: "c1", Name: "Shop", Provider: "klarna", Region: "eu", Posting: posting, Start: "2026-01-01"})
	_, err3 := s.AddProfile(t.Context(), "c1", []byte("one"), "h1", "Anna@example.com")
	_, err4 := s.UpsertPayouts(t.Context(), "c1", payouts)
	for _, err := range []error{err1, err2, err3, err4} {
		if err != nil {
			t.Fatal(err)
		}
	}
	return s
}

func change(t *testing.T, s *store.Store, reference string, do func(*store.Payout)) {
	t.Helper()
	if err := s.UpdatePayout(t.Context(), "c1", reference, func(p *store.Payout) error { do(p); return nil }, nil); err != nil {
		t.Fatal(err)
	}
}

func eyes(t *testing.T, s *store.Store, four bool) {
	t.Helper()
	c, err := s.Connection(t.Context(), "c1")
	if err != nil {
		t.Fatal(err)
	}
	c.FourEyes = four
	if err := s.SaveConnection(t.Context(), c); err != nil {
		t.Fatal(err)
	}
}

func TestThePostingModeDecidesWhoSeesAVoucherFirst(t *testing.T) {
	// Two payouts are verified: one with version 1 of the profile, one with 2.
	for name, c := range map[string]struct {
		posting string
		first   int
		after   int
		version int
		four    bool

		isDraft, approval bool
	}{
		"draft":                                     {posting: "draft", first: 9, after: 9, version: 3, isDraft: true},
		"review":                                    {posting: "review", version: 1, approval: true},
		"auto":                                      {posting: "auto", version: 1},
		"the first three of a connection":           {posting: "auto", first: 3, version: 1, approval: true},
		"the first two are verified":                {posting: "auto", first: 2, version: 1},
		"the first after a change":                  {posting: "auto", after: 1, version: 3, approval: true},
		"a change that one verified payout used":    {posting: "auto", after: 1, version: 2},
		"a change of which two are reviewed":        {posting: "auto", after: 2, version: 2, approval: true},
		"a profile that wants no review":            {posting: "auto", after: 0, version: 3},
		"the first version is no change":            {posting: "auto", after: 5, version: 1},
		"four eyes: no profile gets around":         {posting: "auto", after: 0, version: 3, four: true, approval: true},
		"four eyes: the first version is seen, too": {posting: "auto", after: 2, version: 1, four: true, approval: true},
		"four eyes: used once":                      {posting: "auto", after: 0, version: 2, four: true},
	} {
		t.Run(name, func(t *testing.T) {
			s := shelf(t, c.posting, "P1", "P2", "P3")
			change(t, s, "P1", func(p *store.Payout) { p.State, p.ProfileVersion = workflows.StateVerified, 1 })
			change(t, s, "P2", func(p *store.Payout) { p.State, p.ProfileVersion = workflows.StateVerified, 2 })
			change(t, s, "P3", func(p *store.Payout) { p.State, p.ProfileVersion = workflows.StateRejected, 3 })
			eyes(t, s, c.four)
			profile := &voucher.Profile{Posting: voucher.Posting{ReviewFirst: c.first, ReviewAfterChange: c.after}}
			isDraft, approval, err := (&Visma{Store: s}).mode(t.Context(), "c1", profile, c.version)
			if err != nil || isDraft != c.isDraft || approval != c.approval {
				t.Errorf("draft %v, approval %v, %v; want %v, %v", isDraft, approval, err, c.isDraft, c.approval)
			}
		})
	}
}

func TestWhoChangedTheProfileMayNotApproveWhatItLedTo(t *testing.T) {
	s := shelf(t, "review", "P1", "P2", "P3")
	if _, err := s.AddProfile(t.Context(), "c1", []byte("two"), "h2", "bo@example.com"); err != nil {
		t.Fatal(err)
	}
	for i, r := range []string{"P1", "P2", "P3"} {
		change(t, s, r, func(p *store.Payout) { p.State, p.ProfileVersion = workflows.StateCompiled, min(2, i+1) })
	}
	l := &Ledger{Store: s, Instructions: trusted{}}
	decide := func(kind, reference, who string) string {
		t.Helper()
		got, err := l.RecordDecision(t.Context(), workflows.Decision{
			PayoutRef: workflows.PayoutRef{Connection: "c1", PaymentReference: reference}, Kind: kind, Who: who, VoucherHash: "v1",
		})
		if err != nil {
			t.Fatal(err)
		}
		return got.Refused
	}
	if words := decide("approve", "P3", "bo@example.com"); words != "" {
		t.Errorf("without the setting: %s", words)
	}
	eyes(t, s, true)
	recorded := func() int {
		trail, err := s.AuditTrail(t.Context(), "c1", 0)
		if err != nil {
			t.Fatal(err)
		}
		return len(trail)
	}
	before := recorded()
	if words := decide("approve", "P1", "anna@example.com"); !strings.HasPrefix(words, "approve payout P1: anna@example.com made version 1 of the posting profile") {
		t.Errorf("the author of version 1: %q", words)
	}
	if words := decide("approve", "P2", "bo@example.com"); words == "" {
		t.Error("the author of version 2 approved what it led to")
	}
	if recorded() != before {
		t.Error("a refused approval stands in the audit trail as one")
	}
	if words := decide("approve", "P1", "bo@example.com"); words != "" {
		t.Errorf("somebody else: %s", words)
	}
	if words := decide("reject", "P2", "bo@example.com"); words != "" {
		t.Errorf("the author may reject: %s", words)
	}
}
