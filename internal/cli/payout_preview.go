package cli

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"time"

	"github.com/spf13/cobra"

	"kvitt/internal/operate"
	"kvitt/internal/store"
	"kvitt/internal/voucher"
	"kvitt/workflows"
)

// previewDetail holds what a dry run came to for a payout, for programs. Amounts
// are minor units of its currency.
type previewDetail struct {
	Connection       string           `json:"connection"`
	PaymentReference string           `json:"payment_reference"`
	Run              string           `json:"run"`
	At               time.Time        `json:"at"`
	Currency         string           `json:"currency"`
	Settlement       int64            `json:"settlement_amount"`
	State            string           `json:"state"`
	Held             *workflows.Held  `json:"held,omitempty"`
	Rows             int64            `json:"rows"`
	ProfileVersion   int              `json:"profile_version"`
	Voucher          *voucher.Voucher `json:"voucher,omitempty"`
	VoucherHash      string           `json:"voucher_hash,omitempty"`
}

func (a *app) payoutPreviewCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "preview ID REF",
		Short: "Show the voucher that the last dry run would have posted",
		Long: `Show the voucher that the last dry run which looked at the payout would have
posted, or why it would have held it. Nothing of it is in the books.`,
		Example: `  starter payout preview k3x9-m2qp XISA93DJ`,
		Args:    exactly("the id of a connection", "a payment reference"),
		RunE: a.local(func(ctx context.Context, s *session, args []string) error {
			if _, err := s.connection(ctx, args[0]); err != nil {
				return err
			}
			p, err := s.store.Preview(ctx, args[0], args[1], "")
			if errors.Is(err, store.ErrNotFound) {
				return &operate.Error{
					Attempted: "show the preview of the payout " + args[1], Happened: "no dry run has looked at it", Err: err,
					Helps: "`starter backfill " + args[0] + " --from DATE --to DATE --dry-run` makes one of its day; what is posted already is shown by `starter payout show`.",
				}
			}
			if err != nil {
				return err
			}
			d := previewDetail{
				Connection: p.ConnectionID, PaymentReference: p.PaymentReference, Run: p.RunID, At: p.At, Currency: p.Currency, Settlement: p.Settlement,
				State: p.State, Rows: p.Rows, ProfileVersion: p.ProfileVersion, VoucherHash: p.VoucherHash,
			}
			for _, part := range []struct {
				document json.RawMessage
				into     any
			}{{p.Voucher, &d.Voucher}, {p.Held, &d.Held}} {
				if len(part.document) > 0 {
					if err := json.Unmarshal(part.document, part.into); err != nil {
						return fmt.Errorf("read the preview of payout %s: %w", p.PaymentReference, err)
					}
				}
			}
			return s.show(&d, func(w io.Writer) error { return writePreview(w, &d, s.paint) })
		}),
	}
}

// writePreview writes a voucher as `payout show` does.
func writePreview(w io.Writer, d *previewDetail, paint painter) error {
	p := &page{w: w, paint: paint}
	p.line("Payout %s, %s, as the dry run of %s would have posted it. Nothing of this is in the books.", d.PaymentReference, amount(d.Settlement, d.Currency), moment(d.At))
	as := &payoutDetail{PaymentReference: d.PaymentReference, Currency: d.Currency, Held: d.Held, Voucher: d.Voucher, VoucherHash: d.VoucherHash, ProfileVersion: d.ProfileVersion}
	p.held(as)
	p.voucher(as)
	return p.err
}
