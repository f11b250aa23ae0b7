package activities

import (
	"context"
	"errors"
	"fmt"
	"time"

	enumspb "go.temporal.io/api/enums/v1"
	"go.temporal.io/api/serviceerror"
	"go.temporal.io/sdk/client"
	"go.temporal.io/sdk/temporal"

	"kvitt/workflows"
)

// Schedules keeps one Temporal Schedule for each connection.
type Schedules struct {
	Temporal  client.Client
	TaskQueue string
}

// catchup limits how long a missed sync is still made up for. The window is
// sliding, so one run makes up for all that were missed.
const catchup = 24 * time.Hour

// SetSchedule brings a connection's schedule in line.
func (s *Schedules) SetSchedule(ctx context.Context, in workflows.ScheduleInput) (workflows.Nothing, error) {
	handle := s.Temporal.ScheduleClient().GetHandle(ctx, workflows.ScheduleID(in.Connection))
	var missing *serviceerror.NotFound
	if in.Delete {
		if err := handle.Delete(ctx); err != nil && !errors.As(err, &missing) {
			return workflows.Nothing{}, fmt.Errorf("delete the schedule of connection %s: %w", in.Connection, err)
		}
		return workflows.Nothing{}, nil
	}
	err := s.create(ctx, in)
	if errors.Is(err, temporal.ErrScheduleAlreadyRunning) {
		err = handle.Update(ctx, client.ScheduleUpdateOptions{DoUpdate: func(old client.ScheduleUpdateInput) (*client.ScheduleUpdate, error) {
			schedule := old.Description.Schedule
			spec := s.spec(in)
			schedule.Spec = &spec
			schedule.State.Paused, schedule.State.Note = in.Paused, in.Note
			if action, ok := schedule.Action.(*client.ScheduleWorkflowAction); ok { // one of an earlier version has none
				action.Priority = workflows.UrgentSync.Priority(in.Connection)
			}
			return &client.ScheduleUpdate{Schedule: &schedule}, nil
		}})
	}
	if err != nil {
		return workflows.Nothing{}, fmt.Errorf("set the schedule of connection %s: %w", in.Connection, err)
	}
	return workflows.Nothing{}, nil
}

func (s *Schedules) spec(in workflows.ScheduleInput) client.ScheduleSpec {
	return client.ScheduleSpec{
		Intervals: []client.ScheduleIntervalSpec{{Every: in.Every}},
		Jitter:    in.Every / 10, // so that many connections do not ask at once
	}
}

func (s *Schedules) create(ctx context.Context, in workflows.ScheduleInput) error {
	_, err := s.Temporal.ScheduleClient().Create(ctx, client.ScheduleOptions{
		ID:            workflows.ScheduleID(in.Connection),
		Spec:          s.spec(in),
		Overlap:       enumspb.SCHEDULE_OVERLAP_POLICY_SKIP,
		CatchupWindow: catchup,
		Paused:        in.Paused,
		Note:          in.Note,
		Action: &client.ScheduleWorkflowAction{
			ID:            workflows.ScheduleID(in.Connection),
			Workflow:      workflows.SettlementSyncWorkflowName,
			TaskQueue:     s.TaskQueue,
			Args:          []any{workflows.SyncInput{Connection: in.Connection, Mode: workflows.ModeSchedule}},
			StaticSummary: "Scheduled sync of connection " + in.Connection,
			Priority:      workflows.UrgentSync.Priority(in.Connection),
			TypedSearchAttributes: temporal.NewSearchAttributes(
				workflows.AttrConnection.ValueSet(in.Connection),
			),
		},
	})
	return err
}
