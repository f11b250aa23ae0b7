package shop

import (
	"cmp"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"time"
)

const homeCurrency = "SEK"

// blackWeekRows is the default size of the large payout.
const blackWeekRows = 20_000

// Config describes the shop to generate.
type Config struct {
	Seed  uint64
	Start time.Time // first day of trade; only the date in UTC counts
	Days  int       // of trade; payouts fall into the same days

	// MerchantID is Klarna's merchant id; empty derives one from the seed.
	MerchantID string

	// Country is the country of registration: SE, which is the default, NO, DK or FI. Only Swedish shops
	// are charged VAT on Klarna's fees.
	Country string

	// Currencies are the currencies that the shop sells in; empty means all four.
	Currencies []string

	// Demand is the number of orders in percent of the usual; 0 means 100.
	Demand int64

	// Gross settles the Danish sales GROSS, with a GROSS_FEE payout a month.
	// Otherwise every payout is NET.
	Gross bool

	// LargeRows is the number of rows of the one large SEK payout. 0 means
	// 20,000 rows when the days hold a Black Friday and none otherwise; -1 means
	// none; any other number is placed around Black Friday or in the middle.
	LargeRows int
}

// Generate generates the shop. The same Config gives the same shop.
func Generate(c Config) (*Shop, error) {
	if err := c.complete(); err != nil {
		return nil, fmt.Errorf("generating a shop: %w", err)
	}
	end := c.Start.AddDate(0, 0, c.Days)
	var books []*book
	for i := range markets {
		if m := &markets[i]; len(c.Currencies) == 0 || slices.Contains(c.Currencies, m.currency) {
			books = append(books, &book{config: c, market: m, slots: m.schedule(c.Seed, c.Start, end)})
		}
	}
	orders := int64(100_000)
	for day := c.Start; day.Before(end); day = day.AddDate(0, 0, 1) {
		for _, b := range books {
			orders = b.trade(day, orders)
			b.sundries(day)
		}
	}
	shop := New(c.MerchantID, c.registered())
	var payouts []*Payout
	for _, b := range books {
		made, unpaid, err := b.settle()
		if err != nil {
			return nil, fmt.Errorf("generating a shop: the payouts in %s: %w", b.market.currency, err)
		}
		payouts = append(payouts, made...)
		shop.unpaid = append(shop.unpaid, keepUntil(unpaid, end)...)
		shop.documents = append(shop.documents, b.documents...)
	}
	shop.documents = issue(shop.documents, end)
	number(c.Seed, payouts)
	slices.SortStableFunc(shop.unpaid, func(a, b Row) int { return a.CaptureDate.Compare(b.CaptureDate) })
	shop.Add(payouts...)
	return shop, nil
}

func (c *Config) complete() error {
	if c.Start.IsZero() {
		return errors.New("the first day is missing")
	}
	if c.Days < 1 || c.Days > 3660 {
		return fmt.Errorf("%d days are requested, 1 to 3660 are possible", c.Days)
	}
	if c.LargeRows < -1 {
		return fmt.Errorf("a large payout of %d rows is requested; -1 means none", c.LargeRows)
	}
	for _, currency := range c.Currencies {
		if marketOf(currency) == nil {
			return fmt.Errorf("the shop cannot sell in %q", currency)
		}
	}
	if c.Country = orElse(c.Country, "SE"); marketIn(c.Country) == nil {
		return fmt.Errorf("a shop registered in %q is requested; SE, NO, DK and FI are possible", c.Country)
	}
	if c.Demand < 0 || c.Demand > 1000 {
		return fmt.Errorf("a demand of %d %% is requested, up to 1000 is possible", c.Demand)
	}
	if c.Demand == 0 {
		c.Demand = 100
	}
	c.Start = midnight(c.Start)
	if c.MerchantID == "" {
		c.MerchantID = merchantID(c.Seed)
	}
	return nil
}

// registered returns the currency of the country of registration.
func (c *Config) registered() string { return marketIn(c.Country).currency }

func merchantID(seed uint64) string {
	return "K" + strconv.FormatInt(newRandom(seed, 1).between(100_000, 999_999), 10)
}

// keepUntil drops what happens after the end.
func keepUntil(rows []Row, end time.Time) []Row {
	return slices.DeleteFunc(rows, func(r Row) bool { return !r.CaptureDate.Before(end) })
}

// number gives the payouts their payment references: numbers of ten or eleven digits that increase with
// time, as numeric references of banks do.
func number(seed uint64, payouts []*Payout) {
	slices.SortFunc(payouts, func(a, b *Payout) int {
		return cmp.Or(a.Date.Compare(b.Date), cmp.Compare(a.Currency, b.Currency), cmp.Compare(a.SettlementType, b.SettlementType))
	})
	r := newRandom(seed, 2)
	reference := r.between(1_200_000_000, 8_700_000_000)
	for _, p := range payouts {
		reference += r.between(3_000, 60_000)
		p.PaymentReference = strconv.FormatInt(reference, 10)
	}
}

// book collects what happens in one market.
type book struct {
	config    Config
	market    *market
	slots     []slot
	events    []event
	sales     []*sale
	invoiced  []event // fees of a GROSS market
	documents []Document
}

// event is one thing that Klarna books, with its rows.
type event struct {
	at   time.Time
	rows []Row
}

func (b *book) add(at time.Time, rows ...Row) {
	b.events = append(b.events, event{at: at, rows: rows})
}

func sortEvents(events []event) {
	slices.SortStableFunc(events, func(a, b event) int { return a.at.Compare(b.at) })
}
