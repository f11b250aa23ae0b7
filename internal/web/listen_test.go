package web_test

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/netip"
	"strings"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"go.uber.org/zap"
	"go.uber.org/zap/zaptest/observer"

	"kvitt/internal/web"
)

// counted returns how often the listener refused for a reason.
func counted(t *testing.T, listener string, kind web.Kind) float64 {
	t.Helper()
	registry := prometheus.NewRegistry()
	registry.MustRegister(web.Metrics())
	families, err := registry.Gather()
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range families {
		for _, m := range f.GetMetric() {
			labels := map[string]string{}
			for _, l := range m.GetLabel() {
				labels[l.GetName()] = l.GetValue()
			}
			if f.GetName() == "kvitt_refusals_total" && labels["listener"] == listener && labels["reason"] == string(kind) {
				return m.GetCounter().GetValue()
			}
		}
	}
	return 0
}

// served starts a listener with bounds.
func served(t *testing.T, b web.Bounds, h http.Handler) (addr string, logs *observer.ObservedLogs) {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	core, logs := observer.New(zap.InfoLevel)
	ctx, stop := context.WithCancel(context.Background())
	over := make(chan error, 1)
	go func() { over <- web.ServeOn(ctx, t.Name(), l, h, b, zap.New(core)) }()
	t.Cleanup(func() {
		stop()
		if err := <-over; err != nil {
			t.Error(err)
		}
	})
	return l.Addr().String(), logs
}

func dial(t *testing.T, addr string) net.Conn {
	t.Helper()
	c, err := net.Dial("tcp", addr)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { c.Close() })
	_ = c.SetDeadline(time.Now().Add(20 * time.Second))
	return c
}

func short() web.Bounds {
	b := web.Standard()
	b.Header, b.Read, b.Write, b.Idle = 150*time.Millisecond, 300*time.Millisecond, 300*time.Millisecond, 150*time.Millisecond
	return b
}

func ok(w http.ResponseWriter, r *http.Request) {
	_, _ = io.Copy(io.Discard, r.Body)
	fmt.Fprint(w, "ok")
}

func TestAClientThatSendsTooSlowlyIsDisconnected(t *testing.T) {
	addr, _ := served(t, short(), http.HandlerFunc(ok))
	for name, words := range map[string]string{
		"nothing at all": "",
		"half a header":  "GET / HTTP/1.1\r\nHost: x\r\nX-A: ",
		"half a body":    "POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 1000\r\n\r\nabc",
		"nothing more":   "GET / HTTP/1.1\r\nHost: x\r\n\r\n",
	} {
		c := dial(t, addr)
		fmt.Fprint(c, words)
		if _, err := io.ReadAll(c); err != nil && isTimeout(err) {
			t.Errorf("%s: the connection is kept", name)
		}
	}
}

func isTimeout(err error) bool {
	var slow net.Error
	return errors.As(err, &slow) && slow.Timeout()
}

func TestAClientThatDoesNotReadIsDisconnected(t *testing.T) {
	ended := make(chan error, 1)
	addr, _ := served(t, short(), http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		for {
			if _, err := (web.Stream{W: w, Within: 200 * time.Millisecond}).Write(make([]byte, 1<<20)); err != nil {
				ended <- err
				return
			}
		}
	}))
	fmt.Fprint(dial(t, addr), "GET / HTTP/1.1\r\nHost: x\r\n\r\n")
	select {
	case <-ended:
	case <-time.After(20 * time.Second):
		t.Error("the handler writes for ever")
	}
}

func TestAStreamMayTakeLongerThanAPage(t *testing.T) {
	addr, _ := served(t, short(), http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		for range 5 {
			tick := time.NewTimer(100 * time.Millisecond)
			select {
			case <-tick.C:
			case <-r.Context().Done():
				return
			}
			fmt.Fprint(web.Stream{W: w, Within: time.Second}, "x")
			_ = http.NewResponseController(w).Flush()
		}
	}))
	answer, err := http.Get("http://" + addr)
	if err != nil {
		t.Fatal(err)
	}
	defer answer.Body.Close()
	if body, err := io.ReadAll(answer.Body); err != nil || string(body) != "xxxxx" {
		t.Errorf("%q, %v", body, err)
	}
}

func TestATrustedProxyIsNotLimitedPerAddress(t *testing.T) {
	b := web.Standard()
	b.PerAddress, b.Proxies = 1, []netip.Prefix{netip.MustParsePrefix("127.0.0.0/8")}
	addr, _ := served(t, b, http.HandlerFunc(ok))
	for range 3 {
		c := dial(t, addr)
		fmt.Fprint(c, "GET / HTTP/1.1\r\nHost: x\r\n\r\n")
		answer, err := http.ReadResponse(bufio.NewReader(c), nil)
		if err != nil {
			t.Fatal(err)
		}
		answer.Body.Close()
	}
}

func TestConnectionsPerAddressAreLimited(t *testing.T) {
	b := web.Standard()
	b.PerAddress = 3
	addr, logs := served(t, b, http.HandlerFunc(ok))
	ask := func(c net.Conn) error {
		fmt.Fprint(c, "GET / HTTP/1.1\r\nHost: x\r\n\r\n")
		answer, err := http.ReadResponse(bufio.NewReader(c), nil)
		if err == nil {
			answer.Body.Close()
		}
		return err
	}
	var open []net.Conn
	for range 3 {
		c := dial(t, addr)
		if err := ask(c); err != nil {
			t.Fatal(err)
		}
		open = append(open, c)
	}
	if err := ask(dial(t, addr)); err == nil {
		t.Error("a fourth connection was served")
	}
	if counted(t, t.Name(), web.Connections) == 0 || logs.FilterMessage("refused").FilterField(zap.String("from", "127.0.0.1")).Len() == 0 {
		t.Errorf("the refusal was not logged: %v", logs.All())
	}
	open[0].Close()
	for until := time.Now().Add(10 * time.Second); ; {
		c := dial(t, addr)
		err := ask(c)
		if err == nil {
			break
		}
		if time.Now().After(until) {
			t.Fatal("a connection that ended still counts")
		}
	}
}

func TestConnectionsInAllAreLimited(t *testing.T) {
	b := short()
	b.Connections, b.Header = 2, time.Second
	addr, _ := served(t, b, http.HandlerFunc(ok))
	dial(t, addr)
	dial(t, addr)
	begun := time.Now()
	c := dial(t, addr)
	fmt.Fprint(c, "GET / HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
	if got, err := io.ReadAll(c); err != nil || !strings.Contains(string(got), "ok") {
		t.Errorf("it was not served after the others were closed: %q, %v", got, err)
	}
	if took := time.Since(begun); took < 500*time.Millisecond {
		t.Errorf("it was served beside the others, after %s", took)
	}
}

func TestTheBoundsOfEveryListenerAreSet(t *testing.T) {
	for name, b := range map[string]web.Bounds{"standard": web.Standard(), "quiet": web.Quiet()} {
		if b.Header <= 0 || b.Read <= 0 || b.Write <= 0 || b.Idle <= 0 || b.HeaderBytes <= 0 || b.Connections <= 0 || b.PerAddress <= 0 || b.PerAddress > b.Connections {
			t.Errorf("%s: %+v", name, b)
		}
	}
}
