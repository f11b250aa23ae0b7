package cli

import (
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"kvitt/internal/notice"
	"kvitt/internal/store"
	"kvitt/workflows"
)

const hookSecret = "webhook-secret-canary-0123456789"

// hook receives what is posted.
func hook(t *testing.T, status int) *[]notice.Notice {
	t.Helper()
	var all []notice.Notice
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		var n notice.Notice
		if body, err := io.ReadAll(r.Body); err != nil || json.Unmarshal(body, &n) != nil || r.Header.Get("webhook-signature") == "" {
			t.Errorf("%v %s", err, body)
		}
		all = append(all, n)
		w.WriteHeader(status)
	}))
	t.Cleanup(server.Close)
	t.Setenv("KVITT_WEBHOOK_URL", server.URL+"/token-canary")
	t.Setenv("KVITT_WEBHOOK_SECRET", hookSecret)
	return &all
}

func TestNotifyTestReachesEveryChannelAndSaysWhichDidNotTakeIt(t *testing.T) {
	d := newDesk(t)
	contains(t, d.fails(ExitFailed, "notify", "test"), "there is no channel to send it to. Set KVITT_SMTP_URL")
	all := hook(t, http.StatusNoContent)
	contains(t, d.want(d.run("notify", "test"), ExitDone).out, "ok  webhook  took the message test-20260302T120000-000Z-K3X9M2QP")
	if len(*all) != 1 || (*all)[0].Kind != notice.Test || (*all)[0].Link != "http://127.0.0.1:8088" {
		t.Errorf("%+v", *all)
	}
	hook(t, http.StatusInternalServerError)
	t.Setenv("KVITT_SMTP_URL", "smtp://kvitt:hemligt-canary@127.0.0.1:1")
	t.Setenv("KVITT_MAIL_FROM", "kvitt@example.com")
	t.Setenv("KVITT_MAIL_TO", "anna@example.com")
	s := d.run("notify", "test", "--output", "json")
	if got := results(document[[]check](t, s)); s.status != ExitFailed || got != "mail=failed webhook=failed" {
		t.Errorf("exit status %d, %s", s.status, got)
	}
	if strings.Contains(s.out+s.err, "canary") {
		t.Errorf("a secret shows:\n%s%s", s.out, s.err)
	}
}

func TestDoctorChecksTheChannelsWithoutSending(t *testing.T) {
	d := newDesk(t)
	vismaClock(t, noon)
	all := hook(t, http.StatusNoContent)
	t.Setenv("KVITT_SMTP_URL", "smtp://kvitt:hemligt-canary@127.0.0.1:1")
	t.Setenv("KVITT_MAIL_FROM", "kvitt@example.com")
	t.Setenv("KVITT_MAIL_TO", "anna@example.com")
	s := d.run("doctor", "--output", "json")
	contains(t, results(document[[]check](t, s)), "mail=failed webhook=ok")
	if len(*all) != 0 || strings.Contains(s.out+s.err, "canary") {
		t.Errorf("it sent %v, or shows a secret:\n%s%s", *all, s.out, s.err)
	}
}

func TestDoctorWarnsOfAConsentThatEnds(t *testing.T) {
	for days, want := range map[int]string{-1: "authorization=warning", 14: "authorization=warning", 15: "authorization=ok", 0: ""} {
		d := newDesk(t)
		vismaClock(t, noon)
		d.connected("shop-1", func(c *store.Connection) {
			side := workflows.Side{State: workflows.SideConnected, Since: noon}
			if days != 0 {
				side.Expires = noon.AddDate(0, 0, days)
			}
			c.Visma = d.json(side)
		})
		all := document[[]check](t, d.run("doctor", "--output", "json"))
		got := results(all)
		if !strings.Contains(got, want) || want == "" && strings.Contains(got, "authorization") {
			t.Errorf("%d days left: %s", days, got)
		}
		if days == 14 {
			for _, c := range all {
				if c.Check == "authorization" && (c.Words != "It expires in 14 days, on 2026-03-16." || !strings.Contains(c.Remedy, "starter connection authorize shop-1")) {
					t.Errorf("%+v", c)
				}
			}
		}
	}
}

func TestShowTellsWhenAConsentEnds(t *testing.T) {
	d := newDesk(t)
	d.connected("shop-1", func(c *store.Connection) {
		c.Visma = d.json(workflows.Side{State: workflows.SideConnected, Since: noon, Flow: "interactive", Expires: noon.AddDate(1, 0, 0)})
	})
	contains(t, d.want(d.run("connection", "show", "shop-1"), ExitDone).out, "the authorisation expires 2027-03-02")
}

func TestANameThatCouldWriteHeadersIsNotCreated(t *testing.T) {
	d := newDesk(t)
	contains(t, d.fails(ExitUsage, "connection", "create", "--name", "Shop\r\nBcc: thief@example.com"), "line break")
}
