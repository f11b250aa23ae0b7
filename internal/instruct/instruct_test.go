package instruct_test

import (
	"path/filepath"
	"strings"
	"testing"
	"time"

	"kvitt/internal/instruct"
	"kvitt/internal/store"
	"kvitt/internal/vault"
)

// desk returns a database with a connection, and a book in it whose clock the test sets.
func desk(t *testing.T) (*instruct.Book, *store.Store, *time.Time) {
	t.Helper()
	s, err := store.Open(t.Context(), "sqlite:"+filepath.Join(t.TempDir(), "kvitt.db"))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = s.Close() })
	if err := s.Migrate(t.Context()); err != nil {
		t.Fatal(err)
	}
	for _, id := range []string{"c1", "c2"} {
		if err := s.CreateConnection(t.Context(), store.Connection{ID: id, Name: "Shop", Provider: "klarna", Region: "eu", Posting: "review", Start: "2026-01-01"}); err != nil {
			t.Fatal(err)
		}
	}
	now := time.Date(2026, 1, 5, 9, 0, 0, 0, time.UTC)
	return &instruct.Book{Vault: vault.New(keyring(t), s), Keeper: s, Now: func() time.Time { return now }}, s, &now
}

func keyring(t *testing.T) *vault.Keyring {
	t.Helper()
	text, err := vault.NewKeyset()
	if err != nil {
		t.Fatal(err)
	}
	keys, err := vault.Open(text)
	if err != nil {
		t.Fatal(err)
	}
	return keys
}

var (
	asked = instruct.Instruction{Connection: "c1", Workflow: "payout/c1/P1", Action: "Approve", Who: "anna", Digest: "d1"}
	step  = instruct.Step{Workflow: "payout/c1/P1", Run: "r1", Activity: "5"}
)

func TestAnInstructionCountsOnceForTheStepThatUsesIt(t *testing.T) {
	b, _, _ := desk(t)
	id := write(t, b, asked)
	for range 2 { // an activity is retried when a worker dies
		if why := use(t, b, id, asked, step); why != "" {
			t.Fatalf("refused: %s", why)
		}
	}
	for _, other := range []instruct.Step{{step.Workflow, step.Run, "6"}, {step.Workflow, "r2", "5"}} {
		if why := use(t, b, id, asked, other); !strings.Contains(why, "counts once") {
			t.Errorf("%+v: %q", other, why)
		}
	}
}

func TestWhatIsNotExactlyWhatWasAskedForIsRefused(t *testing.T) {
	b, _, now := desk(t)
	for name, test := range map[string]struct {
		claim func(*instruct.Instruction)
		want  string
	}{
		"another connection": {func(i *instruct.Instruction) { i.Connection = "c2" }, "another workflow"},
		"another workflow":   {func(i *instruct.Instruction) { i.Workflow = "payout/c1/P2" }, "another workflow"},
		"another action":     {func(i *instruct.Instruction) { i.Action = "Reject" }, "to Approve, not to Reject"},
		"another person":     {func(i *instruct.Instruction) { i.Who = "cfo" }, "another person"},
		"another message":    {func(i *instruct.Instruction) { i.Digest = "d2" }, "not the one that was asked for"},
	} {
		id, claimed := write(t, b, asked), asked
		test.claim(&claimed)
		if why := use(t, b, id, claimed, step); !strings.Contains(why, test.want) {
			t.Errorf("%s: %q", name, why)
		}
		if why := use(t, b, id, asked, step); why != "" {
			t.Errorf("%s used the instruction up: %s", name, why)
		}
	}
	id := write(t, b, asked)
	*now = now.Add(instruct.Lifetime + time.Second)
	if why := use(t, b, id, asked, step); !strings.Contains(why, "ask again") {
		t.Errorf("an old instruction: %q", why)
	}
	for _, unknown := range []string{"", "GUESSED"} {
		if why := use(t, b, unknown, asked, step); !strings.Contains(why, "nobody is known") {
			t.Errorf("%q: %q", unknown, why)
		}
	}
}

// Somebody who can write into the database but has no keyset cannot make an instruction.
func TestAnInstructionOfAnotherKeysetOrPlaceIsRefused(t *testing.T) {
	b, s, _ := desk(t)
	foreign := &instruct.Book{Vault: vault.New(keyring(t), s), Keeper: s, Now: b.Now}
	if why := use(t, b, write(t, foreign, asked), asked, step); !strings.Contains(why, "keyset") {
		t.Errorf("another keyset: %q", why)
	}
	row, err := s.Instruction(t.Context(), write(t, b, asked))
	if err != nil {
		t.Fatal(err)
	}
	row.ID = "moved"
	if err := s.PutInstruction(t.Context(), row); err != nil {
		t.Fatal(err)
	}
	if why := use(t, b, "moved", asked, step); !strings.Contains(why, "keyset") {
		t.Errorf("an instruction copied under another id: %q", why)
	}
}

func TestOnlyTheRunThatUsedAnInstructionCountsAsItsUser(t *testing.T) {
	b, _, _ := desk(t)
	id := write(t, b, asked)
	used := func(s instruct.Step, actions ...string) bool {
		t.Helper()
		yes, err := b.UsedIn(t.Context(), id, s, actions...)
		if err != nil {
			t.Fatal(err)
		}
		return yes
	}
	if used(step, "Approve") {
		t.Error("it counts as used before it was used")
	}
	use(t, b, id, asked, step)
	later := step
	later.Activity = "9"
	if !used(later, "Approve") {
		t.Error("a later step of the run")
	}
	later.Run = "r2"
	if used(later, "Approve") || used(step, "Reject") {
		t.Error("another run, or another action")
	}
}

func write(t *testing.T, b *instruct.Book, i instruct.Instruction) string {
	t.Helper()
	id, err := b.Write(t.Context(), i)
	if err != nil {
		t.Fatal(err)
	}
	return id
}

func use(t *testing.T, b *instruct.Book, id string, claimed instruct.Instruction, s instruct.Step) string {
	t.Helper()
	why, err := b.Use(t.Context(), id, claimed, s)
	if err != nil {
		t.Fatal(err)
	}
	return why
}
