package portal

import (
	"net/http"

	"kvitt/internal/signin"
)

// signInPage is the page to sign in on. Mail: Kvitt can send a link.
type signInPage struct {
	signin.SignInView
	Mail bool
}

// SignIn shows the page to sign in, with what went wrong before, if anything.
func (p *Portal) SignIn(w http.ResponseWriter, r *http.Request, status int, v signin.SignInView) {
	p.show(w, r, status, "signin", signInPage{v, p.Mail != nil})
}

// Link shows what a one-time link leads to: a button, since programs that look
// at links before people do must not use them up.
func (p *Portal) Link(w http.ResponseWriter, r *http.Request, status int, v signin.LinkView) {
	p.show(w, r, status, "link", v)
}

// Forbidden tells a person that somebody else may do this.
func (p *Portal) Forbidden(w http.ResponseWriter, r *http.Request, need signin.Role) {
	p.show(w, r, http.StatusForbidden, "forbidden", need)
}
