package main

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"strings"

	"kvitt/internal/settlement"
	"kvitt/sandbox/vismasim"
)

// document is what the demo reads of the backfill's own document.
type document struct {
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

// demo connects, backfills, does the same backfill again, and asks the
// simulated Visma.net what its books say.
func demo(ctx context.Context, s settings, out io.Writer) error {
	s.Ports = freeUnlessChosen(s.Ports)
	st, id, err := ready(ctx, s)
	if st != nil {
		defer func() { _ = st.Close() }()
	}
	if err != nil {
		return err
	}
	args := []string{"backfill", id, "--from", s.from, "--to", s.to, "--yes"}
	fmt.Fprintf(s.Log, "$ starter %s\n", strings.Join(args, " "))
	var raw bytes.Buffer
	if err := status(st.Starter(ctx, nil, &raw, s.Log, append(args, "--output", "json")...)); err != nil {
		fmt.Fprint(s.Log, raw.String())
		return err
	}
	var first document
	if err := json.Unmarshal(raw.Bytes(), &first); err != nil {
		return fmt.Errorf("read the backfill's document: %w", err)
	}
	books := st.Visma.Books("")
	fmt.Fprintln(s.Log, "\nThe same backfill again:")
	again, err := st.Ask(ctx, append(args, "--output", "json")...)
	if err != nil {
		return err
	}
	var second document
	if err := json.Unmarshal(again, &second); err != nil {
		return fmt.Errorf("read the second backfill's document: %w", err)
	}
	if after := st.Visma.Books(""); second.Posted != 0 || second.Skipped != first.Found || after.Batches != books.Batches || after.Debit != books.Debit {
		return fmt.Errorf("the same backfill again: %d posted, %d of %d skipped, %d batches before and %d after; nothing should have changed",
			second.Posted, second.Skipped, first.Found, books.Batches, after.Batches)
	}
	if s.output == "json" {
		return printJSON(out, raw.Bytes(), &books)
	}
	printTable(out, &first, &books)
	fmt.Fprintf(out, "The same backfill again: %d posted, %d skipped, the books unchanged.\n", second.Posted, second.Skipped)
	return agree(&first, &books, st.Shop)
}

// printJSON adds what the simulated Visma.net's books say to the backfill's
// document.
func printJSON(out io.Writer, raw []byte, books *vismasim.Books) error {
	var all map[string]json.RawMessage
	if err := json.Unmarshal(raw, &all); err != nil {
		return fmt.Errorf("read the backfill's document: %w", err)
	}
	sums, err := json.Marshal(map[string]int64{"batches": int64(books.Batches), "debit": books.Debit, "credit": books.Credit})
	if err != nil {
		return fmt.Errorf("write down the books: %w", err)
	}
	trimmed := bytes.TrimRight(bytes.TrimSpace(raw), "}")
	var whole bytes.Buffer
	if err := json.Indent(&whole, append(append(trimmed, []byte(`,"books":`)...), append(sums, '}')...), "", "  "); err != nil {
		return fmt.Errorf("write down the backfill's document: %w", err)
	}
	_, err = fmt.Fprintln(out, whole.String())
	return err
}

func printTable(out io.Writer, d *document, books *vismasim.Books) {
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
