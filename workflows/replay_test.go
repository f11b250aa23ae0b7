package workflows_test

import (
	"cmp"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"go.temporal.io/sdk/worker"

	"kvitt/workflows"
)

// types are the workflow types there are, in the order in which they came.
var types = []string{
	workflows.ConnectionWorkflowName, workflows.SettlementSyncWorkflowName, workflows.PayoutWorkflowName,
	workflows.ReversePayoutWorkflowName, workflows.AccrualWorkflowName,
}

// since is the number that an older release had; the others have them all.
var since = map[string]int{"v1": 3}

// TestRecordedHistoriesReplay holds today's code against the histories of
// released code: a change that is not deterministic fails here, before it
// meets a workflow that has been waiting for months.
func TestRecordedHistoriesReplay(t *testing.T) {
	for _, name := range types {
		files, err := filepath.Glob(filepath.Join("testdata", "histories", name, "*.json"))
		if err != nil || len(files) == 0 {
			t.Fatalf("no history of %s is recorded (%v)", name, err)
		}
		for _, file := range files {
			t.Run(name+"/"+filepath.Base(file), func(t *testing.T) {
				r := worker.NewWorkflowReplayer()
				workflows.Register(r)
				if err := r.ReplayWorkflowHistoryFromJSONFile(nil, file); err != nil {
					t.Error(err)
				}
			})
		}
	}
}

// TestEveryReleaseHasRecordedEveryWorkflow makes sure that what replays is
// all of a release: its histories begin with its name.
func TestEveryReleaseHasRecordedEveryWorkflow(t *testing.T) {
	files, err := filepath.Glob(filepath.Join("testdata", "histories", "*", "*.json"))
	if err != nil || len(files) == 0 {
		t.Fatalf("there are no histories (%v)", err)
	}
	recorded := map[string]map[string]bool{}
	for _, file := range files {
		release, _, _ := strings.Cut(filepath.Base(file), "-")
		if recorded[release] == nil {
			recorded[release] = map[string]bool{}
		}
		recorded[release][filepath.Base(filepath.Dir(file))] = true
	}
	for release, has := range recorded {
		if len(has) != cmp.Or(since[release], len(types)) {
			t.Errorf("release %s has recorded %v only", release, has)
		}
	}
}

func TestEveryWorkflowHasARecordedHistory(t *testing.T) {
	folders, err := os.ReadDir(filepath.Join("testdata", "histories"))
	if err != nil {
		t.Fatal(err)
	}
	if len(folders) != len(types) {
		t.Errorf("%d folders of histories for %d workflow types", len(folders), len(types))
	}
}
