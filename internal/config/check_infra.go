package config

import (
	"fmt"
	"net/netip"
	"net/url"
	"slices"
	"strings"
)

// Demand is a claim that the OpenID Connect provider must send for everybody who signs in: under Claim,
// one of Any or a list that contains one of them.
type Demand struct {
	Claim string
	Any   []string
}

// demands reads "tid=GUID,groups=GUID|GUID". "" means none.
func (c *checker) demands(name, value string) []Demand {
	if value == "" {
		return nil
	}
	var all []Demand
	for part := range strings.SplitSeq(value, ",") {
		claim, values, _ := strings.Cut(part, "=")
		d := Demand{Claim: strings.TrimSpace(claim)}
		for one := range strings.SplitSeq(values, "|") {
			if one = strings.TrimSpace(one); one != "" {
				d.Any = append(d.Any, one)
			}
		}
		if d.Claim == "" || len(d.Any) == 0 {
			c.problem(name, fmt.Sprintf("%q", value), "CLAIM=VALUE, several values with | and several claims with commas between, for example groups=ID1|ID2,hd=example.com")
			return nil
		}
		all = append(all, d)
	}
	return all
}

// networks reads addresses and networks separated by commas. All of the Internet is not allowed as a
// proxy: everybody who reaches the portal could then forge their address.
func (c *checker) networks(name, value string) []netip.Prefix {
	if value == "" {
		return nil
	}
	var all []netip.Prefix
	for part := range strings.SplitSeq(value, ",") {
		part = strings.TrimSpace(part)
		network, err := netip.ParsePrefix(part)
		if ip, err2 := netip.ParseAddr(part); err != nil && err2 == nil {
			network, err = netip.PrefixFrom(ip.Unmap(), ip.Unmap().BitLen()), nil
		}
		if err != nil || network.Bits() == 0 {
			c.problem(name, fmt.Sprintf("%q", value), "the addresses or networks of your proxies with commas between, for example 127.0.0.1,10.0.0.0/8")
			return nil
		}
		all = append(all, network.Masked())
	}
	return all
}

// provider checks the issuer that people sign in at. Microsoft's issuers for all organisations are
// refused: their tokens come from many issuers, and the administrator of any organisation could write any
// address into them.
func (c *checker) provider(name, value string) string {
	u, err := url.Parse(value)
	if err == nil && strings.HasPrefix(strings.ToLower(u.Hostname()), "login.microsoftonline.") {
		first, _, _ := strings.Cut(strings.TrimPrefix(u.Path, "/"), "/")
		if slices.Contains([]string{"", "common", "organizations", "consumers", "{tenantid}", "{tenant}"}, strings.ToLower(first)) {
			c.problem(name, fmt.Sprintf("%q, which admits other organisations than yours", value),
				"that of your own tenant, https://login.microsoftonline.com/TENANT-ID/v2.0; the Entra admin center shows the id")
			return ""
		}
	}
	return c.issuer(name, value)
}
