// Package shop generates a Nordic web shop and what Klarna would settle for it: orders, captures, returns,
// disputes and fees, grouped into payouts whose totals agree with their rows to the minor unit. The
// sandbox, the simulated Klarna and the tests of the whole system use it.
//
// By default the shop is registered in Sweden and sells in SEK, NOK, DKK and EUR. A seed gives the same
// shop, byte for byte, on every machine and Go release: random numbers come from a generator written out
// here, all arithmetic is in integers, and nothing reads a clock.
//
// What is simulated:
//   - weekdays, paydays, Black Week, Christmas and the summer dip in the demand;
//   - captures when the Swedish warehouse works, some orders in two parcels;
//   - payouts weekly per currency, in SEK twice a week, five days after the
//     cut-off, moved from weekends and bank holidays to the next banking day,
//     some late in the UTC evening, when it is the next day in the Nordics;
//   - a sale as three rows (sale, percentage fee, fixed fee), returns in parts,
//     weeks later and in other payouts than the sale, late-return and
//     extended-due-date fees, disputes lost and won, fraud with and without
//     protection, unpaid orders, corrections of both signs, commissions,
//     charges, reviews held back and released, rows without an order;
//   - a rolling reserve of 5 % in EUR, released eight payouts later;
//   - Swedish VAT on every fee row, rounded per row, and in payouts of other
//     currencies the same VAT in SEK;
//   - one week in NOK in which a product recall leaves a debt that the next
//     payout repays in part and the one after in full, besides the small debts
//     that short weeks bring by themselves;
//   - one SEK payout of 20,000 rows around Black Friday.
//
// What is not: Klarna's real rounding of exchange rates, its merchant lending,
// partial payouts of one order in two currencies, and commission reversals,
// whose total no published document ties to a row type.
//
// The package must never import the product: a mistake in the product would be
// mirrored here and go unnoticed.
package shop
