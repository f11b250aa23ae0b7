package e2e_test

import (
	"net/http"
	"testing"

	"kvitt/sandbox/connectsim"
	"kvitt/sandbox/stack"
	"kvitt/workflows"
)

// Whatever goes wrong at Visma Connect has a page of its own that says what
// helps, and leaves what was connected before as it was.
func TestEveryRefusalOfVismaConnectHasItsPage(t *testing.T) {
	t.Parallel()
	firms := companies(2)
	p := settles(t, stack.Options{Companies: firms, Shop: stack.Shop{Made: merchant(nil)}})
	p.name = "refused"
	w := p.world
	id := facts[struct{ ID string }](t, w.done(t, "connection", "create", "--name", "Hus", "--output", "json")).ID
	connect := func() {
		p.open("/connections/"+id+"/visma", 200)
		p.goes("Connect")
	}
	connect()
	p.consents(firms[0], "Deny")
	p.sees("denied", "The consent was declined", "Try again and approve")

	for parameter, page := range map[connectsim.IssuerParameter]string{
		connectsim.IssuerMissing: "The answer does not say that it comes from Visma Connect", connectsim.IssuerWrong: "The answer comes from somebody else",
	} {
		w.Providers.Connect.SetIssuerParameter(parameter)
		connect()
		p.consents(firms[0], "Approve")
		p.sees("iss-"+string(parameter), page, "Start again")
	}
	w.Providers.Connect.SetIssuerParameter(connectsim.IssuerSent)

	w.Providers.Connect.SetAPIUser("anna@example.com", firms[0].TenantID, false)
	connect()
	p.consents(firms[0], "Approve")
	p.sees("invalid-tenant", "The user or the company does not fit", "the role API User")
	w.Providers.Connect.SetAPIUser("anna@example.com", firms[0].TenantID, true)

	w.Providers.Connect.FailTokens(connectsim.Outage{Times: 20, Status: http.StatusServiceUnavailable})
	connect()
	p.consents(firms[0], "Approve")
	p.sees("unreachable", "Visma Connect does not answer", "Try again in a minute")
	w.drainTokens(t)

	p.open("/connect/visma/callback?code=x&state=forged&iss="+w.ConnectURL, 409)
	p.sees("forged", "Kvitt did not expect this answer", "Start again from Kvitt")

	// Somebody else finishes what Anna began.
	connect()
	p.must(p.Until("Visma Connect", `document.querySelector('#password, input[name=tenant]')`))
	begun := p.last("/connect/authorize")
	other := w.sits(t, "en")
	other.signsInWith(w.invite(t, "bo@example.com", "administrator"), "", "")
	_, err := other.Open(begun)
	other.must(err)
	other.consents(firms[0], "Approve")
	other.sees("other-session", "The answer came to another browser", "stay in this browser")

	connect()
	p.consents(firms[0], "Approve")
	p.sees("connected", "Connected", firms[0].Name)
	callback := p.last("/connect/visma/callback")
	_, err = p.Open(callback)
	p.must(err)
	p.sees("replayed", "Kvitt did not expect this answer")

	connect()
	p.consents(firms[1], "Approve")
	p.sees("company-changed", "This is another company", "choose the same company")
	if s := facts[workflows.Status](t, w.done(t, "connection", "show", id, "--output", "json")); s.Visma.State != workflows.SideConnected || s.CompanyName != firms[0].Name {
		t.Errorf("after the refusals the connection is with %s, %s", s.CompanyName, s.Visma.State)
	}

	p.open("/connections/"+id+"/visma", 200)
	p.sees("visma-again", "This connection belongs to "+firms[0].Name)
	p.fill("Company Tenant ID", "nonsense")
	p.goes("Connect without a person")
	p.sees("tenant-malformed", "That is not a tenant id.")
	w.Providers.Connect.Approve(stack.ClientID, firms[0].TenantID, false)
	p.fill("Company Tenant ID", firms[0].TenantID)
	p.goes("Connect without a person")
	p.sees("not-approved", "Visma Connect says", "Try again")
}

// drainTokens uses up what is left of an outage of the token endpoint.
func (w *world) drainTokens(t *testing.T) {
	t.Helper()
	until(t, waitFor, "the token endpoint works", func() string {
		answer, err := http.PostForm(w.ConnectURL+"/connect/token", nil)
		if err != nil {
			return err.Error()
		}
		defer answer.Body.Close()
		if answer.StatusCode >= 500 {
			return answer.Status
		}
		return ""
	})
}
