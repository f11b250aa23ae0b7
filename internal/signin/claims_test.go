package signin_test

import (
	"encoding/json"
	"maps"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"kvitt/internal/signin"
)

// entra returns what Entra ID says of somebody when nothing was changed there: no
// e-mail address, and none at the userinfo endpoint either.
func entra(more map[string]any) map[string]any {
	claims := map[string]any{
		"sub": "anna-1", "oid": "o-1", "tid": "t-1", "name": "Anna Berg", "preferred_username": "anna@example.com", "upn": "anna@example.com", "ver": "2.0",
	}
	maps.Copy(claims, more)
	return claims
}

// google returns what Google says of somebody in a company's Workspace.
func google(more map[string]any) map[string]any {
	claims := map[string]any{"sub": "anna-1", "email": "anna@example.com", "email_verified": true, "hd": "example.com", "name": "Anna Berg"}
	maps.Copy(claims, more)
	return claims
}

func TestPeopleAreKnownByTheClaimThatTheSettingsName(t *testing.T) {
	trusting := func(claim string, demands ...signin.Demand) signin.OIDC {
		return signin.OIDC{TrustEmail: true, EmailClaim: claim, Demands: demands}
	}
	demand := func(claim string, any ...string) signin.Demand { return signin.Demand{Claim: claim, Any: any} }
	overage := map[string]any{
		"_claim_names":   map[string]any{"groups": "src1"},
		"_claim_sources": map[string]any{"src1": map[string]any{"endpoint": "https://graph.example/getMemberObjects"}},
	}
	for _, c := range []struct {
		name     string
		settings signin.OIDC
		token    map[string]any
		userinfo map[string]any
		problem  signin.Problem // "" lets in
		page     string
	}{
		{"Entra as it comes, as it is set by default", signin.OIDC{}, entra(nil), nil, signin.EmailMissing, "claim=email came=name,oid,preferred_username,sub,tid,upn"},
		{"Entra as it comes, trusted", trusting(""), entra(nil), map[string]any{"sub": "anna-1", "picture": "x"}, signin.EmailMissing, "claim=email came=name,oid,picture,preferred_username,sub,tid,upn"},
		{"preferred_username", trusting("preferred_username"), entra(nil), nil, "", ""},
		{"upn", trusting("upn"), entra(nil), nil, "", ""},
		{"upn that nobody vouches for", signin.OIDC{EmailClaim: "upn"}, entra(map[string]any{"email_verified": true}), nil, signin.EmailUnverified, "claim=upn"},
		{"a claim at the userinfo endpoint only", trusting("mail"), entra(nil), map[string]any{"sub": "anna-1", "mail": "anna@example.com"}, "", ""},
		{"a claim that is no text", trusting("preferred_username"), entra(map[string]any{"preferred_username": []string{"anna@example.com"}}), nil, signin.EmailMissing, "claim=preferred_username"},
		{"an empty claim", trusting(""), entra(map[string]any{"email": ""}), nil, signin.EmailMissing, "claim=email"},
		{"an address of the token, vouched for by userinfo", signin.OIDC{}, entra(map[string]any{"email": "anna@example.com"}), map[string]any{"sub": "anna-1", "email": "bo@example.com", "email_verified": true}, signin.EmailUnverified, ""},

		{"the tenant", trusting("upn", demand("tid", "t-1")), entra(nil), nil, "", ""},
		{"another tenant", trusting("upn", demand("tid", "t-2")), entra(nil), nil, signin.ClaimRefused, "claim=tid"},
		{"one of the groups", trusting("upn", demand("groups", "g-1", "g-2")), entra(map[string]any{"groups": []string{"g-9", "g-2"}}), nil, "", ""},
		{"none of the groups", trusting("upn", demand("groups", "g-1")), entra(map[string]any{"groups": []string{"g-9"}}), nil, signin.ClaimRefused, "claim=groups"},
		{"a part of a group's name", trusting("upn", demand("groups", "g-1")), entra(map[string]any{"groups": "g-12"}), nil, signin.ClaimRefused, ""},
		{"no groups at all", trusting("upn", demand("groups", "g-1")), entra(nil), nil, signin.ClaimRefused, "claim=groups came=name,oid,"},
		{"groups at the userinfo endpoint", trusting("upn", demand("groups", "g-1")), entra(nil), map[string]any{"sub": "anna-1", "groups": []string{"g-1"}}, "", ""},
		{"more groups than a token holds", trusting("upn", demand("groups", "g-1")), entra(overage), nil, signin.ClaimLeftOut, "claim=groups"},
		{"more groups than a token holds, as in the implicit flow", trusting("upn", demand("groups", "g-1")), entra(map[string]any{"hasgroups": true}), nil, signin.ClaimLeftOut, "claim=groups"},
		{"more groups than a token holds, and nobody asks for them", trusting("upn"), entra(overage), nil, "", ""},
		{"a role of the application", trusting("upn", demand("roles", "Kvitt.User")), entra(map[string]any{"roles": []string{"Kvitt.User"}}), nil, "", ""},
		{"a role under another name", trusting("upn", demand("https://example.com/roles", "kvitt")), entra(map[string]any{"https://example.com/roles": []string{"kvitt"}}), nil, "", ""},
		{"two demands, one of them met", trusting("upn", demand("tid", "t-1"), demand("roles", "Kvitt.User")), entra(nil), nil, signin.ClaimRefused, "claim=roles"},
		{"a number and a truth", trusting("upn", demand("level", "3"), demand("employee", "true")), entra(map[string]any{"level": 3, "employee": true}), nil, "", ""},
		{"a claim that is null", trusting("upn", demand("level", "null", "")), entra(map[string]any{"level": nil}), nil, signin.ClaimRefused, ""},

		{"Google", signin.OIDC{}, google(nil), nil, "", ""},
		{"Google, of the company", signin.OIDC{Demands: []signin.Demand{demand("hd", "example.com")}}, google(nil), nil, "", ""},
		{"Google, somebody's own account", signin.OIDC{Demands: []signin.Demand{demand("hd", "example.com")}}, google(map[string]any{"hd": nil}), nil, signin.ClaimRefused, "claim=hd"},
		{"Google, an address that was not verified", signin.OIDC{}, google(map[string]any{"email_verified": false}), nil, signin.EmailUnverified, "claim=email"},
	} {
		t.Run(c.name, func(t *testing.T) { tryClaims(t, c.settings, c.token, c.userinfo, c.problem, c.page) })
	}
}

