package connectsim

import (
	"encoding/json"
	"fmt"
	"maps"
	"net/http"
	"slices"
	"strings"
	"time"
)

// Outage makes the token endpoint fail.
type Outage struct {
	Times  int `json:"times"`  // number of requests; 0: one
	Status int `json:"status"` // 503 when zero; ignored with AfterCommit
	// AfterCommit carries the request out and then breaks the connection: a one-time refresh token is used
	// up and its successor never arrives.
	AfterCommit bool `json:"after_commit"`
}

// IssuerParameter chooses the issuer in the callback.
type IssuerParameter string

// The choices, for tests of the client.
const (
	IssuerSent    IssuerParameter = "sent"
	IssuerMissing IssuerParameter = "missing"
	IssuerWrong   IssuerParameter = "wrong"
)

// Grant is a consent, without its tokens.
type Grant struct {
	Client  string    `json:"client"`
	User    string    `json:"user"`
	Tenant  string    `json:"tenant"`
	Scopes  []string  `json:"scopes"`
	Created time.Time `json:"created"`
	Revoked bool      `json:"revoked"`
}

// Revoke ends everything that gives access to a company: consents with their tokens, the approval of
// service apps, and valid access tokens.
func (s *Sim) Revoke(tenantID string) {
	s.change(func() {
		for _, g := range s.state.Grants {
			if g.Tenant == tenantID {
				s.revokeGrant(g)
			}
		}
		for id := range s.clients {
			s.state.Approvals[id+" "+tenantID] = false
		}
		s.expire(tenantID)
	})
}

// ExpireAccessTokens ends the access tokens of a company, or all of them when the tenant id is empty. They
// can be refreshed.
func (s *Sim) ExpireAccessTokens(tenantID string) { s.change(func() { s.expire(tenantID) }) }

func (s *Sim) expire(tenantID string) {
	maps.DeleteFunc(s.state.Access, func(_ string, t *accessToken) bool { return tenantID == "" || t.Tenant == tenantID })
}

// Approve approves a service app for a company, or withdraws the approval.
func (s *Sim) Approve(clientID, tenantID string, approved bool) {
	s.change(func() { s.state.Approvals[clientID+" "+tenantID] = approved })
}

// SetAPIUser gives a person the role "API User" in a company, or removes it.
func (s *Sim) SetAPIUser(email, tenantID string, has bool) {
	s.change(func() { s.state.Roles[email+" "+tenantID] = has })
}

// SetRefreshPolicy changes the portal's setting. As at Visma it applies to later consents; existing makes
// it apply to all.
func (s *Sim) SetRefreshPolicy(p RefreshPolicy, existing bool) {
	s.change(func() {
		s.state.Policy = p
		if existing {
			for _, g := range s.state.Grants {
				g.Policy = p
			}
		}
	})
}

// SetIssuerParameter changes the issuer in the callback.
func (s *Sim) SetIssuerParameter(p IssuerParameter) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.issuer = p
}

func (s *Sim) issuerParameter() IssuerParameter {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.issuer
}

// FailTokens makes the next requests to the token endpoint fail.
func (s *Sim) FailTokens(o Outage) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if o.Status == 0 {
		o.Status = http.StatusServiceUnavailable
	}
	for range max(o.Times, 1) {
		s.outages = append(s.outages, o)
	}
}

// outage returns the outage of this request, if it has one.
func (s *Sim) outage() Outage {
	s.mu.Lock()
	defer s.mu.Unlock()
	if len(s.outages) == 0 {
		return Outage{}
	}
	next := s.outages[0]
	s.outages = s.outages[1:]
	return next
}

// Grants returns all consents, oldest first.
func (s *Sim) Grants() []Grant {
	s.mu.Lock()
	defer s.mu.Unlock()
	all := []Grant{}
	for _, g := range s.state.Grants {
		all = append(all, Grant{g.Client, g.User, g.Tenant, slices.Clone(g.Scopes), g.Created, g.Revoked})
	}
	slices.SortFunc(all, func(a, b Grant) int { return a.Created.Compare(b.Created) })
	return all
}

