package visma

import (
	"context"
	"fmt"
	"strconv"
	"strings"
)

// FinancialPeriod is a financial period as Visma.net writes it; a Calendar
// reads it. Source: Visma.net ERP API, FinancialPeriod.
type FinancialPeriod struct {
	Year                   int    `json:"year"` // the financial year, which need not start in January
	Period                 string `json:"period"`
	StartDate              Date   `json:"startDate"`
	EndDate                Date   `json:"endDate"` // the last day, or the first day after it
	Description            string `json:"description"`
	Active                 bool   `json:"active"`
	ClosedInGeneralLedger  bool   `json:"closedInGeneralLedger"`
	ClosedInCashManagement bool   `json:"closedInCashManagement"`
	ClosedInCustomerLedger bool   `json:"closedInCustomerLedger"`
	ClosedInSupplierLedger bool   `json:"closedInSupplierLedger"`
}

// FinancialPeriods lists the financial periods of the company.
func (c *Client) FinancialPeriods(ctx context.Context) ([]FinancialPeriod, error) {
	return listWhole[FinancialPeriod](ctx, c, &request{attempted: "list financial periods", path: "/v1/financialPeriod"})
}

// PeriodID returns a financial year and the number of a period in it in Visma.net's form for queries and
// vouchers: YYYYPP.
func PeriodID(year, number int) string { return fmt.Sprintf("%04d%02d", year, number) }

// ParsePeriod reads the year and number of a period in any known form: 202601, 012026, 2026-01, 01-2026,
// 01/2026, or 1 alone. The year, when known, distinguishes the forms; 0 means that it is unknown.
func ParsePeriod(text string, year int) (y, number int, err error) {
	trimmed := strings.TrimSpace(text)
	a, b, split := strings.Cut(strings.ReplaceAll(trimmed, "/", "-"), "-")
	a, b = strings.TrimSpace(a), strings.TrimSpace(b)
	switch {
	case split:
	case len(trimmed) == 6:
		return parseSixDigits(trimmed, year)
	case len(trimmed) <= 2 && year > 0:
		a, b = strconv.Itoa(year), trimmed
	default:
		return 0, 0, fmt.Errorf("read financial period %q: it is neither YYYYPP nor PPYYYY", text)
	}
	if len(a) < len(b) {
		a, b = b, a
	}
	y, number, ok := yearAndNumber(a, b)
	if !ok || year > 0 && y != year {
		return 0, 0, fmt.Errorf("read financial period %q of year %d: it does not fit the year", text, year)
	}
	return y, number, nil
}

// parseSixDigits prefers the reading that fits the year; without a year, the reading with a plausible
// year.
func parseSixDigits(text string, year int) (y, number int, err error) {
	for _, parts := range [][2]string{{text[:4], text[4:]}, {text[2:], text[:2]}} {
		y, number, ok := yearAndNumber(parts[0], parts[1])
		if ok && (y == year || year == 0 && y >= 1900 && y < 2200) {
			return y, number, nil
		}
	}
	return 0, 0, fmt.Errorf("read financial period %q of year %d: it does not fit the year", text, year)
}

func yearAndNumber(year, number string) (y, n int, ok bool) {
	if len(year) != 4 || len(number) > 2 || !isDigits(year) || !isDigits(number) {
		return 0, 0, false
	}
	y, _ = strconv.Atoi(year)
	n, _ = strconv.Atoi(number)
	return y, n, n > 0
}
