package vismasim

import (
	"encoding/base64"
	"net/http"
	"strconv"
	"strings"
)

const (
	journals = "/v2/journaltransaction"
	aJournal = journals + "/{number}"
)

func (s *Sim) addRoutes() {
	s.mux = http.NewServeMux()
	for pattern, do := range map[string]func(*call) (answer, error){
		"GET /v1/organization":              s.getOrganizations,
		"GET /v1/branch":                    s.getBranches,
		"GET /v1/branch/{number}":           s.getBranch,
		"GET /v1/ledger":                    s.getLedgers,
		"GET /v1/account":                   s.getAccounts,
		"GET /v1/account/{number}":          s.getAccount,
		"GET /v1/subaccount":                s.getSubaccounts,
		"GET /v1/subaccount/{number}":       s.getSubaccount,
		"GET /v1/dimension":                 s.getDimensions,
		"GET /v1/dimension/{id}":            s.getDimension,
		"GET /v1/dimension/{id}/{segment}":  s.getSegment,
		"GET /v1/financialPeriod":           s.getPeriods,
		"GET /v1/financialPeriod/{id}":      s.getPeriod,
		"GET /v1/currency":                  s.getCurrencies,
		"GET /v1/currency/{id}":             s.getCurrency,
		"GET /v1/vat":                       s.getVATs,
		"GET /v1/vat/{id}":                  s.getVAT,
		"GET /v1/background/{id}":           s.getJob,
		"GET /v1/background/{id}/content":   s.getJobContent,
		"GET /v1/attachment/{id}":           s.getAttachment,
		"GET " + journals:                   s.listJournals,
		"GET " + aJournal:                   s.getJournal,
		"GET /v1/GeneralLedgerTransactions": s.getLedgerTransactions,
		"GET /v2/generalLedgerBalance":      s.getLedgerBalances,
	} {
		s.handle(pattern, "read", do)
	}
	s.handle("POST "+journals, "create", s.createJournal)
	s.handle("PUT "+aJournal, "update", s.updateJournal)
	s.handle("POST "+aJournal+"/action/release", s.o.ReleaseScope, s.releaseJournal)
	s.handle("POST "+journals+"/module/{module}/{number}/attachment", "create", s.attach)
	s.handle("POST "+journals+"/module/{module}/{number}/{line}/attachment", "create", s.attach)
}

// id returns a path value; ids with special characters may be sent as b64(<base64url>).
func (q *call) id(name string) string {
	v := q.PathValue(name)
	if inner, ok := strings.CutPrefix(v, "b64("); ok && strings.HasSuffix(inner, ")") {
		inner = strings.TrimRight(strings.TrimSuffix(inner, ")"), "=")
		if decoded, err := base64.RawURLEncoding.DecodeString(inner); err == nil {
			return string(decoded)
		}
	}
	return v
}

func (q *call) query(name string) string { return q.URL.Query().Get(name) }

// yes reports whether a boolean query parameter is set and true.
func (q *call) yes(name string) bool { return strings.EqualFold(q.query(name), "true") }

// page reads pageNumber (from 1) and pageSize, which is limited to the largest allowed, also the default.
// Invalid values are ignored, as unknown parameters are.
func (s *Sim) page(q *call) (first, size int) {
	size, page := s.o.MaxPageSize, 1
	if n, err := strconv.Atoi(q.query("pageSize")); err == nil && n > 0 {
		size = min(n, s.o.MaxPageSize)
	}
	if n, err := strconv.Atoi(q.query("pageNumber")); err == nil && n > 0 {
		page = n
	}
	return (page - 1) * size, size
}

// cut returns the requested page of a list, with the metadata for each of its items.
func cut[T any](s *Sim, q *call, all []T) ([]T, *metadataDTO) {
	first, size := s.page(q)
	meta := &metadataDTO{TotalCount: len(all), MaxPageSize: s.o.MaxPageSize}
	if q.fault.Kind == PagesShift {
		shift := q.fault.Shift
		if shift == 0 {
			shift = 1
		}
		first, meta.TotalCount = max(first-shift, 0), len(all)+shift
	}
	if first >= len(all) {
		return nil, meta
	}
	return all[first:min(first+size, len(all))], meta
}
