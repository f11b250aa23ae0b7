package service

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"go.uber.org/zap"
	"go.uber.org/zap/zaptest/observer"

	"kvitt/internal/config"
	"kvitt/internal/signin"
	"kvitt/internal/vault"
	"kvitt/internal/web"
)

const password = "a long password"

// cookieKnows is a gate that recognises people by their cookie.
type cookieKnows struct{}

func (cookieKnows) Known(r *http.Request, _ signin.Role) bool {
	c, err := r.Cookie("session")
	return err == nil && c.Value == "good"
}

func newCodec(t *testing.T, auth config.CodecAuth) (http.Handler, *observer.ObservedLogs) {
	t.Helper()
	keyset, err := vault.NewKeyset()
	if err != nil {
		t.Fatal(err)
	}
	keys, err := vault.Open(keyset)
	if err != nil {
		t.Fatal(err)
	}
	core, logs := observer.New(zap.InfoLevel)
	p := &parts{keys: keys, log: zap.New(core), config: &config.Config{CodecAuth: auth, CodecPassword: password, UIOrigin: "http://127.0.0.1:8233"}}
	return web.Watch("portal", p.log, p.codec(cookieKnows{})), logs
}

// decode sends a decode request without payloads, from an address.
func decode(h http.Handler, from string, change func(*http.Request)) *httptest.ResponseRecorder {
	r := httptest.NewRequest(http.MethodPost, "/codec/decode", strings.NewReader(`{"payloads":[]}`))
	r.RemoteAddr = from
	change(r)
	w := httptest.NewRecorder()
	h.ServeHTTP(w, r)
	return w
}

func TestTheCodecsPasswordIsNotGuessedAtWithoutEnd(t *testing.T) {
	h, logs := newCodec(t, config.CodecPassword)
	with := func(word string) func(*http.Request) { return func(r *http.Request) { r.SetBasicAuth("x", word) } }
	var wrong, hurried int
	for range 100 {
		switch decode(h, "192.0.2.1:5", with("wrong")).Code {
		case http.StatusUnauthorized:
			wrong++
		case http.StatusTooManyRequests:
			hurried++
		}
	}
	if wrong != guesses || hurried != 100-guesses {
		t.Errorf("%d wrong passwords were checked, %d were not", wrong, hurried)
	}
	if got := decode(h, "192.0.2.1:6", with(password)).Code; got != http.StatusTooManyRequests {
		t.Errorf("the address with the wrong passwords may go on: %d", got)
	}
	for range 1000 { // the right password is not counted
		if got := decode(h, "192.0.2.2:5", with(password)); got.Code != http.StatusOK {
			t.Fatalf("the right password is answered %d %s", got.Code, got.Body)
		}
	}
	if logs.FilterMessage("refused").FilterField(zap.String("reason", "codec")).FilterField(zap.String("from", "192.0.2.1")).Len() != guesses ||
		logs.FilterMessage("refused").FilterField(zap.String("reason", "rate")).Len() != 96 {
		t.Errorf("%v", logs.All())
	}
}

func TestWrongCodecPasswordsFromManyAddressesAreLimited(t *testing.T) {
	h, _ := newCodec(t, config.CodecPassword)
	looked := 0
	begun := time.Now()
	for i := range 200 {
		r := decode(h, "198.51.100."+string(rune('0'+i%10))+":1", func(r *http.Request) { r.RemoteAddr = strings.Repeat("x", i); r.SetBasicAuth("x", "wrong") })
		if r.Code == http.StatusUnauthorized {
			looked++
		}
	}
	if most := guessesOfAll + int(time.Since(begun)/ofAllEvery) + 1; looked > most {
		t.Errorf("%d wrong passwords were checked, want at most %d", looked, most)
	}
}

func TestTheCodecRefusesAndTellsInEveryWay(t *testing.T) {
	for name, c := range map[string]struct {
		auth   config.CodecAuth
		change func(*http.Request)
		status int
	}{
		"session":     {config.CodecSession, func(r *http.Request) { r.AddCookie(&http.Cookie{Name: "session", Value: "good"}) }, 200},
		"no session":  {config.CodecSession, func(*http.Request) {}, 401},
		"no password": {config.CodecPassword, func(*http.Request) {}, 401},
		"loopback":    {config.CodecLoopback, func(r *http.Request) { r.RemoteAddr = "127.0.0.1:9" }, 200},
		"elsewhere":   {config.CodecLoopback, func(*http.Request) {}, 401},
		"another origin": {config.CodecSession, func(r *http.Request) {
			r.AddCookie(&http.Cookie{Name: "session", Value: "good"})
			r.Header.Set("Origin", "https://evil.example")
		}, 403},
	} {
		h, logs := newCodec(t, c.auth)
		answer := decode(h, "192.0.2.1:5", c.change)
		logged := logs.FilterMessage("refused").FilterField(zap.String("reason", "codec")).Len()
		if answer.Code != c.status || (logged == 1) != (c.status != 200) {
			t.Errorf("%s: %d, logged %d times: %s", name, answer.Code, logged, answer.Body)
		}
	}
}

func TestNothingIsServedWhereTheCodecIsOff(t *testing.T) {
	p := &parts{config: &config.Config{CodecAuth: config.CodecOff}}
	if p.codec(cookieKnows{}) != nil {
		t.Error("there is a codec")
	}
}
