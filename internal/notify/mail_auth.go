package notify

import (
	"errors"
	"fmt"
	"net/textproto"
	"slices"
	"strings"

	gomail "github.com/wneessen/go-mail"
	"github.com/wneessen/go-mail/smtp"
)

// mechanisms are the ways to sign in, in the order in which they are tried. Mechanisms that send the
// password to the server come before CRAM-MD5, which many servers offer and few support: the server is
// meant to know the password, and nobody else sees it, since the connection uses TLS or stays on this
// machine.
var mechanisms = []struct {
	name  string
	shows bool // sends the password, so a refusal is about the password
	start func(user, password, host string) smtp.Auth
}{
	{"SCRAM-SHA-256", false, func(user, password, _ string) smtp.Auth { return smtp.ScramSHA256Auth(user, password) }},
	{"SCRAM-SHA-1", false, func(user, password, _ string) smtp.Auth { return smtp.ScramSHA1Auth(user, password) }},
	{"PLAIN", true, func(user, password, host string) smtp.Auth { return smtp.PlainAuth("", user, password, host, true) }},
	{"LOGIN", true, func(user, password, host string) smtp.Auth { return smtp.LoginAuth(user, password, host, true) }},
	{"CRAM-MD5", false, func(user, password, _ string) smtp.Auth { return smtp.CRAMMD5Auth(user, password) }},
}

// signedIn runs do with a client that signs in if there is a user, and again with the next mechanism when
// the server does not support one that it offers.
func (m *Mail) signedIn(do func(*gomail.Client) error) error {
	if m.user == "" {
		return m.once(nil, do)
	}
	var refused []string // the mechanisms
	var said []string    // the server's answer to each
	for {
		t := &try{mail: m, not: refused}
		err := m.once(t, do)
		if err == nil || !t.another(err) {
			if len(said) > 0 && err != nil {
				return fmt.Errorf("%w (before that, %s)", err, strings.Join(said, "; "))
			}
			return err
		}
		refused, said = append(refused, t.name), append(said, t.name+": "+t.answer(err))
	}
}

func (m *Mail) once(auth smtp.Auth, do func(*gomail.Client) error) error {
	client, hangUp, err := m.client(auth)
	if err != nil {
		return err
	}
	defer hangUp()
	return do(client)
}

// try signs in with the first mechanism that the server offers and that was not refused before. It is good
// for one connection.
type try struct {
	smtp.Auth
	mail  *Mail
	not   []string
	name  string
	shows bool
	done  bool // the server has accepted the sign-in
}

// Start chooses the mechanism.
func (t *try) Start(server *smtp.ServerInfo) (mechanism string, first []byte, err error) {
	if !server.TLS && !t.mail.implicit && !t.mail.local { // the library stops before this
		return "", nil, errors.New("the connection is not encrypted")
	}
	var known []string
	for _, m := range mechanisms {
		known = append(known, m.name)
		if offered(server, m.name) && !slices.Contains(t.not, m.name) {
			t.name, t.shows, t.Auth = m.name, m.shows, m.start(t.mail.user, t.mail.password, t.mail.host)
			return t.Auth.Start(server)
		}
	}
	switch {
	case len(server.Auth) == 0:
		return "", nil, &nobodyKnowsError{"it offers no sign-in", "Take USER:PASSWORD@ out of KVITT_SMTP_URL if the server asks for none, or use the port that people's mail programs use: 587, or smtps://…:465"}
	case len(t.not) == 0:
		return "", nil, &nobodyKnowsError{
			"it offers to sign in with " + strings.Join(server.Auth, ", ") + " only, and Kvitt knows " + strings.Join(known, ", "),
			"Let the server offer one of these, or send through another one",
		}
	}
	return "", nil, &nobodyKnowsError{"it refuses every mechanism that it offers and Kvitt supports", "Let the server have one of " + strings.Join(known, ", ") + ", or check user and password in KVITT_SMTP_URL"}
}

func offered(server *smtp.ServerInfo, mechanism string) bool {
	return slices.ContainsFunc(server.Auth, func(s string) bool { return strings.EqualFold(s, mechanism) })
}

// Next records that the server has accepted the sign-in.
func (t *try) Next(from []byte, more bool) ([]byte, error) {
	answer, err := t.Auth.Next(from, more)
	t.done = !more && err == nil
	return answer, err
}

// another reports whether the next mechanism may succeed: this one was refused permanently, and not
// because of a password that the server has seen.
func (t *try) another(err error) bool {
	var said *textproto.Error
	if t.name == "" || t.done || !errors.As(err, &said) {
		return false
	}
	return said.Code >= 500 && said.Code != 535 || said.Code == 535 && !t.shows
}

func (t *try) answer(err error) string {
	var said *textproto.Error
	if errors.As(err, &said) {
		return said.Error()
	}
	return err.Error()
}

// nobodyKnowsError means that server and Kvitt have no mechanism to sign in in common.
type nobodyKnowsError struct{ words, helps string }

func (e *nobodyKnowsError) Error() string { return e.words }
