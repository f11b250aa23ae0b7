package main

import (
	"fmt"
	"strings"

	"kvitt/sandbox/shop"
	"kvitt/sandbox/stack"
	"kvitt/sandbox/vismasim"
)

// settlementAccounts are where the presets of the demo company put what
// arrives at the bank.
const settlementAccounts = "193"

// agree holds the backfill's document against the books that the simulated
// Visma.net keeps by itself.
func agree(d *document, books *vismasim.Books, merchant *shop.Shop) error {
	if books.Debit != books.Credit {
		return fmt.Errorf("the books do not balance: debit %d, credit %d", books.Debit, books.Credit)
	}
	if len(books.DuplicateTokens) > 0 || len(books.DuplicateReferences) > 0 {
		return fmt.Errorf("the books hold payouts twice: %v %v", books.DuplicateTokens, books.DuplicateReferences)
	}
	if d.Posted != d.Found || books.Batches != d.Posted {
		return fmt.Errorf("%d payouts were found, %d posted, and the books hold %d batches", d.Found, d.Posted, books.Batches)
	}
	banked := map[string]int64{}
	for number, account := range books.Accounts {
		if !strings.HasPrefix(number, settlementAccounts) {
			continue
		}
		for currency, sums := range account.Currencies {
			banked[currency] += sums.Balance()
		}
	}
	paid := map[string]int64{}
	for _, p := range d.Payouts {
		if made := merchant.Payout(p.PaymentReference); made != nil && made.SettlementType != shop.GrossFee { // a bill moves no money
			paid[p.Currency] += p.Settlement
		}
	}
	for currency, sum := range paid {
		if banked[currency] != sum {
			return fmt.Errorf("%s: Klarna paid out %d and the settlement accounts hold %d", currency, sum, banked[currency])
		}
	}
	return nil
}

// freeUnlessChosen lets the demo run beside a sandbox: ports that nobody chose
// are any free ones.
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
