package klarnasim

import (
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/getkin/kin-openapi/openapi3"
	"github.com/getkin/kin-openapi/openapi3filter"
	"github.com/getkin/kin-openapi/routers"
	"github.com/getkin/kin-openapi/routers/legacy"
)

// contract is Klarna's published description, at the address of the stage.
func contract(s *stage) routers.Router {
	s.Helper()
	folder := os.Getenv("KVITT_REFERENCE_DIR")
	if folder == "" {
		s.Skip("KVITT_REFERENCE_DIR names no folder with Klarna's published description, so the simulator was not checked against it")
	}
	doc, err := openapi3.NewLoader().LoadFromFile(filepath.Join(folder, "specs", "klarna-settlements.openapi.yml"))
	if err != nil {
		s.Fatal(err)
	}
	doc.Servers = openapi3.Servers{{URL: s.url + prefix}}
	router, err := legacy.NewRouter(doc)
	if err != nil {
		s.Fatal(err)
	}
	return router
}

// fits checks a request and its answer against the description.
func (s *stage) fits(router routers.Router, path string, status int) answer {
	s.Helper()
	a := s.ask(path)
	if a.status != status {
		s.Fatalf("%s answered %d, want %d: %.200s", path, a.status, status, a.body)
	}
	address := path
	if strings.HasPrefix(path, "/") {
		address = s.url + prefix + path
	}
	request, err := http.NewRequestWithContext(s.Context(), http.MethodGet, address, nil)
	if err != nil {
		s.Fatal(err)
	}
	route, parameters, err := router.FindRoute(request)
	if err != nil {
		s.Fatalf("%s: %v", path, err)
	}
	in := &openapi3filter.RequestValidationInput{Request: request, PathParams: parameters, Route: route}
	if status == http.StatusOK {
		if err := openapi3filter.ValidateRequest(s.Context(), in); err != nil {
			s.Errorf("the request %s: %v", path, err)
		}
	}
	out := &openapi3filter.ResponseValidationInput{RequestValidationInput: in, Status: a.status, Header: a.header}
	out.SetBodyBytes([]byte(a.body))
	if err := openapi3filter.ValidateResponse(s.Context(), out); err != nil {
		s.Errorf("the answer to %s: %.600s", path, err)
	}
	return a
}

func TestEveryAnswerFitsTheDescription(t *testing.T) {
	s := newStage(t, func(o *Options) { o.Strict = true })
	router := contract(s)
	// The description declares JSON errors under the content types of the reports.
	openapi3filter.RegisterBodyDecoder(csvType, openapi3filter.RegisteredBodyDecoder(jsonType))
	openapi3filter.RegisterBodyDecoder(pdfType, openapi3filter.RegisteredBodyDecoder(jsonType))
	const days = "start_date=2025-08-01T00%3A00%3A00Z&end_date=2025-10-31T23%3A59%3A59Z"

	next := "/payouts?size=50&" + days
	for next != "" {
		list := decode[payoutList](t, s.fits(router, next, http.StatusOK).body)
		next = ""
		if list.Pagination.Next != nil {
			next = *list.Pagination.Next
		}
	}
	s.fits(router, "/payouts", http.StatusOK)
	s.fits(router, "/payouts?currency_code=DKK", http.StatusOK)
	s.fits(router, "/payouts/summary?"+days, http.StatusOK)
	s.fits(router, "/payouts/summary?currency_code=NOK&"+days, http.StatusOK)
	s.fits(router, "/payouts/summary?start_date=2001-01-01T00%3A00%3A00Z&end_date=2001-01-01T00%3A00%3A00Z", http.StatusOK)
	for _, p := range s.shop.Payouts() {
		s.fits(router, "/payouts/"+p.PaymentReference, http.StatusOK)
		s.fits(router, "/transactions?size=500&payment_reference="+p.PaymentReference, http.StatusOK)
	}
	one := url.Values{"payment_reference": {s.shop.Payouts()[4].PaymentReference}}.Encode()
	s.fits(router, "/transactions", http.StatusOK)
	s.fits(router, "/transactions?offset=40&size=3&"+one, http.StatusOK)
	s.fits(router, "/transactions?order_id="+s.shop.Unpaid()[0].OrderID, http.StatusOK)
	for _, path := range []string{
		"/reports/payout?" + one, "/reports/payout-with-transactions?" + one,
		"/reports/payouts-summary?" + days, "/reports/payouts-summary-with-transactions?" + days,
	} {
		s.fits(router, path, http.StatusOK)
	}
	for path, status := range map[string]int{
		"/payouts?size=501": 400, "/payouts?start_date=x": 400, "/payouts/summary": 400, "/transactions?offset=-1": 400,
		"/payouts/nothing": 404, "/reports/payout": 400, "/reports/payout?payment_reference=x": 404,
		"/reports/payout-with-transactions": 400, "/reports/payout-with-transactions?payment_reference=x": 404,
		"/reports/payouts-summary": 400, "/reports/payouts-summary-with-transactions": 400,
	} {
		s.fits(router, path, status)
	}
}

// Without this the test above could pass by checking nothing.
func TestTheDescriptionRefusesTheLiveDeviations(t *testing.T) {
	s := newStage(t)
	router := contract(s)
	a := s.ask("/payouts?size=1")
	request, err := http.NewRequestWithContext(t.Context(), http.MethodGet, s.url+prefix+"/payouts?size=1", nil)
	if err != nil {
		t.Fatal(err)
	}
	route, parameters, err := router.FindRoute(request)
	if err != nil {
		t.Fatal(err)
	}
	out := &openapi3filter.ResponseValidationInput{
		RequestValidationInput: &openapi3filter.RequestValidationInput{Request: request, PathParams: parameters, Route: route},
		Status:                 a.status, Header: a.header,
	}
	out.SetBodyBytes([]byte(a.body))
	if openapi3filter.ValidateResponse(t.Context(), out) == nil {
		t.Error("undocumented members were accepted")
	}
}
