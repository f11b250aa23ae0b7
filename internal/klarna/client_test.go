package klarna

import (
	"context"
	"errors"
	"io"
	"log"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"golang.org/x/time/rate"

	"kvitt/internal/fault"
	"kvitt/internal/settlement"
)

const (
	onePayout = `{"totals":{"sale_amount":1000,"fee_amount":30,"settlement_amount":970},"payment_reference":"4711",` +
		`"payout_date":"2026-01-14T23:10:00Z","currency_code":"SEK","merchant_settlement_type":"NET","merchant_id":"K123456"}`
	noSuchPayout = `{"error_code":"NOT_FOUND","error_messages":["no such payout","look again"],"correlation_id":"body-id"}`
)

func TestAnErrorAnswerIsClassifiedByItsStatus(t *testing.T) {
	for name, c := range map[string]struct {
		status  int
		body    string
		class   fault.Class
		code    string
		says    []string
		request string
	}{
		"bad request":      {400, noSuchPayout, fault.Rejected, "NOT_FOUND", []string{"no such payout; look again"}, "corr-400"},
		"singular message": {400, `{"error_code":"X","error_message":"alone"}`, fault.Rejected, "X", []string{"alone"}, "corr-400"},
		"odd members":      {400, `{"error_code":7,"error_messages":"just text"}`, fault.Rejected, "", []string{"just text"}, "corr-400"},
		"not found":        {404, noSuchPayout, fault.Rejected, "NOT_FOUND", []string{"Check the payment reference"}, "corr-404"},
		"too large":        {413, `{}`, fault.Rejected, "", nil, "corr-413"},
		"unauthorised":     {401, `{}`, fault.Auth, "", []string{"revoked", "127.0.0.1", "region eu", "a test key at a live host"}, "corr-401"},
		"forbidden":        {403, `{}`, fault.Auth, "", []string{"check the base URL too"}, "corr-403"},
		"throttled":        {429, `{}`, fault.Throttled, "", nil, "corr-429"},
		"server error":     {500, `{"error_code":"TIMEOUT","error_messages":[]}`, fault.Transient, "TIMEOUT", nil, "corr-500"},
		"bad gateway":      {502, `null`, fault.Transient, "", []string{"answered 502: null"}, "corr-502"},
		"request timeout":  {408, `{}`, fault.Transient, "", nil, "corr-408"},
		"empty success":    {202, `{}`, fault.BadData, "", []string{"without the document"}, "corr-202"},
	} {
		t.Run(name, func(t *testing.T) {
			serve := serve
			if c.code == "" {
				serve = serveWrong
			}
			client := serve(t, answers(c.status, c.body)).client(Options{})
			_, answer, err := client.Payout(t.Context(), "4711")
			e := wantFault(t, err, c.class, append(c.says, "read payout 4711: Klarna answered")...)
			if e.Code != c.code || e.RequestID != c.request || e.Status != c.status || answer.Status != c.status {
				t.Errorf("got code %q, request %q, status %d", e.Code, e.RequestID, e.Status)
			}
			if string(answer.Body) != c.body {
				t.Errorf("the body is not kept: %q", answer.Body)
			}
		})
	}
}

func TestTheCorrelationIDIsTakenFromTheBodyWhenThereIsNoHeader(t *testing.T) {
	client := serve(t, func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "application/pdf") // errors of reports are JSON under any type
		w.WriteHeader(http.StatusNotFound)
		_, _ = w.Write([]byte(noSuchPayout))
	}).client(Options{})
	_, err := client.PayoutPDF(t.Context(), "4711")
	e := wantFault(t, err, fault.Rejected, "no such payout", "(request body-id)")
	if e.RequestID != "body-id" || e.Code != "NOT_FOUND" {
		t.Errorf("got %q, %q", e.RequestID, e.Code)
	}
}

