package portal

import (
	"context"
	"net/http"
	"testing"
	"time"

	"kvitt/activities"
	"kvitt/internal/held"
	"kvitt/internal/settlement"
	"kvitt/internal/signin"
)

func TestATrialShowsThePayoutAndWhyItWouldBeHeld(t *testing.T) {
	o := newOffice(t)
	payout := &settlement.Payout{PaymentReference: "P9", Date: time.Date(2026, 2, 27, 6, 0, 0, 0, time.UTC), Currency: "SEK"}
	payout.Totals[settlement.TotalSettlement] = 1_234_56
	o.portal.Trial = func(context.Context, string) (*activities.Trial, error) {
		return &activities.Trial{Payout: payout, Rows: 3, Held: held.Because(held.PeriodClosed, "period 202602 is closed")}, nil
	}
	o.says(o.get(signin.Administrator, "/connections/c1/verify/trial"), http.StatusOK, "P9", "1\u00a0234.56 SEK", "3 rows", "period 202602 is closed")
	o.portal.Trial = func(context.Context, string) (*activities.Trial, error) { return &activities.Trial{}, nil }
	o.says(o.get(signin.Administrator, "/connections/c1/verify/trial"), http.StatusOK, "no payouts in the last 45 days")
}
