package signin

import (
	"net/url"
	"testing"

	"github.com/coreos/go-oidc/v3/oidc"
)

// Google answers prompt=login by an error; the chooser of accounts is what it has.
func TestGoogleIsAskedWithWhatItKnows(t *testing.T) {
	for issuer, want := range map[string]string{google: "select_account", "https://login.example.com": "login"} {
		p := &provider{OIDC: OIDC{Issuer: issuer}}
		d := &discovered{Provider: (&oidc.ProviderConfig{IssuerURL: issuer, AuthURL: issuer + "/auth"}).NewProvider(t.Context())}
		u, err := url.Parse(p.address(d, "s", true))
		if err != nil || u.Query().Get("prompt") != want || u.Query().Has("max_age") != (want == "login") {
			t.Errorf("%s: %s %v", issuer, u, err)
		}
		if u, err = url.Parse(p.address(d, "s", false)); err != nil || u.Query().Has("prompt") || u.Query().Has("max_age") {
			t.Errorf("%s: %s %v", issuer, u, err)
		}
	}
}
