package posting

import (
	"cmp"
	"fmt"

	"kvitt/internal/visma"
)

// draft writes a voucher as the batch that Visma.net is asked to create.
// `hold` and the control total are sent explicitly, because a company may have
// other defaults.
func draft(in Intent) (visma.JournalTransactionUpdate, error) {
	v := in.Voucher
	decimals, err := v.Currency.Exponent()
	if err != nil {
		return visma.JournalTransactionUpdate{}, fmt.Errorf("write the batch of payout %s: %w", v.PaymentReference, err)
	}
	debit, _ := v.Total()
	out := visma.JournalTransactionUpdate{
		Hold:                   visma.V(in.Draft),
		TransactionDate:        visma.V(visma.DateOf(v.Date.Time())),
		FinancialPeriod:        visma.V(in.period()),
		CurrencyID:             visma.V(string(v.Currency)),
		Description:            visma.V(v.Description),
		ControlTotalInCurrency: visma.V(visma.FromMinor(debit, decimals)),
		Ledger:                 optional(v.Ledger),
		TransactionCode:        optional(v.TransactionCode),
		Branch:                 optional(cmp.Or(v.Branch, in.Branch)),
		CreateVATTransaction:   visma.V(v.VATTransaction), // a company may have it on for every batch
	}
	if v.AutoReversing {
		out.AutoReversing = visma.V(true)
	}
	if v.VATTransaction {
		// Klarna rounds VAT for each row, so it is not the rate of the sum.
		out.SkipVATAmountValidation = visma.V(true)
	}
	if v.ExchangeRate != "" {
		rate, err := visma.ParseDecimal(v.ExchangeRate)
		if err != nil {
			return visma.JournalTransactionUpdate{}, fmt.Errorf("write the batch of payout %s: %w", v.PaymentReference, err)
		}
		out.ExchangeRate = visma.V(rate)
	}
	for i, l := range v.Lines {
		line := visma.JournalTransactionLineUpdate{
			Operation:              visma.Insert,
			LineNumber:             visma.V(i + 1),
			AccountNumber:          visma.V(l.Account),
			ReferenceNumber:        visma.V(l.Reference),
			TransactionDescription: visma.V(l.Text),
			DebitAmountInCurrency:  visma.V(visma.FromMinor(l.Debit, decimals)),
			CreditAmountInCurrency: visma.V(visma.FromMinor(l.Credit, decimals)),
			VATCodeID:              optional(l.VATCode),
			VATID:                  optional(l.VATID),
			Branch:                 optional(l.Branch),
		}
		for _, s := range l.Subaccount {
			line.Subaccount = append(line.Subaccount, visma.SegmentUpdate{SegmentID: s.ID, SegmentValue: s.Value})
		}
		out.Lines = append(out.Lines, line)
	}
	return out, nil
}

func optional(s string) *visma.Value[string] {
	if s == "" {
		return nil
	}
	return visma.V(s)
}
