package e2e_test

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"testing"
)

const webhookSecret = "webhook-secret-of-the-town-0123456789"

// receiver is where the town's notices are posted to.
type receiver struct {
	server *httptest.Server
	mu     sync.Mutex
	got    []told
}

// told is a notice as its receiver reads it.
type told struct {
	ID, Kind, Connection, Name, Side, Happened, Helps, Link string
	forged                                                  bool
}

func newReceiver() *receiver {
	r := &receiver{}
	r.server = httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, request *http.Request) {
		body, err := io.ReadAll(request.Body)
		var n told
		n.forged = err != nil || json.Unmarshal(body, &n) != nil
		mac := hmac.New(sha256.New, []byte(webhookSecret))
		mac.Write([]byte(request.Header.Get("webhook-id") + "." + request.Header.Get("webhook-timestamp") + "." + string(body)))
		n.forged = n.forged || request.Header.Get("webhook-signature") != "v1,"+base64.StdEncoding.EncodeToString(mac.Sum(nil))
		r.mu.Lock()
		defer r.mu.Unlock()
		r.got = append(r.got, n)
	}))
	return r
}

func (r *receiver) environment() []string {
	return []string{"KVITT_WEBHOOK_URL=" + r.server.URL + "/notices", "KVITT_WEBHOOK_SECRET=" + webhookSecret}
}

// told makes sure that exactly these notices came of a house, signed, each
// with what helps and where to look.
func (h *house) told(t *testing.T, want ...string) {
	t.Helper()
	until(t, waitFor, "the notices came", func() string {
		h.notices.mu.Lock()
		defer h.notices.mu.Unlock()
		var kinds []string
		for _, n := range h.notices.got {
			if n.Connection != h.id {
				continue
			}
			kinds = append(kinds, n.Kind)
			if n.forged || n.Happened == "" || n.Helps == "" || !strings.HasSuffix(n.Link, "/connections/"+h.id) {
				t.Errorf("the notice %+v", n)
			}
		}
		if !slices.Equal(kinds, want) {
			return strings.Join(kinds, ", ")
		}
		return ""
	})
}
