package signin_test

import (
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"kvitt/internal/signin"
	"kvitt/internal/store"
)

func TestWhoTheProviderVouchesForAndTheRegisterKnowsGetsIn(t *testing.T) {
	h := newHouse(t)
	h.known("anna@example.com", signin.Viewer)
	b := h.browser()
	h.want(b.get("/payouts"), http.StatusSeeOther, "")
	h.want(b.get("/signin"), http.StatusOK, "provider=Firman start=/signin/oidc problem= email= next=/")
	h.want(b.signIn("Anna@Example.com"), http.StatusSeeOther, "")
	h.want(b.get("/payouts"), http.StatusOK, "anna@example.com as viewer (true) at /payouts")
	if got := h.lastEntry(); got != `anna@example.com person.signed_in {"how":"oidc","from":"192.0.2.7"}` {
		t.Errorf("the trail ends with %s", got)
	}
	if len(b.cookies) != 1 {
		t.Errorf("cookies are left over: %v", b.cookies)
	}
}

func TestAnAccountAtTheProviderIsOnePersonHere(t *testing.T) {
	h := newHouse(t)
	anna := h.known("anna@example.com", signin.Viewer)
	h.known("other@example.com", signin.Approver)
	h.want(h.browser().signIn("anna@example.com"), http.StatusSeeOther, "")
	h.want(h.browser().signIn("anna@example.com"), http.StatusSeeOther, "")
	claim := func(sub any) { h.op.token = func(c map[string]any) { c["sub"] = sub } }
	claim("anna-2") // somebody else got her address
	h.want(h.browser().signIn("anna@example.com"), http.StatusForbidden, "problem=another_account")
	claim("anna-1") // her account with a second address
	h.want(h.browser().signIn("other@example.com"), http.StatusForbidden, "problem=another_account")
	for _, none := range []any{"", nil, strings.Repeat("a", 256)} {
		claim(none)
		h.want(h.browser().signIn("anna@example.com"), http.StatusBadGateway, "problem=provider_wrong")
	}
	// An administrator who lets her out and in has looked at it.
	for _, change := range []func() error{
		func() error { _, err := h.gate.Disable(t.Context(), root, anna.ID); return err },
		func() error { _, err := h.gate.Enable(t.Context(), root, anna.ID); return err },
	} {
		if err := change(); err != nil {
			t.Fatal(err)
		}
	}
	claim("anna-2")
	h.want(h.browser().signIn("anna@example.com"), http.StatusSeeOther, "")
}

func TestOthersAreRefusedInWordsThatHelp(t *testing.T) {
	for _, c := range []struct {
		name     string
		verified any
		trust    bool
		problem  signin.Problem
		words    string
		audited  string
	}{
		{"a stranger", true, false, signin.NotKnown, "Ask an administrator to add you", "bo@example.com person.refused"},
		{"somebody disabled", true, false, signin.Disabled, "withdrawn", "carl@example.com person.refused"},
		{"an address that was not verified", false, false, signin.EmailUnverified, "Verify it", "kvitt person.refused"},
		{"an address of which nobody says whether it was", nil, false, signin.EmailUnverified, "Verify it", "kvitt person.refused"},
		{"an address that was not verified, at a trusted provider", false, true, signin.EmailUnverified, "Verify it", "kvitt person.refused"},
		{"one that is said to be verified in other words", "yes", true, signin.EmailUnverified, "Verify it", "kvitt person.refused"},
		{"no address at all", true, true, signin.EmailMissing, "KVITT_OIDC_EMAIL_CLAIM", "kvitt person.refused"},
	} {
		t.Run(c.name, func(t *testing.T) {
			h := newHouse(t, func(o *signin.Options) { o.OIDC.TrustEmail = c.trust })
			h.known("anna@example.com", signin.Administrator)
			email := map[signin.Problem]string{signin.NotKnown: "bo@example.com", signin.Disabled: "carl@example.com", signin.EmailUnverified: "anna@example.com"}[c.problem]
			if c.name == "no address at all" {
				email = ""
			}
			if c.problem == signin.Disabled {
				carl := h.known(email, signin.Viewer)
				if _, err := h.gate.Disable(t.Context(), root, carl.ID); err != nil {
					t.Fatal(err)
				}
			}
			h.op.verified = c.verified
			b := h.browser()
			h.want(b.signIn(email), http.StatusForbidden, "problem="+string(c.problem)+" email="+email)
			b.out()
			if !strings.Contains(c.problem.Words(), c.words) {
				t.Errorf("the words are %q", c.problem.Words())
			}
			if got := h.lastEntry(); !strings.HasPrefix(got, c.audited) || !strings.Contains(got, `"reason":"`+string(c.problem)+`"`) {
				t.Errorf("the trail ends with %s", got)
			}
		})
	}
}

