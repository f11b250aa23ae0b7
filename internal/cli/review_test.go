package cli

import (
	"context"
	"errors"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"kvitt/internal/instruct"
	"kvitt/internal/operate"
	"kvitt/internal/store"
	"kvitt/workflows"
)

// awaiting lets two of the stored payouts await approval.
func (d *desk) awaiting(connection string) {
	d.t.Helper()
	d.connected(connection)
	d.payouts(connection)
	for _, r := range []string{"P2", "P3"} {
		d.change(connection, r, func(p *store.Payout) error {
			p.State, p.HeldReason, p.VoucherHash = workflows.StateAwaitingApproval, "approval", "hash-"+r
			return nil
		})
	}
}

func TestAllThatAwaitApprovalAreApprovedEachForTheVoucherThatWasShown(t *testing.T) {
	d := newDesk(t)
	d.awaiting("shop-1")
	d.temporal.onUpdate = func(m message) (any, error) {
		if strings.Contains(m.workflowID, "P3") {
			return nil, &operate.RefusalError{Words: "approve payout P3: anna made version 2 of the posting profile"}
		}
		return workflows.Accepted{State: workflows.StateVerified}, d.store.UpdatePayout(t.Context(), "shop-1", "P2", func(p *store.Payout) error {
			p.State, p.HeldReason = workflows.StateVerified, ""
			return nil
		}, nil)
	}
	contains(t, d.fails(ExitUsage, "payout", "approve", "shop-1", "--all"),
		"This approves and posts 2 payouts: 875.00 SEK in 1 payout, 50.00 EUR in 1 payout. Nobody can be asked here; --yes says that it is meant")
	d.console.answers = []string{"no"}
	d.want(d.run("payout", "approve", "shop-1", "--all"), ExitFailed)
	if len(d.temporal.updates) > 0 {
		t.Fatalf("before it was confirmed %v was asked for", d.temporal.updates)
	}
	s := d.run("payout", "approve", "shop-1", "--all", "--yes", "--output", "json")
	if s.status != ExitFailed {
		t.Errorf("exit status %d when one was refused", s.status)
	}
	got := document[approvedAll](t, s)
	want := approvedAll{Connection: "shop-1", Approved: 1, Refused: 1, Payouts: []decidedOne{
		{decided: decided{"P2", "verified", "", ""}},
		{decided{"P3", "awaiting_approval", "approval", ""}, "Approve payout P3: anna made version 2 of the posting profile."},
	}}
	if diff := cmp.Diff(want, got, cmp.AllowUnexported(decidedOne{})); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	for _, m := range d.temporal.updates {
		reference := m.workflowID[strings.LastIndex(m.workflowID, "/")+1:]
		if p := m.in.(workflows.Person); m.name != "Approve" || p.VoucherHash != "hash-"+reference || p.Who != "anna" {
			t.Errorf("asked for was %v", m)
		}
	}
	contains(t, d.want(d.run("payout", "approve", "shop-1", "--all", "--yes", "--to", "2026-01-14"), ExitDone).out, "No payout awaits approval.")
	contains(t, d.fails(ExitUsage, "payout", "approve", "shop-1", "P3", "--yes"), "--from, --to and --yes go with --all")
	contains(t, d.fails(ExitUsage, "payout", "approve", "shop-1"), "a payment reference (or --all)")
}

func TestManyApprovalsAtOnceAnswerInTheOrderOfThePayouts(t *testing.T) {
	played := newPlayed()
	played.onUpdate = func(m message) (any, error) {
		if strings.HasSuffix(m.workflowID, "7") {
			return nil, operate.ErrStillGoing
		}
		return workflows.Accepted{State: "verified"}, nil
	}
	chosen := make([]operate.Chosen, 40)
	for i := range chosen {
		chosen[i] = operate.Chosen{PaymentReference: strings.Repeat("x", i+1) + string(rune('0'+i%10)), VoucherHash: "h"}
	}
	chosen[3].VoucherHash = ""
	got := (&operate.Desk{Temporal: played, Instructions: written{}}).ApproveAll(t.Context(), "c1", chosen, "anna", 0)
	for i, a := range got {
		switch {
		case a.PaymentReference != chosen[i].PaymentReference:
			t.Errorf("answer %d is about %s", i, a.PaymentReference)
		case i == 3 && a.Err == nil:
			t.Error("a payout whose voucher nobody saw was approved")
		case i != 3 && a.Going != (i%10 == 7):
			t.Errorf("answer %d: %+v", i, a)
		}
	}
}

func TestAProfileIsTriedOnAPastPayoutBeforeItIsSet(t *testing.T) {
	d := newDesk(t)
	d.connected("shop-1")
	file := edited(t, `fees: "6064"`, `fees: "6040"`)
	contains(t, d.fails(ExitFailed, "profile", "set", "shop-1", file, "--preview", "latest"), "none has been proven yet")
	d.payouts("shop-1")
	s := d.want(d.run("profile", "set", "shop-1", file, "--preview", "latest"), ExitDone)
	contains(t, s.out, "Payout P1, 875.00 SEK. Left: version 1, in use. Right: this file.", "≠", "6064", "6040", "1 change. ≠ changed", "Nothing was set.")
	got := document[profilePreview](t, d.want(d.run("profile", "set", "shop-1", file, "--preview", "P1", "--output", "json"), ExitDone))
	if got.Changes != 1 || got.Old == nil || got.New == nil || got.Version != 1 {
		t.Errorf("%+v", got)
	}
	held := edited(t, `SALE/PURCHASE: {account: clearing}`, ``)
	contains(t, d.want(d.run("profile", "set", "shop-1", held, "--preview", "P1"), ExitDone).out, "This file: the payout would be held.", "has no rule for SALE/PURCHASE")
	if p, err := d.store.Profile(t.Context(), "shop-1", 0); err != nil || p.Version != 1 || len(d.temporal.updates) > 0 {
		t.Errorf("a preview set version %d, %v", p.Version, err)
	}
	row, err := d.store.Payout(t.Context(), "shop-1", "P1")
	if err != nil || row.ProfileVersion != 1 || row.State != workflows.StateVerified {
		t.Errorf("a preview changed the payout: %+v, %v", row, err)
	}
}

