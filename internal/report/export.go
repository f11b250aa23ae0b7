package report

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strings"
	"time"

	"kvitt/internal/store"
)

// Export writes everything that is kept of a span into a bundle: the payouts with
// their proofs, vouchers and postings with what was tried for them, every archived
// document as received, all versions of the profile, and the audit trail. The
// bundle is the caller's to close.
func (r *Reports) Export(ctx context.Context, span Span, yearEnd time.Month, b *Bundle) error {
	for _, part := range []func() error{
		func() error {
			return b.add("payouts.jsonl", func(w io.Writer) error { return r.writePayouts(ctx, span, w) })
		},
		func() error { return r.addVouchers(ctx, span, b) },
		func() error { return r.addAccruals(ctx, span, b) },
		func() error {
			return b.add("attempts.jsonl", func(w io.Writer) error { return r.writeAttempts(ctx, span, w) })
		},
		func() error { return r.addProfiles(ctx, b) },
		func() error {
			return r.addDocuments(ctx, span, yearEnd, b, "documents/", func(string) bool { return true })
		},
		func() error { return r.addAudit(ctx, span, b) },
	} {
		if err := part(); err != nil {
			return err
		}
	}
	return b.bytes("README.txt", []byte(r.readme("Export", span, append([]string{"documents/: every archived answer, as received."}, b.readmeMissing()...))))
}

// payoutRecord is a payout as it is exported. Amounts are minor units.
type payoutRecord struct {
	PaymentReference string          `json:"payment_reference"`
	MerchantID       string          `json:"merchant_id"`
	Date             time.Time       `json:"payout_date"`
	Day              string          `json:"payout_day,omitempty"` // Date in the company's zone
	Currency         string          `json:"currency"`
	SettlementType   string          `json:"settlement_type"`
	Settlement       int64           `json:"settlement_amount"`
	State            string          `json:"state"`
	HeldReason       string          `json:"held_reason,omitempty"`
	Held             json.RawMessage `json:"held,omitempty"`
	Rows             int64           `json:"rows"`
	Payout           json.RawMessage `json:"payout,omitempty"`
	Proof            json.RawMessage `json:"proof,omitempty"`
	Voucher          json.RawMessage `json:"voucher,omitempty"`
	VoucherHash      string          `json:"voucher_hash,omitempty"`
	ProfileVersion   int             `json:"profile_version"`
	DiscoveredAt     time.Time       `json:"discovered_at"`
	UpdatedAt        time.Time       `json:"updated_at"`
}

func (r *Reports) writePayouts(ctx context.Context, span Span, to io.Writer) error {
	for e, err := range r.each(ctx, span) {
		if err != nil {
			return err
		}
		p, err := r.Source.Payout(ctx, r.Connection.ID, e.PaymentReference)
		if err != nil {
			return err
		}
		err = writeLine(to, payoutRecord{
			p.PaymentReference, p.MerchantID, p.Date, r.dayIn(p.Date), p.Currency, p.SettlementType, p.Settlement, p.State, p.HeldReason, p.Held,
			p.Rows, p.Payout, p.Proof, p.Voucher, p.VoucherHash, p.ProfileVersion, p.DiscoveredAt, p.UpdatedAt,
		})
		if err != nil {
			return err
		}
	}
	return nil
}

// dayIn is the company's day of a moment, "" when there is none.
func (r *Reports) dayIn(at time.Time) string {
	if at.IsZero() {
		return ""
	}
	return at.In(r.Zone).Format(time.DateOnly)
}

func writeLine(to io.Writer, v any) error {
	body, err := json.Marshal(v)
	if err != nil {
		return err
	}
	_, err = to.Write(append(body, '\n'))
	return err
}

// postingRecord is a posting as it is exported.
type postingRecord struct {
	Company          string          `json:"company"`
	Token            string          `json:"token"`
	Kind             string          `json:"kind"`
	Day              string          `json:"day,omitempty"` // the last one of the period that it is about
	PaymentReference string          `json:"payment_reference"`
	Revision         int             `json:"revision"`
	State            string          `json:"state"`
	Batch            string          `json:"batch_number"`
	Period           string          `json:"period"`
	Mode             string          `json:"mode"`
	Adopted          bool            `json:"adopted"`
	VoucherHash      string          `json:"voucher_hash"`
	Voucher          json.RawMessage `json:"voucher"`
	CreatedAt        time.Time       `json:"created_at"`
	UpdatedAt        time.Time       `json:"updated_at"`
}