// tryClaims lets the provider speak so of anna@example.com, who is known.
func tryClaims(t *testing.T, settings signin.OIDC, token, userinfo map[string]any, problem signin.Problem, page string) {
	t.Helper()
	h := newHouse(t, func(o *signin.Options) {
		o.OIDC.TrustEmail, o.OIDC.EmailClaim, o.OIDC.Demands = settings.TrustEmail, settings.EmailClaim, settings.Demands
	})
	h.known("anna@example.com", signin.Viewer)
	h.op.verified, h.op.userinfo = nil, userinfo
	h.op.token = func(c map[string]any) { maps.Copy(c, token) }
	b := h.browser()
	if problem == "" {
		h.want(b.signIn(""), http.StatusSeeOther, "")
		h.want(b.get("/"), http.StatusOK, "anna@example.com")
		return
	}
	h.want(b.signIn(""), http.StatusForbidden, "problem="+string(problem))
	b.out()
	a := b.signIn("")
	h.want(a, http.StatusForbidden, page)
	told := h.log.FilterMessageSnippet("is not enough").All()
	if len(told) == 0 || told[0].ContextMap()["helps"] == "" || len(told[0].ContextMap()["came"].([]any)) == 0 {
		t.Errorf("the log does not name what came: %v", told)
	}
	words, err := json.Marshal(told[0].ContextMap())
	if err != nil || strings.Contains(string(words), "Anna Berg") || strings.Contains(a.body, "Anna Berg") {
		t.Errorf("values are told: %s, %v", words, err)
	}
}

// The token of the field: c3-entra-id-token.json has the settings it came with.
func TestTheTokenOfTheFieldIsNamedAndASettingLetsItsPersonIn(t *testing.T) {
	dir := os.Getenv("KVITT_REFERENCE_DIR")
	if dir == "" {
		return // the table above stands for it
	}
	b, err := os.ReadFile(filepath.Join(dir, "cases", "field", "c3-entra-id-token.json")) //nolint:gosec // a folder of the person who runs the tests
	if err != nil {
		t.Fatal(err)
	}
	var met struct {
		Token    map[string]any `json:"id_token_claims"`
		Userinfo map[string]any
		Settings map[string]string
	}
	if err := json.Unmarshal(b, &met); err != nil {
		t.Fatal(err)
	}
	for _, ours := range []string{"iss", "aud"} { // those of the provider that is played
		delete(met.Token, ours)
	}
	email, _ := met.Token["preferred_username"].(string)
	met.Token["preferred_username"], met.Token["upn"] = strings.Replace(email, "person@", "anna@", 1), "other@example.com"
	settings := signin.OIDC{TrustEmail: met.Settings["KVITT_OIDC_TRUST_EMAIL"] == "true"}
	tryClaims(t, settings, met.Token, met.Userinfo, signin.EmailMissing, "claim=email came=name,oid,picture,preferred_username,sub,tid,upn")
	settings.EmailClaim = "preferred_username"
	tryClaims(t, settings, met.Token, met.Userinfo, "", "")
}

func TestAProviderThatNamesItselfOtherwiseIsAWrongSetting(t *testing.T) {
	for _, issuer := range []string{"https://login.microsoftonline.com/{tenantid}/v2.0", "https://sts.windows.net/t-1/"} {
		h := newHouse(t)
		h.op.document = func(d map[string]any) { d["issuer"] = issuer }
		h.want(h.browser().get("/signin/oidc"), http.StatusBadGateway, "problem=provider_misset")
		told := h.log.FilterMessageSnippet("cannot be used").All()
		if len(told) != 1 || !strings.Contains(told[0].ContextMap()["error"].(string), issuer) || !strings.Contains(told[0].ContextMap()["error"].(string), "Set KVITT_OIDC_ISSUER") {
			t.Errorf("the log says %v", told)
		}
	}
}

func TestWhatCameIsShownInBounds(t *testing.T) {
	many := map[string]any{"a\u202e\n<b>": "x", strings.Repeat("l", 500): "x"}
	for i := range 300 {
		many["m"+strings.Repeat("x", i)] = "x"
	}
	h := newHouse(t)
	h.op.token = func(c map[string]any) { maps.Copy(c, many) }
	a := h.browser().signIn("")
	h.want(a, http.StatusForbidden, "problem=email_missing")
	if len(a.body) > 4000 || strings.ContainsAny(a.body, "\n\u202e") {
		t.Errorf("%d bytes: %s", len(a.body), a.body)
	}
}
