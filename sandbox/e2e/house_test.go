package e2e_test

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"kvitt/sandbox/klarnasim"
	"kvitt/sandbox/shop"
	"kvitt/sandbox/vismasim"
	"kvitt/workflows"
)

// serial numbers merchants, payouts and orders, so that none of a shared world
// is like another one.
var serial atomic.Int64

// house is one merchant with one Visma.net company and the connection between
// them.
type house struct {
	*world
	firm     vismasim.Company
	merchant *shop.Shop
	key      string // Klarna's API key
	keyFile  string
	id       string // of the connection
}

// plan holds what a house is made of.
type plan struct {
	payouts []*shop.Payout
	shop    *shop.Shop        // instead of payouts
	firm    *vismasim.Company // nil: any
	posting string            // auto when empty
	profile string            // se-bas when empty
	start   string            // empty: today, so that no scheduled sync meets the payouts
	name    string
}

// merchant makes a shop of payouts that were made for no merchant yet.
func merchant(payouts []*shop.Payout) *shop.Shop {
	id := fmt.Sprintf("K%06d", 700_000+serial.Add(1))
	for _, p := range payouts {
		p.MerchantID = id
		if rows, ok := p.Rows.(shop.List); ok {
			for i := range rows {
				rows[i].MerchantID = id
			}
		}
	}
	return shop.New(id, "SEK", payouts...)
}

// unconnected makes a house whose connection has no credentials yet.
func (w *world) unconnected(t *testing.T, p plan) *house {
	t.Helper()
	h := &house{world: w, merchant: p.shop}
	if h.merchant == nil {
		h.merchant = merchant(p.payouts)
	}
	if p.firm != nil {
		h.firm = *p.firm
	} else {
		h.firm = w.company(t)
	}
	w.Klarna.Serve(h.merchant)
	h.key = fmt.Sprintf("klarna_test_api_e2e%037d", serial.Add(1))
	h.addKey(t, klarnasim.Key{Key: h.key, MerchantID: h.merchant.MerchantID})
	h.keyFile = keyFile(t, h.key)
	args := []string{
		"connection", "create", "--output", "json",
		"--name", orElse(p.name, "Hus"), "--profile", orElse(p.profile, "se-bas"), "--posting", orElse(p.posting, "auto"),
	}
	if p.start != "" {
		args = append(args, "--start", p.start)
	}
	h.id = decode[struct {
		ID string `json:"id"`
	}](t, w.done(t, args...)).ID
	return h
}

// house makes one that is connected on both sides.
func (w *world) house(t *testing.T, p plan) *house {
	t.Helper()
	h := w.unconnected(t, p)
	h.connect(t)
	return h
}

func (h *house) connect(t *testing.T) {
	t.Helper()
	h.done(t, "connection", "klarna-key", h.id, "--key-file", h.keyFile)
	h.done(t, "connection", "authorize", h.id, "--service", "--tenant-id", h.firm.TenantID)
}

func (w *world) addKey(t *testing.T, k klarnasim.Key) {
	t.Helper()
	if err := w.Klarna.AddKey(k); err != nil {
		t.Fatal(err)
	}
}

