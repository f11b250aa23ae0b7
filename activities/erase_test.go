package activities

import (
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"strings"
	"testing"

	"kvitt/internal/access"
	"kvitt/internal/config"
	"kvitt/internal/store"
	"kvitt/internal/vault"
	"kvitt/internal/visma/connect"
	"kvitt/workflows"
)

func TestAFailedRevocationIsAuditedAndKeepsNoSecretAlive(t *testing.T) {
	must := func(err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
	}
	down := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusServiceUnavailable) }))
	defer down.Close()
	s, err := store.Open(t.Context(), "sqlite:"+filepath.Join(t.TempDir(), "kvitt.db"))
	must(err)
	defer s.Close()
	must(s.Migrate(t.Context()))
	text, err := vault.NewKeyset()
	must(err)
	keys, err := vault.Open(text)
	must(err)
	v := vault.New(keys, s)
	grant, err := json.Marshal(connect.Grant{Flow: connect.FlowInteractive, RefreshToken: "refresh-canary", AccessToken: "access-canary"})
	must(err)
	must(v.Put(t.Context(), "c1", access.FieldVisma, vault.Secret(grant)))
	erase := &Visma{Store: s, Doors: &access.Doors{Store: s, Vault: v, Config: &config.Config{
		VismaConnectURL: down.URL, VismaClientID: "isv_kvitt", VismaClientSecret: "hemligt",
	}}}
	_, err = erase.EraseSecrets(t.Context(), workflows.VerifyInput{Connection: "c1", Who: "anna"})
	must(err)
	must(s.EachSecret(t.Context(), func(connection, field string, _ []byte) error {
		t.Errorf("the secret %s of %s is still there", field, connection)
		return nil
	}))
	trail, err := s.AuditTrail(t.Context(), "c1", 0)
	must(err)
	if len(trail) != 1 || trail[0].Action != "tokens.not_revoked" || trail[0].Who != "anna" ||
		!strings.Contains(string(trail[0].After), "503") || strings.Contains(string(trail[0].After), "canary") {
		t.Errorf("the audit trail says %+v", trail)
	}
}
