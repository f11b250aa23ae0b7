package portal

import (
	"context"
	"errors"
	"net/http"
	"strconv"
	"time"

	"kvitt/internal/fault"
	"kvitt/internal/klarna"
	"kvitt/internal/operate"
	"kvitt/internal/store"
	"kvitt/workflows"
)

// klarnaSteps is the number of steps from the Merchant Portal to a key
// that works.
const klarnaSteps = 5

// klarnaStep is one of them.
type klarnaStep struct {
	store.Connection
	Side        workflows.Side
	Step        int
	Environment string // live or test, as the person chose it
	Username    string
	Problem     string // a key of the words, "" when there is none
	Detail      string // the other side's words
	Region      string // where the key would work, when that was found out
}

func (p *Portal) klarna(w http.ResponseWriter, r *http.Request) error {
	row, status, err := p.standing(r)
	if err != nil {
		return err
	}
	step, err := strconv.Atoi(r.URL.Query().Get("step"))
	if err != nil || step < 1 || step > klarnaSteps {
		step = 1
	}
	at := klarnaStep{Connection: row, Side: status.Klarna, Step: step, Environment: environment(r.URL.Query().Get("environment"))}
	if at.Environment == "" && step == klarnaSteps {
		at.Step = klarnaSteps - 1
	}
	p.show(w, r, http.StatusOK, "klarna", at)
	return nil
}

func environment(text string) string {
	switch klarna.Environment(text) {
	case klarna.Live, klarna.Test:
		return text
	default:
		return ""
	}
}

// offerKlarna takes a key. It is read from Klarna with before it is kept, and
// never shown again.
func (p *Portal) offerKlarna(w http.ResponseWriter, r *http.Request) error {
	row, status, err := p.standing(r)
	if err != nil {
		return err
	}
	at := klarnaStep{
		Connection: row, Side: status.Klarna, Step: klarnaSteps,
		Environment: environment(r.PostFormValue("environment")), Username: r.PostFormValue("username"),
	}
	credential, problem := p.examine(r, &at)
	if problem != "" {
		at.Problem = problem
		p.show(w, r, http.StatusUnprocessableEntity, "klarna", at)
		return nil
	}
	if _, err := p.Desk.OfferKlarna(r.Context(), &row, credential, by(r)); err != nil {
		return err
	}
	return done(w, r, "/connections/"+row.ID+nextStep(&status, "klarna"), "klarna")
}

// nextStep is where the guided setup goes on after a side was connected.
func nextStep(before *workflows.Status, side string) string {
	switch {
	case before.State == workflows.ConnActive || before.Start != "":
		return ""
	case side == "klarna" && before.Visma.State != workflows.SideConnected:
		return "/visma"
	case side == "visma" && before.Klarna.State != workflows.SideConnected:
		return "/klarna"
	default:
		return "/interview"
	}
}

// examine reads a key and asks Klarna whether it works. What is wrong is a key
// of the words.
func (p *Portal) examine(r *http.Request, at *klarnaStep) (klarna.Credential, string) {
	credential, err := klarna.ParseCredential(at.Provider, at.Connection.Region, r.PostFormValue("key"), at.Username)
	var malformed *klarna.CredentialError
	switch {
	case errors.As(err, &malformed):
		at.Detail = operate.Finish(malformed.Problem) + " " + operate.Finish(malformed.Remedy)
		return credential, "klarna.problem.malformed"
	case err != nil:
		at.Detail = operate.Sentence(err)
		return credential, "klarna.problem.malformed"
	case at.Environment != string(credential.Environment()):
		return credential, "klarna.problem.environment_" + string(credential.Environment())
	case credential.Environment() == klarna.Live && r.PostFormValue("live") != "yes":
		return credential, "klarna.problem.live"
	}
	err = p.asks(r.Context(), credential)
	if err == nil {
		return credential, ""
	}
	at.Detail, _ = operate.Explain(err)
	switch fault.ClassOf(err) {
	case fault.Auth:
		if at.Region = p.elsewhere(r.Context(), credential); at.Region != "" {
			return credential, "klarna.problem.region"
		}
		return credential, "klarna.problem.refused"
	case fault.Transient, fault.Throttled:
		return credential, "klarna.problem.unreachable"
	default:
		return credential, "klarna.problem.unexpected"
	}
}

// asks reads from Klarna for real with a key.
func (p *Portal) asks(ctx context.Context, credential klarna.Credential) error {
	ctx, cancel := context.WithTimeout(ctx, 20*time.Second)
	defer cancel()
	client, err := klarna.New(credential, klarna.Options{BaseURL: p.Config.KlarnaBaseURL, HTTPClient: p.Desk.Doors.HTTP})
	if err != nil {
		return err
	}
	defer client.Close()
	_, _, err = client.Verify(ctx)
	return err
}

// elsewhere is the region in which Klarna knows a key that it refused here, ""
// when there is none. With an address of its own there is nowhere else to ask.
func (p *Portal) elsewhere(ctx context.Context, credential klarna.Credential) string {
	if p.Config.KlarnaBaseURL != "" || credential.Provider != klarna.Klarna {
		return ""
	}
	for _, region := range []klarna.Region{klarna.Europe, klarna.NorthAmerica, klarna.Oceania} {
		if region == credential.Region {
			continue
		}
		there := credential
		there.Region = region
		if p.asks(ctx, there) == nil {
			return string(region)
		}
	}
	return ""
}
