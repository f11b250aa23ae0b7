package cli

import (
	"context"
	"fmt"
	"io"
	"strconv"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"kvitt/internal/cli/table"
	choices "kvitt/internal/decision"
	"kvitt/internal/operate"
	"kvitt/internal/store"
	"kvitt/workflows"
)

// choosing is a command that takes a decision about a held payout.
type choosing struct {
	operate.Choice
	difference string
	needs      []string // flags that have to be given
}

func (a *app) decisionCommands() []*cobra.Command {
	return []*cobra.Command{
		a.acceptCommand(), a.elsewhereCommand(), a.unrelatedCommand(), a.acceptBatchCommand(), a.keepCommand(), a.undoDecisionCommand(),
	}
}

func (a *app) acceptCommand() *cobra.Command {
	in := &choosing{Choice: operate.Choice{Kind: store.DecidedAccept}, needs: []string{"difference", "reason"}}
	c := a.choose(in, "accept", "Accept the difference that a payout is held for",
		"Accept a difference in Klarna's report exactly as it is: the component and the\namount that `starter payout show` names. It is booked on --account, in a line of\nits own; with --booked the books have it already. The payout is then proven anew.")
	c.Example += ` --component fee --difference=0.01 --account 6992 --reason "rounding, confirmed by Klarna"`
	f := c.Flags()
	f.StringVar(&in.Component, "component", "", "the `COMPONENT` that differs")
	f.StringVar(&in.difference, "difference", "", "the `DIFFERENCE`, as it is shown (required)")
	f.StringVar(&in.Account, "account", "", "the `ACCOUNT` on which it is booked")
	f.BoolVar(&in.Booked, "booked", false, "the books have it already")
	return c
}

func (a *app) elsewhereCommand() *cobra.Command {
	in := &choosing{Choice: operate.Choice{Kind: store.DecidedElsewhere}, needs: []string{"batch", "reason"}}
	c := a.choose(in, "booked-elsewhere", "Close a payout that another batch books",
		"Name the batch in Visma.net that books a payout already. Kvitt reads it and compares\nits currency, date, reference and amount with the payout; what differs is shown, and\n--anyway states it all the same. The payout is closed, and nothing is posted.")
	c.Example += ` --batch 000123 --reason "booked by hand in March"`
	c.Flags().StringVar(&in.Batch, "batch", "", "the number of the `BATCH` (required)")
	c.Flags().BoolVar(&in.Anyway, "anyway", false, "state it although something differs")
	return c
}

func (a *app) unrelatedCommand() *cobra.Command {
	in := &choosing{Choice: operate.Choice{Kind: store.DecidedUnrelated}, needs: []string{"batch", "reason"}}
	c := a.choose(in, "unrelated", "Post a payout although another batch carries its reference",
		"Say that a batch does not book a payout, although it carries the payment reference.\nThe payout is then posted.")
	c.Example += ` --batch 000123 --reason "the bank's own line"`
	c.Flags().StringVar(&in.Batch, "batch", "", "the number of the `BATCH` (required)")
	return c
}

func (a *app) acceptBatchCommand() *cobra.Command {
	in := &choosing{Choice: operate.Choice{Kind: store.DecidedBatch}, needs: []string{"batch", "reason"}}
	c := a.choose(in, "accept-batch", "Take a batch as the payout's own, as it is in Visma.net",
		"Take a batch in Visma.net as that of a payout, exactly as it is now: one that differs\nfrom the voucher, one of several, or the one that an unknown outcome has led to. What\ndiffers is kept line by line; any further change stops the payout again. Nothing is\nsent again. For a reversal that is held it is the batch of the reversal.")
	c.Example += ` --batch 000123 --reason "the accountant moved the fee"`
	c.Flags().StringVar(&in.Batch, "batch", "", "the number of the `BATCH` (required)")
	return c
}

func (a *app) keepCommand() *cobra.Command {
	in := &choosing{Choice: operate.Choice{Kind: store.DecidedKeep}, needs: []string{"reason"}}
	c := a.choose(in, "keep", "Keep what was posted, although Klarna's figures have changed",
		"Keep what was posted of a payout, although Klarna's figures have changed since. The\nreports show the difference. If Klarna's figures change once more, the payout is held\nonce more.")
	c.Example += ` --reason "corrected in the next payout"`
	return c
}

