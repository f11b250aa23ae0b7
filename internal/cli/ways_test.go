package cli

import (
	"strings"
	"testing"

	"kvitt/internal/held"
)

// What the catalogue tells people to type is a command that there is, with flags
// that it takes.
func TestEveryWayOutIsACommandThatThereIs(t *testing.T) {
	fill := strings.NewReplacer(" ID", " k3x9-m2qp", " REF", " XISA93DJ", "COMPONENT", "fee", "DIFFERENCE", "0.01", "ACCOUNT", "6992",
		"REASON", "because", "BATCH", "000123", "DATE", "2026-01-31", "FILE", "profile.yaml")
	for _, out := range held.Outs() {
		if out.Command == "" {
			continue
		}
		words := strings.Fields(fill.Replace(out.Command))
		root := newApp(Streams{}).rootCommand()
		c, rest, err := root.Find(words[1:])
		if err != nil || !c.Runnable() || words[0] != "starter" {
			t.Errorf("%s: there is no such command: %v", out.Command, err)
			continue
		}
		if err := c.ParseFlags(rest); err != nil {
			t.Errorf("%s: %v", out.Command, err)
		} else if err := c.ValidateArgs(c.Flags().Args()); err != nil {
			t.Errorf("%s: %v", out.Command, err)
		}
	}
}
