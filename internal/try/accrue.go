package try

import (
	"errors"
	"fmt"

	"kvitt/internal/held"
	"kvitt/internal/settlement"
	"kvitt/internal/voucher"
)

// accrue adds what an accrual on the day would book of this payout: what it has
// captured by then and paid out later.
func (a *Answer) accrue(in *Input, proof *settlement.Proof, days *voucher.Days) error {
	at := in.AccrueAt
	a.Accrual = &Accrual{Date: at, Lines: []Line{}}
	paid := voucher.DateOf(proof.Payout.Date, in.Profile.Location())
	switch {
	case !at.Before(paid):
		a.Accrual.Detail = fmt.Sprintf("the payout was paid out on %s, so nothing of it is left to accrue on %s", paid, at)
		return nil
	case days.Undated > 0:
		a.Accrual.HeldReason = string(held.SplitUnclear)
		a.Accrual.Detail = fmt.Sprintf("rows without a capture date: %d; it is not known by which day they were captured", days.Undated)
		return nil
	}
	captures := days.Captures(proof)
	share, err := captures.UpTo(at)
	if err != nil {
		return err
	}
	v, err := voucher.Accrue(in.Profile, &voucher.Accrued{
		MerchantID: proof.Payout.MerchantID, Company: Company, At: at, Currency: proof.Payout.Currency,
		PaymentReference: proof.Payout.PaymentReference, Provider: in.Provider.Name(), Shares: []voucher.Share{share},
	})
	var nothing *voucher.NothingAccruedError
	var c coded
	switch {
	case errors.As(err, &nothing):
		a.Accrual.Detail = fmt.Sprintf("nothing of the payout was captured by %s", at)
	case errors.As(err, &c):
		a.Accrual.HeldReason, a.Accrual.Detail = c.Code(), in.Provider.Says(c.Error())
	case err != nil:
		return err
	default:
		a.Accrued, a.Accrual.Lines = v, lines(v)
	}
	return nil
}
