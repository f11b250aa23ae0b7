package store

import (
	"net/url"
	"path/filepath"
	"strings"
)

// address is where a database is: a file, or a PostgreSQL server.
type address struct {
	path     string // absolute, of a SQLite file
	postgres *url.URL
	password string // never shown
	name     string // without the password
}

const wantedURL = "sqlite:PATH or postgres://USER:PASSWORD@HOST:5432/DATABASE" //nolint:gosec // a pattern, not a password

// parse reads a database URL. Its errors never repeat the text, which may hold
// a password wherever a mistyped URL has put it.
func parse(text string) (address, error) {
	text = strings.TrimSpace(text)
	bad := func(problem, remedy string) (address, error) {
		return address{}, &Error{
			Attempted: "read the database URL", Problem: problem, Remedy: remedy, Kind: ErrBadURL,
		}
	}
	scheme, rest, ok := strings.Cut(text, ":")
	switch {
	case text == "":
		return bad("it is empty", "Set KVITT_DATABASE_URL to "+wantedURL+".")
	case !ok:
		return bad("it has no scheme", "Write KVITT_DATABASE_URL as "+wantedURL+".")
	case scheme == "sqlite":
		return parseSQLite(rest, bad)
	case scheme == "postgres" || scheme == "postgresql":
		return parsePostgres(text, bad)
	default:
		return bad("its scheme is neither sqlite nor postgres", "Write KVITT_DATABASE_URL as "+wantedURL+".")
	}
}

type refusal func(problem, remedy string) (address, error)

func parseSQLite(path string, bad refusal) (address, error) {
	path = strings.TrimPrefix(path, "//") // sqlite:///var/lib/kvitt.db is /var/lib/kvitt.db
	switch {
	case path == "":
		return bad("it names no file", "Write KVITT_DATABASE_URL as sqlite:PATH, for example sqlite:kvitt.db.")
	case strings.HasPrefix(path, ":memory:") || strings.HasPrefix(path, "file:"):
		return bad("only a plain path can follow sqlite:", "Write KVITT_DATABASE_URL as sqlite:PATH, for example sqlite:kvitt.db.")
	}
	abs, err := filepath.Abs(path)
	if err != nil {
		return bad("its path is relative and the current folder is not known", "Write KVITT_DATABASE_URL as sqlite:/ABSOLUTE/PATH.")
	}
	return address{path: abs, name: "sqlite:" + abs}, nil
}

func parsePostgres(text string, bad refusal) (address, error) {
	u, err := url.Parse(text)
	if err != nil || u.Opaque != "" {
		// The parser's own words quote the text.
		return bad("it is not a URL that can be read",
			"Write KVITT_DATABASE_URL as "+wantedURL+"; characters such as / ? # @ % in a password are written %2F %3F %23 %40 %25.")
	}
	a := address{postgres: u}
	shown := *u
	shown.User = nil
	if u.User != nil {
		shown.User = url.User(u.User.Username())
		a.password, _ = u.User.Password()
	}
	q := shown.Query()
	for _, secret := range []string{"password", "sslpassword"} {
		if q.Has(secret) {
			if a.password == "" {
				a.password = q.Get(secret)
			}
			q.Del(secret)
		}
	}
	shown.RawQuery = q.Encode()
	a.name = shown.String()
	return a, nil
}

// scrub takes the password out of somebody else's words.
func (a address) scrub(words string) string {
	words = strings.Join(strings.Fields(words), " ")
	if a.password == "" {
		return words
	}
	for _, shape := range []string{a.password, url.QueryEscape(a.password), url.PathEscape(a.password)} {
		words = strings.ReplaceAll(words, shape, "[redacted]")
	}
	return words
}
