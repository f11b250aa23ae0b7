package cli

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/spf13/cobra"

	"kvitt/internal/store"
	"kvitt/workflows"
)

// completed returns what a shell is offered for the last word of a line.
func (d *desk) completed(line ...string) string {
	d.t.Helper()
	s := d.run(append([]string{cobra.ShellCompNoDescRequestCmd}, line...)...)
	if rest := strings.TrimSpace(s.err); s.status != ExitDone || !strings.HasPrefix(rest, "Completion ended with directive") {
		d.t.Errorf("%q is not quiet: %d %s", line, s.status, s.err)
	}
	offered, _, _ := strings.Cut(s.out, ":")
	return strings.Join(strings.Fields(offered), " ")
}

func TestShellsCompleteIDsReferencesAndStates(t *testing.T) {
	d := newDesk(t)
	d.connected("shop-1")
	d.connected("shop-2")
	d.payouts("shop-1")
	for _, c := range []struct{ line, want string }{
		{"connection show |", "shop-1 shop-2"},
		{"connection show shop-2|", "shop-2"},
		{"connection show shop-1 |", ""},
		{"connection list |", ""},
		{"sync s|", "shop-1 shop-2"},
		{"audit |", "shop-1 shop-2"},
		{"payout show shop-1 |", "P3 P2 P1"},
		{"payout show shop-1 P2|", "P2"},
		{"payout show shop-1 P%|", ""},
		{"payout show shop-2 |", ""},
		{"payout show nobody |", ""},
		{"payout retry shop-1 |", "P2"},
		{"payout reverse shop-1 |", "P1"},
		{"payout approve shop-1 |", ""},
		{"find shop-1 P|", "P3 P2 P1"},
		{"profile diff shop-1 |", "1"},
		{"payout list shop-1 --state |", strings.Join(payoutStates, " ")},
		{"report fees shop-1 --format |", "table csv xlsx pdf"},
		{"connection create --posting |", "draft review auto"},
		{"connection list --output |", "table json"},
	} {
		words := strings.Fields(strings.TrimSuffix(c.line, "|"))
		if strings.HasSuffix(c.line, " |") {
			words = append(words, "")
		}
		if got := d.completed(words...); got != c.want {
			t.Errorf("%s offers %q, want %q", c.line, got, c.want)
		}
	}
	described := d.run(cobra.ShellCompRequestCmd, "payout", "show", "shop-1", "P1").out
	contains(t, described, "P1\t2026-01-13, 875.00 SEK, verified")
}

func TestEveryArgumentOfEveryCommandIsCompleted(t *testing.T) {
	known := map[string]bool{"ID": true, "REF": true, "V1": true, "V2": true, "FILE": true, "NAME": true, "EMAIL": true, "NUMBER": true}
	everyCommand(newApp(Streams{}).rootCommand(), func(c *cobra.Command) {
		for _, word := range argumentsOf(c) {
			if !known[word] {
				t.Errorf("%s: nothing says how %s is completed", c.CommandPath(), word)
			}
		}
	})
}

func TestCompletionSaysNothingWhenItCannotAsk(t *testing.T) {
	d := newDesk(t)
	missing := filepath.Join(t.TempDir(), "no.db")
	for _, pair := range []string{"KVITT_DATABASE_URL=sqlite:" + missing, "KVITT_DATABASE_URL=postgres://127.0.0.1:1/kvitt", "KVITT_DATABASE_URL=mysql:x", "KVITT_KEYSET="} {
		t.Run(pair, func(t *testing.T) {
			name, value, _ := strings.Cut(pair, "=")
			t.Setenv(name, value)
			began := time.Now()
			if got := d.completed("payout", "show", "shop-1", ""); got != "" {
				t.Errorf("it offers %q", got)
			}
			if took := time.Since(began); took > 3*completeWithin {
				t.Errorf("it took %s", took)
			}
		})
	}
	if _, err := os.Stat(missing); !os.IsNotExist(err) {
		t.Error("completion has made a database")
	}
}

func TestCompletionNamesThePayoutsDayOfTheCompany(t *testing.T) {
	d := newDesk(t)
	d.connected("shop-1")
	if _, err := d.store.UpsertPayouts(t.Context(), "shop-1", []store.Payout{{
		PaymentReference: "LATE", MerchantID: "K123", Date: time.Date(2026, 1, 31, 23, 30, 0, 0, time.UTC), Currency: "SEK", SettlementType: "NET",
		Settlement: 1, Payout: d.json(struct{}{}), State: workflows.StateDiscovered,
	}}); err != nil {
		t.Fatal(err)
	}
	if got := d.run(cobra.ShellCompRequestCmd, "payout", "show", "shop-1", "L").out; !strings.Contains(got, "LATE\t2026-02-01") {
		t.Errorf("it is offered as %q", got)
	}
}

func TestCompletionIsBoundedAndNewestFirst(t *testing.T) {
	d := newDesk(t)
	d.connected("shop-1")
	var rows []store.Payout
	for i := range 3 * mostCompleted {
		rows = append(rows, store.Payout{
			PaymentReference: fmt.Sprintf("R%03d", i), MerchantID: "K123", Date: noon.AddDate(0, 0, i-200), Currency: "SEK", SettlementType: "NET",
			Settlement: 1, Payout: d.json(struct{}{}), State: workflows.StateDiscovered,
		})
	}
	if _, err := d.store.UpsertPayouts(t.Context(), "shop-1", rows); err != nil {
		t.Fatal(err)
	}
	got := strings.Fields(d.completed("payout", "show", "shop-1", "R"))
	if len(got) != mostCompleted || got[0] != "R149" {
		t.Errorf("%d offered, first %v", len(got), got[:1])
	}
}
