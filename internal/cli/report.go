package cli

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"
	"time"

	"kvitt/internal/cli/table"
	"kvitt/internal/held"
	"kvitt/internal/operate"
	"kvitt/internal/settlement"
	"kvitt/internal/store"
	"kvitt/internal/voucher"
	"kvitt/workflows"
)

// Report holds what a sync or a backfill came to. Its members are public: people
// script against them. Amounts are minor units.
type Report struct {
	Connection string            `json:"connection"`
	From       string            `json:"from"` // YYYY-MM-DD, both days included
	To         string            `json:"to"`
	DryRun     bool              `json:"dry_run"`
	Found      int               `json:"found"`
	Posted     int               `json:"posted"`  // became final in this run
	Adopted    int               `json:"adopted"` // of these: an earlier attempt had created the batch
	Held       int               `json:"held"`
	Skipped    int               `json:"skipped"` // already final
	Failed     int               `json:"failed"`
	Rows       int64             `json:"rows"`
	Amounts    map[string]Amount `json:"amounts"` // by currency
	Payouts    []ReportedPayout  `json:"payouts"` // every payout of the window, oldest first
}

// Amount holds what the payouts of one currency come to.
type Amount struct {
	Settlement int64 `json:"settlement"`
}

// ReportedPayout is a payout in a report.
type ReportedPayout struct {
	PaymentReference string `json:"payment_reference"`
	State            string `json:"state"`
	HeldReason       string `json:"held_reason"`  // "" when it is not held
	BatchNumber      string `json:"batch_number"` // "" when there is none
	Settlement       int64  `json:"settlement_amount"`
	Currency         string `json:"currency"`
	Difference       int64  `json:"difference"` // what is left unexplained; 0 for what proves

	date   time.Time
	detail string // the sentence with this payout's figures
	known  bool   // the difference is: there is a voucher, or evidence
}

// finished is a sync that has ended, with the window it was about.
type finished struct {
	connection string
	from, to   string
	window     workflows.Window
	zone       *time.Location
	dryRun     bool
	result     workflows.SyncResult
}

// report reads the payouts of the window. Those of a dry run are in its
// result, because it changes no state.
func (s *session) report(ctx context.Context, f *finished) (*Report, error) {
	rows, err := s.store.Payouts(ctx, store.PayoutFilter{Connection: f.connection, From: f.window.From, To: f.window.To})
	if err != nil {
		return nil, err
	}
	p := &f.result.Progress
	r := &Report{
		Connection: f.connection, From: f.from, To: f.to, DryRun: f.dryRun,
		Found: p.Found, Posted: p.Posted, Adopted: p.Adopted, Held: p.Held, Skipped: p.Skipped, Failed: p.Failed,
		Amounts: map[string]Amount{}, Payouts: make([]ReportedPayout, 0, len(rows)),
	}
	previewed := map[string]*workflows.Found{}
	for i := range f.result.Items {
		previewed[f.result.Items[i].PaymentReference] = &f.result.Items[i]
	}
	for i := range rows {
		one, rowCount := reported(&rows[i]), rows[i].Rows
		if seen := previewed[one.PaymentReference]; f.dryRun && seen != nil {
			one.State, one.HeldReason, one.Difference, one.detail = seen.State, seen.HeldReason, seen.Difference, seen.Words
			one.known = seen.State == workflows.StateCompiled || seen.Difference != 0
			rowCount = max(rowCount, seen.Rows)
		}
		r.Rows += rowCount
		sum := r.Amounts[one.Currency]
		sum.Settlement += one.Settlement
		r.Amounts[one.Currency] = sum
		r.Payouts = append(r.Payouts, one)
	}
	return r, nil
}

// reported is a payout as it stands in the database.
func reported(p *store.Payout) ReportedPayout {
	evidence := heldOf(p)
	compiled := p.HeldReason == "" || p.State == workflows.StateAwaitingApproval
	return ReportedPayout{
		PaymentReference: p.PaymentReference, State: p.State, HeldReason: p.HeldReason, BatchNumber: p.BatchNumber,
		Settlement: p.Settlement, Currency: p.Currency, Difference: difference(p, &evidence),
		date: p.Date, detail: evidence.Detail, known: evidence.Difference != 0 || compiled && len(p.Voucher) > 0,
	}
}

