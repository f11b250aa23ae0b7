package klarnasim

import (
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"time"
)

// AdminPrefix is the path of the admin endpoints. They read and write JSON, accept only GET and POST, and
// need no key:
//
//	GET  …/                 what is served and how
//	POST …/latency          {"milliseconds": 100}
//	POST …/rate_limit       {"requests_per_second": 5}
//	GET  …/keys             all keys
//	POST …/keys             {"action": "add"|"revoke"|"restore"|"rotate", "key": "…", "new_key": "…", …}
//	GET  …/faults           faults that are not used up
//	POST …/faults           a Fault; answers {"id": 1}
//	POST …/faults/clear     {"id": 1}, or {} for all
//	GET  …/requests         Counts
//	POST …/requests/reset   {}
//	POST …/reset            {}: no faults, no counts, first latency and limit
const AdminPrefix = "/_sandbox/klarna"

func (s *Sim) adminRoutes(mux *http.ServeMux) {
	get := func(path string, answer func() any) {
		mux.HandleFunc("GET "+AdminPrefix+path, func(w http.ResponseWriter, _ *http.Request) {
			adminReply(w, http.StatusOK, answer())
		})
	}
	get("/{$}", s.overview)
	get("/keys", func() any { return s.sortedKeys() })
	get("/faults", func() any { return s.Faults() })
	get("/requests", func() any { return s.Requests() })
	adminPost(mux, "/latency", func(in struct {
		Milliseconds int `json:"milliseconds"`
	},
	) (any, error) {
		if in.Milliseconds < 0 {
			return nil, errors.New("setting the latency: it is negative")
		}
		s.SetLatency(time.Duration(in.Milliseconds) * time.Millisecond)
		return in, nil
	})
	adminPost(mux, "/rate_limit", func(in struct {
		RequestsPerSecond int `json:"requests_per_second"`
	},
	) (any, error) {
		if !s.SetRequestsPerSecond(in.RequestsPerSecond) {
			return nil, errors.New("setting the rate limit: the simulator was started without a clock")
		}
		return in, nil
	})
	adminPost(mux, "/keys", s.changeKey)
	adminPost(mux, "/faults", func(f Fault) (any, error) {
		if err := f.check(); err != nil {
			return nil, err
		}
		return map[string]int{"id": s.Inject(f)}, nil
	})
	adminPost(mux, "/faults/clear", func(in struct {
		ID int `json:"id"`
	},
	) (any, error) {
		s.ClearFault(in.ID)
		return s.Faults(), nil
	})
	adminPost(mux, "/requests/reset", func(struct{}) (any, error) { s.ResetRequests(); return s.Requests(), nil })
	adminPost(mux, "/reset", func(struct{}) (any, error) {
		s.ClearFault(0)
		s.ResetRequests()
		s.SetLatency(s.options.Latency)
		s.SetRequestsPerSecond(s.options.RequestsPerSecond)
		return s.overview(), nil
	})
}

func adminPost[In any](mux *http.ServeMux, path string, act func(In) (any, error)) {
	mux.HandleFunc("POST "+AdminPrefix+path, func(w http.ResponseWriter, r *http.Request) {
		var in In
		decoder := json.NewDecoder(http.MaxBytesReader(w, r.Body, 1<<20))
		decoder.DisallowUnknownFields()
		if err := decoder.Decode(&in); err != nil {
			adminReply(w, http.StatusBadRequest, map[string]string{"error": "reading the request: " + err.Error()})
			return
		}
		out, err := act(in)
		if err != nil {
			adminReply(w, http.StatusBadRequest, map[string]string{"error": err.Error()})
			return
		}
		adminReply(w, http.StatusOK, out)
	})
}

func adminReply(w http.ResponseWriter, status int, value any) {
	w.Header().Set("Content-Type", jsonType)
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(value) // the client may be gone
}

// changeKey carries out an admin request about a key.
func (s *Sim) changeKey(in struct {
	Key
	Action string `json:"action"`
	NewKey string `json:"new_key"`
},
) (any, error) {
	var err error
	switch in.Action {
	case "add":
		err = s.AddKey(in.Key)
	case "revoke":
		err = s.RevokeKey(in.Key.Key)
	case "restore":
		err = s.RestoreKey(in.Key.Key)
	case "rotate":
		err = s.RotateKey(in.Key.Key, in.NewKey)
	default:
		err = fmt.Errorf("changing an API key: unknown action %q", in.Action)
	}
	return s.sortedKeys(), err
}

func (s *Sim) sortedKeys() []Key {
	keys := s.Keys()
	slices.SortFunc(keys, func(a, b Key) int { return cmp.Compare(a.Key, b.Key) })
	return keys
}

func (s *Sim) overview() any {
	s.mu.Lock()
	payouts := map[string]int{}
	for id, merchant := range s.merchants {
		payouts[id] = len(merchant.Payouts())
	}
	s.mu.Unlock()
	return map[string]any{
		"provider": s.options.Provider, "environment": s.options.Environment, "region": s.options.Region,
		"strict": s.options.Strict, "latency_milliseconds": s.latencyNow().Milliseconds(),
		"requests_per_second": s.requestsPerSecond(), "payouts_by_merchant": payouts, "faults": s.Faults(),
	}
}
