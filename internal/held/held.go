// Package held is the catalogue of reasons for which Kvitt stops safely and
// waits. Each has a code that people script against (search attribute, command
// line, portal), a sentence and a remedy; docs/errors.md has a paragraph on
// each. A reason must never be invented outside this catalogue.
package held

import "slices"

// Code names a reason. Codes are public: renaming one is a decision.
type Code string

// Waits says what a held payout waits for.
type Waits string

// A payout waits for a person, or for an event that comes by itself.
const (
	ForPerson Waits = "person"
	ForEvent  Waits = "event"
)

// Reason is one entry of the catalogue.
type Reason struct {
	Code     Code
	Waits    Waits
	Sentence string // what happened
	Remedy   string // what helps
	Ways     []Way  // what a person can do, the most usual first; one of them ends it
}

// The codes.
const (
	RowsDiffer          Code = "rows_differ"
	RowsIncomplete      Code = "rows_incomplete"
	RowsCurrency        Code = "rows_currency"
	FormulaDiffers      Code = "formula_differs"
	DebtDiffers         Code = "debt_differs"
	ComponentUnknown    Code = "component_unknown"
	VATRateUnexpected   Code = "vat_rate_unexpected"
	VATUndecided        Code = "vat_undecided"
	RateImprecise       Code = "rate_imprecise"
	CurrencyUnknown     Code = "currency_unknown"
	NothingToBook       Code = "nothing_to_book"
	VoucherUnbalanced   Code = "voucher_unbalanced"
	BadData             Code = "bad_data"
	ProfileInvalid      Code = "profile_invalid"
	AccountUnknown      Code = "account_unknown"
	AccountInactive     Code = "account_inactive"
	AccountManualEntry  Code = "account_manual_entry"
	SubaccountInvalid   Code = "subaccount_invalid"
	LedgerUnknown       Code = "ledger_unknown"
	BranchUnknown       Code = "branch_unknown"
	CurrencyUnused      Code = "currency_unused"
	PeriodMissing       Code = "period_missing"
	PeriodClosed        Code = "period_closed"
	SplitUnclear        Code = "split_unclear"
	CompanyChanged      Code = "company_changed"
	Rejected            Code = "rejected"
	BookedElsewhere     Code = "booked_elsewhere"
	FiguresChanged      Code = "figures_changed"
	ChangedAfterPosting Code = "changed_after_posting"
	ReversedBefore      Code = "reversed_before"
	BatchDiffers        Code = "batch_differs"
	OutcomeUnknown      Code = "outcome_unknown"
	RefusedRepeatedly   Code = "refused_repeatedly"
	ReleaseFailed       Code = "release_failed"
	Approval            Code = "approval"
	CredentialKlarna    Code = "credential_klarna" //nolint:gosec // a code, not a credential
	CredentialVisma     Code = "credential_visma"  //nolint:gosec // a code, not a credential
	Failed              Code = "failed"
)

