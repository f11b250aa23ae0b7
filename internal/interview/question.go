package interview

import (
	"slices"
	"strings"
)

// Kind says how a question is answered.
type Kind string

// The kinds of answers.
const (
	Choice     Kind = "choice"     // one of the options
	Currencies Kind = "currencies" // "SEK, EUR": the company's own first
	Merchants  Kind = "merchants"  // "K123456, K654321", or nothing
	Account    Kind = "account"    // a number of the chart
	Code       Kind = "code"       // a VAT code of the company
	Rate       Kind = "rate"       // "25", "25.5"
	Branch     Kind = "branch"     // a branch of the company, or nothing
)

// Question is one thing to ask. Key is how its answer is written in the
// document, in a file of answers and in forms.
type Question struct {
	Key      string   `json:"key"`
	Kind     Kind     `json:"kind"`
	Options  []string `json:"options,omitempty"` // of a Choice, the default first
	Default  string   `json:"default"`           // "" for accounts: see Suggest
	Optional bool     `json:"optional,omitempty"`
	Text     string   `json:"text"`
	Help     string   `json:"help"`

	Role     string `json:"role,omitempty"`     // of an Account
	Currency string `json:"currency,omitempty"` // of an Account for one currency
	Merchant string `json:"merchant,omitempty"` // of what one merchant has for itself
}

// Choices are the questions about the company, in the order in which they are
// asked. Those about accounts follow from their answers.
func Choices(a Answers) []Question {
	country := countryOf(a)
	all := []Question{
		{
			Key: "country", Kind: Choice, Options: countryTags(), Text: "In which country does the company keep its books?",
			Help: "It decides the chart of accounts, the time zone in which a payout's moment becomes a date, and the VAT rates.",
		},
	}
	if len(country.charts) > 1 {
		all = append(all, Question{
			Key: "chart", Kind: Choice, Options: country.chartTags(), Text: "Which year's chart of accounts does the company use?",
			Help: "BAS 2026 moved card and payment receivables to 1686 and disputed ones to 1516; older charts have 1580 and 1515.",
		})
	}
	all = append(all,
		Question{
			Key: "currencies", Kind: Currencies, Default: country.currency, Text: "In which currencies does Klarna pay out?",
			Help: "Separated by commas, the company's own first. Each further currency gets a bank or transit account of its own.",
		},
		Question{
			Key: "deposits", Kind: Choice, Options: []string{"in_transit", "bank"}, Text: "Does a bank import book Klarna's deposits?",
			Help: "in_transit: yes, a bank import or the bank reconciliation books the deposit, so the payout is booked against an account in transit, which the import clears. bank: no, the payout's voucher is what books the deposit on the bank account. Both at once would book the money twice.",
		},
		Question{
			Key: "fee_bill", Kind: Choice, Options: []string{"payable", "kvitt"}, Text: "Who registers Klarna's fee bill, where fees are billed apart?",
			Help: "Only merchants who are paid gross get one. payable: somebody registers it among the supplier invoices, so a payout with such a bill is held instead of booking it a second time. kvitt: nobody does, and Kvitt books it as a liability until it is paid.",
		},
		Question{
			Key: "vat_return", Kind: Choice, Options: []string{"open", "transactions", "ledger"}, Text: "Does the VAT return come from Visma.net's VAT transactions?",
			Help: "transactions: yes, so Kvitt's lines carry VAT codes and Visma.net makes VAT transactions of them; it needs the feature \"VAT entry from general ledger module\". ledger: the return is made from the balances of the VAT accounts, and this is meant. open: not known yet, and the checks say so until it is.",
		},
	)
	if a["vat_return"] == "transactions" {
		all = append(all, Question{
			Key: "vat_code.input", Kind: Code, Optional: true, Text: "Which VAT code does domestic VAT on Klarna's fees get?",
			Help: "The code of the company for deductible input VAT on purchased services, as its list in Visma.net has it. Empty: none yet.",
		})
	}
	all = append(all, Question{
		Key: "reverse_charge", Kind: Choice, Options: country.reverseCharge, Text: "Does the company owe VAT itself on Klarna's fees that come without VAT?",
		Help: "owed: they are taxable services bought from abroad, and Kvitt books the reverse charge. none: they are exempt or carry domestic VAT, and nothing is owed. open: not decided; a payout with a fee without VAT is then held until it is.",
	})
	if a["reverse_charge"] == "owed" {
		all = append(all, Question{
			Key: "reverse_charge.rate", Kind: Rate, Default: shown(a.preset())["rate"], Text: "At which rate, in percent?", Help: "The country's normal rate, unless the accountant says otherwise.",
		})
		if a["vat_return"] == "transactions" {
			all = append(all, Question{
				Key: "vat_code.reverse", Kind: Code, Optional: true, Text: "Which VAT code does the reverse charge get?",
				Help: "The code for services bought from abroad. Empty: none yet, and no VAT transaction is made of it.",
			})
		}
	}
	return append(all,
		Question{
			Key: "loans", Kind: Choice, Options: []string{"no", "yes"}, Text: "Does the shop have a loan or cash advance from Klarna?",
			Help: "yes: its payments and costs are booked. no: there are no rules for it, and a payout with a loan in it is held and names the rule it needs.",
		},
		Question{
			Key: "disputes", Kind: Choice, Options: []string{"account", "hold"}, Text: "Where do disputes and unpaid purchases go until they are decided?",
			Help: "account: on an account of their own, which somebody follows up; output VAT is never reduced by itself. hold: nowhere, a person decides on each payout with one.",
		},
		Question{
			Key: "commission", Kind: Choice, Options: []string{"none", "exempt", "taxable"}, Text: "Does Klarna pay the shop commission, and is it exempt credit intermediation?",
			Help: "none: no commission, or not decided; a payout with one is held. exempt: yes, it is income without VAT. taxable: it carries output VAT; it goes to suspense, where a person divides it, because Klarna does not state the VAT.",
		},
		Question{
			Key: "accruals", Kind: Choice, Options: []string{"none", "request", "split"}, Text: "At the end of a period, is what Klarna has not paid out yet accrued?",
			Help: "none: no, or by hand. request: by `starter accrue` or in the portal, one batch for a day, which takes itself back. split: payout by payout, what was captured in an earlier period is booked there, in a batch that takes itself back.",
		},
		Question{
			Key: "merchants", Kind: Merchants, Optional: true, Text: "Which merchant ids need accounts or a branch of their own?",
			Help: "Klarna's Merchant IDs, separated by commas. Empty: all of the connection share the accounts.",
		},
		Question{
			Key: "language", Kind: Choice, Options: country.languages(), Text: "In which language are the texts on vouchers?", Help: "sv, nb, fi, da or en.",
		},
		Question{
			Key: "posting", Kind: Choice, Options: []string{"review", "draft", "auto"}, Text: "How far does a voucher go by itself?",
			Help: "review: a person approves each one in Kvitt. draft: it is left on hold in Visma.net. auto: it is posted and released.",
		},
		Question{
			Key: "periods", Kind: Choice, Options: []string{"hold", "next_open"}, Text: "What happens when the period of a voucher is closed?",
			Help: "hold: the payout waits until it is opened. next_open: the voucher goes into the next open period.",
		},
	)
}

