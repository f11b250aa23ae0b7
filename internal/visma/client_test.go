package visma

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"kvitt/internal/fault"
	"kvitt/internal/visma/connect"
)

// *connect.Source is a source of tokens.
var _ Tokens = (*connect.Source)(nil)

func TestPlainHTTPIsRefusedExceptToLoopback(t *testing.T) {
	for base, wrong := range map[string]string{
		"":                                   "",
		"https://api.finance.visma.net/":     "",
		"http://127.0.0.1:9000":              "",
		"http://[::1]:9000":                  "",
		"http://localhost:9000":              "",
		"http://api.finance.visma.net":       "not https",
		"http://127.0.0.1.example.com":       "not https",
		"ftp://127.0.0.1":                    "not https",
		"api.finance.visma.net":              "not an absolute URL",
		"https://user:pw@visma.example":      "no user",
		"https://api.finance.visma.net?a=b":  "no user, query",
		"https://api.finance.visma.net/#top": "no user, query",
	} {
		_, err := New(Options{BaseURL: base, Tokens: &fixedTokens{}})
		switch {
		case wrong == "" && err != nil:
			t.Errorf("%q: %v", base, err)
		case wrong != "" && (err == nil || !strings.Contains(err.Error(), wrong) || strings.Contains(err.Error(), "pw")):
			t.Errorf("%q: error %v, want %q", base, err, wrong)
		}
	}
}

func TestTheTimeOutIsShorterThanVismaNets(t *testing.T) {
	if DefaultTimeout >= 4*time.Minute {
		t.Errorf("the time-out is %s", DefaultTimeout)
	}
	if _, err := New(Options{Tokens: &fixedTokens{}, Timeout: 4 * time.Minute}); err == nil {
		t.Error("a time-out of 4 minutes was accepted")
	}
	if _, err := New(Options{}); err == nil {
		t.Error("a client without tokens was made")
	}
}

func TestAFailedReadIsClassified(t *testing.T) {
	for status, class := range map[int]fault.Class{
		301: fault.Rejected, 302: fault.Rejected, 307: fault.Rejected,
		400: fault.Rejected, 404: fault.Rejected, 405: fault.Rejected, 409: fault.Rejected, 410: fault.Rejected, 412: fault.Rejected, 422: fault.Rejected,
		401: fault.Auth, 403: fault.Auth, 429: fault.Throttled,
		408: fault.Transient, 500: fault.Transient, 502: fault.Transient, 503: fault.Transient, 504: fault.Transient,
		204: fault.BadData, 202: fault.BadData,
	} {
		t.Run(fmt.Sprint(status), func(t *testing.T) {
			server := serve(t, broken(answerJSON(status, "")))
			c, _ := newTestClient(t, server)
			_, err := c.Ledgers(context.Background())
			if e := wantFault(t, err, class); e.Status != status || e.Party != "Visma.net" || e.Attempted != "list ledgers" {
				t.Errorf("the error is %+v", e)
			}
		})
	}
}

func TestAnAnswerWithoutADocumentIsBadData(t *testing.T) {
	for name, body := range map[string]string{
		"HTML": "<html><body>Maintenance</body></html>", "cut JSON": `[{"number":"1","balanceTy`, "empty": "", "null": "null",
		"object": `{"message":"no"}`, "two documents": `[] []`, "wrong type": `[{"number":1}]`, "text": `"ok"`,
	} {
		t.Run(name, func(t *testing.T) {
			c, _ := newTestClient(t, serve(t, broken(answerJSON(http.StatusOK, body))))
			_, err := c.Ledgers(context.Background())
			wantFault(t, err, fault.BadData)
		})
	}
}

func TestA401ForcesOneRefreshAndOneMoreTry(t *testing.T) {
	var seen []string
	server := serve(t, func(w http.ResponseWriter, r *http.Request) {
		seen = append(seen, r.Header.Get("Authorization"))
		if r.Header.Get("Authorization") != "Bearer fresh" {
			writeJSON(w, http.StatusUnauthorized, `{"message":"expired"}`)
			return
		}
		writeJSON(w, http.StatusOK, `[{"number":"1"}]`)
	})
	c, tokens := newTestClient(t, server)
	tokens.tokens = []string{"stale", "fresh"}
	ledgers, err := c.Ledgers(context.Background())
	if err != nil || len(ledgers) != 1 {
		t.Fatalf("%v, %v", ledgers, err)
	}
	if len(seen) != 2 || len(tokens.invalidated) != 1 || tokens.invalidated[0] != "stale" {
		t.Errorf("%d requests, invalidated %v", len(seen), tokens.invalidated)
	}
}

func TestASecond401IsFinal(t *testing.T) {
	for name, all := range map[string][]string{"another token": {"one", "two", "three"}, "the same token": {"one"}} {
		t.Run(name, func(t *testing.T) {
			var requests atomic.Int64
			server := serve(t, func(w http.ResponseWriter, _ *http.Request) {
				requests.Add(1)
				writeJSON(w, http.StatusUnauthorized, "")
			})
			c, tokens := newTestClient(t, server)
			tokens.tokens = all
			_, err := c.CreateJournalTransaction(context.Background(), testUpdate())
			e := wantFault(t, err, fault.Auth)
			if !strings.Contains(e.Remedy, "Company Tenant ID") {
				t.Errorf("the remedy is %q", e.Remedy)
			}
			if want := int64(min(len(all), 2)); requests.Load() != want || len(tokens.invalidated) != 1 {
				t.Errorf("%d requests and %d refreshes, want %d and 1", requests.Load(), len(tokens.invalidated), want)
			}
		})
	}
}

