package connectsim

import (
	"bytes"
	"crypto/rand"
	"crypto/subtle"
	"embed"
	"html/template"
	"net/http"
	"net/url"
	"slices"
	"strings"

	"github.com/zitadel/oidc/v3/pkg/oidc"
	"github.com/zitadel/oidc/v3/pkg/op"
)

const sessionCookie = "visma.session"

//go:embed pages/*.html
var pageFiles embed.FS

var pages = template.Must(template.ParseFS(pageFiles, "pages/*.html"))

// page holds the data of a page.
type page struct {
	Title   string
	Problem string
	ID      string // of the flow
	App     string
	Email   string
	Name    string
	Rights  []string
	Choices []Company
}

func (s *Sim) addPages() {
	s.mux.HandleFunc("GET /account/login", s.showLogin)
	s.mux.HandleFunc("POST /account/login", s.login)
	s.mux.HandleFunc("GET /account/consent", s.showConsent)
	s.mux.HandleFunc("POST /account/consent", s.consent)
	s.mux.HandleFunc("GET /account/signedout", func(w http.ResponseWriter, _ *http.Request) {
		show(w, http.StatusOK, "message.html", page{Title: "Signed out", Problem: "You are signed out. You can close this page."})
	})
}

func show(w http.ResponseWriter, status int, name string, p page) {
	var body bytes.Buffer
	if err := pages.ExecuteTemplate(&body, name, p); err != nil {
		http.Error(w, err.Error(), http.StatusInternalServerError)
		return
	}
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	w.Header().Set("Cache-Control", "no-store")
	w.Header().Set("Content-Security-Policy", "default-src 'none'; style-src 'unsafe-inline'; frame-ancestors 'none'")
	w.Header().Set("Referrer-Policy", "no-referrer")
	w.WriteHeader(status)
	_, _ = w.Write(body.Bytes())
}

func ended(w http.ResponseWriter) {
	show(w, http.StatusBadRequest, "message.html", page{Title: "Sign-in has ended", Problem: "This sign-in has ended or does not exist. Go back to the app and start again."})
}

// flow returns the flow of a page. The fields that pages read do not change after it has begun, except
// under Sim.mu.
func (s *Sim) flow(r *http.Request) *authRequest {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.requests[r.FormValue("id")]
}

