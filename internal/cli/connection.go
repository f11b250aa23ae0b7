package cli

import (
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"time"

	"github.com/spf13/cobra"

	"kvitt/internal/cli/table"
	"kvitt/internal/operate"
	"kvitt/internal/store"
	"kvitt/workflows"
)

func (a *app) connectionCommand() *cobra.Command {
	c := group(&cobra.Command{
		Use:   "connection",
		Short: "Connect a Klarna merchant with a Visma.net company",
		Long: `A connection is one Klarna merchant credential, one Visma.net company and one
posting profile.`,
	})
	c.AddCommand(
		a.createCommand(), a.listCommand(), a.showCommand(), a.klarnaKeyCommand(), a.authorizeCommand(),
		a.startCommand(), a.configureCommand(), a.pauseCommand(), a.resumeCommand(), a.disconnectCommand(),
	)
	return c
}

func (a *app) listCommand() *cobra.Command {
	return &cobra.Command{
		Use:     "list",
		Short:   "List the connections",
		Example: `  starter connection list`,
		Args:    exactly(),
		RunE: a.local(func(ctx context.Context, s *session, _ []string) error {
			rows, err := s.store.Connections(ctx)
			if err != nil {
				return err
			}
			all := make([]workflows.Status, len(rows))
			for i := range rows {
				if all[i], err = operate.StatusOf(&rows[i]); err != nil {
					return err
				}
			}
			return a.show(all, func(w io.Writer) error { return writeConnections(w, all, a.paint) })
		}),
	}
}

func writeConnections(w io.Writer, all []workflows.Status, paint painter) error {
	if len(all) == 0 {
		_, err := fmt.Fprintln(w, "There are no connections yet; `starter connection create` makes one.")
		return err
	}
	t := table.New(table.Left("id"), table.Left("name"), table.Left("state"), table.Left("klarna"), table.Left("visma.net"), table.Left("posting"), table.Left("start"))
	t.Paint = func(column int, text string) string {
		if column == 2 {
			return paintState(paint, text)
		}
		return text
	}
	for i := range all {
		t.Add(all[i].ID, all[i].Name, all[i].State, sideCell(&all[i].Klarna), sideCell(&all[i].Visma), all[i].Posting, all[i].Start)
	}
	return t.Write(w)
}

// sideCell is who a side is, or what is wrong with it.
func sideCell(s *workflows.Side) string {
	if s.State == workflows.SideConnected && s.Identity != "" {
		return s.Identity
	}
	return s.State
}

func paintState(paint painter, state string) string {
	switch state {
	case workflows.ConnActive, workflows.StateVerified, workflows.StatePosted, workflows.SideConnected:
		return paint.good(state)
	case workflows.ConnReauthRequired, workflows.StateHeld, "failed":
		return paint.bad(state)
	case workflows.ConnPaused, workflows.ConnSetup, workflows.ConnVerifying, workflows.StateAwaitingApproval, workflows.SideMissing:
		return paint.warn(state)
	default:
		return state
	}
}

// stateWords is the state of a connection in a sentence that begins with it.
func stateWords(state string) string {
	switch state {
	case workflows.ConnSetup, workflows.ConnVerifying:
		return "it is not set up yet"
	case workflows.ConnReauthRequired:
		return "one side no longer accepts Kvitt's credential"
	case workflows.ConnDisconnected:
		return "it is disconnected, which is final"
	default:
		return "it is " + state
	}
}

func (a *app) showCommand() *cobra.Command {
	return &cobra.Command{
		Use:     "show ID",
		Short:   "Show where a connection stands and what it needs",
		Example: `  starter connection show k3x9-m2qp`,
		Args:    exactly("the id of a connection"),
		RunE: a.local(func(ctx context.Context, s *session, args []string) error {
			row, err := s.connection(ctx, args[0])
			if err != nil {
				return err
			}
			now, err := s.statusNow(ctx, &row)
			if err != nil {
				return err
			}
			return s.showConnection(ctx, &now)
		}),
	}
}

// statusNow asks the connection's workflow how it stands. When nobody answers,
// it is what the database last heard, and a person is told so.
func (s *session) statusNow(ctx context.Context, row *store.Connection) (workflows.Status, error) {
	last, err := operate.StatusOf(row)
	if err != nil || row.State == workflows.ConnDisconnected {
		return last, err
	}
	why := ""
	if err = s.reach(ctx); err == nil {
		var now workflows.Status
		if now, err = operate.Ask(ctx, s.temporal, workflows.ConnectionStatus, workflows.ConnectionWorkflowID(row.ID)); err == nil {
			return now, nil
		}
	}
	switch {
	case ctx.Err() != nil:
		return last, ctx.Err()
	case errors.Is(err, operate.ErrNoAnswer):
		why = "no worker answers. " + operate.StartWorker
	case errors.Is(err, operate.ErrNotRunning):
		why = "its workflow is not in Temporal; `starter setup` starts it again."
	default:
		why = sentence(err)
	}
	s.say("%s This is what the database heard last, at %s: %s", s.aside.warn("Note:"), moment(row.UpdatedAt), why)
	return last, nil
}

