package shop

import (
	"fmt"
	"strconv"
	"time"
)

const aDay = 24 * time.Hour

func (r *random) days(low, high int64) time.Duration {
	return time.Duration(r.between(low, high)) * aDay
}

// fate plans what happens to a parcel after its capture.
func (b *book) fate(r *random, s *sale) {
	if s.order.method.name == "invoice" && r.chance(25) {
		at := r.workingTime(s.row.CaptureDate, r.days(8, 25))
		b.add(at, b.fee(s, TypeFee, "EXTEND_DUE_DATE_FEE", b.market.extension, at))
	}
	switch n := r.below(1000); {
	case n < 4:
		b.fraud(r, s)
	case n < 11:
		b.dispute(r, s)
	case n < 15:
		s.untouched = false
		at := r.workingTime(s.row.CaptureDate, r.days(60, 95))
		b.add(at, b.refund(r, s, TypeReturn, "PAYMENT_DEFAULT", s.row.Amount, at))
	case n < 225:
		b.returns(r, s)
	}
}

// returns plans one to three partial returns of a parcel, days and weeks later.
func (b *book) returns(r *random, s *sale) {
	s.untouched = false
	left, parts := s.row.Amount, []int64{1, 1, 1, 1, 1, 2, 2, 3}[r.below(8)]
	if r.chance(400) {
		left = share(left, r.between(25, 80), 100) // the customer keeps the rest
	}
	at := s.row.CaptureDate
	for part := int64(1); part <= parts && left > 0; part++ {
		at = r.workingTime(at, r.days(5, 33))
		amount := left
		if part < parts {
			amount = share(left, r.between(30, 65), 100)
		}
		left -= amount
		back := b.refund(r, s, TypeReturn, "PURCHASE_RETURN", amount, at)
		if s.order.number != "" {
			back.MerchantRefundReference = fmt.Sprintf("R%s-%d%d", s.order.number, s.parcel, part)
		}
		b.document(back)
		rows := []Row{back}
		if s.order.method.name == "invoice" && at.Sub(s.row.CaptureDate) > 28*aDay && r.chance(500) {
			rows = append(rows, b.fee(s, TypeFee, "LATE_RETURN_FEE", b.market.lateFee, at))
		}
		b.add(at, rows...)
	}
}

// refund is a row that pays money back: it has its own refund id and no capture id.
func (b *book) refund(r *random, s *sale, kind, detail string, amount int64, at time.Time) Row {
	row := b.row(s.order, kind, detail, amount, at)
	row.RefundID = r.uuid()
	row.CustomerRate = s.row.CustomerRate
	row.CustomerVAT = vatIn(amount, row.CustomerRate)
	return row
}

var disputeReasons = []string{"goods_not_received", "faulty_goods", "return", "incorrect_invoice", "unauthorized_purchase"}

// dispute plans a dispute: Klarna takes the money back and charges a fee; the shop wins half of them, and
// gets both back weeks later.
func (b *book) dispute(r *random, s *sale) {
	s.untouched = false
	at := r.workingTime(s.row.CaptureDate, r.days(18, 50))
	amount := s.row.Amount
	if r.chance(300) {
		amount = share(amount, r.between(30, 70), 100)
	}
	krn := "krn:klarna:eu1:dispute:" + disputeReasons[r.below(int64(len(disputeReasons)))] + ":" +
		strconv.FormatInt(r.between(200_000_000_000_000, 399_999_999_999_999), 10)
	reversal := b.refund(r, s, TypeReversal, "REVERSAL", amount, at)
	fee := b.withVAT(b.row(s.order, TypeFee, "DISPUTE_FEE", b.market.disputeFee, at))
	reversal.ReversalReference, fee.ReversalReference = krn, krn
	b.add(at, reversal, fee)
	if !r.chance(500) {
		return
	}
	at = r.workingTime(at, r.days(12, 35))
	credit := b.row(s.order, TypeCredit, "CORRECTION_DISPUTE", amount, at)
	feeBack := b.withVAT(b.row(s.order, TypeFeeRefund, "DISPUTE_FEE_REFUND", b.market.disputeFee, at))
	credit.ReversalReference, feeBack.ReversalReference = krn, krn
	b.add(at, credit, feeBack)
}

// fraud plans a fraudulent purchase: charged gross, and mostly covered by
// Klarna's protection without the consumer's VAT, in the same settlement.
func (b *book) fraud(r *random, s *sale) {
	s.untouched = false
	at := r.workingTime(s.row.CaptureDate, r.days(10, 40))
	rows := []Row{b.refund(r, s, TypeReversal, "FRAUD_POLICY_CHARGE", s.row.Amount, at)}
	if r.chance(750) {
		rows = append(rows, b.row(s.order, TypeProtection, "FRAUD_POLICY_CREDIT_NET", s.row.Amount-s.row.CustomerVAT, at))
	}
	b.add(at, rows...)
}

// sundries are Klarna's bookings besides orders: one kind a month in turn, so that a year has them all, a
// commission and a servicing fee.
func (b *book) sundries(day time.Time) {
	r := newRandom(b.config.Seed, b.market.number, 13, uint64(day.Unix()))
	at := r.workingTime(day, 8*time.Hour)
	small := b.market.legacy / r.between(4, 12)
	switch day.Day() {
	case 9 + int(b.market.number):
		b.monthly(r, (int(day.Month())+int(b.market.number))%6, at, small)
	case 27:
		if b.market.currency == b.config.registered() {
			b.add(at, b.plain(TypeCommission, "COMMISSION", small*2, at),
				b.withVAT(b.plain(TypeFee, "SERVICING_FEE", small, at)))
		}
	}
}

func (b *book) monthly(r *random, turn int, at time.Time, small int64) {
	s := b.anySale(r)
	switch turn {
	case 0:
		if s != nil {
			b.add(at, b.row(s.order, TypeCorrection, "CREDITED_CORRECTION", small, at))
		}
	case 1:
		if s != nil {
			b.add(at, b.row(s.order, TypeCorrection, "CREDITED_CORRECTION", -small, at))
		}
	case 2:
		detail := "PERCENTAGE_FEE_CORRECTION"
		if b.market.currency == homeCurrency {
			detail = "PERCENTAGE_FEE_CORRECTION_SE"
		}
		correction := b.plain(TypeCorrection, detail, small/3+1, at)
		correction.Comment = "Agreed percentage fee, corrected for last month"
		b.add(at, correction)
	case 3:
		if s != nil {
			b.add(at,
				b.fee(s, TypeFeeRefund, "PURCHASE_FEE_PERCENTAGE_REFUND", share(s.row.Amount, s.order.method.percentage, 10_000), at),
				b.fee(s, TypeFeeRefund, "PURCHASE_FEE_FIXED", b.market.fixedFee, at))
		}
	case 4:
		charge := b.plain(TypeCharge, "TRANSFER_FROM_LEGACY_INTEGRATION", small*3, at)
		charge.Comment = "Debt of the former integration"
		b.add(at, charge)
	default:
		held := b.plain(TypeHoldback, "UNDER_REVIEW", small*4, at)
		held.Comment = "Review " + at.Format(time.DateOnly)
		released := b.plain(TypeRelease, "UNDER_REVIEW", small*4, r.workingTime(at, r.days(9, 20)))
		released.Comment = held.Comment
		b.add(at, held)
		b.add(released.CaptureDate, released)
	}
}

func (b *book) anySale(r *random) *sale {
	if len(b.sales) == 0 {
		return nil
	}
	return b.sales[r.below(int64(len(b.sales)))]
}
