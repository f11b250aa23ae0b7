package klarna

import (
	"context"
	"net/http"
	"slices"
	"testing"
	"testing/synctest"
	"time"
)

// others is a shared budget that notes what it is told.
type others struct{ notes []string }

func (o *others) Wait(context.Context) error { o.notes = append(o.notes, "wait"); return nil }
func (o *others) Done()                      { o.notes = append(o.notes, "done") }
func (o *others) Close(d time.Duration)      { o.notes = append(o.notes, "closed for "+d.String()) }

func TestTheOthersAreToldWhenKlarnaWantsNoRequest(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		shared, n := &others{}, 0
		answers := []struct {
			status int
			header map[string]string
		}{
			{http.StatusOK, map[string]string{"X-RateLimit-Remaining": "12", "X-RateLimit-Reset": "1"}},
			{http.StatusOK, map[string]string{"X-RateLimit-Remaining": "0", "X-RateLimit-Reset": "2"}},
			{http.StatusTooManyRequests, map[string]string{"Retry-After": "7"}},
		}
		client := newClient(t, Credential{Klarna, Europe, testKey, ""}, Options{
			Limiter: shared,
			HTTPClient: inMemory(func(w http.ResponseWriter, _ *http.Request) {
				for k, v := range answers[n].header {
					w.Header().Set(k, v)
				}
				w.WriteHeader(answers[n].status)
				_, _ = w.Write([]byte(onePayout))
				n++
			}),
		})
		for range answers {
			_, _, _ = client.Payout(t.Context(), "4711")
		}
		want := []string{"wait", "done", "wait", "closed for 2s", "done", "wait", "closed for 7s", "done"}
		if !slices.Equal(shared.notes, want) {
			t.Errorf("noted %q\nwant  %q", shared.notes, want)
		}
	})
}
