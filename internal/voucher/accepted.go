package voucher

import (
	"strings"

	"kvitt/internal/settlement"
)

// The totals that an UnexplainedError names, and that an accepted difference
// answers.
const (
	componentTaxRefund = "tax_refund"
	componentDeposit   = "deposit"
)

// addAccepted books each difference that a person accepted on the account that
// the person named: what a total is more than its rows, and the break in a debt,
// which is settled between the debt and that account.
func (c *compiler) addAccepted() error {
	for _, a := range c.proof.Accepted {
		gives, debt := c.proof.AcceptedEffect(a), c.proof.AcceptedDebt(a)
		if gives == 0 && debt == 0 {
			continue
		}
		if !isAccountName(a.Account) && !accountNumberPattern.MatchString(a.Account) {
			return &settlement.AcceptedError{
				PaymentReference: c.payout.PaymentReference, Accepted: a,
				Problem: "it moves money, and " + quoted(a.Account) + " is no account",
			}
		}
		text := strings.ReplaceAll(c.say("accepted"), "{component}", nameOfAccepted(a.Component))
		c.addLine(RoleAccepted, a.Account, text, gives)
		c.addLine(RoleAccepted, a.Account, text, -debt)
		c.addLine(RoleDebt, accountDebt, text, debt)
	}
	return nil
}

// addLine books an amount that no rows are behind, with a text as it stands.
func (c *compiler) addLine(role Role, account, text string, gives int64) {
	if gives == 0 {
		return
	}
	c.add(lineKey{
		role: role, account: c.account(account, c.about, Missing{Amount: gives}),
		branch: c.branch(c.about), text: fit(text, maxText),
	}, c.subaccount(c.about), gives, 0)
}

// nameOfAccepted writes a total in words, and a kind of rows as Klarna does.
func nameOfAccepted(component string) string {
	if strings.Contains(component, "/") {
		return component
	}
	return words(component)
}

func quoted(s string) string { return "\"" + s + "\"" }
