package signin

import (
	"crypto/subtle"
	"errors"
	"net/http"
	"net/url"
	"time"

	"go.uber.org/zap"

	"kvitt/internal/store"
	"kvitt/internal/web"
)

// attemptLife limits how long a person may take at the provider.
const attemptLife = 10 * time.Minute

func equal(a, b string) bool { return subtle.ConstantTimeCompare([]byte(a), []byte(b)) == 1 }

// toProvider sends the browser to the provider, with a secret in a cookie that
// binds what comes back to this browser.
func (g *Gate) toProvider(w http.ResponseWriter, r *http.Request) {
	next := localPath(r.URL.Query().Get("next"))
	if g.provider == nil {
		http.NotFound(w, r)
		return
	}
	if g.hurried(w, r, g.addresses, remote(r), next) {
		return
	}
	d, err := g.provider.discover(r.Context())
	if err != nil {
		g.refuse(w, r, g.unusable(err), "", next)
		return
	}
	secret := newToken()
	if err := g.store.PutAttempt(r.Context(), hashOf(stateOf(secret)), next, g.now().Add(attemptLife)); err != nil {
		g.unavailable(w, r, "begin a sign-in", err)
		return
	}
	g.sweep(r.Context())
	g.setCookie(w, attemptCookie, secret, attemptLife)
	web.Leave(w, r, g.provider.address(d, secret))
}

// fromProvider is where the browser comes back to. Whatever happens, the
// attempt is over afterwards.
func (g *Gate) fromProvider(w http.ResponseWriter, r *http.Request) {
	if g.provider == nil {
		http.NotFound(w, r)
		return
	}
	g.forget(w, attemptCookie)
	answer := r.URL.Query()
	c, err := r.Cookie(attemptCookie)
	if err != nil || c.Value == "" || !equal(answer.Get("state"), stateOf(c.Value)) {
		g.stateUnknown(w, r)
		return
	}
	next, err := g.store.TakeAttempt(r.Context(), hashOf(stateOf(c.Value)), g.now())
	switch {
	case errors.Is(err, store.ErrNotFound), errors.Is(err, store.ErrExpired):
		g.stateUnknown(w, r)
		return
	case err != nil:
		g.unavailable(w, r, "finish a sign-in", err)
		return
	}
	who, problem := g.heard(r, answer, c.Value)
	if problem != "" {
		g.refuse(w, r, problem, "", next)
		return
	}
	g.admit(w, r, who, next)
}

// unusable logs why the provider cannot be used, and is what the person is told.
func (g *Gate) unusable(err error) Problem {
	g.log.Error("sign-in: the provider cannot be used", zap.Error(err))
	if errors.Is(err, errMisset) {
		return ProviderMisset
	}
	return ProviderUnreachable
}

// stateUnknown answers what did not begin in this browser, as often as one may
// fail.
func (g *Gate) stateUnknown(w http.ResponseWriter, r *http.Request) {
	if !g.hurried(w, r, g.addresses, remote(r), home) {
		g.refuse(w, r, StateUnknown, "", home)
	}
}

// heard is whom the provider's answer is about, or why it is about nobody.
func (g *Gate) heard(r *http.Request, answer url.Values, secret string) (identity, Problem) {
	d, err := g.provider.discover(r.Context())
	if err != nil {
		return identity{}, g.unusable(err)
	}
	// RFC 9207: an answer of another provider must not be taken for ours.
	if iss := answer.Get("iss"); iss != g.provider.Issuer && (d.announcesIss || answer.Has("iss")) {
		g.log.Warn("sign-in: the answer does not say that it is the provider's", zap.String("iss", printable(iss)))
		return identity{}, ProviderWrong
	}
	if code := answer.Get("error"); code != "" {
		g.log.Info("sign-in: the provider refused", zap.String("error", printable(code)))
		return identity{}, ProviderRefused
	}
	who, err := g.provider.identify(r.Context(), d, secret, answer.Get("code"))
	switch {
	case errors.Is(err, errUnreachable):
		g.log.Error("sign-in: the provider cannot be used", zap.Error(err))
		return identity{}, ProviderUnreachable
	case err != nil:
		g.log.Warn("sign-in: the provider's answer could not be trusted", zap.Error(err))
		return identity{}, ProviderWrong
	}
	return who, ""
}

// admit lets in whom the provider vouches for and the register knows.
func (g *Gate) admit(w http.ResponseWriter, r *http.Request, who identity, next string) {
	email := store.FoldEmail(who.Email)
	if len(email) > 254 {
		email = "" // no address, and nothing to write down
	}
	if g.hurried(w, r, g.names, "email/"+email, next) {
		return
	}
	if who.Problem == "" && email == "" {
		who.Problem = EmailMissing
	}
	if who.Problem != "" {
		g.insufficient(w, r, email, who, next)
		return
	}
	p, err := g.store.PersonByEmail(r.Context(), email)
	if err == nil && !p.Disabled() {
		err = g.store.BindSubject(r.Context(), p.ID, who.Subject)
	}
	var id string
	if err == nil {
		var x store.Session
		id, x = g.newSession(r, p.ID)
		err = g.store.StartSession(r.Context(), x, "oidc")
	}
	switch {
	case err == nil:
		g.begin(w, r, id, next)
	case errors.Is(err, store.ErrNotFound):
		g.refused(r.Context(), email, true, "oidc", NotKnown)
		g.refuse(w, r, NotKnown, email, next)
	case errors.Is(err, store.ErrExists):
		g.refused(r.Context(), email, true, "oidc", AnotherAccount)
		g.refuse(w, r, AnotherAccount, email, next)
	case errors.Is(err, store.ErrDisabled):
		g.refused(r.Context(), email, true, "oidc", Disabled)
		g.refuse(w, r, Disabled, email, next)
	default:
		g.unavailable(w, r, "sign in", err)
	}
}

// insufficient refuses somebody of whom the provider does not say what is asked
// for. Log and page name what came, so that an administrator knows which setting
// helps; the log has no values.
func (g *Gate) insufficient(w http.ResponseWriter, r *http.Request, email string, who identity, next string) {
	g.log.Warn("sign-in: what the provider says of somebody is not enough", zap.String("problem", string(who.Problem)),
		zap.String("claim", who.Claim), zap.Strings("came", who.Came), zap.String("helps", settingThatHelps[who.Problem]))
	g.refused(r.Context(), email, who.Problem != EmailMissing && who.Problem != EmailUnverified, "oidc", who.Problem)
	v := g.view(who.Problem, email, next)
	v.Claim, v.Came = who.Claim, who.Came
	g.pages.SignIn(w, r, who.Problem.status(), v)
}

// settingThatHelps is for the log, which only operators read.
var settingThatHelps = map[Problem]string{
	EmailMissing:    "let the provider send the claim, or set KVITT_OIDC_EMAIL_CLAIM to one that came and holds the address, with KVITT_OIDC_TRUST_EMAIL=true if only administrators can set it",
	EmailUnverified: "let the provider send email_verified, or set KVITT_OIDC_TRUST_EMAIL=true if only its administrators can set addresses",
	ClaimRefused:    "KVITT_OIDC_REQUIRE asks for it: give the person what it wants at the provider, let the provider send the claim, or change the setting",
	ClaimLeftOut:    "the person is in more groups than a token holds: let the provider send only the groups that are assigned to this application, or ask for a role of the application instead (KVITT_OIDC_REQUIRE=roles=…)",
}
