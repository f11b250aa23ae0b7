package signin

import (
	_ "embed"
	"errors"
	"net/http"
	"strings"

	"go.uber.org/zap"

	"kvitt/internal/store"
	"kvitt/internal/web"
)

//go:embed link.js
var linkJS []byte

// linkScript serves the script of the link's page: the content security policy
// allows scripts of our own, but none in a page.
func (g *Gate) linkScript(w http.ResponseWriter, _ *http.Request) {
	w.Header().Set("Content-Type", "text/javascript; charset=utf-8")
	w.Header().Set("X-Content-Type-Options", "nosniff")
	_, _ = w.Write(linkJS)
}

// linkPage shows the form. It does not know the token, so whoever looks at the
// link uses nothing up.
func (g *Gate) linkPage(w http.ResponseWriter, r *http.Request) {
	there, err := g.store.AnyPerson(r.Context())
	if err != nil {
		g.unavailable(w, r, "look for a person", err)
		return
	}
	g.pages.Link(w, r, http.StatusOK, LinkView{Action: g.address("/signin/link"), Script: g.address("/signin/link.js"), First: !there})
}

// useLink signs in who has a one-time link.
func (g *Gate) useLink(w http.ResponseWriter, r *http.Request) {
	r.Body = http.MaxBytesReader(w, r.Body, 16<<10)
	if err := r.ParseForm(); err != nil {
		web.Because(r.Context(), web.Size, "link")
		if g.hurried(w, r, g.addresses, remote(r), home) {
			return
		}
		g.refuse(w, r, LinkUnknown, "", home)
		return
	}
	token := r.PostFormValue("token") // from the body, and never from the address
	token = strings.TrimSpace(token[strings.LastIndex(token, "#")+1:])
	hash := hashOf(token)
	// A link that works is never kept waiting by those that do not.
	l, err := g.store.LookupLink(r.Context(), hash)
	switch {
	case err != nil && !errors.Is(err, store.ErrNotFound):
		g.unavailable(w, r, "use a one-time link", err)
		return
	case err == nil && l.UsedAt == nil:
	case g.hurried(w, r, g.addresses, remote(r), home), g.hurried(w, r, g.names, "link/"+hash, home):
		return
	case err != nil:
		g.refuse(w, r, LinkUnknown, "", home)
		return
	}
	var first store.Person
	if l.PersonID == "" {
		email, err := ParseEmail(r.PostFormValue("email"))
		if err != nil {
			v := LinkView{
				Action: g.address("/signin/link"), Script: g.address("/signin/link.js"), Token: token, First: true,
				Email: r.PostFormValue("email"), Name: r.PostFormValue("name"), Problem: EmailNeeded,
			}
			g.pages.Link(w, r, EmailNeeded.status(), v)
			return
		}
		first = store.Person{ID: newPersonID(), Email: email, Name: strings.TrimSpace(r.PostFormValue("name"))}
	}
	id, x := g.newSession(r, l.PersonID)
	if _, err := g.store.UseLink(r.Context(), hash, first, x); err != nil {
		g.linkRefused(w, r, &l, err)
		return
	}
	g.begin(w, r, id, home)
}

// linkRefused says why a link that is known does not let anybody in.
func (g *Gate) linkRefused(w http.ResponseWriter, r *http.Request, l *store.Link, err error) {
	var p Problem
	switch {
	case errors.Is(err, store.ErrUsed):
		p = LinkUsed
	case errors.Is(err, store.ErrExpired):
		p = LinkExpired
	case errors.Is(err, store.ErrDisabled):
		p = Disabled
	case errors.Is(err, store.ErrNotFound):
		p = LinkUnknown
	default:
		g.unavailable(w, r, "use a one-time link", err)
		return
	}
	// Who has somebody's link is not known to be them.
	holder, err := g.store.Person(r.Context(), l.PersonID)
	if err != nil && !errors.Is(err, store.ErrNotFound) {
		g.log.Warn("sign-in: look up whose link it was", zap.Error(err))
	}
	g.refused(r.Context(), holder.Email, false, "link", p)
	g.refuse(w, r, p, "", home)
}
