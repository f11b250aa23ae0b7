package stack

import (
	"context"
	"crypto/rand"
	"encoding/hex"
	"errors"
	"fmt"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"time"

	"kvitt/sandbox/connectsim"
	"kvitt/sandbox/klarnasim"
	"kvitt/sandbox/shop"
	"kvitt/sandbox/vismasim"
)

// The fixed data of the sandbox's simulated providers.
const (
	TenantID    = "5f1d2c3b-8a4e-4c6d-9b7a-0e1f2a3b4c5d"
	CompanyName = "Nordisk Webbhandel AB"
	ClientID    = "isv_kvitt_sandbox"
	// PortalClientID is the OIDC client for portals at which people sign in through the simulated Visma
	// Connect.
	PortalClientID = "isv_kvitt_portal"
)

// Shop configures the simulated merchant. The zero value is a year and the months since, in four
// currencies, with everything that happens to a Nordic web shop.
type Shop struct {
	Seed  uint64
	Start time.Time
	Days  int
	Gross bool
	// Made, if set, is served instead of a generated shop.
	Made *shop.Shop
	// LargeRows is the number of rows of the one large payout, see shop.Config.
	LargeRows int
}

// FirstDay is the first day of the sandbox's shop.
var FirstDay = time.Date(2025, 1, 1, 0, 0, 0, 0, time.UTC)

func (s Shop) make(now time.Time) (*shop.Shop, error) {
	if s.Made != nil {
		return s.Made, nil
	}
	if s.Seed == 0 {
		s.Seed = 1
	}
	if s.Start.IsZero() {
		s.Start = FirstDay
	}
	if s.Days == 0 {
		s.Days = max(365, int(now.Sub(s.Start)/(24*time.Hour)))
	}
	return shop.Generate(shop.Config{Seed: s.Seed, Start: s.Start, Days: s.Days, Gross: s.Gross, LargeRows: s.LargeRows})
}

// Providers are the simulated Klarna, Visma Connect and Visma.net.
type Providers struct {
	Klarna  *klarnasim.Sim
	Visma   *vismasim.Sim
	Connect *connectsim.Sim

	KlarnaURL, VismaURL, ConnectURL string
	KlarnaKey, ClientSecret         string

	Shop *shop.Shop // the shop that the simulated Klarna serves

	servers []*http.Server
	open    atomic.Int64
}

// Connections returns the number of open connections to the simulators.
func (p *Providers) Connections() int64 { return p.open.Load() }

func (p *Providers) count(_ net.Conn, state http.ConnState) {
	switch state {
	case http.StateNew:
		p.open.Add(1)
	case http.StateClosed, http.StateHijacked: // the hijacker closes a hijacked connection
		p.open.Add(-1)
	default:
	}
}

// StartProviders serves the simulators. With a folder, the books and the keys are restored at the next
// start.
func StartProviders(o Options, dir string) (*Providers, error) {
	merchant, err := o.Shop.make(time.Now())
	if err != nil {
		return nil, err
	}
	p := &Providers{Shop: merchant}
	if p.KlarnaKey, err = kept(dir, "klarna.key", "klarna_test_api_"); err != nil {
		return nil, err
	}
	if p.ClientSecret, err = kept(dir, "client.secret", "sandbox-"); err != nil {
		return nil, err
	}
	addresses := map[string]*string{"klarna": &p.KlarnaURL, "visma": &p.VismaURL, "connect": &p.ConnectURL}
	listeners := map[string]net.Listener{}
	for _, one := range []struct {
		name string
		port int
	}{{"klarna", o.Ports.Klarna}, {"visma", o.Ports.Visma}, {"connect", o.Ports.Connect}} {
		address, err := Claim(one.name, one.port)
		if err != nil {
			return nil, err
		}
		l, err := (&net.ListenConfig{}).Listen(context.Background(), "tcp", address)
		if err != nil {
			return nil, fmt.Errorf("serve the simulated %s: %w", one.name, err)
		}
		listeners[one.name] = l
		*addresses[one.name] = "http://" + l.Addr().String()
	}
	company := vismasim.SwedishCompany(TenantID, CompanyName)
	if !o.Subaccounts {
		company.Segments = nil // the presets have no segments
	}
	companies := append([]vismasim.Company{company}, o.Companies...)
	if err := p.simulate(o, dir, merchant, companies); err != nil {
		return nil, err
	}
	p.serve(listeners["klarna"], p.Klarna)
	p.serve(listeners["visma"], p.Visma)
	p.serve(listeners["connect"], p.Connect)
	return p, nil
}