func TestAProviderThatNeverSaysMayBeTrusted(t *testing.T) {
	for name, verified := range map[string]any{"says nothing": nil, "says it in quotes": "true"} {
		t.Run(name, func(t *testing.T) {
			h := newHouse(t, func(o *signin.Options) { o.OIDC.TrustEmail = true })
			h.known("anna@example.com", signin.Viewer)
			h.op.verified = verified
			b := h.browser()
			h.want(b.signIn("anna@example.com"), http.StatusSeeOther, "")
			h.want(b.get("/"), http.StatusOK, "anna@example.com")
		})
	}
}

func TestAnAddressMayComeFromTheUserinfoEndpoint(t *testing.T) {
	for subject, status := range map[string]int{"anna-1": http.StatusSeeOther, "somebody-else": http.StatusBadGateway} {
		t.Run(subject, func(t *testing.T) {
			h := newHouse(t)
			h.known("anna@example.com", signin.Viewer)
			h.op.verified = nil
			h.op.userinfo = map[string]any{"sub": subject, "email": "anna@example.com", "email_verified": true}
			h.want(h.browser().signIn(""), status, "")
		})
	}
}

func TestAStateIsGoodOnceAndInOneBrowser(t *testing.T) {
	h := newHouse(t)
	h.known("anna@example.com", signin.Viewer)
	h.op.email = "anna@example.com"
	const unknown = "problem=state_unknown"

	b := h.browser()
	back := b.atProvider("/signin/oidc")
	other := h.browser()
	h.want(other.get(back), http.StatusBadRequest, unknown) // no cookie at all
	_ = other.atProvider("/signin/oidc")
	h.want(other.get(back), http.StatusBadRequest, unknown) // a cookie, but not this one
	other.out()

	secret := b.cookies["__Host-kvitt-signin"]
	h.want(b.get(back), http.StatusSeeOther, "")
	b.cookies = map[string]string{"__Host-kvitt-signin": secret}
	h.want(b.get(back), http.StatusBadRequest, unknown) // replayed, with the cookie
	b.out()

	for name, change := range map[string]func(url.Values){
		"missing": func(q url.Values) { q.Del("state") },
		"forged":  func(q url.Values) { q.Set("state", "forged") },
	} {
		b := h.browser()
		u, err := url.Parse(b.atProvider("/signin/oidc"))
		if err != nil {
			t.Fatal(err)
		}
		q := u.Query()
		change(q)
		t.Log(name)
		h.want(b.get(u.Path+"?"+q.Encode()), http.StatusBadRequest, unknown)
		b.out()
	}
}

func TestASignInThatTakesTooLongIsOver(t *testing.T) {
	h := newHouse(t)
	h.known("anna@example.com", signin.Viewer)
	h.op.email = "anna@example.com"
	b := h.browser()
	back := b.atProvider("/signin/oidc")
	h.clock.pass(10 * time.Minute)
	h.want(b.get(back), http.StatusBadRequest, "problem=state_unknown")
	b.out()
}

func TestACodeIsGoodOnce(t *testing.T) {
	h := newHouse(t)
	h.known("anna@example.com", signin.Viewer)
	h.op.email = "anna@example.com"
	b := h.browser()
	first, err := url.Parse(b.atProvider("/signin/oidc"))
	if err != nil {
		t.Fatal(err)
	}
	h.want(b.get(first.String()), http.StatusSeeOther, "")
	// The code again, put into a sign-in of somebody else's browser.
	thief := h.browser()
	second, err := url.Parse(thief.atProvider("/signin/oidc"))
	if err != nil {
		t.Fatal(err)
	}
	q := second.Query()
	q.Set("code", first.Query().Get("code"))
	h.want(thief.get(second.Path+"?"+q.Encode()), http.StatusBadGateway, "problem=provider_wrong")
	thief.out()
}

