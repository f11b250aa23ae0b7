package klarna

import (
	"bytes"
	"context"
	"crypto/sha256"
	"errors"
	"io"
	"net/http"
	"strconv"
	"strings"
	"testing"
	"testing/iotest"
	"time"

	"kvitt/internal/fault"
)

// whole reads a stream to its end.
func whole(s *Stream, err error) (Answer, error) {
	if err != nil {
		return Answer{}, err
	}
	defer func() { _ = s.Close() }()
	a := s.Answer
	a.Body, err = io.ReadAll(s)
	return a, err
}

const line = "SALE;2026-01-05T10:00:00Z;10.00;SEK\n"

func TestAStreamIsTheDocumentByteForByte(t *testing.T) {
	document := bytes.Repeat([]byte(line), 100_000)
	for name, serveIt := range map[string]http.HandlerFunc{
		"of a length that is told": func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Type", asCSV)
			w.Header().Set("Content-Length", strconv.Itoa(len(document)))
			_, _ = w.Write(document)
		},
		"in chunks": func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Type", asCSV)
			for some := document; len(some) > 0; some = some[len(line)*1000:] {
				_, _ = w.Write(some[:len(line)*1000])
			}
		},
	} {
		got, err := whole(serveWrong(t, serveIt).client(Options{MaxBody: 1 << 10}).PayoutCSV(t.Context(), "4711"))
		if err != nil || sha256.Sum256(got.Body) != sha256.Sum256(document) {
			t.Errorf("%s: got %d bytes, %v", name, len(got.Body), err)
		}
	}
}

func TestADocumentThatIsCutOffIsNeverWhole(t *testing.T) {
	const cut = 40 * len(line)
	hex := func(n int) string { return strconv.FormatInt(int64(n), 16) }
	some := strings.Repeat(line, 40)
	for name, c := range map[string]struct {
		head  string
		class fault.Class
	}{
		"less than was announced":    {"Content-Length: " + strconv.Itoa(2*cut) + "\r\n\r\n" + some, fault.Transient},
		"a chunk that breaks off":    {"Transfer-Encoding: chunked\r\n\r\n" + hex(2*cut) + "\r\n" + some, fault.Transient},
		"no last chunk":              {"Transfer-Encoding: chunked\r\n\r\n" + hex(cut) + "\r\n" + some + "\r\n", fault.Transient},
		"an end that nobody can see": {"Connection: close\r\n\r\n" + some, fault.Transient},
	} {
		client := serveWrong(t, func(w http.ResponseWriter, _ *http.Request) {
			conn, _, err := http.NewResponseController(w).Hijack()
			if err != nil {
				t.Error(err)
				return
			}
			_, _ = io.WriteString(conn, "HTTP/1.1 200 OK\r\nContent-Type: text/csv\r\n"+c.head)
			_ = conn.Close()
		}).client(Options{})
		answer, err := whole(client.PayoutCSV(t.Context(), "4711"))
		if err == nil {
			t.Errorf("%s: %d bytes were taken for the whole", name, len(answer.Body))
			continue
		}
		wantFault(t, err, c.class, "fetch the CSV report of payout 4711")
	}
}

func TestAStreamHasItsLimits(t *testing.T) {
	forever := func(w http.ResponseWriter, r *http.Request) {
		for r.Context().Err() == nil {
			if _, err := io.WriteString(w, line); err != nil {
				return
			}
		}
	}
	client := serveWrong(t, forever).client(Options{MaxStream: 1 << 16})
	_, err := whole(client.PayoutCSV(t.Context(), "4711"))
	wantFault(t, err, fault.BadData, "larger than 65536 bytes")

	announced := serveWrong(t, func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Length", "65537")
		_, _ = io.WriteString(w, strings.Repeat("x", 65537))
	}).client(Options{MaxStream: 1 << 16})
	_, err = announced.PayoutCSV(t.Context(), "4711")
	wantFault(t, err, fault.BadData, "larger than 65536 bytes")

	silent := serveWrong(t, func(w http.ResponseWriter, r *http.Request) {
		_, _ = io.WriteString(w, strings.Repeat(line, 100))
		_ = http.NewResponseController(w).Flush()
		<-r.Context().Done()
	}).client(Options{Timeout: 50 * time.Millisecond})
	_, err = whole(silent.PayoutCSV(t.Context(), "4711"))
	if wantFault(t, err, fault.Transient); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("a pause without end is %v", err)
	}
}

func TestAReaderThatTakesItsTimeIsNoPauseOfKlarnas(t *testing.T) {
	client := serve(t, func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", asCSV)
		_, _ = io.WriteString(w, strings.Repeat(line, 200))
	}).client(Options{Timeout: 100 * time.Millisecond})
	s, err := client.PayoutCSV(t.Context(), "4711")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = s.Close() }()
	time.Sleep(250 * time.Millisecond) // what is tested is that this does no harm
	if got, err := io.ReadAll(iotest.OneByteReader(s)); err != nil || len(got) != 200*len(line) {
		t.Errorf("got %d bytes, %v", len(got), err)
	}
}

// counting is a budget that counts what is asked of it.
type counting struct{ asked, done int }

func (c *counting) Wait(context.Context) error { c.asked++; return nil }
func (c *counting) Close(time.Duration)        {}
func (c *counting) Done()                      { c.done++ }

func TestAStreamIsOneRequestOfTheBudgetUntilItIsClosed(t *testing.T) {
	budget := &counting{}
	client := serve(t, func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", asCSV)
		_, _ = io.WriteString(w, line)
	}).client(Options{Limiter: budget})
	s, err := client.PayoutCSV(t.Context(), "4711")
	if err != nil || *budget != (counting{1, 0}) {
		t.Fatalf("while it is open: %+v, %v", *budget, err)
	}
	_, _ = s.Close(), s.Close()
	if *budget != (counting{1, 1}) {
		t.Errorf("after it was closed twice: %+v", *budget)
	}
	_, err = serve(t, answers(http.StatusNotFound, noSuchPayout)).client(Options{Limiter: budget}).PayoutCSV(t.Context(), "4711")
	if wantFault(t, err, fault.Rejected).Status != http.StatusNotFound || *budget != (counting{2, 2}) {
		t.Errorf("after a refusal: %+v, %v", *budget, err)
	}
}
