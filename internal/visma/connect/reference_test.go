package connect

import (
	"context"
	"encoding/json"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// referenceFile returns an example of Visma Connect, or skips the test and says
// what is not checked.
func referenceFile(t *testing.T, unchecked, name string) []byte {
	t.Helper()
	dir := os.Getenv("KVITT_REFERENCE_DIR")
	if dir == "" {
		t.Skipf("KVITT_REFERENCE_DIR is not set: not checked: %s", unchecked)
	}
	b, err := os.ReadFile(filepath.Join(dir, "examples", "visma", name))
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func TestTheDiscoveryDocumentOfVismaConnectIsUnderstood(t *testing.T) {
	var d discovery
	if err := json.Unmarshal(referenceFile(t, "our reading of Visma Connect's discovery document", "discovery.connect.visma.com.excerpt.json"), &d); err != nil {
		t.Fatal(err)
	}
	if err := d.check(DefaultIssuer); err != nil {
		t.Error(err)
	}
	if !d.basicAuth() || !d.IssParameterSupported || !slices.Equal(d.signing(), []string{"RS256"}) || !strings.HasSuffix(d.RevocationEndpoint, "/connect/revocation") {
		t.Errorf("read as %+v", d)
	}
}

func TestTheConsentAddressIsAsInTheExample(t *testing.T) {
	text := string(referenceFile(t, "our consent address against the example", "token.authorization_code.http"))
	example, _, _ := strings.Cut(strings.TrimPrefix(text, "GET "), "\n")
	example = strings.NewReplacer("<", "", ">", "").Replace(example)
	u, err := url.Parse(example)
	if err != nil {
		t.Fatal(err)
	}
	v := newVisma(t)
	c, _ := NewConsent(testRedirect)
	address, err := v.provider().AuthCodeURL(context.Background(), c)
	if err != nil {
		t.Fatal(err)
	}
	ours, _ := url.Parse(address)
	if ours.Path != u.Path {
		t.Errorf("the path is %s, want %s", ours.Path, u.Path)
	}
	for name := range u.Query() {
		if ours.Query().Get(name) == "" {
			t.Errorf("%s is not sent", name)
		}
	}
	for name := range ours.Query() {
		if !u.Query().Has(name) {
			t.Errorf("%s is sent and is not in the example", name)
		}
	}
	for _, name := range []string{"response_type", "response_mode", "prompt", "code_challenge_method"} {
		if got, want := ours.Query().Get(name), u.Query().Get(name); got != want {
			t.Errorf("%s is %q, want %q", name, got, want)
		}
	}
	if got, want := strings.Fields(ours.Query().Get("scope")), strings.Fields(u.Query().Get("scope")); !sameSet(got, want) {
		t.Errorf("the scopes are %v, want %v", got, want)
	}
}

func TestTheServiceTokenRequestIsAsInTheExample(t *testing.T) {
	text := string(referenceFile(t, "our token request against the example", "token.client_credentials.http"))
	var form url.Values
	for line := range strings.Lines(text) {
		if strings.HasPrefix(line, "grant_type=") {
			form, _ = url.ParseQuery(strings.TrimSpace(line))
		}
	}
	if form == nil {
		t.Fatal("the example has no form")
	}
	v := newVisma(t)
	if _, err := v.provider().Service(context.Background(), testTenant); err != nil {
		t.Fatal(err)
	}
	ours := v.forms[0]
	for name := range ours {
		if !form.Has(name) {
			t.Errorf("%s is sent and is not in the example", name)
		}
	}
	for name := range form { // the client may authenticate in the header instead
		if !ours.Has(name) && !strings.HasPrefix(name, "client_") {
			t.Errorf("%s is not sent", name)
		}
	}
	if got, want := strings.Fields(ours.Get("scope")), strings.Fields(form.Get("scope")); !sameSet(got, want) {
		t.Errorf("the scopes are %v, want %v", got, want)
	}
}

func sameSet(a, b []string) bool {
	slices.Sort(a)
	slices.Sort(b)
	return slices.Equal(a, b)
}
