package cli

import (
	"strings"
	"testing"

	"kvitt/internal/vault"
)

func TestAWrongCommandLineIsAnErrorOfUsageThatSaysWhatIsRight(t *testing.T) {
	d := newDesk(t)
	d.connected("shop-1")
	for _, c := range []struct{ line, words string }{
		{"frobnicate", "`starter` has no command \"frobnicate\""},
		{"connections list", "did you mean connection?"},
		{"connection", "`starter connection` needs one of authorize, configure, create, disconnect, klarna-key, list, pause, resume, show, start after it"},
		{"connection lst", "did you mean list?"},
		{"connection show", "`starter connection show` needs the id of a connection"},
		{"connection list extra", `does not know what to do with "extra"`},
		{"connection list --output xml", `--output is "xml"; it is table or json`},
		{"connection list --frob", "Unknown flag: --frob"},
		{"connection create", "--name is required"},
		{"connection create --name x --provider paypal", `--provider is "paypal"`},
		{"connection create --name x --region mars", `--region is "mars"`},
		{"connection create --name x --provider kustom --region na", "Kustom has one host"},
		{"connection create --name x --posting now", `--posting is "now"`},
		{"connection create --name x --start yesterday", `--start is "yesterday"; it is a day such as 2026-01-31`},
		{"connection authorize shop-1 --service", "--service needs --tenant-id"},
		{"connection authorize shop-1 --service --tenant-id 12", `--tenant-id is "12"; it is a UUID`},
		{"connection authorize shop-1 --tenant-id 0f8fad5b-d9cb-469f-a165-70867728950e", "add --service"},
		{"profile set shop-1", "`starter profile set` needs a file"},
		{"profile presets none", `there is no preset "none"; the presets are se-bas`},
		{"backfill shop-1", "--from and --to are both needed"},
		{"backfill shop-1 --from 2026-01-01", "--from and --to are both needed"},
		{"backfill shop-1 --from 2026-02-01 --to 2026-01-31", "--to 2026-01-31 is before --from 2026-02-01; swap them"},
		{"backfill shop-1 --from 1/2/2026 --to 2026-01-31", `--from is "1/2/2026"; it is a day such as 2026-01-31`},
		{"backfill shop-1 --from 2026-01-01 --to 2026-02-30", `--to is "2026-02-30"`},
		{"backfill shop-1 --from 2026-01-01 --to 2026-01-31 --concurrency 1000", "--concurrency is 1000; it is from 1 to 64"},
		{"backfill shop-1 --from 2026-01-01 --to 2026-01-31 --pause --cancel", "one at a time"},
		{"backfill shop-1 --from 2026-01-01 --to 2026-01-31 --attach --dry-run", "are for a new one"},
		{"payout list shop-1 --state lost", `--state is "lost"; it is one of discovered, proven`},
		{"payout list shop-1 --limit -1", "--limit is -1"},
		{"payout list shop-1 --from 2026-02-01 --to 2026-01-01", "swap them"},
		{"payout show shop-1", "needs a payment reference"},
		{"payout reject shop-1 REF", "--reason is required"},
		{"payout reverse shop-1 REF", "--reason is required"},
		{"payout repost shop-1 REF", "--reason is required"},
		{"payout undo shop-1 REF", "`starter payout` has no command \"undo\""},
		{"report", "`starter report` needs one of clearing, completeness, debt, disputes, fees, held, loans, pack, register, reserve, unsettled after it"},
		{"report register shop-1", "--from and --to are both needed"},
		{"report register shop-1 --from 2026-02-01 --to 2026-01-01", "swap them"},
		{"report fees shop-1 --from 2026-01-01 --to 2026-01-31 --format xls", `--format is "xls"; it is table, csv, xlsx, pdf`},
		{"report held shop-1 --format pdf", "cannot be printed; use --out"},
		{"report pack shop-1 --out x.zip", "--month and --out are both needed"},
		{"report pack shop-1 --month 2026-13 --out x.zip", `--month is "2026-13"`},
		{"report pack shop-1 --month 2026-01 --out x.zip --year-end 13", "--year-end is 13"},
		{"find shop-1", "`starter find` needs a reference"},
		{"export shop-1 --from 2026-01-01 --to 2026-01-31", "--out is required"},
		{"audit shop-1 more", `does not know what to do with "more"`},
		{"keyset rotate --prepare --reseal", "two steps"},
		{"portal", "`starter portal` needs one of invite after it"},
		{"portal invite", "`starter portal invite` needs an e-mail address"},
		{"portal invite anna --role viewer", `"anna" is no e-mail address`},
		{"portal invite anna@example.com", "--role is required; it is viewer, approver or administrator"},
		{"portal invite anna@example.com --role owner", `--role is "owner"; it is viewer, approver or administrator`},
		{"doctor --sync-limit 0s", "--sync-limit is 0s"},
	} {
		message := d.fails(ExitUsage, strings.Fields(c.line)...)
		if !strings.Contains(strings.ToLower(message), strings.ToLower(c.words)) {
			t.Errorf("starter %s\n got %s\nwant %s", c.line, message, c.words)
		}
		if !strings.Contains(message, "--help` for its flags and examples.") {
			t.Errorf("starter %s does not say where to read more: %s", c.line, message)
		}
	}
	if len(d.temporal.started)+len(d.temporal.updates)+len(d.temporal.signals) > 0 {
		t.Error("a wrong command line did something")
	}
}