func TestNoLicenceIsAnAuthFailureWhateverItsStatus(t *testing.T) {
	body := `{"ExceptionType":"IPPException","ExceptionMessage":"No license for this company.","ExceptionFaultCode":"12027","ExceptionMessageID":"12027_4f","ExceptionDetails":""}`
	for _, status := range []int{400, 401, 403, 500} {
		c, _ := newTestClient(t, serve(t, answerJSON(status, body)))
		_, err := c.CreateJournalTransaction(context.Background(), testUpdate())
		e := wantFault(t, err, fault.Auth)
		if e.Code != "12027" || e.RequestID != "12027_4f" || !strings.Contains(e.Remedy, "licence") {
			t.Errorf("status %d: %+v", status, e)
		}
	}
}

func TestARedirectIsNeverFollowed(t *testing.T) {
	var elsewhere atomic.Int64
	other := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { elsewhere.Add(1) }))
	t.Cleanup(other.Close)
	for _, status := range []int{301, 302, 303, 307, 308} {
		server := serve(t, broken(func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Location", other.URL+"/v1/ledger")
			w.WriteHeader(status)
		}))
		c, _ := newTestClient(t, server)
		_, err := c.Ledgers(context.Background())
		if e := wantFault(t, err, fault.Rejected); !strings.Contains(e.Remedy, "KVITT_VISMA_API_URL") {
			t.Errorf("the remedy is %q", e.Remedy)
		}
		_, err = c.CreateJournalTransaction(context.Background(), testUpdate())
		wantFault(t, err, fault.UnknownOutcome)
	}
	if elsewhere.Load() != 0 {
		t.Errorf("%d requests went elsewhere", elsewhere.Load())
	}
}

func TestFailuresToGetATokenSendNothing(t *testing.T) {
	server := serve(t, func(http.ResponseWriter, *http.Request) { t.Error("a request was sent") })
	for name, given := range map[string]struct {
		err   error
		class fault.Class
	}{
		"a dead grant":  {&fault.Error{Class: fault.Auth, Party: "Visma Connect", Attempted: "refresh the access token"}, fault.Auth},
		"connect down":  {&fault.Error{Class: fault.Transient, Party: "Visma Connect", Attempted: "refresh the access token"}, fault.Transient},
		"database down": {errors.New("database is down"), fault.Transient},
	} {
		c, tokens := newTestClient(t, server)
		tokens.err = given.err
		_, err := c.CreateJournalTransaction(context.Background(), testUpdate())
		wantFault(t, err, given.class)
		if !errors.Is(err, given.err) || !strings.HasPrefix(err.Error(), "create journal transaction: ") {
			t.Errorf("%s: the error is %q", name, err)
		}
	}
	c, tokens := newTestClient(t, server)
	tokens.tokens = []string{""}
	_, err := c.CreateJournalTransaction(context.Background(), testUpdate())
	wantFault(t, err, fault.Auth)
}

func TestNoErrorShowsAToken(t *testing.T) {
	for _, h := range []http.HandlerFunc{
		answerJSON(401, `{"message":"the token `+testToken+` is no good"}`),
		answerJSON(400, `the header was: Authorization: Bearer `+testToken),
		func(w http.ResponseWriter, _ *http.Request) { w.Header().Set(markDrop, "1") },
		broken(answerJSON(200, testToken)),
	} {
		c, _ := newTestClient(t, serve(t, h))
		_, err := c.Ledgers(context.Background())
		if err == nil || strings.Contains(fmt.Sprintf("%v %+v", err, fault.As(err)), testToken) {
			t.Errorf("the error is %v", err)
		}
	}
}

func TestARequestThatTakesTooLongFails(t *testing.T) {
	release := make(chan struct{})
	server := serve(t, broken(func(_ http.ResponseWriter, r *http.Request) {
		select {
		case <-r.Context().Done():
		case <-release:
		}
	}))
	defer close(release)
	c, _ := newTestClient(t, server, func(o *Options) { o.Timeout = 50 * time.Millisecond })
	_, err := c.Ledgers(context.Background())
	if e := wantFault(t, err, fault.Transient); !errors.Is(err, context.DeadlineExceeded) || !strings.Contains(e.Words, "50ms") {
		t.Errorf("the error is %v", err)
	}
	_, err = c.CreateJournalTransaction(context.Background(), testUpdate())
	wantFault(t, err, fault.UnknownOutcome)
}

func TestABodyThatIsCutIsTransientWhenReading(t *testing.T) {
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Length", "1000")
		_, _ = io.WriteString(w, `[{"number":`)
	}))
	t.Cleanup(server.Close)
	c, _ := newTestClient(t, server)
	_, err := c.Ledgers(context.Background())
	wantFault(t, err, fault.Transient)
}
