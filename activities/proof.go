package activities

import (
	"encoding/json"
	"fmt"
	"strconv"
	"strings"
	"time"

	"kvitt/internal/archive"
	"kvitt/internal/settlement"
	"kvitt/internal/store"
	"kvitt/internal/voucher"
)

// Proof is what is kept of a proof: the proof itself, and which bytes it
// rests on.
type Proof struct {
	*settlement.Proof
	Evidence archive.Kept `json:"evidence"`
}

// proofText is the proof as an auditor reads it: the components, the formula,
// the voucher, and the digest of the bytes it all rests on. Its figures are
// those that were proven.
func proofText(provider string, zone *time.Location, row *store.Payout, document *voucher.Voucher, papers ...paper) ([]byte, error) {
	var proof Proof
	if err := json.Unmarshal(row.Proof, &proof); err != nil {
		return nil, fmt.Errorf("read the proof of payout %s: %w", row.PaymentReference, err)
	}
	payout := &proof.Payout
	money := func(minor int64) string { return settlement.Format(minor, payout.Currency) }
	var b strings.Builder
	fmt.Fprintf(&b, "%s payout %s, merchant %s, %s, %s %s\n\n", provider, payout.PaymentReference, payout.MerchantID,
		payout.Date.In(zone).Format("2006-01-02 15:04 MST"), money(payout.Totals[settlement.TotalSettlement]), payout.Currency)
	fmt.Fprintf(&b, "%-52s %8s %16s %14s\n", "component", "rows", "amount", "VAT")
	for _, part := range proof.Components {
		fmt.Fprintf(&b, "%-52s %8d %16s %14s\n", strings.TrimRight(strings.TrimRight(part.Type+"/"+part.DetailedType+" "+part.Country, " ")+" "+part.Reference, " "), part.Rows, money(part.Amount), money(part.VAT))
		if part.Against != 0 || part.VATAgainst != 0 {
			fmt.Fprintf(&b, "%-52s %8s %16s %14s\n", "  of which with a minus sign", "", money(part.Against), money(part.VATAgainst))
		}
	}
	b.WriteString("\n" + provider + "'s settlement formula\n")
	for _, term := range proof.Terms() {
		sign, note := "+", ""
		if term.Sign < 0 {
			sign = "-"
		}
		if !term.Counted {
			note = "  (stands beside the settlement)"
		}
		fmt.Fprintf(&b, "  %s %-38s %16s%s\n", sign, term.Name, money(term.Amount), note)
	}
	fmt.Fprintf(&b, "  = %-38s %16s\n", "settlement", money(payout.Totals[settlement.TotalSettlement]))
	writeAccepted(&b, proof.Proof)
	writeVoucher(&b, document)
	for _, part := range document.Earlier {
		if part.Batch == nil {
			fmt.Fprintf(&b, "\nNothing is booked in the period %s of what was captured by %s: %s\n", part.Period, part.At, part.Why)
			continue
		}
		fmt.Fprintf(&b, "\nBooked in the earlier period %s as well, in a batch that Visma.net takes back on the first day of the next", part.Period)
		writeVoucher(&b, part.Batch)
	}
	fmt.Fprintf(&b, "\n%d rows in %d archived answers (%d bytes), SHA-256 %s\nVoucher hash %s, profile version %d\n",
		proof.Rows, proof.Evidence.Parts, proof.Evidence.Size, proof.Evidence.Digest, document.Hash(), row.ProfileVersion)
	writePapers(&b, provider, papers)
	return []byte(b.String()), nil
}

// writeAccepted says which differences a person accepted, and why. Of rows that
// are missing or left out, the difference is a number of rows.
func writeAccepted(b *strings.Builder, proof *settlement.Proof) {
	if len(proof.Accepted) == 0 {
		return
	}
	b.WriteString("\nDifferences that were accepted\n")
	for _, a := range proof.Accepted {
		difference := strconv.FormatInt(a.Difference, 10) + " rows"
		if !a.CountsRows() {
			difference = settlement.Format(a.Difference, proof.Payout.Currency)
		}
		where := ""
		if a.Account != "" {
			where = ", on account " + a.Account
		}
		fmt.Fprintf(b, "  %-40s %16s  %s%s: %s\n", a.Component, difference, a.Code, where, a.Reason)
	}
}

// writePapers says what the provider's reports are, so that whoever has one can tell
// with sha256sum whether it is the one that was received.
func writePapers(b *strings.Builder, provider string, papers []paper) {
	b.WriteString("\n" + provider + "'s reports, archived as received\n")
	for _, p := range papers {
		if p.whole.Parts > 0 {
			fmt.Fprintf(b, "  %-40s %12d bytes  SHA-256 %s\n", p.name, p.whole.Size, p.whole.SHA256)
		}
		if p.note != "" {
			fmt.Fprintf(b, "  %s\n", p.note)
		}
	}
}

func writeVoucher(b *strings.Builder, v *voucher.Voucher) {
	money := func(minor int64) string { return settlement.Format(minor, v.Currency) }
	fmt.Fprintf(b, "\nVoucher %s of %s\n", v.Token, v.Date)
	for i := range v.Lines {
		l := &v.Lines[i]
		fmt.Fprintf(b, "  %-10s %-60s %16s %16s\n", l.Account, l.Text, money(l.Debit), money(l.Credit))
	}
	debit, credit := v.Total()
	fmt.Fprintf(b, "  %-71s %16s %16s\n", "sum", money(debit), money(credit))
}
