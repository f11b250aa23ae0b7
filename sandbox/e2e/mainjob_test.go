package e2e_test

import (
	"bytes"
	"context"
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"kvitt/sandbox/shop"
	"kvitt/sandbox/stack"
	"kvitt/sandbox/vismasim"
	"kvitt/workflows"
)

// quarter is a believable shop in the first quarter of 2026.
func quarter(t *testing.T, seed uint64) *shop.Shop {
	t.Helper()
	made, err := shop.Generate(shop.Config{Seed: seed, Start: time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC), Days: 90})
	if err != nil {
		t.Fatal(err)
	}
	return made
}

const (
	quarterFrom = "2026-01-01"
	quarterTo   = "2026-03-31"
)

func TestAQuarterIsFetchedProvenAndPostedExactlyOnce(t *testing.T) {
	t.Parallel()
	merchant := quarter(t, 11)
	payouts := merchant.Payouts()
	w := start(t, stack.Options{Shop: stack.Shop{Made: merchant}, Companies: companies(1)})
	h := w.house(t, plan{shop: merchant})

	w.Visma.ResetRequests()
	preview := report(t, w.done(t, h.backfill(quarterFrom, quarterTo, "--dry-run")...))
	t.Run("a dry run writes nothing to Visma.net and tells what would happen", func(t *testing.T) {
		for endpoint, n := range w.Visma.Requests() {
			if !strings.HasPrefix(endpoint, "GET ") {
				t.Errorf("%d times %s", n, endpoint)
			}
		}
		if books := w.Visma.Books(h.firm.TenantID); books.Batches != 0 {
			t.Errorf("the books hold %d batches", books.Batches)
		}
		preview.came(t, counted{Found: len(payouts)})
		if !preview.DryRun {
			t.Error("the document does not say that it is a dry run")
		}
		for _, p := range preview.Payouts {
			if p.State != workflows.StateCompiled || p.HeldReason != "" || p.BatchNumber != "" {
				t.Errorf("payout %+v", p)
			}
		}
	})

	w.Klarna.ResetRequests()
	w.Visma.ResetRequests()
	real := report(t, w.done(t, h.backfill(quarterFrom, quarterTo)...))
	books := w.Visma.Books(h.firm.TenantID)
	t.Run("every payout is posted once and agrees with Klarna to the öre", func(t *testing.T) {
		real.came(t, counted{Found: len(payouts), Posted: len(payouts)})
		h.once(t, payouts...)
		sums, rows := map[string]amount{}, int64(0)
		for _, p := range payouts {
			sums[p.Currency] = amount{sums[p.Currency].Settlement + p.Totals.Settlement}
			rows += int64(p.Rows.Len())
		}
		if diff := cmp.Diff(sums, real.Amounts); diff != "" {
			t.Errorf("the sums are others (-Klarna +document):\n%s", diff)
		}
		if real.Rows != rows {
			t.Errorf("%d rows, want %d", real.Rows, rows)
		}
		for i, p := range real.Payouts {
			made := payouts[i]
			want := paid{made.PaymentReference, workflows.StateVerified, "", books.WithReference(made.PaymentReference)[0].Number, made.Totals.Settlement, made.Currency, 0}
			if diff := cmp.Diff(want, p); diff != "" {
				t.Errorf("payout %d (-want +got):\n%s", i, diff)
			}
		}
	})
	t.Run("the dry run had told the same", func(t *testing.T) {
		same := *preview
		same.DryRun, same.Posted = false, real.Posted
		same.Payouts = nil
		for i, p := range preview.Payouts {
			p.State, p.BatchNumber = real.Payouts[i].State, real.Payouts[i].BatchNumber
			same.Payouts = append(same.Payouts, p)
		}
		if diff := cmp.Diff(*real, same); diff != "" {
			t.Errorf("(-real +dry run):\n%s", diff)
		}
	})
	t.Run("report and proof hang on each batch and lie in the archive", func(t *testing.T) {
		for _, b := range books.List {
			if len(b.Attachments) != 3 || slices.ContainsFunc(b.Attachments, func(a vismasim.Attachment) bool { return a.Revision != 1 }) {
				t.Errorf("batch %s has the attachments %+v", b.Number, b.Attachments)
			}
		}
		kinds := map[string]bool{}
		for _, d := range h.show(t, payouts[0].PaymentReference).Document {
			kinds[d.Kind] = d.Size > 0
		}
		if !kinds["payout"] || !kinds["transactions"] || !kinds["pdf"] || !kinds["csv"] || !kinds["proof"] {
			t.Errorf("the archive holds %v", kinds)
		}
	})
	t.Run("what it cost", func(t *testing.T) { cost(t, h, len(payouts)) })
	t.Run("the same again posts nothing", func(t *testing.T) {
		w.Visma.ResetRequests()
		again := report(t, w.done(t, h.backfill(quarterFrom, quarterTo)...))
		want := *real
		want.Posted, want.Skipped = 0, len(payouts)
		if diff := cmp.Diff(want, *again); diff != "" {
			t.Errorf("(-want +got):\n%s", diff)
		}
		if diff := cmp.Diff(books, w.Visma.Books(h.firm.TenantID)); diff != "" {
			t.Errorf("the books have changed:\n%s", diff)
		}
		if n := w.Visma.Requests(); len(n) > 0 {
			t.Errorf("Visma.net was asked %v", n)
		}
	})
	t.Run("the audit trail's chain holds", func(t *testing.T) {
		if err := w.store.VerifyAudit(t.Context()); err != nil {
			t.Error(err)
		}
	})
}

