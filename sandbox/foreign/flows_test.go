package foreign_test

import (
	"net/url"
	"sync"
	"testing"
	"time"

	"kvitt/internal/fault"
	"kvitt/internal/visma/connect"
)

func TestAConsentAtAForeignProviderBecomesAGrant(t *testing.T) {
	w := start(t)
	grant, who := w.consent()
	if who.Subject != "astrid" || who.Email != "astrid@nordbutiken.example" || who.Name != "Astrid Ek" {
		t.Errorf("%+v consented", who)
	}
	if grant.RefreshToken == "" || grant.AccessToken == "" || time.Until(grant.Expiry) < 59*time.Minute {
		t.Errorf("the grant is %s", grant)
	}
	if missing := connect.MissingScopes(connect.InteractiveScopes(), grant.Scope); grant.Scope == "" || len(missing) > 0 {
		t.Errorf("granted was %q", grant.Scope)
	}
	w.consent()
	if n := w.count("/.well-known/openid-configuration"); n != 1 {
		t.Errorf("the discovery document was read %d times", n)
	}
}

func TestAForeignProvidersCallbackIsAcceptedForOneConsentOnly(t *testing.T) {
	w := start(t)
	c, address := w.begin()
	callback := w.browse(address, "")
	if callback.Get("iss") != w.issuer {
		t.Errorf("the callback is of %q", callback.Get("iss"))
	}
	tokens := w.count("/token")
	for name, code := range map[string]string{"state": connect.CodeInvalidState, "iss": connect.CodeIssuerMissing} {
		without := url.Values{}
		for k, v := range callback {
			if k != name {
				without[k] = v
			}
		}
		_, _, err := w.Exchange(t.Context(), c, without)
		refused(t, err, fault.Rejected, code)
	}
	other, _ := w.begin() // another run has another verifier
	other.State, other.Nonce = c.State, c.Nonce
	if w.count("/token") != tokens {
		t.Error("a code was sent though the callback was refused")
	}
	_, _, err := w.Exchange(t.Context(), other, callback)
	refused(t, err, fault.Auth, connect.CodeInvalidGrant)

	c, address = w.begin()
	callback = w.browse(address, "")
	_, _, err = w.Exchange(t.Context(), c, callback)
	must(t, err)
	_, _, err = w.Exchange(t.Context(), c, callback)
	refused(t, err, fault.Auth, connect.CodeInvalidGrant)

	c, address = w.begin()
	_, _, err = w.Exchange(t.Context(), c, w.browse(address, "consent"))
	refused(t, err, fault.Auth, connect.CodeAccessDenied)
}

func TestAForeignProvidersOneTimeTokensAreUsedOnce(t *testing.T) {
	w := start(t)
	first, _ := w.consent()
	kept := &memory{grant: first}
	source := w.Source(kept)
	begun := w.count("/token")
	for hour := range 3 {
		w.ahead += time.Hour
		var all sync.WaitGroup
		for range 50 {
			all.Go(func() {
				if token, err := source.Token(t.Context()); err != nil || token.AccessToken == "" {
					t.Errorf("hour %d: %v", hour, err)
				}
			})
		}
		all.Wait()
	}
	if n := w.count("/token") - begun; n != 3 || kept.grant.RefreshToken == first.RefreshToken {
		t.Errorf("%d refreshes in three hours", n)
	}

	_, err := w.Refresh(t.Context(), first) // a token that was used
	refused(t, err, fault.Auth, connect.CodeInvalidGrant)
	// The provider takes that for a theft and ends the whole grant: one more request finds out, and none
	// follows.
	w.ahead += time.Hour
	begun = w.count("/token")
	for range 5 {
		_, err := source.Token(t.Context())
		refused(t, err, fault.Auth, connect.CodeInvalidGrant)
		w.ahead += time.Hour
	}
	_, err = w.Source(kept).Token(t.Context())
	refused(t, err, fault.Auth, connect.CodeInvalidGrant)
	if n := w.count("/token") - begun; n != 1 || kept.grant.DeadSince.IsZero() {
		t.Errorf("a dead token was sent %d times; the grant is %s", n, kept.grant)
	}
}

func TestAForeignProvidersTokensAreRevoked(t *testing.T) {
	w := start(t)
	grant, _ := w.consent()
	must(t, w.Revoke(t.Context(), grant))
	if n := w.count("/token/revocation"); n != 2 {
		t.Errorf("%d tokens were revoked", n)
	}
	_, err := w.Refresh(t.Context(), grant)
	refused(t, err, fault.Auth, connect.CodeInvalidGrant)
	must(t, w.Revoke(t.Context(), grant)) // dead tokens are not an error
}

func TestAForeignProviderRefusesAnotherClientsSecret(t *testing.T) {
	w := start(t)
	grant, _ := w.consent()
	wrong, err := connect.New(connect.Config{Issuer: w.issuer, ClientID: clientID, ClientSecret: "guessed"})
	must(t, err)
	_, err = wrong.Refresh(t.Context(), grant)
	refused(t, err, fault.Auth, connect.CodeInvalidClient)
	_, err = w.Refresh(t.Context(), grant) // and the grant is still valid
	must(t, err)
}
