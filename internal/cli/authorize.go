package cli

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/url"
	"regexp"
	"time"

	"github.com/spf13/cobra"

	"kvitt/internal/operate"
	"kvitt/internal/visma/connect"
)

// authorization describes how a company lets Kvitt in.
type authorization struct {
	service          bool
	tenant, redirect string
}

func (a *app) authorizeCommand() *cobra.Command {
	var in authorization
	c := &cobra.Command{
		Use:   "authorize ID",
		Short: "Authorize a connection at Visma Connect, and verify it",
		Long: `Authorize a connection at Visma Connect.

With --service, Kvitt acts for the company by itself: the company's administrator
has approved the app, and --tenant-id is the Company Tenant ID (Visma Admin,
Company, Edit, Configuration; not the Customer Tenant ID).

Without it, a person consents in a browser on this machine: the address of the
consent page is printed, and this command waits for the browser to come back to
--redirect. That address has to be one of this machine's, free, and registered
with the Visma client.

A worker verifies what was granted with a real read. Another company than the one
that the connection was made for is refused.`,
		Example: `  starter connection authorize k3x9-m2qp --service --tenant-id 0f8fad5b-d9cb-469f-a165-70867728950e
  starter connection authorize k3x9-m2qp --redirect http://127.0.0.1:8099/connect/visma/callback`,
		Args: exactly("the id of a connection"),
		RunE: func(c *cobra.Command, args []string) error {
			if err := in.check(); err != nil {
				return err
			}
			return a.remote(func(ctx context.Context, s *session, args []string) error { return s.authorize(ctx, args[0], &in) })(c, args)
		},
	}
	c.Flags().BoolVar(&in.service, "service", false, "use the service flow (client credentials) instead of a browser")
	c.Flags().StringVar(&in.tenant, "tenant-id", "", "the Company Tenant ID, a `UUID`, for --service")
	c.Flags().StringVar(&in.redirect, "redirect", "", "the `URL` that the browser comes back to (default KVITT_PUBLIC_URL and /connect/visma/callback)")
	return c
}

var uuid = regexp.MustCompile(`^[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}$`)

func (in *authorization) check() error {
	switch {
	case in.service && in.tenant == "":
		return usagef("--service needs --tenant-id, the Company Tenant ID of the Visma.net company")
	case in.service && !uuid.MatchString(in.tenant):
		return usagef("--tenant-id is %q; it is a UUID such as 0f8fad5b-d9cb-469f-a165-70867728950e", in.tenant)
	case in.service && in.redirect != "":
		return usagef("--redirect is for the flow in a browser, which --service does without")
	case !in.service && in.tenant != "":
		return usagef("--tenant-id is for the service flow; add --service. In a browser, the company is chosen there")
	}
	return nil
}

func (s *session) authorize(ctx context.Context, id string, in *authorization) error {
	row, err := s.connection(ctx, id)
	if err != nil {
		return err
	}
	attempted := "authorize the connection " + id + " at Visma Connect"
	if s.config.VismaClientID == "" || s.config.VismaClientSecret == "" {
		return &operate.Error{
			Attempted: attempted, Happened: "there is no OAuth client",
			Helps: "Set KVITT_VISMA_CLIENT_ID and KVITT_VISMA_CLIENT_SECRET to the client that is registered with Visma, here and for the worker.",
		}
	}
	if err := s.staffed(ctx, attempted); err != nil {
		return err
	}
	grant := connect.Grant{Flow: connect.FlowService, TenantID: in.tenant}
	if !in.service {
		if grant, err = s.consent(ctx, attempted, in.redirect); err != nil {
			return err
		}
	}
	s.say("Verifying the authorization with a real read.")
	now, err := s.desk().OfferGrant(ctx, &row, grant, s.who)
	if err != nil {
		return err
	}
	more := ""
	if now.BaseCurrency != "" {
		more = ", base currency " + now.BaseCurrency
	}
	return s.verified(&now, &now.Visma, more)
}

// consentWithin limits how long a person may take in the browser.
const consentWithin = 10 * time.Minute

