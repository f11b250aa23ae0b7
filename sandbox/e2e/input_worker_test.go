package e2e_test

import (
	"bytes"
	"context"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// wrongWorkers makes sure that a worker whose settings or surroundings are wrong
// ends at once with one line that says what helps.
func wrongWorkers(t *testing.T, w *world, another string) {
	t.Helper()
	for _, c := range []struct {
		name        string
		environment []string
		words       []string
	}{
		{"no keyset", []string{"KVITT_KEYSET_FILE="}, []string{"KVITT_KEYSET", "starter keyset new"}},
		{"another keyset", []string{"KVITT_KEYSET_FILE=", "KVITT_KEYSET=" + another}, []string{"keyset"}},
		{"no such database", []string{"KVITT_DATABASE_URL=postgres://kvitt@127.0.0.1:1/kvitt?connect_timeout=2"}, []string{"database", "127.0.0.1:1"}},
		{"a database without tables", []string{"KVITT_DATABASE_URL=sqlite:" + filepath.Join(t.TempDir(), "empty.db")}, []string{"starter setup"}},
		{"no Temporal", []string{"TEMPORAL_ADDRESS=127.0.0.1:1"}, []string{"Temporal", "127.0.0.1:1", "TEMPORAL_ADDRESS"}},
		{"an unknown role", []string{"KVITT_ROLES=waiter"}, []string{"KVITT_ROLES", "waiter"}},
		{"an unknown level", []string{"KVITT_LOG_LEVEL=loud"}, []string{"KVITT_LOG_LEVEL", "loud"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second)
			defer cancel()
			worker := exec.CommandContext(ctx, filepath.Join(bin, "worker"))
			worker.Env = append(w.Command(ctx).Env, append([]string{"KVITT_METRICS_ADDR=127.0.0.1:0", "KVITT_ROLES=worker"}, c.environment...)...)
			worker.Cancel = func() error { return worker.Process.Signal(os.Interrupt) }
			worker.WaitDelay = 5 * time.Second
			var stdout, stderr bytes.Buffer
			worker.Stdout, worker.Stderr = &stdout, &stderr
			err := worker.Run()
			if worker.ProcessState == nil || worker.ProcessState.ExitCode() != 1 || stdout.Len() > 0 {
				t.Fatalf("ended with %v, standard output %q, standard error:\n%s", err, stdout.String(), stderr.String())
			}
			text := strings.TrimSpace(stderr.String())
			for _, word := range c.words {
				if !strings.Contains(text, word) {
					t.Errorf("the message lacks %q: %s", word, text)
				}
			}
			if strings.Count(text, "\n") > 0 {
				t.Errorf("there is more than one line:\n%s", text)
			}
		})
	}
}
