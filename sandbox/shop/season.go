package shop

import "time"

var weekdayDemand = [7]int64{time.Sunday: 1250, 1100, 1000, 950, 950, 850, 900}

var monthDemand = [13]int64{0, 850, 800, 900, 950, 1000, 950, 580, 850, 1000, 1050, 1150, 1350}

// demand returns the level of orders on a day in thousandths of an ordinary one.
func demand(country string, day time.Time) int64 {
	level := weekdayDemand[day.Weekday()]
	level = level * season(day) / 1000
	if day.Day() == 25 {
		level = level * 1200 / 1000 // payday in the Nordics
	}
	if bankHoliday(country, day) {
		level = level * 700 / 1000
	}
	return level
}

// season returns the demand by the Nordic shopping year.
func season(day time.Time) int64 {
	year, month, dayOfMonth := day.Date()
	toBlackFriday := int(blackFriday(year).Sub(day) / (24 * time.Hour))
	switch {
	case toBlackFriday == 0:
		return 2400
	case toBlackFriday >= -3 && toBlackFriday <= 4:
		return 1700
	case month == time.December && dayOfMonth >= 24 && dayOfMonth <= 26:
		return 400
	case month == time.December && dayOfMonth >= 21:
		return 800
	case month == time.December && dayOfMonth >= 27, month == time.January && dayOfMonth <= 8:
		return 1200 // sale
	}
	return monthDemand[month]
}

// hourWeights are orders by hour of the day in UTC, for people who shop at lunch and after dinner.
var hourWeights = [24]int64{1, 1, 0, 0, 1, 2, 4, 5, 6, 7, 8, 8, 7, 6, 6, 7, 8, 10, 12, 13, 11, 7, 4, 2}

// timeOfDay returns a time on a day, in whole seconds.
func (r *random) timeOfDay(day time.Time) time.Time {
	var sum int64
	for _, w := range hourWeights {
		sum += w
	}
	n := r.below(sum)
	hour := 0
	for n >= hourWeights[hour] {
		n -= hourWeights[hour]
		hour++
	}
	return day.Add(time.Duration(hour)*time.Hour + time.Duration(r.below(3600))*time.Second)
}

// workingTime returns a time in the working hours of the Swedish warehouse, at least lead after t.
func (r *random) workingTime(t time.Time, lead time.Duration) time.Time {
	earliest := t.Add(lead)
	day := midnight(earliest)
	if earliest.Sub(day) > 13*time.Hour {
		day = day.AddDate(0, 0, 1)
	}
	day = nextBankingDay("SE", day)
	opens := max(7*time.Hour, earliest.Sub(day))
	left := int64((15*time.Hour - opens) / time.Second)
	return day.Add(opens + time.Duration(r.below(left))*time.Second).Truncate(time.Second)
}
