package cli

import (
	"context"
	"fmt"
	"io"
	"strings"

	"kvitt/internal/cli/table"
	"kvitt/internal/operate"
	"kvitt/internal/store"
	"kvitt/workflows"
)

// accrualChoice is a decision about an accrual that is held.
type accrualChoice struct{ batch, undo, currency, reason string }

func (c *accrualChoice) asked() bool { return c.batch != "" || c.undo != "" }

func (c *accrualChoice) complete() error {
	switch {
	case c.batch != "" && c.undo != "":
		return usagef("--accept-batch and --undo-decision are one at a time")
	case c.currency == "":
		return usagef("--currency is required: the accrual's, as `starter accrue ID --list` shows it")
	case c.reason == "":
		return usagef("--reason is required")
	}
	return nil
}

// accrualTaken answers a decision about an accrual.
type accrualTaken struct {
	Number      string   `json:"decision"`
	Kind        string   `json:"kind"`
	State       string   `json:"state"`
	Differences []string `json:"differences,omitempty"`
	Second      bool     `json:"needs_second_person,omitempty"`
}

func (s *session) decideAccrual(ctx context.Context, id, at string, c *accrualChoice) error {
	if _, err := s.connection(ctx, id); err != nil {
		return err
	}
	name := (&workflows.AccrualInput{At: at, Currency: strings.ToUpper(c.currency)}).Name()
	if err := s.staffed(ctx, "decide about the "+name); err != nil {
		return err
	}
	by := workflows.Person{Who: s.who, Reason: c.reason}
	var got operate.Decided
	var err error
	if c.batch != "" {
		got, err = s.desk().TakeBatch(ctx, id, store.KindAccrual, name, c.batch, by, operate.DecisionWithin)
	} else {
		got, err = s.desk().UndoBatch(ctx, id, store.KindAccrual, name, c.undo, by, operate.DecisionWithin)
	}
	if err != nil {
		return err
	}
	out := accrualTaken{operate.NumberOf(&got.Decision), got.Decision.Kind, got.State, got.Differences, got.Second}
	if err := s.show(out, func(w io.Writer) error { return writeAccrualTaken(w, name, &out, got.Asleep) }); err != nil {
		return err
	}
	if got.State == workflows.StateHeld {
		return errHeld
	}
	return nil
}

func writeAccrualTaken(w io.Writer, name string, t *accrualTaken, asleep bool) error {
	words := "Decision " + t.Number + " is recorded."
	switch {
	case t.Second:
		words += " This connection wants a second pair of eyes: somebody else has to decide the same before it acts."
	case asleep:
		words += " Nothing runs for the " + name + " now; ask for it again with `starter accrue`."
	default:
		words += fmt.Sprintf(" The %s is %s.", name, t.State)
	}
	words = strings.Join(append([]string{words}, t.Differences...), "\n  ")
	_, err := fmt.Fprintln(w, table.Fold(words, width(w), 0))
	return err
}