// differenceCell is the difference for people, empty while nobody knows it.
func (p *ReportedPayout) differenceCell() string {
	if !p.known {
		return ""
	}
	return money(p.Difference, p.Currency)
}

// evidence says why a payout is held, as it was recorded.
type evidence struct {
	workflows.Held
	Difference int64 `json:"difference"`
}

func heldOf(p *store.Payout) evidence {
	var e evidence
	if len(p.Held) > 0 {
		_ = json.Unmarshal(p.Held, &e) // what cannot be read is shown as it is by `payout show`
	}
	e.Detail = operate.Printable(e.Detail)
	return e
}

// difference returns what is left unexplained: of a held payout what its evidence
// says, of another one what its voucher's settlement lines (or the debt that a
// negative payout is carried as) come to against what Klarna paid out.
func difference(p *store.Payout, e *evidence) int64 {
	if p.HeldReason != "" && p.State != workflows.StateAwaitingApproval {
		return e.Difference
	}
	var v voucher.Voucher
	if len(p.Voucher) == 0 || json.Unmarshal(p.Voucher, &v) != nil {
		return 0
	}
	var booked, invoiced int64
	for i := range v.Lines {
		switch v.Lines[i].Role {
		case voucher.RoleSettlement, voucher.RoleCarried:
			booked += v.Lines[i].Debit - v.Lines[i].Credit
		case voucher.RoleInvoice:
			invoiced += v.Lines[i].Credit - v.Lines[i].Debit
		default:
		}
	}
	if settlement.SettlementType(p.SettlementType) == settlement.GrossFee {
		return v.Invoice - invoiced
	}
	return p.Settlement - booked
}

// conclude prints a report and turns it into an exit status.
func (s *session) conclude(ctx context.Context, f *finished) error {
	r, err := s.report(ctx, f)
	if err != nil {
		return err
	}
	err = s.show(r, func(w io.Writer) error { return writeReport(w, r, f.zone, s.paint) })
	if err != nil {
		return err
	}
	told, paint := s.Out, s.paint
	if s.json() { // a program reads the document, a person the rest
		told, paint = s.Err, s.aside
	}
	if err := writeConclusion(told, r, &f.result, paint); err != nil {
		return err
	}
	switch {
	case f.result.Outcome == workflows.OutcomeCancelled, r.Failed > 0:
		return errTold
	case r.Held > 0:
		return errHeld
	}
	return nil
}

func writeReport(w io.Writer, r *Report, zone *time.Location, paint painter) error {
	if len(r.Payouts) == 0 {
		return nil
	}
	t := table.New(table.Left("reference"), table.Left("date"), table.Left("state"), table.Left("batch"),
		table.Right("settlement"), table.Right("diff"))
	t.Paint = paintStates(paint)
	for i := range r.Payouts {
		p := &r.Payouts[i]
		t.Add(p.PaymentReference, day(p.date, zone), stateCell(p.State, p.HeldReason), p.BatchNumber,
			amount(p.Settlement, p.Currency), p.differenceCell())
	}
	t.Blank()
	for _, c := range slices.Sorted(maps.Keys(r.Amounts)) {
		n := 0
		for i := range r.Payouts {
			if r.Payouts[i].Currency == c {
				n++
			}
		}
		t.Add("total", "", counted(n, "payout"), "", amount(r.Amounts[c].Settlement, c))
	}
	if err := t.Write(w); err != nil {
		return err
	}
	_, err := fmt.Fprintln(w)
	return err
}

// stateCell is the state, and why it is held.
func stateCell(state, reason string) string {
	if reason != "" && state != workflows.StateAwaitingApproval {
		return heldFor + reason
	}
	return state
}

const heldFor = "held: "

// paintStates paints the third column of a list of payouts.
func paintStates(paint painter) table.Paint {
	return func(column int, text string) string {
		switch {
		case column != 2:
			return text
		case strings.HasPrefix(text, heldFor):
			return paint.bad(text)
		default:
			return paintState(paint, text)
		}
	}
}

