package notify

import (
	"context"
	"fmt"
	"io"
	"mime"
	"mime/quotedprintable"
	"net"
	"net/mail"
	"strings"
	"testing"
	"time"

	"kvitt/internal/notice"
	"kvitt/internal/vault"
)

const password = "mail-password-canary"

func loss() *notice.Notice {
	n := notice.Compose(&notice.Facts{
		ID: "reauth_required-c1-klarna-20260302T120000-000Z", Kind: notice.ReauthRequired, Connection: "c1", Side: "klarna",
		At: time.Date(2026, 3, 2, 12, 0, 0, 0, time.UTC), Reason: "the key was revoked", Remedy: "Set a new one.",
	}, "Åhléns", "https://kvitt.example.com")
	return &n
}

func mailer(t *testing.T, server string, adjust ...func(*Mail)) *Mail {
	t.Helper()
	m, err := NewMail(vault.Secret(server), "Kvitt <kvitt@example.com>", []string{"anna@example.com", "books@example.com"})
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range adjust {
		f(m)
	}
	return m
}

// elsewhere makes a mailer reach the fake server under any host name.
func elsewhere(p *post) func(*Mail) {
	return func(m *Mail) {
		m.dial = func(ctx context.Context, _, _ string) (net.Conn, error) {
			return new(net.Dialer).DialContext(ctx, "tcp", p.address())
		}
	}
}

func TestAMailSaysWhatHappenedAndWhyAndNeedsNoReply(t *testing.T) {
	p := newPost(t)
	m := mailer(t, "smtp://"+p.address())
	for range 2 { // as a retry would
		if err := m.Send(t.Context(), loss()); err != nil {
			t.Fatal(err)
		}
	}
	taken := p.taken()
	if len(taken) != 2 {
		t.Fatalf("%d mails", len(taken))
	}
	got, err := mail.ReadMessage(strings.NewReader(taken[0]))
	if err != nil {
		t.Fatal(err)
	}
	for name, want := range map[string]string{
		"Message-Id": "<reauth_required-c1-klarna-20260302T120000-000Z@example.com>", "Auto-Submitted": "auto-generated",
		"List-Id": "Kvitt notifications <kvitt-notifications.example.com>", "Date": "Mon, 02 Mar 2026 12:00:00 +0000", "X-Kvitt-Kind": "reauth_required",
		"From": `"Kvitt" <kvitt@example.com>`, "To": "<anna@example.com>, <books@example.com>",
	} {
		if got.Header.Get(name) != want {
			t.Errorf("%s: %q, want %q", name, got.Header.Get(name), want)
		}
	}
	if subject, err := new(mime.WordDecoder).DecodeHeader(got.Header.Get("Subject")); err != nil || subject != "Kvitt, Åhléns: Klarna needs to be authorised again" {
		t.Errorf("subject %q, %v", subject, err)
	}
	body, err := io.ReadAll(quotedprintable.NewReader(got.Body))
	if err != nil || !strings.Contains(strings.ReplaceAll(string(body), "\r\n", "\n"), "What helps: Set a new one.\n\nhttps://kvitt.example.com/connections/c1\n") {
		t.Errorf("%v\n%s", err, body)
	}
	again, err := mail.ReadMessage(strings.NewReader(taken[1]))
	if err != nil || again.Header.Get("Message-Id") != got.Header.Get("Message-Id") {
		t.Errorf("a retry cannot be recognised: %v", err)
	}
	for _, to := range []string{"RCPT TO:<anna@example.com>", "RCPT TO:<books@example.com>"} {
		if !strings.Contains(p.heard(), to) {
			t.Errorf("no %s", to)
		}
	}
}

