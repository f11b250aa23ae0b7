package web

import (
	"context"
	"net/http"
	"sync"

	"github.com/prometheus/client_golang/prometheus"
	"go.uber.org/zap"
)

// Kind is the reason of a refusal; it is a metric label, so there are few kinds.
type Kind string

// The kinds.
const (
	SignIn      Kind = "sign_in"     // nobody is signed in, or the sign-in failed
	Role        Kind = "role"        // the person's role does not allow it
	CrossSite   Kind = "cross_site"  // asked for by another site's page
	Rate        Kind = "rate"        // too often
	Size        Kind = "size"        // too large, or over too many days
	Busy        Kind = "busy"        // too many at once, or too long
	Connections Kind = "connections" // from one address
	Codec       Kind = "codec"       // payloads
	UI          Kind = "ui"          // Temporal's Web UI
	Decision    Kind = "decision"    // a bookkeeping rule, such as approval by a second person
)

// Kinds lists them all.
func Kinds() []Kind {
	return []Kind{SignIn, Role, CrossSite, Rate, Size, Busy, Connections, Codec, UI, Decision}
}

// Refusal is a request that was refused.
type Refusal struct {
	Listener     string // portal, metrics, temporal-ui
	Kind         Kind
	Why          string // Kvitt's own words, never words of the request
	Who          string // who is signed in
	From         string
	Method, Path string // the path without its query
	Status       int
}

var refusals = prometheus.NewCounterVec(prometheus.CounterOpts{Name: "kvitt_refusals_total", Help: "Requests that were refused, by listener and reason."}, []string{"listener", "reason"})

// Metrics returns the collector of what this package counts.
func Metrics() prometheus.Collector { return refusals }

// Refused logs a refusal and counts it.
func Refused(_ context.Context, log *zap.Logger, r Refusal) {
	refusals.WithLabelValues(r.Listener, string(r.Kind)).Inc()
	log.Warn("refused", zap.String("listener", r.Listener), zap.String("reason", string(r.Kind)), zap.String("why", r.Why), zap.String("who", r.Who),
		zap.String("from", r.From), zap.String("method", r.Method), zap.String("path", r.Path), zap.Int("status", r.Status))
}

// note records what the handlers learn about a request.
type note struct {
	mu   sync.Mutex
	kind Kind
	why  string
	who  string
}

type noteKey struct{}

// Because records why a request is refused, for the log. The first reason stays.
func Because(ctx context.Context, k Kind, why string) {
	if n, ok := ctx.Value(noteKey{}).(*note); ok {
		n.mu.Lock()
		defer n.mu.Unlock()
		if n.kind == "" {
			n.kind, n.why = k, why
		}
	}
}

// By records who sent the request.
func By(ctx context.Context, who string) {
	if n, ok := ctx.Value(noteKey{}).(*note); ok {
		n.mu.Lock()
		defer n.mu.Unlock()
		n.who = who
	}
}

// byStatus lists the statuses that are refusals whether or not a handler said so.
var byStatus = map[int]Kind{
	http.StatusUnauthorized:          SignIn,
	http.StatusForbidden:             Role,
	http.StatusRequestEntityTooLarge: Size,
	http.StatusTooManyRequests:       Rate,
}

// Watch logs and counts what next refuses.
func Watch(listener string, log *zap.Logger, next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		n := &note{}
		seen := &status{ResponseWriter: w}
		defer func() {
			n.mu.Lock()
			defer n.mu.Unlock()
			kind := n.kind
			if kind == "" {
				kind = byStatus[seen.code]
			}
			if kind != "" {
				Refused(r.Context(), log, Refusal{
					Listener: listener, Kind: kind, Why: n.why, Who: n.who, From: AddressOf(r.RemoteAddr), Method: r.Method, Path: shortened(r.URL.Path), Status: seen.code,
				})
			}
		}()
		next.ServeHTTP(seen, r.WithContext(context.WithValue(r.Context(), noteKey{}, n)))
	})
}

// shortened keeps a path from filling the log.
func shortened(path string) string {
	const most = 200
	if len(path) > most {
		return path[:most] + "…"
	}
	return path
}

type status struct {
	http.ResponseWriter
	code int
}

func (s *status) WriteHeader(code int) {
	if s.code == 0 && code >= http.StatusOK {
		s.code = code
	}
	s.ResponseWriter.WriteHeader(code)
}

func (s *status) Unwrap() http.ResponseWriter { return s.ResponseWriter }
