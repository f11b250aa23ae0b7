package portal

import (
	"net/http"

	"kvitt/internal/operate"
	"kvitt/internal/signin"
	"kvitt/internal/store"
	"kvitt/internal/web"
)

// requestList holds what one person asked for and another one has to confirm.
type requestList struct {
	store.Connection
	All []operate.Request
}

func (p *Portal) requests(w http.ResponseWriter, r *http.Request) error {
	row, err := p.found(r)
	if err != nil {
		return err
	}
	at := requestList{Connection: row}
	if at.All, err = p.Desk.Requests(r.Context(), row.ID, by(r)); err != nil {
		return err
	}
	p.show(w, r, http.StatusOK, "requests", &at)
	return nil
}

// confirmRequest carries out what somebody else asked for.
func (p *Portal) confirmRequest(w http.ResponseWriter, r *http.Request) error {
	id := r.PathValue("id")
	if err := p.Desk.Confirm(r.Context(), id, r.PathValue("request"), by(r)); err != nil {
		web.Because(r.Context(), web.Decision, "confirm")
		return err
	}
	return done(w, r, "/connections/"+id+"/requests", "confirmed")
}

// ask writes down what takes a second person, and shows where that one confirms.
func (p *Portal) ask(w http.ResponseWriter, r *http.Request, connection, kind string, message any) error {
	if err := p.Desk.Ask(r.Context(), connection, kind, message, by(r)); err != nil {
		return err
	}
	return done(w, r, "/connections/"+connection+"/requests", "asked")
}

// asPerson is a request whose commands tell who else may hold the session.
func asPerson(r *http.Request) *http.Request {
	person, _ := signin.PersonOf(r.Context())
	return r.WithContext(operate.As(r.Context(), person.VouchedBy))
}
