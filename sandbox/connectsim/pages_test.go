package connectsim_test

import (
	"strings"
	"testing"

	"golang.org/x/oauth2"

	"kvitt/sandbox/connectsim"
)

func TestSigningInShowsScopesAndCompanies(t *testing.T) {
	w := newWorld(t, nil)
	b := w.browser()
	page := b.open(w.app.AuthCodeURL("s", oauth2.S256ChallengeOption(verifier)))
	if page.status != 200 || !strings.Contains(page.body, "to continue to Kvitt") {
		t.Fatalf("the first page is %d %s", page.status, page.body)
	}
	wrong := b.submit("/account/login", "id", page.flow, "email", astrid, "password", "guess")
	if wrong.status != 401 || !strings.Contains(wrong.body, "is not right") || wrong.flow != page.flow {
		t.Errorf("a wrong password is answered %d %s", wrong.status, wrong.body)
	}
	page = b.submit("/account/login", "id", page.flow, "email", "  "+strings.ToUpper(astrid), "password", "pw")
	for _, want := range []string{"Astrid Ek", "Nordbutiken AB", "Fjordbutikken AS", "create data in Visma.net ERP", "keep access when you are not here"} {
		if !strings.Contains(page.body, want) {
			t.Errorf("the consent page does not say %q", want)
		}
	}
	unchosen := b.submit("/account/consent", "id", page.flow, "decision", "allow")
	if unchosen.status != 422 || !strings.Contains(unchosen.body, "Choose the company") {
		t.Errorf("no company is answered %d", unchosen.status)
	}
	foreign := b.submit("/account/consent", "id", page.flow, "decision", "allow", "tenant", "33333333-3333-4333-8333-333333333333")
	if foreign.status != 422 {
		t.Errorf("a company that is not the person's is answered %d", foreign.status)
	}
	denied := b.submit("/account/consent", "id", page.flow, "decision", "deny")
	if q := denied.at.Query(); q.Get("error") != "access_denied" || q.Get("state") != "s" || q.Get("iss") != w.issuer || q.Has("code") {
		t.Errorf("denying leads to %s", denied.at)
	}
	if again := b.submit("/account/consent", "id", page.flow, "decision", "allow", "tenant", nord); again.status != 400 {
		t.Errorf("after denying, allowing is answered %d", again.status)
	}
}

func TestASessionSignsInWithoutAPasswordUnlessOneIsRequested(t *testing.T) {
	w := newWorld(t, nil)
	b := w.browser()
	page := b.open(w.app.AuthCodeURL("s"))
	b.submit("/account/login", "id", page.flow, "email", astrid, "password", "pw")
	if page := b.open(w.app.AuthCodeURL("s")); !strings.HasPrefix(page.at.Path, "/account/consent") {
		t.Errorf("a session leads to %s", page.at)
	}
	for _, prompt := range []string{"login", "select_account"} {
		if page := b.open(w.app.AuthCodeURL("s", oauth2.SetAuthURLParam("prompt", prompt))); page.at.Path != "/account/login" {
			t.Errorf("prompt=%s leads to %s", prompt, page.at)
		}
	}
	if page := b.open(w.app.AuthCodeURL("s", oauth2.SetAuthURLParam("prompt", "none"))); page.at.Query().Get("error") != "login_required" {
		t.Errorf("prompt=none leads to %s", page.at)
	}
	if stranger := w.browser().open(w.issuer + "/account/consent?id=" + page.flow); stranger.status != 400 {
		t.Errorf("another browser sees the consent page: %d", stranger.status)
	}
}

func TestAnAppIsRefusedWhatItMayNotDo(t *testing.T) {
	w := newWorld(t, nil)
	b := w.browser()
	elsewhere := w.app
	elsewhere.RedirectURL = "http://127.0.0.1:8088/elsewhere"
	if page := b.open(elsewhere.AuthCodeURL("s")); page.status != 400 || page.at.Path != "/connect/authorize" {
		t.Errorf("another redirect address leads to %d %s", page.status, page.at)
	}
	greedy := w.app
	greedy.Scopes = append([]string{"vismanet_erp_interactive_api:delete"}, w.app.Scopes...)
	if q := b.open(greedy.AuthCodeURL("s")).at.Query(); q.Get("error") != "invalid_scope" || q.Get("iss") != w.issuer || q.Get("state") != "s" {
		t.Errorf("a scope the app does not have leads to %v", q)
	}
	unknown := w.app
	unknown.ClientID = "isv_other"
	if page := b.open(unknown.AuthCodeURL("s")); page.status != 400 {
		t.Errorf("an unknown app leads to %d", page.status)
	}
	if page := b.open(w.issuer + "/account/login?id=none"); page.status != 400 {
		t.Errorf("a flow that never began leads to %d", page.status)
	}
}

func TestTheAnswerCanBeAFragmentOrAForm(t *testing.T) {
	w := newWorld(t, nil)
	for _, mode := range []string{"fragment", "form_post"} {
		b := w.browser()
		page := b.open(w.app.AuthCodeURL("s", oauth2.SetAuthURLParam("response_mode", mode)))
		page = b.submit("/account/login", "id", page.flow, "email", bo, "password", "pw")
		page = b.submit("/account/consent", "id", page.flow, "tenant", nord, "decision", "allow")
		answer := page.at.Fragment
		if mode == "form_post" {
			answer = page.body
		}
		for _, want := range []string{"code", "iss", "state"} {
			if !strings.Contains(answer, want) {
				t.Errorf("%s carries no %s: %s", mode, want, answer)
			}
		}
	}
}

func TestTheIssuerParameterCanBeLeftOutOrWrong(t *testing.T) {
	w := newWorld(t, nil)
	w.sim.SetIssuerParameter(connectsim.IssuerMissing)
	if got := w.consent(astrid, nord); got.Has("iss") {
		t.Errorf("iss is %q", got.Get("iss"))
	}
	w.sim.SetIssuerParameter(connectsim.IssuerWrong)
	if got := w.consent(astrid, nord).Get("iss"); got == w.issuer || got == "" {
		t.Errorf("iss is %q", got)
	}
}

func TestSigningOutEndsTheSession(t *testing.T) {
	w := newWorld(t, nil)
	b := w.browser()
	page := b.open(w.app.AuthCodeURL("s", oauth2.S256ChallengeOption(verifier)))
	page = b.submit("/account/login", "id", page.flow, "email", astrid, "password", "pw")
	page = b.submit("/account/consent", "id", page.flow, "tenant", nord, "decision", "allow")
	token, err := w.exchange(page.at.Query().Get("code"))
	if err != nil {
		t.Fatal(err)
	}
	out := b.open(w.issuer + "/connect/endsession?id_token_hint=" + token.Extra("id_token").(string))
	if out.status != 200 || !strings.Contains(out.body, "You are signed out") {
		t.Errorf("signing out leads to %d %s", out.status, out.at)
	}
	if page := b.open(w.app.AuthCodeURL("s")); page.at.Path != "/account/login" {
		t.Errorf("after signing out: %s", page.at)
	}
	if _, err := w.refresh(token.RefreshToken); err != nil {
		t.Errorf("signing out ended the grant: %v", err)
	}
}
