package klarnasim

import (
	"encoding/base64"
	"errors"
	"fmt"
	"net/http"
	"strings"

	"kvitt/sandbox/shop"
)

// Key is an API key, as the merchant portal issues it.
type Key struct {
	Key        string `json:"key"`                   // <klarna|kco>_<live|test>_api_…
	Username   string `json:"username,omitempty"`    // shown with it; optional in requests, but must not be wrong
	Region     string `json:"region,omitempty"`      // empty is the region of the simulator
	MerchantID string `json:"merchant_id,omitempty"` // empty is the first merchant
	Revoked    bool   `json:"revoked,omitempty"`
}

// AddKey makes a key valid. An existing key is replaced.
func (s *Sim) AddKey(k Key) error {
	if k.Key == "" {
		return errors.New("adding an API key: it is empty")
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	k.Region = orElse(k.Region, s.options.Region)
	s.keys[k.Key] = &k
	return nil
}

// RevokeKey makes a key invalid, as the merchant portal does.
func (s *Sim) RevokeKey(key string) error { return s.setRevoked(key, true) }

// RestoreKey makes a revoked key valid again.
func (s *Sim) RestoreKey(key string) error { return s.setRevoked(key, false) }

func (s *Sim) setRevoked(key string, revoked bool) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	k := s.keys[key]
	if k == nil {
		return errors.New("changing an API key: it is unknown")
	}
	k.Revoked = revoked
	return nil
}

// RotateKey revokes a key and adds its replacement, for the same merchant, region and user name.
func (s *Sim) RotateKey(key, replacement string) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	k := s.keys[key]
	if k == nil || replacement == "" || s.keys[replacement] != nil {
		return fmt.Errorf("rotating an API key: the old key is known: %t, the new key is unused: %t",
			k != nil, replacement != "" && s.keys[replacement] == nil)
	}
	next := *k
	next.Key, next.Revoked = replacement, false
	k.Revoked = true
	s.keys[replacement] = &next
	return nil
}

// Keys returns all keys that were ever added.
func (s *Sim) Keys() []Key {
	s.mu.Lock()
	defer s.mu.Unlock()
	all := make([]Key, 0, len(s.keys))
	for _, k := range s.keys {
		all = append(all, *k)
	}
	return all
}

// authenticate finds the merchant of a request.
func (s *Sim) authenticate(r *http.Request) (*shop.Shop, *problem) {
	refused := &problem{http.StatusUnauthorized, "UNAUTHORIZED", "Authentication is required: the API key is missing, wrong or revoked"}
	username, key, ok := credentials(r.Header.Get("Authorization"))
	if !ok || !strings.HasPrefix(key, s.keyPrefix()) {
		return nil, refused
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	k := s.keys[key]
	if k == nil || k.Revoked || k.Region != s.options.Region || username != "" && username != k.Username {
		return nil, refused
	}
	merchant := s.first
	if k.MerchantID != "" {
		merchant = s.merchants[k.MerchantID]
	}
	if merchant == nil {
		return nil, refused
	}
	return merchant, nil
}

// keyPrefix is the prefix of keys for this host.
func (s *Sim) keyPrefix() string {
	provider := map[string]string{"klarna": "klarna", "kustom": "kco"}[s.options.Provider]
	return provider + "_" + s.options.Environment + "_api_"
}

// credentials reads the header in its three forms: the bare key, base64 of
// ":key", base64 of "user:key". A key has underscores and so is never base64.
func credentials(header string) (username, key string, ok bool) {
	scheme, rest, ok := strings.Cut(header, " ")
	if !ok || !strings.EqualFold(scheme, "Basic") {
		return "", "", false
	}
	rest = strings.TrimSpace(rest)
	if strings.Contains(rest, "_") {
		return "", rest, true
	}
	plain, err := base64.StdEncoding.DecodeString(rest)
	if err != nil {
		return "", "", false
	}
	return strings.Cut(string(plain), ":")
}
