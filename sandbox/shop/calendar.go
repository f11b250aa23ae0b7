package shop

import "time"

// Days are civil dates, stored as midnight UTC.

func date(year int, month time.Month, day int) time.Time {
	return time.Date(year, month, day, 0, 0, 0, 0, time.UTC)
}

func midnight(t time.Time) time.Time {
	year, month, day := t.UTC().Date()
	return date(year, month, day)
}

// easter returns Easter Sunday of a year in the Gregorian calendar (the anonymous algorithm printed in
// Nature in 1876).
func easter(year int) time.Time {
	a, b, c := year%19, year/100, year%100
	d, e := b/4, b%4
	g := (8*b + 13) / 25
	h := (19*a + b - d - g + 15) % 30
	i, k := c/4, c%4
	l := (32 + 2*e + 2*i - h - k) % 7
	m := (a + 11*h + 22*l) / 451
	n := h + l - 7*m + 114
	return date(year, time.Month(n/31), n%31+1)
}

// blackFriday returns the day after the fourth Thursday of November.
func blackFriday(year int) time.Time {
	first := date(year, time.November, 1)
	thursday := (int(time.Thursday) - int(first.Weekday()) + 7) % 7
	return first.AddDate(0, 0, thursday+22)
}

// midsummerEve returns the Friday between 19 and 25 June.
func midsummerEve(year int) time.Time {
	first := date(year, time.June, 19)
	return first.AddDate(0, 0, (int(time.Friday)-int(first.Weekday())+7)%7)
}

type monthDay struct {
	month time.Month
	day   int
}

// fixedHolidays are the days of the year on which the banks of a country are closed, whatever the weekday.
var fixedHolidays = map[string][]monthDay{
	"SE": {{1, 1}, {1, 6}, {5, 1}, {6, 6}, {12, 24}, {12, 25}, {12, 26}, {12, 31}},
	"NO": {{1, 1}, {5, 1}, {5, 17}, {12, 25}, {12, 26}},
	"DK": {{1, 1}, {6, 5}, {12, 24}, {12, 25}, {12, 26}, {12, 31}},
	"FI": {{1, 1}, {1, 6}, {5, 1}, {12, 6}, {12, 24}, {12, 25}, {12, 26}},
}

// easterHolidays are the same for days counted from Easter Sunday: Maundy
// Thursday -3, Good Friday -2, Easter Monday 1, Ascension 39, Whit Monday 50.
// Danish banks also close on the day after Ascension.
var easterHolidays = map[string][]int{
	"SE": {-2, 1, 39},
	"NO": {-3, -2, 1, 39, 50},
	"DK": {-3, -2, 1, 39, 40, 50},
	"FI": {-2, 1, 39},
}

// bankHoliday reports whether the banks of a country are closed on a weekday.
func bankHoliday(country string, day time.Time) bool {
	year, month, dayOfMonth := day.Date()
	for _, holiday := range fixedHolidays[country] {
		if holiday.month == month && holiday.day == dayOfMonth {
			return true
		}
	}
	sinceEaster := int(day.Sub(easter(year)) / (24 * time.Hour))
	for _, offset := range easterHolidays[country] {
		if offset == sinceEaster {
			return true
		}
	}
	if country == "SE" || country == "FI" {
		return day.Equal(midsummerEve(year))
	}
	// Store bededag, the fourth Friday after Easter, was a Danish bank holiday
	// until 2023.
	return country == "DK" && year <= 2023 && sinceEaster == 26
}

// BankingDay reports whether Klarna pays out in a country on the civil date of day in UTC: neither on a
// weekend nor on a bank holiday there or in Sweden, where the money comes from.
func BankingDay(country string, day time.Time) bool {
	day = midnight(day)
	if weekday := day.Weekday(); weekday == time.Saturday || weekday == time.Sunday {
		return false
	}
	return !bankHoliday("SE", day) && !bankHoliday(country, day)
}

// nextBankingDay returns day itself or the first banking day after it.
func nextBankingDay(country string, day time.Time) time.Time {
	for !BankingDay(country, day) {
		day = day.AddDate(0, 0, 1)
	}
	return day
}
