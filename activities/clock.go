package activities

import (
	"context"
	"time"

	"go.temporal.io/sdk/activity"
)

// temporalsClock tells the time by the clock that all workers share: the moment
// at which Temporal gave this attempt out, and what has passed since. How long a
// batch has stayed away is measured by several attempts, perhaps on several
// machines; by their own clocks, one that jumps or is an hour ahead would make a
// moment look like the whole wait, and the batch would be sent again too early.
func temporalsClock(ctx context.Context) func() time.Time {
	return clockFrom(activity.GetInfo(ctx).StartedTime)
}

// clockFrom goes on from a moment. What passes is measured by the clock that
// cannot be set.
func clockFrom(moment time.Time) func() time.Time {
	began := time.Now()
	return func() time.Time { return moment.Add(time.Since(began)) }
}
