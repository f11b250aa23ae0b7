package foreign_test

import (
	"encoding/json"
	"os"
	"testing"
)

// Everybody installs it from their own registry, and gets the same versions.
func TestWhatIsInstalledIsPinnedAndNamesNoRegistry(t *testing.T) {
	text, err := os.ReadFile("package-lock.json")
	must(t, err)
	var lock struct {
		Packages map[string]struct {
			Version, Resolved, Integrity string
		}
	}
	must(t, json.Unmarshal(text, &lock))
	if len(lock.Packages) < 2 {
		t.Fatal("nothing is pinned")
	}
	for name, p := range lock.Packages {
		if name != "" && (p.Version == "" || p.Integrity == "") || p.Resolved != "" {
			t.Errorf("%q: version %q, integrity %q, resolved %q", name, p.Version, p.Integrity, p.Resolved)
		}
	}
}
