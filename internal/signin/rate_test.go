package signin_test

import (
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"testing"
	"time"

	"kvitt/internal/signin"
)

func (h *house) hurried(a answer) bool {
	h.t.Helper()
	if a.status != http.StatusTooManyRequests {
		return false
	}
	seconds, err := strconv.Atoi(a.header.Get("Retry-After"))
	if err != nil || seconds < 1 || !strings.Contains(a.body, "problem=rate_limited") {
		h.t.Errorf("Retry-After is %q: %s", a.header.Get("Retry-After"), a.body)
	}
	return true
}

func TestOneAddressMayNotTryWithoutEnd(t *testing.T) {
	for name, try := range map[string]func(b *browser, i int) answer{
		"links":      func(b *browser, i int) answer { return b.post("/signin/link", form("token", fmt.Sprint("x", i))) },
		"beginnings": func(b *browser, _ int) answer { return b.get("/signin/oidc") },
		"ends":       func(b *browser, _ int) answer { return b.get("/signin/callback?state=x&code=y") },
	} {
		t.Run(name, func(t *testing.T) {
			h := newHouse(t)
			b := h.browser()
			n := 0
			for n < 100 && !h.hurried(try(b, n)) {
				n++
			}
			if n != 20 {
				t.Errorf("%d were let through", n)
			}
			b.from = "192.0.2.7:999" // another port is the same address
			if !h.hurried(try(b, 101)) {
				t.Error("another port is another address")
			}
			b.from = "192.0.2.8:999"
			if h.hurried(try(b, 102)) {
				t.Error("somebody else has to wait too")
			}
			b.from = "192.0.2.7:999"
			h.clock.pass(3 * time.Second)
			if h.hurried(try(b, 103)) || !h.hurried(try(b, 104)) {
				t.Error("one more every three seconds is what is let through")
			}
		})
	}
}

func TestWhoFailsKeepsNobodyElseOut(t *testing.T) {
	h := newHouse(t)
	token := h.invite("anna@example.com", signin.Viewer)
	b := h.browser()
	h.known("bo@example.com", signin.Viewer)
	h.op.email = "bo@example.com"
	back := b.atProvider("/signin/oidc")
	for i := range 100 {
		junk := h.browser()
		junk.post("/signin/link", form("token", fmt.Sprint("x", i)))
		junk.get("/signin/callback?state=x&code=y")
	}
	h.want(h.browser().post("/signin/link", form("token", token)), http.StatusSeeOther, "")
	h.want(b.get(back), http.StatusSeeOther, "")
	if !h.hurried(h.browser().post("/signin/link", form("token", token))) {
		t.Error("a link that was used is tried without end")
	}
}

func TestAnIPv6CustomerIsOneAddress(t *testing.T) {
	h := newHouse(t)
	b := h.browser()
	for i := range 20 {
		b.from = fmt.Sprintf("[2001:db8:1:2::%x]:1", i+1)
		h.want(b.get("/signin/oidc"), http.StatusSeeOther, "")
	}
	b.from = "[2001:db8:1:2:ffff::1]:1"
	if !h.hurried(b.get("/signin/oidc")) {
		t.Error("another address of the same network was let through")
	}
}

func TestOneLinkAndOneAddressOfMailMayNotBeTriedFromEverywhere(t *testing.T) {
	h := newHouse(t)
	h.known("anna@example.com", signin.Viewer)
	h.op.email = "stranger@example.com"
	for name, try := range map[string]func(b *browser) answer{
		"link":   func(b *browser) answer { return b.post("/signin/link", form("token", "the-same")) },
		"e-mail": func(b *browser) answer { return b.get(b.atProvider("/signin/oidc")) },
	} {
		before, n := len(h.trail()), 0
		for ; n < 50; n++ {
			b := h.browser()
			b.from = fmt.Sprintf("198.51.100.%d:1", n)
			if h.hurried(try(b)) {
				break
			}
		}
		if n != 10 {
			t.Errorf("%s: %d were let through", name, n)
		}
		if name == "e-mail" && len(h.trail())-before != 10 {
			t.Errorf("the trail got %d entries", len(h.trail())-before)
		}
	}
}
