package activities

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strconv"

	"go.temporal.io/sdk/temporal"

	"kvitt/internal/store"
	"kvitt/workflows"
)

// SaveConnection keeps the status of a connection and the change that led to
// it.
func (l *Ledger) SaveConnection(ctx context.Context, in workflows.SaveConnectionInput) (workflows.Nothing, error) {
	s := in.Status
	if err := l.mayBegin(ctx, in); err != nil {
		return workflows.Nothing{}, err
	}
	before, err := l.Store.Connection(ctx, s.ID)
	if err != nil {
		return workflows.Nothing{}, err
	}
	changes, err := l.changesSettings(ctx, in)
	if err != nil {
		return workflows.Nothing{}, err
	}
	if !changes {
		s.Name, s.Posting, s.Start, s.ProfileVersion, s.FourEyes = before.Name, before.Posting, before.Start, before.ProfileVersion, before.FourEyes
	}
	after := before
	after.Name, after.Posting, after.State, after.Start = s.Name, s.Posting, s.State, s.Start
	after.Environment, after.MerchantID = s.Environment, s.MerchantID
	after.CompanyID, after.CompanyName, after.BaseCurrency = s.Company, s.CompanyName, s.BaseCurrency
	after.ProfileVersion, after.FourEyes = s.ProfileVersion, s.FourEyes
	if err := l.keepEyes(ctx, in, &before, &after); err != nil {
		return workflows.Nothing{}, err
	}
	klarna, err1 := json.Marshal(s.Klarna)
	visma, err2 := json.Marshal(s.Visma)
	change, err3 := json.Marshal(map[string]string{"state": s.State, "klarna": s.Klarna.State, "visma": s.Visma.State, "posting": after.Posting, "start": s.Start, "four_eyes": strconv.FormatBool(after.FourEyes)})
	was, err4 := json.Marshal(map[string]string{"state": before.State, "posting": before.Posting, "start": before.Start, "four_eyes": strconv.FormatBool(before.FourEyes)})
	if err := errors.Join(err1, err2, err3, err4); err != nil {
		return workflows.Nothing{}, fmt.Errorf("record the state of connection %s: %w", s.ID, err)
	}
	after.Klarna, after.Visma = klarna, visma
	if err := l.Store.SaveConnection(ctx, after); err != nil {
		return workflows.Nothing{}, err
	}
	return workflows.Nothing{}, l.Store.Audit(ctx, store.AuditEntry{
		Who: in.Who, ConnectionID: s.ID, Subject: "connection/" + s.ID, Action: "connection." + in.Action, Before: was, After: change,
	})
}

// mayBegin refuses to record a connection that was created or revived, when
// nobody is known to have asked for that.
func (l *Ledger) mayBegin(ctx context.Context, in workflows.SaveConnectionInput) error {
	if in.Action != workflows.ActionCreate && in.Action != workflows.ActionRevive {
		return nil
	}
	why, err := prove(ctx, l.Instructions, in.Status.ID, in.Instruction)
	if err == nil && why != "" {
		err = temporal.NewNonRetryableApplicationError(in.Action+" connection "+in.Status.ID+": "+why, workflows.RefusedErrorType, nil, workflows.RefusedInstruction)
	}
	return err
}

// changesSettings tells whether a person had this run of the workflow change the
// settings. Otherwise those in the database stay: the memory of a workflow that
// was reset, or started again from an old message, is an old one.
func (l *Ledger) changesSettings(ctx context.Context, in workflows.SaveConnectionInput) (bool, error) {
	if in.Settings == "" {
		return false, nil
	}
	return l.Instructions.UsedIn(ctx, in.Settings, stepOf(ctx), workflows.ConfigureConnection.Name)
}
