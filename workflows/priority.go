package workflows

import "go.temporal.io/sdk/temporal"

// Urgency says whose work is done first when there is more than the workers
// can do at once: 1 before 5, and 3 where nothing is said. What a workflow
// starts is as urgent as itself.
type Urgency int

// The urgencies.
const (
	UrgentPerson   Urgency = 1 // somebody waits for the answer
	UrgentSync     Urgency = 2 // today's payouts
	UrgentBackfill Urgency = 4 // old ones: nobody waits for them by the minute
)

// Priority returns how a connection's work of that urgency stands in a queue.
// Among the equally urgent the connections take turns, where the server knows
// fairness.
func (u Urgency) Priority(connection string) temporal.Priority {
	return temporal.Priority{PriorityKey: int(u), FairnessKey: connection}
}
