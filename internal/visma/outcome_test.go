package visma

import (
	"context"
	"errors"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"

	"kvitt/internal/fault"
)

// testUpdate is a small balanced voucher.
func testUpdate() JournalTransactionUpdate {
	return JournalTransactionUpdate{
		Hold:            V(false),
		TransactionDate: V(Date{Year: 2026, Month: 1, Day: 31}),
		FinancialPeriod: V("202601"),
		Ledger:          V("1"),
		CurrencyID:      V("SEK"),
		Description:     V("[kvitt:00112233aabbccdd] Klarna payout"),
		Lines: []JournalTransactionLineUpdate{
			{AccountNumber: V("1930"), DebitAmountInCurrency: V(FromMinor(8590000, 2)), ReferenceNumber: V("PAY1")},
			{
				AccountNumber: V("1686"), CreditAmountInCurrency: V(FromMinor(8590000, 2)), ReferenceNumber: V("PAY1"),
				Subaccount: []SegmentUpdate{{SegmentID: 1, SegmentValue: "0001"}, {SegmentID: 2, SegmentValue: "00"}},
			},
		},
	}
}

// drops closes the connection after the whole request was read.
func drops(w http.ResponseWriter, _ *http.Request) { w.Header().Set(markDrop, "1") }

// The heart of posting exactly once: unless the request was clearly refused, it may have been booked, and
// the client does not try again.
func TestAWriteThatFailsIsAClearNoOrAnUnknownOutcome(t *testing.T) {
	for name, c := range map[string]struct {
		handler http.HandlerFunc
		class   fault.Class
	}{
		"400":                        {answerJSON(400, `{"message":"VismaId: 6c6eb585-da38. Error creating document."}`), fault.Rejected},
		"403":                        {answerJSON(403, ""), fault.Auth},
		"404":                        {answerJSON(404, ""), fault.Rejected},
		"409":                        {answerJSON(409, ""), fault.Rejected},
		"412":                        {answerJSON(412, ""), fault.Rejected},
		"413 with HTML":              {answerJSON(413, "<html>too large</html>"), fault.Rejected},
		"429":                        {answerJSON(429, ""), fault.Throttled},
		"408":                        {answerJSON(408, ""), fault.UnknownOutcome},
		"500":                        {answerJSON(500, `{"message":"VismaId: 6c6eb585-da38. Timeout expired."}`), fault.UnknownOutcome},
		"502 with HTML":              {answerJSON(502, "<html>Bad Gateway</html>"), fault.UnknownOutcome},
		"503":                        {answerJSON(503, ""), fault.UnknownOutcome},
		"504":                        {answerJSON(504, ""), fault.UnknownOutcome},
		"dropped connection":         {drops, fault.UnknownOutcome},
		"200 with HTML":              {broken(answerJSON(200, "<html>welcome</html>")), fault.UnknownOutcome},
		"202 without a job":          {broken(answerJSON(202, `{}`)), fault.UnknownOutcome},
		"202 that cannot be read":    {broken(answerJSON(202, `{"id":`)), fault.UnknownOutcome},
		"201 without a batch number": {answerJSON(201, ""), fault.UnknownOutcome},
		"204":                        {broken(answerJSON(204, "")), fault.UnknownOutcome},
	} {
		t.Run(name, func(t *testing.T) {
			var requests atomic.Int64
			server := serve(t, func(w http.ResponseWriter, r *http.Request) {
				requests.Add(1)
				c.handler(w, r)
			})
			client, _ := newTestClient(t, server)
			_, err := client.CreateJournalTransaction(context.Background(), testUpdate())
			wantFault(t, err, c.class)
			if requests.Load() != 1 {
				t.Errorf("the write was sent %d times", requests.Load())
			}
		})
	}
}

