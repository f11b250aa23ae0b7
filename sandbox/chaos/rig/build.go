package rig

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"strings"

	"kvitt/sandbox/stack"
)

// Edit replaces some text of one source file for a build. The file itself is left unchanged: Go's overlay
// puts the changed copy in its place. So the product has no code for the rig, and a change of the product
// that the edit no longer fits is an error, not a test that tests nothing.
type Edit struct{ File, Old, New string }

// Shortened returns the edits that shorten the product's waits, so that a plan takes seconds where
// production takes minutes. Everything else in the workers under test is as shipped.
func Shortened() []Edit {
	return []Edit{
		{"internal/visma/client.go", "DefaultTimeout = 3*time.Minute + 30*time.Second", "DefaultTimeout = 2 * time.Second"},
		{"internal/klarna/client.go", "defaultTimeout  = 90 * time.Second", "defaultTimeout  = 3 * time.Second"},
		{"workflows/steps.go", "pulse   = 30 * time.Second", "pulse   = 8 * time.Second"},
		{"workflows/steps.go", "quick   = 30 * time.Second", "quick   = 10 * time.Second"},
		{"activities/activities.go", "const every = 10 * time.Second", "const every = 2 * time.Second"},
		{"workflows/declare.go", "cmp.Or(a.Slowest, time.Minute)", "cmp.Or(a.Slowest, 5*time.Second)"},
	}
}

// JumpingClock makes the wall clock of a process jump an hour forward and, three seconds later, back
// again, for as long as it runs. Nothing else can move the clock of one Go process: it asks the kernel,
// past every library.
func JumpingClock() Edit {
	return Edit{
		filepath.Join(runtime.GOROOT(), "src/time/time.go"), //nolint:staticcheck // the Go that runs the rig builds its programs
		"\tmono -= startNano\n\tsec += unixToInternal - minWall\n",
		"\tmono -= startNano\n\tsec += unixToInternal - minWall\n\tif mono/3_000_000_000%2 == 1 {\n\t\tsec += 3600\n\t}\n",
	}
}

// Build compiles worker and starter into dir with edits to their source.
func Build(ctx context.Context, module, dir string, edits ...Edit) error {
	overlay, err := lay(module, dir, edits)
	if err != nil {
		return fmt.Errorf("build the programs of the rig: %w", err)
	}
	return stack.Build(ctx, module, dir, "-overlay", overlay)
}

// lay writes the changed copies and the overlay that names them.
func lay(module, dir string, edits []Edit) (string, error) {
	replace := map[string]string{}
	for _, e := range edits {
		path := e.File
		if !filepath.IsAbs(path) {
			path = filepath.Join(module, path)
		}
		copied := replace[path]
		if copied == "" {
			copied = filepath.Join(dir, strings.ReplaceAll(e.File, "/", "_"))
			source, err := os.ReadFile(path)
			if err != nil {
				return "", err
			}
			if err := os.WriteFile(copied, source, 0o600); err != nil {
				return "", err
			}
			replace[path] = copied
		}
		source, err := os.ReadFile(copied)
		if err != nil {
			return "", err
		}
		if n := strings.Count(string(source), e.Old); n != 1 {
			return "", fmt.Errorf("%q occurs %d times in %s, not once: adapt the edit to the source", e.Old, n, e.File)
		}
		if err := os.WriteFile(copied, []byte(strings.Replace(string(source), e.Old, e.New, 1)), 0o600); err != nil {
			return "", err
		}
	}
	b, err := json.Marshal(map[string]any{"Replace": replace})
	if err != nil {
		return "", err
	}
	overlay := filepath.Join(dir, "overlay.json")
	return overlay, os.WriteFile(overlay, b, 0o600)
}
