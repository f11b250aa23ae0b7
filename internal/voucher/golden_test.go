package voucher_test

import (
	"testing"

	"kvitt/internal/settlement"
)

// One week of a Nordic shop: sale 100,000, return 8,000, fee 2,480, held back
// 5,000, released 2,000; no debt, no charges. In Sweden the fee carries 25 % VAT.
func nordicWeek(currency settlement.Currency, unit, vatPercent int64) (settlement.Payout, []settlement.Row) {
	amount := func(n int64) int64 { return n * unit }
	vat := func(n int64) int64 { return n * unit * vatPercent / 100 }
	rows := []settlement.Row{
		row("SALE/PURCHASE", amount(60_000)), row("SALE/PURCHASE", amount(40_000)),
		row("RETURN/PURCHASE_RETURN", amount(8_000)),
		row("FEE/PURCHASE_FEE_PERCENTAGE", amount(2_000), vat(2_000)),
		row("FEE/PURCHASE_FEE_FIXED", amount(480), vat(480)),
		row("HOLDBACK/ROLLING_RESERVE", amount(5_000)), row("RELEASE/ROLLING_RESERVE", amount(2_000)),
	}
	for i := range rows { // the merchant's own currency, so nothing more to read in the voucher
		rows[i].TaxInRegistrationCurrency = rows[i].VAT
	}
	p := payout(settlement.Totals{
		settlement.TotalSale: amount(100_000), settlement.TotalReturn: amount(8_000), settlement.TotalFee: amount(2_480), settlement.TotalTax: vat(2_480),
		settlement.TotalHoldback: amount(5_000), settlement.TotalRelease: amount(2_000), settlement.TotalSettlement: amount(86_520) - vat(2_480),
	})
	p.Currency, p.RegistrationCurrency = currency, currency
	return p, rows
}

func TestTheSwedishVoucher(t *testing.T) {
	p, rows := nordicWeek("SEK", 100, 25)
	wantTable(t, compile(t, firstRelease(t, "se-bas"), prove(t, p, rows...)), `
1930       85900.00               Klarna payout 1234567890
1686        8000.00               Klarna returns
1686                   100000.00  Klarna sales
1689        5000.00               Klarna reserve held back
1689                     2000.00  Klarna reserve released
6064         480.00               Klarna fee, fixed
6064        2000.00               Klarna fee, percentage
2641         620.00               Klarna fee VAT
          102000.00    102000.00`)
}

func TestTheNorwegianVoucher(t *testing.T) {
	p, rows := nordicWeek("NOK", 100, 0)
	wantTable(t, compile(t, firstRelease(t, "no-ns4102", decided...), prove(t, p, rows...)), `
1920       86520.00               Klarna payout 1234567890
1520        8000.00               Klarna returns
1520                   100000.00  Klarna sales
1579        5000.00               Klarna reserve held back
1579                     2000.00  Klarna reserve released
7770         480.00               Klarna fee, fixed
7770        2000.00               Klarna fee, percentage
          102000.00    102000.00`)
}

func TestTheFinnishVoucher(t *testing.T) {
	p, rows := nordicWeek("EUR", 10, 0) // a tenth of the amounts
	wantTable(t, compile(t, firstRelease(t, "fi", decided...), prove(t, p, rows...)), `
1910        8652.00               Klarna payout 1234567890
1701         800.00               Klarna returns
1701                    10000.00  Klarna sales
1800         500.00               Klarna reserve held back
1800                      200.00  Klarna reserve released
8564          48.00               Klarna fee, fixed
8564         200.00               Klarna fee, percentage
           10200.00     10200.00`)
}

func TestTheDanishVoucher(t *testing.T) {
	p, rows := nordicWeek("DKK", 100, 0)
	wantTable(t, compile(t, firstRelease(t, "dk", decided...), prove(t, p, rows...)), `
6480       86520.00               Klarna payout 1234567890
2390         480.00               Klarna fee, fixed
2390        2000.00               Klarna fee, percentage
6190        8000.00               Klarna returns
6190                   100000.00  Klarna sales
6330        5000.00               Klarna reserve held back
6330                     2000.00  Klarna reserve released
          102000.00    102000.00`)
}

