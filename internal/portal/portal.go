package portal

import (
	"context"
	"embed"
	"encoding/json"
	"fmt"
	"io/fs"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"time"

	"go.uber.org/zap"

	"kvitt/activities"
	"kvitt/internal/access"
	"kvitt/internal/config"
	"kvitt/internal/operate"
	"kvitt/internal/signin"
	"kvitt/internal/store"
	"kvitt/internal/web"
	"kvitt/workflows"
)

//go:embed static
var static embed.FS

// Options are what the portal stands on.
type Options struct {
	Desk     *operate.Desk
	Gate     *signin.Gate
	Consents *access.Consents
	Config   *config.Config
	Log      *zap.Logger
	// Trial compiles the voucher of a connection's latest payout, and posts
	// nothing.
	Trial func(ctx context.Context, connection string) (*activities.Trial, error)
	// Mail sends a letter to one person; nil when there is no mail.
	Mail func(ctx context.Context, to, subject, text string) error
	Now  func() time.Time
}

// Portal serves the pages.
type Portal struct {
	Options
	pages  *pages
	trials chan struct{} // one for each trial that runs
	path   string        // of KVITT_PUBLIC_URL, "" at the root of a host
	origin string        // of KVITT_PUBLIC_URL
	crowds map[string]*crowd
}

// New makes a portal. Its error is a fault of the program: a template or a
// language that does not fit.
func New(o Options) (*Portal, error) {
	if o.Now == nil {
		o.Now = time.Now
	}
	u, err := url.Parse(o.Config.PublicURL)
	if err != nil {
		return nil, fmt.Errorf("prepare the portal: KVITT_PUBLIC_URL: %w", err)
	}
	all, err := readPages()
	if err != nil {
		return nil, err
	}
	p := &Portal{Options: o, pages: all, crowds: crowds(), trials: make(chan struct{}, trialsBusy), path: strings.TrimRight(u.Path, "/"), origin: u.Scheme + "://" + u.Host}
	var reported sync.Map
	all.missing = func(key string) error {
		if _, before := reported.LoadOrStore(key, true); !before {
			p.Log.Error("a page uses words that no language has; it shows their key", zap.String("key", key))
		}
		return nil
	}
	return p, p.pathIsFree()
}

// page answers a request; its error becomes a page that says what helps.
type page func(w http.ResponseWriter, r *http.Request) error

// route is one thing that the portal serves, and who may have it.
type route struct {
	pattern string
	need    signin.Role
	page    page
}

