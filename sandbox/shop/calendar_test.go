package shop

import (
	"testing"
	"time"
)

func TestEasterAndOtherMovableDays(t *testing.T) {
	for year, want := range map[int]struct{ easter, blackFriday, midsummerEve string }{
		2021: {"2021-04-04", "2021-11-26", "2021-06-25"},
		2024: {"2024-03-31", "2024-11-29", "2024-06-21"},
		2025: {"2025-04-20", "2025-11-28", "2025-06-20"},
		2026: {"2026-04-05", "2026-11-27", "2026-06-19"},
		2027: {"2027-03-28", "2027-11-26", "2027-06-25"},
		2038: {"2038-04-25", "2038-11-26", "2038-06-25"},
	} {
		for name, got := range map[string][2]string{
			"Easter":        {easter(year).Format(time.DateOnly), want.easter},
			"Black Friday":  {blackFriday(year).Format(time.DateOnly), want.blackFriday},
			"Midsummer Eve": {midsummerEve(year).Format(time.DateOnly), want.midsummerEve},
		} {
			if got[0] != got[1] {
				t.Errorf("%s of %d is %s, want %s", name, year, got[0], got[1])
			}
		}
	}
}

func TestBanksAreClosedOnHolidays(t *testing.T) {
	for _, c := range []struct {
		country, day string
		open         bool
	}{
		{"SE", "2026-01-05", true},
		{"SE", "2026-01-06", false}, // Epiphany
		{"SE", "2026-04-02", true},  // Maundy Thursday
		{"NO", "2026-04-02", false},
		{"DK", "2026-04-02", false},
		{"FI", "2026-04-02", true},
		{"FI", "2026-04-03", false}, // Good Friday
		{"EE", "2026-04-06", false}, // Easter Monday, closed in Sweden
		{"NO", "2027-05-17", false}, // Constitution Day
		{"SE", "2027-05-17", true},  // Whit Monday, no holiday in Sweden since 2005
		{"DK", "2026-05-14", false}, // Ascension
		{"DK", "2026-05-15", false}, // the day after it
		{"SE", "2026-05-15", true},
		{"NO", "2026-05-25", false}, // Whit Monday
		{"DK", "2026-06-05", false}, // Constitution Day
		{"SE", "2026-06-05", true},
		{"SE", "2025-06-06", false}, // National Day
		{"FI", "2026-06-19", false}, // Midsummer Eve
		{"DK", "2023-05-05", false}, // Store bededag
		{"DK", "2024-04-26", true},  // abolished
		{"FI", "2027-12-06", false}, // Independence Day
		{"NO", "2026-12-31", false}, // New Year's Eve, closed in Sweden
		{"SE", "2026-12-12", false}, // Saturday
		{"SE", "2026-12-13", false}, // Sunday
	} {
		day, err := time.Parse(time.DateOnly, c.day)
		if err != nil {
			t.Fatal(err)
		}
		if got := BankingDay(c.country, day.Add(23*time.Hour)); got != c.open {
			t.Errorf("banking day in %s on %s: %t, want %t", c.country, c.day, got, c.open)
		}
	}
}

func TestNoPayoutOnAWeekendOrBankHoliday(t *testing.T) {
	country := map[string]string{"SEK": "SE", "NOK": "NO", "DKK": "DK", "EUR": "FI"}
	zone := stockholm(t)
	for name, s := range years(t) {
		t.Run(name, func(t *testing.T) {
			var late, lateInMonth int
			for _, p := range s.Payouts() {
				at := p.Date.In(zone)
				year, month, day := at.Date()
				if !BankingDay(country[p.Currency], date(year, month, day)) || !BankingDay(country[p.Currency], p.Date) {
					t.Errorf("a payout in %s on %s", p.Currency, at)
				}
				if p.Date.Nanosecond() != 0 || p.Date.Location() != time.UTC {
					t.Errorf("a payout date is not in whole seconds of UTC: %s", p.Date)
				}
				if day != p.Date.Day() {
					late++
				}
				if month != p.Date.Month() {
					lateInMonth++
				}
			}
			if late < 15 || late > 80 || lateInMonth == 0 {
				t.Errorf("%d payouts have another date in Stockholm, %d another month", late, lateInMonth)
			}
		})
	}
}

func TestHolidaysMoveAPayoutToTheNextBankingDay(t *testing.T) {
	s := generate(t, Config{Seed: 1, Start: date(2026, 1, 1), Days: 365, LargeRows: -1})
	zone := stockholm(t)
	found := map[string]bool{}
	for _, p := range s.Payouts() {
		found[p.Currency+" "+p.Date.In(zone).Format(time.DateOnly)] = true
	}
	for _, moved := range []struct{ from, to string }{
		{"SEK 2026-04-06", "SEK 2026-04-07"}, // Easter Monday
		{"EUR 2026-04-03", "EUR 2026-04-07"}, // Good Friday
		{"SEK 2026-05-14", "SEK 2026-05-15"}, // Ascension
		{"EUR 2026-06-19", "EUR 2026-06-22"}, // Midsummer Eve
		{"SEK 2026-12-24", "SEK 2026-12-28"}, // Christmas, with the payout of Monday
		{"EUR 2026-12-25", "EUR 2026-12-28"},
	} {
		if found[moved.from] || !found[moved.to] {
			t.Errorf("%s should have moved to %s", moved.from, moved.to)
		}
	}
}

func TestDemandFollowsTheSeason(t *testing.T) {
	s := generate(t, Config{Seed: 6, Start: date(2025, 1, 1), Days: 365, LargeRows: -1})
	byMonth, byDay := map[time.Month]int{}, map[string]int{}
	for _, r := range s.Transactions() {
		if r.Type == "SALE" {
			byMonth[r.SaleDate.Month()]++
			byDay[r.SaleDate.Format(time.DateOnly)]++
		}
	}
	if byMonth[time.July]*3 > byMonth[time.May]*2 || byMonth[time.December] < byMonth[time.February]*5/4 {
		t.Errorf("sales by month: %v", byMonth)
	}
	if byDay["2025-11-28"] < 2*byDay["2025-11-07"] {
		t.Errorf("Black Friday sold %d, an ordinary one %d", byDay["2025-11-28"], byDay["2025-11-07"])
	}
}
