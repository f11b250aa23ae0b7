package cli

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"net/http"
	"slices"
	"time"

	"kvitt/internal/access"
	"kvitt/internal/company"
	"kvitt/internal/fault"
	"kvitt/internal/held"
	"kvitt/internal/operate"
	"kvitt/internal/store"
	"kvitt/workflows"
)

func (e *examination) openDoors() {
	e.doors = &access.Doors{Store: e.store, Vault: e.vault, Config: &e.config, HTTP: e.http}
}

// connectionChecks examines one connection with real reads.
func (e *examination) connectionChecks(ctx context.Context, c *store.Connection) {
	status, err := operate.StatusOf(c)
	if err != nil {
		e.failed("state", c.ID, err)
		return
	}
	if next := needs(&status); next != "" && status.State != workflows.ConnPaused {
		e.warn("state", c.ID, operate.Finish(stateWords(c.State)), "What comes next: `"+next+"`.")
	}
	e.workflow(ctx, c)
	if status.Klarna.State != workflows.SideMissing {
		e.klarna(ctx, c)
	}
	if status.Visma.State != workflows.SideMissing {
		e.company(ctx, c)
	}
	e.authorization(c.ID, &status.Visma)
	e.payouts(ctx, c)
	e.reversals(ctx, c)
	e.books(ctx, c)
	e.accruals(ctx, c)
	e.syncAge(ctx, c, latest(c.CreatedAt, status.Klarna.Since, status.Visma.Since))
}

// workflow checks that Temporal has the connection. When no worker answers, it
// was said above.
func (e *examination) workflow(ctx context.Context, c *store.Connection) {
	if e.temporal == nil || !e.manned {
		return
	}
	_, err := operate.Ask(ctx, e.temporal, workflows.ConnectionStatus, workflows.ConnectionWorkflowID(c.ID))
	if errors.Is(err, operate.ErrNotRunning) {
		e.fail("workflow", c.ID, "Temporal does not know it.", "`starter setup` starts it again, if TEMPORAL_ADDRESS and TEMPORAL_NAMESPACE are right.")
	}
}

// payouts tells of those that wait for a person.
func (e *examination) payouts(ctx context.Context, c *store.Connection) {
	for _, state := range []string{workflows.StateHeld, workflows.StateAwaitingApproval} {
		all, err := e.store.Payouts(ctx, store.PayoutFilter{Connection: c.ID, State: state})
		switch {
		case err != nil:
			e.failed("payouts", c.ID, err)
			return
		case len(all) > 0:
			e.warn("payouts", c.ID, fmt.Sprintf("%s %s", counted(len(all), "payout"), waits(state, len(all))), "Look at them: `starter payout list "+c.ID+" --state "+state+"`.")
		}
	}
}

// reversals tells of those that wait for a person: their payouts keep their state.
func (e *examination) reversals(ctx context.Context, c *store.Connection) {
	all, err := (&operate.Desk{Store: e.store}).HeldReversals(ctx, c.ID)
	switch {
	case err != nil:
		e.failed("reversals", c.ID, err)
	case len(all) > 0:
		e.warn("reversals", c.ID, fmt.Sprintf("%s %s", counted(len(all), "reversal"), waits(workflows.StateHeld, len(all))),
			"Look at what holds them: `starter payout show "+c.ID+" "+slices.Sorted(maps.Keys(all))[0]+"`.")
	}
}

// waits returns what payouts in a state do.
func waits(state string, n int) string {
	switch {
	case state == workflows.StateHeld && n == 1:
		return "is held."
	case state == workflows.StateHeld:
		return "are held."
	case n == 1:
		return "awaits approval."
	default:
		return "await approval."
	}
}

// latest is since when a connection can work at all.
func latest(times ...time.Time) (last time.Time) {
	for _, t := range times {
		if t.After(last) {
			last = t
		}
	}
	return last
}

func (e *examination) klarna(ctx context.Context, c *store.Connection) {
	ctx, cancel := context.WithTimeout(ctx, checkWithin)
	defer cancel()
	client, err := e.doors.Klarna(ctx, c.ID)
	if err == nil {
		_, _, err = client.Verify(ctx)
	}
	if err != nil {
		e.refused(c.Provider, c.ID, err, "Set a working key with `starter connection klarna-key "+c.ID+"`.")
		return
	}
	e.ok(c.Provider, c.ID, joined("a real read works; environment", c.Environment, "merchant", c.MerchantID))
}

const reachable = "Check that this machine reaches it: the network, a proxy or a firewall in between, and the KVITT_…_URL variables where they are set."

const otherAddress = "Check the KVITT_…_URL variables where they are set: something else may answer at that address."

// refused adds an error of the other side, with what helps against a dead
// credential or a wrong address when the error itself does not know.
func (e *examination) refused(name, connection string, err error, remedy string) {
	words, helps := operate.Explain(err)
	switch class := fault.ClassOf(err); {
	case helps != "":
	case class == fault.Auth:
		helps = remedy
	case class == fault.Transient:
		helps = reachable
	case class == fault.BadData, fault.As(err) != nil && fault.As(err).Status == http.StatusNotFound:
		helps = otherAddress // nothing that is read here is ever missing at the right one
	}
	e.fail(name, connection, words, helps)
}

func (e *examination) company(ctx context.Context, c *store.Connection) {
	ctx, cancel := context.WithTimeout(ctx, checkWithin)
	defer cancel()
	firm, err := e.doors.Company(ctx, c.ID)
	if err != nil {
		e.refused("visma.net", c.ID, err, "Authorize again with `starter connection authorize "+c.ID+"`.")
		return
	}
	if c.CompanyID != "" && firm.ID != c.CompanyID {
		entry, _ := held.Look(held.CompanyChanged)
		e.fail("visma.net", c.ID, fmt.Sprintf("The connection was made for the company %s %s, and Visma.net answers for %s.", c.CompanyID, c.CompanyName, firm), entry.Remedy)
		return
	}
	e.ok("visma.net", c.ID, fmt.Sprintf("a real read works: %s, base currency %s", firm, firm.BaseCurrency))
	e.profile(ctx, c, firm)
}

// profile checks everything that the profile uses against the company.
func (e *examination) profile(ctx context.Context, c *store.Connection, firm *company.Company) {
	p, version, err := e.doors.Profile(ctx, c.ID, 0)
	if err != nil {
		e.failed("profile", c.ID, err)
		return
	}
	problems := operate.ProfileProblems(p, firm)
	for _, problem := range problems {
		entry, _ := held.Look(problem.Code)
		e.fail("profile", c.ID, operate.Finish(problem.Detail), entry.Remedy)
	}
	for _, problem := range operate.VATProblems(p, firm) {
		e.fail("vat", c.ID, problem.Detail, problem.Helps)
	}
	if len(problems) == 0 {
		e.ok("profile", c.ID, fmt.Sprintf("version %d: the company has all of its %s", version, counted(len(p.Accounts()), "account")))
	}
}