func (a *app) choose(in *choosing, verb, short, long string) *cobra.Command {
	c := &cobra.Command{
		Use: verb + " ID REF", Short: short, Long: long,
		Example: "  starter payout " + verb + " k3x9-m2qp XISA93DJ",
		Args:    exactly("the id of a connection", "a payment reference"),
	}
	c.Flags().StringVar(&in.Reason, "reason", "", "the `REASON`, for the audit trail (required)")
	c.RunE = func(c *cobra.Command, args []string) error {
		for _, flag := range in.needs {
			if c.Flags().Lookup(flag).Value.String() == "" {
				return usagef("--%s is required", flag)
			}
		}
		if in.Kind == store.DecidedAccept && (in.Account != "") == in.Booked {
			return usagef("either --account or --booked is required")
		}
		return a.remote(func(ctx context.Context, s *session, args []string) error { return s.choose(ctx, in, args[0], args[1]) })(c, args)
	}
	return c
}

func (s *session) choose(ctx context.Context, in *choosing, id, reference string) error {
	if _, err := s.connection(ctx, id); err != nil {
		return err
	}
	p, err := s.payout(ctx, id, reference)
	if err != nil {
		return err
	}
	if in.difference != "" {
		if in.Difference, err = operate.ParseDifference(in.difference, p.Currency, operate.HeldIn(p.Held).Acceptable); err != nil {
			return usagef("--difference is %q, which is no amount in %s: %v", in.difference, p.Currency, err)
		}
	}
	if err := s.staffed(ctx, "decide about the payout "+reference); err != nil {
		return err
	}
	in.Who = s.who
	got, err := s.desk().TakeDecision(ctx, &p, in.Choice, operate.DecisionWithin)
	if err != nil {
		return err
	}
	return s.showTaken(ctx, &p, got)
}

func (a *app) undoDecisionCommand() *cobra.Command {
	reason := ""
	c := &cobra.Command{
		Use: "undo-decision ID REF NUMBER", Short: "Take back a decision about a payout",
		Long:    "Take back a decision about a payout, by the number that `starter payout show` gives\nit. What is posted rests on it and can only be reversed.",
		Example: `  starter payout undo-decision k3x9-m2qp XISA93DJ 1 --reason "wrong account"`,
		Args:    exactly("the id of a connection", "a payment reference", "the number of a decision"),
		RunE: func(c *cobra.Command, args []string) error {
			if reason == "" {
				return usagef("--reason is required")
			}
			return a.remote(func(ctx context.Context, s *session, args []string) error {
				if _, err := s.connection(ctx, args[0]); err != nil {
					return err
				}
				p, err := s.payout(ctx, args[0], args[1])
				if err != nil {
					return err
				}
				got, err := s.desk().UndoDecision(ctx, &p, args[2], workflows.Person{Who: s.who, Reason: reason}, operate.DecisionWithin)
				if err != nil {
					return err
				}
				return s.showTaken(ctx, &p, got)
			})(c, args)
		},
	}
	c.Flags().StringVar(&reason, "reason", "", "the `REASON`, for the audit trail (required)")
	return c
}

// taken answers a decision: what is recorded, and where it led.
type taken struct {
	decided
	Number      string   `json:"decision"`
	Kind        string   `json:"kind"`
	Differences []string `json:"differences,omitempty"` // stated all the same
	Second      bool     `json:"needs_second_person,omitempty"`
	Waits       bool     `json:"waits_for_sync,omitempty"` // nothing runs for it now
}

func (s *session) showTaken(ctx context.Context, p *store.Payout, got operate.Decided) error {
	state := got.State
	if state == "" {
		state = p.State
	}
	after, err := s.payout(ctx, p.ConnectionID, p.PaymentReference)
	if err == nil && !got.Second && !got.Asleep {
		after, err = s.recorded(ctx, p.ConnectionID, p.PaymentReference, state)
	}
	if err != nil {
		return err
	}
	out := taken{
		decided{p.PaymentReference, after.State, after.HeldReason, after.BatchNumber},
		operate.NumberOf(&got.Decision), got.Decision.Kind, got.Differences, got.Second, got.Asleep,
	}
	if err := s.show(out, func(w io.Writer) error { return writeTaken(w, &after, &out, s.paint) }); err != nil {
		return err
	}
	if after.State == workflows.StateHeld || after.State == workflows.StateAwaitingApproval {
		return errHeld
	}
	return nil
}

