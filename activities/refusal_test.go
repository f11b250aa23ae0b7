package activities

import (
	"errors"
	"net/http"
	"testing"

	"kvitt/internal/fault"
	"kvitt/internal/klarna"
	"kvitt/internal/visma/connect"
	"kvitt/workflows"
)

func TestARefusalHasACodeThatTellsItApart(t *testing.T) {
	_, malformed := klarna.ParseCredential("klarna", "eu", "not a key", "")
	if malformed == nil {
		t.Fatal("it was taken for a key")
	}
	of := func(party string, class fault.Class, status int, code string) error {
		return &fault.Error{Class: class, Party: party, Attempted: "verify", Status: status, Code: code}
	}
	for name, c := range map[string]struct {
		err  error
		code string
	}{
		"malformed key":         {malformed, workflows.RefusedMalformed},
		"dead refresh token":    {of(connect.Party, fault.Auth, http.StatusBadRequest, connect.CodeInvalidGrant), workflows.RefusedRevoked},
		"no role in company":    {of(connect.Party, fault.Auth, http.StatusBadRequest, connect.CodeInvalidTenant), workflows.RefusedTenant},
		"too few scopes":        {of(connect.Party, fault.Auth, http.StatusOK, connect.CodeMissingScope), workflows.RefusedScope},
		"our own secret":        {of(connect.Party, fault.Auth, http.StatusUnauthorized, connect.CodeInvalidClient), workflows.RefusedClient},
		"key that is no more":   {of("Klarna", fault.Auth, http.StatusUnauthorized, "UNAUTHORIZED"), workflows.RefusedRevoked},
		"token that is no more": {of("Visma.net", fault.Auth, http.StatusUnauthorized, ""), workflows.RefusedRevoked},
		"something else":        {of("Visma.net", fault.Rejected, http.StatusBadRequest, "moved"), "moved"},
	} {
		got := refusal(c.err)
		if got == nil || got.Code != c.code || got.OK || got.Words == "" {
			t.Errorf("%s: %+v, want the code %s", name, got, c.code)
		}
	}
	for _, heals := range []error{of("Klarna", fault.Transient, 503, ""), of("Klarna", fault.Throttled, 429, ""), errors.New("ours")} {
		if got := refusal(heals); got != nil {
			t.Errorf("%v is told as a refusal: %+v", heals, got)
		}
	}
}
