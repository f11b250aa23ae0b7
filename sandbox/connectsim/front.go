package connectsim

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"html"
	"net"
	"net/http"
	"net/url"
	"strconv"
	"strings"

	"github.com/zitadel/oidc/v3/pkg/op"
)

func (s *Sim) addRoutes() {
	s.mux = http.NewServeMux()
	s.mux.HandleFunc("/.well-known/openid-configuration", s.discovery)
	s.mux.HandleFunc("/connect/token", s.token)
	s.mux.HandleFunc("/connect/revocation", s.revocation)
	s.mux.HandleFunc("/connect/authorize", s.authorize)
	s.mux.HandleFunc("/connect/authorize/callback", s.authorize)
	s.addPages()
	s.addAdmin()
	s.mux.HandleFunc("/", func(w http.ResponseWriter, r *http.Request) {
		s.count(strings.TrimPrefix(strings.TrimPrefix(r.URL.Path, "/connect/"), "/"))
		s.provider.ServeHTTP(w, r)
	})
}

// ServeHTTP answers everything: protocol, pages, admin endpoints.
func (s *Sim) ServeHTTP(w http.ResponseWriter, r *http.Request) { s.mux.ServeHTTP(w, r) }

func (s *Sim) count(what string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.counts[what]++
}

// reply is an answer of op that is changed before it is sent.
type reply struct {
	status int
	header http.Header
	body   bytes.Buffer
}

// Header, Write and WriteHeader make it a http.ResponseWriter.
func (r *reply) Header() http.Header         { return r.header }
func (r *reply) Write(b []byte) (int, error) { return r.body.Write(b) }
func (r *reply) WriteHeader(status int)      { r.status = status }

// ask gets op's answer.
func (s *Sim) ask(r *http.Request) *reply {
	into := &reply{status: http.StatusOK, header: http.Header{}}
	s.provider.ServeHTTP(into, r)
	return into
}

func (r *reply) send(w http.ResponseWriter) {
	for name, values := range r.header {
		w.Header()[name] = values
	}
	w.Header().Set("Content-Length", strconv.Itoa(r.body.Len()))
	w.WriteHeader(r.status)
	_, _ = w.Write(r.body.Bytes()) // the client may be gone
}

func (r *reply) replace(body []byte) {
	r.body.Reset()
	r.body.Write(body)
}

// discovery adds the members of the front to op's document.
func (s *Sim) discovery(w http.ResponseWriter, r *http.Request) {
	s.count("discovery")
	got := s.ask(r)
	var doc map[string]any
	if json.Unmarshal(got.body.Bytes(), &doc) == nil {
		doc["authorization_response_iss_parameter_supported"] = true
		doc["response_modes_supported"] = []string{"form_post", "query", "fragment"}
		doc["response_types_supported"] = []string{"code"}
		doc["grant_types_supported"] = []string{"authorization_code", "client_credentials", "refresh_token"}
		doc["prompt_values_supported"] = []string{"none", "login", "consent", "select_account"}
		doc["code_challenge_methods_supported"] = []string{"plain", "S256"}
		for _, endpoint := range []string{"token", "revocation", "introspection"} {
			doc[endpoint+"_endpoint_auth_methods_supported"] = []string{"client_secret_basic", "client_secret_post"}
			delete(doc, endpoint+"_endpoint_auth_signing_alg_values_supported")
		}
		if body, err := json.Marshal(doc); err == nil {
			got.replace(body)
		}
	}
	got.send(w)
}

