package workflows

import (
	"fmt"
	"strings"
)

// What helps where one person is not enough.
const (
	TwoPersonsHelps = "Somebody else has to do it, who signs in at the provider or by a link that was mailed to them."
	AskForSecond    = "Ask for it in the portal; somebody else confirms it there."
)

// WhyOnePerson returns why two names are not known to be two persons. unknown tells
// that nobody has checked the first one; vouchedBy is who else may hold the
// session of the second.
func WhyOnePerson(first, second string, unknown bool, vouchedBy string) string {
	switch {
	case strings.EqualFold(first, second):
		return second + " did both"
	case unknown:
		return fmt.Sprintf("nobody has checked who %s is: the name comes from the command line, or from a session that began with a printed link", first)
	case vouchedBy == "":
		return fmt.Sprintf("%s and %s may be one person: one of them made the link that the other signed in with", first, second)
	case vouchedBy == "*":
		return fmt.Sprintf("nobody has checked who %s is: the name comes from the command line, or from a session that began with a printed link", second)
	default:
		return fmt.Sprintf("%s signed in with a link that %s has seen, so %s and %s may be one person", second, vouchedBy, first, second)
	}
}
