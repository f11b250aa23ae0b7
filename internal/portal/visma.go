package portal

import (
	"cmp"
	"context"
	"errors"
	"net/http"
	"regexp"
	"strings"
	"time"

	"kvitt/internal/access"
	"kvitt/internal/fault"
	"kvitt/internal/operate"
	"kvitt/internal/signin"
	"kvitt/internal/store"
	"kvitt/internal/visma/connect"
	"kvitt/internal/web"
	"kvitt/workflows"
)

// vismaPage shows where the authorisation stands and how to go on.
type vismaPage struct {
	workflows.Status
	Configured bool // there is an OAuth client
	Redirect   string
	Tenant     string
	Problem    string // a key of the words, "" when there is none
}

func (p *Portal) visma(w http.ResponseWriter, r *http.Request) error {
	row, err := p.found(r)
	if err != nil {
		return err
	}
	return p.showVisma(w, r, http.StatusOK, &row, "", "")
}

func (p *Portal) showVisma(w http.ResponseWriter, r *http.Request, code int, row *store.Connection, tenant, problem string) error {
	status, err := operate.StatusOf(row)
	if err != nil {
		return err
	}
	p.show(w, r, code, "visma", vismaPage{
		Status: status, Configured: p.Config.VismaClientID != "" && p.Config.VismaClientSecret != "",
		Redirect: p.Config.RedirectURL(), Tenant: tenant, Problem: problem,
	})
	return nil
}

// connectVisma leads to the consent page of Visma Connect.
func (p *Portal) connectVisma(w http.ResponseWriter, r *http.Request) error {
	row, err := p.found(r)
	if err != nil {
		return err
	}
	if row.State == workflows.ConnDisconnected {
		return &operate.Error{Attempted: "authorize the connection " + row.ID, Happened: "it is disconnected, which is final", Helps: "Create another connection."}
	}
	page, err := p.Consents.Begin(r.Context(), row.ID, sessionOf(r), p.Config.RedirectURL())
	if err != nil {
		return p.refused(w, r, &row, err)
	}
	web.Leave(w, r, page) // from its discovery document
	return nil
}

// vismaCallback is where Visma Connect sends the browser back to.
func (p *Portal) vismaCallback(w http.ResponseWriter, r *http.Request) error {
	id, grant, who, err := p.Consents.Finish(r.Context(), sessionOf(r), r.URL.Query())
	row := store.Connection{}
	if id != "" {
		var missing error
		if row, missing = p.Desk.Store.Connection(r.Context(), id); missing != nil {
			return missing
		}
	}
	if err != nil {
		return p.refused(w, r, &row, err)
	}
	consented := by(r)
	if name := firstOf(who.Email, who.Name); name != "" && name != consented {
		consented += " (" + name + " at Visma Connect)"
	}
	return p.offerGrant(w, r, &row, grant, consented)
}

func firstOf(words ...string) string {
	for _, w := range words {
		if w != "" {
			return w
		}
	}
	return ""
}

var uuid = regexp.MustCompile(`^[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}$`)

// offerService authorises by the service flow.
func (p *Portal) offerService(w http.ResponseWriter, r *http.Request) error {
	row, err := p.found(r)
	if err != nil {
		return err
	}
	tenant := strings.TrimSpace(r.PostFormValue("tenant"))
	if !uuid.MatchString(tenant) {
		return p.showVisma(w, r, http.StatusUnprocessableEntity, &row, tenant, "visma.tenant_malformed")
	}
	return p.offerGrant(w, r, &row, connect.Grant{Flow: connect.FlowService, TenantID: tenant}, by(r))
}

func (p *Portal) offerGrant(w http.ResponseWriter, r *http.Request, row *store.Connection, grant connect.Grant, who string) error {
	if _, err := p.Desk.OfferGrant(r.Context(), row, grant, who); err != nil {
		return p.refused(w, r, row, err)
	}
	web.Go(w, r, "/connections/"+row.ID+"/connected")
	return nil
}

// connectedPage shows whom the connection is connected with.
func (p *Portal) connectedPage(w http.ResponseWriter, r *http.Request) error {
	row, now, err := p.standing(r)
	if err != nil {
		return err
	}
	if now.Visma.State != workflows.SideConnected {
		web.Go(w, r, "/connections/"+row.ID+"/visma")
		return nil
	}
	p.show(w, r, http.StatusOK, "connected", connected{Status: now, Next: nextStep(&now, "visma")})
	return nil
}

// connected is the end of the five steps.
type connected struct {
	workflows.Status
	Next string // where the guided setup goes on
}

// refusedPage says why an authorisation did not come about.
type refusedPage struct {
	store.Connection
	Code   string // of access.ConsentCode, of a refused update, or of Visma Connect
	Detail string
	Helps  string
}

// refused shows the page of a refusal: each has its own, with the remedy.
func (p *Portal) refused(w http.ResponseWriter, r *http.Request, row *store.Connection, err error) error {
	at := refusedPage{Connection: *row, Code: refusalCode(err)}
	if at.Code == "" {
		return err
	}
	at.Detail, at.Helps = operate.Explain(err)
	status := http.StatusConflict
	if at.Code == string(access.ConsentUnreachable) {
		status = http.StatusBadGateway
	}
	p.show(w, r, status, "refused", at)
	return nil
}

// refusalCode names why an authorisation was refused; "" when it was not.
func refusalCode(err error) string {
	var consent *access.ConsentError
	var refusal *operate.RefusalError
	f := fault.As(err)
	switch {
	case errors.As(err, &consent) && consent.Code != access.ConsentFailed:
		return string(consent.Code)
	case errors.As(err, &refusal):
		return cmp.Or(refusal.Code, "refused")
	case f != nil && f.Class == fault.Transient:
		return string(access.ConsentUnreachable)
	case f != nil:
		return cmp.Or(f.Code, "refused")
	case consent != nil:
		return "refused"
	default:
		return ""
	}
}

// sessionOf names the session of a request, to bind a consent to it.
func sessionOf(r *http.Request) string { return signin.SessionOf(r.Context()) }

// within bounds what is asked of the providers for a page.
func within(ctx context.Context) (context.Context, context.CancelFunc) {
	return context.WithTimeout(ctx, 75*time.Second)
}
