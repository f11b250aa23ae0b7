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
}

func (p *Portal) people(w http.ResponseWriter, r *http.Request) error {
	return p.showPeople(w, r, "", "")
}

func (p *Portal) showPeople(w http.ResponseWriter, r *http.Request, link, email string) error {
	all, err := p.Gate.People(r.Context())
	if err != nil {
		return err
	}
	p.show(w, r, http.StatusOK, "people", peoplePage{People: all, Roles: signin.Roles(), Link: link, For: email})
	return nil
}

// invite adds a person, or gives a known one a new link.
func (p *Portal) invite(w http.ResponseWriter, r *http.Request) error {
	person, _ := signin.PersonOf(r.Context())
	email := r.PostFormValue("email")
	name, role := r.PostFormValue("name"), signin.Role(r.PostFormValue("role"))
	if p.Mail != nil {
		if err := p.Gate.InviteByMail(r.Context(), person, email, name, role, p.mailLink(r)); err != nil {
			return err
		}
		return done(w, r, "/people", "mailed")
	}
	link, err := p.Gate.Invite(r.Context(), person, email, name, role)
	if err != nil {
		return err
	}
	return p.showPeople(w, r, link, email)
}

// mailLink sends a one-time link to its person, so that nobody else has seen it.
func (p *Portal) mailLink(r *http.Request) func(ctx context.Context, to, link string) error {
	words := p.pages.words[languageOf(r).Tag]
	return func(ctx context.Context, to, link string) error {
		subject, err1 := words.say("people.letter.subject")
		text, err2 := words.say("people.letter.text", by(r), link)
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

// changePerson changes a role, or lets somebody in no more.
func (p *Portal) changePerson(w http.ResponseWriter, r *http.Request) error {
	person, _ := signin.PersonOf(r.Context())
	id := r.PathValue("person")
	var err error
	switch r.PostFormValue("do") {
	case "role":
		_, err = p.Gate.SetRole(r.Context(), person, id, signin.Role(r.PostFormValue("role")))
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