func TestHelpShowsTheCommandsThatThereAre(t *testing.T) {
	d := newDesk(t)
	for _, line := range []string{"", "help", "--help"} {
		s := d.want(d.run(strings.Fields(line)...), ExitDone)
		contains(t, s.out, "setup", "keyset", "connection", "profile", "sync", "backfill", "payout", "portal", "doctor", "environment")
		if strings.Contains(s.out, "\n  completion") {
			t.Error("the generated command is in the way")
		}
	}
	s := d.want(d.run("payout", "--help"), ExitDone)
	contains(t, s.out, "list", "show", "approve", "reject", "retry", "reverse", "repost")
	contains(t, d.want(d.run("help", "environment"), ExitDone).out, "KVITT_DATABASE_URL *", "sqlite:kvitt.db", "TEMPORAL_ADDRESS", "NO_COLOR")
}

func TestEveryCommandHasAnExampleWithLongFlags(t *testing.T) {
	a := newApp(Streams{})
	for _, group := range a.rootCommand().Commands() {
		all := group.Commands()
		if len(all) == 0 {
			all = append(all, group)
		}
		for _, c := range all {
			if !c.IsAvailableCommand() {
				continue
			}
			if c.Example == "" || !strings.Contains(c.Example, "starter ") {
				t.Errorf("%s has no example", c.CommandPath())
			}
			for word := range strings.FieldsSeq(c.Example) {
				if strings.HasPrefix(word, "-") && !strings.HasPrefix(word, "--") {
					t.Errorf("%s: the example uses the short flag %s", c.CommandPath(), word)
				}
			}
		}
	}
}

func TestKeysetNewPrintsAKeysetAndNothingElse(t *testing.T) {
	environment(t) // no settings at all
	d := &desk{t: t, temporal: newPlayed(), console: &person{}}
	for _, args := range [][]string{{"keyset", "new"}, {"keyset", "new", "--output", "json"}} {
		s := d.want(d.run(args...), ExitDone)
		if strings.Count(s.out, "\n") != 1 || s.err != "" {
			t.Errorf("more than a keyset: %q %q", s.out, s.err)
		}
		if _, err := vault.Open(s.out); err != nil {
			t.Error(err)
		}
	}
}

func TestARotatedKeysetOpensWhatTheOldOneSealedAndResealsIt(t *testing.T) {
	d := newDesk(t)
	d.connected("shop-1")
	if err := d.vault.Put(t.Context(), "shop-1", "klarna", "hemligt"); err != nil {
		t.Fatal(err)
	}
	if err := d.vault.Check(t.Context()); err != nil {
		t.Fatal(err)
	}
	prepared := d.want(d.run("keyset", "rotate", "--prepare"), ExitDone)
	t.Setenv("KVITT_KEYSET", strings.TrimSpace(prepared.out))
	rotated := d.want(d.run("keyset", "rotate"), ExitDone)
	contains(t, rotated.err, "The order of a rotation")
	t.Setenv("KVITT_KEYSET", strings.TrimSpace(rotated.out))
	first := document[struct{ Resealed int }](t, d.want(d.run("keyset", "rotate", "--reseal", "--output", "json"), ExitDone))
	if first.Resealed != 2 { // the secret and the check
		t.Errorf("%d secrets were resealed, want 2", first.Resealed)
	}
	again := d.want(d.run("keyset", "rotate", "--reseal"), ExitDone)
	contains(t, again.out, "Every secret was encrypted with the key in use already.")
}
