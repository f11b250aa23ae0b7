package shop

import (
	"errors"
	"fmt"
	"time"
)

// Lazy describes a payout whose rows are computed from the seed when they are read and never stored, so
// that a payout of a million rows needs no memory.
type Lazy struct {
	Seed             uint64
	Rows             int       // 1 or more
	PaymentReference string    // default "700000000001"
	MerchantID       string    // default as in Generate, from the seed
	Currency         string    // SEK (default), NOK, DKK or EUR
	Date             time.Time // default 2026-01-15 05:00 UTC
	OpeningDebt      int64     // minor units
}

// Payout makes the payout: ten rows at a time are three sales with two fees each and a return of an
// earlier sale. Its totals are correct.
func (l Lazy) Payout() (*Payout, error) {
	if l.Rows < 1 {
		return nil, fmt.Errorf("making a payout of %d rows: at least one is needed", l.Rows)
	}
	l.PaymentReference = orElse(l.PaymentReference, "700000000001")
	l.MerchantID = orElse(l.MerchantID, merchantID(l.Seed))
	l.Currency = orElse(l.Currency, homeCurrency)
	if l.Date.IsZero() {
		l.Date = exampleDate
	}
	m := marketOf(l.Currency)
	if m == nil {
		return nil, errors.New("making a payout of computed rows: the shop does not sell in " + l.Currency)
	}
	rows := &lazyRows{Lazy: l, market: m, sales: salesAmong(l.Rows)}
	totals, err := rows.totals()
	if err != nil {
		return nil, err
	}
	return &Payout{
		PaymentReference: l.PaymentReference, MerchantID: l.MerchantID, Date: l.Date, Currency: l.Currency,
		RegistrationCurrency: homeCurrency, SettlementType: Net, Totals: totals, Rows: rows,
	}, nil
}

func marketOf(currency string) *market {
	for i := range markets {
		if markets[i].currency == currency {
			return &markets[i]
		}
	}
	return nil
}

func orElse(value, otherwise string) string {
	if value == "" {
		return otherwise
	}
	return value
}

// lazyRows computes rows. Groups of ten rows hold three sales; an incomplete last group holds as many
// sales as fit, then returns.
type lazyRows struct {
	Lazy
	market *market
	sales  int64
}

const groupRows, groupSales = 10, 3

func salesAmong(rows int) int64 {
	full, rest := rows/groupRows, rows%groupRows
	return int64(full*groupSales + rest/3)
}

// Len is the number of rows.
func (l *lazyRows) Len() int { return l.Rows }

// place returns the order of a row and the row's part of it: 0 the sale, 1 and 2 its fees, 3 a return.
func (l *lazyRows) place(i int) (order, part int64) {
	group, at := int64(i/groupRows), int64(i%groupRows)
	order = group*groupSales + at/3
	switch {
	case at == groupRows-1:
		const age = 20 // groups between a sale and its return
		chosen := int64(scramble(l.Seed^uint64(i)) % groupSales)
		return max(group-age, group%age)*groupSales + chosen, 3
	case order >= l.sales:
		return max(0, l.sales-1-at%3), 3
	}
	return order, at % 3
}

func (l *lazyRows) totals() (Totals, error) {
	var t Totals
	var r Row
	for i := range l.Rows {
		order, part := l.place(i)
		l.amounts(&r, order, part)
		if err := t.add(&r); err != nil {
			return t, err
		}
	}
	t.settle(l.OpeningDebt, Net)
	return t, nil
}

// amounts sets the type and the amounts of a row.
func (l *lazyRows) amounts(r *Row, order, part int64) (method *paymentMethod) {
	dice := random{state: scramble(l.Seed) + uint64(order)*8}
	price := l.market.prices[dice.below(int64(len(l.market.prices)))]
	amount := price + dice.below(price)/10
	method = dice.paymentMethod()
	r.VAT, r.VATRate = 0, 0
	switch part {
	case 0:
		r.Type, r.DetailedType, r.Amount = TypeSale, "PURCHASE", amount
	case 1:
		r.Type, r.DetailedType, r.Amount = TypeFee, "PURCHASE_FEE_PERCENTAGE", share(amount, method.percentage, 10_000)
	case 2:
		r.Type, r.DetailedType, r.Amount = TypeFee, "PURCHASE_FEE_FIXED", l.market.fixedFee
	default:
		r.Type, r.DetailedType, r.Amount = TypeReturn, "PURCHASE_RETURN", share(amount, 1, 4)
	}
	if r.Type == TypeFee {
		r.VATRate, r.VAT = feeVATRate, vatOn(r.Amount, feeVATRate)
	}
	return method
}

// Row computes row i.
func (l *lazyRows) Row(i int, into *Row) {
	order, part := l.place(i)
	*into = Row{
		Currency: l.Currency, MerchantID: l.MerchantID, RegistrationCurrency: homeCurrency,
		PurchaseCountry: l.market.country, ShippingCountry: l.market.country,
	}
	method := l.amounts(into, order, part)
	into.InitialPaymentMethod = method.name
	period := int64(7 * 24 * 3600)
	into.CaptureDate = l.Date.Add(-payoutDelay - time.Duration(period-int64(i)*period/int64(l.Rows))*time.Second)
	dice := random{state: scramble(l.Seed+1) + uint64(order)*16}
	l.identify(into, &dice, order, i)
	into.SaleDate = into.CaptureDate.Add(-time.Duration(dice.between(3600, 200_000)) * time.Second)
	if into.Type == TypeFee {
		into.VATAtHome = l.market.atHome(l.Seed, into.VAT, into.CaptureDate)
	} else {
		into.CustomerRate = customerRates[l.market.country]
		into.CustomerVAT = vatIn(into.Amount, into.CustomerRate)
	}
}

// identify sets the identifiers, all cut from one string.
func (l *lazyRows) identify(r *Row, dice *random, order int64, i int) {
	var text [36 + 36 + 10 + 9]byte
	writeUUID(text[:36], dice.next(), dice.next())
	if r.Type == TypeReturn {
		writeUUID(text[36:72], scramble(l.Seed+uint64(i)), uint64(i)*0x9e3779b97f4a7c15)
	} else {
		writeUUID(text[36:72], dice.next(), dice.next())
	}
	short := dice.next()
	for j := range 8 {
		text[72+j] = referenceAlphabet[short>>(5*j)&0x1f]
	}
	text[80], text[81] = '-', '1'
	number := order + 100_000_000
	for j := 90; j >= 82; j-- {
		text[j] = byte('0' + number%10)
		number /= 10
	}
	all := string(text[:])
	r.OrderID, r.ShortOrderID, r.MerchantReference1 = all[:36], all[72:82], all[82:91]
	if r.Type == TypeReturn {
		r.RefundID = all[36:72]
	} else {
		r.CaptureID = all[36:72]
	}
}
