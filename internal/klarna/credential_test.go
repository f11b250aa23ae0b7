package klarna

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"strings"
	"testing"

	"kvitt/internal/fault"
)

func TestAWrongCredentialIsExplainedInWords(t *testing.T) {
	for name, c := range map[string]struct{ provider, region, key, username, field, says string }{
		"nothing":             {"klarna", "eu", " \n", "", "key", "the key is empty"},
		"browser identifier":  {"klarna", "eu", "klarna_live_client_abc", "", "key", "for Klarna's scripts in the browser"},
		"Kustom key":          {"klarna", "eu", "kco_live_api_abc", "", "key", "this is a key of Kustom, and the connection is to Klarna"},
		"Klarna key":          {"kustom", "eu", "klarna_live_api_abc", "", "key", "this is a key of Klarna, and the connection is to Kustom"},
		"browser at Kustom":   {"kustom", "eu", "klarna_test_client_abc", "", "key", "not an API key"},
		"something else":      {"klarna", "eu", "sk_live_abc", "", "key", "does not start with klarna_live_api_ or klarna_test_api_"},
		"something at Kustom": {"kustom", "eu", "sk_live_abc", "", "key", "does not start with kco_live_api_ or kco_test_api_"},
		"header and all":      {"klarna", "eu", "Basic klarna_live_api_abc", "", "key", "contains a space"},
		"two lines":           {"klarna", "eu", "klarna_live_api_a\nklarna_live_api_b", "", "key", "a line break"},
		"quotes":              {"klarna", "eu", `"klarna_live_api_abc"`, "", "key", "does not start with"},
		"no environment":      {"klarna", "eu", "klarna_prod_api_abc", "", "key", "not complete"},
		"no random part":      {"klarna", "eu", "klarna_live_api_", "", "key", "not complete"},
		"redacted":            {"klarna", "eu", "klarna_live_api_[redacted]", "", "key", "not complete"},
		"foreign letters":     {"klarna", "eu", "klarna_live_api_åäö", "", "key", "a letter that no key has"},
		"endless":             {"klarna", "eu", "klarna_live_api_" + strings.Repeat("a", 250), "", "key", "no key has more than 255"},
		"merchant id":         {"klarna", "eu", "klarna_live_api_abc", "K123456_ab12", "username", "not a UUID"},
		"broken UUID":         {"klarna", "eu", "klarna_live_api_abc", testUsername[1:], "username", "not a UUID"},
		"colon in user name":  {"kustom", "eu", "kco_live_api_abc", "M1:2", "username", "a colon"},
		"another provider":    {"stripe", "eu", "klarna_live_api_abc", "", "provider", `"stripe" is not a provider`},
		"another region":      {"klarna", "us", "klarna_live_api_abc", "", "region", `"us" is not a region`},
		"Kustom overseas":     {"kustom", "na", "kco_live_api_abc", "", "region", "Kustom has one host"},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := ParseCredential(c.provider, c.region, c.key, c.username)
			var wrong *CredentialError
			if !errors.As(err, &wrong) {
				t.Fatalf("got %v, want a *CredentialError", err)
			}
			if wrong.Field != c.field || !strings.Contains(wrong.Problem, c.says) {
				t.Errorf("got %s: %q, want %s: %q", wrong.Field, wrong.Problem, c.field, c.says)
			}
			if wrong.Remedy == "" {
				t.Error("there is no remedy")
			}
			if c.field == "key" && c.key != "" && strings.Contains(err.Error(), "abc") {
				t.Errorf("the key is in %q", err)
			}
		})
	}
}

func TestACredentialIsTrimmedAndItsEnvironmentReadFromTheKey(t *testing.T) {
	for _, c := range []struct {
		provider, region, key, username string
		want                            Credential
		environment                     Environment
	}{
		{"", "", "\ufeff klarna_live_api_x \r\n", "", Credential{Klarna, Europe, "klarna_live_api_x", ""}, Live},
		{"Klarna", "NA", "klarna_test_api_x", " " + testUsername + "\n", Credential{Klarna, NorthAmerica, "klarna_test_api_x", testUsername}, Test},
		{"kustom", "eu", "kco_live_api_x", "M123-ab12", Credential{Kustom, Europe, "kco_live_api_x", "M123-ab12"}, Live},
	} {
		got, err := ParseCredential(c.provider, c.region, c.key, c.username)
		if err != nil {
			t.Fatal(err)
		}
		if got != c.want || got.Environment() != c.environment {
			t.Errorf("got another credential than %v, or the environment %s", c.want, got.Environment())
		}
	}
}

func TestTheKeyIsNeverShown(t *testing.T) {
	c := Credential{Klarna, Europe, testKey, testUsername}
	client := newClient(t, c, Options{})
	var shown bytes.Buffer
	for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q", "%x", "%X", "%d", "%T", "%40s"} {
		fmt.Fprintf(&shown, verb+"\n", c)
		fmt.Fprintf(&shown, verb+"\n", &c)
		fmt.Fprintf(&shown, verb+"\n", struct{ C Credential }{c})
		fmt.Fprintf(&shown, verb+"\n", client)
	}
	slog.New(slog.NewJSONHandler(&shown, nil)).Info("made", "credential", c, "pointer", &c)
	slog.New(slog.NewTextHandler(&shown, nil)).Info("made", "credential", c, "pointer", &c)
	for _, v := range []any{c, &c, map[string]any{"c": c}} {
		b, err := json.Marshal(v)
		if err != nil {
			t.Fatal(err)
		}
		shown.Write(b)
	}
	hexed := fmt.Sprintf("%x", "canary")
	for _, secret := range []string{"canary", testUsername, hexed, strings.ToUpper(hexed), c.header()} {
		if strings.Contains(shown.String(), secret) {
			t.Errorf("%s is in\n%s", secret, shown.String())
		}
	}
}