func writeTaken(w io.Writer, p *store.Payout, t *taken, paint painter) error {
	words := "Decision " + t.Number + " is recorded."
	switch {
	case t.Second:
		words += " This connection wants a second pair of eyes: somebody else has to decide the same before it acts."
	case t.Waits:
		words += " Nothing runs for the payout now; the next sync acts on it."
	}
	words = strings.Join(append([]string{words}, t.Differences...), "\n  ")
	if _, err := fmt.Fprintln(w, table.Fold(words, width(w), 0)); err != nil || t.Second || t.Waits {
		return err
	}
	return writeDecided(w, p, &t.decided, paint)
}

// decisionDetail is a decision about a payout, for programs.
type decisionDetail struct {
	Number     string            `json:"number"`
	Kind       string            `json:"kind"`
	HeldReason string            `json:"held_reason"`
	Component  string            `json:"component,omitempty"`
	Difference int64             `json:"difference,omitempty"` // minor units, or a number of rows
	Account    string            `json:"account,omitempty"`
	Batch      string            `json:"batch_number,omitempty"`
	Evidence   *choices.Evidence `json:"evidence,omitempty"`
	Reason     string            `json:"reason"`
	Who        string            `json:"who"`
	At         time.Time         `json:"at"`
	InForce    bool              `json:"in_force"`
	UndoneBy   string            `json:"undone_by,omitempty"`
	UndoneAt   *time.Time        `json:"undone_at,omitempty"`
	UndoReason string            `json:"undo_reason,omitempty"`
}

func (s *session) decisions(ctx context.Context, p *store.Payout) ([]decisionDetail, error) {
	all, err := s.desk().DecisionsOn(ctx, p)
	if err != nil {
		return nil, err
	}
	var out []decisionDetail
	for i := range all {
		d := &all[i]
		one := decisionDetail{
			Number: operate.NumberOf(d), Kind: d.Kind, HeldReason: d.Code, Component: d.Component, Difference: d.Difference, Account: d.Account,
			Batch: d.BatchNumber, Reason: d.Reason, Who: d.Who, At: d.At, InForce: d.InForce(),
		}
		if e := choices.EvidenceOf(d); len(d.Evidence) > len("{}") {
			one.Evidence = &e
		}
		if d.Undone != nil {
			one.UndoneBy, one.UndoneAt, one.UndoReason = d.Undone.Who, &d.Undone.At, d.Undone.Reason
		}
		out = append(out, one)
	}
	return out, nil
}

// elsewhere is the batch of somebody else that books a payout which was closed
// for that.
func (d *payoutDetail) elsewhere() string {
	for i := range d.Decisions {
		if one := &d.Decisions[i]; one.InForce && one.Kind == store.DecidedElsewhere && d.State == workflows.StateRejected {
			return one.Batch
		}
	}
	return ""
}

// waysOut prints what a person can do, with commands that are ready.
func (p *page) waysOut(d *payoutDetail) {
	if len(d.Ways) == 0 {
		return
	}
	p.heading("What you can do")
	for i := range d.Ways {
		p.line("- %s", p.paint.says(d.Ways[i].Sentence))
		if d.Ways[i].Command != "" && p.err == nil {
			_, p.err = fmt.Fprintln(p.w, "    "+d.Ways[i].Command)
		}
	}
}

func (p *page) decisions(d *payoutDetail) {
	if len(d.Decisions) == 0 {
		return
	}
	p.heading("Decisions")
	t := table.New(table.Left("number"), table.Left("at"), table.Left("who"), table.Left("decision"), table.Optional("undone"))
	t.Width = width(p.w)
	for i := range d.Decisions {
		one := &d.Decisions[i]
		undone := ""
		if !one.InForce {
			undone = "by " + one.UndoneBy + ": " + one.UndoReason
		}
		t.Add(one.Number, moment(one.At), one.Who, one.words(d.Currency)+": "+one.Reason, undone)
	}
	p.write(t)
	for i := range d.Decisions {
		if e := d.Decisions[i].Evidence; e != nil {
			for _, difference := range e.Differences {
				p.line("Decision %s: %s.", d.Decisions[i].Number, difference)
			}
		}
	}
}

// words say what was decided, without why.
func (o *decisionDetail) words(currency string) string {
	words := strings.ReplaceAll(o.Kind, "_", " ")
	if o.Kind == store.DecidedAccept {
		amount := money(o.Difference, currency)
		if o.HeldReason == "rows_incomplete" || o.HeldReason == "rows_currency" {
			amount = strconv.FormatInt(o.Difference, 10) + " rows"
		}
		words += " " + strings.TrimSpace(o.Component+" "+amount)
		if o.Account != "" {
			return words + " on " + o.Account
		}
		return words + ", booked already"
	}
	if o.Batch != "" {
		words += " " + o.Batch
	}
	return words
}
