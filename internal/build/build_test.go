package build

import (
	"runtime/debug"
	"testing"
)

func TestTheBuildInfoIsRead(t *testing.T) {
	settings := func(pairs ...string) (all []debug.BuildSetting) {
		for i := 0; i < len(pairs); i += 2 {
			all = append(all, debug.BuildSetting{Key: pairs[i], Value: pairs[i+1]})
		}
		return all
	}
	for name, c := range map[string]struct {
		from debug.BuildInfo
		want string
	}{
		"released": {
			debug.BuildInfo{GoVersion: "go1.26.11", Main: debug.Module{Version: "v1.4.0"}, Settings: settings("vcs.revision", "abc", "vcs.time", "2026-01-31T08:00:00Z", "vcs.modified", "false")},
			"v1.4.0, commit abc, 2026-01-31T08:00:00Z, go1.26.11",
		},
		"changed": {
			debug.BuildInfo{GoVersion: "go1.26.11", Main: debug.Module{Version: "(devel)"}, Settings: settings("vcs.revision", "abc", "vcs.modified", "true")},
			"devel, commit abc with uncommitted changes, unknown, go1.26.11",
		},
		"no repository": {debug.BuildInfo{GoVersion: "go1.26.11"}, "devel, commit unknown, unknown, go1.26.11"},
	} {
		if got := from(&c.from).String(); got != c.want {
			t.Errorf("%s: %q, want %q", name, got, c.want)
		}
	}
}

func TestABuildWithoutARepositoryGetsItsCommitFromTheLinker(t *testing.T) {
	version, commit, date = "v1.4.0", "abc", "2026-01-31T08:00:00Z"
	defer func() { version, commit, date = "", "", "" }()
	got := from(&debug.BuildInfo{GoVersion: "go1.26.11"}).String()
	if want := "v1.4.0, commit abc, 2026-01-31T08:00:00Z, go1.26.11"; got != want {
		t.Errorf("%q, want %q", got, want)
	}
}