func keyFile(t *testing.T, key string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "klarna.key")
	if err := os.WriteFile(path, []byte(key+"\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

func orElse(value, otherwise string) string {
	if value == "" {
		return otherwise
	}
	return value
}

// settled is a payout of some rows at noon of a day, in SEK unless change says
// otherwise.
func settled(t *testing.T, day string, change ...func(*shop.Settlement)) *shop.Payout {
	t.Helper()
	date, err := time.Parse(time.DateOnly, day)
	if err != nil {
		t.Fatal(err)
	}
	n := serial.Add(1)
	s := shop.Settlement{
		PaymentReference: fmt.Sprintf("91%09d", n),
		Date:             date.Add(12 * time.Hour),
		Rows: append(shop.SaleRows(uint64(n), 49_900+n%1000, 1_450, 350, 2500), //nolint:gosec // it counts from 1
			shop.SaleRows(uint64(n)+1_000_000, 129_900, 3_770, 350, 2500)...), //nolint:gosec // as above
	}
	for _, c := range change {
		c(&s)
	}
	p, err := s.Payout()
	if err != nil {
		t.Fatal(err)
	}
	return p
}

// in makes a payout one of another currency.
func in(currency string) func(*shop.Settlement) {
	return func(s *shop.Settlement) { s.Currency = currency }
}

// owing lets a payout begin with a debt.
func owing(minor int64) func(*shop.Settlement) {
	return func(s *shop.Settlement) { s.OpeningDebt = minor }
}

// and adds a row to a payout.
func and(r shop.Row) func(*shop.Settlement) {
	return func(s *shop.Settlement) { s.Rows = append(s.Rows, r) }
}

// days makes n payouts on as many days in a row.
func days(t *testing.T, first string, n int) []*shop.Payout {
	t.Helper()
	from, err := time.Parse(time.DateOnly, first)
	if err != nil {
		t.Fatal(err)
	}
	all := make([]*shop.Payout, n)
	for i := range all {
		all[i] = settled(t, from.AddDate(0, 0, i).Format(time.DateOnly))
	}
	return all
}

// backfill is the command line of a backfill of some days.
func (h *house) backfill(from, to string, flags ...string) []string {
	return append([]string{"backfill", h.id, "--from", from, "--to", to, "--yes", "--output", "json"}, flags...)
}

// status is the connection as `connection show` tells it.
func (h *house) status(t *testing.T) workflows.Status {
	t.Helper()
	return decode[workflows.Status](t, h.done(t, "connection", "show", h.id, "--output", "json"))
}

// shown holds what tests need of `payout show`.
type shown struct {
	State    string          `json:"state"`
	Held     *workflows.Held `json:"held"`
	Settled  int64           `json:"settlement_amount"`
	Rows     int64           `json:"rows"`
	Posting  *postingShown   `json:"posting"`
	Document []struct {
		Kind  string `json:"kind"`
		Parts int    `json:"parts"`
		Size  int64  `json:"size"`
	} `json:"documents"`
	Voucher json.RawMessage `json:"voucher"`
}

type postingShown struct {
	Token    string `json:"token"`
	State    string `json:"state"`
	Batch    string `json:"batch_number"`
	Adopted  bool   `json:"adopted"`
	Attempts []struct {
		Action  string `json:"action"`
		Outcome string `json:"outcome"`
		Status  int    `json:"status"`
	} `json:"attempts"`
}

func (h *house) show(t *testing.T, reference string) shown {
	t.Helper()
	return facts[shown](t, h.done(t, "payout", "show", h.id, reference, "--output", "json"))
}

// held waits until a payout is held for a reason, and returns its words.
func (h *house) held(t *testing.T, reference, reason string) *workflows.Held {
	t.Helper()
	var last shown
	until(t, waitFor, reference+" is held for "+reason, func() string {
		if last = h.show(t, reference); last.Held != nil && string(last.Held.Code) == reason {
			return ""
		}
		return fmt.Sprintf("%s %+v", last.State, last.Held)
	})
	return last.Held
}

// verified waits until a payout is final.
func (h *house) verified(t *testing.T, reference string) shown {
	t.Helper()
	var last shown
	until(t, waitFor, reference+" is verified", func() string {
		if last = h.show(t, reference); last.State == workflows.StateVerified {
			return ""
		}
		return fmt.Sprintf("%s %+v", last.State, last.Held)
	})
	return last
}

// once makes sure that the books balance and hold exactly these payouts, each
// once, released, with what Klarna paid out on the settlement account.
func (h *house) once(t *testing.T, payouts ...*shop.Payout) vismasim.Books {
	t.Helper()
	books := h.Visma.Books(h.firm.TenantID)
	if books.Debit != books.Credit {
		t.Errorf("the books do not balance: debit %d, credit %d", books.Debit, books.Credit)
	}
	if len(books.DuplicateTokens)+len(books.DuplicateReferences) > 0 {
		t.Errorf("payouts are booked twice: %v %v", books.DuplicateTokens, books.DuplicateReferences)
	}
	paid := map[string]int64{}
	for _, p := range payouts {
		paid[p.Currency] += p.Totals.Settlement
		batches := books.WithReference(p.PaymentReference)
		if len(batches) != 1 {
			t.Errorf("payout %s stands in %d batches, want one", p.PaymentReference, len(batches))
			continue
		}
		if b := batches[0]; !b.Released() || !strings.Contains(b.Description, "[kvitt:") {
			t.Errorf("payout %s: batch %s is %s, %q", p.PaymentReference, b.Number, b.Status, b.Description)
		}
	}
	if books.Batches != len(payouts) {
		t.Errorf("the books hold %d batches for %d payouts", books.Batches, len(payouts))
	}
	for currency, sum := range paid {
		if got := books.Accounts["16861"].Currencies[currency].Balance(); got != sum {
			t.Errorf("%s: Klarna paid out %d and the settlement account holds %d", currency, sum, got)
		}
	}
	return books
}