// consent lets a person consent in a browser that comes back to this machine.
func (s *session) consent(ctx context.Context, attempted, redirect string) (connect.Grant, error) {
	if redirect == "" {
		redirect = s.config.RedirectURL()
	}
	provider, err := s.doors.Connect()
	if err != nil {
		return connect.Grant{}, err
	}
	address, err := doorAddress(redirect)
	if err != nil {
		return connect.Grant{}, err
	}
	asked, err := connect.NewConsent(redirect)
	if err != nil {
		return connect.Grant{}, err
	}
	door, err := openDoor(ctx, address, asked.Answered)
	if err != nil {
		return connect.Grant{}, err
	}
	defer door.close()
	page, err := provider.AuthCodeURL(ctx, asked)
	if err != nil {
		return connect.Grant{}, err
	}
	s.say("Open this page in a browser on this machine, sign in, choose the company and consent:\n\n  %s\n\nWaiting for the browser to come back; Ctrl-C gives up.", page)
	waiting, cancel := context.WithTimeout(ctx, consentWithin)
	defer cancel()
	callback, err := door.wait(waiting)
	if err != nil {
		if ctx.Err() == nil {
			err = &operate.Error{Attempted: attempted, Happened: "nobody came back from the consent page within " + span(consentWithin), Helps: "Run the command again.", Err: err}
		}
		return connect.Grant{}, err
	}
	grant, who, err := provider.Exchange(ctx, asked, callback)
	if err == nil {
		s.say("%s consented.", firstOf(who.Email, who.Name, who.Subject, "A person"))
	}
	return grant, err
}

func firstOf(words ...string) string {
	for _, w := range words {
		if w != "" {
			return w
		}
	}
	return ""
}

// door is where the browser comes back to.
type door struct {
	server *http.Server
	calls  chan url.Values
}

// doorAddress reads the address of a redirect, which must be this machine's.
func doorAddress(redirect string) (*url.URL, error) {
	u, err := url.Parse(redirect)
	if err != nil || u.Scheme != "http" || u.Port() == "" || !loopback(u.Hostname()) {
		return nil, usagef("the browser comes back to %s, which is not an address of this machine such as http://127.0.0.1:8099/connect/visma/callback; name one that is registered with the Visma client with --redirect, or use --service --tenant-id", redirect)
	}
	return u, nil
}

// openDoor listens at an address of this machine for what is an answer. Any page in the browser can call here: whoever does not
// know the state is turned away, and the answer is still waited for.
func openDoor(ctx context.Context, u *url.URL, answers func(url.Values) bool) (*door, error) {
	listener, err := new(net.ListenConfig).Listen(ctx, "tcp", u.Host)
	if err != nil {
		return nil, &operate.Error{
			Attempted: "wait for the browser at " + u.Host, Happened: "this address cannot be listened at; a worker with its portal may have it", Err: err,
			Helps: "Name another one that is registered with the Visma client with --redirect, or use --service --tenant-id.",
		}
	}
	d := &door{calls: make(chan url.Values, 1)}
	path := firstOf(u.EscapedPath(), "/")
	handler := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Method != http.MethodGet || r.URL.EscapedPath() != path || !answers(r.URL.Query()) {
			http.Error(w, "This is not the answer that Kvitt waits for.", http.StatusNotFound)
			return
		}
		select {
		case d.calls <- r.URL.Query():
		default: // the browser asks twice; the first answer counts
		}
		w.Header().Set("Content-Type", "text/html; charset=utf-8")
		w.Header().Set("Cache-Control", "no-store")
		w.Header().Set("Referrer-Policy", "no-referrer")
		fmt.Fprint(w, "<!doctype html><title>Kvitt</title><p>Thank you. Go back to the terminal: the result is there, and this page can be closed.")
	})
	d.server = &http.Server{Handler: handler, ReadHeaderTimeout: 10 * time.Second}
	go func() {
		if err := d.server.Serve(listener); !errors.Is(err, http.ErrServerClosed) {
			close(d.calls)
		}
	}()
	return d, nil
}

func (d *door) wait(ctx context.Context) (url.Values, error) {
	select {
	case <-ctx.Done():
		return nil, ctx.Err()
	case callback, ok := <-d.calls:
		if !ok {
			return nil, errors.New("wait for the browser: the listener closed")
		}
		return callback, nil
	}
}

func (d *door) close() {
	ctx, cancel := context.WithTimeout(context.Background(), 2*time.Second)
	defer cancel()
	_ = d.server.Shutdown(ctx) // lets the last page reach the browser
}

func loopback(host string) bool {
	ip := net.ParseIP(host)
	return host == "localhost" || ip != nil && ip.IsLoopback()
}
