package operate

import (
	"context"
	"time"

	"kvitt/internal/instruct"
	"kvitt/workflows"
)

// Instructions is where it is written down who asks for what, before Temporal
// carries the message; *instruct.Book is one.
type Instructions interface {
	Write(ctx context.Context, i instruct.Instruction) (id string, err error)
}

func (d *Desk) instructions() Instructions {
	if d.Instructions != nil {
		return d.Instructions
	}
	return instruct.NewBook(d.Vault, d.Store)
}

// instructed writes down who asks a workflow of a connection for what, and gives
// the message with the id of that record.
func instructed[T workflows.Instructed[T]](ctx context.Context, d *Desk, connection, workflowID, action string, message T) (T, error) {
	now := partyOf(ctx)
	id, err := d.instructions().Write(ctx, instruct.Instruction{
		Connection: connection, Workflow: workflowID, Action: action,
		Who: message.Asker(), VouchedBy: now.vouchedBy, First: now.first, Digest: workflows.DigestOf(message),
	})
	return message.WithInstruction(id), err
}

// Give sends an update by which a person has a workflow of a connection act, and
// waits for its result.
func Give[In workflows.Instructed[In], Out any](ctx context.Context, d *Desk, connection string, u workflows.Update[In, Out], workflowID string, in In, patience time.Duration) (Out, error) {
	in, err := instructed(ctx, d, connection, workflowID, u.Name, in)
	if err != nil {
		var none Out
		return none, err
	}
	return Call(ctx, d.Temporal, u, workflowID, in, patience)
}

// Revive starts the workflow of a connection again that Temporal has lost, as
// the database last knew it.
func (d *Desk) Revive(ctx context.Context, id string, last workflows.Status, who string, start Start) error {
	in, err := instructed(ctx, d, id, start.ID, workflows.ActionRevive, workflows.ConnectionInput{ID: id, Who: who, Revive: &last})
	if err != nil {
		return err
	}
	start.Input = in
	return d.Temporal.Start(ctx, start)
}
