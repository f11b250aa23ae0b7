package store

import (
	"testing"

	"github.com/jackc/pgx/v5"
)

func TestAPasswordForADatabaseElsewhereNeverGoesInClearUnlessThatIsWritten(t *testing.T) {
	for address, clear := range map[string]bool{
		"postgres://kvitt:x@db.example.com/kvitt":                     false,
		"postgres://kvitt:x@10.0.0.7:5432/kvitt?connect_timeout=3":    false,
		"postgres://kvitt:x@/kvitt?host=db.example.com":               false,
		"postgres://kvitt:x@[2001:db8::1]/kvitt":                      false,
		"postgres://kvitt:x@db.example.com/kvitt?sslmode=verify-full": false,
		"postgres://kvitt:x@db.example.com/kvitt?sslmode=disable":     true, // explicitly
		"postgres://kvitt:x@127.0.0.1/kvitt":                          true,
		"postgres://kvitt:x@localhost/kvitt":                          true,
		"postgres://kvitt:x@[::1]/kvitt":                              true,
		"postgres://kvitt:x@/kvitt?host=/var/run/postgresql":          true,
	} {
		for _, name := range []string{"PGHOST", "PGSSLMODE", "PGSERVICE", "PGSERVICEFILE", "PGSSLROOTCERT"} {
			t.Setenv(name, "")
		}
		a, err := parse(address)
		if err != nil {
			t.Fatal(err)
		}
		cfg, err := postgresConfig(a)
		if err != nil {
			t.Fatal(err)
		}
		if got := mayBeClear(cfg); got != clear {
			t.Errorf("%s: unencrypted %v, want %v", address, got, clear)
		}
	}
}

// mayBeClear reports whether one of the ways to connect has no TLS, or TLS without checking the host.
func mayBeClear(cfg *pgx.ConnConfig) bool {
	if cfg.TLSConfig == nil || cfg.TLSConfig.InsecureSkipVerify {
		return true
	}
	for _, f := range cfg.Fallbacks {
		if f.TLSConfig == nil || f.TLSConfig.InsecureSkipVerify {
			return true
		}
	}
	return false
}
