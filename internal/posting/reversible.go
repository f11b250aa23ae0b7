package posting

import (
	"fmt"

	"kvitt/internal/store"
)

// WhyNotReversible says why the posting of a payout cannot be taken back by the
// posting with that revision; "" when it can.
func WhyNotReversible(row *store.Payout, sent *store.Booking, revision int) string {
	switch {
	case row.State == Reversed || sent.State == Reversed:
		return fmt.Sprintf("batch %s was reversed already", sent.BatchNumber)
	case revision != row.Revision+1 || sent.Revision != row.Revision:
		return fmt.Sprintf("revision %d is not the one that counts, which is %d", revision-1, row.Revision)
	case !Bound(sent.State):
		return "nothing was posted for it"
	case sent.State != Verified && sent.State != Draft:
		return fmt.Sprintf("its posting is %s and not final yet", sent.State)
	}
	return ""
}