// Accounts are the questions about accounts to which the answers lead, and about
// what single merchants have for themselves.
func Accounts(a Answers) []Question {
	var all []Question
	purpose := func(name string) string { // of a named account
		if name == "settlement" && a["deposits"] == "bank" {
			return "bank"
		}
		return name
	}
	for _, name := range rolesOf(a) {
		all = append(all, accountQuestion("account."+name, purpose(name), "", ""))
		if name != "settlement" {
			continue
		}
		for _, currency := range a.currencies()[1:] {
			all = append(all, accountQuestion("account.settlement."+currency, purpose(name), currency, ""))
		}
	}
	for _, id := range a.merchants() {
		for _, name := range merchantRoles {
			q := accountQuestion("merchant."+id+"."+name, purpose(name), "", id)
			q.Optional = true
			all = append(all, q)
		}
		all = append(all, Question{
			Key: "merchant." + id + ".branch", Kind: Branch, Optional: true, Merchant: id,
			Text: "Which branch is " + id + " booked in?", Help: "Empty: the branch of the others.",
		})
	}
	return all
}

// merchantRoles are the accounts that a merchant can have for itself.
var merchantRoles = []string{"settlement", "clearing", "reserve", "debt"}

func accountQuestion(key, role, currency, merchant string) Question {
	r := roles[role]
	text := "Account: " + r.text
	if currency != "" {
		text += ", payouts in " + currency
	}
	if merchant != "" {
		text += ", of " + merchant
	}
	return Question{Key: key, Kind: Account, Role: role, Currency: currency, Merchant: merchant, Text: text, Help: r.help}
}

// Questions are all that the answers so far lead to.
func Questions(a Answers) []Question { return append(Choices(a), Accounts(a)...) }

// defaulted returns what stands for an answer that was not given.
func (q *Question) defaulted() string {
	if q.Kind == Choice {
		return q.Options[0]
	}
	return q.Default
}

// questionOf finds a question by its key.
func questionOf(all []Question, key string) (Question, bool) {
	i := slices.IndexFunc(all, func(q Question) bool { return q.Key == key })
	if i < 0 {
		return Question{}, false
	}
	return all[i], true
}

func list(text string) []string {
	var out []string
	for part := range strings.SplitSeq(text, ",") {
		if part = strings.TrimSpace(part); part != "" {
			out = append(out, part)
		}
	}
	return out
}
