package notify

import (
	"context"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func port(t *testing.T, p *post) string {
	t.Helper()
	_, port, err := net.SplitHostPort(p.address())
	if err != nil {
		t.Fatal(err)
	}
	return port
}

func TestARelayOnThisMachineNeedsNoCertificate(t *testing.T) {
	other, _ := certified(t, "snakeoil.example") // for another name, signed by itself
	for _, c := range []struct {
		name, user string
		change     func(*post)
		tls        bool
	}{
		{"no TLS, signing in", "user:" + password + "@", func(*post) {}, false},
		{"no TLS, LOGIN only", "user:" + password + "@", func(p *post) { p.offers = "AUTH LOGIN" }, false},
		{"no TLS, no sign-in", "", func(p *post) { p.offers = "-" }, false},
		{"STARTTLS with its own certificate", "", func(p *post) { p.tls = other }, true},
		{"STARTTLS, signing in", "user:" + password + "@", func(p *post) { p.tls = other }, true},
	} {
		for _, host := range []string{"127.0.0.1", "localhost"} {
			p := newPost(t, c.change)
			m := mailer(t, "smtp://"+c.user+host+":"+port(t, p))
			if err := m.Send(t.Context(), loss()); err != nil || len(p.taken()) != 1 || p.secure != c.tls {
				t.Errorf("%s, %s: %v, through TLS %v, it heard\n%s", c.name, host, err, p.secure, p.heard())
			}
			if signed := strings.Contains(p.heard(), "AUTH "); signed != (c.user != "") {
				t.Errorf("%s, %s: signed in is %v", c.name, host, signed)
			}
		}
	}
	p := newPost(t, func(p *post) { p.tls, p.implicit = other, true })
	if err := mailer(t, "smtps://127.0.0.1:"+port(t, p)).Send(t.Context(), loss()); err != nil || len(p.taken()) != 1 {
		t.Errorf("implicit TLS: %v", err)
	}
}

func TestANameThatOnlySoundsLocalIsNotTrusted(t *testing.T) {
	p := newPost(t)
	m := mailer(t, "smtp://user:"+password+"@localhost", elsewhere(p), func(m *Mail) {
		dial := m.dial
		m.dial = func(ctx context.Context, network, address string) (net.Conn, error) {
			c, err := dial(ctx, network, address)
			return far{c}, err
		}
	})
	if err := m.Send(t.Context(), loss()); err == nil || !strings.Contains(err.Error(), "which is not on this machine") || strings.Contains(p.heard(), "AUTH") {
		t.Errorf("%v, it heard\n%s", err, p.heard())
	}
}

// far is a connection to another machine.
type far struct{ net.Conn }

func (far) RemoteAddr() net.Addr { return &net.TCPAddr{IP: net.IPv4(10, 1, 2, 3), Port: 25} }

func TestEveryOfferedWayToSignInIsTried(t *testing.T) {
	server, client := certified(t, "mail.example.com")
	for _, c := range []struct{ offers, knows, used string }{
		{"AUTH PLAIN LOGIN", "PLAIN", "PLAIN"},
		{"AUTH LOGIN PLAIN", "LOGIN", "LOGIN"},
		{"AUTH CRAM-MD5 LOGIN PLAIN", "LOGIN PLAIN", "PLAIN"},
		{"AUTH CRAM-MD5 LOGIN PLAIN", "LOGIN", "LOGIN"},
		{"AUTH NTLM LOGIN", "LOGIN", "LOGIN"},
		{"AUTH login xoauth2", "LOGIN", "LOGIN"},
		{"AUTH CRAM-MD5", "", "CRAM-MD5"},
		{"AUTH SCRAM-SHA-256 SCRAM-SHA-1 PLAIN", "PLAIN", "PLAIN"},
		{"AUTH GSSAPI NTLM CRAM-MD5", "CRAM-MD5", "CRAM-MD5"},
	} {
		p := newPost(t, func(p *post) { p.tls, p.offers, p.knows = server, c.offers, c.knows })
		m := mailer(t, "smtp://user%40example.com:"+password+"@mail.example.com:587", elsewhere(p), func(m *Mail) { m.tls = client })
		if err := m.Send(t.Context(), loss()); err != nil || len(p.taken()) != 1 {
			t.Errorf("%s, of which it has %q: %v\n%s", c.offers, c.knows, err, p.heard())
		}
		tries := strings.Split(p.heard(), "AUTH ")
		if last := strings.Fields(tries[len(tries)-1])[0]; last != c.used {
			t.Errorf("%s: %s was used", c.offers, last)
		}
		if words, err := m.Check(t.Context()); err != nil || !strings.Contains(words, "accepts the sign-in") {
			t.Errorf("%s: check: %q, %v", c.offers, words, err)
		}
	}
}

func TestAWrongPasswordIsSentOnce(t *testing.T) {
	server, client := certified(t, "mail.example.com")
	p := newPost(t, func(p *post) { p.tls, p.refuse = server, "535 5.7.8 no" })
	m := mailer(t, "smtp://user:"+password+"@mail.example.com", elsewhere(p), func(m *Mail) { m.tls = client })
	if err := m.Send(t.Context(), loss()); err == nil || strings.Count(p.heard(), "AUTH ") != 1 {
		t.Errorf("%v\n%s", err, p.heard())
	}
}

func TestAFailureToSignInSaysWhatHelps(t *testing.T) {
	server, client := certified(t, "mail.example.com")
	for _, c := range []struct {
		name  string
		at    string
		post  func(*post)
		words []string
	}{
		{"none offered", "user:" + password + "@mail.example.com", func(p *post) { p.tls, p.offers = server, "-" }, []string{"it offers no sign-in", "Take USER:PASSWORD@ out of KVITT_SMTP_URL"}},
		{"none known", "user:" + password + "@mail.example.com", func(p *post) { p.tls, p.offers = server, "AUTH NTLM XOAUTH2" }, []string{"NTLM, XOAUTH2 only", "Kvitt knows SCRAM-SHA-256"}},
		{"none works", "user:" + password + "@mail.example.com", func(p *post) { p.tls, p.offers, p.knows = server, "AUTH CRAM-MD5 LOGIN", "-" }, []string{"it refuses every mechanism", "LOGIN: 504", "CRAM-MD5: 504"}},
		{"no TLS", "user:" + password + "@mail.example.com", func(*post) {}, []string{"requires TLS", "smtps://"}},
		{"another's certificate", "user:" + password + "@other.example.com", func(p *post) { p.tls = server }, []string{"certificate", "as its certificate does", "SSL_CERT_FILE"}},
	} {
		p := newPost(t, c.post)
		m := mailer(t, "smtp://"+c.at, elsewhere(p), func(m *Mail) {
			if c.name != "another's certificate" {
				m.tls = client
			}
		})
		_, checked := m.Check(t.Context())
		for _, err := range []error{checked, m.Send(t.Context(), loss())} {
			for _, words := range c.words {
				if err == nil || !strings.Contains(err.Error(), words) {
					t.Errorf("%s: %q is not in: %v", c.name, words, err)
				}
			}
		}
		if strings.Contains(p.heard(), password) && c.name != "none works" {
			t.Errorf("%s: the password was sent:\n%s", c.name, p.heard())
		}
	}
}

// The relays found in the field: c5-smtp.txt lists the mechanisms that each offers.
func TestTheRelaysOfTheFieldTakeMail(t *testing.T) {
	dir := os.Getenv("KVITT_REFERENCE_DIR")
	if dir == "" {
		return // the tables above cover them
	}
	b, err := os.ReadFile(filepath.Join(dir, "cases", "field", "c5-smtp.txt")) //nolint:gosec // a folder of the person who runs the tests
	if err != nil {
		t.Fatal(err)
	}
	var address string
	tried := 0
	server, client := certified(t, "mail.example.com")
	for line := range strings.Lines(string(b)) {
		if _, rest, ok := strings.Cut(line, "KVITT_SMTP_URL="); ok {
			address = strings.Fields(rest)[0]
			continue
		}
		_, offers, ok := strings.Cut(line, "250-")
		if !ok {
			continue
		}
		p := newPost(t, func(p *post) {
			switch local := strings.Contains(address, "127.0.0.1"); {
			case strings.HasPrefix(offers, "STARTTLS"):
				p.tls, p.offers = server, "-"
			case local:
				p.offers = strings.TrimSpace(offers)
			default:
				p.tls, p.offers, p.knows = server, strings.TrimSpace(offers), "LOGIN PLAIN"
			}
		})
		m := mailer(t, address, elsewhere(p), func(m *Mail) {
			if !m.local {
				m.tls = client
			}
		})
		if err := m.Send(t.Context(), loss()); err != nil || len(p.taken()) != 1 {
			t.Errorf("%s, %s: %v\n%s", address, strings.TrimSpace(offers), err, p.heard())
		}
		tried++
	}
	if tried < 4 {
		t.Errorf("%d relays were found in the file", tried)
	}
}
