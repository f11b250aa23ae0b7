package web

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/netip"
	"slices"
	"sync"
	"time"

	"go.uber.org/zap"
	"golang.org/x/net/netutil"
)

// Bounds are the limits of one listener. The zero value is not usable: see Standard.
type Bounds struct {
	Header time.Duration // for the client to send a request's header
	Read   time.Duration // for the client to send the whole request
	Write  time.Duration // for the client to read an answer; files and streams have their own limit, see Stream
	Idle   time.Duration // between two requests
	// HeaderBytes is the largest header; Connections and PerAddress are the largest numbers of connections
	// at once, in all and from one address.
	HeaderBytes, Connections, PerAddress int
	// Proxies are addresses shared by many people: PerAddress does not apply to them.
	Proxies []netip.Prefix
}

func (b *Bounds) proxy(address string) bool {
	ip, err := netip.ParseAddr(address)
	return err == nil && slices.ContainsFunc(b.Proxies, func(p netip.Prefix) bool { return p.Contains(ip.Unmap()) })
}

// Standard returns the bounds of a listener that people's browsers reach.
func Standard() Bounds {
	return Bounds{
		Header: 10 * time.Second, Read: 30 * time.Second, Write: 90 * time.Second, Idle: 2 * time.Minute,
		HeaderBytes: 32 << 10, Connections: 512, PerAddress: 128,
	}
}

// Quiet returns the bounds of the listener for metrics and health.
func Quiet() Bounds {
	return Bounds{
		Header: 5 * time.Second, Read: 10 * time.Second, Write: 30 * time.Second, Idle: time.Minute,
		HeaderBytes: 16 << 10, Connections: 64, PerAddress: 32,
	}
}

// Serve listens at addr until ctx ends.
func Serve(ctx context.Context, what, addr string, h http.Handler, b Bounds, log *zap.Logger) error {
	var listen net.ListenConfig
	l, err := listen.Listen(ctx, "tcp", addr)
	if err != nil {
		return fmt.Errorf("serve the %s at %s: %w. Free the address or choose another one", what, addr, err)
	}
	return ServeOn(ctx, what, l, h, b, log)
}

// ServeOn serves on a listener until ctx ends, and closes it.
func ServeOn(ctx context.Context, what string, l net.Listener, h http.Handler, b Bounds, log *zap.Logger) error {
	addr := l.Addr().String()
	log.Info("serving", zap.String("what", what), zap.String("address", addr))
	server := &http.Server{
		Handler: h, ReadHeaderTimeout: b.Header, ReadTimeout: b.Read, WriteTimeout: b.Write, IdleTimeout: b.Idle, MaxHeaderBytes: b.HeaderBytes,
		ErrorLog: zap.NewStdLog(log),
	}
	stopped := make(chan struct{})
	go func() {
		defer close(stopped)
		<-ctx.Done()
		ending, cancel := context.WithTimeout(context.WithoutCancel(ctx), 5*time.Second)
		defer cancel()
		_ = server.Shutdown(ending)
	}()
	few := &perAddress{Listener: netutil.LimitListener(l, b.Connections), most: b.PerAddress, exempt: b.proxy, open: map[string]int{}, refused: func(from string) {
		Refused(ctx, log, Refusal{Listener: what, Kind: Connections, From: from})
	}}
	if err := server.Serve(few); !errors.Is(err, http.ErrServerClosed) {
		return fmt.Errorf("serve the %s at %s: %w", what, addr, err)
	}
	<-stopped
	return nil
}

// perAddress closes a connection at once if its address has too many already.
type perAddress struct {
	net.Listener
	most    int
	exempt  func(from string) bool
	refused func(from string)

	mu   sync.Mutex
	open map[string]int
}

func (l *perAddress) Accept() (net.Conn, error) {
	for {
		c, err := l.Listener.Accept()
		if err != nil {
			return nil, err
		}
		from := AddressOf(c.RemoteAddr().String())
		l.mu.Lock()
		crowded := l.open[from] >= l.most && !l.exempt(from)
		if !crowded {
			l.open[from]++
		}
		l.mu.Unlock()
		if !crowded {
			return &counted{Conn: c, end: sync.OnceFunc(func() { l.gone(from) })}, nil
		}
		l.refused(from)
		_ = c.Close()
	}
}

func (l *perAddress) gone(from string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.open[from]--; l.open[from] <= 0 {
		delete(l.open, from)
	}
}

type counted struct {
	net.Conn
	end func()
}

func (c *counted) Close() error {
	c.end()
	return c.Conn.Close()
}

// AddressOf returns the key that a remote address is counted under: for IPv6 the network, because one
// customer has 2^64 addresses.
func AddressOf(remote string) string {
	host, _, err := net.SplitHostPort(remote)
	if err != nil {
		return remote
	}
	ip, err := netip.ParseAddr(host)
	if err != nil {
		return host
	}
	if ip = ip.Unmap().WithZone(""); ip.Is6() {
		if network, err := ip.Prefix(64); err == nil {
			return network.String()
		}
	}
	return ip.String()
}

// Stream writes what may take longer than a page: each write gets its own time limit, and a reader that
// stops reading ends it.
type Stream struct {
	W      http.ResponseWriter
	Within time.Duration // for each write
}

// Write implements io.Writer.
func (s Stream) Write(b []byte) (int, error) {
	// Not every writer knows deadlines; those of a server do.
	_ = http.NewResponseController(s.W).SetWriteDeadline(time.Now().Add(s.Within))
	return s.W.Write(b)
}
