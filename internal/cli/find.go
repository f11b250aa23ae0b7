package cli

import (
	"cmp"
	"context"
	"fmt"
	"io"
	"strconv"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"kvitt/internal/cli/table"
	"kvitt/internal/operate"
	"kvitt/internal/report"
	"kvitt/internal/store"
)

func (a *app) findCommand() *cobra.Command {
	component := ""
	c := &cobra.Command{
		Use:   "find ID REF",
		Short: "Find payouts by any reference: payout, batch, token, order, capture, refund, merchant's own",
		Long: `Find payouts by any reference: a payment reference, the number of a batch in Visma.net, a token, or what an order, a
capture, a refund or the shop itself calls it. The rows that carry it are shown with the line of the voucher that
they are booked in.

With --component, REF is a payment reference, and the rows behind that component of the payout are shown: the way from
a line of a voucher to its orders.`,
		Example: `  starter find k3x9-m2qp 100482
  starter find k3x9-m2qp XISA93DJ --component FEE/PURCHASE_FEE_PERCENTAGE`,
		Args: exactly("the id of a connection", "a reference"),
		RunE: a.local(func(ctx context.Context, s *session, args []string) error {
			r, err := s.reports(ctx, args[0])
			if err != nil {
				return err
			}
			if component != "" {
				return s.behind(ctx, r, args[1], component)
			}
			if err := s.current(ctx, r); err != nil {
				return err
			}
			hits, err := r.Find(ctx, args[1])
			if err != nil {
				return err
			}
			return s.show(hits, func(w io.Writer) error { return writeHits(w, hits, args[1], r) })
		}),
	}
	c.Flags().StringVar(&component, "component", "", "show the rows behind this `TYPE/DETAILED_TYPE` of the payout")
	return c
}

// behind shows the rows behind a component of a payout.
func (s *session) behind(ctx context.Context, r *report.Reports, reference, component string) error {
	p, err := s.payout(ctx, r.Connection.ID, reference)
	if err != nil {
		return err
	}
	rows, more, err := r.RowsOf(ctx, reference, component)
	if err != nil {
		return err
	}
	hit := report.Hit{
		PaymentReference: p.PaymentReference, Date: p.Date, Currency: p.Currency, Settlement: p.Settlement, State: p.State,
		Batches: []string{}, By: []string{component}, Rows: rows, More: more,
	}
	if p.BatchNumber != "" {
		hit.Batches = append(hit.Batches, p.BatchNumber)
	}
	return s.show(hit, func(w io.Writer) error { return writeHits(w, []report.Hit{hit}, component, r) })
}

func writeHits(w io.Writer, hits []report.Hit, reference string, r *report.Reports) error {
	if len(hits) == 0 {
		_, err := fmt.Fprintf(w, "Nothing is called %s. A payout that was not fetched yet is not known here; a backfill of its days fetches it.\n", operate.Printable(reference))
		return err
	}
	for i := range hits {
		h := &hits[i]
		if i > 0 {
			fmt.Fprintln(w)
		}
		head := fmt.Sprintf("%s  %s  %s  %s  batch %s  (%s)", h.PaymentReference, day(h.Date, r.Zone), amount(h.Settlement, h.Currency), h.State,
			cmp.Or(strings.Join(h.Batches, ", "), "none"), strings.Join(h.By, ", "))
		fmt.Fprintln(w, table.Fold(head, width(w), 2))
		if len(h.Rows) == 0 {
			continue
		}
		t := table.New(table.Left("component"), table.Right("amount"), table.Right("VAT"), table.Left("captured"), table.Left("order"),
			table.Optional("capture"), table.Optional("refund"), table.Optional("reference 1"), table.Optional("reference 2"), table.Right("line"), table.Left("account"), table.Optional("VAT account"))
		for j := range h.Rows {
			row := &h.Rows[j]
			captured, line := "", ""
			if !row.Captured.IsZero() {
				captured = day(row.Captured, r.Zone)
			}
			if row.Line > 0 {
				line = strconv.Itoa(row.Line)
			}
			vat := ""
			if row.VAT != 0 {
				vat = money(row.VAT, h.Currency)
			}
			cells := []string{
				row.Type + "/" + row.DetailedType, money(row.Amount, h.Currency), vat, captured, row.OrderID,
				row.CaptureID, row.RefundID, row.MerchantReference1, row.MerchantReference2, line, row.Account, row.VATAccount,
			}
			for k := range cells {
				cells[k] = operate.Printable(cells[k])
			}
			t.Add(cells...)
		}
		if err := t.Write(w); err != nil {
			return err
		}
		if h.More {
			fmt.Fprintf(w, "… and more; the first %d are shown.\n", report.MostRows)
		}
	}
	return nil
}

