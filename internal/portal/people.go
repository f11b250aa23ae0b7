package portal

import (
	"context"
	"errors"
	"net/http"

	"kvitt/internal/operate"
	"kvitt/internal/signin"
)

// peoplePage lists who may sign in.
type peoplePage struct {
	People []signin.Entry
	Roles  []signin.Role
	Link   string // a one-time link that was just made, shown once
	For    string
	Known  bool // whom it is for was known before
	Role   signin.Role
	Pager  pager
}

// mostPeople is the number of people a page lists.
const mostPeople = 100

func (p *Portal) people(w http.ResponseWriter, r *http.Request) error {
	return p.showPeople(w, r, &peoplePage{})
}

func (p *Portal) showPeople(w http.ResponseWriter, r *http.Request, at *peoplePage) error {
	all, err := p.Gate.People(r.Context())
	if err != nil {
		return err
	}
	at.Pager, at.Roles = pagerOf(r, "page"), signin.Roles()
	at.People = window(&at.Pager, all, mostPeople)
	p.show(w, r, http.StatusOK, "people", at)
	return nil
}

// invite adds a person, or gives a known one a new link; it changes no role.
func (p *Portal) invite(w http.ResponseWriter, r *http.Request) error {
	person, _ := signin.PersonOf(r.Context())
	address, err := signin.ParseEmail(r.PostFormValue("email"))
	if err != nil {
		return say("people.noemail")
	}
	_, missing := p.Gate.ByEmail(r.Context(), address)
	name, role := r.PostFormValue("name"), signin.Role(r.PostFormValue("role"))
	if p.Mail != nil {
		if err := p.Gate.InviteByMail(r.Context(), person, address, name, role, p.mailLink(r)); err != nil {
			return err
		}
		return done(w, r, "/people", "mailed")
	}
	link, err := p.Gate.Invite(r.Context(), person, address, name, role)
	if err != nil {
		return err
	}
	who, err := p.Gate.ByEmail(r.Context(), address)
	if err != nil {
		return err
	}
	return p.showPeople(w, r, &peoplePage{Link: link, For: address, Known: missing == nil, Role: who.Role})
}

// mailLink sends a one-time link to its person, so that nobody else has seen it.
func (p *Portal) mailLink(r *http.Request) func(ctx context.Context, to, link string) error {
	return func(ctx context.Context, to, link string) error {
		subject, err1 := p.say(r, "people.letter.subject")
		text, err2 := p.say(r, "people.letter.text", by(r), link)
		if err := errors.Join(err1, err2); err != nil {
			return err
		}
		if err := p.Mail(ctx, to, subject, text); err != nil {
			return &operate.Error{
				Attempted: "send the one-time link to " + to, Happened: "the mail server did not take it; the person has been added", Err: err,
				Helps: "Check KVITT_SMTP_URL with `starter notify test`, then invite them again.",
			}
		}
		return nil
	}
}

// changePerson changes a role, makes a fresh link, or withdraws access.
func (p *Portal) changePerson(w http.ResponseWriter, r *http.Request) error {
	person, _ := signin.PersonOf(r.Context())
	id := r.PathValue("person")
	var err error
	switch r.PostFormValue("do") {
	case "role":
		_, err = p.Gate.SetRole(r.Context(), person, id, signin.Role(r.PostFormValue("role")))
	case "link":
		link, who, err := p.Gate.Link(r.Context(), person, id)
		if err != nil {
			return err
		}
		return p.showPeople(w, r, &peoplePage{Link: link, For: who.Email, Known: true, Role: who.Role})
	case "disable":
		_, err = p.Gate.Disable(r.Context(), person, id)
	case "enable":
		_, err = p.Gate.Enable(r.Context(), person, id)
	default:
		err = &operate.Error{Attempted: "change a person", Happened: "the form did not say what to do"}
	}
	if err != nil {
		return err
	}
	return done(w, r, "/people", "person")
}

// say is a text in the reader's language.
func (p *Portal) say(r *http.Request, key string, args ...any) (string, error) {
	to := p.readerOf(r)
	return p.pages.say(to, key, args...)
}
