package access_test

import (
	"errors"
	"slices"
	"strings"
	"testing"

	"kvitt/internal/access"
	"kvitt/internal/store"
	"kvitt/internal/visma/connect"
)

func TestARefreshedGrantReplacesOnlyTheGrantItWasRefreshedFrom(t *testing.T) {
	onBoth(t, func(t *testing.T, h *house) {
		ctx := t.Context()
		k := h.doors.Keeper("c1")
		if _, err := k.Load(ctx); !errors.Is(err, connect.ErrNoGrant) {
			t.Errorf("before there is a grant: %v", err)
		}
		first := h.put(t, access.FieldVisma, connect.Grant{RefreshToken: "r1", Version: 1})
		second := first
		second.RefreshToken, second.Version = "r2", 2
		must(t, k.Save(ctx, first, second))
		if err := k.Save(ctx, first, second); !errors.Is(err, connect.ErrMoved) {
			t.Errorf("over a newer grant: %v", err)
		}
		must(t, h.vault.Erase(ctx, "c1"))
		if err := k.Save(ctx, second, first); !errors.Is(err, connect.ErrNoGrant) {
			t.Errorf("over an erased grant: %v", err)
		}
		if _, err := k.Load(ctx); !errors.Is(err, connect.ErrNoGrant) {
			t.Errorf("the erased grant came back: %v", err)
		}
	})
}

func TestADisconnectionRevokesBothTokensAndErasesAllSecrets(t *testing.T) {
	onBoth(t, func(t *testing.T, h *house) {
		h.put(t, access.FieldVisma, connect.Grant{RefreshToken: "r1", AccessToken: "a1"})
		h.put(t, access.FieldVismaCandidate, connect.Grant{RefreshToken: "r2", AccessToken: "a2"})
		must(t, h.vault.Put(t.Context(), "c1", access.FieldKlarna, "key"))
		must(t, h.doors.Disconnect(t.Context(), "c1", func(err error) error { t.Errorf("not revoked: %v", err); return nil }))
		if want := []string{"r1", "a1", "r2", "a2"}; !slices.Equal(h.at.revoked, want) {
			t.Errorf("these were revoked: %v", h.at.revoked)
		}
		h.isErased(t)
	})
}

func TestAFailedRevocationIsReportedAndTheSecretsAreErased(t *testing.T) {
	for name, c := range map[string]struct {
		path   string
		status int
	}{"the endpoint fails": {"/revocation", 503}, "it refuses": {"/revocation", 403}, "there is no discovery": {"/.well-known/openid-configuration", 500}} {
		t.Run(name, func(t *testing.T) {
			h := newHouse(t, "sqlite:"+t.TempDir()+"/kvitt.db")
			h.put(t, access.FieldVisma, connect.Grant{RefreshToken: "r-canary", AccessToken: "a-canary"})
			h.at.broken[c.path] = c.status
			var reported error
			must(t, h.doors.Disconnect(t.Context(), "c1", func(err error) error {
				if _, kept := h.vault.Get(t.Context(), "c1", access.FieldVisma); kept != nil {
					t.Error("it was reported after the secrets were erased: a crash in between would lose the report")
				}
				reported = err
				return nil
			}))
			if reported == nil || !strings.HasPrefix(reported.Error(), "revoke the tokens: ") || strings.Contains(reported.Error(), "canary") {
				t.Errorf("the report was %v", reported)
			}
			h.isErased(t)
		})
	}
}

func TestARefusalThatIsNotAboutTheGrantCanBeAskedAgain(t *testing.T) {
	h := newHouse(t, "sqlite:"+t.TempDir()+"/kvitt.db")
	g := h.put(t, access.FieldVisma, connect.Grant{RefreshToken: "r1"})
	h.at.refuse["refresh_token"] = connect.CodeInvalidTenant
	client, err := h.doors.Visma(t.Context(), "c1")
	must(t, err)
	for range 3 {
		if _, err := client.Organization(t.Context()); err == nil || !strings.Contains(err.Error(), connect.CodeInvalidTenant) {
			t.Fatalf("the error is %v", err)
		}
	}
	h.doors.AskAgain("c1")
	_, err = client.Organization(t.Context())
	if h.at.count("/token") != 2 || err == nil {
		t.Errorf("it was asked %d times: %v", h.at.count("/token"), err)
	}
	h.at.refuse["refresh_token"] = connect.CodeInvalidGrant
	for range 3 {
		h.doors.AskAgain("c1")
		_, _ = client.Organization(t.Context())
	}
	if n := h.at.count("/token"); n != 3 {
		t.Errorf("a dead refresh token was sent: %d requests", n)
	}
	if now, err := h.doors.Keeper("c1").Load(t.Context()); err != nil || now.DeadSince.IsZero() || !now.Same(&g) {
		t.Errorf("%s, %v", now, err)
	}
}

func (h *house) isErased(t *testing.T) {
	t.Helper()
	must(t, h.store.EachSecret(t.Context(), func(connection, field string, _ []byte) error {
		if connection == "c1" {
			t.Errorf("the secret %s is still there", field)
		}
		return nil
	}))
	if _, err := h.vault.Get(t.Context(), "c1", access.FieldVisma); !errors.Is(err, store.ErrNotFound) {
		t.Errorf("the grant is still there: %v", err)
	}
}