func (a *app) exportCommand() *cobra.Command {
	var in wanted
	c := &cobra.Command{
		Use:   "export ID",
		Short: "Export all records of a date range, with checksums",
		Long: `Export all records of a date range: payouts, proofs, vouchers, postings with every attempt, every
archived document as Klarna sent it, all versions of the profile, and the audit trail. SHA256SUMS has a digest of each
file; documents.csv says how long each document must be kept.`,
		Example: `  starter export k3x9-m2qp --from 2026-01-01 --to 2026-12-31 --out 2026.zip
  starter export k3x9-m2qp --from 2026-01-01 --to 2026-12-31 --out folder`,
		Args: exactly("the id of a connection"),
		RunE: func(c *cobra.Command, args []string) error {
			span, err := in.span()
			if err != nil {
				return err
			}
			if in.out == "" {
				return usagef("--out is required: name a folder, or a file that ends in .zip")
			}
			if err := in.checkYear(); err != nil {
				return err
			}
			if err := in.free(); err != nil {
				return err
			}
			return a.local(func(ctx context.Context, s *session, args []string) error {
				r, err := s.reports(ctx, args[0])
				if err != nil {
					return err
				}
				return s.bundle(&in.target, r, func(b *report.Bundle) error { return r.Export(ctx, span, time.Month(in.yearEnd), b) })
			})(c, args)
		},
	}
	f := c.Flags()
	f.StringVar(&in.from, "from", "", "from this `DATE` on, in the company's zone")
	f.StringVar(&in.to, "to", "", "until this `DATE`, which is included")
	in.flags(c, "the new folder, or the new `FILE` when it ends in .zip")
	in.yearFlag(c)
	return c
}

func (a *app) auditCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "audit [ID]",
		Short: "Verify the audit trail and print it",
		Long: `Compute every hash of the audit trail again, and print the trail, oldest first: of one connection, or of everything. A
trail that is not as it was written is an error that names the first broken entry; nothing is printed then.`,
		Example: `  starter audit
  starter audit k3x9-m2qp --output json`,
		Args: atMostOne("the id of a connection"),
		RunE: a.local(func(ctx context.Context, s *session, args []string) error {
			id := ""
			if len(args) == 1 {
				if id = args[0]; id != "" {
					if _, err := s.connection(ctx, id); err != nil {
						return err
					}
				}
			}
			return s.audit(ctx, id)
		}),
	}
}

// auditHead holds what the chain was verified up to, for programs.
type auditHead struct {
	Verified bool   `json:"verified"`
	Entries  int64  `json:"entries"` // of the whole database
	Hash     string `json:"hash"`    // of the last one
}

func (s *session) audit(ctx context.Context, id string) error {
	r := &report.Reports{Source: s.store, Now: s.now()}
	told, err := r.Chain(ctx)
	if err != nil {
		return err
	}
	var head auditHead
	if head.Entries, head.Hash, err = s.store.AuditHead(ctx); err != nil {
		return err
	}
	head.Verified = true
	if s.json() {
		return s.auditJSON(ctx, id, &head)
	}
	for e, err := range s.store.AuditBetween(ctx, id, time.Time{}, time.Time{}) {
		if err != nil {
			return err
		}
		fmt.Fprintln(s.Out, table.Wrap(auditLine(&e), width(s.Out), 8))
	}
	for _, line := range told {
		fmt.Fprintln(s.Out, table.Fold(line, width(s.Out), 0))
	}
	return nil
}

func auditLine(e *store.AuditEntry) string {
	line := fmt.Sprintf("%6d  %s  %-12s  %-28s  %s", e.Seq, e.At.UTC().Format("2006-01-02 15:04:05"), operate.Printable(e.Who), operate.Printable(e.Subject), operate.Printable(e.Action))
	if len(e.After) > 0 {
		line += "  " + operate.Printable(string(e.After))
	}
	return line
}

// auditJSON writes one document while the trail streams by.
func (s *session) auditJSON(ctx context.Context, id string, head *auditHead) error {
	if _, err := fmt.Fprintf(s.Out, "{\n  \"verified\": %t,\n  \"entries\": %d,\n  \"hash\": %q,\n  \"trail\": [", head.Verified, head.Entries, head.Hash); err != nil {
		return fmt.Errorf("write the document: %w", err)
	}
	comma := "\n    "
	for e, err := range s.store.AuditBetween(ctx, id, time.Time{}, time.Time{}) {
		if err != nil {
			return err
		}
		body, err := report.RecordOf(&e).JSON()
		if err != nil {
			return err
		}
		fmt.Fprintf(s.Out, "%s%s", comma, body)
		comma = ",\n    "
	}
	_, err := fmt.Fprintln(s.Out, "\n  ]\n}")
	return err
}

// atMostOne checks the arguments of a command that can go without any.
func atMostOne(name string) cobra.PositionalArgs {
	return func(c *cobra.Command, args []string) error {
		if len(args) == 0 {
			return nil
		}
		return exactly(name)(c, args)
	}
}
