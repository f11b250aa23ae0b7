package held

import "slices"

// Way names one thing that a person can do about a held payout.
type Way string

// The ways out. Those that are decisions are recorded with who and why, and can
// be taken back; the others are commands, or work in Visma.net.
const (
	Retry       Way = "retry"
	Accept      Way = "accept"
	Elsewhere   Way = "booked-elsewhere"
	Unrelated   Way = "unrelated"
	AcceptBatch Way = "accept-batch"
	Keep        Way = "keep"
	Profile     Way = "profile"
	Visma       Way = "visma"
	Backfill    Way = "backfill"
	Approve     Way = "approve"
	Reject      Way = "reject"
	Reverse     Way = "reverse"
	Repost      Way = "repost"
	KlarnaKey   Way = "klarna-key"
	Authorize   Way = "authorize"
	Withdraw    Way = "withdraw"  // of a reversal that is held, whatever for
	ByItself    Way = "by-itself" // nothing needs to be done
)

// Out describes a way. Command is what to type: ID and REF stand for connection
// and payment reference, words in capitals for what a person fills in.
type Out struct {
	Way      Way
	Command  string
	Sentence string
	Decision bool // recorded with a reason, and taken back with undo-decision
}

var outs = []Out{
	{Retry, "starter payout retry ID REF", "Read everything anew, once Klarna has corrected its report or the cause is gone.", false},
	{Accept, "starter payout accept ID REF --component COMPONENT --difference DIFFERENCE --account ACCOUNT --reason REASON", "Accept exactly this difference and name the account that it is booked on, or say `--booked` when the books have it already.", true},
	{Elsewhere, "starter payout booked-elsewhere ID REF --batch BATCH --reason REASON", "Name the batch that books the payout already; Kvitt reads it and compares. The payout is closed, and nothing is posted.", true},
	{Unrelated, "starter payout unrelated ID REF --batch BATCH --reason REASON", "Say that the batch does not book this payout, although it carries its reference. The payout is posted.", true},
	{AcceptBatch, "starter payout accept-batch ID REF --batch BATCH --reason REASON", "Take this batch as the payout's own, exactly as it is in Visma.net now. Nothing is sent again.", true},
	{Keep, "starter payout keep ID REF --reason REASON", "Keep what was posted, although Klarna's figures have changed since.", true},
	{Profile, "starter profile set ID FILE", "Change the posting profile as the message says; the payout continues automatically.", false},
	{Visma, "starter payout retry ID REF", "Correct it in Visma.net, then retry.", false},
	{Backfill, "starter backfill ID --from DATE --to DATE", "Fetch the payouts in between, then retry.", false},
	{Approve, "starter payout approve ID REF", "Approve the voucher, which is then posted.", false},
	{Reject, "starter payout reject ID REF --reason REASON", "Close the payout: it is never posted.", false},
	{Reverse, "starter payout reverse ID REF --reason REASON", "Take the posted batch back by a mirrored one; `starter payout repost` then posts today's figures.", false},
	{Repost, "starter payout repost ID REF --reason REASON", "Post the payout anew, as its next revision.", false},
	{Withdraw, "starter payout reject ID REF --reason REASON", "Withdraw the reversal, before its batch is sent; what was posted stands.", false},
	{KlarnaKey, "starter connection klarna-key ID", "Set a key that works; Kvitt then continues automatically.", false},
	{Authorize, "starter connection authorize ID", "Authorise the connection's own company again, then retry.", false},
	{ByItself, "", "Nothing: Kvitt continues automatically.", false},
}

// Outs are all ways, in the order of docs/errors.md.
func Outs() []Out { return slices.Clone(outs) }

// OutOf describes a way.
func OutOf(w Way) (Out, bool) {
	i := slices.IndexFunc(outs, func(o Out) bool { return o.Way == w })
	if i < 0 {
		return Out{}, false
	}
	return outs[i], true
}

// Offers tells whether a way is one of those out of a code.
func Offers(c Code, w Way) bool {
	r, _ := Look(c)
	return slices.Contains(r.Ways, w)
}
