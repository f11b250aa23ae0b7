package service

import (
	"context"
	"net/http"
	"os"

	"kvitt/activities"
	"kvitt/internal/operate"
	"kvitt/internal/portal"
	"kvitt/internal/signin"
)

// portal serves what people's browsers ask for, and tells who is signed in.
func (p *parts) portal(ctx context.Context) (http.Handler, *signin.Gate, error) {
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
		return nil, nil, err
	}
	gate, err := signin.New(signin.Options{
		Store: p.store, PublicURL: p.config.PublicURL, Pages: pages, Log: p.log,
		OIDC: signin.OIDC{
			Issuer: p.config.OIDCIssuer, ClientID: p.config.OIDCClientID, ClientSecret: p.config.OIDCClientSecret,
			Name: p.config.OIDCName, TrustEmail: p.config.OIDCTrustEmail,
		},
	})
	if err != nil {
		return nil, nil, err
	}
	pages.Gate = gate
	// The link lets somebody in, so it goes to whoever starts the worker and not
	// into the log, which others read.
	if err := gate.Greet(ctx, os.Stderr); err != nil {
		return nil, nil, err
	}
	return pages.Handler(p.codec(gate)), gate, nil
}
