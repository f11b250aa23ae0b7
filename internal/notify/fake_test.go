package notify

import (
	"bufio"
	"cmp"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/base64"
	"fmt"
	"math/big"
	"net"
	"strings"
	"sync"
	"testing"
	"time"
)

// post is a simple mail server.
type post struct {
	t        *testing.T
	listener net.Listener
	tls      *tls.Config // nil: no STARTTLS
	implicit bool
	refuse   string // the answer to AUTH
	offers   string // after EHLO; "" is AUTH PLAIN LOGIN, "-" is nothing
	knows    string // the mechanisms that it really supports; "": all

	mu     sync.Mutex
	lines  []string // what clients sent, outside of mails
	mails  []string
	secure bool // whether the last mail came through TLS
}

func newPost(t *testing.T, change ...func(*post)) *post {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	p := &post{t: t, listener: l}
	for _, f := range change {
		f(p)
	}
	var open sync.WaitGroup
	t.Cleanup(func() { _ = l.Close(); open.Wait() })
	open.Go(func() {
		for {
			conn, err := l.Accept()
			if err != nil {
				return
			}
			_ = conn.SetDeadline(time.Now().Add(30 * time.Second))
			open.Go(func() { p.serve(conn) })
		}
	})
	return p
}

func (p *post) address() string { return p.listener.Addr().String() }

func (p *post) serve(conn net.Conn) {
	defer func() { _ = conn.Close() }()
	secure := p.implicit
	if secure {
		conn = tls.Server(conn, p.tls)
	}
	in := bufio.NewReader(conn)
	say := func(s string) { _, _ = fmt.Fprintf(conn, "%s\r\n", s) }
	say("220 post ready")
	for {
		line, err := in.ReadString('\n')
		if err != nil {
			return
		}
		line = strings.TrimRight(line, "\r\n")
		p.mu.Lock()
		p.lines = append(p.lines, line)
		p.mu.Unlock()
		verb, _, _ := strings.Cut(strings.ToUpper(line), " ")
		switch verb {
		case "EHLO":
			say("250-post")
			if p.tls != nil && !secure {
				say("250-STARTTLS")
			}
			if p.offers != "-" {
				say("250-" + cmp.Or(p.offers, "AUTH PLAIN LOGIN"))
			}
			say("250 8BITMIME")
		case "STARTTLS":
			say("220 go on")
			conn, secure = tls.Server(conn, p.tls), true
			in = bufio.NewReader(conn)
		case "AUTH":
			mechanism := strings.Fields(line)[1]
			for _, challenge := range challenges[mechanism] {
				if p.knows != "" && !strings.Contains(p.knows, mechanism) {
					break
				}
				say("334 " + base64.StdEncoding.EncodeToString([]byte(challenge)))
				answer, _ := in.ReadString('\n')
				plain, _ := base64.StdEncoding.DecodeString(strings.TrimSpace(answer))
				p.mu.Lock()
				p.lines = append(p.lines, string(plain))
				p.mu.Unlock()
			}
			switch {
			case p.refuse != "":
				say(p.refuse)
			case p.knows != "" && !strings.Contains(p.knows, mechanism):
				say("504 5.7.4 Unrecognized authentication type")
			default:
				say("235 welcome")
			}
		case "DATA":
			say("354 go on")
			var mail strings.Builder
			for {
				line, err := in.ReadString('\n')
				if err != nil || line == ".\r\n" {
					break
				}
				mail.WriteString(line)
			}
			p.mu.Lock()
			p.mails, p.secure = append(p.mails, mail.String()), secure
			p.mu.Unlock()
			say("250 taken")
		case "QUIT":
			say("221 bye")
			return
		default:
			say("250 fine")
		}
	}
}

// challenges are the server's prompts during a sign-in.
var challenges = map[string][]string{"LOGIN": {"Username:", "Password:"}, "CRAM-MD5": {"<1896.697170952@post>"}}

func (p *post) taken() []string {
	p.mu.Lock()
	defer p.mu.Unlock()
	return append([]string(nil), p.mails...)
}

func (p *post) heard() string {
	p.mu.Lock()
	defer p.mu.Unlock()
	return strings.Join(p.lines, "\n")
}

// certified makes a certificate for a host, and the client's configuration that trusts it.
func certified(t *testing.T, host string) (server, client *tls.Config) {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: host}, DNSNames: []string{host}, IsCA: true, BasicConstraintsValid: true,
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour), KeyUsage: x509.KeyUsageDigitalSignature | x509.KeyUsageCertSign,
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, &key.PublicKey, key)
	if err != nil {
		t.Fatal(err)
	}
	parsed, err := x509.ParseCertificate(der)
	if err != nil {
		t.Fatal(err)
	}
	trusted := x509.NewCertPool()
	trusted.AddCert(parsed)
	return &tls.Config{Certificates: []tls.Certificate{{Certificate: [][]byte{der}, PrivateKey: key}}, MinVersion: tls.VersionTLS12},
		&tls.Config{RootCAs: trusted, ServerName: host, MinVersion: tls.VersionTLS12}
}
