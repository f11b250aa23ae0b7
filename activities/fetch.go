package activities

import (
	"context"
	"slices"

	"kvitt/internal/archive"
	"kvitt/internal/klarna"
	"kvitt/internal/settlement"
	"kvitt/internal/voucher"
)

// Fetch reads the rows of a payout page by page, archives each page as
// received and tallies it. Announced is the number of rows that Klarna said
// there are. Days, unless nil, are told of each row.
func Fetch(ctx context.Context, client *klarna.Client, writer *archive.Writer, payout *settlement.Payout, days *voucher.Days) (tally *settlement.Tally, kept archive.Kept, announced int64, err error) {
	var warnings klarna.Warnings
	return fetch(ctx, client, writer, payout, days, &warnings)
}

// fetch is Fetch; what was borne with in the rows is added to warnings.
func fetch(ctx context.Context, client *klarna.Client, writer *archive.Writer, payout *settlement.Payout, days *voucher.Days, warnings *klarna.Warnings) (tally *settlement.Tally, kept archive.Kept, announced int64, err error) {
	var r settlement.Row
	before := slices.Clone(*warnings)
	begin := func() error {
		tally = settlement.NewTally(payout.Currency)
		writer.Restart()
		*warnings = slices.Clone(before)
		if days != nil {
			days.Restart()
		}
		return nil
	}
	each := func(page *klarna.Page[klarna.Transaction]) error {
		defer page.Release()
		announced = page.Total
		warnings.Merge(page.Warnings)
		for i := range page.Items {
			page.Items[i].Row(&r)
			tally.Add(&r)
			if days != nil {
				days.Add(page.Items[i].CaptureDate, &r)
			}
		}
		return writer.Add(ctx, &page.Answer)
	}
	err = klarna.Read(ctx, client.Transactions(ctx, klarna.TransactionsQuery{PaymentReference: payout.PaymentReference}), begin, each)
	if err != nil {
		return nil, archive.Kept{}, 0, err
	}
	kept, err = writer.Close(ctx)
	return tally, kept, announced, err
}
