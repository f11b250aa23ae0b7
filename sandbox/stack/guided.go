package stack

import (
	"time"

	"kvitt/sandbox/klarnasim"
	"kvitt/sandbox/shop"
	"kvitt/sandbox/vismasim"
)

// What a person types and chooses to set up a second connection by hand.
const (
	GuidedTenant  = "7a2e4c61-3d0f-4b8e-8c15-2f6d9e0b1a34"
	GuidedCompany = "Fjord & Fjäll AB"
	PersonEmail   = "anna@example.com" // at the simulated Visma Connect
	PersonSecret  = "anna"
)

// guidedDays is the length of the history of the guided set-up's shop.
const guidedDays = 90

// Guided adds the company with which the guided set-up can be completed.
func Guided(o *Options) {
	company := vismasim.SwedishCompany(GuidedTenant, GuidedCompany)
	company.Segments = nil // the presets have no segments
	o.Companies = append(o.Companies, company)
}

// ServeGuided adds a merchant of that company, and returns the key to paste.
func (s *Stack) ServeGuided(now time.Time) (key string, err error) {
	if key, err = kept(s.Dir, "klarna-2.key", "klarna_test_api_"); err != nil {
		return "", err
	}
	merchant, err := shop.Generate(shop.Config{
		Seed: s.o.Shop.Seed + 1000, Start: now.UTC().AddDate(0, 0, -guidedDays), Days: guidedDays, Currencies: []string{"SEK"}, LargeRows: -1,
	})
	if err != nil {
		return "", err
	}
	s.Klarna.Serve(merchant)
	return key, s.Klarna.AddKey(klarnasim.Key{Key: key, MerchantID: merchant.MerchantID})
}
