package portal

import (
	"net/http"
	"net/url"

	"kvitt/internal/signin"
	"kvitt/internal/web"
)

// takesFresh are the routes that take a sign-in of the last minutes: credentials,
// people and roles, other sessions, the end of a connection, and what takes a
// batch back. The pages
// of forms with secrets and of the last word ask before anything is typed.
var takesFresh = map[string]bool{
	"GET /connections/{id}/klarna":                 true,
	"POST /connections/{id}/klarna":                true,
	"GET /connections/{id}/visma":                  true,
	"POST /connections/{id}/visma/connect":         true,
	"POST /connections/{id}/visma/service":         true,
	"GET /connections/{id}/disconnect":             true,
	"POST /connections/{id}/disconnect":            true,
	"POST /connections/{id}/payouts/{ref}/reverse": true,
	"POST /connections/{id}/requests/{request}":    true,
	"POST /sessions":                               true,
	"POST /people":                                 true,
	"POST /people/{person}":                        true,
}

// sessionsPage lists the browsers that a person is signed in with.
type sessionsPage struct {
	All   []signin.SessionEntry
	Other bool // there is another one than this
	Pager pager
}

// mostSessions is how many a page lists.
const mostSessions = 50

func (p *Portal) sessions(w http.ResponseWriter, r *http.Request) error {
	all, err := p.Gate.Sessions(r.Context())
	if err != nil {
		return err
	}
	at := sessionsPage{Other: len(all) > 1, Pager: pagerOf(r, "page")}
	at.All = window(&at.Pager, all, mostSessions)
	p.show(w, r, http.StatusOK, "sessions", &at)
	return nil
}

// endSession ends one of the person's own sessions, or all but this one.
func (p *Portal) endSession(w http.ResponseWriter, r *http.Request) error {
	end := func() error { return p.Gate.EndSession(r.Context(), r.PostFormValue("session")) }
	if r.PostFormValue("session") == "others" {
		end = func() error { return p.Gate.EndOthers(r.Context()) }
	}
	if err := end(); err != nil {
		return err
	}
	return done(w, r, "/sessions", "session_ended")
}

// mailMeLink sends the person a one-time link, to sign in freshly with.
func (p *Portal) mailMeLink(w http.ResponseWriter, r *http.Request) error {
	if p.Mail == nil {
		return p.missing(w, r)
	}
	sent, err := p.Gate.SendLink(w, r, p.mailLink(r))
	if err != nil || !sent {
		return err
	}
	web.Go(w, r, "/signin?again=1&done=mailed&next="+url.QueryEscape(r.PostFormValue("next")))
	return nil
}
