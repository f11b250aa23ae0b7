package e2e_test

import (
	"testing"
	"kvitt/internal/store"
)

func debugTimes(t *testing.T, h *house) {
	rows, err := h.store.Payouts(t.Context(), store.PayoutFilter{Connection: h.id})
	if err != nil { t.Fatal(err) }
	for _, r := range rows {
		t.Logf("%s %s %s", r.PaymentReference, r.DiscoveredAt.Format("15:04:05.000"), r.UpdatedAt.Format("15:04:05.000"))
	}
}
