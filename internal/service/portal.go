package service

import (
	"context"
	"crypto/sha256"
	"crypto/subtle"
	"fmt"
	"net"
	"net/http"
	"os"

	"kvitt/activities"
	"kvitt/internal/config"
	"kvitt/internal/operate"
	"kvitt/internal/portal"
	"kvitt/internal/signin"
)

// portal serves what people's browsers ask for.
func (p *parts) portal(ctx context.Context) (http.Handler, error) {
	preview := &activities.Preview{
		Klarna: &activities.Klarna{Doors: p.doors, Store: p.store},
		Visma:  &activities.Visma{Doors: p.doors, Store: p.store, UnknownWait: p.config.UnknownWait},
	}
	pages, err := portal.New(portal.Options{
		Desk:     &operate.Desk{Store: p.store, Vault: p.vault, Doors: p.doors, Temporal: p.asks},
		Consents: p.doors.Consents(),
		Config:   p.config, Log: p.log, Trial: preview.Trial,
	})
	if err != nil {
		return nil, err
	}
	var demands []signin.Demand
	for _, d := range p.config.OIDCRequire {
		demands = append(demands, signin.Demand(d))
	}
	gate, err := signin.New(signin.Options{
		Store: p.store, PublicURL: p.config.PublicURL, Pages: pages, Log: p.log,
		OIDC: signin.OIDC{
			Issuer: p.config.OIDCIssuer, ClientID: p.config.OIDCClientID, ClientSecret: p.config.OIDCClientSecret,
			Name: p.config.OIDCName, TrustEmail: p.config.OIDCTrustEmail, EmailClaim: p.config.OIDCEmailClaim, Demands: demands,
		},
	})
	if err != nil {
		return nil, err
	}
	pages.Gate = gate
	// The link lets somebody in, so it goes to whoever starts the worker and not
	// into the log, which others read.
	if err := gate.Greet(ctx, os.Stderr); err != nil {
		return nil, err
	}
	return pages.Handler(p.codec(gate)), nil
}

// codec decodes payloads for Temporal's Web UI, unless nobody may.
func (p *parts) codec(gate *signin.Gate) http.Handler {
	if p.config.CodecAuth == config.CodecOff {
		return nil
	}
	may := p.mayDecode(gate)
	mux := http.NewServeMux()
	mux.Handle("/codec/", http.StripPrefix("/codec", p.keys.CodecHandler(p.config.UIOrigin, may)))
	if p.config.CodecAuth == config.CodecPassword {
		mux.HandleFunc("GET /codec/{$}", askPassword(may))
	}
	return mux
}

// askPassword lets a browser ask for the password, and keep it for the codec.
func askPassword(may func(*http.Request) bool) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Cache-Control", "no-store")
		if !may(r) {
			w.Header().Set("WWW-Authenticate", `Basic realm="Kvitt codec", charset="UTF-8"`)
			http.Error(w, "The password of KVITT_CODEC_PASSWORD lets you read payloads in Temporal's Web UI.", http.StatusUnauthorized)
			return
		}
		fmt.Fprintln(w, "You can read payloads now. Go back to Temporal's Web UI.")
	}
}

// mayDecode says who may read payloads: whoever is signed in, whoever knows the
// password, or whoever is on this machine, as the operator has said.
func (p *parts) mayDecode(gate *signin.Gate) func(*http.Request) bool {
	if p.config.CodecAuth == config.CodecSession {
		return func(r *http.Request) bool { return gate.Known(r, signin.Viewer) }
	}
	if p.config.CodecAuth == config.CodecLoopback {
		return func(r *http.Request) bool {
			host, _, err := net.SplitHostPort(r.RemoteAddr)
			ip := net.ParseIP(host)
			return err == nil && ip != nil && ip.IsLoopback()
		}
	}
	want := sha256.Sum256([]byte(p.config.CodecPassword.Reveal()))
	return func(r *http.Request) bool {
		_, password, ok := r.BasicAuth()
		got := sha256.Sum256([]byte(password))
		return ok && subtle.ConstantTimeCompare(want[:], got[:]) == 1
	}
}
