package portal

import (
	"fmt"
	"net/http"
	"regexp"
	"slices"
	"strings"

	"kvitt/internal/proxy"
)

// links are the attributes that lead somewhere. In what html/template has
// written no data can look like one: it escapes quotation marks.
var links = regexp.MustCompile(`(\s(?:href|src|action|formaction|hx-get|hx-post|sse-connect)=")(/[^"]*)"`)

// below puts the path of KVITT_PUBLIC_URL before every address of ours in a page.
func (p *Portal) below(page []byte) []byte {
	if p.path == "" {
		return page
	}
	return links.ReplaceAllFunc(page, func(link []byte) []byte {
		parts := links.FindSubmatch(link)
		return fmt.Appendf(nil, `%s%s"`, parts[1], proxy.Address(p.path, string(parts[2])))
	})
}

// pathIsFree refuses a path that begins as the pages' own addresses do: with a
// proxy that takes it off nobody could tell the two apart.
func (p *Portal) pathIsFree() error {
	taken := []string{"static", "language", "signin", "signout", "codec"}
	for _, one := range p.routes() {
		_, path, _ := strings.Cut(one.pattern, " ")
		taken = append(taken, first(path))
	}
	if p.path != "" && slices.Contains(taken, first(p.path)) {
		return fmt.Errorf("prepare the portal: KVITT_PUBLIC_URL is %s, and its path begins as pages of the portal do. Choose another one, such as /kvitt", p.Config.PublicURL)
	}
	return nil
}

func first(path string) string {
	segment, _, _ := strings.Cut(strings.TrimPrefix(path, "/"), "/")
	return segment
}

// fromHere refuses what another site's page sends. Our own origin is the one of
// KVITT_PUBLIC_URL: a proxy may have put another Host into the request.
func (p *Portal) fromHere() *http.CrossOriginProtection {
	c := http.NewCrossOriginProtection()
	_ = c.AddTrustedOrigin(p.origin) // the settings were checked
	return c
}

func (p *Portal) behindProxies(next http.Handler) http.Handler {
	return proxy.Forwarded(p.Config.TrustedProxies, proxy.Under(p.path, next))
}