// routes are all routes that need somebody to be signed in.
func (p *Portal) routes() []route {
	return []route{
		{"GET /{$}", signin.Viewer, p.home},
		{"GET /connections", signin.Viewer, p.connections},
		{"GET /connections/new", signin.Administrator, p.newConnection},
		{"POST /connections", signin.Administrator, p.createConnection},
		{"GET /connections/{id}", signin.Viewer, p.connection},
		{"GET /connections/{id}/klarna", signin.Administrator, p.klarna},
		{"POST /connections/{id}/klarna", signin.Administrator, p.offerKlarna},
		{"GET /connections/{id}/visma", signin.Administrator, p.visma},
		{"POST /connections/{id}/visma/connect", signin.Administrator, p.connectVisma},
		{"POST /connections/{id}/visma/service", signin.Administrator, p.offerService},
		{"GET /connections/{id}/connected", signin.Viewer, p.connectedPage},
		{"GET /connect/visma/callback", signin.Administrator, p.vismaCallback},
		{"GET /connections/{id}/verify", signin.Administrator, p.verify},
		{"GET /connections/{id}/verify/checks", signin.Administrator, p.checks},
		{"GET /connections/{id}/verify/trial", signin.Administrator, p.trial},
		{"POST /connections/{id}/start", signin.Administrator, p.start},
		{"POST /connections/{id}/pause", signin.Administrator, p.pause},
		{"POST /connections/{id}/resume", signin.Administrator, p.resume},
		{"POST /connections/{id}/sync", signin.Approver, p.syncNow},
		{"GET /connections/{id}/disconnect", signin.Administrator, p.askDisconnect},
		{"POST /connections/{id}/disconnect", signin.Administrator, p.disconnect},
		{"POST /connections/{id}/backfills", signin.Approver, p.startBackfill},
		{"GET /connections/{id}/backfills/{from}/{to}", signin.Viewer, p.backfill},
		{"GET /connections/{id}/backfills/{from}/{to}/events", signin.Viewer, p.backfillEvents},
		{"POST /connections/{id}/backfills/{from}/{to}/{verb}", signin.Approver, p.tellBackfill},
		{"GET /connections/{id}/payouts", signin.Viewer, p.payouts},
		{"GET /connections/{id}/payouts/{ref}", signin.Viewer, p.payout},
		{"POST /connections/{id}/payouts/{ref}/approve", signin.Approver, p.approve},
		{"POST /connections/{id}/payouts/{ref}/reject", signin.Approver, p.reject},
		{"POST /connections/{id}/payouts/{ref}/retry", signin.Approver, p.retry},
		{"POST /connections/{id}/payouts/{ref}/decisions", signin.Approver, p.takeDecision},
		{"POST /connections/{id}/payouts/{ref}/decisions/undo", signin.Approver, p.undoDecision},
		{"POST /connections/{id}/payouts/{ref}/reverse", signin.Approver, p.reverse},
		{"POST /connections/{id}/payouts/{ref}/reversal/retry", signin.Approver, p.retryReversal},
		{"POST /connections/{id}/payouts/{ref}/reversal/withdraw", signin.Approver, p.withdrawReversal},
		{"POST /connections/{id}/payouts/{ref}/repost", signin.Approver, p.repost},
		{"POST /connections/{id}/payouts/{ref}/reopen", signin.Approver, p.reopen},
		{"GET /connections/{id}/payouts/{ref}/documents/{kind}", signin.Viewer, p.document},
		{"GET /connections/{id}/reports/{name}", signin.Viewer, p.report},
		{"GET /connections/{id}/accruals", signin.Viewer, p.accruals},
		{"POST /connections/{id}/accruals", signin.Approver, p.accrue},
		{"POST /connections/{id}/accruals/retry", signin.Approver, p.retryAccrual},
		{"POST /connections/{id}/accruals/batch", signin.Approver, p.takeAccrualBatch},
		{"POST /connections/{id}/accruals/undo", signin.Approver, p.undoAccrualDecision},
		{"GET /connections/{id}/files/pack", signin.Viewer, p.pack},
		{"GET /connections/{id}/files/{file}", signin.Viewer, p.reportFile},
		{"GET /connections/{id}/find", signin.Viewer, p.find},
		{"GET /connections/{id}/previews/{ref}", signin.Viewer, p.preview},
		{"POST /connections/{id}/review", signin.Approver, p.approveChosen},
		{"GET /connections/{id}/profile", signin.Viewer, p.profile},
		{"GET /connections/{id}/profile/versions/{version}", signin.Viewer, p.profileVersion},
		{"GET /connections/{id}/profile/edit", signin.Administrator, p.editProfile},
		{"POST /connections/{id}/profile/edit", signin.Administrator, p.changeProfile},
		{"GET /connections/{id}/opening", signin.Viewer, p.opening},
		{"POST /connections/{id}/opening", signin.Administrator, p.confirmOpening},
		{"GET /connections/{id}/interview", signin.Administrator, p.interview},
		{"POST /connections/{id}/interview", signin.Administrator, p.answerInterview},
		{"POST /connections/{id}/four-eyes", signin.Administrator, p.setFourEyes},
		{"GET " + tryPath, signin.Viewer, p.tryPage},
		{"POST " + tryPath, signin.Viewer, p.tryDocuments},
		{"GET /connections/{id}/requests", signin.Viewer, p.requests},
		{"POST /connections/{id}/requests/{request}", signin.Approver, p.confirmRequest},
		{"POST /session", signin.Viewer, p.staySignedIn},
		{"GET /people", signin.Administrator, p.people},
		{"POST /people", signin.Administrator, p.invite},
		{"POST /people/{person}", signin.Administrator, p.changePerson},
	}
}

// Handler serves the portal. codec, when there is one, decodes payloads for
// Temporal's Web UI, which is another origin and has rules of its own.
func (p *Portal) Handler(codec http.Handler) http.Handler {
	mux := http.NewServeMux()
	files, _ := fs.Sub(static, "static") // it is embedded
	mux.Handle("GET /static/", http.StripPrefix("/static/", cached(noFolders(http.FileServerFS(files)))))
	mux.HandleFunc("GET /language", p.language)
	p.Gate.Routes(mux)
	for _, one := range p.routes() {
		mux.Handle(one.pattern, p.Gate.Require(one.need, p.serve(p.bounded(one), p.forms()[one.pattern])))
	}
	mux.Handle("/", p.Gate.Require(signin.Viewer, p.serve(p.missing, nil)))
	sameSite := p.fromHere()
	sameSite.SetDenyHandler(http.HandlerFunc(p.crossSite))
	pages := p.guard(sameSite.Handler(sized(mux)))
	outer := http.NewServeMux()
	if codec != nil {
		outer.Handle("/codec/", p.guard(codec))
	}
	outer.Handle("/", pages)
	return p.behindProxies(web.Watch("portal", p.Log, outer))
}

