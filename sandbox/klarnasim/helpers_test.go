package klarnasim

import (
	"encoding/base64"
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"sync"
	"testing"
	"time"

	"kvitt/sandbox/shop"
)

const (
	liveKey  = "klarna_live_api_dGhlIGZpcnN0IGtleQ"
	otherKey = "klarna_live_api_YW5vdGhlciBrZXk"
	testKey  = "klarna_test_api_dGhlIHRlc3Qga2V5"
	naKey    = "klarna_live_api_bmEga2V5"
	kcoKey   = "kco_live_api_a3VzdG9tIGtleQ"
	username = "a0b1c2d3-0000-4000-8000-000000000001"
)

// halfYear is a shop with every type of row; nothing changes it.
var halfYear = sync.OnceValues(func() (*shop.Shop, error) {
	return shop.Generate(shop.Config{
		Seed: 11, Start: time.Date(2025, time.July, 1, 0, 0, 0, 0, time.UTC), Days: 184, Gross: true, LargeRows: 1700,
	})
})

// stage is a simulator on a free port.
type stage struct {
	*testing.T
	*Sim
	shop *shop.Shop
	url  string
	auth string
}

func newStage(t *testing.T, change ...func(*Options)) *stage {
	t.Helper()
	s, err := halfYear()
	if err != nil {
		t.Fatal(err)
	}
	return stageOf(t, s, change...)
}

func stageOf(t *testing.T, s *shop.Shop, change ...func(*Options)) *stage {
	t.Helper()
	o := Options{Keys: []Key{{Key: liveKey, Username: username}, {Key: testKey}, {Key: naKey, Region: "na"}, {Key: kcoKey}}}
	for _, c := range change {
		c(&o)
	}
	sim, err := New(s, o)
	if err != nil {
		t.Fatal(err)
	}
	server := httptest.NewServer(sim)
	t.Cleanup(server.Close)
	return &stage{T: t, Sim: sim, shop: s, url: server.URL, auth: "Basic " + liveKey}
}

// answer is a response.
type answer struct {
	status int
	header http.Header
	body   string
}

// ask sends a request for a path below /settlements/v1 or an absolute address.
func (s *stage) ask(path string) answer {
	s.Helper()
	a, err := s.try(path)
	if err != nil {
		s.Fatal(err)
	}
	return a
}

func (s *stage) try(path string) (answer, error) {
	s.Helper()
	if strings.HasPrefix(path, "/") {
		path = s.url + prefix + path
	}
	request, err := http.NewRequestWithContext(s.Context(), http.MethodGet, path, nil)
	if err != nil {
		s.Fatal(err)
	}
	if s.auth != "" {
		request.Header.Set("Authorization", s.auth)
	}
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		return answer{}, err
	}
	defer response.Body.Close()
	body, err := io.ReadAll(response.Body)
	return answer{response.StatusCode, response.Header, string(body)}, err
}

// admin posts to the admin endpoints and returns the answer.
func (s *stage) admin(path, body string) answer {
	s.Helper()
	request, err := http.NewRequestWithContext(s.Context(), http.MethodPost, s.url+AdminPrefix+path, strings.NewReader(body))
	if err != nil {
		s.Fatal(err)
	}
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		s.Fatal(err)
	}
	defer response.Body.Close()
	text, err := io.ReadAll(response.Body)
	if err != nil {
		s.Fatal(err)
	}
	return answer{response.StatusCode, response.Header, string(text)}
}

// read decodes a good JSON answer.
func read[T any](s *stage, path string) T {
	s.Helper()
	a := s.ask(path)
	if a.status != http.StatusOK {
		s.Fatalf("%s answered %d: %s", path, a.status, a.body)
	}
	return decode[T](s.T, a.body)
}

func decode[T any](t *testing.T, body string) T {
	t.Helper()
	var value T
	if err := json.Unmarshal([]byte(body), &value); err != nil {
		t.Fatalf("decoding %.200s: %v", body, err)
	}
	return value
}

// The shapes that the tests check, written independently of the encoder.
type (
	pagination struct {
		Count, Total, Offset int
		Next, Prev           *string
	}
	payoutList struct {
		Payouts    []map[string]any
		Pagination pagination
	}
	rowList struct {
		Transactions []row
		Pagination   pagination
	}
	row struct {
		Amount           int64
		VATAmount        int64 `json:"vat_amount"`
		Type             string
		DetailedType     string  `json:"detailed_type"`
		OrderID          *string `json:"order_id"`
		PaymentReference string  `json:"payment_reference"`
		CaptureID        string  `json:"capture_id"`
	}
	failure struct {
		ErrorCode     string   `json:"error_code"`
		ErrorMessages []string `json:"error_messages"`
		CorrelationID string   `json:"correlation_id"`
	}
)

// refused checks an error answer in all its parts.
func (s *stage) refused(path string, status int) answer {
	s.Helper()
	a := s.ask(path)
	if a.status != status {
		s.Errorf("%s answered %d, want %d: %.200s", path, a.status, status, a.body)
		return a
	}
	f := decode[failure](s.T, a.body)
	if f.ErrorCode == "" || len(f.ErrorMessages) == 0 || f.CorrelationID == "" ||
		f.CorrelationID != a.header.Get("Klarna-Correlation-Id") {
		s.Errorf("%s has the error body %s and the correlation id %s", path, a.body, a.header.Get("Klarna-Correlation-Id"))
	}
	return a
}

// all reads every row of a payout by following the links.
func (s *stage) all(reference string, size string) []row {
	s.Helper()
	next := "/transactions?" + url.Values{"payment_reference": {reference}, "size": {size}}.Encode()
	var rows []row
	for next != "" {
		list := read[rowList](s, next)
		if list.Pagination.Count != len(list.Transactions) || list.Pagination.Offset != len(rows) {
			s.Fatalf("after %d rows, %d come with %+v", len(rows), len(list.Transactions), list.Pagination)
		}
		rows = append(rows, list.Transactions...)
		next = ""
		if list.Pagination.Next != nil {
			next = *list.Pagination.Next
		} else if list.Pagination.Total != len(rows) {
			s.Fatalf("%d rows of %d", len(rows), list.Pagination.Total)
		}
	}
	return rows
}

func basic(user, key string) string {
	return "Basic " + base64.StdEncoding.EncodeToString([]byte(user+":"+key))
}
