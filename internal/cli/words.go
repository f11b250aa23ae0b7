package cli

import (
	"fmt"
	"strings"
	"time"

	"kvitt/internal/settlement"
)

// counted is a number with its noun: "1 payout", "2 payouts".
func counted[N int | int64](n N, noun string) string {
	if n == 1 {
		return fmt.Sprintf("1 %s", noun)
	}
	return fmt.Sprintf("%d %ss", n, noun)
}

// money is an amount in minor units as people write it.
func money(minor int64, currency string) string {
	if currency == "" && minor == 0 {
		return "unknown" // of a payout that cannot be read
	}
	return settlement.Format(minor, settlement.Currency(currency))
}

// amount is an amount with its currency.
func amount(minor int64, currency string) string {
	return strings.TrimSuffix(money(minor, currency)+" "+currency, " ")
}

// moment is a point of time for people, "" when there is none.
func moment(t time.Time) string {
	if t.IsZero() {
		return ""
	}
	return t.UTC().Format("2006-01-02 15:04:05Z")
}

// day is the civil day of a moment in the company's zone.
func day(t time.Time, zone *time.Location) string {
	if t.IsZero() {
		return "unknown" // of a payout that cannot be read
	}
	return t.In(zone).Format(time.DateOnly)
}

// span is a length of time for people: "about 40 s", "3 min", "2 h 5 min".
func span(d time.Duration) string {
	switch d = d.Round(time.Second); {
	case d < time.Minute:
		return fmt.Sprintf("%d s", int(d.Seconds()))
	case d < time.Hour:
		return fmt.Sprintf("%d min", int(d.Round(time.Minute).Minutes()))
	case d < 48*time.Hour:
		d = d.Round(time.Minute)
		if int(d.Minutes())%60 == 0 {
			return fmt.Sprintf("%d h", int(d.Hours()))
		}
		return fmt.Sprintf("%d h %d min", int(d.Hours()), int(d.Minutes())%60)
	default:
		return fmt.Sprintf("%d days", int(d.Hours())/24)
	}
}
