package operate_test

import (
	"context"
	"encoding/json"
	"path/filepath"
	"testing"
	"time"

	"go.temporal.io/sdk/testsuite"

	"kvitt/internal/access"
	"kvitt/internal/config"
	"kvitt/internal/decision"
	"kvitt/internal/held"
	"kvitt/internal/operate"
	"kvitt/internal/posting"
	"kvitt/internal/store"
	"kvitt/internal/vault"
	"kvitt/internal/visma"
	"kvitt/internal/voucher"
	"kvitt/workflows"
)

// day is when the payouts of these tests are dated.
var day = time.Date(2026, 3, 2, 0, 0, 0, 0, time.UTC)

// anna decides.
const anna = "anna@example.com"

// wires takes messages to the workflow that runs in the test, if one does, and
// does not wait for its answer.
type wires struct {
	operate.Temporal
	env     *testsuite.TestWorkflowEnvironment
	started []operate.Start
	answers []*answer
}

func (w *wires) Update(_ context.Context, _, name string, in, _ any, _ time.Duration) error {
	if w.env == nil {
		return operate.ErrNotRunning
	}
	a := &answer{}
	w.answers = append(w.answers, a)
	w.env.UpdateWorkflow(name, "", a, in)
	return operate.ErrStillGoing
}

func (w *wires) Start(_ context.Context, s operate.Start) error {
	w.started = append(w.started, s)
	return nil
}

// answer holds what became of an update.
type answer struct{ err error }

func (a *answer) Accept()                 {}
func (a *answer) Reject(err error)        { a.err = err }
func (a *answer) Complete(_ any, e error) { a.err = e }

// office is a database with a vault, in which each stage is a connection.
type office struct {
	store *store.Store
	vault *vault.Vault
}

func newOffice(t *testing.T) *office {
	t.Helper()
	s, err := store.Open(t.Context(), "sqlite:"+filepath.Join(t.TempDir(), "kvitt.db"))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = s.Close() })
	keyset, err := vault.NewKeyset()
	if err != nil {
		t.Fatal(err)
	}
	keys, err := vault.Open(keyset)
	if err != nil {
		t.Fatal(err)
	}
	if err := s.Migrate(t.Context()); err != nil {
		t.Fatal(err)
	}
	return &office{s, vault.New(keys, s)}
}

// stage is a payout that is held for a code. Everything about it is what a worker
// and a command have, but for Klarna and Visma.net.
type stage struct {
	*wires
	t      *testing.T
	office *office
	desk   *operate.Desk
	code   held.Code
	ref    workflows.PayoutRef
	gone   bool // the cause of the hold is gone
}

// sent is in which state of its posting a payout stops for a code; the others have
// none.
var sent = map[held.Code]string{
	held.ChangedAfterPosting: posting.Verified, held.BatchDiffers: posting.Booked, held.OutcomeUnknown: posting.Unknown,
	held.RefusedRepeatedly: posting.Unknown,
	held.ReleaseFailed:     posting.Checked, held.ReversedBefore: posting.Reversed,
}

func (o *office) stage(t *testing.T, id string, code held.Code) *stage {
	t.Helper()
	must := musts(t)
	s := &stage{wires: &wires{}, t: t, office: o, code: code, ref: workflows.PayoutRef{Connection: id, PaymentReference: "P-" + id}}
	must(o.store.CreateConnection(t.Context(), store.Connection{
		ID: id, Name: id, Provider: "klarna", Region: "eu", Posting: "auto", State: workflows.ConnActive, Start: "2026-01-01", CompanyID: "42",
	}))
	_, err := o.store.UpsertPayouts(t.Context(), id, []store.Payout{
		{PaymentReference: s.ref.PaymentReference, Date: day, Currency: "SEK", SettlementType: "NET", Settlement: 100_00, Payout: json.RawMessage(`{}`)},
	})
	must(err)
	seen := store.SeenBatch{CompanyID: "42", Period: "2026" + id, BatchNumber: "000900", Reference: s.ref.PaymentReference, Status: "Posted"}
	switch code {
	case held.ReversedBefore: // its reversal
		seen.Token = s.token(1)
		fallthrough
	case held.BookedElsewhere:
		must(o.store.RememberPeriod(t.Context(), "42", seen.Period, []store.SeenBatch{seen}))
	}
	if state := sent[code]; state != "" {
		s.ensure()
		s.posted(s.token(0), state)
	}
	s.desk = &operate.Desk{
		Store: o.store, Vault: o.vault, Temporal: s.wires, ReadBatch: s.batch,
		Doors: &access.Doors{Store: o.store, Vault: o.vault, Config: &config.Config{}},
	}
	return s
}

