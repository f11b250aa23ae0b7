package main

import (
	"fmt"
	"slices"

	"kvitt/sandbox/shop"
	"kvitt/sandbox/stack"
	"kvitt/sandbox/vismasim"
)

// settlementAccounts are the accounts on which the demo company's preset puts money on its way to the
// bank: SEK, and other currencies.
var settlementAccounts = []string{"16861", "16862"}

// agree compares the backfill's JSON output with the books that the simulated Visma.net keeps itself;
// before are the books when it began.
func agree(d *backfillResult, before, books *vismasim.Books, merchant *shop.Shop) error {
	if books.Debit != books.Credit {
		return fmt.Errorf("the books do not balance: debit %d, credit %d", books.Debit, books.Credit)
	}
	if len(books.DuplicateTokens) > 0 || len(books.DuplicateReferences) > 0 {
		return fmt.Errorf("the books hold payouts twice: %v %v", books.DuplicateTokens, books.DuplicateReferences)
	}
	if d.Posted+d.Skipped+d.Held+d.Failed != d.Found || books.Batches != before.Batches+d.Posted {
		return fmt.Errorf("%d payouts were found, %d posted, %d skipped, and the books hold %d batches after %d", d.Found, d.Posted, d.Skipped, books.Batches, before.Batches)
	}
	if before.Batches > 0 || d.Posted != d.Found {
		return nil // the books also cover other days, or not all of these
	}
	arrived := banked(books)
	for currency, sum := range paid(d, merchant) {
		if arrived[currency] != sum {
			return fmt.Errorf("%s: Klarna paid out %d and the settlement accounts hold %d", currency, sum, arrived[currency])
		}
	}
	return nil
}

// banked returns what arrived on the settlement accounts, by currency.
func banked(books *vismasim.Books) map[string]int64 {
	sums := map[string]int64{}
	for number, account := range books.Accounts {
		if !slices.Contains(settlementAccounts, number) {
			continue
		}
		for currency, one := range account.Currencies {
			sums[currency] += one.Balance()
		}
	}
	return sums
}

// paid returns what Klarna paid out, by currency.
func paid(d *backfillResult, merchant *shop.Shop) map[string]int64 {
	sums := map[string]int64{}
	for _, p := range d.Payouts {
		if made := merchant.Payout(p.PaymentReference); made != nil && made.SettlementType != shop.GrossFee { // an invoice moves no money
			sums[p.Currency] += max(p.Settlement, 0) // Klarna collects nothing: a negative payout becomes debt
		}
	}
	return sums
}

// freeUnlessChosen lets the demo run beside a sandbox: ports that nobody chose are replaced with free
// ones.
func freeUnlessChosen(p stack.Ports) stack.Ports {
	fixed := stack.Fixed()
	for _, one := range []struct {
		port *int
		was  int
	}{
		{&p.Temporal, fixed.Temporal},
		{&p.UI, fixed.UI},
		{&p.Portal, fixed.Portal},
		{&p.Metrics, fixed.Metrics},
		{&p.Klarna, fixed.Klarna},
		{&p.Visma, fixed.Visma},
		{&p.Connect, fixed.Connect},
	} {
		if *one.port == one.was {
			*one.port = 0
		}
	}
	return p
}
