package main

import (
	"bytes"
	"context"
	"os"
	"strings"
	"testing"
	"unicode/utf8"

	"kvitt/internal/config"
)

func worker(args ...string) (status int, out, errs string) {
	var o, e bytes.Buffer
	status = command(context.Background(), args, &o, &e)
	return status, o.String(), e.String()
}

func TestHelpListsVariablesAndExitStatuses(t *testing.T) {
	for _, flag := range []string{"--help", "-h", "-help"} {
		status, out, errs := worker(flag)
		if status != 0 || errs != "" {
			t.Errorf("%s: exit status %d, %s", flag, status, errs)
		}
		for _, v := range config.Variables() {
			if !strings.HasSuffix(v.Name, "_FILE") && !strings.Contains(out, "  "+v.Name) {
				t.Errorf("%s does not name %s", flag, v.Name)
			}
		}
		for _, words := range []string{"does Kvitt's work", "Exit status: 0", "TEMPORAL_ADDRESS", "--healthcheck", "--version", "starter setup"} {
			if !strings.Contains(out, words) {
				t.Errorf("%s does not say %q", flag, words)
			}
		}
		for line := range strings.Lines(out) {
			if n := utf8.RuneCountInString(strings.TrimRight(line, "\n")); n > 80 {
				t.Errorf("%d columns: %s", n, line)
			}
		}
	}
}

func TestAnUnknownFlagOrArgumentIsRefused(t *testing.T) {
	for _, c := range []struct{ line, words string }{
		{"--healthchek", "there is no flag --healthchek"},
		{"--healthcheck=maybe", "healthcheck"},
		{"start", `takes no arguments, but got "start"`},
		{"--version now", `takes no arguments, but got "now"`},
	} {
		status, out, errs := worker(strings.Fields(c.line)...)
		if status != 2 || out != "" || !strings.Contains(errs, c.words) || !strings.Contains(errs, "`worker --help`") {
			t.Errorf("worker %s: exit status %d, %q %q", c.line, status, out, errs)
		}
	}
}

func TestVersionIsOneLine(t *testing.T) {
	status, out, errs := worker("--version")
	if status != 0 || errs != "" || !strings.HasPrefix(out, "worker ") || strings.Count(out, "\n") != 1 || !strings.Contains(out, "commit ") || !strings.Contains(out, "go1.") {
		t.Errorf("exit status %d, %q %q", status, out, errs)
	}
}

func TestASettingThatIsMissingFailsWithItsName(t *testing.T) {
	for _, pair := range os.Environ() {
		if name, value, _ := strings.Cut(pair, "="); strings.HasPrefix(name, "KVITT_") {
			t.Setenv(name, value)
			_ = os.Unsetenv(name)
		}
	}
	for _, args := range [][]string{nil, {"--healthcheck"}} {
		if status, _, errs := worker(args...); status != 1 || !strings.Contains(errs, "KVITT_KEYSET") {
			t.Errorf("%v: exit status %d, %q", args, status, errs)
		}
	}
}
