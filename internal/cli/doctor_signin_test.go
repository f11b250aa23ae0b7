package cli

import (
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"testing"
)

func TestDoctorLooksAtTheProviderThatPeopleSignInAt(t *testing.T) {
	d := newDesk(t)
	issuer := ""
	provider := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		own := "http://" + r.Host
		_ = json.NewEncoder(w).Encode(map[string]string{
			"issuer": issuer, "authorization_endpoint": own + "/authorize", "token_endpoint": own + "/token", "jwks_uri": own + "/keys",
		})
	}))
	t.Cleanup(provider.Close)
	for _, name := range []string{"KVITT_VISMA_API_URL", "KVITT_VISMA_CONNECT_URL"} { // nobody else is asked
		t.Setenv(name, provider.URL)
	}
	t.Setenv("KVITT_OIDC_ISSUER", provider.URL)
	t.Setenv("KVITT_OIDC_CLIENT_ID", "kvitt")
	t.Setenv("KVITT_OIDC_CLIENT_SECRET", "hemligt")
	issuer = provider.URL
	contains(t, d.run("doctor").out, "sign-in            "+provider.URL+" answers with its discovery document")
	issuer = "https://login.microsoftonline.com/{tenantid}/v2.0"
	contains(t, d.run("doctor").out, "failed   sign-in", "is that of \"https://login.microsoftonline.com/{tenantid}/v2.0\"")
}
