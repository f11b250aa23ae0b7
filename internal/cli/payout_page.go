package cli

import (
	"cmp"
	"fmt"
	"io"
	"strconv"
	"strings"
	"time"

	"kvitt/internal/cli/table"
	"kvitt/internal/held"
	"kvitt/internal/operate"
	"kvitt/internal/settlement"
	"kvitt/internal/voucher"
)

// page writes a payout section by section; the first error ends it.
type page struct {
	w     io.Writer
	paint painter
	err   error
}

func (p *page) write(t *table.Table) {
	if p.err == nil {
		p.err = t.Write(p.w)
	}
}

func (p *page) heading(words string) {
	if p.err == nil {
		_, p.err = fmt.Fprintf(p.w, "\n%s\n", p.paint.bold(p.paint.says(words)))
	}
}

func (p *page) line(format string, args ...any) {
	if p.err == nil {
		_, p.err = fmt.Fprintln(p.w, table.Fold(fmt.Sprintf(format, args...), width(p.w), 0))
	}
}

// writePayout writes everything that an accountant wants to see of a payout.
func writePayout(w io.Writer, d *payoutDetail, zone *time.Location, paint painter) error {
	p := &page{w: w, paint: paint}
	p.facts(d, zone)
	p.held(d)
	p.warnings(d)
	p.reversal(d)
	p.waysOut(d)
	p.decisions(d)
	p.totals(d)
	p.proof(d)
	p.voucher(d)
	p.posting(d)
	p.drift(d)
	p.revisions(d)
	p.documents(d)
	p.history(d)
	return p.err
}

func (p *page) facts(d *payoutDetail, zone *time.Location) {
	t := table.New(table.Left(""), table.Left(""))
	t.Add("payout", d.PaymentReference)
	date := day(d.PayoutDate, zone)
	if !d.PayoutDate.IsZero() {
		date += " (" + moment(d.PayoutDate) + ")"
	}
	t.Add("date", date)
	t.Add("merchant", d.MerchantID)
	t.Add("settlement", fmt.Sprintf("%s %s, %s", money(d.Settlement, d.Currency), d.Currency, d.SettlementType))
	t.Add("rows", strconv.FormatInt(d.Rows, 10))
	if words := d.brief.differenceCell(); words != "" {
		t.Add("difference", words)
	}
	state := paintState(p.paint, d.State)
	if d.Posting != nil && d.Posting.BatchNumber != "" {
		state += ", batch " + d.Posting.BatchNumber
	}
	if d.BookedElsewhere != "" {
		state += ", booked elsewhere in batch " + d.BookedElsewhere
	}
	t.Add("state", state)
	p.write(t)
}

func (p *page) held(d *payoutDetail) {
	if d.Held == nil {
		return
	}
	entry, _ := held.Look(d.Held.Code)
	p.heading("Held: " + string(d.Held.Code))
	p.line("%s", p.paint.says(entry.Sentence))
	if d.Held.Detail != "" && d.Held.Detail != entry.Sentence {
		p.line("%s", d.Held.Detail)
	}
	remedy := d.Held.Remedy
	if remedy == "" {
		remedy = entry.Remedy
	}
	p.line("→ %s", p.paint.says(remedy))
}

// warnings are what was borne with in Klarna's answers.
func (p *page) warnings(d *payoutDetail) {
	if len(d.Warnings) == 0 {
		return
	}
	p.heading("Warnings: what was borne with in Klarna's answers")
	t := table.New(table.Left("member"), table.Right("times"), table.Left("the first one"))
	t.Width = width(p.w)
	for _, w := range d.Warnings {
		t.Add(w.Member, strconv.FormatInt(w.Count, 10), w.Problem)
	}
	p.write(t)
	p.line("None of them carries money or tells whose it is. The answers are archived as received.")
}

// reversal tells that a reversal is held; the payout keeps its state meanwhile.
func (p *page) reversal(d *payoutDetail) {
	if d.Reversal == nil {
		return
	}
	p.heading("Its reversal is held: " + d.Reversal.HeldReason)
	p.line("Since %s: %s", moment(d.Reversal.Since), d.Reversal.Detail)
	p.line("→ %s", d.Reversal.Remedy)
	p.line("`starter payout retry` makes it look again; `starter payout reject` withdraws it, until it was sent.")
}

// totals are Klarna's own sums, as it gives them; those that are zero are left
// out.
func (p *page) totals(d *payoutDetail) {
	if d.Totals == nil {
		return
	}
	p.heading("Klarna's totals")
	t := table.New(table.Left(""), table.Right(""))
	for _, total := range settlement.EveryTotal() {
		if amount := d.Totals[total]; amount != 0 || total == settlement.TotalSettlement {
			t.Add(total.Words(), money(amount, d.Currency))
		}
	}
	p.write(t)
}

