package activities

import (
	"testing"

	"kvitt/internal/voucher"
	"kvitt/workflows"
)

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
