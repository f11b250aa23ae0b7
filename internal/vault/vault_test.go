package vault_test

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"kvitt/internal/pgtest"
	"kvitt/internal/store"
	"kvitt/internal/vault"
)

func TestMain(m *testing.M) { os.Exit(pgtest.Run(m)) }

const canary = "kanariefågel-klarna_live_api_0123456789"

func must(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func keyset(t testing.TB) string {
	t.Helper()
	text, err := vault.NewKeyset()
	must(t, err)
	return text
}

func keyring(t testing.TB, text string) *vault.Keyring {
	t.Helper()
	k, err := vault.Open(text)
	must(t, err)
	return k
}

func rotated(t testing.TB, text string) string {
	t.Helper()
	next, err := vault.Rotate(text)
	must(t, err)
	return next
}

// onBoth runs a test with an empty store of each kind.
func onBoth(t *testing.T, f func(t *testing.T, s *store.Store, files []string)) {
	t.Helper()
	path := filepath.Join(t.TempDir(), "kvitt.db")
	for name, url := range map[string]string{"SQLite": "sqlite:" + path, "PostgreSQL": pgtest.Database(t)} {
		t.Run(name, func(t *testing.T) {
			s, err := store.Open(t.Context(), url)
			must(t, err)
			t.Cleanup(func() { must(t, s.Close()) })
			must(t, s.Migrate(t.Context()))
			var files []string
			if name == "SQLite" {
				files = []string{path, path + "-wal"}
			}
			f(t, s, files)
		})
	}
}

func TestASecretComesBackAndIsNowhereInTheDatabase(t *testing.T) {
	onBoth(t, func(t *testing.T, s *store.Store, files []string) {
		ctx := t.Context()
		v := vault.New(keyring(t, keyset(t)), s)
		must(t, v.Check(ctx))
		must(t, v.Put(ctx, "c1", "klarna/key", canary))
		got, err := v.Get(ctx, "c1", "klarna/key")
		must(t, err)
		if got.Reveal() != canary {
			t.Error("another secret came back")
		}
		must(t, s.EachSecret(ctx, func(connection, field string, ciphertext []byte) error {
			if strings.Contains(string(ciphertext), "kanarie") {
				t.Errorf("%s/%s holds the secret in clear text", connection, field)
			}
			return nil
		}))
		for _, file := range files {
			b, err := os.ReadFile(file) //nolint:gosec // our own file
			must(t, err)
			if strings.Contains(string(b), "kanarie") {
				t.Errorf("%s holds the secret in clear text", file)
			}
		}

		must(t, v.Delete(ctx, "c1", "klarna/key"))
		if _, err := v.Get(ctx, "c1", "klarna/key"); !errors.Is(err, store.ErrNotFound) {
			t.Errorf("after it was deleted: %v", err)
		}
		must(t, v.Put(ctx, "c1", "a", "x"))
		must(t, v.Erase(ctx, "c1"))
		if _, err := v.Get(ctx, "c1", "a"); !errors.Is(err, store.ErrNotFound) {
			t.Errorf("after all were erased: %v", err)
		}
		must(t, v.Check(ctx))
	})
}

func TestASwapReplacesOnlyTheSecretThatWasRead(t *testing.T) {
	onBoth(t, func(t *testing.T, s *store.Store, _ []string) {
		ctx := t.Context()
		v := vault.New(keyring(t, keyset(t)), s)
		if _, err := v.Swap(ctx, "c1", "field", "one", "two"); !errors.Is(err, store.ErrNotFound) {
			t.Errorf("for a missing secret: %v", err)
		}
		must(t, v.Put(ctx, "c1", "field", "one"))
		for _, c := range []struct {
			old, next vault.Secret
			swapped   bool
		}{{"other", "two", false}, {"one", "two", true}, {"one", "three", false}} {
			if swapped, err := v.Swap(ctx, "c1", "field", c.old, c.next); err != nil || swapped != c.swapped {
				t.Errorf("%q for %q: %t, %v", c.next.Reveal(), c.old.Reveal(), swapped, err)
			}
		}
		if got, err := v.Get(ctx, "c1", "field"); err != nil || got.Reveal() != "two" {
			t.Errorf("another secret is stored, %v", err)
		}
		must(t, v.Erase(ctx, "c1"))
		if _, err := v.Swap(ctx, "c1", "field", "two", "three"); !errors.Is(err, store.ErrNotFound) {
			t.Errorf("the erased secret came back: %v", err)
		}
	})
}

func TestATextSealedForSomethingElseDoesNotOpen(t *testing.T) {
	text := keyset(t)
	v := vault.New(keyring(t, text), nil)
	sealed, err := v.Seal("consent", "s1", canary)
	must(t, err)
	if opened, err := v.Unseal("consent", "s1", sealed); err != nil || opened.Reveal() != canary || strings.Contains(string(sealed), "kanarie") {
		t.Errorf("it did not come back: %v", err)
	}
	for _, at := range [][2]string{{"consent", "s2"}, {"secret", "s1"}} {
		if _, err := v.Unseal(at[0], at[1], sealed); !errors.Is(err, vault.ErrSealed) {
			t.Errorf("at %v: %v", at, err)
		}
	}
	if _, err := vault.New(keyring(t, keyset(t)), nil).Unseal("consent", "s1", sealed); !errors.Is(err, vault.ErrWrongKeyset) {
		t.Errorf("with another keyset: %v", err)
	}
}

func TestASecretMovedElsewhereDoesNotOpen(t *testing.T) {
	onBoth(t, func(t *testing.T, s *store.Store, _ []string) {
		ctx := t.Context()
		v := vault.New(keyring(t, keyset(t)), s)
		must(t, v.Put(ctx, "c1", "field", canary))
		sealed, err := s.GetSecret(ctx, "c1", "field")
		must(t, err)
		for _, place := range [][2]string{{"c2", "field"}, {"c1", "other"}, {"c1\n5:field", "x"}} {
			must(t, s.PutSecret(ctx, place[0], place[1], sealed))
			if _, err := v.Get(ctx, place[0], place[1]); !errors.Is(err, vault.ErrSealed) {
				t.Errorf("at %q: %v", place, err)
			}
		}
		sealed[len(sealed)-1] ^= 1
		must(t, s.PutSecret(ctx, "c1", "field", sealed))
		if _, err := v.Get(ctx, "c1", "field"); !errors.Is(err, vault.ErrSealed) {
			t.Errorf("damaged: %v", err)
		}
		must(t, s.PutSecret(ctx, "c1", "field", []byte("short")))
		if _, err := v.Get(ctx, "c1", "field"); !errors.Is(err, vault.ErrSealed) {
			t.Errorf("cut off: %v", err)
		}
	})
}

func TestAKeysetThatTheDatabaseWasNotSealedWithIsRefused(t *testing.T) {
	onBoth(t, func(t *testing.T, s *store.Store, _ []string) {
		ctx := t.Context()
		text := keyset(t)
		right, wrong := vault.New(keyring(t, text), s), vault.New(keyring(t, keyset(t)), s)
		must(t, right.Check(ctx))
		must(t, right.Check(ctx))
		must(t, right.Put(ctx, "c1", "field", canary))
		err := wrong.Check(ctx)
		if !errors.Is(err, vault.ErrWrongKeyset) || !strings.Contains(err.Error(), "this keyset is not the one this database was sealed with") {
			t.Errorf("checking: %v", err)
		}
		if _, err := wrong.Get(ctx, "c1", "field"); !errors.Is(err, vault.ErrWrongKeyset) {
			t.Errorf("reading: %v", err)
		}
		must(t, vault.New(keyring(t, rotated(t, text)), s).Check(ctx))
	})
}

func TestOnlyOneOfTwoKeysetsIsAcceptedByANewDatabase(t *testing.T) {
	onBoth(t, func(t *testing.T, s *store.Store, _ []string) {
		errs := make(chan error, 8)
		for range cap(errs) {
			v := vault.New(keyring(t, keyset(t)), s)
			go func() { errs <- v.Check(t.Context()) }()
		}
		accepted := 0
		for range cap(errs) {
			switch err := <-errs; {
			case err == nil:
				accepted++
			case !errors.Is(err, vault.ErrWrongKeyset):
				t.Error(err)
			}
		}
		if accepted != 1 {
			t.Errorf("%d keysets were accepted", accepted)
		}
	})
}

func TestAfterResealingTheOldKeysAreNotNeeded(t *testing.T) {
	onBoth(t, func(t *testing.T, s *store.Store, _ []string) {
		ctx := t.Context()
		old := keyset(t)
		before := vault.New(keyring(t, old), s)
		must(t, before.Check(ctx))
		for i := range 20 {
			must(t, before.Put(ctx, "c1", fmt.Sprint("field ", i), vault.Secret(fmt.Sprint(canary, i))))
		}
		text := rotated(t, old)
		after := vault.New(keyring(t, text), s)
		n, err := after.Reseal(ctx)
		must(t, err)
		if n != 21 { // and the keyset check
			t.Errorf("%d were resealed", n)
		}
		n, err = after.Reseal(ctx)
		must(t, err)
		if n != 0 {
			t.Errorf("%d were resealed again", n)
		}

		alone := vault.New(keyring(t, withoutKey(t, text, 0)), s)
		must(t, alone.Check(ctx))
		for i := range 20 {
			got, err := alone.Get(ctx, "c1", fmt.Sprint("field ", i))
			must(t, err)
			if got.Reveal() != fmt.Sprint(canary, i) {
				t.Errorf("field %d has another secret", i)
			}
		}
	})
}

// A refresh token that is renewed during a reseal is still the newest one afterwards.
func TestResealingNeverOverwritesANewerSecret(t *testing.T) {
	onBoth(t, func(t *testing.T, s *store.Store, _ []string) {
		ctx := t.Context()
		old := keyset(t)
		before := vault.New(keyring(t, old), s)
		must(t, before.Put(ctx, "c1", "refresh_token", "first"))
		meddling := meddlingKeeper{s, func() { must(t, before.Put(ctx, "c1", "refresh_token", "second")) }}
		after := vault.New(keyring(t, rotated(t, old)), &meddling)
		n, err := after.Reseal(ctx)
		must(t, err)
		got, err := after.Get(ctx, "c1", "refresh_token")
		must(t, err)
		if n != 1 || got.Reveal() != "second" {
			t.Errorf("%d resealed, and the secret is %q", n, got.Reveal())
		}
	})
}

// meddlingKeeper lets somebody else write just before the first swap.
type meddlingKeeper struct {
	vault.Keeper
	meddle func()
}

func (m *meddlingKeeper) SwapSecret(ctx context.Context, connection, field string, old, ciphertext []byte) (bool, error) {
	if m.meddle != nil {
		m.meddle()
		m.meddle = nil
	}
	return m.Keeper.SwapSecret(ctx, connection, field, old, ciphertext)
}

func TestOneSecretThatCannotBeResealedDoesNotStopTheOthers(t *testing.T) {
	onBoth(t, func(t *testing.T, s *store.Store, _ []string) {
		ctx := t.Context()
		old := keyset(t)
		before := vault.New(keyring(t, old), s)
		must(t, before.Put(ctx, "c1", "a", "1"))
		must(t, before.Put(ctx, "c1", "z", "2"))
		must(t, s.PutSecret(ctx, "c1", "m", []byte("no ciphertext at all, and a long one too")))
		n, err := vault.New(keyring(t, rotated(t, old)), s).Reseal(ctx)
		if n != 2 || err == nil || !strings.Contains(err.Error(), "reseal the secret m of the connection c1") {
			t.Errorf("%d were resealed: %v", n, err)
		}
	})
}
