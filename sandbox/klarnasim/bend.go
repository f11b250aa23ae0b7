package klarnasim

import (
	"net"
	"net/http"
	"strconv"
)

// maintenance is a typical page of a proxy in front of an API.
const maintenance = "<!DOCTYPE html><html><head><title>We will be right back</title></head>" +
	"<body><h1>Maintenance</h1><p>Please come back later.</p></body></html>\n"

// failEarly answers with the faults that replace the answer.
func (q *request) failEarly(w http.ResponseWriter) (done bool, status int) {
	for _, f := range q.faults {
		switch f.Kind {
		case FaultReset:
			reset(w)
			return true, 0
		case FaultThrottled:
			if f.RetryAfter > 0 {
				w.Header().Set("Retry-After", strconv.Itoa(f.RetryAfter))
			}
			w.Header().Set("X-RateLimit-Remaining", "0")
			w.Header().Set("X-RateLimit-Reset", strconv.Itoa(max(1, f.RetryAfter)))
			return true, q.send(w, (&problem{http.StatusTooManyRequests, "TOO_MANY_REQUESTS", "The rate limit is exceeded"}).reply(q))
		case FaultStatus:
			if f.Status == 0 {
				f.Status = http.StatusInternalServerError
			}
			answer := (&problem{f.Status, "INTERNAL_ERROR", "Something failed on purpose"}).reply(q)
			if f.Body != "" {
				answer.body = []byte(f.Body)
			}
			return true, q.send(w, answer)
		default: // takes effect later
		}
	}
	return false, 0
}

// reset closes the connection so that the client sees "connection reset by peer". Where that is impossible
// (HTTP/2), the answer breaks off.
func reset(w http.ResponseWriter) {
	conn, _, err := http.NewResponseController(w).Hijack()
	if err != nil {
		w.Header().Set("Content-Length", "1")
		w.WriteHeader(http.StatusOK)
		return
	}
	if tcp, ok := conn.(*net.TCPConn); ok {
		_ = tcp.SetLinger(0) // otherwise it is closed in an orderly way
	}
	_ = conn.Close() // an error here changes nothing
}

// bend changes a body, and reports whether the connection must be cut.
func (q *request) bend(r *reply) (cut bool) {
	if r.status != http.StatusOK {
		return false
	}
	for _, f := range q.faults {
		switch f.Kind {
		case FaultHTML:
			*r = reply{status: http.StatusOK, contentType: "text/html; charset=utf-8", body: []byte(maintenance), pooled: r.pooled}
			if f.Status != 0 {
				r.status = f.Status
			}
		case FaultGarbage:
			r.body, r.stream = []byte("\x1f\x8b\x00{\"payouts\": 7] \xff\xfe"), nil
		case FaultTruncated:
			whole := r.whole()
			r.body = whole[:len(whole)/2]
		case FaultCut:
			r.whole()
			cut = true
		default: // took effect before
		}
	}
	return cut
}
