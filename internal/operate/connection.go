package operate

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"

	"go.temporal.io/sdk/temporal"

	"kvitt/internal/access"
	"kvitt/internal/klarna"
	"kvitt/internal/store"
	"kvitt/internal/vault"
	"kvitt/internal/visma/connect"
	"kvitt/internal/voucher"
	"kvitt/workflows"
)

// StatusOf is a connection as its workflow last described itself.
func StatusOf(c *store.Connection) (workflows.Status, error) {
	s := workflows.Status{
		ID: c.ID,
		Settings: workflows.Settings{
			Name: c.Name, Provider: c.Provider, Region: c.Region, Posting: c.Posting, Start: c.Start, ProfileVersion: c.ProfileVersion, FourEyes: c.FourEyes,
		},
		State: c.State, Since: c.UpdatedAt, Environment: c.Environment,
		Klarna: workflows.Side{State: workflows.SideMissing, Since: c.CreatedAt}, Visma: workflows.Side{State: workflows.SideMissing, Since: c.CreatedAt},
		MerchantID: c.MerchantID, Company: c.CompanyID, CompanyName: c.CompanyName, BaseCurrency: c.BaseCurrency,
	}
	for _, side := range []struct {
		document json.RawMessage
		into     *workflows.Side
	}{{c.Klarna, &s.Klarna}, {c.Visma, &s.Visma}} {
		if len(side.document) == 0 {
			continue
		}
		if err := json.Unmarshal(side.document, side.into); err != nil {
			return s, fmt.Errorf("read the recorded state of the connection %s: %w", c.ID, err)
		}
	}
	return s, nil
}

// Create records a connection with its posting profile and starts its
// workflow. What a person chose stands in row; its id is made of random. When
// the workflow cannot be started, the connection is closed again: nothing can
// be deleted, and nothing else would ever happen to it.
func (d *Desk) Create(ctx context.Context, row *store.Connection, profile *voucher.Profile, document []byte, settings workflows.Settings, who string) error {
	row.State, row.ProfileVersion = workflows.ConnSetup, 1
	if err := d.Store.CreateConnection(ctx, *row); err != nil {
		return err
	}
	version, err := d.Store.ReviseProfile(ctx, row.ID, store.Revision{Document: document, Hash: profile.Hash(), Who: who, VouchedBy: partyOf(ctx).vouchedBy})
	if err == nil {
		settings.Name, settings.Provider, settings.Region = row.Name, row.Provider, row.Region
		settings.Posting, settings.Start, settings.ProfileVersion, settings.FourEyes = row.Posting, row.Start, version, row.FourEyes
		err = d.startConnection(ctx, row.ID, settings, who)
	}
	if err == nil {
		return nil
	}
	row.State = workflows.ConnDisconnected
	closing, cancel := context.WithTimeout(context.WithoutCancel(ctx), AnswerWithin)
	defer cancel()
	if closed := d.Store.SaveConnection(closing, *row); closed != nil && !errors.Is(closed, store.ErrNotFound) {
		return errors.Join(err, fmt.Errorf("close the connection %s again, which stays in the list without a workflow: %w", row.ID, closed))
	}
	return err
}

func (d *Desk) startConnection(ctx context.Context, id string, settings workflows.Settings, who string) error {
	in, err := instructed(ctx, d, id, workflows.ConnectionWorkflowID(id), workflows.ActionCreate, workflows.ConnectionInput{ID: id, Who: who, Settings: settings})
	if err != nil {
		return err
	}
	err = d.Temporal.Start(ctx, Start{
		ID:         workflows.ConnectionWorkflowID(id),
		Workflow:   workflows.ConnectionWorkflowName,
		Input:      in,
		Summary:    "Connection " + id,
		Connection: id,
		Urgency:    workflows.UrgentPerson,
		Attributes: []temporal.SearchAttributeUpdate{workflows.AttrState.ValueSet(workflows.ConnSetup)},
		Once:       true,
	})
	if errors.Is(err, ErrRunning) {
		return &Error{
			Attempted: "create the connection " + id, Happened: "Temporal has a connection with this id already", Err: err,
			Helps: "Try again; that makes another id.",
		}
	}
	return err
}