func TestAWebPageInsteadOfJSONIsQuotedInPlainWords(t *testing.T) {
	const page = "<!DOCTYPE html><html><head><title>x</title><style>b{}</style></head><body><h1>Sign in</h1> to go on</body></html>"
	for status, class := range map[int]fault.Class{200: fault.BadData, 503: fault.Transient} {
		client := serveWrong(t, webPage(status, page)).client(Options{})
		_, _, err := client.Payout(t.Context(), "4711")
		e := wantFault(t, err, class)
		if e.Words != "Sign in to go on" {
			t.Errorf("got the words %q", e.Words)
		}
		if status == http.StatusOK && !strings.Contains(e.Remedy, "web page") {
			t.Errorf("got the remedy %q", e.Remedy)
		}
	}
}

func TestABodyThatCannotBeUsedIsBadData(t *testing.T) {
	for name, c := range map[string]struct{ body, says string }{
		"empty":           {"", "the answer is empty"},
		"white space":     {" \n", "the answer is empty"},
		"truncated":       {onePayout[:120], "breaks off after 120 bytes"},
		"no JSON":         {"oops", "the answer is not JSON"},
		"two documents":   {onePayout + onePayout, "the answer has something after its end"},
		"null":            {"null", "the answer is null, not an object"},
		"an array":        {"[]", "the answer is [], not an object"},
		"no amount":       {strings.Replace(onePayout, `,"settlement_amount":970`, "", 1), "totals lacks settlement_amount"},
		"decimal amount":  {strings.Replace(onePayout, "970", "9.70", 1), "totals.settlement_amount is 9.70, not a whole number"},
		"quoted amount":   {strings.Replace(onePayout, "970", `"970"`, 1), `totals.settlement_amount is "970", not a whole number`},
		"endless amount":  {strings.Replace(onePayout, "970", "97000000000000000000", 1), "not a whole number that can be kept"},
		"amount twice":    {strings.Replace(onePayout, `"fee_amount":30`, `"sale_amount":1`, 1), "totals.sale_amount stands twice"},
		"no date":         {strings.Replace(onePayout, "2026-01-14T23:10:00Z", "", 1), "lacks payout_date"},
		"a date of words": {strings.Replace(onePayout, "2026-01-14T23:10:00Z", "today", 1), `payout_date is "today", not a date`},
		"another payout":  {strings.Replace(onePayout, "4711", "4712", 1), "the answer is payout 4712"},
	} {
		t.Run(name, func(t *testing.T) {
			client := serveWrong(t, answers(http.StatusOK, c.body)).client(Options{})
			_, answer, err := client.Payout(t.Context(), "4711")
			e := wantFault(t, err, fault.BadData, c.says)
			if e.RequestID != "corr-200" || string(answer.Body) != c.body {
				t.Errorf("the evidence is not kept: %q, %q", e.RequestID, answer.Body)
			}
		})
	}
}

func TestAnAnswerThatIsTooLargeIsNotRead(t *testing.T) {
	for name, announce := range map[string]bool{"announced": true, "streamed": false} {
		t.Run(name, func(t *testing.T) {
			client := serveWrong(t, func(w http.ResponseWriter, _ *http.Request) {
				if announce {
					w.Header().Set("Content-Length", "2000")
				}
				w.WriteHeader(http.StatusOK)
				if !announce {
					w.(http.Flusher).Flush()
				}
				_, _ = w.Write([]byte(strings.Repeat(" ", 2000)))
			}).client(Options{MaxBody: 1000})
			_, _, err := client.Payout(t.Context(), "4711")
			wantFault(t, err, fault.BadData, "larger than 1000 bytes")
		})
	}
}

