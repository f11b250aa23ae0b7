package cli

import (
	"bytes"
	"os"
	"strings"
	"testing"
)

// The trial that the README shows is what the command prints.
func TestTheReadmeShowsATrialAsItIs(t *testing.T) {
	environment(t)
	t.Chdir("../..")
	text, err := os.ReadFile("README.md")
	if err != nil {
		t.Fatal(err)
	}
	_, rest, found := strings.Cut(string(text), "\n    $ bin/starter try ")
	shown, _, ended := strings.Cut(rest, "\nFor a payout of yours")
	if !found || !ended {
		t.Fatal("README.md shows no trial")
	}
	args, want, _ := strings.Cut(shown, "\n")
	var out, errs bytes.Buffer
	if status := Run(t.Context(), append([]string{"try"}, strings.Fields(args)...), Streams{In: bytes.NewReader(nil), Out: &out, Err: &errs}); status != ExitDone {
		t.Fatalf("exit status %d: %s", status, errs.String())
	}
	var got strings.Builder
	for line := range strings.Lines(out.String()) {
		got.WriteString(strings.TrimRight("    "+strings.TrimRight(line, "\n"), " ") + "\n")
	}
	if got.String() != want {
		t.Errorf("README.md shows\n%s\nand the command prints\n%s", want, got.String())
	}
}