// showConnection writes a connection, and what else there is to know of it.
func (s *session) showConnection(ctx context.Context, now *workflows.Status) error {
	return s.show(now, func(w io.Writer) error {
		last, err := s.store.LastSuccessfulSync(ctx, now.ID)
		if err != nil {
			return err
		}
		payouts, err := s.store.Payouts(ctx, store.PayoutFilter{Connection: now.ID})
		if err != nil {
			return err
		}
		return writeConnection(w, now, last, payouts, s.paint)
	})
}

func writeConnection(w io.Writer, now *workflows.Status, last *store.SyncRun, payouts []store.Payout, paint painter) error {
	t := table.New(table.Left(""), table.Left(""))
	t.Width = width(w)
	add := func(name, value string) {
		if value != "" {
			t.Add(name, value)
		}
	}
	add("connection", now.ID)
	add("name", now.Name)
	add("state", paintState(paint, now.State)+" since "+moment(now.Since))
	add("posting", fmt.Sprintf("%s, profile version %d, nothing before %s", now.Posting, now.ProfileVersion, now.Start))
	if now.FourEyes {
		add("approval", "by somebody else than the author of the profile")
	}
	if now.Every > 0 {
		add("syncs", "every "+span(now.Every))
	}
	add("last sync", lastSync(last))
	add("payouts", byState(payouts))
	t.Blank()
	addSide(t, now.Provider, &now.Klarna, paint)
	add("", joined("environment", now.Environment, "region", now.Region))
	t.Blank()
	addSide(t, "visma.net", &now.Visma, paint)
	add("", joined("base currency", now.BaseCurrency, "flow", now.Visma.Flow))
	if !now.Visma.Expires.IsZero() {
		add("", "the authorisation expires "+now.Visma.Expires.UTC().Format(time.DateOnly))
	}
	switch need := needs(now); {
	case need != "":
		t.Blank()
		add("next", need)
	default:
		if state := waiting(payouts); state != "" {
			t.Blank()
			add("next", "starter payout list "+now.ID+" --state "+state)
		}
	}
	return t.Write(w)
}

func addSide(t *table.Table, name string, side *workflows.Side, paint painter) {
	words := paintState(paint, side.State)
	if side.Identity != "" {
		words += ", " + side.Identity
	}
	t.Add(name, words)
	if !side.Verified.IsZero() {
		t.Add("", "last read "+moment(side.Verified))
	}
	if side.LastError != "" {
		t.Add("", paint.bad(operate.Printable(side.LastError)))
		t.Add("", side.Remedy)
	}
}

// joined is "name value" pairs with commas between, without the empty ones.
func joined(pairs ...string) string {
	words := ""
	for i := 0; i+1 < len(pairs); i += 2 {
		if pairs[i+1] == "" {
			continue
		}
		if words != "" {
			words += ", "
		}
		words += pairs[i] + " " + pairs[i+1]
	}
	return words
}

func lastSync(last *store.SyncRun) string {
	if last == nil || last.FinishedAt == nil {
		return "none yet"
	}
	return fmt.Sprintf("%s, through %s, %s", moment(*last.FinishedAt), last.To.Format(time.DateOnly), last.Outcome)
}

// byState counts payouts by state, in the order of their life.
func byState(payouts []store.Payout) string {
	counts := map[string]int{}
	for i := range payouts {
		counts[payouts[i].State]++
	}
	words := ""
	for _, state := range payoutStates {
		if counts[state] == 0 {
			continue
		}
		if words != "" {
			words += ", "
		}
		words += fmt.Sprintf("%d %s", counts[state], state)
	}
	if words == "" {
		return "none yet"
	}
	return words
}

// waiting is the state in which payouts wait for a person, "" when none does.
func waiting(payouts []store.Payout) string {
	for _, state := range []string{workflows.StateHeld, workflows.StateAwaitingApproval} {
		if slices.ContainsFunc(payouts, func(p store.Payout) bool { return p.State == state }) {
			return state
		}
	}
	return ""
}

// needs is the command that brings a connection on, if one does.
func needs(now *workflows.Status) string {
	switch {
	case now.State == workflows.ConnDisconnected:
		return ""
	case now.Klarna.State != workflows.SideConnected:
		return "starter connection klarna-key " + now.ID
	case now.Visma.State != workflows.SideConnected:
		return "starter connection authorize " + now.ID + " --service --tenant-id UUID"
	case now.State == workflows.ConnPaused:
		return "starter connection resume " + now.ID
	case now.Start == "":
		return "starter connection start " + now.ID
	default:
		return ""
	}
}