// Four payouts in a row: a bad week opens a debt, a worse one adds to it, a
// better one repays some, the last one the rest.
func TestADebtIsOpenedContinuedAndRepaid(t *testing.T) {
	profile := firstRelease(t, "se-bas")
	sale, returned := row("SALE/PURCHASE", 100_00), row("RETURN/PURCHASE_RETURN", 150_00)
	wantTable(t, compile(t, profile, prove(t, payout(settlement.Totals{
		settlement.TotalSale: 100_00, settlement.TotalReturn: 150_00, settlement.TotalDeposit: 50_00, settlement.TotalClosingDebt: 50_00,
	}), sale, returned)), `
1686         150.00               Klarna returns
1686                      100.00  Klarna sales
2890                       50.00  Klarna debt added
             150.00       150.00`)
	wantTable(t, compile(t, profile, prove(t, payout(settlement.Totals{
		settlement.TotalReturn: 150_00, settlement.TotalOpeningDebt: 50_00, settlement.TotalDeposit: 150_00, settlement.TotalClosingDebt: 200_00,
	}), returned)), `
1686         150.00               Klarna returns
2890                      150.00  Klarna debt added
             150.00       150.00`)
	wantTable(t, compile(t, profile, prove(t, payout(settlement.Totals{
		settlement.TotalSale: 100_00, settlement.TotalOpeningDebt: 200_00, settlement.TotalRepay: 100_00, settlement.TotalClosingDebt: 100_00,
	}), sale)), `
1686                      100.00  Klarna sales
2890         100.00               Klarna debt repaid
             100.00       100.00`)
	wantTable(t, compile(t, profile, prove(t, payout(settlement.Totals{
		settlement.TotalSale: 300_00, settlement.TotalOpeningDebt: 100_00, settlement.TotalRepay: 100_00, settlement.TotalSettlement: 200_00,
	}), row("SALE/PURCHASE", 300_00))), `
1930         200.00               Klarna payout 1234567890
1686                      300.00  Klarna sales
2890         100.00               Klarna debt repaid
             300.00       300.00`)
}

// Klarna pays out and never collects: whether it states the debt or not, a
// negative payout is owed and leaves the bank account alone.
func TestANegativePayoutBecomesDebtAndLeavesTheBankAlone(t *testing.T) {
	for name, totals := range map[string]settlement.Totals{
		"no debt stated":            {settlement.TotalSale: 100_00, settlement.TotalReturn: 150_00, settlement.TotalSettlement: -50_00},
		"stated beside the payout":  {settlement.TotalSale: 100_00, settlement.TotalReturn: 150_00, settlement.TotalSettlement: -50_00, settlement.TotalDeposit: 50_00, settlement.TotalClosingDebt: 50_00},
		"on top of a debt":          {settlement.TotalSale: 100_00, settlement.TotalReturn: 150_00, settlement.TotalSettlement: -50_00, settlement.TotalDeposit: 50_00, settlement.TotalOpeningDebt: 10_00, settlement.TotalClosingDebt: 60_00},
		"with a debt that stays on": {settlement.TotalSale: 100_00, settlement.TotalReturn: 150_00, settlement.TotalSettlement: -50_00, settlement.TotalOpeningDebt: 10_00, settlement.TotalClosingDebt: 10_00},
	} {
		t.Run(name, func(t *testing.T) {
			for _, typ := range []settlement.SettlementType{settlement.Net, settlement.Gross} {
				p := payout(totals)
				p.Type = typ
				v := compile(t, firstRelease(t, "se-bas"), prove(t, p, row("SALE/PURCHASE", 100_00), row("RETURN/PURCHASE_RETURN", 150_00)))
				wantTable(t, v, `
1686         150.00               Klarna returns
1686                      100.00  Klarna sales
2890                       50.00  Klarna payout carried as debt
             150.00       150.00`)
				if v.Settlement != -50_00 {
					t.Errorf("the voucher says %d was paid out", v.Settlement)
				}
			}
		})
	}
}

func TestFeesOfAGrossPayoutAreBookedFromTheirBillAlone(t *testing.T) {
	profile := firstRelease(t, "se-bas")
	gross := payout(settlement.Totals{settlement.TotalSale: 1000_00, settlement.TotalFee: 100_00, settlement.TotalTax: 25_00, settlement.TotalSettlement: 1000_00})
	gross.Type = settlement.Gross
	v := compile(t, profile, prove(t, gross, row("SALE/PURCHASE", 1000_00), row("FEE/SERVICING_FEE", 100_00, 25_00)))
	wantTable(t, v, `
1930        1000.00               Klarna payout 1234567890
1686                     1000.00  Klarna sales
            1000.00      1000.00`)
	if len(v.Outside) != 1 || v.Outside[0].Pair() != "FEE/SERVICING_FEE" || v.Outside[0].VAT != 25_00 {
		t.Errorf("outside the voucher: %+v", v.Outside)
	}
	for _, stated := range []int64{-125_00, 125_00, 0} {
		bill := payout(settlement.Totals{settlement.TotalFee: 100_00, settlement.TotalTax: 25_00, settlement.TotalSettlement: stated})
		bill.Type = settlement.GrossFee
		v := compile(t, profile, prove(t, bill, row("FEE/SERVICING_FEE", 100_00, 25_00)))
		wantTable(t, v, `
2990                      125.00  Klarna fee invoice
6064         100.00               Klarna fee, servicing
2641          25.00               Klarna fee VAT
             125.00       125.00`)
		if v.Invoice != 125_00 || v.Settlement != stated {
			t.Errorf("invoice %d, settlement %d", v.Invoice, v.Settlement)
		}
	}
}

