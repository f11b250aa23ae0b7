package shop

import (
	"fmt"
	"strconv"
	"time"
)

// order is a consumer's purchase.
type order struct {
	id, short, number string
	reference2        string
	country           string
	method            *paymentMethod
	placed            time.Time
}

// sale is one captured parcel of an order and what may still be returned of it.
type sale struct {
	order     *order
	row       Row
	parcel    int
	untouched bool // no return, dispute or default is planned
}

// trade generates the orders of a day and everything that follows from them. It returns the last order
// number used.
func (b *book) trade(day time.Time, lastNumber int64) int64 {
	r := newRandom(b.config.Seed, b.market.number, 11, uint64(day.Unix()))
	// tenths of orders × thousandths of demand × thousandths of luck
	orders := b.market.orders * b.config.Demand / 100
	scaled := orders * demand(b.market.country, day) * r.between(850, 1150)
	count := scaled / 10_000_000
	if r.below(10_000_000) < scaled%10_000_000 {
		count++
	}
	for range count {
		lastNumber++
		o := b.newOrder(r, r.timeOfDay(day), strconv.FormatInt(lastNumber, 10))
		b.deliver(r, o)
	}
	return lastNumber
}

func (b *book) newOrder(r *random, placed time.Time, number string) *order {
	o := &order{
		id: r.uuid(), short: r.shortID(8) + "-1", number: number,
		country: b.market.country, method: r.paymentMethod(), placed: placed,
	}
	if r.chance(b.market.awayShare) {
		o.country = b.market.abroad
	}
	if r.chance(700) {
		o.reference2 = "SO" + r.shortID(7)
	}
	if r.chance(4) {
		o.number = "" // taken by telephone, entered by hand
	}
	return o
}

// deliver captures an order when it leaves the warehouse, one in twenty in two
// parcels.
func (b *book) deliver(r *random, o *order) {
	first := b.capture(r, o, 1, b.basket(r)+b.freight(r), r.workingTime(o.placed, 3*time.Hour))
	if r.chance(50) {
		b.capture(r, o, 2, b.basket(r), r.workingTime(first, time.Duration(r.between(24, 150))*time.Hour))
	}
}

// basket returns the value of some goods, sometimes with a discount.
func (b *book) basket(r *random) int64 {
	goods := []int64{1, 1, 1, 1, 2, 2, 2, 3, 3, 4}[r.below(10)]
	var amount int64
	for range goods {
		// The smaller of two draws: cheap goods sell more.
		amount += b.market.prices[min(r.below(int64(len(b.market.prices))), r.below(int64(len(b.market.prices))))]
	}
	if r.chance(120) {
		amount = share(amount, 100-[]int64{10, 15, 20, 25}[r.below(4)], 100)
	}
	return amount
}

func (b *book) freight(r *random) int64 {
	if r.chance(450) {
		return b.market.freight
	}
	return 0
}

// capture books a parcel and plans what happens to it. It returns the time.
func (b *book) capture(r *random, o *order, parcel int, amount int64, at time.Time) time.Time {
	s := b.sell(r, o, parcel, amount, at)
	b.fate(r, s)
	return at
}

// sell books the three rows of a captured parcel.
func (b *book) sell(r *random, o *order, parcel int, amount int64, at time.Time) *sale {
	row := b.row(o, TypeSale, "PURCHASE", amount, at)
	row.CaptureID = r.uuid()
	row.CustomerRate = customerRates[o.country]
	row.CustomerVAT = vatIn(amount, row.CustomerRate)
	if o.number != "" {
		row.MerchantCaptureReference = fmt.Sprintf("%s-%d", o.number, parcel)
	}
	s := &sale{order: o, row: row, parcel: parcel, untouched: true}
	b.sales = append(b.sales, s)
	b.document(row)
	b.add(at, row,
		b.fee(s, TypeFee, "PURCHASE_FEE_PERCENTAGE", share(amount, o.method.percentage, 10_000), at),
		b.fee(s, TypeFee, "PURCHASE_FEE_FIXED", b.market.fixedFee, at))
	return s
}

// row is a row of an order.
func (b *book) row(o *order, kind, detail string, amount int64, at time.Time) Row {
	r := b.plain(kind, detail, amount, at)
	r.OrderID, r.ShortOrderID = o.id, o.short
	r.MerchantReference1, r.MerchantReference2 = o.number, o.reference2
	r.PurchaseCountry, r.ShippingCountry = o.country, o.country
	r.InitialPaymentMethod, r.SaleDate = o.method.name, o.placed
	switch o.method.name {
	case "slice_it_by_card":
		r.InitialInstallments = o.method.installments
	case "fixed_amount":
		r.MonthlyDownpayments = o.method.installments
	}
	return r
}

// plain is a row without an order.
func (b *book) plain(kind, detail string, amount int64, at time.Time) Row {
	return Row{
		Type: kind, DetailedType: detail, Amount: amount, Currency: b.market.currency,
		MerchantID: b.config.MerchantID, RegistrationCurrency: b.config.registered(), CaptureDate: at,
	}
}

// fee is Klarna's fee for a parcel, or the refund of one, with its VAT if there is any.
func (b *book) fee(s *sale, kind, detail string, amount int64, at time.Time) Row {
	r := b.row(s.order, kind, detail, amount, at)
	r.CaptureID, r.MerchantCaptureReference = s.row.CaptureID, s.row.MerchantCaptureReference
	return b.withVAT(r)
}

func (b *book) withVAT(r Row) Row {
	if b.config.Country != "SE" {
		return r
	}
	r.VATRate, r.VAT = feeVATRate, vatOn(r.Amount, feeVATRate)
	r.VATAtHome = b.market.atHome(b.config.Seed, r.VAT, r.CaptureDate)
	return r
}
