package vismasim

import (
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
	"time"
)

// addAdmin serves the controls to processes that use HTTP:
//
//	GET    /_sandbox/visma/books?tenant=            Books
//	GET    /_sandbox/visma/batches?tenant=&contains= the batches themselves
//	POST   /_sandbox/visma/batches                  {"tenant", ForeignBatch…}
//	GET    /_sandbox/visma/periods?tenant=
//	POST   /_sandbox/visma/periods                  {"tenant","period":"202601","state":"open|closed|inactive"}
//	POST   /_sandbox/visma/accounts                 {"tenant", Account…}
//	GET    /_sandbox/visma/faults
//	POST   /_sandbox/visma/faults                   Fault
//	DELETE /_sandbox/visma/faults
//	POST   /_sandbox/visma/latency                  {"ms":100}
//	GET    /_sandbox/visma/writes                   the requests to change something
//	GET    /_sandbox/visma/requests                 counts by endpoint
//	DELETE /_sandbox/visma/requests
func (s *Sim) addAdmin() {
	s.admin = http.NewServeMux()
	for pattern, do := range map[string]func(*http.Request) (any, error){
		"GET books":       func(r *http.Request) (any, error) { return s.Books(r.FormValue("tenant")), nil },
		"GET batches":     s.adminBatches,
		"POST batches":    s.adminAddBatch,
		"GET periods":     s.adminPeriods,
		"POST periods":    s.adminSetPeriod,
		"POST accounts":   s.adminSetAccount,
		"GET faults":      s.adminFaults,
		"POST faults":     s.adminInject,
		"DELETE faults":   func(*http.Request) (any, error) { s.ClearFaults(); return nil, nil },
		"POST latency":    s.adminLatency,
		"GET writes":      func(*http.Request) (any, error) { return s.Writes(), nil },
		"GET requests":    func(*http.Request) (any, error) { return s.Requests(), nil },
		"DELETE requests": func(*http.Request) (any, error) { s.ResetRequests(); return nil, nil },
	} {
		s.admin.HandleFunc(adminPattern(pattern), func(w http.ResponseWriter, r *http.Request) {
			result, err := do(r)
			switch {
			case err != nil:
				jsonAnswer(http.StatusBadRequest, map[string]string{"error": err.Error()}).send(w)
			case result == nil:
				emptyAnswer(http.StatusNoContent).send(w)
			default:
				jsonAnswer(http.StatusOK, result).send(w)
			}
		})
	}
}

func adminPattern(short string) string {
	method, name, _ := strings.Cut(short, " ")
	return method + " /_sandbox/visma/" + name
}

func (s *Sim) adminBatches(r *http.Request) (any, error) {
	return s.Books(r.FormValue("tenant")).WithDescription(r.FormValue("contains")), nil
}

func (s *Sim) adminAddBatch(r *http.Request) (any, error) {
	var in struct {
		Tenant string `json:"tenant"`
		ForeignBatch
	}
	if err := json.NewDecoder(r.Body).Decode(&in); err != nil {
		return nil, err
	}
	number, err := s.AddBatch(in.Tenant, in.ForeignBatch)
	return map[string]string{"number": number}, err
}

func (s *Sim) adminPeriods(r *http.Request) (any, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	c, err := s.company(r.FormValue("tenant"))
	if err != nil {
		return nil, err
	}
	periods := make([]Period, 0, len(c.periods))
	for _, p := range c.periods {
		periods = append(periods, *p)
	}
	return periods, nil
}

func (s *Sim) adminSetPeriod(r *http.Request) (any, error) {
	var in struct {
		Tenant string `json:"tenant"`
		Period string `json:"period"`
		State  string `json:"state"`
	}
	if err := json.NewDecoder(r.Body).Decode(&in); err != nil {
		return nil, err
	}
	switch in.State {
	case "open":
		return nil, s.OpenPeriod(in.Tenant, in.Period)
	case "closed":
		return nil, s.ClosePeriod(in.Tenant, in.Period)
	case "inactive":
		return nil, s.DeactivatePeriod(in.Tenant, in.Period)
	}
	return nil, fmt.Errorf("set period %s: state %q is not open, closed or inactive", in.Period, in.State)
}

func (s *Sim) adminSetAccount(r *http.Request) (any, error) {
	var in struct {
		Tenant string `json:"tenant"`
		Account
	}
	if err := json.NewDecoder(r.Body).Decode(&in); err != nil {
		return nil, err
	}
	return nil, s.SetAccount(in.Tenant, in.Account)
}

func (s *Sim) adminFaults(*http.Request) (any, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	faults := make([]armed, 0, len(s.faults))
	for _, f := range s.faults {
		faults = append(faults, *f)
	}
	return faults, nil
}

func (s *Sim) adminInject(r *http.Request) (any, error) {
	var f Fault
	if err := json.NewDecoder(r.Body).Decode(&f); err != nil {
		return nil, err
	}
	return nil, s.Inject(f)
}

func (s *Sim) adminLatency(r *http.Request) (any, error) {
	var in struct {
		MS int64 `json:"ms"`
	}
	if err := json.NewDecoder(r.Body).Decode(&in); err != nil {
		return nil, err
	}
	s.SetLatency(time.Duration(in.MS) * time.Millisecond)
	return nil, nil
}
