package store

import (
	"net/netip"
	"net/url"
	"os"
	"strings"

	"github.com/jackc/pgx/v5"
)

// wantsTLS reports whether the address gets sslmode=verify-full: it sets no sslmode, and a server is not
// on this machine. libpq's own default, prefer, sends the password unencrypted to any server that claims
// to have no TLS.
func wantsTLS(q url.Values, cfg *pgx.ConnConfig) bool {
	return !q.Has("sslmode") && os.Getenv("PGSSLMODE") == "" && !q.Has("service") && os.Getenv("PGSERVICE") == "" && beyondThisMachine(cfg)
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
