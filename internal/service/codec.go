package service

import (
	"crypto/sha256"
	"crypto/subtle"
	"fmt"
	"net"
	"net/http"
	"time"

	"kvitt/internal/config"
	"kvitt/internal/signin"
	"kvitt/internal/web"
)

// Limits on wrong passwords for the codec, per address and in all.
const (
	guesses, guessEvery      = 5, 30 * time.Second
	guessesOfAll, ofAllEvery = 50, 3 * time.Second
	everybody                = "*"
)

// known reports who is signed in, for the codec and the Web UI; *signin.Gate is one.
type known interface {
	Known(r *http.Request, need signin.Role) bool
}

// codec decodes payloads for Temporal's Web UI; it is nil when that is off.
func (p *parts) codec(gate known) http.Handler {
	if p.config.CodecAuth == config.CodecOff {
		return nil
	}
	door := newCodecDoor(p.config, gate)
	mux := http.NewServeMux()
	mux.Handle("/codec/", http.StripPrefix("/codec", p.keys.CodecHandler(p.config.UIOrigin, door.may)))
	if p.config.CodecAuth == config.CodecPassword {
		mux.HandleFunc("GET /codec/{$}", door.ask)
	}
	return door.guard(mux)
}

// codecDoor decides who may read payloads: people who are signed in, people who know the password, or
// everybody on this machine, as the operator has set.
type codecDoor struct {
	may        func(*http.Request) bool
	password   bool
	origin     string
	one, every *web.Limiter
	now        func() time.Time
}

func newCodecDoor(c *config.Config, gate known) *codecDoor {
	d := &codecDoor{origin: c.UIOrigin, password: c.CodecAuth == config.CodecPassword, now: time.Now, one: web.NewLimiter(guesses, guessEvery), every: web.NewLimiter(guessesOfAll, ofAllEvery)}
	switch c.CodecAuth {
	case config.CodecSession:
		d.may = func(r *http.Request) bool { return gate.Known(r, signin.Viewer) }
	case config.CodecLoopback:
		d.may = fromThisMachine
	default:
		want := sha256.Sum256([]byte(c.CodecPassword.Reveal()))
		d.may = func(r *http.Request) bool {
			_, password, ok := r.BasicAuth()
			got := sha256.Sum256([]byte(password))
			return ok && subtle.ConstantTimeCompare(want[:], got[:]) == 1
		}
	}
	return d
}

func fromThisMachine(r *http.Request) bool {
	host, _, err := net.SplitHostPort(r.RemoteAddr)
	ip := net.ParseIP(host)
	return err == nil && ip != nil && ip.IsLoopback()
}

// guard limits wrong passwords, and records who was refused. Somebody with the right password has to wait
// only if their own address sent wrong ones.
func (d *codecDoor) guard(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		from := web.AddressOf(r.RemoteAddr)
		if _, _, guessed := r.BasicAuth(); d.password && guessed {
			if d.one.Spent(from, d.now()) || d.every.Spent(everybody, d.now()) {
				web.Because(r.Context(), web.Rate, "codec password")
				web.RetryAfter(w, guessEvery)
				http.Error(w, "Too many wrong passwords. Wait a minute, then try again.", http.StatusTooManyRequests)
				return
			}
			if !d.may(r) {
				d.one.Wait(from, d.now())
				d.every.Wait(everybody, d.now())
				web.Because(r.Context(), web.Codec, "wrong password")
			}
		}
		if origin := r.Header.Get("Origin"); origin != "" && origin != d.origin {
			web.Because(r.Context(), web.Codec, "another origin")
		}
		if r.Method != http.MethodOptions && !d.may(r) {
			web.Because(r.Context(), web.Codec, "not authorised")
		}
		next.ServeHTTP(w, r)
	})
}

// ask makes a browser ask for the password, and remember it for the codec.
func (d *codecDoor) ask(w http.ResponseWriter, r *http.Request) {
	w.Header().Set("Cache-Control", "no-store")
	if !d.may(r) {
		w.Header().Set("WWW-Authenticate", `Basic realm="Kvitt codec", charset="UTF-8"`)
		http.Error(w, "The password of KVITT_CODEC_PASSWORD lets you read payloads in Temporal's Web UI.", http.StatusUnauthorized)
		return
	}
	fmt.Fprintln(w, "You can read payloads now. Go back to Temporal's Web UI.")
}
