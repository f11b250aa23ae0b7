package deploytest

import (
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

var (
	testDeclared = regexp.MustCompile(`(?m)^func (Test[A-Za-z0-9_]+)\(`)
	testNamed    = regexp.MustCompile("`(Test[A-Za-z0-9_]+)`")
	requirement  = regexp.MustCompile(`(?m)^\| (\d+\.\d+\.\d+) \| (met|not met|n/a) \| (.*) \|$`)
)

// declared returns the names of all tests of the module.
func declared(t *testing.T) map[string]bool {
	t.Helper()
	all := map[string]bool{}
	err := filepath.WalkDir(filepath.Join("..", ".."), func(name string, d fs.DirEntry, err error) error {
		switch {
		case err != nil:
			return err
		case d.IsDir() && (d.Name() == "node_modules" || d.Name() == ".git"):
			return filepath.SkipDir
		case d.IsDir() || !strings.HasSuffix(name, "_test.go"):
			return nil
		}
		text, err := os.ReadFile(name)
		for _, found := range testDeclared.FindAllStringSubmatch(string(text), -1) {
			all[found[1]] = true
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return all
}

func TestTheTableOfRequirementsNamesTestsThatThereAre(t *testing.T) {
	text, there := read(t, "docs/security.md"), declared(t)
	for _, named := range testNamed.FindAllStringSubmatch(text, -1) {
		if !there[named[1]] {
			t.Errorf("docs/security.md names %s, which is no test", named[1])
		}
	}
	count, seen := map[string]int{}, map[string]bool{}
	for _, row := range requirement.FindAllStringSubmatch(text, -1) {
		if seen[row[1]] {
			t.Errorf("%s is listed twice", row[1])
		}
		seen[row[1]] = true
		count[row[2]]++
		if len(row[3]) < 5 {
			t.Errorf("%s is %s without a reason: %q", row[1], row[2], row[3])
		}
	}
	if total := len(seen); total != 253 {
		t.Errorf("%d requirements of levels 1 and 2 are listed, want 253", total)
	}
	if met, all := count["met"], count["met"]+count["not met"]; met*100 < all*90 {
		t.Errorf("%d of %d are met, fewer than 90 %%", met, all)
	}
}
