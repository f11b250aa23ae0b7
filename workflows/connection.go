package workflows

import (
	"fmt"
	"slices"
	"strings"
	"time"

	enumspb "go.temporal.io/api/enums/v1"
	"go.temporal.io/sdk/temporal"
	"go.temporal.io/sdk/workflow"

	"kvitt/internal/held"
)

const (
	verifyEvery  = 24 * time.Hour
	defaultEvery = time.Hour
)

// ConnectionWorkflow owns the state of a connection, its schedule and the
// order of things. It keeps state and takes commands, no more: the syncs are
// started by the schedule. It lives as long as the connection.
func ConnectionWorkflow(ctx workflow.Context, in ConnectionInput) error {
	c := &connection{}
	switch {
	case in.Carry != nil:
		c.Status = *in.Carry
	case in.Revive != nil:
		c.Status = *in.Revive
		c.Every, c.NextCheck = max(c.Every, defaultEvery), time.Time{}
	default:
		c.Status = newStatus(ctx, in)
	}
	if err := c.listen(ctx); err != nil {
		return err
	}
	c.beginTelling(ctx, in.Notices)
	return c.run(ctx, in)
}

type connection struct {
	Status
	Notices
	tells    bool // histories of an earlier version told nothing
	busy     int  // pieces of work that must not be cut by continuing as new
	draining bool
	begun    Instruction // who created or revived it, until that is recorded
	settings string      // the instruction of this run that last changed the settings
	watches  bool        // the daily check looks at the batches, see checkDrift
}

func newStatus(ctx workflow.Context, in ConnectionInput) Status {
	now := workflow.Now(ctx)
	s := Status{ID: in.ID, Settings: in.Settings, State: ConnSetup, Since: now}
	s.Klarna, s.Visma = Side{State: SideMissing, Since: now}, Side{State: SideMissing, Since: now}
	if s.Every == 0 {
		s.Every = defaultEvery
	}
	return s
}

func (c *connection) run(ctx workflow.Context, in ConnectionInput) error {
	if err := c.begin(ctx, in); err != nil {
		return err
	}
	for c.State != ConnDisconnected {
		if c.NextCheck.IsZero() {
			c.NextCheck = workflow.Now(ctx).Add(verifyEvery)
		}
		due, err := workflow.AwaitWithTimeout(ctx, c.NextCheck.Sub(workflow.Now(ctx)), func() bool {
			return c.State == ConnDisconnected || workflow.GetInfo(ctx).GetContinueAsNewSuggested() && c.busy == 0
		})
		switch {
		case err != nil:
			return err
		case due && c.State != ConnDisconnected:
			return c.continueAsNew(ctx, in)
		case !due:
			c.NextCheck = time.Time{}
			if err := c.checkDaily(ctx); err != nil {
				return err
			}
		}
	}
	return workflow.Await(ctx, func() bool { return workflow.AllHandlersFinished(ctx) })
}

// begin records a new connection, and gives a revived one its schedule back.
func (c *connection) begin(ctx workflow.Context, in ConnectionInput) error {
	switch {
	case in.Carry != nil:
		if workflow.GetInfo(ctx).ContinuedExecutionRunID == "" {
			return temporal.NewNonRetryableApplicationError("start connection "+c.ID+": it was started as if it went on from an earlier run, and there is none; `starter setup` starts it", RefusedErrorType, nil)
		}
		return nil
	case in.Revive == nil:
		c.begun = instructionFor(ActionCreate, in.Instruction, in)
		return c.save(ctx, "create", in.Who)
	case c.State != ConnSetup && c.State != ConnVerifying:
		if err := c.setSchedule(ctx); err != nil {
			return err
		}
	}
	c.begun = instructionFor(ActionRevive, in.Instruction, in)
	return c.save(ctx, "revive", in.Who)
}

// saving returns what is kept of the connection. The instruction that began the
// workflow goes with the first record.
func (c *connection) saving(action, who string) SaveConnectionInput {
	in := SaveConnectionInput{Status: c.Status, Action: action, Who: who, Settings: c.settings, Instruction: c.begun}
	c.begun = Instruction{}
	return in
}

func (c *connection) continueAsNew(ctx workflow.Context, in ConnectionInput) error {
	c.draining = true
	if err := workflow.Await(ctx, func() bool { return workflow.AllHandlersFinished(ctx) }); err != nil {
		return err
	}
	ReauthRequired.Drain(ctx, c.onReauthRequired)
	PayoutsMissing.Drain(ctx, c.onPayoutsMissing)
	in.Carry, in.Revive, in.Notices, in.Instruction = &c.Status, nil, &c.Notices, ""
	return workflow.NewContinueAsNewError(ctx, ConnectionWorkflowName, in)
}