// simulate makes the simulators.
func (p *Providers) simulate(o Options, dir string, merchant *shop.Shop, companies []vismasim.Company) (err error) {
	var tenants []string
	var known []connectsim.Company
	access := map[string]bool{} // Anna's: she may act for every company
	for i := range companies {
		tenants = append(tenants, companies[i].TenantID)
		access[companies[i].TenantID] = true
		known = append(known, connectsim.Company{TenantID: companies[i].TenantID, Name: companies[i].Name})
	}
	from := klarnasim.Options{Environment: "test", Keys: []klarnasim.Key{{Key: p.KlarnaKey}}, Now: time.Now, HideFuture: true}
	in := connectsim.Options{
		Issuer: p.ConnectURL, Dir: dir,
		Clients: []connectsim.Client{{
			ID: ClientID, Secret: p.ClientSecret, Name: "Kvitt (sandbox)", Interactive: true, Service: true, ApprovedBy: tenants,
			RedirectURIs: redirects(o.Ports.Portal),
		}, {
			ID: PortalClientID, Secret: p.ClientSecret, Name: "Kvitt's portal (sandbox)", Interactive: true,
			RedirectURIs: []string{portalAddress(o.Ports.Portal) + "/signin/callback"},
		}},
		Companies: known,
		Users: []connectsim.User{
			{Email: PersonEmail, Password: PersonSecret, Name: "Anna Ek", Companies: access},
			{Email: "bo@example.com", Password: PersonSecret, Name: "Bo Ask", Companies: access},
			{Email: "cleo@example.com", Password: PersonSecret, Name: "Cleo Alm", Companies: access},
		},
	}
	to := vismasim.Options{Companies: companies, Dir: dir}
	if o.Tune != nil {
		o.Tune(&from, &to, &in)
	}
	if p.Klarna, err = klarnasim.New(merchant, from); err != nil {
		return err
	}
	if p.Connect, err = connectsim.New(in); err != nil {
		return err
	}
	to.Authorize = p.Connect.Check
	p.Visma, err = vismasim.New(to)
	return err
}

// Front serves the simulators at further addresses, for one worker only, so that a request can be
// attributed to its worker. The returned settings make that worker use them.
func (p *Providers) Front() (visma, klarna string, settings []string, err error) {
	for _, one := range []struct {
		to *string
		h  http.Handler
	}{{&visma, p.Visma}, {&klarna, p.Klarna}} {
		l, err := (&net.ListenConfig{}).Listen(context.Background(), "tcp", "127.0.0.1:0")
		if err != nil {
			return "", "", nil, fmt.Errorf("serve the simulators to one worker: %w", err)
		}
		p.serve(l, one.h)
		*one.to = l.Addr().String()
	}
	return visma, klarna, []string{"KVITT_VISMA_API_URL=http://" + visma, "KVITT_KLARNA_BASE_URL=http://" + klarna}, nil
}

func (p *Providers) serve(l net.Listener, h http.Handler) {
	s := &http.Server{Handler: h, ConnState: p.count}
	p.servers = append(p.servers, s)
	go func() { _ = s.Serve(l) }()
}

// redirects returns the addresses that a browser may be sent back to: the portal's, and the next port for
// a command line beside a worker.
func redirects(portal int) []string {
	if portal == 0 {
		portal = Fixed().Portal
	}
	var out []string
	for _, port := range []int{portal, portal + 1} {
		out = append(out, portalAddress(port)+"/connect/visma/callback")
	}
	return out
}

func portalAddress(port int) string {
	if port == 0 {
		port = Fixed().Portal
	}
	return fmt.Sprintf("http://127.0.0.1:%d", port)
}

// Close stops the simulators.
func (p *Providers) Close() error {
	var errs []error
	for _, s := range p.servers {
		errs = append(errs, s.Close())
	}
	return errors.Join(append(errs, p.Visma.Close(), p.Connect.Close())...)
}

// kept returns a generated secret that stays the same as long as the folder exists.
func kept(dir, name, prefix string) (string, error) {
	path := filepath.Join(dir, name)
	if b, err := os.ReadFile(path); err == nil {
		return strings.TrimSpace(string(b)), nil
	}
	random := make([]byte, 20)
	_, _ = rand.Read(random)
	secret := prefix + hex.EncodeToString(random)
	if err := os.WriteFile(path, []byte(secret+"\n"), 0o600); err != nil {
		return "", fmt.Errorf("make a secret for the sandbox: %w", err)
	}
	return secret, nil
}