func TestADroppedReusedConnectionIsAnUnknownOutcome(t *testing.T) {
	var posts atomic.Int64
	server := serve(t, func(w http.ResponseWriter, r *http.Request) {
		if r.Method == http.MethodGet {
			writeJSON(w, http.StatusOK, `[]`)
			return
		}
		posts.Add(1)
		drops(w, r)
	})
	c, _ := newTestClient(t, server)
	if _, err := c.Ledgers(context.Background()); err != nil { // leaves a connection to reuse
		t.Fatal(err)
	}
	for name, write := range map[string]func() error{
		"create": func() error {
			_, err := c.CreateJournalTransaction(context.Background(), testUpdate())
			return err
		},
		"release": func() error { _, err := c.Release(context.Background(), "000042", ""); return err },
		"attach": func() error {
			return c.Attach(context.Background(), ModuleGL, "000042", Bytes("a.pdf", []byte("%PDF")))
		},
	} {
		posts.Store(0)
		wantFault(t, write(), fault.UnknownOutcome)
		if posts.Load() != 1 {
			t.Errorf("%s was sent %d times", name, posts.Load())
		}
	}
}

func TestAnAnswerThatIsCutAfterAWriteIsUnknown(t *testing.T) {
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		_, _ = io.Copy(io.Discard, r.Body)
		w.Header().Set("Content-Length", "1000")
		w.WriteHeader(http.StatusAccepted)
		_, _ = io.WriteString(w, `{"id":"73ac`)
	}))
	t.Cleanup(server.Close)
	c, _ := newTestClient(t, server)
	_, err := c.CreateJournalTransaction(context.Background(), testUpdate())
	wantFault(t, err, fault.UnknownOutcome)
}

func TestARefusedConnectionIsTransientBecauseNothingWasSent(t *testing.T) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	address := listener.Addr().String()
	_ = listener.Close() // nothing listens there now
	c, err := New(Options{BaseURL: "http://" + address, Tokens: &fixedTokens{tokens: []string{testToken}}})
	if err != nil {
		t.Fatal(err)
	}
	_, err = c.CreateJournalTransaction(context.Background(), testUpdate())
	if e := wantFault(t, err, fault.Transient); !strings.Contains(e.Words, "nothing was sent") {
		t.Errorf("the error is %v", err)
	}
}

// A transport that fails without ever having reported a connection may still have sent something: only
// failures to connect are believed.
type failingTransport struct{ err error }

func (f failingTransport) RoundTrip(*http.Request) (*http.Response, error) { return nil, f.err }

func TestAnUnclearTransportFailureIsUnknown(t *testing.T) {
	for _, c := range []struct {
		err   error
		class fault.Class
	}{
		{io.EOF, fault.UnknownOutcome},
		{io.ErrUnexpectedEOF, fault.UnknownOutcome},
		{errors.New("http2: client connection lost"), fault.UnknownOutcome},
		{&net.OpError{Op: "read", Err: errors.New("connection reset by peer")}, fault.UnknownOutcome},
		{&net.OpError{Op: "write", Err: errors.New("broken pipe")}, fault.UnknownOutcome},
		{&net.OpError{Op: "dial", Err: errors.New("connection refused")}, fault.Transient},
		{&net.DNSError{Err: "no such host", Name: "api.finance.visma.net"}, fault.Transient},
	} {
		client, err := New(Options{HTTPClient: &http.Client{Transport: failingTransport{c.err}}, Tokens: &fixedTokens{tokens: []string{testToken}}})
		if err != nil {
			t.Fatal(err)
		}
		_, err = client.CreateJournalTransaction(context.Background(), testUpdate())
		wantFault(t, err, c.class)
		_, err = client.Ledgers(context.Background())
		wantFault(t, err, fault.Transient)
	}
}

func TestAWriteCancelledBeforeItIsSentIsTransient(t *testing.T) {
	server := serve(t, func(http.ResponseWriter, *http.Request) { t.Error("a request was sent") })
	c, _ := newTestClient(t, server, func(o *Options) { o.Limiter = NewLimiter(1, 1) })
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	_, err := c.CreateJournalTransaction(ctx, testUpdate())
	wantFault(t, err, fault.Transient)
	if !errors.Is(err, context.Canceled) {
		t.Errorf("the error is %v", err)
	}
}
