package main

import (
	"strings"
	"testing"
)

func TestOnlyNamedMeasurementsAreChosen(t *testing.T) {
	t.Parallel()
	for only, want := range map[string]string{"": "prove try memory backfill", "memory": "memory", "memory,try": "memory try"} {
		all, err := chosen(only)
		if err != nil {
			t.Fatal(err)
		}
		var names []string
		for _, m := range all {
			names = append(names, m.name)
		}
		if got := strings.Join(names, " "); got != want {
			t.Errorf("-only %q chooses %s", only, got)
		}
	}
	if _, err := chosen("memory,memmory"); err == nil || !strings.Contains(err.Error(), `"memmory"`) {
		t.Errorf("an unknown name: %v", err)
	}
}

func TestTheLiveHeapIsTheLargestAfterACollection(t *testing.T) {
	t.Parallel()
	const log = `{"level":"warn"}
gc 1 @0.010s 2%: 0.02+1.1+0.01 ms clock, 0.04+0.3/0.9/0.1+0.02 ms cpu, 3->4->2 MB, 4 MB goal, 0 MB stacks, 0 MB globals, 2 P
gc 2 @0.110s 2%: 0.02+1.1+0.01 ms clock, 0.04+0.3/0.9/0.1+0.02 ms cpu, 20->21->17 MB, 22 MB goal, 0 MB stacks, 0 MB globals, 2 P
gc 3 @0.210s 2%: 0.02+1.1+0.01 ms clock, 0.04+0.3/0.9/0.1+0.02 ms cpu, 25->26->16 MB, 26 MB goal, 0 MB stacks, 0 MB globals, 2 P (forced)
`
	if got, err := liveHeap(log); err != nil || got != 17 {
		t.Errorf("%v MiB, %v", got, err)
	}
	if _, err := liveHeap("nothing"); err == nil {
		t.Error("a worker without collections has a live heap")
	}
}
