package cli

import (
	"testing"

	"kvitt/internal/held"
	"kvitt/internal/operate"
	"kvitt/internal/store"
	"kvitt/internal/voucher"
	"kvitt/workflows"
)

func TestAccrueSaysWhatIsMissing(t *testing.T) {
	d := reportsDesk(t)
	contains(t, d.fails(ExitUsage, "accrue", "shop-1"), "--at is required")
	contains(t, d.fails(ExitUsage, "accrue", "shop-1", "--at", "31.1.2026"), `--at is "31.1.2026"`)
	contains(t, d.fails(ExitFailed, "accrue", "shop-1", "--at", "2026-01-31"), "nothing was captured up to that day", "starter report unsettled shop-1")
	contains(t, d.want(d.run("accrue", "shop-1", "--list"), ExitDone).out, "No accrual was asked for yet.")
	if len(d.temporal.started) > 0 {
		t.Errorf("started %+v", d.temporal.started)
	}
}

func TestAnAccrualThatIsHeldLooksAgainWhenItIsAskedForAgain(t *testing.T) {
	d := reportsDesk(t)
	stands := workflows.AccrualStatus{
		AccrualResult: workflows.AccrualResult{State: workflows.StateHeld}, Told: true,
		Held: &workflows.Held{Code: held.BatchDiffers, Detail: "batch 000125 was changed"},
	}
	d.temporal.startError = operate.ErrRunning
	d.temporal.onQuery = func(string, string) (any, error) { return stands, nil }
	d.temporal.onUpdate = func(message) (any, error) {
		stands = workflows.AccrualStatus{AccrualResult: workflows.AccrualResult{State: workflows.StateVerified, BatchNumber: "000125"}, Done: true}
		return workflows.Accepted{State: workflows.StateVerified}, nil
	}
	s := &session{app: &app{}, store: d.store, vault: d.vault, temporal: d.temporal}
	one := operate.Booking{At: "2026-01-31", Currency: "SEK"}
	if err := s.postAccrual(t.Context(), "shop-1", &one); err != nil || one.BatchNumber != "000125" {
		t.Errorf("%+v %v", one, err)
	}
	if len(d.temporal.updates) != 1 || d.temporal.updates[0].workflowID != "accrual/shop-1/2026-01-31/SEK" || d.temporal.updates[0].name != "Retry" {
		t.Errorf("told %+v", d.temporal.updates)
	}
}

func TestAccrualsAreListed(t *testing.T) {
	d := reportsDesk(t)
	_, err := d.store.EnsureBooking(t.Context(), store.Booking{
		CompanyID: "5560001", Token: "[kvitt:0123456789abcdef]", ConnectionID: "shop-1", Kind: store.KindAccrual, Name: "accrual 2026-01-31 SEK", Day: "2026-01-31",
		VoucherHash: "h", Voucher: d.json(voucher.Voucher{Date: voucher.Date{Year: 2026, Month: 1, Day: 31}, Currency: "SEK"}), Period: "202601", Mode: "auto", State: "intended",
	})
	if err != nil {
		t.Fatal(err)
	}
	contains(t, d.want(d.run("accrue", "shop-1", "--list"), ExitDone).out, "2026-01-31", "SEK", "intended")

	decide := []string{"accrue", "shop-1", "--at", "2026-01-31", "--accept-batch", "000125"}
	contains(t, d.fails(ExitUsage, decide...), "--currency is required")
	decide = append(decide, "--currency", "sek")
	contains(t, d.fails(ExitUsage, decide...), "--reason is required")
	contains(t, d.fails(ExitUsage, append(decide, "--undo-decision", "p1")...), "one at a time")
	decide = append(decide, "--reason", "moved")
	contains(t, d.fails(ExitFailed, decide...), "it is not held")
	if err := d.store.PutStop(t.Context(), store.Stop{
		ConnectionID: "shop-1", Work: store.WorkAccrual, Name: "accrual 2026-01-31 SEK", Reason: string(held.BatchDiffers), Held: d.json(workflows.Held{Code: held.BatchDiffers}),
	}); err != nil {
		t.Fatal(err)
	}
	contains(t, d.want(d.run("accrue", "shop-1", "--list"), ExitDone).out, "--at 2026-01-31 --currency SEK --accept-batch BATCH")
	contains(t, d.fails(ExitFailed, "accrue", "shop-1", "--at", "2026-01-31", "--currency", "SEK", "--undo-decision", "p1", "--reason", "r"), `no decision "p1" in force`)
}