// checkDaily reads from both sides for real, so that a dead credential is
// found before the books need it.
func (c *connection) checkDaily(ctx workflow.Context) error {
	c.beginTellingLate(ctx)
	if c.State != ConnActive && c.State != ConnReauthRequired {
		return nil
	}
	// A credential that is being replaced must not be judged by the old one.
	if err := workflow.Await(ctx, func() bool { return c.busy == 0 }); err != nil {
		return err
	}
	defer c.work()()
	for _, provider := range []string{ProviderKlarna, ProviderVisma} {
		if _, err := c.verify(ctx, provider, VerifyInput{Connection: c.ID, ExpectCompany: c.Company}, "daily check"); err != nil {
			workflow.GetLogger(ctx).Warn("daily check did not finish", "provider", provider, "error", err)
		}
	}
	c.tellDaily(ctx)
	c.checkDrift(ctx)
	return nil
}

// work marks a piece of work; the function it returns ends it.
func (c *connection) work() func() {
	c.busy++
	return func() { c.busy-- }
}

// verify reads from a provider with a credential and settles what follows.
func (c *connection) verify(ctx workflow.Context, provider string, in VerifyInput, who string) (Verified, error) {
	before := *c.side(provider)
	if in.Candidate {
		c.enterSide(ctx, provider, SideVerifying)
	}
	activity := VerifyKlarna
	if provider == ProviderVisma {
		activity = VerifyVisma
	}
	got, err := activity.Run(ctx, c.ID, in)
	switch side := c.side(provider); {
	case err != nil:
		*side = before
		return got, err
	case !got.OK && in.Candidate && before.State == SideConnected:
		*side = before // the credential in use is untouched
		return got, nil
	case !got.OK:
		state := SideReauthRequired
		if before.State == SideMissing {
			state = SideMissing
		}
		c.enterSide(ctx, provider, state)
		side.LastError, side.Remedy = got.Words, got.Remedy
		if before.State == SideConnected {
			c.tellLoss(ctx, provider)
		}
		return got, c.settle(ctx, provider+" refused the credential", who)
	}
	c.accept(ctx, provider, got, who, in.Candidate)
	waited := c.waitingFor(provider)
	err = c.settle(ctx, provider+" verified", who)
	if before.State == SideReauthRequired {
		c.tellRecovery(ctx, provider, waited-c.waitingFor(provider))
	}
	return got, err
}

// accept notes who a provider says that we are.
func (c *connection) accept(ctx workflow.Context, provider string, got Verified, who string, isNew bool) {
	side := c.side(provider)
	c.enterSide(ctx, provider, SideConnected)
	side.LastError, side.Remedy, side.Verified = "", "", workflow.Now(ctx)
	if isNew {
		side.Who, side.Flow = who, got.Flow
	}
	if provider == ProviderKlarna {
		c.Environment = got.Environment
		if got.MerchantID != "" {
			c.MerchantID = got.MerchantID
		}
		side.Identity = c.MerchantID
		return
	}
	side.Expires = time.Time{}
	if got.Lifetime > 0 {
		// A grant of an earlier version does not say when it was given; it was
		// not after the side began to work.
		consented := got.Consented
		if consented.IsZero() {
			consented = side.Since
		}
		side.Expires = consented.Add(got.Lifetime)
	}
	c.Company, c.CompanyName, c.BaseCurrency = got.Company, got.CompanyName, got.BaseCurrency
	side.Identity = strings.TrimSpace(got.Company + " " + got.CompanyName)
}

// settle derives the connection's state from its sides, brings the schedule in
// line, and wakes the workflows that wait for a side that works again.
func (c *connection) settle(ctx workflow.Context, action, who string) error {
	before := c.State
	switch {
	case c.State == ConnDisconnected || c.State == ConnPaused:
	case c.Klarna.State == SideReauthRequired || c.Visma.State == SideReauthRequired:
		c.enter(ctx, ConnReauthRequired)
	case c.Klarna.State == SideConnected && c.Visma.State == SideConnected && c.Start != "":
		c.enter(ctx, ConnActive)
	case c.Klarna.State == SideConnected || c.Visma.State == SideConnected:
		c.enter(ctx, ConnVerifying)
	}
	if err := c.save(ctx, action, who); err != nil {
		return err
	}
	if before != c.State && (before == ConnActive || c.State == ConnActive) {
		if err := c.setSchedule(ctx); err != nil {
			return err
		}
	}
	if c.State == ConnActive || c.State == ConnPaused {
		c.wake(ctx)
	}
	return nil
}