func TestARefundedFeeReturnsItsVAT(t *testing.T) {
	p := payout(settlement.Totals{settlement.TotalFee: 100_00, settlement.TotalTax: 25_00, settlement.TotalFeeRefund: 40_00, settlement.TotalTaxRefund: 10_00, settlement.TotalSettlement: -75_00})
	wantTable(t, compile(t, firstRelease(t, "se-bas"), prove(t, p,
		row("FEE/DISPUTE_FEE", 100_00, 25_00), row("FEE_REFUND/DISPUTE_FEE_REFUND", 40_00, 10_00))), `
6064         100.00               Klarna fee, disputes
6064                       40.00  Klarna fee refunded, disputes
2641          25.00               Klarna fee VAT
2641                       10.00  Klarna fee VAT
2890                       75.00  Klarna payout carried as debt
             125.00       125.00`)
}

// A Swedish shop that sells in Norway is paid in NOK; its VAT return needs SEK.
func TestInAnotherCurrencyTheVATStaysReadableInTheMerchantsOwn(t *testing.T) {
	p := payout(settlement.Totals{settlement.TotalSale: 1000_00, settlement.TotalFee: 100_00, settlement.TotalTax: 25_00, settlement.TotalSettlement: 875_00})
	p.Currency = "NOK"
	fixed, percentage := row("FEE/PURCHASE_FEE_FIXED", 40_00, 10_00), row("FEE/PURCHASE_FEE_PERCENTAGE", 60_00, 15_00)
	fixed.TaxInRegistrationCurrency, percentage.TaxInRegistrationCurrency = 9_71, 14_56
	profile := firstRelease(t, "se-bas", `settlement: "1930"`, `settlement: {SEK: "1930", NOK: "1937"}`)
	wantTable(t, compile(t, profile, prove(t, p, row("SALE/PURCHASE", 1000_00), fixed, percentage)), `
1937         875.00               Klarna payout 1234567890
1686                     1000.00  Klarna sales
6064          40.00               Klarna fee, fixed
6064          60.00               Klarna fee, percentage
2641          25.00               Klarna fee VAT (24.27 SEK)
            1000.00      1000.00`)
}

func TestDisputesCommissionAndLoansHaveTheirOwnAccounts(t *testing.T) {
	p := payout(settlement.Totals{
		settlement.TotalReversal: -20_00, settlement.TotalCommission: 30_00, settlement.TotalCommissionReversal: 10_00, settlement.TotalFeeCorrection: -7_00,
		settlement.TotalCredit: 500_00, settlement.TotalCharge: 103_00, settlement.TotalSettlement: 430_00,
	})
	wantTable(t, compile(t, firstRelease(t, "se-bas"), prove(t, p,
		row("REVERSAL/FRAUD_POLICY_CHARGE", 80_00), row("REVERSAL_MERCHANT_PROTECTION/FRAUD_POLICY_CREDIT_NET", 100_00),
		row("COMMISSION/COMMISSION", 30_00), row("COMMISSION/COMMISSION_RETURN", 10_00),
		row("CORRECTION/CREDITED_CORRECTION", -7_00),
		row("CREDIT/CASH_ADVANCE_PAYOUT", 500_00), row("CHARGE/CASH_ADVANCE_AMORTISATION", 100_00), row("CREDIT/CASH_ADVANCE_FEES", 0),
		row("CHARGE/LOAN_FEE", 3_00))), `
1930         430.00               Klarna payout 1234567890
1515          80.00               Klarna reversal, fraud policy
1515                      100.00  Klarna merchant protection
2410         100.00               Klarna cash advance amortisation
2410                      500.00  Klarna cash advance paid out
2999           7.00               Klarna correction, credited
3990          10.00               Klarna commission taken back
3990                       30.00  Klarna commission
8420           3.00               Klarna loan fee
             630.00       630.00`)
}
