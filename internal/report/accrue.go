package report

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"kvitt/internal/klarna"
	"kvitt/internal/settlement"
	"kvitt/internal/voucher"
)

// Accrue compiles the accrual of what is captured in a currency and not paid
// out by the end of a day, or says why there is none to compile: figures that
// are not whole are not booked.
func (r *Reports) Accrue(ctx context.Context, profile *voucher.Profile, at voucher.Date, in settlement.Currency) (v *voucher.Voucher, refused string, err error) {
	n, err := r.Unsettled(ctx, at)
	if err != nil {
		return nil, "", err
	}
	v, refused = r.Accrual(profile, n, in)
	return v, refused, nil
}

// Accrual compiles it from what Unsettled has found.
func (r *Reports) Accrual(profile *voucher.Profile, n *NotPaid, in settlement.Currency) (*voucher.Voucher, string) {
	switch {
	case profile.Periods.Split:
		return nil, "the posting profile splits payouts by period, and each books its own part of an earlier one; an accrual would book the same again"
	case !n.At.Before(voucher.DateOf(r.Now, r.Zone)):
		return nil, fmt.Sprintf("%s is not over yet", n.At)
	case len(n.Unread) > 0:
		return nil, "the figures are not whole: " + strings.Join(n.Unread[:min(len(n.Unread), 3)], "; ")
	case n.Undated > 0:
		return nil, fmt.Sprintf("the figures are not whole: %s without a capture date", counted(n.Undated, "row"))
	}
	v, err := voucher.Accrue(profile, &voucher.Accrued{
		MerchantID: r.Connection.MerchantID, Company: r.Connection.CompanyID, At: n.At, Currency: in,
		Shares: n.In(in), Provider: klarna.Provider(r.Connection.Provider).Name(),
	})
	var none *voucher.NothingAccruedError
	switch {
	case errors.As(err, &none):
		return nil, fmt.Sprintf("nothing in %s was captured up to %s and paid out after it, as far as is known by now", in, n.At)
	case err != nil:
		return nil, err.Error()
	}
	return v, ""
}
