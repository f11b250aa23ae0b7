package cli

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"kvitt/activities"
	"kvitt/internal/archive"
	"kvitt/internal/klarna"
	"kvitt/internal/operate"
	"kvitt/internal/posting"
	"kvitt/internal/settlement"
	"kvitt/internal/store"
	"kvitt/internal/voucher"
	"kvitt/workflows"
)

// payoutDetail is all that is known of a payout, for programs. Amounts are
// minor units of its currency.
type payoutDetail struct {
	Connection       string             `json:"connection"`
	PaymentReference string             `json:"payment_reference"`
	MerchantID       string             `json:"merchant_id"`
	PayoutDate       time.Time          `json:"payout_date,omitzero"` // absent when it cannot be read
	SettlementType   string             `json:"settlement_type"`
	Currency         string             `json:"currency"`
	Settlement       int64              `json:"settlement_amount"`
	State            string             `json:"state"`
	Difference       int64              `json:"difference"`
	Rows             int64              `json:"rows"`
	ProfileVersion   int                `json:"profile_version"`
	Held             *workflows.Held    `json:"held,omitempty"`
	Warnings         klarna.Warnings    `json:"warnings,omitempty"` // what was borne with in Klarna's answers
	Reversal         *operate.Reversal  `json:"reversal,omitempty"` // while a reversal of it is held
	Totals           *settlement.Totals `json:"totals,omitempty"`
	Proof            *activities.Proof  `json:"proof,omitempty"`
	Formula          []settlement.Term  `json:"formula,omitempty"`
	Voucher          *voucher.Voucher   `json:"voucher,omitempty"`
	VoucherHash      string             `json:"voucher_hash,omitempty"`
	Posting          *postingDetail     `json:"posting,omitempty"`
	Earlier          []operate.Part     `json:"earlier,omitempty"`   // what of it is posted in earlier periods
	Revisions        []revisionDetail   `json:"revisions,omitempty"` // where there is more than one posting, oldest first
	Decisions        []decisionDetail   `json:"decisions,omitempty"` // what people decided about it, oldest first
	Ways             []operate.WayOut   `json:"ways,omitempty"`      // what a person can do while it waits
	BookedElsewhere  string             `json:"booked_elsewhere,omitempty"`
	Documents        []documentDetail   `json:"documents"`
	History          []historyDetail    `json:"history"` // oldest first

	brief ReportedPayout
}

// postingDetail is the intent to post, and what was tried for it.
type postingDetail struct {
	Company     string          `json:"company"`
	Token       string          `json:"token"`
	Revision    int             `json:"revision"`
	Period      string          `json:"period"` // YYYYPP
	Mode        string          `json:"mode"`
	State       string          `json:"state"`
	BatchNumber string          `json:"batch_number"`
	JobID       string          `json:"job_id"`
	Adopted     bool            `json:"adopted"`
	Attempts    []attemptDetail `json:"attempts"`
	Drift       *driftDetail    `json:"drift,omitempty"` // what the last daily check found
}

// driftDetail holds what Visma.net has of a batch since it was posted, beside
// what was posted.
type driftDetail struct {
	Word        string         `json:"word"`
	Since       time.Time      `json:"since"`
	CheckedAt   time.Time      `json:"checked_at"`
	Differences []string       `json:"differences,omitempty"`
	Posted      *posting.Sheet `json:"posted"`
	Found       *posting.Sheet `json:"found"` // null when Visma.net has none
}

// revisionDetail is one of several postings of a payout: those that book it, and
// between them those that take it back.
type revisionDetail struct {
	Revision    int    `json:"revision"`
	State       string `json:"state"`
	BatchNumber string `json:"batch_number"`
	Reverses    string `json:"reverses,omitempty"` // the batch that this one takes back
}

type attemptDetail struct {
	At        time.Time `json:"at"`
	Action    string    `json:"action"`
	Outcome   string    `json:"outcome"`
	Status    int       `json:"status,omitempty"`
	RequestID string    `json:"request_id,omitempty"`
}