// token passes the form's tenant_id to the storage, answers the requested outages, and counts the results.
func (s *Sim) token(w http.ResponseWriter, r *http.Request) {
	kind := "token." + r.FormValue("grant_type")
	s.count(kind)
	outage := s.outage()
	if outage.Status != 0 && !outage.AfterCommit {
		s.count(kind + "." + strconv.Itoa(outage.Status))
		http.Error(w, `{"error":"server_error"}`, outage.Status)
		return
	}
	got := s.ask(r.WithContext(context.WithValue(r.Context(), tenantKey{}, r.PostFormValue("tenant_id"))))
	if got.status == http.StatusUnauthorized {
		got.status = http.StatusBadRequest
	}
	var refusal struct {
		Error string `json:"error"`
	}
	if got.status != http.StatusOK && json.Unmarshal(got.body.Bytes(), &refusal) == nil {
		s.count(kind + "." + refusal.Error)
	}
	if outage.AfterCommit {
		hangUp(w)
		return
	}
	got.header.Set("Cache-Control", "no-store, no-cache, max-age=0")
	got.send(w)
}

// hangUp breaks the connection: the client never gets the answer.
func hangUp(w http.ResponseWriter) {
	conn, _, err := http.NewResponseController(w).Hijack()
	if err != nil {
		panic(http.ErrAbortHandler) //nolint:forbidigo // net/http's own way
	}
	if tcp, ok := conn.(*net.TCPConn); ok {
		_ = tcp.SetLinger(0)
	}
	_ = conn.Close()
}

// revocation answers 400 where op answers 401, as the token endpoint does.
func (s *Sim) revocation(w http.ResponseWriter, r *http.Request) {
	s.count("revocation")
	got := s.ask(r)
	if got.status == http.StatusUnauthorized {
		got.status = http.StatusBadRequest
	}
	got.send(w)
}

// authorize adds iss and scope to the answer to the app.
func (s *Sim) authorize(w http.ResponseWriter, r *http.Request) {
	if r.URL.Path == "/connect/authorize" {
		s.count("authorize")
	}
	scopes := ""
	s.mu.Lock()
	if request := s.requests[r.FormValue("id")]; request != nil {
		scopes = request.Scopes.String()
	}
	s.mu.Unlock()
	got := s.ask(r)
	s.addIssuer(got, scopes)
	got.send(w)
}

// addIssuer adds iss (RFC 9207), and scope when there is a code, to a redirect to the app or to the form
// that is posted to it.
func (s *Sim) addIssuer(got *reply, scopes string) {
	extra := url.Values{}
	if scopes != "" {
		extra.Set("scope", scopes)
	}
	switch s.issuerParameter() {
	case IssuerMissing:
	case IssuerWrong:
		extra.Set("iss", "https://connect.example.org")
	default:
		extra.Set("iss", s.o.Issuer)
	}
	if location := got.header.Get("Location"); location != "" {
		got.header.Set("Location", withParameters(location, extra))
		return
	}
	form := got.body.String()
	if strings.HasPrefix(got.header.Get("Content-Type"), "application/json") || !strings.Contains(form, `name="code"`) {
		return
	}
	var inputs strings.Builder
	for name := range extra {
		fmt.Fprintf(&inputs, `<input type="hidden" name="%s" value="%s"/>`, name, html.EscapeString(extra.Get(name)))
	}
	got.replace([]byte(strings.Replace(form, "</form>", inputs.String()+"</form>", 1)))
}

// withParameters adds to the query or the fragment that contains the answer. Redirects to our own pages
// contain none and stay unchanged.
func withParameters(location string, extra url.Values) string {
	u, err := url.Parse(location)
	if err != nil || !u.IsAbs() {
		return location
	}
	for _, inFragment := range []bool{false, true} {
		text := u.RawQuery
		if inFragment {
			text = u.EscapedFragment()
		}
		answer, err := url.ParseQuery(text)
		if err != nil || !answer.Has("code") && !answer.Has("error") {
			continue
		}
		for name := range extra {
			if name == "iss" || answer.Has("code") {
				answer.Set(name, extra.Get(name))
			}
		}
		if !inFragment {
			u.RawQuery = answer.Encode()
			return u.String()
		}
		u.Fragment = ""
		return u.String() + "#" + answer.Encode()
	}
	return location
}

// issuerContext returns a request's context as op's own handlers expect it.
func (s *Sim) issuerContext(r *http.Request) context.Context {
	return op.ContextWithIssuer(r.Context(), s.o.Issuer)
}