func recordOfPosting(p *store.Booking) postingRecord {
	return postingRecord{
		p.CompanyID, p.Token, p.Kind, p.Day, p.Name, p.Revision, p.State, p.BatchNumber, p.Period, p.Mode, p.Adopted,
		p.VoucherHash, p.Voucher, p.CreatedAt, p.UpdatedAt,
	}
}

// attemptRecord is something that was tried for a posting, as it is exported.
type attemptRecord struct {
	Token     string          `json:"token"`
	Seq       int             `json:"seq"`
	At        time.Time       `json:"at"`
	Action    string          `json:"action"`
	Outcome   string          `json:"outcome"`
	Status    int             `json:"status,omitempty"`
	RequestID string          `json:"request_id,omitempty"`
	Detail    json.RawMessage `json:"detail,omitempty"`
}

func (r *Reports) writeAttempts(ctx context.Context, span Span, to io.Writer) error {
	for p, err := range r.bookings(ctx, span) {
		if err != nil {
			return err
		}
		attempts, err := r.Source.Attempts(ctx, p.CompanyID, p.Token)
		if err != nil {
			return err
		}
		for _, a := range attempts {
			if err := writeLine(to, attemptRecord{a.Token, a.Seq, a.At, a.Action, a.Outcome, a.Status, a.RequestID, a.Detail}); err != nil {
				return err
			}
		}
	}
	return nil
}

// addProfiles writes every version that the posting profile ever had.
func (r *Reports) addProfiles(ctx context.Context, b *Bundle) error {
	for version := 1; ; version++ {
		p, err := r.Source.Profile(ctx, r.Connection.ID, version)
		if errors.Is(err, store.ErrNotFound) {
			return nil
		}
		if err == nil {
			err = b.bytes(fmt.Sprintf("profiles/%d.yaml", version), p.Document)
		}
		if err != nil {
			return err
		}
	}
}

// AuditRecord is an entry of the audit trail as it is exported. Whoever has the
// fields in this order can compute its hash: see AuditEntry in package store.
type AuditRecord struct {
	Seq        int64           `json:"seq"`
	At         time.Time       `json:"at"`
	Who        string          `json:"who"`
	Connection string          `json:"connection,omitempty"`
	Subject    string          `json:"subject"`
	Action     string          `json:"action"`
	Before     json.RawMessage `json:"before,omitempty"`
	After      json.RawMessage `json:"after,omitempty"`
	PrevHash   string          `json:"prev_hash"`
	Hash       string          `json:"hash"`
}

// RecordOf is an entry as it is exported.
func RecordOf(e *store.AuditEntry) AuditRecord {
	return AuditRecord{e.Seq, e.At, e.Who, e.ConnectionID, e.Subject, e.Action, e.Before, e.After, e.PrevHash, e.Hash}
}

// addAudit verifies the whole chain and writes the entries of a span. A broken
// chain does not end the export: what is there is there, and it says so.
func (r *Reports) addAudit(ctx context.Context, span Span, b *Bundle) error {
	from, to := r.moments(span)
	err := b.add("audit.jsonl", func(w io.Writer) error {
		for e, err := range r.Source.AuditBetween(ctx, r.Connection.ID, from, to) {
			if err != nil {
				return err
			}
			if err := writeLine(w, RecordOf(&e)); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		return err
	}
	words, err := r.Chain(ctx)
	if err != nil {
		words = append(words, "NOT VERIFIED: "+err.Error())
	}
	return b.bytes("audit.txt", []byte(strings.Join(words, "\n")+"\n"))
}

// Chain verifies the audit trail of the whole database and says so in words; the
// error is what is broken.
func (r *Reports) Chain(ctx context.Context) ([]string, error) {
	if err := r.Source.VerifyAudit(ctx); err != nil {
		return nil, err
	}
	seq, hash, err := r.Source.AuditHead(ctx)
	if err != nil {
		return nil, err
	}
	return []string{
		fmt.Sprintf("The audit trail of this database has %d entries. Each hash was computed again and follows the one before it.", seq),
		"The last hash is " + hash + ". Kept somewhere else, it proves later that the trail was not rewritten.",
	}, nil
}

// JSON is the record as one line.
func (a AuditRecord) JSON() ([]byte, error) { return json.Marshal(a) }
