package deploytest

import (
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
)

var (
	mdLink    = regexp.MustCompile(`\]\(([^)\s]+)\)`)
	mdHeading = regexp.MustCompile(`(?m)^#{1,6} (.+)$`)
	mdFile    = regexp.MustCompile("`((?:workflows|activities|internal|sandbox|worker|starter|deploy|docs)/[A-Za-z0-9_./-]*[A-Za-z0-9])`")
	notAnchor = regexp.MustCompile(`[^\p{L}\p{N} _-]`)
)

// manuals returns the documents of the repository, relative to its root.
func manuals(t *testing.T) []string {
	t.Helper()
	var all []string
	for _, pattern := range []string{"*.md", "docs/*.md", "docs/decisions/*.md"} {
		found, err := filepath.Glob(filepath.Join(root, pattern))
		if err != nil {
			t.Fatal(err)
		}
		for _, name := range found {
			rel, _ := filepath.Rel(root, name)
			all = append(all, rel)
		}
	}
	if len(all) < 60 {
		t.Fatalf("only %d documents were found", len(all))
	}
	return all
}

func anchors(text string) (all []string) {
	for _, h := range mdHeading.FindAllStringSubmatch(text, -1) {
		all = append(all, strings.ReplaceAll(notAnchor.ReplaceAllString(strings.ToLower(h[1]), ""), " ", "-"))
	}
	return all
}

func TestEveryLinkOfTheDocumentsLeadsSomewhere(t *testing.T) {
	for _, name := range manuals(t) {
		text := read(t, name)
		for _, found := range mdLink.FindAllStringSubmatch(text, -1) {
			target, anchor, _ := strings.Cut(found[1], "#")
			if strings.Contains(target, "://") || strings.HasPrefix(target, "mailto:") {
				continue
			}
			there := text
			if target != "" {
				at := filepath.Join(root, filepath.Dir(name), target)
				info, err := os.Stat(at)
				if err != nil {
					t.Errorf("%s links to %s, which does not exist", name, target)
					continue
				}
				if anchor == "" || info.IsDir() {
					continue
				}
				there = read(t, filepath.Join(filepath.Dir(name), target))
			}
			if !slices.Contains(anchors(there), anchor) {
				t.Errorf("%s links to %s, and there is no such heading", name, found[1])
			}
		}
	}
}

// Decisions name files by the names they had at the time.
func TestEveryFileThatTheDocumentsNameIsThere(t *testing.T) {
	for _, name := range manuals(t) {
		if strings.HasPrefix(name, filepath.Join("docs", "decisions")) {
			continue
		}
		for _, found := range mdFile.FindAllStringSubmatch(read(t, name), -1) {
			if _, err := os.Stat(filepath.Join(root, found[1])); err != nil {
				t.Errorf("%s names %s, which does not exist", name, found[1])
			}
		}
	}
}

func TestTheIndexOfDecisionsHasEachOnce(t *testing.T) {
	index := read(t, "docs/decisions/README.md")
	found, err := filepath.Glob(filepath.Join(root, "docs", "decisions", "0*.md"))
	if err != nil {
		t.Fatal(err)
	}
	for _, file := range found {
		if n := strings.Count(index, "]("+filepath.Base(file)+") |"); n != 1 {
			t.Errorf("docs/decisions/README.md has %s %d times", filepath.Base(file), n)
		}
	}
}

func TestTheReadmeStaysShort(t *testing.T) {
	if n := len(strings.Fields(read(t, "README.md"))); n > 1000 {
		t.Errorf("README.md has %d words; with more than 1000, move text to docs/", n)
	}
}
