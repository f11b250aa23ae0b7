package connect

import (
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"time"
)

// Claims are the claims of an access token. They are read without checking a signature: Visma.net checks
// the token, and for Kvitt they are information for people (which company is this?), never the basis of a
// decision.
type Claims struct {
	Subject   string // absent in tokens of the service flow
	ClientID  string
	TenantID  string // the company, when the app is set up to include it
	Scopes    []string
	AuthTime  time.Time
	ExpiresAt time.Time
}

// AccessTokenClaims reads the claims of an access token. For a token that is not a JWT it returns an error
// that does not show the token.
func AccessTokenClaims(accessToken string) (Claims, error) {
	parts := strings.Split(accessToken, ".")
	if len(parts) != 3 {
		return Claims{}, errors.New("read access token: it is not a JWT")
	}
	payload, err := base64.RawURLEncoding.DecodeString(strings.TrimRight(parts[1], "="))
	if err != nil {
		return Claims{}, errors.New("read access token: its payload is not base64url")
	}
	var raw struct {
		Subject  string     `json:"sub"`
		ClientID string     `json:"client_id"`
		TenantID string     `json:"tenant_id"`
		Scope    textOrList `json:"scope"`
		AuthTime int64      `json:"auth_time"`
		Expiry   int64      `json:"exp"`
	}
	if err := json.Unmarshal(payload, &raw); err != nil {
		return Claims{}, errors.New("read access token: its payload is not JSON with claims")
	}
	c := Claims{Subject: raw.Subject, ClientID: raw.ClientID, TenantID: raw.TenantID, Scopes: raw.Scope}
	if raw.AuthTime > 0 {
		c.AuthTime = time.Unix(raw.AuthTime, 0).UTC()
	}
	if raw.Expiry > 0 {
		c.ExpiresAt = time.Unix(raw.Expiry, 0).UTC()
	}
	return c, nil
}

// textOrList reads a claim that is a space-separated text or a list of texts.
type textOrList []string

func (t *textOrList) UnmarshalJSON(b []byte) error {
	var list []string
	if json.Unmarshal(b, &list) == nil {
		*t = list
		return nil
	}
	var text string
	if err := json.Unmarshal(b, &text); err != nil {
		return fmt.Errorf("neither text nor a list of text: %w", err)
	}
	*t = strings.Fields(text)
	return nil
}
