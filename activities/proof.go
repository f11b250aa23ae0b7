package activities

import (
	"encoding/json"
	"fmt"
	"strings"

	"kvitt/internal/archive"
	"kvitt/internal/settlement"
	"kvitt/internal/store"
	"kvitt/internal/voucher"
)

// Proof holds what is kept of a proof: the proof itself, and which bytes it
// rests on.
type Proof struct {
	*settlement.Proof
	Evidence archive.Kept `json:"evidence"`
}

// proof is the proof as an auditor reads it: the components, the formula,
// the voucher, and the digest of the bytes it all rests on. Its figures are
// those that were proven.
func (a attached) proof(row *store.Payout, document *voucher.Voucher, papers ...paper) ([]byte, error) {
	var proof Proof
	if err := json.Unmarshal(row.Proof, &proof); err != nil {
		return nil, fmt.Errorf("read the proof of payout %s: %w", row.PaymentReference, err)
	}
	payout := &proof.Payout
	money := func(minor int64) string { return a.money(minor, payout.Currency) }
	var b strings.Builder
	b.WriteString(a.say("%s payout %s, merchant %s, %s, %s %s", a.provider, payout.PaymentReference, payout.MerchantID,
		payout.Date.In(a.zone).Format("2006-01-02 15:04 MST"), money(payout.Totals[settlement.TotalSettlement]), payout.Currency) + "\n\n")
	fmt.Fprintf(&b, "%-52s %8s %16s %14s\n", a.say("component"), a.say("rows"), a.say("amount"), a.say("VAT"))
	for _, part := range proof.Components {
		fmt.Fprintf(&b, "%-52s %8s %16s %14s\n", strings.TrimRight(strings.TrimRight(part.Type+"/"+part.DetailedType+" "+part.Country, " ")+" "+part.Reference, " "), a.number(part.Rows), money(part.Amount), money(part.VAT))
		if part.Against != 0 || part.VATAgainst != 0 {
			fmt.Fprintf(&b, "%-52s %8s %16s %14s\n", "  "+a.say("of which with a minus sign"), "", money(part.Against), money(part.VATAgainst))
		}
	}
	b.WriteString("\n" + a.say("%s's settlement formula", a.provider) + "\n")
	for _, term := range proof.Terms() {
		sign, note := "+", ""
		if term.Sign < 0 {
			sign = "-"
		}
		if !term.Counted {
			note = "  (" + a.say("stands beside the settlement") + ")"
		}
		fmt.Fprintf(&b, "  %s %-38s %16s%s\n", sign, term.Name, money(term.Amount), note)
	}
	fmt.Fprintf(&b, "  = %-38s %16s\n", a.say("settlement"), money(payout.Totals[settlement.TotalSettlement]))
	a.writeAccepted(&b, proof.Proof)
	a.writeVoucher(&b, document)
	for _, part := range document.Earlier {
		if part.Batch == nil {
			b.WriteString("\n" + a.say("Nothing is booked in the period %s of what was captured by %s: %s", part.Period, part.At, a.other(part.Why)) + "\n")
			continue
		}
		b.WriteString("\n" + a.say("Booked in the earlier period %s as well, in a batch that Visma.net takes back on the first day of the next", part.Period))
		a.writeVoucher(&b, part.Batch)
	}
	b.WriteString("\n" + a.say("%s rows in %s archived answers (%s bytes), SHA-256 %s", a.number(proof.Rows), a.number(int64(proof.Evidence.Parts)),
		a.number(proof.Evidence.Size), proof.Evidence.Digest) + "\n" + a.say("Voucher hash %s, profile version %d", document.Hash(), row.ProfileVersion) + "\n")
	a.writePapers(&b, papers)
	return []byte(b.String()), nil
}

// writeAccepted says which differences a person accepted, and why. Of rows that
// are missing or left out, the difference is a number of rows.
func (a attached) writeAccepted(b *strings.Builder, proof *settlement.Proof) {
	if len(proof.Accepted) == 0 {
		return
	}
	b.WriteString("\n" + a.say("Differences that were accepted") + "\n")
	for _, d := range proof.Accepted {
		difference := a.say("%s rows", a.number(d.Difference))
		if !d.CountsRows() {
			difference = a.money(d.Difference, proof.Payout.Currency)
		}
		where := ""
		if d.Account != "" {
			where = ", " + a.say("on account %s", d.Account)
		}
		fmt.Fprintf(b, "  %-40s %16s  %s%s: %s\n", d.Component, difference, d.Code, where, d.Reason)
	}
}

// writePapers says what the provider's reports are, so that whoever has one can tell
// with sha256sum whether it is the one that was received.
func (a attached) writePapers(b *strings.Builder, papers []paper) {
	b.WriteString("\n" + a.say("%s's reports, archived as received", a.provider) + "\n")
	for _, p := range papers {
		if p.whole.Parts > 0 {
			fmt.Fprintf(b, "  %-40s %s  SHA-256 %s\n", p.name, a.say("%s bytes", fmt.Sprintf("%12s", a.number(p.whole.Size))), p.whole.SHA256)
		}
		if p.note != "" {
			fmt.Fprintf(b, "  %s\n", p.note)
		}
	}
}

func (a attached) writeVoucher(b *strings.Builder, v *voucher.Voucher) {
	money := func(minor int64) string { return a.money(minor, v.Currency) }
	b.WriteString("\n" + a.say("Voucher %s of %s", v.Token, v.Date) + "\n")
	for i := range v.Lines {
		l := &v.Lines[i]
		fmt.Fprintf(b, "  %-10s %-60s %16s %16s\n", l.Account, l.Text, money(l.Debit), money(l.Credit))
	}
	debit, credit := v.Total()
	fmt.Fprintf(b, "  %-71s %16s %16s\n", a.say("sum"), money(debit), money(credit))
}
