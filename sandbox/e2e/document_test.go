package e2e_test

import (
	"encoding/json"
	"maps"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// document holds what `starter backfill --output json` prints: these members, and
// no others. People script against them.
type document struct {
	Connection string            `json:"connection"`
	From       string            `json:"from"`
	To         string            `json:"to"`
	DryRun     bool              `json:"dry_run"`
	Found      int               `json:"found"`
	Posted     int               `json:"posted"`
	Adopted    int               `json:"adopted"`
	Held       int               `json:"held"`
	Skipped    int               `json:"skipped"`
	Failed     int               `json:"failed"`
	Rows       int64             `json:"rows"`
	Amounts    map[string]amount `json:"amounts"`
	Payouts    []paid            `json:"payouts"`
}

type amount struct {
	Settlement int64 `json:"settlement"`
}

type paid struct {
	PaymentReference string `json:"payment_reference"`
	State            string `json:"state"`
	HeldReason       string `json:"held_reason"`
	BatchNumber      string `json:"batch_number"`
	Settlement       int64  `json:"settlement_amount"`
	Currency         string `json:"currency"`
	Difference       int64  `json:"difference"`
}

// counted holds what a run came to.
type counted struct{ Found, Posted, Adopted, Held, Skipped, Failed int }

func (d *document) counted() counted {
	return counted{d.Found, d.Posted, d.Adopted, d.Held, d.Skipped, d.Failed}
}

// came makes sure of what a run came to.
func (d *document) came(t *testing.T, want counted) {
	t.Helper()
	if diff := cmp.Diff(want, d.counted()); diff != "" {
		t.Errorf("the run came to something else (-want +got):\n%s", diff)
	}
}

// payout is the one with a reference.
func (d *document) payout(t *testing.T, reference string) paid {
	t.Helper()
	i := slices.IndexFunc(d.Payouts, func(p paid) bool { return p.PaymentReference == reference })
	if i < 0 {
		t.Fatalf("the document has no payout %s", reference)
	}
	return d.Payouts[i]
}

// report reads a backfill's document and makes sure that no member is missing.
func report(t *testing.T, s said) *document {
	t.Helper()
	d := decode[document](t, s)
	have := facts[map[string]json.RawMessage](t, s)
	members(t, "the document", have, "connection", "from", "to", "dry_run", "found", "posted", "adopted", "held", "skipped", "failed", "rows", "amounts", "payouts")
	var payouts []map[string]json.RawMessage
	if err := json.Unmarshal(have["payouts"], &payouts); err != nil {
		t.Fatal(err)
	}
	for _, p := range payouts {
		members(t, "a payout", p, "payment_reference", "state", "held_reason", "batch_number", "settlement_amount", "currency", "difference")
	}
	return &d
}

func members(t *testing.T, what string, have map[string]json.RawMessage, want ...string) {
	t.Helper()
	slices.Sort(want)
	if diff := cmp.Diff(want, slices.Sorted(maps.Keys(have))); diff != "" {
		t.Errorf("%s has other members (-want +got):\n%s", what, diff)
	}
}
