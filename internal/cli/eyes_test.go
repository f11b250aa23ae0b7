package cli

import (
	"slices"
	"strings"
	"testing"

	"github.com/spf13/cobra"
)

// ways says of each command how it stands to the second pair of eyes. The user of
// an operating system is a name that nobody has checked, so the command line is
// never a second person.
var ways = map[string]string{
	"accrue":                  "asks for the portal",
	"payout approve":          "refused by the activity",
	"payout reverse":          "asks for the portal",
	"connection configure":    "asks for the portal to turn it off and for another posting mode",
	"profile set":             "its versions have to be saved in the portal before they can be approved; no other posting mode",
	"portal invite":           "the link is printed: whoever uses it may be anybody",
	"connection create":       "its first version is one of the command line; a connection to the same company inherits the rule",
	"connection start":        "no other posting mode",
	"connection klarna-key":   "nothing gets into the books by it",
	"connection authorize":    "nothing gets into the books by it",
	"connection pause":        "nothing gets into the books by it",
	"connection resume":       "nothing gets into the books by it",
	"connection disconnect":   "nothing gets into the books by it",
	"payout reject":           "nothing gets into the books by it",
	"payout retry":            "nothing gets into the books by it that was not approved",
	"payout accept":           "the voucher that rests on it cannot be approved by whoever may have taken it",
	"payout unrelated":        "the voucher that rests on it cannot be approved by whoever may have taken it",
	"payout accept-batch":     "a batch that does not fit takes the same decision of two persons, and the command line is never the second",
	"payout booked-elsewhere": "a batch that does not fit takes the same decision of two persons, and the command line is never the second",
	"payout keep":             "takes the same decision of two persons, and the command line is never the second",
	"payout undo-decision":    "the payout is held again",
	"profile interview":       "as profile set",
	"opening":                 "nothing gets into the books by it",
	"payout reopen":           "as a new voucher, which is approved like any other",
	"payout repost":           "as a new voucher, which is approved like any other",
	"sync":                    "nothing gets into the books by it that was not approved",
	"backfill":                "nothing gets into the books by it that was not approved",
	"setup":                   "a connection that it revives keeps what the database says",
}

// quiet are the commands that ask a workflow for nothing.
var quiet = []string{
	"audit", "backup", "try", "doctor", "profile history", "find", "export", "keyset", "notify", "report", "connection list", "connection show", "payout list", "payout show",
	"payout preview", "profile show", "profile diff", "profile check", "profile preview", "profile log", "profile presets", "completion", "help", "environment",
}

func TestEveryCommandIsKnownToTheSecondPairOfEyes(t *testing.T) {
	a := &app{}
	there := map[string]bool{}
	var walk func(c *cobra.Command)
	walk = func(c *cobra.Command) {
		_, name, _ := strings.Cut(c.CommandPath(), " ")
		if there[name] = true; c.Runnable() && !c.HasSubCommands() && ways[name] == "" &&
			!slices.ContainsFunc(quiet, func(q string) bool { return name == q || strings.HasPrefix(name, q+" ") }) {
			t.Errorf("can one person get past the second pair of eyes by `starter %s`? Say so here, and test it", name)
		}
		for _, sub := range c.Commands() {
			walk(sub)
		}
	}
	walk(a.rootCommand())
	for name := range ways {
		if !there[name] {
			t.Errorf("there is no command %q", name)
		}
	}
}
