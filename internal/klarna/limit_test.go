package klarna

import (
	"context"
	"net/http"
	"strconv"
	"testing"
	"testing/synctest"
	"time"

	"golang.org/x/time/rate"

	"kvitt/internal/fault"
)

func TestThrottlingTellsHowLongToWait(t *testing.T) {
	now := time.Date(2026, 1, 14, 12, 0, 0, 0, time.UTC)
	for name, c := range map[string]struct {
		header map[string]string
		want   time.Duration
	}{
		"seconds":                   {map[string]string{"Retry-After": "7", "X-RateLimit-Reset": "1"}, 7 * time.Second},
		"a date":                    {map[string]string{"Retry-After": "Wed, 14 Jan 2026 12:00:30 GMT"}, 30 * time.Second},
		"a date by their clock":     {map[string]string{"Retry-After": "Wed, 14 Jan 2026 11:00:30 GMT", "Date": "Wed, 14 Jan 2026 11:00:00 GMT"}, 30 * time.Second},
		"a date that is past":       {map[string]string{"Retry-After": "Wed, 14 Jan 2026 11:00:00 GMT"}, defaultRetry},
		"the reset":                 {map[string]string{"X-RateLimit-Reset": "2"}, 2 * time.Second},
		"the reset of many windows": {map[string]string{"X-RateLimit-Reset": "2, 60;w=60"}, 2 * time.Second},
		"the reset as Unix time":    {map[string]string{"X-RateLimit-Reset": strconv.FormatInt(now.Unix()+9, 10)}, 9 * time.Second},
		"nothing":                   {nil, defaultRetry},
		"nonsense":                  {map[string]string{"Retry-After": "soon", "X-RateLimit-Reset": "NaN"}, defaultRetry},
		"for ever":                  {map[string]string{"Retry-After": "1e300"}, longestRetry},
		"before now":                {map[string]string{"Retry-After": "-5"}, defaultRetry},
	} {
		h := http.Header{}
		for k, v := range c.header {
			h.Set(k, v)
		}
		if got := retryAfter(h, now); got != c.want {
			t.Errorf("%s: got %s, want %s", name, got, c.want)
		}
	}
}

// times serves answers with the given headers, one after the other, and notes
// when they were asked for.
func times(t *testing.T, asked *[]time.Time, headers ...map[string]string) *Client {
	t.Helper()
	return newClient(t, Credential{Klarna, Europe, testKey, ""}, Options{
		Limiter: rate.NewLimiter(rate.Inf, 1),
		HTTPClient: inMemory(func(w http.ResponseWriter, _ *http.Request) {
			h := headers[len(*asked)]
			*asked = append(*asked, time.Now())
			status := http.StatusOK
			for k, v := range h {
				if k == "status" {
					status, _ = strconv.Atoi(v)
				}
				w.Header().Set(k, v)
			}
			w.WriteHeader(status)
			_, _ = w.Write([]byte(onePayout))
		}),
	})
}

func TestTheNextRequestWaitsWhenTheBudgetIsUsedUp(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var asked []time.Time
		client := times(t, &asked,
			map[string]string{"X-RateLimit-Remaining": "1", "X-RateLimit-Reset": "9"},
			map[string]string{"X-RateLimit-Remaining": "0", "X-RateLimit-Reset": "3"},
			map[string]string{"X-RateLimit-Remaining": "0, 0;w=1"},
			map[string]string{"X-RateLimit-Remaining": "0", "X-RateLimit-Reset": "100000"},
			map[string]string{"status": "429", "Retry-After": "7"},
			nil)
		want := []time.Duration{0, 3 * time.Second, defaultReset, longestPause, 7 * time.Second}
		for range 6 {
			_, _, err := client.Payout(t.Context(), "4711")
			if len(asked) == 5 {
				if e := wantFault(t, err, fault.Throttled); e.RetryAfter != 7*time.Second {
					t.Errorf("told to wait %s", e.RetryAfter)
				}
			} else if err != nil {
				t.Fatal(err)
			}
		}
		for i, w := range want {
			if got := asked[i+1].Sub(asked[i]); got != w {
				t.Errorf("request %d came %s after the one before, want %s", i+2, got, w)
			}
		}
	})
}

func TestAPauseEndsWithItsContext(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var asked []time.Time
		client := times(t, &asked, map[string]string{"X-RateLimit-Remaining": "0", "X-RateLimit-Reset": "30"})
		if _, _, err := client.Payout(t.Context(), "4711"); err != nil {
			t.Fatal(err)
		}
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		_, _, err := client.Payout(ctx, "4711")
		wantFault(t, err, fault.Transient, "context deadline exceeded")
	})
}
