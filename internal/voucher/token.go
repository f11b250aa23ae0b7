package voucher

import (
	"crypto/sha256"
	"encoding/hex"
	"regexp"
	"strconv"
)

// Target says where a voucher goes: the Visma.net company, and the revision of
// the payout's posting (0 for the first; a corrected one counts up).
type Target struct {
	Company  string
	Revision int
	// Provider is who pays out, as the texts name it; empty: Klarna.
	Provider string
	// Posted says that an earlier attempt may have posted the voucher. What the
	// profile should have decided before is not asked any more: the voucher has to
	// be the one that was posted.
	Posted bool
}

// tokenLength is the length of a token: "[kvitt:" and 16 digits and "]".
const tokenLength = len("[kvitt:0123456789abcdef]")

var tokenPattern = regexp.MustCompile(`\[kvitt:[0-9a-f]{16}\]`)

// Token names one posting, "[kvitt:0123456789abcdef]". It is derived from the
// business alone and from nothing random, so that any installation that looks
// at the same company recognises what an earlier one booked. How it is derived
// must never change.
func Token(merchantID, paymentReference, company string, revision int) string {
	h := sha256.New()
	netstrings(h, "kvitt token 1", merchantID, paymentReference, company, strconv.Itoa(revision))
	return "[kvitt:" + hex.EncodeToString(h.Sum(nil)[:8]) + "]"
}

// FindToken finds the first token in a batch description.
func FindToken(s string) (token string, ok bool) {
	token = tokenPattern.FindString(s)
	return token, token != ""
}
