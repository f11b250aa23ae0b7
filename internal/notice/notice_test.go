package notice_test

import (
	"encoding/json"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"kvitt/internal/notice"
)

var at = time.Date(2026, 3, 2, 12, 0, 0, 500, time.UTC)

func TestEachKindSaysWhatHappenedWhatHelpsAndWhereToLook(t *testing.T) {
	for _, c := range []struct {
		facts   notice.Facts
		subject string
		body    []string
	}{
		{
			notice.Facts{Kind: notice.ReauthRequired, Side: "klarna", Reason: "the key was\nrevoked.", Remedy: "Set a new one."},
			"Kvitt, Nordisk Webbhandel: Klarna needs to be authorised again",
			[]string{"Why: the key was revoked.", "What helps: Set a new one."},
		},
		{
			notice.Facts{Kind: notice.Recovered, Side: "visma", Resumed: 3},
			"Kvitt, Nordisk Webbhandel: Visma.net works again",
			[]string{"3 pieces of work that waited for it go on."},
		},
		{
			notice.Facts{Kind: notice.AuthorizationExpires, Side: "visma", Expires: at.AddDate(0, 0, 14)},
			"Kvitt, Nordisk Webbhandel: the authorisation of Visma.net expires soon",
			[]string{"expires in 14 days, on 2026-03-16", "starter connection authorize c1"},
		},
		{
			notice.Facts{Kind: notice.PayoutsHeld, Payouts: map[string]int64{"approval": 2, "period_closed": 1, "account_unknown": 3}},
			"Kvitt, Nordisk Webbhandel: something waits for a person",
			[]string{"2 payouts await approval. 4 payouts are held: account_unknown 3, period_closed 1."},
		},
		{
			notice.Facts{Kind: notice.PayoutsHeld, Reversals: map[string]int64{"period_closed": 1}, Accruals: map[string]int64{"batch_differs": 2}},
			"Kvitt, Nordisk Webbhandel: something waits for a person",
			[]string{
				"1 reversal is held: period_closed 1. 2 accruals are held: batch_differs 2.",
				"`starter payout list c1`, which marks payouts whose reversal is held; `starter accrue c1 --list`.",
			},
		},
		{
			notice.Facts{Kind: notice.PayoutsHeld, Others: map[string]int64{"rejected": 1, "period_closed": 2}},
			"Kvitt, Nordisk Webbhandel: something waits for a person",
			[]string{"3 other vouchers are held: period_closed 2, rejected 1.", "`starter report held c1`"},
		},
		{
			notice.Facts{Kind: notice.NotTakenBack, NotTakenBack: 1},
			"Kvitt, Nordisk Webbhandel: an accrual was not taken back",
			[]string{"1 accrual was not taken back by Visma.net", "`starter accrue c1 --list`"},
		},
		{
			notice.Facts{Kind: notice.DueMissing, Missing: &notice.Missing{Currency: "SEK", Due: "2026-02-26", GapDays: 3, Last: "2026-02-23"}},
			"Kvitt, Nordisk Webbhandel: a payout was due and has not come",
			[]string{"A payout in SEK was due on 2026-02-26, after one every 3 days until 2026-02-23, and has not come."},
		},
		{
			notice.Facts{Kind: notice.SyncLate, Since: at.Add(-27 * time.Hour), Limit: 26 * time.Hour},
			"Kvitt, Nordisk Webbhandel: no sync has succeeded for too long",
			[]string{"The last successful sync ended at 2026-03-01 09:00Z; the limit is 26 h.", "starter doctor"},
		},
	} {
		t.Run(string(c.facts.Kind), func(t *testing.T) {
			c.facts.ID, c.facts.Connection, c.facts.At = "id", "c1", at
			n := notice.Compose(&c.facts, "Nordisk Webbhandel", "https://kvitt.example.com")
			if n.Subject() != c.subject {
				t.Errorf("subject %q", n.Subject())
			}
			for _, words := range append(c.body, "\nhttps://kvitt.example.com/connections/c1\n", "Code: "+string(c.facts.Kind)) {
				if !strings.Contains(n.Text(), words) {
					t.Errorf("%q is not in:\n%s", words, n.Text())
				}
			}
		})
	}
}

func TestANoticeIsThisJSON(t *testing.T) {
	n := notice.Compose(&notice.Facts{ID: "i", Kind: notice.Recovered, Connection: "c1", Side: "klarna", At: at}, "Shop", "http://127.0.0.1:8088")
	got, err := json.Marshal(n)
	if err != nil {
		t.Fatal(err)
	}
	want := `{"id":"i","kind":"recovered","connection":"c1","name":"Shop","side":"klarna","happened":"Klarna works again.",` +
		`"helps":"Nothing needs to be done.","link":"http://127.0.0.1:8088/connections/c1","at":"2026-03-02T12:00:00Z"}`
	if diff := cmp.Diff(want, string(got)); diff != "" {
		t.Error(diff)
	}
}

func TestANameThatCouldWriteHeadersIsRefused(t *testing.T) {
	for _, name := range []string{"Shop\r\nBcc: thief@example.com", "Shop\nX: y", "Shop\x00", "Shop\u2028x", " ", strings.Repeat("x", 201)} {
		if notice.CheckName(name) == nil {
			t.Errorf("%q is a name", name)
		}
		n := notice.Compose(&notice.Facts{Kind: notice.Test, Connection: "c1", At: at}, name, "http://localhost")
		if n.Name != "c1" || n.Subject() != "Kvitt, c1: this is a test" {
			t.Errorf("%q went into the message: %q", name, n.Subject())
		}
	}
	if err := notice.CheckName("Åhléns & Söner AB – webb"); err != nil {
		t.Error(err)
	}
}

func TestAnIDIsSafeInEveryHeader(t *testing.T) {
	got := notice.ID(notice.ReauthRequired, "k3x9-m2qp", "visma\r\n<x>", notice.Stamp(at))
	if want := "reauth_required-k3x9-m2qp-visma---x--20260302T120000-000Z"; got != want {
		t.Errorf("%s, want %s", got, want)
	}
}

func TestABegunDayCounts(t *testing.T) {
	for want, left := range map[int]time.Duration{14: 14 * 24 * time.Hour, 1: time.Minute, 0: 0, -1: -25 * time.Hour} {
		if got := notice.Days(at, at.Add(left)); got != want {
			t.Errorf("%s are %d days, want %d", left, got, want)
		}
	}
}
