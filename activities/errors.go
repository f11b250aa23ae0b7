package activities

import (
	"context"
	"errors"
	"time"

	"go.temporal.io/sdk/activity"
	"go.temporal.io/sdk/temporal"

	"kvitt/internal/fault"
	"kvitt/internal/held"
	"kvitt/internal/settlement"
	"kvitt/internal/voucher"
	"kvitt/workflows"
)

// patienceWithBadData limits how often an answer that cannot be read is asked
// for again before it counts as evidence.
const patienceWithBadData = 3

// toTemporal maps an outside error to what Temporal should do with it; this is
// the only place that does.
func toTemporal(ctx context.Context, err error) error {
	f := fault.As(err)
	var wrong coded
	switch {
	case f == nil && errors.As(err, &wrong): // trying again changes nothing
		return temporal.NewNonRetryableApplicationError(err.Error(), wrong.Code(), nil)
	case f == nil:
		return err // ours: retried with back-off until the step's time is up
	}
	switch f.Class {
	case fault.Auth:
		return temporal.NewApplicationErrorWithOptions(err.Error(), workflows.CredentialErrorType, temporal.ApplicationErrorOptions{
			NonRetryable: true,
			Details:      []any{workflows.CredentialError{Provider: providerOf(f), Reason: err.Error()}},
		})
	case fault.Throttled:
		return temporal.NewApplicationErrorWithOptions(err.Error(), string(f.Class), temporal.ApplicationErrorOptions{
			NextRetryDelay: max(f.RetryAfter, time.Second),
			Category:       temporal.ApplicationErrorCategoryBenign,
		})
	case fault.BadData:
		return temporal.NewApplicationErrorWithOptions(err.Error(), string(f.Class), temporal.ApplicationErrorOptions{
			NonRetryable: !again(ctx),
		})
	case fault.Rejected:
		return temporal.NewNonRetryableApplicationError(err.Error(), string(f.Class), nil)
	default:
		return temporal.NewApplicationErrorWithOptions(err.Error(), string(f.Class), temporal.ApplicationErrorOptions{
			NextRetryDelay: f.RetryAfter,
		})
	}
}

// again tells whether an unreadable answer should be asked for once more. How
// many there were is left to the next attempt: attempts that failed for other
// reasons use up none of the patience.
func again(ctx context.Context) bool {
	if !activity.IsActivity(ctx) {
		return true
	}
	unreadable := 0
	if activity.HasHeartbeatDetails(ctx) {
		_ = activity.GetHeartbeatDetails(ctx, &unreadable) // none were counted
	}
	unreadable++
	if unreadable >= patienceWithBadData {
		return false
	}
	activity.RecordHeartbeat(ctx, unreadable)
	return true
}

func providerOf(f *fault.Error) string {
	switch f.Party {
	case "Visma.net", "Visma Connect":
		return workflows.ProviderVisma
	default:
		return workflows.ProviderKlarna
	}
}

// coded is an error of the pure core that names its held code.
type coded interface {
	error
	Code() string
}

// heldFor turns an error of the pure core into a reason to hold; nil when it
// is not one.
func heldFor(err error) *workflows.Held {
	var c coded
	if !errors.As(err, &c) {
		return nil
	}
	stop := held.Because(held.Code(c.Code()), c.Error())
	stop.Difference, stop.Acceptable = voucher.DifferenceOf(err), acceptable(err)
	return stop
}

// acceptable are the differences that a person may accept, as the pure core
// names them.
func acceptable(err error) []workflows.Acceptable {
	var m *settlement.Mismatch
	var u *voucher.UnexplainedError
	var a *settlement.AcceptedError
	switch {
	case errors.As(err, &m) && settlement.Acceptable(m.HeldCode):
		return acceptableOf(m)
	case errors.As(err, &u) && u.Component != "":
		return []workflows.Acceptable{{Component: u.Component, Difference: u.Difference}}
	case errors.As(err, &a) && settlement.Acceptable(a.Accepted.Code):
		return []workflows.Acceptable{{Component: a.Accepted.Component, Difference: a.Accepted.Difference, Rows: ofRows(a.Accepted.Code)}}
	}
	return nil
}

func acceptableOf(m *settlement.Mismatch) (all []workflows.Acceptable) {
	if m.HeldCode == string(held.RowsIncomplete) {
		return []workflows.Acceptable{{Difference: m.Difference, Rows: true}}
	}
	for _, reading := range m.Readings {
		all = append(all, workflows.Acceptable{Component: reading})
	}
	if len(all) == 0 && m.Component != "" {
		all = append(all, workflows.Acceptable{Component: m.Component, Difference: m.Difference, Rows: ofRows(m.HeldCode)})
	}
	for _, d := range m.Also {
		all = append(all, workflows.Acceptable{Component: d.Component, Difference: d.Difference})
	}
	return all
}

// ofRows tells the codes whose differences are numbers of rows.
func ofRows(code string) bool {
	return code == string(held.RowsIncomplete) || code == string(held.RowsCurrency)
}
