package vismasim

import (
	"fmt"
	"hash/fnv"
	"time"
)

// sekMillionths is the value of one unit of a currency in SEK, in millionths, around which the simulated
// rates move.
var sekMillionths = map[string]int64{
	"SEK": 1_000_000, "NOK": 965_000, "DKK": 1_508_000, "EUR": 11_250_000, "GBP": 13_100_000, "USD": 9_600_000,
}

// rateOn returns the value of one unit of the currency in the base currency on a day, as a decimal: the
// company's own fixed rate when it has one, or else a rate within half a percent of a usual one that
// depends only on the day.
func (c Company) rateOn(currency string, day time.Time) (string, error) {
	if currency == c.BaseCurrency {
		return "1.0", nil
	}
	cur, _ := c.currency(currency)
	if cur.Rate != "" {
		return cur.Rate, nil
	}
	from, base := sekMillionths[currency], sekMillionths[c.BaseCurrency]
	if from == 0 || base == 0 {
		return "", fmt.Errorf("currency rate from %s to %s is not defined", currency, c.BaseCurrency)
	}
	h := fnv.New32a()
	h.Write([]byte(currency + day.Format(time.DateOnly)))
	wobble := int64(h.Sum32()%201) - 100 // −100 … 100, each a twentieth of a per mille
	millionths := (from * (20_000 + wobble) / 20_000) * 1_000_000 / base
	return string(number(millionths, 6)), nil
}