// ConnectionID makes an id of random letters. It is short, safe in workflow
// ids, and says nothing of the merchant: it stands unencrypted in Temporal,
// where names must not.
func ConnectionID(random string) string {
	random = strings.ToLower(random)
	return random[:4] + "-" + random[4:8]
}

// OfferKlarna gives a connection a Klarna key to verify. One that does not
// work leaves the key in use as it is.
func (d *Desk) OfferKlarna(ctx context.Context, row *store.Connection, credential klarna.Credential, who string) (workflows.Status, error) {
	attempted := "give the connection " + row.ID + " its Klarna key"
	secret, err := json.Marshal(access.KlarnaSecret{Key: credential.Key, Username: credential.Username})
	if err != nil {
		return workflows.Status{}, fmt.Errorf("%s: %w", attempted, err)
	}
	return d.offer(ctx, row, attempted, access.FieldKlarnaCandidate, vault.Secret(secret), workflows.SetKlarnaCredential, who)
}

// OfferGrant gives a connection what Visma Connect granted, to verify. One
// that does not work leaves the grant in use as it is.
func (d *Desk) OfferGrant(ctx context.Context, row *store.Connection, grant connect.Grant, who string) (workflows.Status, error) {
	attempted := "authorize the connection " + row.ID + " at Visma Connect"
	secret, err := json.Marshal(grant) //nolint:gosec // it goes into the vault, sealed
	if err != nil {
		return workflows.Status{}, fmt.Errorf("%s: %w", attempted, err)
	}
	return d.offer(ctx, row, attempted, access.FieldVismaCandidate, vault.Secret(secret), workflows.AuthorizeVisma, who)
}

func (d *Desk) offer(ctx context.Context, row *store.Connection, attempted, field string, secret vault.Secret,
	u workflows.Update[workflows.CredentialSet, workflows.Status], who string,
) (workflows.Status, error) {
	if err := d.Vault.Put(ctx, row.ID, field, secret); err != nil {
		return workflows.Status{}, err
	}
	now, err := Give(ctx, d, row.ID, u, workflows.ConnectionWorkflowID(row.ID), workflows.CredentialSet{Who: who}, CredentialWithin)
	return now, Unanswered(attempted, err, NoConnectionWorkflow(row))
}

// Command asks a connection for something that a person may ask of it: pause,
// resume, disconnect.
func (d *Desk) Command(ctx context.Context, row *store.Connection, verb string, u workflows.Update[workflows.Person, workflows.Status], by workflows.Person) (workflows.Status, error) {
	now, err := Give(ctx, d, row.ID, u, workflows.ConnectionWorkflowID(row.ID), by, SettingsWithin)
	return now, Unanswered(verb+" the connection "+row.ID, err, NoConnectionWorkflow(row))
}

// Start lets a connection whose sides both work begin, from a day on.
func (d *Desk) Start(ctx context.Context, row *store.Connection, day, posting, who string) (workflows.Status, error) {
	if posting != "" && posting != row.Posting && needsSecond(ctx, row) {
		return workflows.Status{}, askSecond("start the connection " + row.ID)
	}
	now, err := Give(ctx, d, row.ID, workflows.ConfigureConnection, workflows.ConnectionWorkflowID(row.ID), workflows.Configure{
		Settings: workflows.Settings{Start: day, Posting: posting}, Who: who,
	}, SettingsWithin)
	return now, Unanswered("start the connection "+row.ID, err, NoConnectionWorkflow(row))
}

// NoConnectionWorkflow is the error for a connection that has no workflow.
func NoConnectionWorkflow(row *store.Connection) *Error {
	if row.State == workflows.ConnDisconnected {
		return &Error{Happened: "it is disconnected, which is final", Helps: "Create another connection."}
	}
	return &Error{
		Happened: "the workflow " + workflows.ConnectionWorkflowID(row.ID) + " does not run in Temporal",
		Helps:    "Check that TEMPORAL_ADDRESS and TEMPORAL_NAMESPACE are those the connection was created with; if they are, `starter setup` starts it again.",
	}
}
