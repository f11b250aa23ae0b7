package portal

import (
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
	link, err := p.Gate.Invite(r.Context(), person, email, r.PostFormValue("name"), signin.Role(r.PostFormValue("role")))
	if err != nil {
		return err
	}
	return p.showPeople(w, r, link, email)
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
