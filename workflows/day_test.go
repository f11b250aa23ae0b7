package workflows_test

import (
	"strings"
	"testing"
	"time"

	"go.temporal.io/api/sdk/v1"
	"go.temporal.io/sdk/interceptor"
	"go.temporal.io/sdk/worker"
	"go.temporal.io/sdk/workflow"

	"kvitt/internal/held"
	"kvitt/workflows"
)

// lateDays are payouts whose day in Stockholm is not that of UTC: at the end of a
// month and of a year, and where the clock changes.
var lateDays = map[string]string{
	"2026-01-31T23:30:00Z": "2026-02-01", "2026-12-31T23:30:00Z": "2027-01-01", "2026-03-28T23:30:00Z": "2026-03-29",
	"2026-03-29T22:30:00Z": "2026-03-30", "2026-10-24T22:30:00Z": "2026-10-25", "2026-10-25T23:30:00Z": "2026-10-26",
}

func eachLateDay(t *testing.T, check func(t *testing.T, at time.Time, day string)) {
	t.Helper()
	for at, day := range lateDays {
		t.Run(at, func(t *testing.T) {
			moment, err := time.Parse(time.RFC3339, at)
			if err != nil {
				t.Fatal(err)
			}
			check(t, moment, day)
		})
	}
}

func TestTheDetailsOfAPayoutSayTheCompanysDay(t *testing.T) {
	eachLateDay(t, func(t *testing.T, at time.Time, day string) {
		s := goodSteps()
		s.prove = answers(workflows.Proven{Rows: 3, Held: heldFor(held.RowsDiffer)}, workflows.Proven{Rows: 3, Settlement: 1, Currency: "SEK"})
		env := newEnv(t, s)
		shown := ""
		during(t, env, func() {
			answer, err := env.QueryWorkflow("__temporal_workflow_metadata")
			if err != nil {
				t.Fatal(err)
			}
			var metadata sdk.WorkflowMetadata
			if err := answer.Get(&metadata); err != nil {
				t.Fatal(err)
			}
			shown = metadata.CurrentDetails
		}, time.Hour)
		tell(t, env, 60*24*time.Hour, workflows.RetryPayout, annas)
		env.ExecuteWorkflow(workflows.PayoutWorkflowName, workflows.PayoutInput{PayoutRef: jan.PayoutRef, Date: at, Day: day})
		if !strings.Contains(shown, "10001 · "+day) {
			t.Errorf("the details are %q, and do not say %s", shown, day)
		}
	})
}

// summaries keeps what the children of a workflow are shown as.
type summaries struct {
	interceptor.WorkerInterceptorBase
	all []string
}

func (s *summaries) InterceptWorkflow(_ workflow.Context, next interceptor.WorkflowInboundInterceptor) interceptor.WorkflowInboundInterceptor {
	in := &inbound{kept: s}
	in.Next = next
	return in
}

type inbound struct {
	interceptor.WorkflowInboundInterceptorBase
	kept *summaries
}

func (in *inbound) Init(next interceptor.WorkflowOutboundInterceptor) error {
	out := &outbound{kept: in.kept}
	out.Next = next
	return in.Next.Init(out)
}

type outbound struct {
	interceptor.WorkflowOutboundInterceptorBase
	kept *summaries
}

func (out *outbound) ExecuteChildWorkflow(ctx workflow.Context, name string, args ...any) workflow.ChildWorkflowFuture {
	out.kept.all = append(out.kept.all, workflow.GetChildWorkflowOptions(ctx).StaticSummary)
	return out.Next.ExecuteChildWorkflow(ctx, name, args...)
}

func TestAPayoutIsStartedWithTheCompanysDayAsItsSummary(t *testing.T) {
	eachLateDay(t, func(t *testing.T, at time.Time, day string) {
		s := goodSteps()
		s.list = listing(workflows.Listing{Found: 1, Due: []workflows.DuePayout{{PaymentReference: "10001", Currency: "SEK", Date: at, Day: day}}})
		env := newEnv(t, s)
		kept := &summaries{}
		env.SetWorkerOptions(worker.Options{Interceptors: []interceptor.WorkerInterceptor{kept}})
		var given workflows.PayoutInput
		children(env, func(ctx workflow.Context, in workflows.PayoutInput) (workflows.PayoutResult, error) {
			given = in
			return verified(ctx, in)
		})
		env.ExecuteWorkflow(workflows.SettlementSyncWorkflowName, year)
		if len(kept.all) != 1 || kept.all[0] != "Payout 10001, "+day+", SEK" || given.Day != day {
			t.Errorf("it was started as %q, with the day %q", kept.all, given.Day)
		}
	})
}