func TestTheDemoPrintsTheBackfillsDocumentWithTheBooks(t *testing.T) {
	t.Parallel()
	sandbox := filepath.Join(bin, "sandbox")
	flags := append([]string{"build", "-o", sandbox}, raceFlags...)
	build := exec.CommandContext(t.Context(), "go", append(flags, "./sandbox")...)
	build.Dir = module
	if out, err := build.CombinedOutput(); err != nil {
		t.Fatalf("build the sandbox: %v\n%s", err, out)
	}
	ctx, cancel := context.WithTimeout(t.Context(), 3*time.Minute)
	defer cancel()
	demo := exec.CommandContext(ctx, sandbox, "demo", "--output", "json", "--from", "2025-02-01", "--to", "2025-02-28")
	demo.Dir = module
	demo.Env = append(os.Environ(), "GOFLAGS="+strings.Join(raceFlags, " "))
	demo.Cancel = func() error { return demo.Process.Signal(os.Interrupt) }
	demo.WaitDelay = 30 * time.Second
	var stdout, stderr bytes.Buffer
	demo.Stdout, demo.Stderr = &stdout, &stderr
	if err := demo.Run(); err != nil {
		t.Fatalf("sandbox demo: %v\n%s", err, stderr.String())
	}
	s := said{line: "sandbox demo", out: stdout.String(), err: stderr.String()}
	got := decode[struct {
		document
		Books struct {
			Batches int   `json:"batches"`
			Debit   int64 `json:"debit"`
			Credit  int64 `json:"credit"`
		} `json:"books"`
	}](t, s)
	have := facts[map[string]json.RawMessage](t, s)
	members(t, "the demo's document", have, "connection", "from", "to", "dry_run", "found", "posted", "adopted", "held", "skipped", "failed", "rows", "amounts", "payouts", "books")
	members(t, "its books", facts[map[string]json.RawMessage](t, said{line: "books", out: string(have["books"])}), "batches", "debit", "credit")
	if got.Found == 0 || got.Posted != got.Found || got.Held+got.Failed != 0 || got.Books.Batches != got.Posted || got.Books.Debit == 0 || got.Books.Debit != got.Books.Credit {
		t.Errorf("the demo came to %+v with the books %+v", got.counted(), got.Books)
	}
	for _, p := range got.Payouts {
		if p.State != workflows.StateVerified || p.BatchNumber == "" || p.Difference != 0 {
			t.Errorf("payout %+v", p)
		}
	}
}