// Counters returns counts of requests since the start: "token.refresh_token",
// "token.refresh_token.invalid_grant", "authorize", "consent.allowed", "consent.denied", "revocation",
// "discovery", "userinfo" ….
func (s *Sim) Counters() map[string]int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return maps.Clone(s.counts)
}

// ResetCounters restarts the counts from zero.
func (s *Sim) ResetCounters() {
	s.mu.Lock()
	defer s.mu.Unlock()
	clear(s.counts)
}

// addAdmin serves the controls to processes that only have HTTP:
//
//	POST   /_sandbox/connect/revoke          {"tenant"}
//	POST   /_sandbox/connect/expire          {"tenant"}
//	POST   /_sandbox/connect/approvals       {"client","tenant","approved"}
//	POST   /_sandbox/connect/roles           {"user","tenant","api_user"}
//	POST   /_sandbox/connect/refresh-policy  {"one_time","grace_seconds","existing"}
//	POST   /_sandbox/connect/outages         Outage
//	POST   /_sandbox/connect/issuer          {"parameter":"sent|missing|wrong"}
//	GET    /_sandbox/connect/grants
//	GET    /_sandbox/connect/counters
//	DELETE /_sandbox/connect/counters
func (s *Sim) addAdmin() {
	for pattern, do := range map[string]func(order) (any, error){
		"POST revoke":         func(in order) (any, error) { s.Revoke(in.Tenant); return nil, nil },
		"POST expire":         func(in order) (any, error) { s.ExpireAccessTokens(in.Tenant); return nil, nil },
		"POST approvals":      func(in order) (any, error) { s.Approve(in.Client, in.Tenant, in.Approved); return nil, nil },
		"POST roles":          func(in order) (any, error) { s.SetAPIUser(in.User, in.Tenant, in.APIUser); return nil, nil },
		"POST refresh-policy": s.orderPolicy,
		"POST outages":        func(in order) (any, error) { s.FailTokens(in.Outage); return nil, nil },
		"POST issuer":         s.orderIssuer,
		"GET grants":          func(order) (any, error) { return s.Grants(), nil },
		"GET counters":        func(order) (any, error) { return s.Counters(), nil },
		"DELETE counters":     func(order) (any, error) { s.ResetCounters(); return nil, nil },
	} {
		method, name, _ := strings.Cut(pattern, " ")
		s.mux.HandleFunc(method+" /_sandbox/connect/"+name, func(w http.ResponseWriter, r *http.Request) {
			var in order
			if method == http.MethodPost {
				if err := json.NewDecoder(r.Body).Decode(&in); err != nil {
					http.Error(w, err.Error(), http.StatusBadRequest)
					return
				}
			}
			answer(w, do, in)
		})
	}
}

// order is the body of an admin request.
type order struct {
	Tenant       string          `json:"tenant"`
	Client       string          `json:"client"`
	User         string          `json:"user"`
	Approved     bool            `json:"approved"`
	APIUser      bool            `json:"api_user"`
	OneTime      bool            `json:"one_time"`
	GraceSeconds int             `json:"grace_seconds"`
	Existing     bool            `json:"existing"`
	Parameter    IssuerParameter `json:"parameter"`
	Outage
}

func answer(w http.ResponseWriter, do func(order) (any, error), in order) {
	result, err := do(in)
	switch {
	case err != nil:
		http.Error(w, err.Error(), http.StatusBadRequest)
	case result == nil:
		w.WriteHeader(http.StatusNoContent)
	default:
		w.Header().Set("Content-Type", "application/json")
		_ = json.NewEncoder(w).Encode(result) // the client may be gone
	}
}

func (s *Sim) orderPolicy(in order) (any, error) {
	s.SetRefreshPolicy(RefreshPolicy{OneTime: in.OneTime, Grace: time.Duration(in.GraceSeconds) * time.Second}, in.Existing)
	return nil, nil
}

func (s *Sim) orderIssuer(in order) (any, error) {
	if !slices.Contains([]IssuerParameter{IssuerSent, IssuerMissing, IssuerWrong}, in.Parameter) {
		return nil, fmt.Errorf("set the issuer parameter: %q is not sent, missing or wrong", in.Parameter)
	}
	s.SetIssuerParameter(in.Parameter)
	return nil, nil
}
