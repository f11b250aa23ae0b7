package notify

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"kvitt/internal/config"
	"kvitt/internal/notice"
	"kvitt/internal/vault"
)

const signingSecret = "webhook-secret-canary-0123456789"

// received is a request as a receiver sees it.
type received struct {
	header http.Header
	body   []byte
}

func receiver(t *testing.T, status int) (*httptest.Server, *[]received) {
	t.Helper()
	var all []received
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, err := io.ReadAll(r.Body)
		if err != nil {
			t.Error(err)
		}
		all = append(all, received{r.Header, body})
		w.Header().Set("Location", "/elsewhere")
		w.WriteHeader(status)
	}))
	t.Cleanup(server.Close)
	return server, &all
}

func hook(t *testing.T, address, secret string) *Webhook {
	t.Helper()
	w, err := NewWebhook(address, vault.Secret(secret), nil)
	if err != nil {
		t.Fatal(err)
	}
	w.now = func() time.Time { return time.Unix(1614265330, 0) }
	return w
}

func TestAWebhookIsSignedSoThatItsReceiverCanVerifyIt(t *testing.T) {
	for secret, key := range map[string][]byte{
		signingSecret: []byte(signingSecret),
		"whsec_" + base64.StdEncoding.EncodeToString([]byte("twenty-four bytes of key")): []byte("twenty-four bytes of key"),
	} {
		server, all := receiver(t, http.StatusNoContent)
		w := hook(t, server.URL+"/hook?token=x", secret)
		for range 2 { // as a retry would
			if err := w.Send(t.Context(), loss()); err != nil {
				t.Fatal(err)
			}
		}
		for _, got := range *all {
			id, timestamp := got.header.Get("Webhook-Id"), got.header.Get("Webhook-Timestamp")
			if id != loss().ID || timestamp != "1614265330" || got.header.Get("Content-Type") != "application/json" {
				t.Errorf("%v", got.header)
			}
			// The check that docs/operations.md describes for receivers.
			mac := hmac.New(sha256.New, key)
			mac.Write([]byte(id + "." + timestamp + "." + string(got.body)))
			if want := "v1," + base64.StdEncoding.EncodeToString(mac.Sum(nil)); got.header.Get("Webhook-Signature") != want {
				t.Errorf("signature %s, want %s", got.header.Get("Webhook-Signature"), want)
			}
			var n notice.Notice
			if err := json.Unmarshal(got.body, &n); err != nil || !cmp.Equal(n, *loss()) {
				t.Errorf("%v: %s", err, got.body)
			}
		}
		if len(*all) != 2 {
			t.Errorf("%d requests", len(*all))
		}
	}
}

// The example given at standardwebhooks.com, computed there.
func TestTheSignatureIsThatOfStandardWebhooks(t *testing.T) {
	w := hook(t, "https://example.com", "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw")
	if got := w.sign("msg_p5jXN8AQM9LWM0D4loKWxJek", "1614265330", []byte(`{"test": 2432232314}`)); got != "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=" {
		t.Error(got)
	}
}

func TestARedirectOfAWebhookIsNotFollowed(t *testing.T) {
	server, all := receiver(t, http.StatusTemporaryRedirect)
	err := hook(t, server.URL, signingSecret).Send(t.Context(), loss())
	if err == nil || !strings.Contains(err.Error(), "redirects are not followed") || len(*all) != 1 {
		t.Errorf("%v, %d requests", err, len(*all))
	}
}

func TestAWebhookThatFailsShowsNeitherSecretNorAddress(t *testing.T) {
	server, _ := receiver(t, http.StatusInternalServerError)
	w := hook(t, server.URL+"/path-canary?token-canary", signingSecret)
	if words, err := w.Check(t.Context()); err != nil || strings.Contains(words, "canary") {
		t.Errorf("%q, %v", words, err)
	}
	refused := w.Send(t.Context(), loss())
	server.Close()
	dead := w.Send(t.Context(), loss())
	_, checked := w.Check(t.Context())
	for _, err := range []error{refused, dead, checked} {
		if err == nil {
			t.Fatal("it worked")
		}
		if words := fmt.Sprintf("%v %+v %#v %v %+v", err, err, err, w, w); strings.Contains(words, "canary") {
			t.Error(words)
		}
	}
}

func TestAWebhookIsNotPostedInTheClear(t *testing.T) {
	for _, address := range []string{"http://example.com", "http://10.0.0.1/x", "ftp://example.com", "https://u:p@example.com", "x"} {
		if _, err := NewWebhook(address, signingSecret, nil); err == nil {
			t.Errorf("%s was accepted", address)
		}
	}
}

func TestTheChannelsAreThoseThatAreSet(t *testing.T) {
	c := config.Config{}
	if all, err := Channels(&c, nil); err != nil || len(all) != 0 {
		t.Errorf("%v %v", all, err)
	}
	c = config.Config{SMTPURL: "smtp://127.0.0.1", MailFrom: "a@b.se", MailTo: []string{"a@b.se"}, WebhookURL: "http://127.0.0.1", WebhookSecret: signingSecret}
	all, err := Channels(&c, nil)
	if err != nil || len(all) != 2 || all[0].Name() != "mail" || all[1].Name() != "webhook" {
		t.Errorf("%v %v", all, err)
	}
}
