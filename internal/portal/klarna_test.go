package portal

import (
	"io"
	"net/http"
	"strings"
	"testing"

	"kvitt/internal/access"
	"kvitt/internal/config"
	"kvitt/internal/klarna"
	"kvitt/internal/operate"
)

// hosts answers for Klarna's hosts: the key is known at one of them only.
type hosts struct {
	known string
	asked []string
}

func (h *hosts) RoundTrip(r *http.Request) (*http.Response, error) {
	h.asked = append(h.asked, r.URL.Host)
	answer := &http.Response{StatusCode: http.StatusUnauthorized, Header: http.Header{"Content-Type": {"application/json"}}, Request: r}
	body := `{"error_code":"UNAUTHORIZED"}`
	if r.URL.Host == h.known {
		answer.StatusCode, body = http.StatusOK, `{"payouts":[],"pagination":{"count":0,"offset":0,"total":0}}`
	}
	answer.Body = io.NopCloser(strings.NewReader(body))
	return answer, nil
}

func TestAKeyOfAnotherRegionIsFoundThereAndNowhereWhenTheAddressIsOurs(t *testing.T) {
	credential, err := klarna.ParseCredential("klarna", "eu", "klarna_test_api_abcdefghijklmnopqrstuvwxyz", "")
	if err != nil {
		t.Fatal(err)
	}
	for name, c := range map[string]struct {
		known, base, want string
		asked             int
	}{
		"known in North America": {"api-na.playground.klarna.com", "", "na", 1},
		"known nowhere":          {"", "", "", 2},
		"an address of our own":  {"api-na.playground.klarna.com", "https://klarna.example.com", "", 0},
	} {
		t.Run(name, func(t *testing.T) {
			answers := &hosts{known: c.known}
			p := &Portal{Options: Options{
				Config: &config.Config{KlarnaBaseURL: c.base}, Desk: &operate.Desk{Doors: &access.Doors{HTTP: &http.Client{Transport: answers}}},
			}}
			if got := p.elsewhere(t.Context(), credential); got != c.want || len(answers.asked) != c.asked {
				t.Errorf("it is known in %q after asking %v", got, answers.asked)
			}
		})
	}
}