func TestAConnectionThatBreaksIsTransient(t *testing.T) {
	t.Run("in the middle of an answer", func(t *testing.T) {
		client := serveWrong(t, func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Length", "1000")
			_, _ = w.Write([]byte("{"))
		}).client(Options{})
		_, _, err := client.Payout(t.Context(), "4711")
		wantFault(t, err, fault.Transient, "unexpected EOF")
	})
	t.Run("before it", func(t *testing.T) {
		client := serveWrong(t, func(http.ResponseWriter, *http.Request) { panic(http.ErrAbortHandler) }).client(Options{})
		_, _, err := client.Payout(t.Context(), "4711")
		wantFault(t, err, fault.Transient, "Klarna gave no answer")
	})
	t.Run("refused", func(t *testing.T) {
		listener, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			t.Fatal(err)
		}
		address := "http://" + listener.Addr().String()
		_ = listener.Close()
		client := newClient(t, Credential{Kustom, Europe, "kco_test_api_x", ""}, Options{BaseURL: address})
		_, _, err = client.Payout(t.Context(), "4711")
		e := wantFault(t, err, fault.Transient, "Kustom gave no answer: dial tcp", "connection refused")
		if e.Party != "Kustom" {
			t.Errorf("the party is %s", e.Party)
		}
	})
	t.Run("with a foreign certificate", func(t *testing.T) {
		server := httptest.NewUnstartedServer(http.NotFoundHandler())
		server.Config.ErrorLog = log.New(io.Discard, "", 0)
		server.StartTLS()
		t.Cleanup(server.Close)
		client := newClient(t, Credential{Kustom, Europe, "kco_test_api_x", ""}, Options{BaseURL: server.URL})
		_, _, err := client.Payout(t.Context(), "4711")
		wantFault(t, err, fault.Transient, "a certificate of its own")
	})
}

func TestATimeOutIsTransientAndACancelledCallSaysSo(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		never := &http.Client{Transport: roundTrip(func(r *http.Request) (*http.Response, error) {
			<-r.Context().Done()
			return nil, r.Context().Err()
		})}
		client := newClient(t, Credential{Klarna, Europe, testKey, ""}, Options{HTTPClient: never})
		asked := time.Now()
		_, _, err := client.Payout(t.Context(), "4711")
		wantFault(t, err, fault.Transient, "longer than allowed")
		if !errors.Is(err, context.DeadlineExceeded) || time.Since(asked) != defaultTimeout {
			t.Errorf("%v after %s is not the time-out", err, time.Since(asked))
		}
		ctx, cancel := context.WithCancel(t.Context())
		go cancel()
		_, _, err = client.Payout(ctx, "4711")
		wantFault(t, err, fault.Transient)
		if !errors.Is(err, context.Canceled) {
			t.Errorf("%v is not a Canceled", err)
		}
	})
}

func TestARedirectIsNeverFollowed(t *testing.T) {
	other := serveWrong(t, answers(http.StatusOK, onePayout))
	for name, to := range map[string]string{"to another host": other.URL + "/settlements/v1/payouts/4711?token=canary", "on the same host": "/elsewhere"} {
		t.Run(name, func(t *testing.T) {
			s := serve(t, func(w http.ResponseWriter, _ *http.Request) {
				w.Header().Set("Location", to)
				w.WriteHeader(http.StatusTemporaryRedirect)
			})
			_, _, err := s.client(Options{HTTPClient: &http.Client{}}).Payout(t.Context(), "4711")
			wantFault(t, err, fault.Rejected, "the credential is not taken to another address")
			if other.requests.Load() != 0 || s.requests.Load() != 1 {
				t.Error("the redirect was followed")
			}
		})
	}
}

func TestQuestionsThatMakeNoSenseAreNotAsked(t *testing.T) {
	s := serve(t, answers(http.StatusOK, "{}"))
	client := s.client(Options{})
	day := time.Date(2026, 1, 14, 0, 0, 0, 0, time.UTC)
	first := func(seq func(func(*Page[Payout], error) bool)) (err error) {
		for _, err = range seq {
			break
		}
		return err
	}
	payout := func(ref string) error { _, _, err := client.Payout(t.Context(), ref); return err }
	summaries := func(start, end time.Time) error {
		_, _, err := client.PayoutSummaries(t.Context(), start, end, "")
		return err
	}
	reports := func(_ Answer, err error) error { return err }
	var rows error
	for _, rows = range client.Transactions(t.Context(), TransactionsQuery{}) {
		break
	}
	for name, err := range map[string]error{
		"dates reversed":      first(client.Payouts(t.Context(), PayoutsQuery{Start: day.Add(1), End: day})),
		"an empty window":     first(client.Payouts(t.Context(), PayoutsQuery{Start: day, End: day})),
		"no reference":        payout(""),
		"a path":              payout(".."),
		"another endpoint":    payout("summary"),
		"no window":           summaries(day, time.Time{}),
		"summaries reversed":  summaries(day, day.Add(-1)),
		"every transaction":   rows,
		"a report of nothing": reports(client.PayoutPDF(t.Context(), "")),
		"rows of nothing":     reports(whole(client.PayoutCSV(t.Context(), ""))),
		"a report of no time": reports(client.SummaryPDF(t.Context(), time.Time{}, day)),
		"a report reversed":   reports(client.SummaryCSV(t.Context(), day, day)),
	} {
		var wrong *QueryError
		if wantFault(t, err, fault.Rejected, "the question was not asked"); !errors.As(err, &wrong) {
			t.Errorf("%s: %v is not a *QueryError", name, err)
		}
	}
	if s.requests.Load() != 0 {
		t.Error("something was asked")
	}
}