// A code of another browser does not fit the verifier of this one, even before
// it was used.
func TestACodeThatWasStolenIsNoUse(t *testing.T) {
	h := newHouse(t)
	h.known("anna@example.com", signin.Viewer)
	h.op.email = "anna@example.com"
	stolen, err := url.Parse(h.browser().atProvider("/signin/oidc"))
	if err != nil {
		t.Fatal(err)
	}
	thief := h.browser()
	own, err := url.Parse(thief.atProvider("/signin/oidc"))
	if err != nil {
		t.Fatal(err)
	}
	q := own.Query()
	q.Set("code", stolen.Query().Get("code"))
	h.want(thief.get(own.Path+"?"+q.Encode()), http.StatusBadGateway, "problem=provider_wrong")
	thief.out()
}

func TestAnIDTokenThatIsNotForUsIsRefused(t *testing.T) {
	for name, change := range map[string]func(map[string]any){
		"another nonce":            func(c map[string]any) { c["nonce"] = "another" },
		"no nonce":                 func(c map[string]any) { delete(c, "nonce") },
		"another issuer":           func(c map[string]any) { c["iss"] = "https://login.example.net" },
		"another audience":         func(c map[string]any) { c["aud"] = "somebody" },
		"two audiences":            func(c map[string]any) { c["aud"] = []string{clientID, "somebody"} },
		"issued to another client": func(c map[string]any) { c["azp"] = "somebody" },
		"too old":                  func(c map[string]any) { c["exp"] = c["iat"].(int64) - 121 },
		"a stranger's key":         func(c map[string]any) { c["key"] = "stranger's" },
		"a shared secret":          func(c map[string]any) { c["key"] = "shared" },
	} {
		t.Run(name, func(t *testing.T) {
			h := newHouse(t)
			h.known("anna@example.com", signin.Viewer)
			h.op.token = change
			b := h.browser()
			h.want(b.signIn("anna@example.com"), http.StatusBadGateway, "problem=provider_wrong")
			b.out()
			if h.log.FilterMessageSnippet("could not be trusted").Len() != 1 {
				t.Error("the log does not say why")
			}
		})
	}
}

func TestAClockThatRunsALittleAheadDoesNoHarm(t *testing.T) {
	h := newHouse(t)
	h.known("anna@example.com", signin.Viewer)
	h.op.token = func(c map[string]any) { c["exp"] = c["iat"].(int64) - 119 }
	h.want(h.browser().signIn("anna@example.com"), http.StatusSeeOther, "")
}

func TestTheIssuerOfAnAnswerIsChecked(t *testing.T) {
	ours, wrong := "", "https://login.example.net"
	for _, c := range []struct {
		name      string
		announced bool
		iss       *string
		status    int
	}{
		{"announced and right", true, &ours, http.StatusSeeOther},
		{"announced and missing", true, nil, http.StatusBadGateway},
		{"announced and wrong", true, &wrong, http.StatusBadGateway},
		{"not announced and missing", false, nil, http.StatusSeeOther},
		{"not announced and right", false, &ours, http.StatusSeeOther},
		{"not announced and wrong", false, &wrong, http.StatusBadGateway},
	} {
		t.Run(c.name, func(t *testing.T) {
			h := newHouse(t)
			h.known("anna@example.com", signin.Viewer)
			h.op.document = func(d map[string]any) { d["authorization_response_iss_parameter_supported"] = c.announced }
			if h.op.iss = c.iss; c.iss == &ours {
				issuer := h.op.issuer()
				h.op.iss = &issuer
			}
			h.want(h.browser().signIn("anna@example.com"), c.status, "")
		})
	}
}

func TestARefusalOfTheProviderIsOne(t *testing.T) {
	h := newHouse(t)
	b := h.browser()
	u, err := url.Parse(b.atProvider("/signin/oidc"))
	if err != nil {
		t.Fatal(err)
	}
	q := url.Values{"state": {u.Query().Get("state")}, "error": {"access_denied"}}
	h.want(b.get("/signin/callback?"+q.Encode()), http.StatusForbidden, "problem=provider_refused")
	b.out()
}

