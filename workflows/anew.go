package workflows

import (
	"strconv"

	"go.temporal.io/sdk/workflow"

	"kvitt/internal/held"
)

// mostAnew limits how often a posting begins again before a person decides.
const mostAnew = 3

// anew counts how often a posting began again since it last waited.
type anew int

// tooOften returns what ends beginning again and again, nil while it may. Each answer
// that it began again for cost nothing and was safe, so nothing else would end it.
// A workflow of before this has no end under the names that it has passed.
func (n *anew) tooOften(ctx workflow.Context, stop *Held) *Held {
	*n++
	if *n < mostAnew || workflow.GetVersion(ctx, "anew-"+strconv.Itoa(int(*n)), workflow.DefaultVersion, 1) == workflow.DefaultVersion {
		return nil
	}
	return held.Becausef(held.Failed, "it was begun anew %d times, and each time it could not be posted as it was compiled; the last reason: %s", *n, stop.Detail)
}