// sized refuses what is larger than any form of these pages, but for that of a
// trial, which takes files.
func sized(next http.Handler) http.Handler {
	forms, trials := http.MaxBytesHandler(next, mostForm), http.MaxBytesHandler(next, mostTrial)
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == tryPath {
			trials.ServeHTTP(w, r)
			return
		}
		forms.ServeHTTP(w, r)
	})
}

// guard says to the browser what these pages may do: nothing that does not
// come from here.
func (p *Portal) guard(next http.Handler) http.Handler {
	forms := "'self'"
	if u, err := url.Parse(p.Config.VismaConnectURL); err == nil {
		forms += " " + u.Scheme + "://" + u.Host // where the button Connect leads on to
	}
	policy := strings.Join([]string{
		"default-src 'none'", "script-src 'self'", "style-src 'self'", "img-src 'self'", "connect-src 'self'",
		"form-action " + forms, "base-uri 'none'", "frame-ancestors 'none'",
	}, "; ")
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		h := w.Header()
		h.Set("Content-Security-Policy", policy)
		h.Set("X-Content-Type-Options", "nosniff")
		h.Set("Referrer-Policy", "same-origin")
		h.Set("Cross-Origin-Opener-Policy", "same-origin")
		h.Set("Cache-Control", "no-store")
		if strings.HasPrefix(p.Config.PublicURL, "https://") {
			h.Set("Strict-Transport-Security", "max-age=31536000; includeSubDomains")
		}
		next.ServeHTTP(w, r)
	})
}

// noFolders serves files, and lists none.
func noFolders(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "" || strings.HasSuffix(r.URL.Path, "/") {
			http.NotFound(w, r)
			return
		}
		next.ServeHTTP(w, r)
	})
}

func cached(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Cache-Control", "private, max-age=600")
		next.ServeHTTP(w, r)
	})
}

// serve turns a page's error into one that says what helps: on the page that its
// form is on, where there is one.
func (p *Portal) serve(do, form page) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		err := do(w, r)
		if err == nil || r.Context().Err() != nil {
			return
		}
		it := refused(r, err)
		if it != nil && p.again(w, r, form, it) {
			return
		}
		if it == nil {
			// What went wrong inside is for the log: a page that names servers and files
			// helps whoever should not know them.
			p.Log.Error("a page could not be served", zap.String("path", r.URL.Path), zap.Error(err))
			it = &refusal{Status: http.StatusInternalServerError, Said: &said{key: "bound.broken"}}
		}
		r = r.WithContext(context.WithValue(r.Context(), refusalKey{}, it))
		p.show(w, r, it.Status, "message", message{Title: "message.failed"})
	})
}

func (p *Portal) missing(w http.ResponseWriter, r *http.Request) error {
	p.show(w, r, http.StatusNotFound, "message", message{Title: "message.missing"})
	return nil
}

// staySignedIn tells when the session ends now that something was asked for.
func (p *Portal) staySignedIn(w http.ResponseWriter, r *http.Request) error {
	w.Header().Set("Content-Type", "application/json")
	return json.NewEncoder(w).Encode(map[string]int64{"ends": signin.EndOf(r.Context()).UnixMilli()})
}

func (p *Portal) home(w http.ResponseWriter, r *http.Request) error {
	web.Go(w, r, "/connections")
	return nil
}

// message is a page that tells something. Title is a key of the words.
type message struct{ Title string }

// found is the connection that a request is about.
func (p *Portal) found(r *http.Request) (store.Connection, error) {
	return p.Desk.Store.Connection(r.Context(), r.PathValue("id"))
}

// standing is the connection that a request is about, and how it stands as the
// database last heard.
func (p *Portal) standing(r *http.Request) (row store.Connection, status workflows.Status, err error) {
	if row, err = p.found(r); err != nil {
		return row, status, err
	}
	status, err = operate.StatusOf(&row)
	return row, status, err
}

// by is the person who asks, for the audit trail.
func by(r *http.Request) string {
	person, _ := signin.PersonOf(r.Context())
	return person.String()
}

// done leads to a page after something was done, which it then says.
func done(w http.ResponseWriter, r *http.Request, to, what string) error {
	web.Go(w, r, to+"?done="+url.QueryEscape(what))
	return nil
}
