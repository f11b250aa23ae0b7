package shop

import "time"

// market is one currency that the shop sells in. Amounts are minor units.
type market struct {
	number     uint64
	currency   string
	country    string // of most customers and of the receiving bank
	abroad     string // of the other customers
	awayShare  int64  // share of the other customers, in thousandths
	orders     int64  // on an ordinary day, in tenths
	paydays    []time.Weekday
	prices     []int64
	freight    int64
	fixedFee   int64
	disputeFee int64
	lateFee    int64
	extension  int64 // fee for a later due date
	legacy     int64 // typical debt moved from an older contract
	rate       int64 // value of one unit in millionths of a SEK
	reserve    int64 // rolling reserve in hundredths of a percent of the sales
}

var markets = []market{
	{
		number: 1, currency: "SEK", country: "SE", abroad: "FI", awayShare: 4, orders: 155,
		paydays: []time.Weekday{time.Monday, time.Thursday},
		prices:  []int64{9900, 14900, 19900, 24900, 29900, 34900, 39900, 49900, 64900, 79900, 129900, 249900},
		freight: 4900, fixedFee: 295, disputeFee: 15000, lateFee: 4900, extension: 1900, legacy: 120000,
		rate: 1_000_000,
	},
	{
		number: 2, currency: "NOK", country: "NO", abroad: "SE", awayShare: 6, orders: 74,
		paydays: []time.Weekday{time.Wednesday},
		prices:  []int64{9900, 15900, 21900, 26900, 32900, 37900, 42900, 54900, 69900, 84900, 139900, 269900},
		freight: 6900, fixedFee: 345, disputeFee: 16000, lateFee: 5900, extension: 2100, legacy: 90000,
		rate: 968_300,
	},
	{
		number: 3, currency: "DKK", country: "DK", abroad: "SE", awayShare: 5, orders: 64,
		paydays: []time.Weekday{time.Tuesday},
		prices:  []int64{6900, 9900, 12900, 16900, 19900, 22900, 26900, 32900, 42900, 52900, 84900, 164900},
		freight: 3900, fixedFee: 205, disputeFee: 10000, lateFee: 3900, extension: 1500, legacy: 70000,
		rate: 1_497_600,
	},
	{
		number: 4, currency: "EUR", country: "FI", abroad: "DE", awayShare: 180, orders: 56,
		paydays: []time.Weekday{time.Friday},
		prices:  []int64{990, 1490, 1990, 2290, 2790, 3190, 3690, 4490, 5990, 7290, 11990, 22990},
		freight: 490, fixedFee: 29, disputeFee: 1500, lateFee: 490, extension: 195, legacy: 9000,
		rate: 11_172_500, reserve: 500,
	},
}

// marketIn returns the market of a country, or nil.
func marketIn(country string) *market {
	for i := range markets {
		if markets[i].country == country {
			return &markets[i]
		}
	}
	return nil
}

// feeVATRate is Swedish VAT on Klarna's fees, which a merchant registered in
// Sweden is charged in every currency.
const feeVATRate = 2500

// customerRates are the consumers' VAT rates in hundredths of a percent.
var customerRates = map[string]int64{"SE": 2500, "NO": 2500, "DK": 2500, "FI": 2550, "DE": 1900}

// paymentMethod is a way to pay with Klarna and Klarna's percentage for it, in
// hundredths of a percent.
type paymentMethod struct {
	name         string
	weight       int64
	percentage   int64
	installments int64
}

var paymentMethods = []paymentMethod{
	{"invoice", 46, 299, 0},
	{"direct_debit", 22, 149, 0},
	{"pay_by_card", 14, 179, 0},
	{"slice_it_by_card", 10, 329, 3},
	{"fixed_amount", 8, 349, 12},
}

func (r *random) paymentMethod() *paymentMethod {
	n := r.below(100)
	for i := range paymentMethods {
		if n -= paymentMethods[i].weight; n < 0 {
			return &paymentMethods[i]
		}
	}
	return &paymentMethods[0]
}

// atHome converts minor units of the market into öre at the rate of a day. The rate moves within one
// percent, week by week.
func (m *market) atHome(seed uint64, amount int64, day time.Time) int64 {
	if m.currency == homeCurrency {
		return 0
	}
	week := uint64(day.Unix() / (7 * 86400))
	wander := newRandom(seed, m.number, week).between(-1000, 1000)
	return share(amount, m.rate+m.rate*wander/100_000, 1_000_000)
}