func TestTheDiscoveryDocumentIsReadOnceADayAndAnOldOneServesWhileItCannotBe(t *testing.T) {
	h := newHouse(t)
	h.known("anna@example.com", signin.Viewer)
	h.op.down.Store(true)
	h.want(h.browser().get("/signin/oidc"), http.StatusBadGateway, "problem=provider_unreachable")
	h.op.down.Store(false)
	for range 3 {
		h.want(h.browser().signIn("anna@example.com"), http.StatusSeeOther, "")
	}
	if n := h.op.discoveries.Load(); n != 1 {
		t.Errorf("it was read %d times", n)
	}
	h.clock.pass(25 * time.Hour)
	h.op.down.Store(true)
	h.want(h.browser().get("/signin/oidc"), http.StatusSeeOther, "")
	h.op.down.Store(false)
	h.clock.pass(time.Hour)
	h.want(h.browser().signIn("anna@example.com"), http.StatusSeeOther, "")
	if n := h.op.discoveries.Load(); n != 2 {
		t.Errorf("it was read %d times in two days", n)
	}
}

func TestADiscoveryDocumentThatWouldSendSecretsAwayInClearIsRefused(t *testing.T) {
	for name, change := range map[string]func(map[string]any){
		"token endpoint": func(d map[string]any) { d["token_endpoint"] = "http://login.example.com/token" },
		"keys":           func(d map[string]any) { d["jwks_uri"] = "http://login.example.com/keys" },
		"issuer":         func(d map[string]any) { d["issuer"] = "https://login.example.com" },
	} {
		t.Run(name, func(t *testing.T) {
			h := newHouse(t)
			h.op.document = change
			h.want(h.browser().get("/signin/oidc"), http.StatusBadGateway, "problem=provider_"+map[bool]string{true: "misset", false: "unreachable"}[name == "issuer"])
		})
	}
	for _, bad := range []signin.Options{
		{PublicURL: publicURL, OIDC: signin.OIDC{Issuer: "http://login.example.com"}},
		{PublicURL: "http://kvitt.example.com"},
		{PublicURL: "kvitt"},
	} {
		bad.Store, bad.Pages = new(store.Store), pages{}
		if _, err := signin.New(bad); err == nil || !strings.Contains(err.Error(), "KVITT_") {
			t.Errorf("%+v: %v", bad, err)
		}
	}
}

func TestTheSecretGoesTheWayThatTheProviderTakesIt(t *testing.T) {
	for _, methods := range [][]string{nil, {"client_secret_post"}, {"client_secret_basic", "client_secret_post"}} {
		h := newHouse(t)
		h.known("anna@example.com", signin.Viewer)
		h.op.document = func(d map[string]any) { d["token_endpoint_auth_methods_supported"] = methods }
		h.want(h.browser().signIn("anna@example.com"), http.StatusSeeOther, "")
	}
}

func TestNeitherLogNorDatabaseHoldsWhatOpensADoor(t *testing.T) {
	h := newHouse(t)
	h.known("anna@example.com", signin.Viewer)
	h.op.email = "anna@example.com"
	b := h.browser()
	back := b.atProvider("/signin/oidc")
	secret := b.cookies["__Host-kvitt-signin"]
	h.want(b.get(back), http.StatusSeeOther, "")
	session := b.cookies["__Host-kvitt"]
	token := h.invite("bo@example.com", signin.Viewer)
	h.op.token = func(c map[string]any) { c["nonce"] = "another" }
	h.want(h.browser().signIn("anna@example.com"), http.StatusBadGateway, "")

	q, err := url.ParseQuery(back[strings.Index(back, "?")+1:])
	if err != nil {
		t.Fatal(err)
	}
	places := map[string]string{"the database": h.bytes(), "the log": h.logged(), "the trail": strings.Join(h.trail(), "\n")}
	for what, value := range map[string]string{
		"the browser's secret": secret, "the session's id": session, "the link's token": token,
		"the state": q.Get("state"), "the code": q.Get("code"), "the client's secret": clientSecret, "the provider's explanation": "hemlig",
	} {
		for place, content := range places {
			if value == "" || strings.Contains(content, value) {
				t.Errorf("%s is in %s", what, place)
			}
		}
	}
}

func TestWithoutAProviderThereIsNoButton(t *testing.T) {
	h := newHouse(t, func(o *signin.Options) { o.OIDC = signin.OIDC{} })
	b := h.browser()
	h.want(b.get("/signin"), http.StatusOK, "provider= start= ")
	h.want(b.get("/signin/oidc"), http.StatusNotFound, "")
	h.want(b.get("/signin/callback"), http.StatusNotFound, "")
}
