package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"

	"kvitt/internal/settlement"
	"kvitt/sandbox/shop"
	"kvitt/sandbox/stack"
	"kvitt/sandbox/vismasim"
)

// backfillResult holds the parts of the backfill's JSON output that the demo reads.
type backfillResult struct {
	Found   int   `json:"found"`
	Posted  int   `json:"posted"`
	Held    int   `json:"held"`
	Skipped int   `json:"skipped"`
	Failed  int   `json:"failed"`
	Rows    int64 `json:"rows"`
	Amounts map[string]struct {
		Settlement int64 `json:"settlement"`
	} `json:"amounts"`
	Payouts []struct {
		PaymentReference string `json:"payment_reference"`
		BatchNumber      string `json:"batch_number"`
		Settlement       int64  `json:"settlement_amount"`
		Currency         string `json:"currency"`
		Difference       int64  `json:"difference"`
	} `json:"payouts"`
}

// demo connects, backfills, runs the same backfill again, and compares the simulated Visma.net's books.
func demo(ctx context.Context, s settings, out io.Writer) error {
	s.Ports = freeUnlessChosen(s.Ports)
	st, id, _, err := ready(ctx, s)
	if st != nil {
		defer func() { _ = st.Close() }()
	}
	if err != nil {
		return err
	}
	args := []string{"backfill", id, "--from", s.from, "--to", s.to, "--yes"}
	before := st.Visma.Books("")
	fmt.Fprintf(s.Log, "$ starter %s\n", strings.Join(args, " "))
	first, raw, err := backfill(ctx, st, s.Log, args)
	if err != nil {
		return err
	}
	books := st.Visma.Books("")
	fmt.Fprintln(s.Log, "\nThe same backfill again:")
	second, _, err := backfill(ctx, st, s.Log, args)
	if err != nil {
		return err
	}
	after := st.Visma.Books("")
	if second.Posted != 0 || second.Skipped+second.Held != first.Found || after.Batches != books.Batches || after.Debit != books.Debit {
		return fmt.Errorf("the same backfill again: %d posted, %d of %d skipped, %d batches before and %d after; nothing should have changed",
			second.Posted, second.Skipped, first.Found, books.Batches, after.Batches)
	}
	if err := agree(first, &before, &books, st.Shop); err != nil {
		return err
	}
	if s.output == "json" {
		if err := printJSON(out, raw, &books); err != nil {
			return err
		}
		return held(first)
	}
	printTable(out, first, &books)
	if before.Batches == 0 {
		printBanked(out, first, &books, st.Shop)
	}
	fmt.Fprintf(out, "The same backfill again: %d posted, %d skipped, the books unchanged.\n", second.Posted, second.Skipped)
	if n := len(first.Payouts); n > 0 {
		show := []string{"payout", "show", id, first.Payouts[n-1].PaymentReference}
		fmt.Fprintf(out, "\nThe last payout in full, from `starter %s`:\n\n", strings.Join(show, " "))
		if err := status(st.Starter(ctx, nil, out, s.Log, show...)); err != nil {
			return err
		}
	}
	return held(first)
}

// backfill runs the starter's backfill, with its progress in log. Held payouts are not an error: they are
// in the result.
func backfill(ctx context.Context, st *stack.Stack, log io.Writer, args []string) (*backfillResult, []byte, error) {
	var raw bytes.Buffer
	err := status(st.Starter(ctx, nil, &raw, log, append(slices.Clone(args), "--output", "json")...))
	if err != nil && !errors.Is(err, exitStatusError(something)) {
		return nil, nil, err
	}
	var d backfillResult
	if err := json.Unmarshal(raw.Bytes(), &d); err != nil {
		return nil, nil, fmt.Errorf("read the backfill's output: %w", err)
	}
	return &d, raw.Bytes(), nil
}

// held returns the exit status of a completed backfill with held payouts.
func held(d *backfillResult) error {
	if d.Held > 0 {
		return exitStatusError(something)
	}
	return nil
}

// printJSON adds the books of the simulated Visma.net to the backfill's JSON output.
func printJSON(out io.Writer, raw []byte, books *vismasim.Books) error {
	sums, err := json.Marshal(map[string]int64{"batches": int64(books.Batches), "debit": books.Debit, "credit": books.Credit})
	if err != nil {
		return fmt.Errorf("write the books: %w", err)
	}
	trimmed := bytes.TrimRight(bytes.TrimSpace(raw), "}")
	var whole bytes.Buffer
	if err := json.Indent(&whole, append(append(trimmed, []byte(`,"books":`)...), append(sums, '}')...), "", "  "); err != nil {
		return fmt.Errorf("write the backfill's output: %w", err)
	}
	_, err = fmt.Fprintln(out, whole.String())
	return err
}

func printTable(out io.Writer, d *backfillResult, books *vismasim.Books) {
	fmt.Fprintf(out, "\n%-18s %-10s %16s %-8s %10s\n", "payment reference", "batch", "settlement", "currency", "difference")
	for _, p := range d.Payouts {
		c := settlement.Currency(p.Currency)
		fmt.Fprintf(out, "%-18s %-10s %16s %-8s %10s\n", p.PaymentReference, p.BatchNumber, settlement.Format(p.Settlement, c), p.Currency, settlement.Format(p.Difference, c))
	}
	fmt.Fprintf(out, "\n%d payouts with %d rows: %d posted, %d held, %d skipped, %d failed.\n", d.Found, d.Rows, d.Posted, d.Held, d.Skipped, d.Failed)
	base := settlement.Currency(books.BaseCurrency)
	fmt.Fprintf(out, "The books of %s: %d batches, debit %s, credit %s %s, released %s.\n", books.Company, books.Batches,
		settlement.Format(books.Debit, base), settlement.Format(books.Credit, base), base, settlement.Format(books.Released.Debit, base))
}

// printBanked compares what Klarna paid out with what arrived in the books.
func printBanked(out io.Writer, d *backfillResult, books *vismasim.Books, merchant *shop.Shop) {
	arrived := banked(books)
	fmt.Fprintf(out, "\n%-10s %16s %26s\n", "currency", "Klarna paid out", "arrived in the books")
	sums := paid(d, merchant)
	for _, currency := range slices.Sorted(maps.Keys(sums)) {
		c := settlement.Currency(currency)
		fmt.Fprintf(out, "%-10s %16s %26s\n", currency, settlement.Format(sums[currency], c), settlement.Format(arrived[currency], c))
	}
	fmt.Fprintln(out)
}
