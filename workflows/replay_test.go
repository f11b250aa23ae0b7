package workflows_test

import (
	"os"
	"path/filepath"
	"testing"

	"go.temporal.io/sdk/worker"

	"kvitt/workflows"
)

// TestRecordedHistoriesReplay holds today's code against the histories of
// released code: a change that is not deterministic fails here, before it
// meets a workflow that has been waiting for months.
func TestRecordedHistoriesReplay(t *testing.T) {
	for _, name := range []string{workflows.ConnectionWorkflowName, workflows.SettlementSyncWorkflowName, workflows.PayoutWorkflowName, workflows.ReversePayoutWorkflowName} {
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

func TestEveryWorkflowHasARecordedHistory(t *testing.T) {
	folders, err := os.ReadDir(filepath.Join("testdata", "histories"))
	if err != nil {
		t.Fatal(err)
	}
	if len(folders) != 4 {
		t.Errorf("%d folders of histories for 4 workflow types", len(folders))
	}
}