func TestAPayoutIsAskedForByItsReferenceAlone(t *testing.T) {
	var path string
	s := serve(t, func(w http.ResponseWriter, r *http.Request) {
		path = r.URL.EscapedPath()
		reply(w, http.StatusOK, strings.Replace(onePayout, "4711", "A-1_b", 1))
	})
	payout, answer, err := s.client(Options{}).Payout(t.Context(), "A-1_b")
	if err != nil {
		t.Fatal(err)
	}
	if path != "/settlements/v1/payouts/A-1_b" || answer.Path != path || payout.PaymentReference != "A-1_b" {
		t.Errorf("asked %s, answer of %s", path, answer.Path)
	}
	for _, reference := range []string{"a b%c", "../transactions", "a/b", "a\r\nb", strings.Repeat("1", 65), "unreadable-0123456789abcdef"} {
		path = ""
		_, _, err := s.client(Options{}).Payout(t.Context(), reference)
		if wantFault(t, err, fault.Rejected, "is not a payment reference"); path != "" {
			t.Errorf("%q was asked for as %s", reference, path)
		}
	}
}

func TestAnAnswerCarriesItsOrigin(t *testing.T) {
	s := serve(t, func(w http.ResponseWriter, r *http.Request) {
		if got := r.Header.Get("User-Agent"); got != "kvitt" {
			t.Errorf("the user agent is %q", got)
		}
		reply(w, http.StatusOK, "\ufeff"+onePayout)
	})
	before := time.Now().UTC()
	_, answer, err := s.client(Options{}).Payout(t.Context(), "4711")
	if err != nil {
		t.Fatal(err)
	}
	if string(answer.Body) != "\ufeff"+onePayout {
		t.Errorf("the bytes are not those that came: %q", answer.Body)
	}
	if answer.CorrelationID != "corr-200" || answer.Status != 200 || answer.FetchedAt.Location() != time.UTC ||
		answer.FetchedAt.Before(before.Round(0)) {
		t.Errorf("got %+v", answer)
	}
}

