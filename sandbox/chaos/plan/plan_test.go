package plan_test

import (
	"testing"

	"kvitt/sandbox/chaos/plan"
)

func TestOneSeedIsOnePlan(t *testing.T) {
	for seed := range uint64(50) {
		if a, b := plan.Draw(seed).String(), plan.Draw(seed).String(); a != b {
			t.Fatalf("seed %d gives\n%s\nand then\n%s", seed, a, b)
		}
	}
	if plan.Draw(1).String() == plan.Draw(2).String() {
		t.Error("two seeds give the same plan")
	}
}

func TestTwoHundredPlansInARowContainEveryFault(t *testing.T) {
	drawn := map[string]int{}
	for seed := range uint64(200) {
		for _, f := range plan.Draw(seed + 1).Faults {
			drawn[f.Name()]++
		}
	}
	for _, name := range plan.Names() {
		if drawn[name] == 0 {
			t.Errorf("200 plans never contain %q", name)
		}
	}
	for _, wanted := range []string{
		"Visma.net: 502 with HTML, post the batch", "Visma.net: the job is gone (410), all done, post the batch",
		"Visma.net: no answer, all done, listed late, post the batch", "Visma.net: done after the cut, release",
		"Klarna: 429 without, rows", "Klarna: pages shift: rows came, rows", "Processes: Temporal is killed, at any moment",
		"Database: PostgreSQL refuses connections, at any moment", "Database: SQLite's disk is full, at any moment",
		"Visma Connect: the approval is revoked in mid-flight", "Processes: the worker is killed, at sending: it has arrived and is not answered",
	} {
		if drawn[wanted] == 0 {
			t.Errorf("%q is missing", wanted)
		}
	}
}

func TestEveryFaultFitsItsPlan(t *testing.T) {
	for seed := range uint64(500) {
		p := plan.Draw(seed)
		for _, f := range p.Faults {
			if (f.Deed == plan.KillDatabase) && p.Database == plan.SQLite || f.Deed == plan.FillDisk && p.Database != plan.SQLite {
				t.Errorf("plan %d on %s has %s", seed, p.Database, f.Name())
			}
			if f.Payout >= p.Payouts {
				t.Errorf("plan %d of %d payouts strikes payout %d", seed, p.Payouts, f.Payout)
			}
		}
	}
}

// A plan's change to a fault must not affect the next plan.
func TestPlansShareNothing(t *testing.T) {
	for seed := range uint64(100) {
		p := plan.Draw(seed)
		for _, f := range p.Faults {
			if f.Visma != nil {
				f.Visma.Name, f.Visma.Times = "spoilt", 99
			}
			if f.Klarna != nil {
				f.Klarna.Name, f.Klarna.Times = "spoilt", 99
			}
		}
		for _, f := range plan.Draw(seed).Faults {
			if f.Visma != nil && f.Visma.Name == "spoilt" || f.Klarna != nil && f.Klarna.Name == "spoilt" {
				t.Fatalf("plan %d is spoilt", seed)
			}
		}
	}
}