func (s *stage) token(revision int) string {
	return voucher.Token("", s.ref.PaymentReference, "42", revision)
}

func musts(t *testing.T) func(error) {
	return func(err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
	}
}

// ensure intends the posting of the payout.
func (s *stage) ensure() {
	s.t.Helper()
	_, err := s.office.store.EnsureBooking(s.t.Context(), store.Booking{
		CompanyID: "42", Token: s.token(0), ConnectionID: s.ref.Connection, PaymentReference: s.ref.PaymentReference, State: posting.Intended,
		Period: "202603", Mode: "auto", VoucherHash: "v1", Voucher: json.RawMessage(`{"currency":"SEK","date":"2026-03-02"}`),
	})
	musts(s.t)(err)
}

func (s *stage) posted(token, state string) {
	s.t.Helper()
	_, err := s.office.store.UpdateBooking(s.t.Context(), "42", token, func(p *store.Booking) error {
		if p.State = state; state != posting.Unknown {
			p.BatchNumber = "000123"
		}
		return nil
	})
	musts(s.t)(err)
}

// batch is one that books the payout, whichever is read.
func (s *stage) batch(_ context.Context, _, number string) (*visma.JournalTransaction, error) {
	dated := visma.DateTime{Time: day}
	return &visma.JournalTransaction{
		BatchNumber: number, Status: visma.BatchPosted, TransactionDate: dated, CurrencyID: "SEK", Description: s.ref.PaymentReference,
		Lines: []visma.JournalTransactionLine{
			{AccountNumber: "1930", DebitAmountInCurrency: visma.FromMinor(100_00, 2)}, {AccountNumber: "1686", CreditAmountInCurrency: visma.FromMinor(100_00, 2)},
		},
	}, nil
}

func (s *stage) row() *store.Payout {
	s.t.Helper()
	row, err := s.office.store.Payout(s.t.Context(), s.ref.Connection, s.ref.PaymentReference)
	musts(s.t)(err)
	return &row
}

func (s *stage) change(do func(*store.Payout)) {
	s.t.Helper()
	musts(s.t)(s.office.store.UpdatePayout(s.t.Context(), s.ref.Connection, s.ref.PaymentReference, func(p *store.Payout) error { do(p); return nil }, nil))
}

// decided returns what people decided about the payout by now.
func (s *stage) decided() decision.Set {
	s.t.Helper()
	all, err := s.office.store.Decisions(s.t.Context(), s.ref.Connection, store.WorkPayout, s.ref.PaymentReference)
	musts(s.t)(err)
	return decision.Of(all, s.row().Revision, false)
}

// ways are what is offered, by their way.
func (s *stage) ways() map[held.Way]operate.WayOut {
	s.t.Helper()
	all, err := s.desk.WaysOut(s.t.Context(), s.row())
	musts(s.t)(err)
	ways := map[held.Way]operate.WayOut{}
	for _, w := range all {
		ways[w.Way] = w
	}
	return ways
}

func (s *stage) why() workflows.Held {
	why := workflows.Held{Code: s.code, Detail: "what happened", Remedy: "what helps"}
	if held.Offers(s.code, held.Accept) {
		why.Acceptable = []workflows.Acceptable{{Component: "fee", Difference: 1}}
	}
	return why
}
