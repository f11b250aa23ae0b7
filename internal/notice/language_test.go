package notice_test

import (
	"encoding/json"
	"regexp"
	"strings"
	"testing"
	"time"

	"kvitt/internal/lang"
	"kvitt/internal/notice"
)

// every kind of notice, with all that it may say.
var every = []notice.Facts{
	{Kind: notice.ReauthRequired, Side: "klarna", Reason: "401", Remedy: ""},
	{Kind: notice.Recovered, Side: "visma", Resumed: 3},
	{Kind: notice.AuthorizationExpires, Side: "visma", Expires: at.Add(14 * 24 * time.Hour)},
	{
		Kind: notice.PayoutsHeld, Payouts: map[string]int64{"approval": 2, "period_closed": 1}, Reversals: map[string]int64{"rejected": 1},
		Accruals: map[string]int64{"rejected": 2},
	},
	{Kind: notice.PayoutsHeld, Others: map[string]int64{"rejected": 1}},
	{Kind: notice.PayoutsHeld, Others: map[string]int64{"rejected": 2}},
	{Kind: notice.NotTakenBack, NotTakenBack: 2},
	{Kind: notice.DueMissing, Missing: &notice.Missing{Currency: "SEK", Due: "2026-03-01", GapDays: 7, Last: "2026-02-22"}},
	{Kind: notice.SyncLate, Since: at.Add(-27 * time.Hour), Limit: 26 * time.Hour},
	{Kind: notice.SyncLate, Since: at.Add(-27 * time.Hour), Limit: 26 * time.Hour, Never: true},
	{Kind: notice.Test},
}

var english = regexp.MustCompile(`(?i)\b(the|of|and|is|are|that|with|which|not|payouts?|needs|again|look|why|what)\b`)

func TestMailsAreWhollyInTheCompanysLanguage(t *testing.T) {
	commands := regexp.MustCompile("`[^`]*`|https?://\\S+|Code: \\S+")
	for _, l := range lang.Languages()[1:] {
		for i := range every {
			f := every[i]
			f.ID, f.Connection, f.At = "id", "c1", at
			n := notice.ComposeFor(notice.Reader{Language: l}, &f, "Garn", "https://kvitt.example.com")
			text := commands.ReplaceAllString(n.Subject()+"\n"+n.Text(), "")
			text = regexp.MustCompile(`(Kod|Kode): \S+`).ReplaceAllString(text, "")
			if found := english.FindString(text); found != "" {
				t.Errorf("%s, %s: %q is English in:\n%s", l, f.Kind, found, text)
			}
			body, err := json.Marshal(n)
			plain, _ := json.Marshal(notice.Compose(&f, "Garn", "https://kvitt.example.com"))
			if err != nil || string(body) != string(plain) {
				t.Errorf("%s, %s: a program gets %s instead of %s: %v", l, f.Kind, body, plain, err)
			}
		}
	}
}

func TestDaysAndTimesOfANoticeAreTheCompanys(t *testing.T) {
	zone, err := time.LoadLocation("Europe/Stockholm")
	if err != nil {
		t.Fatal(err)
	}
	to := notice.Reader{Zone: zone}
	for _, c := range []struct {
		moment  time.Time
		day, at string
	}{
		{time.Date(2026, 1, 31, 23, 30, 0, 0, time.UTC), "2026-02-01", "2026-02-01 00:30 CET"},
		{time.Date(2026, 12, 31, 23, 30, 0, 0, time.UTC), "2027-01-01", "2027-01-01 00:30 CET"},
		{time.Date(2026, 3, 28, 23, 30, 0, 0, time.UTC), "2026-03-29", "2026-03-29 00:30 CET"},
		{time.Date(2026, 10, 24, 22, 30, 0, 0, time.UTC), "2026-10-25", "2026-10-25 00:30 CEST"},
		{time.Date(2026, 10, 25, 23, 30, 0, 0, time.UTC), "2026-10-26", "2026-10-26 00:30 CET"},
		{time.Date(2026, 3, 29, 22, 30, 0, 0, time.UTC), "2026-03-30", "2026-03-30 00:30 CEST"},
	} {
		expires := notice.ComposeFor(to, &notice.Facts{Kind: notice.AuthorizationExpires, Side: "visma", Expires: c.moment, At: at}, "Garn", "")
		late := notice.ComposeFor(to, &notice.Facts{Kind: notice.SyncLate, Since: c.moment, Limit: time.Hour, At: c.moment}, "Garn", "")
		if !strings.Contains(expires.Text(), c.day) || !strings.Contains(late.Text(), "ended at "+c.at) || !strings.Contains(late.Text(), "Kvitt, "+c.at) {
			t.Errorf("%s:\n%s\n%s", c.moment, expires.Text(), late.Text())
		}
	}
}
