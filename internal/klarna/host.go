package klarna

import (
	"fmt"
	"net"
	"net/url"
	"strings"
)

// prefix is where the Settlements API lives on every host.
const prefix = "/settlements/v1"

// place holds what decides the host.
type place struct {
	Provider
	Region
	Environment
}

// hosts are the published ones. Kustom's host for test keys is not published.
var hosts = map[place]string{
	{Klarna, Europe, Live}:       "api.klarna.com",
	{Klarna, Europe, Test}:       "api.playground.klarna.com",
	{Klarna, NorthAmerica, Live}: "api-na.klarna.com",
	{Klarna, NorthAmerica, Test}: "api-na.playground.klarna.com",
	{Klarna, Oceania, Live}:      "api-oc.klarna.com",
	{Klarna, Oceania, Test}:      "api-oc.playground.klarna.com",
	{Kustom, Europe, Live}:       "api.kustom.co",
}

// baseURL is the address that paths such as /payouts are added to. An override
// replaces the host, and may carry a path of its own; it is refused when it is
// the published host of another provider, region or environment, because the
// key is unknown there and has no business being sent there.
func baseURL(c Credential, override string) (string, error) {
	at := place{c.Provider, c.Region, c.Environment()}
	if override == "" {
		host, ok := hosts[at]
		if !ok {
			return "", &CredentialError{
				"base URL", "this is a Kustom test key, and Kustom publishes no host for those",
				"Ask Kustom for the address and set it as the base URL (KVITT_KLARNA_BASE_URL)",
			}
		}
		return "https://" + host + prefix, nil
	}
	wrong := func(format string, args ...any) error {
		return &CredentialError{
			"base URL", fmt.Sprintf(format, args...),
			"Set the base URL to https:// and a host, or leave it empty for the published one",
		}
	}
	u, err := url.Parse(override)
	switch {
	case err != nil || u.Hostname() == "":
		return "", wrong("the base URL is not the address of a host")
	case u.User != nil, u.RawQuery != "", u.Fragment != "":
		return "", wrong("the base URL carries more than a host and a path")
	case u.Scheme == "http" && !loopback(u.Hostname()):
		return "", wrong("the base URL uses plain http, which would show the key to everyone on the way to %s", u.Hostname())
	case u.Scheme != "http" && u.Scheme != "https":
		return "", wrong("the base URL has the scheme %q", u.Scheme)
	}
	for other, host := range hosts {
		if other != at && strings.EqualFold(host, u.Hostname()) {
			return "", &CredentialError{
				"base URL", fmt.Sprintf("the base URL is %s's %s host of region %s, and the credential is a %s key of %s, region %s",
					other.Name(), other.Environment, other.Region, at.Environment, at.Name(), at.Region),
				"Leave the base URL empty: the host follows from the provider, the region and the key",
			}
		}
	}
	path := strings.TrimSuffix(strings.TrimSuffix(u.EscapedPath(), "/"), prefix)
	return u.Scheme + "://" + u.Host + path + prefix, nil
}

func loopback(host string) bool {
	ip := net.ParseIP(host)
	return strings.EqualFold(host, "localhost") || ip != nil && ip.IsLoopback()
}
