package service

import (
	"context"
	"net/http"
	"os"

	"kvitt/activities"
	"kvitt/internal/notify"
	"kvitt/internal/operate"
	"kvitt/internal/portal"
	"kvitt/internal/signin"
)

// portal serves the pages, and returns the gate that knows who is signed in.
func (p *parts) portal(ctx context.Context) (http.Handler, *signin.Gate, error) {
	preview := &activities.Preview{
		Klarna: &activities.Klarna{Doors: p.doors, Store: p.store},
		Visma:  &activities.Visma{Doors: p.doors, Store: p.store, UnknownWait: p.config.UnknownWait},
	}
	letter, err := p.letter()
	if err != nil {
		return nil, nil, err
	}
	pages, err := portal.New(portal.Options{
		Mail:     letter,
		Desk:     &operate.Desk{Store: p.store, Vault: p.vault, Doors: p.doors, Temporal: p.asks},
		Consents: p.doors.Consents(),
		Config:   p.config, Log: p.log, Trial: preview.Trial,
	})
	if err != nil {
		return nil, nil, err
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
		return nil, nil, err
	}
	pages.Gate = gate
	// The link signs somebody in, so it goes to the person who starts the worker and not into the log,
	// which others read.
	if err := gate.Greet(ctx, os.Stderr); err != nil {
		return nil, nil, err
	}
	return pages.Handler(p.codec(gate)), gate, nil
}

// letter returns the function that mails one-time links; nil without a mail server.
func (p *parts) letter() (func(ctx context.Context, to, subject, text string) error, error) {
	if p.config.SMTPURL == "" {
		return nil, nil //nolint:nilnil // no mail is no error
	}
	m, err := notify.NewMail(p.config.SMTPURL, p.config.MailFrom, p.config.MailTo)
	if err != nil {
		return nil, err
	}
	return m.Letter, nil
}
