package signin

import (
	"bytes"
	"cmp"
	"encoding/json"
	"maps"
	"slices"
	"strings"
	"unicode"
)

// Demand holds what a provider must say of everybody who signs in: under Claim one
// of Any, or a list with one of them in it.
type Demand struct {
	Claim string
	Any   []string
}

// claims are what a provider says of somebody, by name.
type claims map[string]json.RawMessage

// text is a claim that is text, "" when it is not there or something else.
func (c claims) text(name string) string {
	var s string
	if json.Unmarshal(c[name], &s) != nil {
		return ""
	}
	return s
}

func (c claims) has(name string) bool {
	v, ok := c[name]
	return ok && string(v) != "null"
}

// values are those of a claim: of a list each, of anything else it alone, as it
// is written in JSON where it is no text.
func (c claims) values(name string) []string {
	var list []json.RawMessage
	if json.Unmarshal(c[name], &list) != nil {
		list = []json.RawMessage{c[name]}
	}
	var all []string
	for _, v := range list {
		var s string
		if json.Unmarshal(v, &s) != nil {
			s = string(bytes.TrimSpace(v))
		}
		all = append(all, s)
	}
	return all
}

func (c claims) meets(d Demand) bool {
	return c.has(d.Claim) && slices.ContainsFunc(c.values(d.Claim), func(s string) bool { return slices.Contains(d.Any, s) })
}

// leftOut tells whether the provider has not put a claim into its answer because
// it would be too long, as Entra ID does with the groups of people who are in more
// than 200: it says where to ask instead.
func (c claims) leftOut(claim string) bool {
	var elsewhere map[string]json.RawMessage
	_ = json.Unmarshal(c["_claim_names"], &elsewhere)
	_, named := elsewhere[claim]
	return named || claim == "groups" && string(c["hasgroups"]) == "true"
}

// came are the names of what the provider said, for people: no values, and not
// what every token has.
func came(all ...claims) []string {
	names := map[string]bool{}
	for _, c := range all {
		for name := range c {
			if !slices.Contains(everywhere, name) {
				names[shown(name)] = true
			}
		}
	}
	sorted := slices.Sorted(maps.Keys(names))
	return sorted[:min(len(sorted), 40)]
}

// everywhere are the claims of the token and not of the person.
var everywhere = []string{"iss", "aud", "exp", "iat", "nbf", "nonce", "azp", "at_hash", "c_hash", "auth_time", "acr", "amr", "ver", "aio", "rh", "uti", "sid", "jti"}

// shown is a name from outside, as a page and a log take it.
func shown(name string) string {
	name = strings.Map(func(r rune) rune {
		if !unicode.IsPrint(r) {
			return '?'
		}
		return r
	}, name)
	return name[:min(len(name), 60)]
}

// emailClaim is the claim that people are known by.
func (o *OIDC) emailClaim() string { return cmp.Or(o.EmailClaim, "email") }

// verified tells whether the provider vouches for the address: it says true
// (some say it in quotes), or it says nothing and is trusted to mean it. What it
// says is about the claim email and no other.
func (o *OIDC) verified(c claims) bool {
	if o.emailClaim() != "email" {
		return o.TrustEmail
	}
	switch string(c["email_verified"]) {
	case "true", `"true"`:
		return true
	case "", "null":
		return o.TrustEmail
	default:
		return false
	}
}

// judge makes of what the provider said, in its token and at its userinfo
// endpoint, whom it speaks of, or why that is not enough.
func (o *OIDC) judge(token, info claims) identity {
	from := token
	if from.text(o.emailClaim()) == "" {
		from = info
	}
	who := identity{Email: from.text(o.emailClaim()), Claim: o.emailClaim(), Came: came(token, info)}
	if who.Email == "" {
		who.Problem = EmailMissing
		return who
	}
	if !o.verified(from) {
		who.Problem = EmailUnverified
		return who
	}
	for _, d := range o.Demands {
		switch {
		case token.meets(d), info.meets(d):
			continue
		case token.leftOut(d.Claim), info.leftOut(d.Claim):
			who.Problem = ClaimLeftOut
		default:
			who.Problem = ClaimRefused
		}
		who.Claim = d.Claim
		return who
	}
	return who
}

// incomplete tells whether something that is asked for is not in the token, so
// that the userinfo endpoint has to be asked: many providers put it there only.
func (o *OIDC) incomplete(token claims) bool {
	return token.text(o.emailClaim()) == "" || slices.ContainsFunc(o.Demands, func(d Demand) bool { return !token.has(d.Claim) })
}