// writeConclusion says in words what a run came to, and what helps with what
// is held.
func writeConclusion(w io.Writer, r *Report, result *workflows.SyncResult, paint painter) error {
	columns := width(w)
	if r.Found > 0 {
		words := fmt.Sprintf("%s with %s found: %d posted", counted(r.Found, "payout"), counted(r.Rows, "row"), r.Posted)
		if r.DryRun {
			words = fmt.Sprintf("%s with %s found, nothing posted because this is a dry run: %d would be", counted(r.Found, "payout"), counted(r.Rows, "row"), r.Found-r.Held-r.Skipped-r.Failed)
		}
		if r.Adopted > 0 {
			words += fmt.Sprintf(" (%d of them adopted: the batch was in Visma.net already)", r.Adopted)
		}
		words += fmt.Sprintf(", %d held, %d skipped as already final, %d failed", r.Held, r.Skipped, r.Failed)
		if left := r.Found - settled(&result.Progress); left > 0 && !r.DryRun {
			words += fmt.Sprintf(", %d not begun", left)
		}
		fmt.Fprintln(w, table.Fold(words+".", columns, 0))
	}
	if r.DryRun && r.Found > r.Skipped {
		fmt.Fprintln(w, table.Fold("The vouchers are kept: `starter payout preview "+r.Connection+" REFERENCE` shows one.", columns, 0))
	}
	outcome, colour := outcomeWords(r, result, paint)
	fmt.Fprintln(w, colour(table.Fold(paint.says(outcome), columns, 0)))
	return writeHeld(w, r.Payouts, paint)
}

func outcomeWords(r *Report, result *workflows.SyncResult, paint painter) (words string, colour func(string) string) {
	plain := func(words string) string { return words }
	switch result.Outcome {
	case workflows.OutcomeNothingDue:
		return "Klarna paid nothing out in these days, and nothing was due.", plain
	case workflows.OutcomeDueMissing:
		words = "A payout was due by the merchant's rhythm and is missing."
		if result.Reason != "" {
			words = operate.Finish(result.Reason)
		}
		return words + " Look in Klarna's Merchant Portal whether it was paid out.", paint.warn
	case workflows.OutcomeCancelled:
		return "It was stopped before it was done; what had been posted stays posted.", paint.bad
	case workflows.OutcomeFetched:
		if r.Held+r.Failed == 0 && r.DryRun {
			return "Everything that Klarna paid out in these days proves and can be posted.", paint.good
		}
		if r.Held+r.Failed == 0 {
			return "Everything that Klarna paid out in these days is accounted for.", paint.good
		}
		return "What Klarna paid out in these days was fetched; something of it is left to do.", plain
	default:
		return "Outcome: " + result.Outcome + ".", plain
	}
}

// writeHeld says for each reason once why payouts are held and what helps.
func writeHeld(w io.Writer, payouts []ReportedPayout, paint painter) error {
	byReason := map[string][]*ReportedPayout{}
	for i := range payouts {
		if reason := payouts[i].HeldReason; reason != "" {
			byReason[reason] = append(byReason[reason], &payouts[i])
		}
	}
	const most = 5
	for _, reason := range slices.Sorted(maps.Keys(byReason)) {
		entry, _ := held.Look(held.Code(reason))
		all := byReason[reason]
		head := table.Fold(fmt.Sprintf("%s, %s: %s", reason, counted(len(all), "payout"), paint.says(entry.Sentence)), width(w), 0)
		fmt.Fprintf(w, "\n%s\n", paint.bad(reason)+strings.TrimPrefix(head, reason))
		for i, p := range all {
			if i == most {
				fmt.Fprintf(w, "    … and %d more\n", len(all)-most)
				break
			}
			words := p.PaymentReference
			if p.detail != "" && p.detail != entry.Sentence {
				words += ": " + p.detail
			}
			fmt.Fprintf(w, "    %s\n", table.Fold(words, width(w), 4))
		}
		if _, err := fmt.Fprintf(w, "  → %s\n", table.Fold(paint.says(entry.Remedy), width(w), 4)); err != nil {
			return err
		}
	}
	return nil
}
