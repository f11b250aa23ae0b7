package cli

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"kvitt/internal/voucher"
	"kvitt/workflows"
)

// edited writes the Swedish preset with a change to a file.
func edited(t *testing.T, before, after string) string {
	t.Helper()
	preset, err := voucher.Preset("se-bas")
	if err != nil {
		t.Fatal(err)
	}
	if !strings.Contains(string(preset), before) {
		t.Fatalf("the preset has no %q", before)
	}
	file := filepath.Join(t.TempDir(), "profile.yaml")
	if err := os.WriteFile(file, []byte(strings.ReplaceAll(string(preset), before, after)), 0o600); err != nil {
		t.Fatal(err)
	}
	return file
}

// configured is the connection after it was told.
func configured(m message) (any, error) {
	s := workflows.Status{ID: "shop-1", Settings: m.in.(workflows.Configure).Settings}
	if s.Posting == "" {
		s.Posting = "auto"
	}
	return s, nil
}

func TestShowPrintsTheDocumentSoThatItCanBeSetAgain(t *testing.T) {
	d := newDesk(t)
	d.connected("shop-1")
	preset, err := voucher.Preset("se-bas")
	if err != nil {
		t.Fatal(err)
	}
	s := d.want(d.run("profile", "show", "shop-1"), ExitDone)
	if s.out != string(preset) {
		t.Error("it is not the document")
	}
	contains(t, s.err, "Version 1, set by anna at ")
	if got := document[profileDocument](t, d.want(d.run("profile", "show", "shop-1", "--output", "json"), ExitDone)); got.Version != 1 || got.Document != string(preset) || got.Hash == "" {
		t.Errorf("%+v", got)
	}
	contains(t, d.fails(ExitFailed, "profile", "show", "shop-1", "--version", "7"), "Show version 7 of the posting profile of shop-1: there is none. The latest is version 1.")
}

func TestSetAddsAVersionAndTellsTheConnectionAndWhoeverWaits(t *testing.T) {
	d := newDesk(t)
	d.connected("shop-1")
	d.payouts("shop-1")
	d.temporal.onUpdate = configured
	file := edited(t, `clearing: "1686"`, `clearing: "1580"`)
	s := d.want(d.run("profile", "set", "shop-1", file), ExitDone)
	contains(t, s.out, "The connection shop-1 uses version 2 of its profile (Sweden (BAS 2026)). 1 waiting payout looked at again.")
	if got := d.temporal.updates[0].String(); !strings.Contains(got, "ConfigureConnection") || !strings.Contains(got, "ProfileVersion:2") || !strings.Contains(got, "Posting: ") {
		t.Error(got)
	}
	if len(d.temporal.signals) != 1 || d.temporal.signals[0].String() != "payout/shop-1/P2 ProfileChanged 2" {
		t.Errorf("%v", d.temporal.signals)
	}
}

func TestSetChangesThePostingModeWhenTheProfileDoes(t *testing.T) {
	d := newDesk(t)
	d.connected("shop-1") // auto, by its own choice; the profile says review
	d.temporal.onUpdate = configured
	got := document[profileSet](t, d.want(d.run("profile", "set", "shop-1", edited(t, "mode: review", "mode: draft"), "--output", "json"), ExitDone))
	if got.Posting != "draft" || got.Version != 2 {
		t.Errorf("%+v", got)
	}
}

func TestAProfileWithATypoSaysTheLineAndColumn(t *testing.T) {
	d := newDesk(t)
	d.connected("shop-1")
	file := edited(t, "SALE/PURCHASE: {account: clearing", "SALE/PURCHASE: {acount: clearing")
	for _, args := range [][]string{{"profile", "check", file}, {"profile", "set", "shop-1", file}, {"connection", "create", "--name", "x", "--profile", file}} {
		message := d.fails(ExitFailed, args...)
		contains(t, message, "Read the posting profile "+file+": line ", ", column ", "acount")
	}
	if p, err := d.store.Profile(t.Context(), "shop-1", 0); err != nil || p.Version != 1 || len(d.temporal.updates) > 0 {
		t.Errorf("version %d, %v", p.Version, err)
	}
	contains(t, d.fails(ExitFailed, "profile", "set", "shop-1", "/no/such"), "Read the posting profile /no/such: no such file or directory.")
}

func TestCheckSaysWhatAProfileWouldUse(t *testing.T) {
	environment(t) // it needs no settings
	d := &desk{t: t, temporal: newPlayed(), console: &person{}}
	file := edited(t, "review_first: 0", "review_first: 3")
	contains(t, d.want(d.run("profile", "check", file), ExitDone).out, "Sweden (BAS 2026) is a profile that can be used.", "Time zone Europe/Stockholm, posting review", "16861", "SALE/PURCHASE")
	if got := document[profileSummary](t, d.want(d.run("profile", "check", file, "--output", "json"), ExitDone)); len(got.Accounts) < 5 || got.Currencies == nil {
		t.Errorf("%+v", got)
	}
}

func TestCheckNamesWhatHasNoEffectAnyMore(t *testing.T) {
	environment(t)
	d := &desk{t: t, temporal: newPlayed(), console: &person{}}
	file := edited(t, "accrual: {", "accrual: {clearing: clearing, fees: fees, other: disputes, ")
	contains(t, d.want(d.run("profile", "check", file), ExitDone).out, "Without effect, and can be removed: accrual.clearing, accrual.fees, accrual.other.")
	if got := document[profileSummary](t, d.want(d.run("profile", "check", file, "--output", "json"), ExitDone)); len(got.WithoutEffect) != 3 {
		t.Errorf("%+v", got)
	}
	if out := d.want(d.run("profile", "check", edited(t, "review_first: 0", "review_first: 3")), ExitDone).out; strings.Contains(out, "Without effect") {
		t.Errorf("the preset has members without effect:\n%s", out)
	}
}

func TestPresetsAreListedAndPrinted(t *testing.T) {
	environment(t)
	d := &desk{t: t, temporal: newPlayed(), console: &person{}}
	contains(t, d.want(d.run("profile", "presets"), ExitDone).out, "se-bas", "se-bas-2025", "no-ns4102", "fi", "dk")
	s := d.want(d.run("profile", "presets", "fi"), ExitDone)
	if _, err := voucher.ParseProfile([]byte(s.out)); err != nil {
		t.Error(err)
	}
}