// wake signals the workflows that wait for a credential. Those that still
// cannot work will say so again.
func (c *connection) wake(ctx workflow.Context) {
	waiting := c.Waiting
	c.Waiting = nil
	for _, w := range waiting {
		provider, id, _ := strings.Cut(w, " ")
		if c.side(provider).State != SideConnected {
			c.Waiting = append(c.Waiting, w)
			continue
		}
		Reauthenticated.Send(ctx, id, provider)
	}
}

func (c *connection) onReauthRequired(ctx workflow.Context, in ReauthNeeded) {
	defer c.work()()
	if w := in.Provider + " " + in.WorkflowID; !slices.Contains(c.Waiting, w) {
		c.Waiting = append(c.Waiting, w)
	}
	side := c.side(in.Provider)
	if side.State != SideConnected {
		return
	}
	c.enterSide(ctx, in.Provider, SideReauthRequired)
	side.LastError = in.Reason
	side.Remedy = held.Because(credentialCode(in.Provider), "").Remedy
	c.tellLoss(ctx, in.Provider)
	if err := c.settle(ctx, in.Provider+" needs to be authorised again", "kvitt"); err != nil {
		workflow.GetLogger(ctx).Error("the connection's new state was not kept", "error", err)
	}
}

func (c *connection) setSchedule(ctx workflow.Context) error {
	_, err := SetSchedule.Run(ctx, c.ID, ScheduleInput{
		Connection: c.ID,
		Every:      c.Every,
		Paused:     c.State != ConnActive,
		Note:       "connection is " + c.State,
		Delete:     c.State == ConnDisconnected,
	})
	return err
}

// save keeps the status in Kvitt's own database, with the audit record.
func (c *connection) save(ctx workflow.Context, action, who string) error {
	c.show(ctx)
	_, err := SaveConnection.Run(ctx, c.ID, c.saving(action, who))
	if err != nil {
		return err
	}
	return workflow.UpsertTypedSearchAttributes(ctx, AttrState.ValueSet(c.State))
}

func (c *connection) side(provider string) *Side {
	if provider == ProviderKlarna {
		return &c.Klarna
	}
	return &c.Visma
}

func (c *connection) enter(ctx workflow.Context, state string) {
	if c.State != state {
		c.State, c.Since = state, workflow.Now(ctx)
	}
}

func (c *connection) enterSide(ctx workflow.Context, provider, state string) {
	if side := c.side(provider); side.State != state {
		side.State, side.Since = state, workflow.Now(ctx)
	}
}

// show tells an operator in Temporal's Web UI how the connection stands.
func (c *connection) show(ctx workflow.Context) {
	var b strings.Builder
	fmt.Fprintf(&b, "### Connection %s\n\nState **%s** since %s.\n", c.ID, c.State, c.Since.UTC().Format("2006-01-02 15:04:05Z"))
	for _, provider := range []string{ProviderKlarna, ProviderVisma} {
		side := c.side(provider)
		fmt.Fprintf(&b, "\n- **%s**: %s", provider, side.State)
		if side.Identity != "" {
			fmt.Fprintf(&b, " `%s`", side.Identity)
		}
		if side.LastError != "" {
			fmt.Fprintf(&b, " — %s", plain(sentences(side.LastError, side.Remedy)))
		}
	}
	tellOperator(ctx, b.String())
}

// startSync runs a sync beside the schedule's.
func (c *connection) startSync(ctx workflow.Context, by Person) (Started, error) {
	id := SyncNowWorkflowID(c.ID, workflow.Now(ctx))
	ctx = workflow.WithChildOptions(ctx, workflow.ChildWorkflowOptions{
		WorkflowID:        id,
		ParentClosePolicy: enumspb.PARENT_CLOSE_POLICY_ABANDON,
		StaticSummary:     "Sync asked for by " + by.Who,
		Priority:          UrgentSync.Priority(c.ID),
		TypedSearchAttributes: temporal.NewSearchAttributes(
			AttrConnection.ValueSet(c.ID),
		),
	})
	err := workflow.ExecuteChildWorkflow(ctx, SettlementSyncWorkflowName, SyncInput{
		Connection: c.ID, Mode: ModeNow, Who: by.Who,
	}).GetChildWorkflowExecution().Get(ctx, nil)
	return Started{WorkflowID: id}, err
}