func TestAnAnswerThatEchoesTheKeyDoesNotBringItIntoTheError(t *testing.T) {
	for _, username := range []string{"", testUsername} {
		c := Credential{Klarna, Europe, testKey, username}
		for _, handler := range []http.HandlerFunc{
			answers(http.StatusUnauthorized, fmt.Sprintf(`{"error_code":"BAD","error_messages":["key %s"]}`, testKey)),
			webPage(http.StatusUnauthorized, "<html><body>"+c.header()+"</body></html>"),
		} {
			s := serve(t, handler)
			client := newClient(t, c, Options{BaseURL: s.URL})
			_, _, err := client.Payout(t.Context(), "4711")
			e := wantFault(t, err, fault.Auth, redacted)
			if strings.Contains(e.Error(), c.header()) {
				t.Error("the encoded key is in the error")
			}
		}
	}
}

func TestTheKeyStandsRawWithoutAUserNameAndEncodedWithOne(t *testing.T) {
	for username, want := range map[string]string{
		"":           "Basic klarna_test_api_canary-4f1d",
		testUsername: "Basic MmZlMDMxMWItYWRjNS00NWU1LWFjMmItOTYzZGFjODNjODhiOmtsYXJuYV90ZXN0X2FwaV9jYW5hcnktNGYxZA==",
	} {
		var got string
		s := serve(t, func(w http.ResponseWriter, r *http.Request) {
			got = r.Header.Get("Authorization")
			pages("payouts", nil)(w, r)
		})
		client := newClient(t, Credential{Klarna, Europe, testKey, username}, Options{BaseURL: s.URL})
		if _, _, err := client.Verify(t.Context()); err != nil {
			t.Fatal(err)
		}
		if got != want {
			t.Errorf("got %q, want %q", got, want)
		}
	}
}

func TestTheHostFollowsFromProviderRegionAndKey(t *testing.T) {
	for _, c := range []struct {
		provider Provider
		region   Region
		key      string
		want     string
	}{
		{Klarna, Europe, "klarna_live_api_x", "https://api.klarna.com/settlements/v1"},
		{Klarna, Europe, "klarna_test_api_x", "https://api.playground.klarna.com/settlements/v1"},
		{Klarna, NorthAmerica, "klarna_live_api_x", "https://api-na.klarna.com/settlements/v1"},
		{Klarna, NorthAmerica, "klarna_test_api_x", "https://api-na.playground.klarna.com/settlements/v1"},
		{Klarna, Oceania, "klarna_live_api_x", "https://api-oc.klarna.com/settlements/v1"},
		{Klarna, Oceania, "klarna_test_api_x", "https://api-oc.playground.klarna.com/settlements/v1"},
		{Kustom, Europe, "kco_live_api_x", "https://api.kustom.co/settlements/v1"},
	} {
		client := newClient(t, Credential{c.provider, c.region, c.key, ""}, Options{})
		if client.base != c.want {
			t.Errorf("%s %s: got %s, want %s", c.provider, c.region, client.base, c.want)
		}
	}
}

func TestABaseURLThatWouldGiveTheKeyAwayIsRefused(t *testing.T) {
	live := Credential{Klarna, Europe, "klarna_live_api_x", ""}
	kustomTest := Credential{Kustom, Europe, "kco_test_api_x", ""}
	for _, c := range []struct {
		credential Credential
		base, says string
	}{
		{live, "http://api.klarna.com", "plain http"},
		{live, "http://10.0.0.1:8080", "plain http"},
		{live, "ftp://api.klarna.com", `the scheme "ftp"`},
		{live, "api.klarna.com", "not the address of a host"},
		{live, "https://", "not the address of a host"},
		{live, "https://user:pass@proxy.example", "more than a host and a path"},
		{live, "https://proxy.example/?a=b", "more than a host and a path"},
		{live, "https://api.playground.klarna.com", "Klarna's test host of region eu, and the credential is a live key of Klarna, region eu"},
		{live, "https://API-NA.klarna.com", "Klarna's live host of region na"},
		{live, "https://api.kustom.co", "Kustom's live host"},
		{kustomTest, "", "Kustom publishes no host"},
		{Credential{}, "", "is not a provider"},
	} {
		_, err := New(c.credential, Options{BaseURL: c.base})
		var wrong *CredentialError
		if !errors.As(err, &wrong) || !strings.Contains(wrong.Problem, c.says) {
			t.Errorf("%q: got %v, want %q", c.base, err, c.says)
		}
	}
	for base, want := range map[string]string{
		"http://127.0.0.1:9/":                          "http://127.0.0.1:9/settlements/v1",
		"http://localhost:9":                           "http://localhost:9/settlements/v1",
		"http://[::1]:9":                               "http://[::1]:9/settlements/v1",
		"https://proxy.example/klarna":                 "https://proxy.example/klarna/settlements/v1",
		"https://proxy.example/klarna/settlements/v1/": "https://proxy.example/klarna/settlements/v1",
	} {
		if client := newClient(t, kustomTest, Options{BaseURL: base}); client.base != want {
			t.Errorf("%s: got %s, want %s", base, client.base, want)
		}
	}
}