func TestTheHistoryOfAProfileSaysWhoAndWhyAndWhatDiffers(t *testing.T) {
	d := newDesk(t)
	d.connected("shop-1")
	d.temporal.onUpdate = configured
	contains(t, d.want(d.run("profile", "set", "shop-1", edited(t, `fees: "6064"`, `fees: "6040"`), "--reason", "the accountant wants 6040"), ExitDone).out,
		"version 2 of its profile", "Payouts await approval until 1 payout with it is verified.")
	contains(t, d.want(d.run("profile", "history", "shop-1"), ExitDone).out, "2  ", "anna", "the accountant wants 6040")
	all := document[[]profileDocument](t, d.want(d.run("profile", "history", "shop-1", "--output", "json"), ExitDone))
	if len(all) != 2 || all[0].Version != 2 || all[0].Reason != "the accountant wants 6040" || all[1].Reason != "" || all[0].Document != "" {
		t.Errorf("%+v", all)
	}
	contains(t, d.want(d.run("profile", "diff", "shop-1", "1", "2"), ExitDone).out, `-   fees: "6064"`, `+   fees: "6040"`)
	contains(t, d.want(d.run("profile", "diff", "shop-1", "2", "2"), ExitDone).out, "The two versions are the same.")
	contains(t, d.fails(ExitFailed, "profile", "diff", "shop-1", "1", "3"), "Show version 3 of the posting profile of shop-1: there is none.")
	contains(t, d.fails(ExitUsage, "profile", "diff", "shop-1", "one", "2"), `"one" is not a version`)
}

func TestADryRunsVoucherIsShown(t *testing.T) {
	d := newDesk(t)
	d.connected("shop-1")
	d.payouts("shop-1")
	contains(t, d.fails(ExitFailed, "payout", "preview", "shop-1", "P1"), "Show the preview of the payout P1: no dry run has looked at it.", "--dry-run")
	row, err1 := d.store.Payout(t.Context(), "shop-1", "P1")
	err2 := d.store.PutSyncRun(t.Context(), store.SyncRun{ID: "run", ConnectionID: "shop-1", Mode: "dry_run", From: noon, To: noon, StartedAt: noon})
	err3 := d.store.PutPreview(t.Context(), store.Preview{
		RunID: "run", ConnectionID: "shop-1", PaymentReference: "P1", State: workflows.StateCompiled, Voucher: row.Voucher, VoucherHash: row.VoucherHash, ProfileVersion: 1,
	})
	err4 := d.store.PutPreview(t.Context(), store.Preview{
		RunID: "run", ConnectionID: "shop-1", PaymentReference: "P2", State: workflows.StateHeld, HeldReason: "component_unknown", Held: d.json(heldOf(&row).Held),
	})
	if err := errors.Join(err1, err2, err3, err4); err != nil {
		t.Fatal(err)
	}
	contains(t, d.want(d.run("payout", "preview", "shop-1", "P1"), ExitDone).out, "Nothing of this is in the books.", "16861", "1686", "875.00")
	got := document[previewDetail](t, d.want(d.run("payout", "preview", "shop-1", "P1", "--output", "json"), ExitDone))
	if got.Voucher == nil || len(got.Voucher.Lines) != 5 || got.Run != "run" || got.Settlement != 875_00 {
		t.Errorf("%+v", got)
	}
	if got := document[previewDetail](t, d.want(d.run("payout", "preview", "shop-1", "P2", "--output", "json"), ExitDone)); got.Voucher != nil || got.Held == nil {
		t.Errorf("a held one: %+v", got)
	}
}

func TestASecondPairOfEyesIsAskedForWithAFlag(t *testing.T) {
	d := newDesk(t)
	d.temporal.onUpdate = configured
	d.want(d.run("connection", "create", "--name", "Shop", "--four-eyes"), ExitDone)
	rows, err := d.store.Connections(t.Context())
	if err != nil || len(rows) != 1 || !rows[0].FourEyes || !d.temporal.started[0].Input.(workflows.ConnectionInput).Settings.FourEyes {
		t.Fatalf("%+v, %v", rows, err)
	}
	for _, loosens := range [][]string{{"--four-eyes", "off"}, {"--posting", "auto"}} {
		contains(t, d.fails(ExitFailed, append([]string{"connection", "configure", rows[0].ID}, loosens...)...), "wants a second pair of eyes", "Ask for it in the portal")
	}
	if len(d.temporal.updates) != 0 {
		t.Fatalf("sent was %+v", d.temporal.updates)
	}
	d.want(d.run("connection", "configure", rows[0].ID, "--four-eyes", "on"), ExitDone)
	if m := d.temporal.updates[0].in.(workflows.Configure); m.FourEyes == nil || !*m.FourEyes || m.Settings.Posting != "" {
		t.Errorf("%+v", m)
	}
	contains(t, d.fails(ExitUsage, "connection", "configure", rows[0].ID), "Say what to change")
	contains(t, d.fails(ExitUsage, "connection", "configure", rows[0].ID, "--four-eyes", "both"), `--four-eyes is "both"; it is on or off`)
}

// written stands in for where it is written down who asks for what.
type written struct{}

func (written) Write(context.Context, instruct.Instruction) (string, error) { return "i1", nil }