func TestSummariesAndVerification(t *testing.T) {
	const sums = `[{"summary_settlement_currency":"SEK","summary_total_settlement_amount":970,"summary_total_commission_reversal_amount":5,
		"summary_payout_date_start":"2026-01-01T00:00:00Z","summary_payout_date_end":"2026-01-31T23:59:59Z","summary_total_new_amount":3},
		{"summary_settlement_currency":"EUR","summary_total_settlement_amount":0}]`
	s := serve(t, func(w http.ResponseWriter, r *http.Request) {
		if strings.HasSuffix(r.URL.Path, "/summary") {
			if want := "currency_code=SEK&end_date=2026-01-31T23%3A59%3A59Z&start_date=2026-01-01T00%3A00%3A00Z"; r.URL.RawQuery != want {
				t.Errorf("asked %s, want %s", r.URL.RawQuery, want)
			}
			reply(w, http.StatusOK, sums)
			return
		}
		if r.URL.RawQuery != "size=1" {
			t.Errorf("asked %s", r.URL.RawQuery)
		}
		reply(w, http.StatusOK, pageOf("payouts", []string{onePayout}, 0, 1, 1))
	})
	client := s.client(Options{})
	got, answer, err := client.PayoutSummaries(t.Context(), time.Date(2026, 1, 1, 1, 0, 0, 0, time.FixedZone("CET", 3600)),
		time.Date(2026, 1, 31, 23, 59, 59, 999, time.UTC), "SEK")
	if err != nil {
		t.Fatal(err)
	}
	if len(got) != 2 || got[0].Totals[settlement.TotalSettlement] != 970 || got[0].Totals[settlement.TotalCommissionReversal] != 5 || got[1].Currency != "EUR" || string(answer.Body) != sums {
		t.Errorf("got %+v", got)
	}
	if v, ok := got[0].Unknown.Get("summary_total_new_amount"); !ok || v != "3" {
		t.Errorf("the unknown sum is %q", v)
	}
	payout, _, err := client.Verify(t.Context())
	if err != nil || payout.MerchantID != "K123456" {
		t.Errorf("got %+v, %v", payout, err)
	}
	empty := serve(t, pages("payouts", nil)).client(Options{})
	if payout, _, err := empty.Verify(t.Context()); payout != nil || err != nil {
		t.Errorf("got %+v, %v", payout, err)
	}
}

func TestReportsAreHandedOverAsTheyCome(t *testing.T) {
	const pdf, csv = "%PDF-1.4\n…", "\ufefftype;amount\nSALE;10,00\n"
	january, february := time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC), time.Date(2026, 2, 1, 0, 0, 0, 0, time.UTC)
	calls := map[string]func(*Client) (Answer, error){
		"/settlements/v1/reports/payout?payment_reference=4711":                                                                           func(c *Client) (Answer, error) { return c.PayoutPDF(t.Context(), "4711") },
		"/settlements/v1/reports/payout-with-transactions?payment_reference=4711":                                                         func(c *Client) (Answer, error) { return whole(c.PayoutCSV(t.Context(), "4711")) },
		"/settlements/v1/reports/payouts-summary?end_date=2026-02-01T00%3A00%3A00Z&start_date=2026-01-01T00%3A00%3A00Z":                   func(c *Client) (Answer, error) { return c.SummaryPDF(t.Context(), january, february) },
		"/settlements/v1/reports/payouts-summary-with-transactions?end_date=2026-02-01T00%3A00%3A00Z&start_date=2026-01-01T00%3A00%3A00Z": func(c *Client) (Answer, error) { return c.SummaryCSV(t.Context(), january, february) },
	}
	for path, fetch := range calls {
		document := pdf
		if strings.Contains(path, "transactions") {
			document = csv
		}
		client := serve(t, func(w http.ResponseWriter, r *http.Request) {
			w.Header().Set("Content-Type", r.Header.Get("Accept"))
			_, _ = w.Write([]byte(document))
		}).client(Options{})
		answer, err := fetch(client)
		if err != nil {
			t.Fatal(err)
		}
		if string(answer.Body) != document || answer.Path != path {
			t.Errorf("got %q from %s, want %s", answer.Body, answer.Path, path)
		}
		for _, wrong := range []string{"", " \n", "<html>Sign in</html>", `{"a":1}`, "[]", "\x1f\x8b\x00"} {
			client := serveWrong(t, answers(http.StatusOK, wrong)).client(Options{})
			_, err := fetch(client)
			wantFault(t, err, fault.BadData)
		}
	}
}

func TestTheLimiterIsSharedAndAsked(t *testing.T) {
	s := serve(t, answers(http.StatusOK, onePayout))
	limiter := rate.NewLimiter(rate.Every(time.Hour), 2)
	one, two := s.client(Options{Limiter: limiter}), s.client(Options{Limiter: limiter})
	for _, client := range []*Client{one, two} {
		if _, _, err := client.Payout(t.Context(), "4711"); err != nil {
			t.Fatal(err)
		}
	}
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	_, _, err := one.Payout(ctx, "4711")
	wantFault(t, err, fault.Transient, "wait for the request budget")
	if got := s.requests.Load(); got != 2 {
		t.Errorf("%d requests were made", got)
	}
}