// documentDetail is one kind of archived documents. SHA256 is that of the only
// part, or the evidence's digest over all parts where there is one.
type documentDetail struct {
	Kind   string   `json:"kind"`
	Parts  int      `json:"parts"`
	Size   int64    `json:"size"`
	SHA256 []string `json:"sha256"` // of each part, in order
	// Whole is the SHA-256 of all parts as one, where they are one document.
	Whole string `json:"whole_sha256,omitempty"`
}

// historyDetail is an entry of the audit trail about the payout.
type historyDetail struct {
	At     time.Time `json:"at"`
	Who    string    `json:"who"`              // "kvitt" when nobody asked for it
	Action string    `json:"action"`           // "held", "approve"
	Reason string    `json:"reason,omitempty"` // a person's words, or the code of what holds it
}

func (a *app) payoutShowCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "show ID REF",
		Short: "Show everything about a payout: proof, voucher, posting, documents",
		Example: `  starter payout show k3x9-m2qp XISA93DJ
  starter payout show k3x9-m2qp XISA93DJ --output json`,
		Args: exactly("the id of a connection", "a payment reference"),
		RunE: a.local(func(ctx context.Context, s *session, args []string) error {
			if _, err := s.connection(ctx, args[0]); err != nil {
				return err
			}
			p, err := s.payout(ctx, args[0], args[1])
			if err != nil {
				return err
			}
			zone, err := s.zone(ctx, args[0])
			if err != nil {
				return err
			}
			d, err := s.detail(ctx, &p)
			if err != nil {
				return err
			}
			return s.show(d, func(w io.Writer) error { return writePayout(w, d, zone, s.paint) })
		}),
	}
}

// detail gathers what is known of a payout.
func (s *session) detail(ctx context.Context, p *store.Payout) (*payoutDetail, error) {
	e, brief := heldOf(p), reported(p)
	d := &payoutDetail{
		Connection: p.ConnectionID, PaymentReference: p.PaymentReference, MerchantID: p.MerchantID, PayoutDate: p.Date,
		SettlementType: p.SettlementType, Currency: p.Currency, Settlement: p.Settlement, State: p.State,
		Difference: brief.Difference, Rows: p.Rows, ProfileVersion: p.ProfileVersion, VoucherHash: p.VoucherHash, brief: brief,
	}
	if p.HeldReason != "" {
		d.Held = &e.Held
	}
	var reported settlement.Payout
	for _, part := range []struct {
		what     string
		document json.RawMessage
		into     any
	}{
		{"figures", p.Payout, &reported}, {"proof", p.Proof, &d.Proof}, {"voucher", p.Voucher, &d.Voucher}, {"warnings", p.Warnings, &d.Warnings},
	} {
		if len(part.document) == 0 {
			continue
		}
		if err := json.Unmarshal(part.document, part.into); err != nil {
			return nil, fmt.Errorf("read the recorded %s of the payout %s: %w", part.what, p.PaymentReference, err)
		}
	}
	if len(p.Payout) > 0 {
		d.Totals = &reported.Totals
	}
	if d.Proof != nil && d.Proof.Proof != nil {
		d.Formula = d.Proof.Terms()
	}
	var err error
	if d.Posting, err = s.posting(ctx, p); err != nil {
		return nil, err
	}
	if d.Earlier, err = s.desk().Parts(ctx, p.ConnectionID, p.PaymentReference); err != nil {
		return nil, err
	}
	reversals, err := s.desk().HeldReversals(ctx, p.ConnectionID)
	if err != nil {
		return nil, err
	}
	d.Reversal = reversals[p.PaymentReference]
	if d.Decisions, err = s.decisions(ctx, p); err != nil {
		return nil, err
	}
	d.BookedElsewhere = d.elsewhere()
	if d.Ways, err = s.desk().WaysOut(ctx, p); err != nil {
		return nil, err
	}
	if d.Revisions, err = s.revisions(ctx, p); err != nil {
		return nil, err
	}
	if d.Documents, err = s.documents(ctx, p); err != nil {
		return nil, err
	}
	d.History, err = s.history(ctx, p)
	return d, err
}

