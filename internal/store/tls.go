package store

import (
	"net/netip"
	"net/url"
	"os"
	"strings"

	"github.com/jackc/pgx/v5"
)

// withTLS is the address of a server with sslmode=verify-full, unless it says
// how much TLS it wants or every server is on this machine. libpq's own default,
// prefer, sends the password in clear to whoever answers that there is no TLS.
func withTLS(u *url.URL, cfg *pgx.ConnConfig) *url.URL {
	q := u.Query()
	if q.Has("sslmode") || os.Getenv("PGSSLMODE") != "" || q.Has("service") || os.Getenv("PGSERVICE") != "" || !beyondThisMachine(cfg) {
		return u
	}
	q.Set("sslmode", "verify-full")
	safe := *u
	safe.RawQuery = q.Encode()
	return &safe
}

func beyondThisMachine(cfg *pgx.ConnConfig) bool {
	hosts := []string{cfg.Host}
	for _, f := range cfg.Fallbacks {
		hosts = append(hosts, f.Host)
	}
	for _, host := range hosts {
		ip, err := netip.ParseAddr(host)
		local := strings.HasPrefix(host, "/") || strings.EqualFold(host, "localhost") || err == nil && ip.IsLoopback()
		if !local {
			return true
		}
	}
	return false
}
