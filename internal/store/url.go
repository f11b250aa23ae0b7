package store

import (
	"errors"
	"maps"
	"net/url"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
)

// address is the location of a database: a file, or a PostgreSQL server.
type address struct {
	path     string     // absolute, of a SQLite file
	postgres string     // as given
	query    url.Values // of postgres
	password string     // never shown
	name     string     // without the password
}

const wantedURL = "sqlite:PATH or postgres://USER:PASSWORD@HOST:5432/DATABASE" //nolint:gosec // a pattern, not a password

// parse reads a database URL. Its errors never repeat the text, in which a password may be anywhere if the
// URL is mistyped.
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
		return bad("its path is relative and the current folder is unknown", "Write KVITT_DATABASE_URL as sqlite:/ABSOLUTE/PATH.")
	}
	return address{path: abs, name: "sqlite:" + abs}, nil
}

// parsePostgres reads an address as libpq does: several hosts separated by commas, each with a port or
// without one, sockets as %2Fvar%2Frun. The driver interprets it; here it is only split, so that messages
// can show all of it but the password.
func parsePostgres(text string, bad refusal) (address, error) {
	scheme, rest, ok := strings.Cut(text, "://")
	rest, query, _ := strings.Cut(rest, "?")
	authority, database, _ := strings.Cut(rest, "/")
	userinfo, hosts := "", authority
	if i := strings.LastIndex(authority, "@"); i >= 0 {
		userinfo, hosts = authority[:i], authority[i+1:]
	}
	user, password, _ := strings.Cut(userinfo, ":")
	secret, err := url.PathUnescape(password)
	q, err2 := url.ParseQuery(query)
	_, err3 := url.PathUnescape(user)
	odd := func(name string) bool { return !parameter.MatchString(name) }
	if !ok || errors.Join(err, err2, err3) != nil || !readable(hosts) || slices.ContainsFunc(slices.Collect(maps.Keys(q)), odd) ||
		strings.ContainsAny(database, "/@") || strings.ContainsAny(text, "# \t\n") {
		return bad("it is not a valid URL", "Write KVITT_DATABASE_URL as "+wantedURL+
			", with several servers as HOST1:5432,HOST2:5432; characters such as / ? # @ % in a password are written %2F %3F %23 %40 %25.")
	}
	a := address{postgres: text, query: maps.Clone(q), password: secret, name: scheme + "://"}
	for _, secret := range []string{"password", "sslpassword"} {
		if a.password == "" {
			a.password = q.Get(secret)
		}
		q.Del(secret)
	}
	if user != "" {
		a.name += user + "@"
	}
	a.name += hosts + "/" + database
	if len(q) > 0 {
		a.name += "?" + q.Encode()
	}
	return a, nil
}

// oneHost matches a name, an IPv4 address, an IPv6 address in brackets, or the folder of a socket with its
// slashes as %2F; and a port.
var oneHost = regexp.MustCompile(`^(\[[0-9A-Fa-f:.%]+\]|(?:[^\[\]:@%/]|%[0-9A-Fa-f]{2})+)(:[0-9]{1,5})?$`)

// parameter matches a name in the query.
var parameter = regexp.MustCompile(`^[A-Za-z][A-Za-z0-9_.]*$`)

// readable reports whether hosts is a list of hosts; an empty one leaves the choice to the query or
// PGHOST.
func readable(hosts string) bool {
	for host := range strings.SplitSeq(hosts, ",") {
		if hosts != "" && !oneHost.MatchString(host) {
			return false
		}
	}
	return true
}

// scrub removes the password from another program's text.
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
