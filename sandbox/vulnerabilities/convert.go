package main

import (
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"
)

// entry holds the fields of an entry that the indexes need; the entry itself is copied unchanged. Source:
// the schema of the Go vulnerability database, version 1.
type entry struct {
	ID       string     `json:"id"`
	Modified time.Time  `json:"modified"`
	Aliases  []string   `json:"aliases,omitempty"`
	Affected []affected `json:"affected,omitempty"` // not in an index
}

type affected struct {
	Package struct{ Name string }
	Ranges  []struct {
		Events []struct{ Fixed string }
	}
}

// vuln is an entry in the index of modules.
type vuln struct {
	ID       string    `json:"id"`
	Modified time.Time `json:"modified"`
	Fixed    string    `json:"fixed,omitempty"`
}

type module struct {
	Path  string `json:"path"`
	Vulns []vuln `json:"vulns"`
}

// convert writes the entries of the module in the layout in which `govulncheck -db` reads a database, and
// returns their number.
func convert(from, to string, made time.Time) (int, error) {
	files, err := filepath.Glob(filepath.Join(from, "data", "osv", "*.json"))
	switch {
	case err != nil:
		return 0, err
	case len(files) == 0:
		return 0, errors.New("it has no entries")
	}
	for _, folder := range []string{"ID", "index"} {
		if err := os.MkdirAll(filepath.Join(to, folder), 0o700); err != nil {
			return 0, err
		}
	}
	modules := map[string][]vuln{}
	vulns := []entry{}
	for _, file := range files {
		document, err := os.ReadFile(file)
		if err != nil {
			return 0, err
		}
		var e entry
		if err := json.Unmarshal(document, &e); err != nil {
			return 0, fmt.Errorf("read the entry %s: %w", filepath.Base(file), err)
		}
		if e.ID+".json" != filepath.Base(file) {
			return 0, fmt.Errorf("read the entry %s: it is that of %s", filepath.Base(file), e.ID)
		}
		if err := os.WriteFile(filepath.Join(to, "ID", e.ID+".json"), document, 0o600); err != nil {
			return 0, err
		}
		for path, fixed := range e.modules() {
			modules[path] = append(modules[path], vuln{e.ID, e.Modified, fixed})
		}
		vulns = append(vulns, entry{ID: e.ID, Modified: e.Modified, Aliases: e.Aliases})
	}
	byPath := []module{}
	for path, of := range modules {
		byPath = append(byPath, module{path, of})
	}
	slices.SortFunc(byPath, func(a, b module) int { return cmp.Compare(a.Path, b.Path) })
	return len(files), errors.Join(
		write(to, "db", map[string]time.Time{"modified": made}),
		write(to, "modules", byPath), write(to, "vulns", vulns))
}

// modules returns the modules that the entry affects, with the version that fixes it where that is the
// last event; "" means not fixed.
func (e *entry) modules() map[string]string {
	out := map[string]string{}
	for _, a := range e.Affected {
		fixed := ""
		for _, r := range a.Ranges {
			fixed = ""
			for _, event := range r.Events {
				fixed = event.Fixed // "" again where a later version reintroduced it
			}
		}
		if before, twice := out[a.Package.Name]; twice && before != fixed {
			fixed = "" // two ranges: govulncheck reads them in the entry
		}
		out[strings.TrimSpace(a.Package.Name)] = fixed
	}
	return out
}

func write(to, name string, document any) error {
	out, err := json.Marshal(document)
	if err != nil {
		return err
	}
	return os.WriteFile(filepath.Join(to, "index", name+".json"), out, 0o600)
}
