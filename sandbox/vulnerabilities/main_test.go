package main

import (
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

const anEntry = `{"id":"GO-2026-0001","modified":"0001-01-01T00:00:00Z","aliases":["CVE-2026-1"],"affected":[
	{"package":{"name":"example.com/m","ecosystem":"Go"},"ranges":[{"type":"SEMVER","events":[{"introduced":"0"},{"fixed":"1.2.3"}]}]},
	{"package":{"name":"stdlib","ecosystem":"Go"},"ranges":[{"type":"SEMVER","events":[{"introduced":"0"},{"fixed":"1.2.3"},{"introduced":"1.3.0"}]}]}]}`

// aDatabase makes the module as it is in the module cache.
func aDatabase(t *testing.T) string {
	t.Helper()
	dir := t.TempDir()
	put(t, filepath.Join(dir, "data", "osv", "GO-2026-0001.json"), anEntry, 0o600)
	return dir
}

func put(t *testing.T, path, text string, mode os.FileMode) {
	t.Helper()
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, []byte(text), mode); err != nil {
		t.Fatal(err)
	}
}

func TestTheDatabaseIsConverted(t *testing.T) {
	to := t.TempDir()
	made := time.Date(2026, 11, 5, 23, 49, 57, 0, time.UTC)
	n, err := convert(aDatabase(t), to, made)
	if err != nil || n != 1 {
		t.Fatalf("%d entries, %v", n, err)
	}
	for file, want := range map[string]string{
		"index/db.json":        `{"modified":"2026-11-05T23:49:57Z"}`,
		"index/modules.json":   `[{"path":"example.com/m","vulns":[{"id":"GO-2026-0001","modified":"0001-01-01T00:00:00Z","fixed":"1.2.3"}]},{"path":"stdlib","vulns":[{"id":"GO-2026-0001","modified":"0001-01-01T00:00:00Z"}]}]`,
		"index/vulns.json":     `[{"id":"GO-2026-0001","modified":"0001-01-01T00:00:00Z","aliases":["CVE-2026-1"]}]`,
		"ID/GO-2026-0001.json": anEntry,
	} {
		got, err := os.ReadFile(filepath.Join(to, file))
		if err != nil {
			t.Fatal(err)
		}
		var one, other any
		if err := json.Unmarshal(got, &one); err != nil {
			t.Fatal(err)
		}
		_ = json.Unmarshal([]byte(want), &other)
		if diff := cmp.Diff(other, one); diff != "" {
			t.Errorf("%s: %s", file, diff)
		}
	}
}

func TestAnInvalidDatabaseIsNotTakenForAnEmptyOne(t *testing.T) {
	empty := t.TempDir()
	if _, err := convert(empty, t.TempDir(), time.Now()); err == nil || err.Error() != "it has no entries" {
		t.Errorf("got %v", err)
	}
	put(t, filepath.Join(empty, "data", "osv", "GO-2026-0002.json"), anEntry, 0o600)
	if _, err := convert(empty, t.TempDir(), time.Now()); err == nil || !strings.Contains(err.Error(), "GO-2026-0002.json: it is that of GO-2026-0001") {
		t.Errorf("got %v", err)
	}
}

func TestOnlyACheckThatFindsNothingSucceeds(t *testing.T) {
	made := time.Date(2026, 11, 5, 0, 0, 0, 0, time.UTC)
	for name, c := range map[string]struct {
		download, scan string // scripts for `go mod download` and govulncheck
		days           int    // age of the database
		wrong          string // the error; "" for none
		says           string
	}{
		"nothing is found":          {"", "echo No vulnerabilities found.; exit 0", 30, "", "0 can be reached"},
		"one is found":              {"", "echo 'Vulnerability #1: GO-2026-0001'; exit 3", 1, "1 can be reached", "GO-2026-0001"},
		"an old database":           {"", "exit 0", 31, "the database is 31 days old", "2026-11-05"},
		"no answer from the proxy":  {`echo '{"Error":"dial tcp: no such host"}'; exit 1`, "exit 0", 1, "could not look: fetch the database: dial tcp: no such host", ""},
		"no Go":                     {"echo broken >&2; exit 2", "exit 0", 1, "could not look: fetch the database: go mod download", ""},
		"a broken govulncheck":      {"", "echo 'loading packages' >&2; exit 1", 1, "could not look: govulncheck: exit status 1", "loading packages"},
		"a version without a date":  {`echo '{"Version":"v1","Info":"/dev/null"}'`, "exit 0", 1, "does not say when it was made", ""},
		"an answer that is no JSON": {"echo hello", "exit 0", 1, "could not look: fetch the database: invalid character", ""},
	} {
		t.Run(name, func(t *testing.T) {
			dir, db := t.TempDir(), aDatabase(t)
			info := filepath.Join(dir, "v.info")
			put(t, info, `{"Version":"v0.0.0-1","Time":"2026-11-05T00:00:00Z"}`, 0o600)
			if c.download == "" {
				c.download = fmt.Sprintf(`echo '{"Version":"v0.0.0-1","Dir":%q,"Info":%q}'`, db, info)
			}
			put(t, filepath.Join(dir, "go"), "#!/bin/sh\nif [ \"$1\" = env ]; then echo go1.26.11; exit 0; fi\n"+c.download+"\n", 0o700)
			put(t, filepath.Join(dir, "govulncheck"), "#!/bin/sh\n"+c.scan+"\n", 0o700)
			t.Setenv("PATH", dir+":"+os.Getenv("PATH"))
			var out strings.Builder
			err := look(t.Context(), filepath.Join(dir, "govulncheck"), made.AddDate(0, 0, c.days), &out)
			if (err == nil) != (c.wrong == "") || err != nil && !strings.Contains(err.Error(), c.wrong) || !strings.Contains(out.String(), c.says) {
				t.Errorf("got %v\n%s", err, out.String())
			}
		})
	}
}

// TestWithoutTheModuleProxyItFails: nothing can be downloaded, and that is a failure.
func TestWithoutTheModuleProxyItFails(t *testing.T) {
	t.Setenv("GOPROXY", "off")
	t.Setenv("GOFLAGS", "-mod=mod")
	t.Setenv("GOMODCACHE", t.TempDir())
	t.Setenv("GOTOOLCHAIN", "local")
	var out strings.Builder
	err := look(t.Context(), "/bin/true", time.Now(), &out)
	if err == nil || !strings.Contains(err.Error(), "could not look: fetch the database") {
		t.Errorf("got %v\n%s", err, out.String())
	}
}

// TestLintLooks: a check that does not run finds nothing.
func TestLintLooks(t *testing.T) {
	out, err := exec.CommandContext(t.Context(), "make", "--dry-run", "--directory", "../..", "lint").CombinedOutput()
	if err != nil || !strings.Contains(string(out), "run ./sandbox/vulnerabilities") {
		t.Errorf("make lint does not check for known vulnerabilities: %v\n%s", err, out)
	}
}