// session returns the email of the person who is signed in in this browser.
func (s *Sim) session(r *http.Request) string {
	cookie, err := r.Cookie(sessionCookie)
	if err != nil {
		return ""
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.sessions[cookie.Value]
}

func (s *Sim) appName(id string) string {
	if c := s.clients[id]; c.Name != "" {
		return c.Name
	}
	return id
}

func (s *Sim) showLogin(w http.ResponseWriter, r *http.Request) {
	request := s.flow(r)
	if request == nil {
		ended(w)
		return
	}
	again := slices.Contains(request.Prompt, oidc.PromptLogin) || slices.Contains(request.Prompt, oidc.PromptSelectAccount)
	if email := s.session(r); email != "" && !again {
		s.signIn(request, email)
		http.Redirect(w, r, "/account/consent?id="+url.QueryEscape(request.id), http.StatusSeeOther)
		return
	}
	show(w, http.StatusOK, "login.html", page{Title: "Sign in", ID: request.id, App: s.appName(request.ClientID), Email: request.LoginHint})
}

func (s *Sim) signIn(request *authRequest, email string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	request.user, request.authTime = email, s.o.Now()
}

func (s *Sim) login(w http.ResponseWriter, r *http.Request) {
	request := s.flow(r)
	if request == nil {
		ended(w)
		return
	}
	email := strings.ToLower(strings.TrimSpace(r.PostFormValue("email")))
	u := s.users[email]
	if u == nil || subtle.ConstantTimeCompare([]byte(u.Password), []byte(r.PostFormValue("password"))) != 1 {
		show(w, http.StatusUnauthorized, "login.html", page{
			Title: "Sign in", ID: request.id, App: s.appName(request.ClientID), Email: email,
			Problem: "The email address or the password is not right.",
		})
		return
	}
	cookie := rand.Text()
	s.mu.Lock()
	s.sessions[cookie] = email
	s.mu.Unlock()
	s.signIn(request, email)
	http.SetCookie(w, &http.Cookie{
		Name: sessionCookie, Value: cookie, Path: "/", HttpOnly: true, SameSite: http.SameSiteLaxMode, Secure: strings.HasPrefix(s.o.Issuer, "https://"),
	})
	http.Redirect(w, r, "/account/consent?id="+url.QueryEscape(request.id), http.StatusSeeOther)
}

// signedIn returns the flow of the page, and the person who is signed in in this browser.
func (s *Sim) signedIn(r *http.Request) (*authRequest, *User) {
	request, email := s.flow(r), s.session(r)
	if request == nil || email == "" {
		return nil, nil
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if request.user != email {
		return nil, nil
	}
	return request, s.users[email]
}

func (s *Sim) showConsent(w http.ResponseWriter, r *http.Request) {
	request, u := s.signedIn(r)
	if request == nil {
		ended(w)
		return
	}
	show(w, http.StatusOK, "consent.html", s.consentPage(request, u))
}

func (s *Sim) consentPage(request *authRequest, u *User) page {
	return page{
		Title: "Allow access", ID: request.id, App: s.appName(request.ClientID), Name: u.Name, Email: u.Email,
		Rights: rights(request.Scopes), Choices: s.choices(u),
	}
}

// choices returns the companies a person can consent for, by name.
func (s *Sim) choices(u *User) []Company {
	var choices []Company
	for _, c := range s.o.Companies {
		if _, ok := u.Companies[c.TenantID]; ok {
			choices = append(choices, c)
		}
	}
	slices.SortFunc(choices, func(a, b Company) int { return strings.Compare(a.Name, b.Name) })
	return choices
}

// rights describes scopes in words.
func rights(scopes []string) []string {
	words := map[string]string{
		"openid": "know who you are", "email": "see your email address", "profile": "see your name",
		"tenants": "know which company you choose", "offline_access": "keep access when you are not here",
	}
	var all []string
	for _, scope := range scopes {
		if w := words[scope]; w != "" {
			all = append(all, w)
		} else if _, verb, ok := strings.Cut(scope, "_api:"); ok {
			all = append(all, verb+" data in Visma.net ERP")
		} else {
			all = append(all, scope)
		}
	}
	return all
}

func (s *Sim) consent(w http.ResponseWriter, r *http.Request) {
	request, u := s.signedIn(r)
	if request == nil {
		ended(w)
		return
	}
	if r.PostFormValue("decision") != "allow" {
		s.deny(w, r, request)
		return
	}
	tenant := r.PostFormValue("tenant")
	if _, ok := u.Companies[tenant]; !ok {
		p := s.consentPage(request, u)
		p.Problem = "Choose the company that the app may use."
		show(w, http.StatusUnprocessableEntity, "consent.html", p)
		return
	}
	s.count("consent.allowed")
	s.mu.Lock()
	request.tenant = tenant
	s.mu.Unlock()
	http.Redirect(w, r, op.AuthCallbackURL(s.provider)(s.issuerContext(r), request.id), http.StatusSeeOther)
}

// deny sends the person back to the app with access_denied.
func (s *Sim) deny(w http.ResponseWriter, r *http.Request, request *authRequest) {
	s.count("consent.denied")
	s.mu.Lock()
	delete(s.requests, request.id)
	s.mu.Unlock()
	got := &reply{status: http.StatusOK, header: http.Header{}}
	op.AuthRequestError(got, r.WithContext(s.issuerContext(r)), request, oidc.ErrAccessDenied(), s.provider)
	s.addIssuer(got, "")
	got.send(w)
}