func (p *page) proof(d *payoutDetail) {
	if d.Proof == nil || d.Proof.Proof == nil {
		return
	}
	p.heading("Proof: rows = totals = settlement")
	t := table.New(table.Left("component"), table.Optional("country"), table.Optional("reference"), table.Right("rows"), table.Right("amount"), table.Optional("VAT rate"), table.Right("VAT"), table.Right("effect"))
	for _, c := range d.Proof.Components {
		effect := d.Proof.Effect(c)
		words := money(effect.Amount, d.Currency)
		if effect.Outside {
			words = "(billed apart)"
		}
		rate := ""
		if c.VATRate != 0 {
			rate = voucher.Percent(c.VATRate) + " %"
		}
		t.Add(strings.TrimSuffix(c.Pair(), "/"), c.Country, c.Reference, strconv.FormatInt(c.Rows, 10), money(c.Amount, d.Currency), rate, money(c.VAT, d.Currency), words)
	}
	p.write(t)
	p.heading("Settlement formula")
	t = table.New(table.Left(""), table.Right(""), table.Left(""))
	for _, term := range d.Formula {
		note := ""
		if !term.Counted {
			note = "not counted"
		}
		t.Add(term.Name, money(int64(term.Sign)*term.Amount, d.Currency), note)
	}
	t.Add("= settlement", money(d.Settlement, d.Currency))
	p.write(t)
	if words := readings(d.Proof.Proof); words != "" {
		p.line("Readings that the proof needed: %s.", words)
	}
	if before := d.Proof.Previous; before != nil {
		p.line("The debt continues from the payout %s, which left %s.", before.PaymentReference, money(before.Closing, d.Currency))
	}
	if kept := d.Proof.Evidence; kept.Parts > 0 {
		p.line("It rests on %s, %d bytes, SHA-256 %s.", counted(kept.Parts, "archived answer"), kept.Size, kept.Digest)
	}
}

func (p *page) voucher(d *payoutDetail) {
	if d.Voucher == nil {
		return
	}
	v := d.Voucher
	p.heading(fmt.Sprintf("Voucher of %s, profile version %d", v.Date, d.ProfileVersion))
	p.line("%s", v.Description)
	p.lines(v)
	for i := range v.Earlier {
		p.part(&v.Earlier[i], d.Earlier)
	}
	p.line("Hash %s.", d.VoucherHash)
}

// part writes what is booked in a period that ended before the payout.
func (p *page) part(part *voucher.Part, posted []operate.Part) {
	if part.Batch == nil {
		p.line("Nothing is booked in the period %s of what was captured by %s: %s.", part.Period, part.At, part.Why)
		return
	}
	p.heading(fmt.Sprintf("In the earlier period %s, taken back on the first day of the next", part.Period))
	p.line("%s", part.Batch.Description)
	p.lines(part.Batch)
	for i := range posted {
		if posted[i].At == part.At {
			p.line("Batch %s, %s.", cmp.Or(posted[i].BatchNumber, "unknown yet"), posted[i].State)
		}
	}
}

func (p *page) lines(v *voucher.Voucher) {
	currency := string(v.Currency)
	t := table.New(table.Left("account"), table.Optional("subaccount"), table.Left("text"), table.Right("debit"), table.Right("credit"), table.Optional("VAT code"), table.Left("role"))
	for i := range v.Lines {
		l := &v.Lines[i]
		t.Add(l.Account, segments(l.Subaccount), l.Text, side(l.Debit, currency), side(l.Credit, currency), l.VATCode, string(l.Role))
	}
	debit, credit := v.Total()
	t.Add("", "", "sum", money(debit, currency), money(credit, currency))
	p.write(t)
}

// side is one side of a line; the other one stays empty.
func side(minor int64, currency string) string {
	if minor == 0 {
		return ""
	}
	return money(minor, currency)
}

func segments(all []voucher.Segment) string {
	var values []string
	for _, s := range all {
		values = append(values, s.Value)
	}
	return strings.Join(values, "-")
}

func (p *page) posting(d *payoutDetail) {
	if d.Posting == nil {
		return
	}
	q := d.Posting
	p.heading("Posting")
	t := table.New(table.Left(""), table.Left(""))
	t.Add("company", q.Company)
	t.Add("token", q.Token)
	t.Add("period", q.Period)
	t.Add("mode", q.Mode)
	t.Add("state", q.State)
	batch := q.BatchNumber
	if q.Adopted {
		batch += " (adopted: it was in Visma.net already)"
	}
	t.Add("batch", batch)
	p.write(t)
	if len(q.Attempts) == 0 {
		return
	}
	p.line("")
	t = table.New(table.Left("at"), table.Left("action"), table.Left("outcome"), table.Left("request"))
	for _, a := range q.Attempts {
		t.Add(moment(a.At), a.Action, a.Outcome, a.RequestID)
	}
	p.write(t)
}

// revisions shows which batch takes which one back.
func (p *page) revisions(d *payoutDetail) {
	if len(d.Revisions) == 0 {
		return
	}
	p.heading("Revisions")
	t := table.New(table.Right("revision"), table.Left("batch"), table.Left("reverses"), table.Left("state"))
	for _, r := range d.Revisions {
		t.Add(strconv.Itoa(r.Revision), r.BatchNumber, r.Reverses, r.State)
	}
	p.write(t)
}

func (p *page) documents(d *payoutDetail) {
	if len(d.Documents) == 0 {
		return
	}
	p.heading("Archived documents")
	t := table.New(table.Left("kind"), table.Right("parts"), table.Right("bytes"), table.Left("SHA-256"))
	for i := range d.Documents {
		t.Add(d.Documents[i].Kind, strconv.Itoa(d.Documents[i].Parts), strconv.FormatInt(d.Documents[i].Size, 10), d.Documents[i].digest())
	}
	p.write(t)
}

// history is who did what with the payout, oldest first.
func (p *page) history(d *payoutDetail) {
	if len(d.History) == 0 {
		return
	}
	p.heading("History")
	t := table.New(table.Left(""), table.Left(""), table.Left(""))
	t.Width = width(p.w)
	for i := range d.History {
		h := &d.History[i]
		words := h.Action
		if h.Reason != "" {
			words += ": " + h.Reason
		}
		t.Add(moment(h.At), h.Who, words)
	}
	p.write(t)
}