func TestBeyondThisMachineNothingIsSaidInTheClear(t *testing.T) {
	p := newPost(t) // offers no STARTTLS
	for _, user := range []string{"", "kvitt:" + password + "@"} {
		if err := mailer(t, "smtp://"+user+"mail.example.com", elsewhere(p)).Send(t.Context(), loss()); err == nil {
			t.Error("it was sent")
		}
	}
	if heard := p.heard(); strings.Contains(heard, "AUTH") || strings.Contains(heard, "MAIL") {
		t.Errorf("it said:\n%s", heard)
	}
}

func TestMailUsesTLSWhereItIsOffered(t *testing.T) {
	server, client := certified(t, "mail.example.com")
	trust := func(m *Mail) { m.tls = client }
	p := newPost(t, func(p *post) { p.tls = server })
	m := mailer(t, "smtp://kvitt:"+password+"@mail.example.com", elsewhere(p), trust)
	if err := m.Send(t.Context(), loss()); err != nil || len(p.taken()) != 1 || !p.secure || !strings.Contains(p.heard(), "AUTH") {
		t.Errorf("STARTTLS: %v, through TLS %v, it heard\n%s", err, p.secure, p.heard())
	}
	if words, err := m.Check(t.Context()); err != nil || words != "mail.example.com answers and accepts the sign-in; nothing was sent" || !strings.Contains(p.heard(), "NOOP") || len(p.taken()) != 1 {
		t.Errorf("check: %q, %v", words, err)
	}
	unknown := mailer(t, "smtp://kvitt:"+password+"@mail.example.com", elsewhere(p))
	if err := unknown.Send(t.Context(), loss()); err == nil {
		t.Error("an untrusted certificate was accepted")
	}
	local, trusted := certified(t, "localhost")
	p = newPost(t, func(p *post) { p.tls, p.implicit = local, true })
	_, port, err := net.SplitHostPort(p.address())
	if err != nil {
		t.Fatal(err)
	}
	m = mailer(t, "smtps://localhost:"+port, func(m *Mail) { m.tls = trusted })
	if err := m.Send(t.Context(), loss()); err != nil || len(p.taken()) != 1 || !p.secure {
		t.Errorf("implicit TLS: %v, through TLS %v", err, p.secure)
	}
}

func TestAServerThatRefusesIsNamedAndThePasswordIsNot(t *testing.T) {
	server, client := certified(t, "mail.example.com")
	p := newPost(t, func(p *post) { p.tls, p.refuse = server, "535 no such user as kvitt with "+password })
	m := mailer(t, "smtp://kvitt:"+password+"@mail.example.com", elsewhere(p), func(m *Mail) { m.tls = client })
	_, checked := m.Check(t.Context())
	sent := m.Send(t.Context(), loss())
	_ = p.listener.Close()
	dead := m.Send(t.Context(), loss())
	if checked == nil || !strings.Contains(checked.Error(), `535 "no such user`) {
		t.Errorf("the server's answer is lost: %v", checked)
	}
	for _, err := range []error{checked, sent, dead} {
		if err == nil {
			t.Fatal("it worked")
		}
		if words := fmt.Sprintf("%v %+v %#v %v %+v", err, err, err, m, m); strings.Contains(words, password) || !strings.Contains(words, "mail.example.com") {
			t.Error(words)
		}
	}
}

func TestANameWithALineBreakInjectsNoHeader(t *testing.T) {
	p := newPost(t)
	m := mailer(t, "smtp://"+p.address())
	n := loss()
	n.Name = "Shop\r\nBcc: thief@example.com"
	if err := m.Send(t.Context(), n); err == nil || len(p.taken()) != 0 {
		t.Errorf("it was sent: %v\n%s", err, p.taken())
	}
	composed := notice.Compose(&notice.Facts{ID: "i", Kind: notice.Test, Connection: "c1"}, n.Name, "http://localhost")
	if err := m.Send(t.Context(), &composed); err != nil || len(p.taken()) != 1 || strings.Contains(p.taken()[0], "thief") {
		t.Errorf("%v\n%s", err, p.taken())
	}
}
