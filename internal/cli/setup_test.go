package cli

import (
	"path/filepath"
	"strings"
	"testing"

	enumspb "go.temporal.io/api/enums/v1"

	"kvitt/internal/operate"
	"kvitt/internal/vault"
	"kvitt/workflows"
)

// afresh is a desk without a database.
func afresh(t *testing.T) *desk {
	t.Helper()
	d := newDesk(t)
	t.Setenv("KVITT_DATABASE_URL", "sqlite:"+filepath.Join(t.TempDir(), "new.db"))
	return d
}

func results(all []check) string {
	var words []string
	for _, c := range all {
		words = append(words, strings.TrimSpace(c.Connection+" "+c.Check)+"="+c.Result)
	}
	return strings.Join(words, " ")
}

func TestSetupCanBeRepeatedAndSaysWhatItDid(t *testing.T) {
	d := afresh(t)
	d.temporal.attributes = map[string]enumspb.IndexedValueType{"KvittState": enumspb.INDEXED_VALUE_TYPE_KEYWORD}
	first := d.want(d.run("setup"), ExitDone)
	contains(t, first.out, "created its tables, version", "opens, and belongs to this database", "localhost:7233, namespace default",
		"registered KvittConnection, KvittCurrency, KvittHeldReason, KvittPaymentReference, KvittPayoutDate", "Everything is set up")
	if len(d.temporal.registered) != 1 || len(d.temporal.registered[0]) != len(workflows.SearchAttributes())-1 {
		t.Errorf("registered %v", d.temporal.registered)
	}
	second := document[[]check](t, d.want(d.run("setup", "--output", "json"), ExitDone))
	if got := results(second); got != "database=ok keyset=ok temporal=ok search attributes=ok" {
		t.Error(got)
	}
	contains(t, second[0].Words, "already")
	if len(d.temporal.registered) != 1 {
		t.Error("registered what was there")
	}
}

func TestSetupStopsAtWhatIsMissingAndSaysWhatHelps(t *testing.T) {
	d := afresh(t)
	d.temporal.unreachable = &operate.Error{Attempted: "reach Temporal at localhost:7233", Happened: "it does not answer", Helps: "Start it."}
	contains(t, d.fails(ExitFailed, "setup", "--output", "json"), "Reach Temporal at localhost:7233: it does not answer. Start it.")
	d.temporal.unreachable = nil

	d.temporal.attributes["KvittState"] = enumspb.INDEXED_VALUE_TYPE_TEXT
	contains(t, d.fails(ExitFailed, "setup"), "Check the search attribute KvittState: it is of the type Text, and Kvitt needs Keyword. Remove it")

	d.temporal.attributes = nil
	contains(t, d.fails(ExitFailed, "setup"), "permission denied", "add them by hand: the keyword attributes KvittConnection")

	t.Setenv("KVITT_DATABASE_URL", "sqlite:/no/such/folder/kvitt.db")
	contains(t, d.fails(ExitFailed, "setup"), "there is no folder /no/such/folder")
}

func TestACommandSaysInOneMessageWhatIsWrongWithDatabaseOrKeyset(t *testing.T) {
	d := newDesk(t)
	if err := d.vault.Check(t.Context()); err != nil {
		t.Fatal(err)
	}
	other, err := vault.NewKeyset()
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct{ env, words string }{
		{"KVITT_KEYSET=", "Read the settings from the environment: KVITT_KEYSET: found nothing, and no KVITT_KEYSET_FILE, expected a keyset; make one with `starter keyset new`"},
		{"KVITT_KEYSET=" + other, "Check the keyset: this keyset is not the one this database was sealed with. Set KVITT_KEYSET"},
		{"KVITT_KEYSET={nonsense", "Open the keyset: its JSON is cut off or damaged"},
		{"KVITT_DATABASE_URL=sqlite:" + filepath.Join(t.TempDir(), "empty.db"), "it has no tables yet. Run `starter setup`"},
		{"KVITT_DATABASE_URL=postgres://u:hemligt@127.0.0.1:1/kvitt", "Check that PostgreSQL runs and that KVITT_DATABASE_URL has the right host"},
		{"KVITT_DATABASE_URL=mysql://u:hemligt@h/d", "KVITT_DATABASE_URL: found a value (not shown)"},
	} {
		t.Run(c.words, func(t *testing.T) {
			name, value, _ := strings.Cut(c.env, "=")
			t.Setenv(name, value)
			for _, output := range []string{"table", "json"} {
				s := d.want(d.run("connection", "list", "--output", output), ExitFailed)
				contains(t, s.err, c.words)
				for _, noise := range []string{"goroutine", "SQL logic", "hemligt", ".go:", "wrong keyset:", "unusable keyset:"} {
					if strings.Contains(s.err, noise) {
						t.Errorf("%q is in the message: %s", noise, s.err)
					}
				}
			}
		})
	}
}

func TestAVariableThatNobodyReadsIsNoted(t *testing.T) {
	d := newDesk(t)
	t.Setenv("KVITT_DATABSE_URL", "sqlite:x.db")
	s := d.want(d.run("connection", "list", "--output", "json"), ExitDone)
	contains(t, s.err, "Nothing reads KVITT_DATABSE_URL")
	document[[]any](t, s)
}