// history returns what the audit trail tells about a payout.
func (s *session) history(ctx context.Context, p *store.Payout) ([]historyDetail, error) {
	trail, err := s.store.AuditTrail(ctx, p.ConnectionID, 0)
	if err != nil {
		return nil, err
	}
	all := []historyDetail{}
	for i := range slices.Backward(trail) {
		e := &trail[i]
		if e.Subject != "payout/"+p.PaymentReference {
			continue
		}
		var after struct {
			Reason string `json:"reason"`
			Code   string `json:"code"`
		}
		_ = json.Unmarshal(e.After, &after) // most actions have neither
		all = append(all, historyDetail{e.At, e.Who, strings.TrimPrefix(e.Action, "payout."), cmp.Or(after.Reason, after.Code)})
	}
	return all, nil
}

func (s *session) posting(ctx context.Context, p *store.Payout) (*postingDetail, error) {
	row, err := s.store.BookingOf(ctx, p.ConnectionID, p.PaymentReference, -1)
	if errors.Is(err, store.ErrNotFound) {
		return nil, nil //nolint:nilnil // nothing was meant to be posted yet
	}
	if err != nil {
		return nil, err
	}
	tried, err := s.store.Attempts(ctx, row.CompanyID, row.Token)
	if err != nil {
		return nil, err
	}
	d := &postingDetail{
		Company: row.CompanyID, Token: row.Token, Revision: row.Revision, Period: row.Period, Mode: row.Mode, State: row.State,
		BatchNumber: row.BatchNumber, JobID: row.JobID, Adopted: row.Adopted, Attempts: make([]attemptDetail, len(tried)),
	}
	for i := range tried {
		d.Attempts[i] = attemptDetail{tried[i].At, tried[i].Action, tried[i].Outcome, tried[i].Status, tried[i].RequestID}
	}
	d.Drift, err = s.drift(ctx, &row)
	return d, err
}

// revisions are the postings of a payout that was reversed.
func (s *session) revisions(ctx context.Context, p *store.Payout) ([]revisionDetail, error) {
	rows, err := s.store.Bookings(ctx, p.ConnectionID, p.PaymentReference, store.KindPayout, store.KindReversal)
	if err != nil || len(rows) < 2 {
		return nil, err
	}
	all := make([]revisionDetail, len(rows))
	for i := range rows {
		var v voucher.Voucher
		if err := json.Unmarshal(rows[i].Voucher, &v); err != nil {
			return nil, fmt.Errorf("read the posted voucher of the payout %s: %w", p.PaymentReference, err)
		}
		all[i] = revisionDetail{rows[i].Revision, rows[i].State, rows[i].BatchNumber, v.Reverses}
	}
	return all, nil
}

// documents lists what is archived of a payout, kind by kind.
func (s *session) documents(ctx context.Context, p *store.Payout) ([]documentDetail, error) {
	all := []documentDetail{}
	for _, kind := range archive.KindsUpTo(p.Revision + 1) {
		d := documentDetail{Kind: kind}
		for part, err := range s.store.Documents(ctx, p.ConnectionID, p.PaymentReference, kind) {
			if err != nil {
				return nil, err
			}
			d.Parts++
			d.Size += part.Size
			d.SHA256 = append(d.SHA256, part.SHA256)
		}
		if d.Parts == 0 {
			continue
		}
		if archive.InParts(kind) {
			whole, err := archive.Measure(ctx, s.store, p.ConnectionID, p.PaymentReference, kind)
			if err != nil {
				return nil, err
			}
			d.Whole = whole.SHA256
		}
		all = append(all, d)
	}
	return all, nil
}

// digest returns what a person compares: the hash of the document, or the first of
// several.
func (d *documentDetail) digest() string {
	switch {
	case d.Whole != "":
		return d.Whole
	case d.Parts == 1:
		return d.SHA256[0]
	}
	return d.SHA256[0] + fmt.Sprintf(" and %s", counted(d.Parts-1, "more part"))
}

// readings are the readings of Klarna's figures that the proof needed.
func readings(p *settlement.Proof) string {
	return strings.ReplaceAll(strings.Join(p.Variants, ", "), "_", " ")
}
