package activities

import (
	"context"

	"go.temporal.io/sdk/activity"

	"kvitt/internal/instruct"
	"kvitt/workflows"
)

// Instructions prove who asked for what; *instruct.Book does.
type Instructions interface {
	Use(ctx context.Context, id string, claimed instruct.Instruction, step instruct.Step) (refused string, err error)
	Read(ctx context.Context, id string) (instruct.Instruction, error)
	UsedIn(ctx context.Context, id string, step instruct.Step, actions ...string) (bool, error)
}

// ProveInstruction uses up what a person asked for.
func (l *Ledger) ProveInstruction(ctx context.Context, in workflows.ProveInput) (workflows.Recorded, error) {
	why, err := prove(ctx, l.Instructions, in.Connection, in.Instruction)
	if why == "" || err != nil {
		return workflows.Recorded{}, err
	}
	return workflows.Recorded{Refused: "carry out what was asked of connection " + in.Connection + ": " + why, Code: workflows.RefusedInstruction}, nil
}

// prove returns why nobody is known to have asked this workflow for something; "" when
// a person has, whose instruction this step has then used up.
func prove(ctx context.Context, book Instructions, connection string, claimed workflows.Instruction) (refused string, err error) {
	step := stepOf(ctx)
	return book.Use(ctx, claimed.ID, instruct.Instruction{
		Connection: connection, Workflow: step.Workflow, Action: claimed.Action, Who: claimed.Who, Digest: claimed.Digest,
	}, step)
}

// stepOf is the step that this activity is of its workflow, whichever attempt.
func stepOf(ctx context.Context) instruct.Step {
	if !activity.IsActivity(ctx) { // a test calls it
		return instruct.Step{}
	}
	info := activity.GetInfo(ctx)
	return instruct.Step{Workflow: info.WorkflowExecution.ID, Run: info.WorkflowExecution.RunID, Activity: info.ActivityID}
}
