package visma

import (
	"context"
	"io"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"kvitt/internal/fault"
)

// scriptedTransport returns its answers one after the other, without a network, so that time can be
// simulated. It repeats the last one.
type scriptedTransport struct {
	answers  []scriptedAnswer
	requests int
	at       []time.Time
}

type scriptedAnswer struct {
	status int
	header map[string]string
	body   string
}

func (s *scriptedTransport) RoundTrip(r *http.Request) (*http.Response, error) {
	answer := s.answers[min(s.requests, len(s.answers)-1)]
	s.requests++
	s.at = append(s.at, time.Now())
	header := http.Header{}
	for name, value := range answer.header {
		header.Set(name, value)
	}
	return &http.Response{StatusCode: answer.status, Header: header, Body: io.NopCloser(strings.NewReader(answer.body)), Request: r}, nil
}

func scriptedClient(t *testing.T, limiter *Limiter, answers ...scriptedAnswer) (*Client, *scriptedTransport) {
	t.Helper()
	transport := &scriptedTransport{answers: answers}
	c, err := New(Options{
		HTTPClient: &http.Client{Transport: transport}, Limiter: limiter,
		Tokens: &fixedTokens{tokens: []string{testToken}},
	})
	if err != nil {
		t.Fatal(err)
	}
	return c, transport
}

// later lets simulated time pass.
func later(d time.Duration) { <-time.After(d) }

func TestA429SaysHowLongToWaitAndNothingIsSentUntilThen(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		limiter := NewLimiter(0, 0)
		c, transport := scriptedClient(t, limiter,
			scriptedAnswer{429, map[string]string{"Retry-After": "1800"}, ""}, scriptedAnswer{200, nil, "[]"})
		_, err := c.Ledgers(t.Context())
		if e := wantFault(t, err, fault.Throttled); e.RetryAfter != 30*time.Minute {
			t.Errorf("to wait %s", e.RetryAfter)
		}
		later(10 * time.Minute)
		other, _ := scriptedClient(t, limiter, scriptedAnswer{200, nil, "[]"})
		_, err = other.CreateJournalTransaction(t.Context(), testUpdate()) // the budget is the connection's
		if e := wantFault(t, err, fault.Throttled); e.RetryAfter != 20*time.Minute {
			t.Errorf("to wait %s", e.RetryAfter)
		}
		if transport.requests != 1 {
			t.Errorf("%d requests were sent", transport.requests)
		}
		later(20 * time.Minute)
		if _, err := c.Ledgers(t.Context()); err != nil {
			t.Error(err)
		}
	})
}

func TestTheLastRequestOfAWindowEndsItBeforeThe429(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c, transport := scriptedClient(t, nil,
			scriptedAnswer{200, map[string]string{"X-RateLimit-Remaining": "0", "X-RateLimit-Reset": "900"}, "[]"})
		if _, err := c.Ledgers(t.Context()); err != nil {
			t.Fatal(err)
		}
		_, err := c.Ledgers(t.Context())
		if e := wantFault(t, err, fault.Throttled); e.RetryAfter != 15*time.Minute || transport.requests != 1 {
			t.Errorf("to wait %s after %d requests", e.RetryAfter, transport.requests)
		}
	})
}

func TestAListWaitsForAShortPause(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c, transport := scriptedClient(t, nil,
			scriptedAnswer{200, map[string]string{"X-RateLimit-Remaining": "0", "X-RateLimit-Reset": "10"}, `[{"subaccountNumber":"1","metadata":{"totalCount":2}}]`},
			scriptedAnswer{200, nil, `[{"subaccountNumber":"2","metadata":{"totalCount":2}}]`})
		all, err := c.Subaccounts(t.Context())
		if err != nil || len(all) != 2 {
			t.Fatalf("%v, %v", all, err)
		}
		if waited := transport.at[1].Sub(transport.at[0]); waited != 10*time.Second {
			t.Errorf("waited %s", waited)
		}
	})
}

func TestAWaitForTheBudgetCanBeCancelled(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c, transport := scriptedClient(t, nil,
			scriptedAnswer{200, map[string]string{"X-RateLimit-Remaining": "0", "X-RateLimit-Reset": "10"}, "[]"})
		if _, err := c.Ledgers(t.Context()); err != nil {
			t.Fatal(err)
		}
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		_, err := c.CreateJournalTransaction(ctx, testUpdate())
		wantFault(t, err, fault.Transient)
		if transport.requests != 1 {
			t.Error("it was sent all the same")
		}
	})
}

func TestTheLimitOnOneFailingRequestDoesNotStopTheOthers(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c, _ := scriptedClient(t, nil,
			scriptedAnswer{429, map[string]string{"Retry-After": "300"}, "Same request made too many times"}, scriptedAnswer{200, nil, "[]"})
		_, err := c.Ledgers(t.Context())
		if e := wantFault(t, err, fault.Throttled); e.RetryAfter != 5*time.Minute || !strings.Contains(e.Remedy, "correct its cause") {
			t.Errorf("%+v", e)
		}
		if _, err := c.Currencies(t.Context()); err != nil {
			t.Error(err)
		}
	})
}

func TestRequestsAreSpacedOut(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c, transport := scriptedClient(t, NewLimiter(2, 1), scriptedAnswer{200, nil, "[]"})
		for range 5 {
			if _, err := c.Ledgers(t.Context()); err != nil {
				t.Fatal(err)
			}
		}
		if took := transport.at[4].Sub(transport.at[0]); took != 2*time.Second {
			t.Errorf("5 requests at 2 a second took %s", took)
		}
	})
}

func TestTheTimeToWaitIsReadFromEveryForm(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		now := time.Now()
		for name, c := range map[string]struct {
			header map[string]string
			want   time.Duration
		}{
			"seconds":                {map[string]string{"Retry-After": "120"}, 2 * time.Minute},
			"an HTTP date":           {map[string]string{"Retry-After": now.Add(90 * time.Second).UTC().Format(http.TimeFormat)}, 90 * time.Second},
			"a date that has passed": {map[string]string{"Retry-After": now.Add(-time.Hour).UTC().Format(http.TimeFormat)}, 0},
			"the reset":              {map[string]string{"X-RateLimit-Reset": "42"}, 42 * time.Second},
			"the reset as a moment":  {map[string]string{"X-RateLimit-Reset": "4102444800"}, longestWait},
			"nothing":                {nil, 0},
			"nonsense":               {map[string]string{"Retry-After": "soon", "X-RateLimit-Reset": "-5"}, 0},
			"much too long":          {map[string]string{"Retry-After": "999999999999"}, longestWait},
		} {
			header := http.Header{}
			for key, value := range c.header {
				header.Set(key, value)
			}
			if got := retryAfter(header); got != c.want {
				t.Errorf("%s: to wait %s, want %s", name, got, c.want)
			}
		}
	})
}