var catalogue = []Reason{
	{RowsDiffer, ForPerson, "The rows of a component do not add up to the total that Klarna reports for it.", "Ask Klarna's merchant support with the payment reference and the component named here; retry when the report is corrected.", []Way{Retry, Accept, Elsewhere}},
	{RowsIncomplete, ForPerson, "Klarna delivered another number of rows than it announced.", "Retry; if the problem remains, ask Klarna's merchant support with the payment reference and the correlation id.", []Way{Retry, Accept, Elsewhere}},
	{RowsCurrency, ForPerson, "A row is in another currency than its payout.", "Ask Klarna's merchant support; a payout has one currency.", []Way{Retry, Accept, Elsewhere}},
	{FormulaDiffers, ForPerson, "Klarna's totals do not add up to the amount it paid out.", "Compare the payout's PDF with the totals shown here and ask Klarna's merchant support; retry when the report is corrected.", []Way{Retry, Accept, Elsewhere}},
	{DebtDiffers, ForPerson, "The debt balance does not continue from the payout before, or does not follow from this payout's own movements.", "Check whether a payout between the two is missing (backfill the days between), then retry; otherwise ask Klarna's merchant support.", []Way{Backfill, Accept, Retry, Elsewhere}},
	{ComponentUnknown, ForPerson, "The posting profile has no rule for a kind of row in this payout.", "Add the rule named here to the profile (`starter profile set`); the payout continues automatically.", []Way{Profile, Accept, Retry, Elsewhere}},
	{VATRateUnexpected, ForPerson, "A fee carries VAT of a rate that the posting profile does not expect.", "Ask the accountant whether the rate is right; if so, add it to `vat.rates` in the profile (`starter profile set`), and the payout continues automatically.", []Way{Profile, Elsewhere}},
	{VATUndecided, ForPerson, "A fee carries no VAT, and the posting profile does not say whether the company owes it.", "Ask the accountant; then set `vat.reverse_charge` in the profile, with its accounts or `false`, or `reverse_charge: false` in the rule of what is exempt (`starter profile set`), and the payout continues automatically.", []Way{Profile, Elsewhere}},
	{RateImprecise, ForPerson, "The payout's VAT is too small to show the rate at which Klarna converted it.", "Set `vat.exchange_rate: visma` in the profile, for this currency alone if need be (`starter profile set`), so that Visma.net's own rate is used; the payout continues automatically.", []Way{Profile, Elsewhere}},
	{CurrencyUnknown, ForPerson, "The payout is in a currency whose minor unit Kvitt does not know.", "Report it to Kvitt's developers; nothing is posted until the currency is known.", []Way{Elsewhere, Retry}},
	{NothingToBook, ForPerson, "The payout has no amounts, so there is nothing to post.", "Nothing needs to be done; reject it to close it.", []Way{Reject}},
	{VoucherUnbalanced, ForPerson, "The compiled voucher does not balance, or its bank line is not the settlement amount.", "This is a fault in Kvitt or in the profile's rules; keep the evidence and report it.", []Way{Profile, Retry, Elsewhere}},
	{BadData, ForPerson, "The answer could not be read as what it should be; the bytes are archived.", "Retry; if the problem remains, send the archived answer and its correlation id to the other side's support.", []Way{Retry, Elsewhere}},
	{ProfileInvalid, ForPerson, "The posting profile of this connection cannot be read.", "Check it with `starter profile check FILE`, then set it again with `starter profile set`.", []Way{Profile, Elsewhere}},
	{AccountUnknown, ForPerson, "An account of the posting profile does not exist in the Visma.net company.", "Create the account in Visma.net or name another one in the profile, then retry.", []Way{Profile, Visma, Elsewhere}},
	{AccountInactive, ForPerson, "An account of the posting profile is inactive in the Visma.net company.", "Activate the account in Visma.net or name another one in the profile, then retry.", []Way{Profile, Visma, Elsewhere}},
	{AccountManualEntry, ForPerson, "An account of the posting profile does not take manual entries in Visma.net.", "Allow manual entry on the account in Visma.net or name another one in the profile, then retry.", []Way{Profile, Visma, Elsewhere}},
	{SubaccountInvalid, ForPerson, "The subaccount segments of the posting profile do not fit the Visma.net company.", "Give a value for every segment of the company in the profile, then retry.", []Way{Profile, Visma, Elsewhere}},
	{LedgerUnknown, ForPerson, "The ledger of the posting profile does not exist in the Visma.net company.", "Name one of the company's ledgers in the profile.", []Way{Profile, Elsewhere}},
	{BranchUnknown, ForPerson, "The branch of the posting profile does not exist or is inactive in the Visma.net company.", "Name one of the company's active branches in the profile.", []Way{Profile, Visma, Elsewhere}},
	{CurrencyUnused, ForPerson, "The Visma.net company does not use the payout's currency.", "Turn the currency on for accounting in Visma.net, then retry.", []Way{Visma, Profile, Elsewhere}},
	{PeriodMissing, ForPerson, "The Visma.net company has no financial period for the voucher date.", "Create the financial year in Visma.net; Kvitt looks again every day, or retry now.", []Way{Visma, Elsewhere}},
	{PeriodClosed, ForPerson, "The financial period of the voucher date is closed in Visma.net.", "Open the period in Visma.net, or set `periods.policy: next_open` in the profile; Kvitt looks again every day, or retry now.", []Way{Visma, Profile, Elsewhere}},
	{SplitUnclear, ForPerson, "The payout is to be split by period, and how much of it belongs to which cannot be told.", "Set `periods.split: false` in the profile (`starter profile set`), which books the payout whole on its own day; or remove what stands in the way, then retry.", []Way{Profile, Visma, Elsewhere}},
	{CompanyChanged, ForPerson, "Visma.net answers for another company than the one this connection was made for.", "Authorise again with the company named here; for another company create another connection.", []Way{Authorize, Reject}},
	{Rejected, ForPerson, "Visma.net refused the batch.", "Read Visma.net's words, correct what they name in Visma.net or in the profile, then retry.", []Way{Visma, Profile, Elsewhere}},
	{BookedElsewhere, ForPerson, "A batch that Kvitt did not make already carries this payment reference.", "If it books this payout, say so (`starter payout booked-elsewhere`); if not, say that (`starter payout unrelated`), and the payout is posted.", []Way{Elsewhere, Unrelated, Visma}},
	{FiguresChanged, ForEvent, "Klarna's figures have changed since they were proven; nothing is posted yet.", "Nothing needs to be done; Kvitt proves and compiles the payout again.", []Way{ByItself}},
	{ChangedAfterPosting, ForPerson, "Klarna's figures or the profile have changed since the payout was posted.", "Compare the two vouchers shown here; correct with a reversal (`starter payout reverse`) and post it anew (`starter payout repost`), or keep what was posted (`starter payout keep`).", []Way{Reverse, Keep, Retry}},
	{ReversedBefore, ForPerson, "The payout was posted and reversed earlier and is no longer in the books.", "Post it anew with `starter payout repost`, or name the batch that books it in another way (`starter payout booked-elsewhere`).", []Way{Repost, Elsewhere, Reject}},
	{BatchDiffers, ForPerson, "The batch in Visma.net is not what Kvitt meant to post.", "Compare the lines shown here; the batch is not released. Correct it in Visma.net and retry, or accept it as it is (`starter payout accept-batch`).", []Way{Visma, AcceptBatch}},
	{OutcomeUnknown, ForEvent, "Visma.net did not say whether the batch was booked; Kvitt looks for it before anything else happens.", "Nothing needs to be done; Kvitt adopts the batch when it appears, and posts again only after it has stayed absent long enough.", []Way{ByItself, AcceptBatch}},
	{RefusedRepeatedly, ForPerson, "Visma.net answered each attempt to post the batch with an error, and the batch is not there.", "Read Visma.net's words, and give its support the request id (cloud.api.support@visma.com); when the cause is gone, retry, which sends it once more. Kvitt goes on looking for the batch, less and less often.", []Way{Retry, AcceptBatch}},
	{ReleaseFailed, ForPerson, "The batch is booked and correct, but Visma.net did not release it.", "Read Visma.net's words; release it in Visma.net or retry. Kvitt never posts it again.", []Way{Visma, Retry}},
	{Approval, ForPerson, "The voucher waits for approval.", "Look at it with `starter payout show`, then `starter payout approve` or `starter payout reject`.", []Way{Approve, Reject, Elsewhere}},
	{CredentialKlarna, ForEvent, "Klarna no longer accepts this connection's key.", "Set a working key with `starter connection klarna-key`; Kvitt then continues automatically.", []Way{KlarnaKey, Elsewhere}},
	{CredentialVisma, ForEvent, "Visma.net no longer accepts this connection's authorisation.", "Authorise again with `starter connection authorize`; Kvitt then continues automatically.", []Way{Authorize, Reject}},
	{Failed, ForPerson, "A step kept failing until its time was up.", "Read the error; retry when its cause is gone. Kvitt tries again every day.", []Way{Retry, Elsewhere}},
}

// All is the whole catalogue, in the order of docs/errors.md.
func All() []Reason { return slices.Clone(catalogue) }

// Look finds the reason of a code. A code outside the catalogue answers the
// entry of Failed with ok false.
func Look(c Code) (r Reason, ok bool) {
	i := slices.IndexFunc(catalogue, func(r Reason) bool { return r.Code == c })
	if i < 0 {
		return Reason{Code: c, Waits: ForPerson, Sentence: "The payout is held.", Remedy: "Read the evidence, then retry.", Ways: []Way{Retry, Elsewhere}}, false
	}
	return catalogue[i], true
}
