package vault_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	commonpb "go.temporal.io/api/common/v1"
	"go.temporal.io/sdk/converter"
	"google.golang.org/protobuf/encoding/protojson"

	"kvitt/internal/vault"
)

// memory is a Keeper for tests that need no database.
type memory map[string][]byte

var errNone = errors.New("none")

func (m memory) PutSecret(_ context.Context, c, f string, b []byte) error {
	m[c+"/"+f] = b
	return nil
}

func (m memory) GetSecret(_ context.Context, c, f string) ([]byte, error) {
	if b, ok := m[c+"/"+f]; ok {
		return b, nil
	}
	return nil, errNone
}

func (m memory) FirstSecret(context.Context, string, string, []byte) ([]byte, error) {
	return nil, errNone
}

func (m memory) SwapSecret(context.Context, string, string, []byte, []byte) (bool, error) {
	return false, errNone
}
func (m memory) DeleteSecret(context.Context, string, string) error { return errNone }
func (m memory) DeleteSecrets(context.Context, string) error        { return errNone }
func (m memory) EachSecret(context.Context, func(string, string, []byte) error) error {
	return errNone
}

const ui = "http://127.0.0.1:8233"

func loggedIn(r *http.Request) bool { return r.Header.Get("Cookie") == "session=anna" }

func ask(t *testing.T, h http.Handler, method, path, body string, header ...string) *http.Response {
	t.Helper()
	r := httptest.NewRequestWithContext(t.Context(), method, path, strings.NewReader(body))
	for i := 0; i < len(header); i += 2 {
		r.Header.Set(header[i], header[i+1])
	}
	w := httptest.NewRecorder()
	h.ServeHTTP(w, r)
	return w.Result()
}

func body(t *testing.T, r *http.Response) string {
	t.Helper()
	defer func() { _ = r.Body.Close() }()
	b, err := io.ReadAll(r.Body)
	must(t, err)
	return string(b)
}

func TestTheWebUIDecodesThroughTheHandlerAndCannotEncode(t *testing.T) {
	k := keyring(t, keyset(t))
	h := k.CodecHandler(ui, loggedIn)
	sealed, err := protojson.Marshal(&commonpb.Payloads{Payloads: []*commonpb.Payload{encoded(t, k, "hej")}})
	must(t, err)
	for _, path := range []string{"/decode", "/decode/", "/default/decode", "/codec/my-namespace/decode/"} {
		r := ask(t, h, "POST", path, string(sealed), "Origin", ui, "Cookie", "session=anna", "X-Namespace", "default")
		var out commonpb.Payloads
		must(t, protojson.Unmarshal([]byte(body(t, r)), &out))
		var got string
		must(t, converter.GetDefaultDataConverter().FromPayloads(&out, &got))
		if r.StatusCode != 200 || got != "hej" || r.Header.Get("Content-Type") != "application/json" ||
			r.Header.Get("Access-Control-Allow-Origin") != ui || r.Header.Get("Access-Control-Allow-Credentials") != "true" {
			t.Errorf("%s: %d %q %v", path, r.StatusCode, got, r.Header)
		}
	}
	r := ask(t, h, "POST", "/encode", `{"payloads":[{"metadata":{"encoding":"anNvbi9wbGFpbg=="},"data":"ImhlaiI="}]}`, "Cookie", "session=anna")
	if b := body(t, r); r.StatusCode != 404 || strings.Contains(b, "YmluYXJ5L2VuY3J5cHRlZA==") {
		t.Errorf("a payload was encrypted that the worker would accept as Kvitt's own: %d %s", r.StatusCode, b)
	}
}

func TestTheRemoteCodecOfTheSDKWorksWithTheHandler(t *testing.T) {
	k := keyring(t, keyset(t))
	server := httptest.NewServer(k.CodecHandler(ui, func(*http.Request) bool { return true }))
	defer server.Close()
	remote := converter.NewRemoteDataConverter(converter.GetDefaultDataConverter(), converter.RemoteDataConverterOptions{Endpoint: server.URL})
	var got string
	must(t, remote.FromPayload(encoded(t, k, "hej"), &got))
	if got != "hej" {
		t.Errorf("%q", got)
	}
}

func TestTheHandlerRefusesWhoeverIsNotToUseIt(t *testing.T) {
	k := keyring(t, keyset(t))
	h := k.CodecHandler(ui+"/", loggedIn)
	big := fmt.Sprintf(`{"payloads":[{"data":"%s"}]}`, strings.Repeat("A", 9<<20))
	for _, c := range []struct {
		name, method, path, body string
		header                   []string
		status                   int
	}{
		{"a preflight", "OPTIONS", "/decode", "", []string{"Origin", ui}, 204},
		{"a preflight from elsewhere", "OPTIONS", "/decode", "", []string{"Origin", "http://evil.example"}, 403},
		{"another origin", "POST", "/decode", "{}", []string{"Origin", "http://127.0.0.1:8234", "Cookie", "session=anna"}, 403},
		{"a null origin", "POST", "/decode", "{}", []string{"Origin", "null", "Cookie", "session=anna"}, 403},
		{"nobody", "POST", "/decode", "{}", []string{"Origin", ui}, 401},
		{"somebody without an origin", "POST", "/decode", "{}", []string{"Cookie", "session=anna"}, 200},
		{"GET", "GET", "/decode", "", []string{"Cookie", "session=anna"}, 405},
		{"another path", "POST", "/decoder", "{}", []string{"Cookie", "session=anna"}, 404},
		{"the root", "POST", "/", "{}", []string{"Cookie", "session=anna"}, 404},
		{"no JSON", "POST", "/decode", "hej", []string{"Cookie", "session=anna"}, 400},
		{"no body", "POST", "/decode", "", []string{"Cookie", "session=anna"}, 400},
		{"a damaged payload", "POST", "/decode", `{"payloads":[{"metadata":{"encoding":"YmluYXJ5L2VuY3J5cHRlZA=="},"data":"AAAA"}]}`, []string{"Cookie", "session=anna"}, 400},
		{"too much", "POST", "/decode", big, []string{"Cookie", "session=anna"}, 413},
	} {
		r := ask(t, h, c.method, c.path, c.body, c.header...)
		if b := body(t, r); r.StatusCode != c.status {
			t.Errorf("%s: %d %s", c.name, r.StatusCode, b)
		}
		if c.status == 403 && r.Header.Get("Access-Control-Allow-Origin") != "" {
			t.Errorf("%s: another origin was allowed", c.name)
		}
	}
	if r := ask(t, k.CodecHandler(ui, nil), "POST", "/decode", "{}"); r.StatusCode != 401 {
		t.Errorf("without authorize: %d", r.StatusCode)
	}
	if r := ask(t, k.CodecHandler("", loggedIn), "POST", "/decode", "{}", "Origin", "", "Cookie", "session=anna"); r.StatusCode != 200 {
		t.Errorf("without an origin: %d", r.StatusCode)
	}
	if r := ask(t, k.CodecHandler("", loggedIn), "OPTIONS", "/decode", "", "Origin", ui); r.StatusCode != 403 {
		t.Errorf("a browser when no origin is allowed: %d", r.StatusCode)
	}
}

var _ vault.Keeper = memory{}
