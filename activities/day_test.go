package activities

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"
	"time"

	"kvitt/internal/access"
	"kvitt/internal/archive"
	"kvitt/internal/config"
	"kvitt/internal/notice"
	"kvitt/internal/settlement"
	"kvitt/internal/store"
	"kvitt/internal/voucher"
	"kvitt/workflows"
)

// lateDays are payouts whose day in Stockholm is not that of UTC: at the end of a
// month and of a year, and where the clock changes.
var lateDays = map[string]string{
	"2026-01-31T23:30:00Z": "2026-02-01", "2026-12-31T23:30:00Z": "2027-01-01", "2026-03-28T23:30:00Z": "2026-03-29",
	"2026-03-29T22:30:00Z": "2026-03-30", "2026-10-24T22:30:00Z": "2026-10-25", "2026-10-25T23:30:00Z": "2026-10-26",
}

// What a sync lists and misses, the mail about it, and what hangs on the batch have the
// day of the voucher.
func TestAPayoutHasTheCompanysDayInListingsMailsAndOnItsBatch(t *testing.T) {
	for at, day := range lateDays {
		t.Run(at, func(t *testing.T) {
			date, err := time.Parse(time.RFC3339, at)
			if err != nil {
				t.Fatal(err)
			}
			s := shopStore(t, "auto")
			document, err := voucher.Preset("se-bas")
			if err != nil {
				t.Fatal(err)
			}
			if _, err := s.AddProfile(t.Context(), "c1", document, "h1", "anna"); err != nil {
				t.Fatal(err)
			}
			doors := &access.Doors{Store: s, Config: &config.Config{}}
			zone := zoneOf(t.Context(), doors, "c1")
			if listed := dayOf(date, zone); listed != day || voucher.DateOf(date, zone).String() != day {
				t.Errorf("it is listed as of %s, and its voucher is dated %s", listed, voucher.DateOf(date, zone))
			}

			var rows []store.Payout
			for week := range 6 {
				rows = append(rows, store.Payout{PaymentReference: fmt.Sprint("P", week), Date: date.AddDate(0, 0, -7*week), Currency: "SEK", SettlementType: "NET", Payout: json.RawMessage(`{}`)})
			}
			if _, err := s.UpsertPayouts(t.Context(), "c1", rows); err != nil {
				t.Fatal(err)
			}
			l := &Ledger{Store: s, Doors: doors, Instructions: trusted{}}
			got, err := l.outcome(t.Context(), workflows.FinishSyncInput{Connection: "c1", Window: workflows.Window{From: date.AddDate(0, -3, 0), To: date.AddDate(0, 1, 0)}})
			if err != nil || len(got.Missing) != 1 {
				t.Fatalf("the sync ended as %+v: %v", got, err)
			}
			facts := notice.Facts{Kind: notice.DueMissing, Connection: "c1", At: date.AddDate(0, 1, 0), Missing: &got.Missing[0]}
			mail := notice.ComposeFor((&Notices{Store: s}).reader(t.Context(), "c1"), &facts, "Shop", "")
			if text := mail.Text(); got.Missing[0].Last != day || !strings.Contains(text, day) || strings.Contains(text, at[:10]) {
				t.Errorf("the last payout is of %s, and the mail says\n%s", got.Missing[0].Last, text)
			}

			proof := settlement.Proof{Payout: settlement.Payout{PaymentReference: "10001", Currency: "SEK", Date: date}}
			body, err := json.Marshal(Proof{&proof, archive.Kept{}})
			if err != nil {
				t.Fatal(err)
			}
			on := &Visma{Store: s, Doors: doors}
			a, err := on.attached(t.Context(), "c1")
			if err != nil {
				t.Fatal(err)
			}
			text, err := a.proof(&store.Payout{Proof: body}, &voucher.Voucher{Currency: "SEK", Date: voucher.DateOf(date, zone)})
			if err != nil || strings.Count(string(text), day) != 2 || strings.Contains(string(text), at[:10]) {
				t.Errorf("%v: on the batch hangs\n%s", err, text)
			}
		})
	}
}

// What Temporal shows of a payout has the company's day, also where UTC's is
// another one: at a month's and a year's end, and when the clock changes.
func TestTheDayOfAPayoutInTemporalIsTheCompanys(t *testing.T) {
	for at, day := range map[string]string{
		"2026-01-31T23:30:00Z": "2026-02-01", "2026-12-31T23:30:00Z": "2027-01-01", "2026-03-28T23:30:00Z": "2026-03-29", "2026-10-24T22:30:00Z": "2026-10-25",
		"2026-10-25T22:30:00Z": "2026-10-25",
	} {
		k := listing(t, map[string]string{"/payouts": pageWith("payouts", entry(`"9000000004"`, `"`+at+`"`))})
		preset, err := voucher.Preset("se-bas")
		if err != nil {
			t.Fatal(err)
		}
		if _, err := k.Store.AddProfile(t.Context(), "c1", preset, "h1", "anna"); err != nil {
			t.Fatal(err)
		}
		from := utc(at[:10] + " 00:00")
		got, err := k.ListPayouts(t.Context(), workflows.ListPayoutsInput{Connection: "c1", Window: workflows.Window{From: from, To: from.AddDate(0, 0, 1)}})
		if err != nil || len(got.Due) != 1 || got.Due[0].Day != day {
			t.Errorf("a payout of %s has the day %+v, %v", at, got.Due, err)
		}
	}
}
