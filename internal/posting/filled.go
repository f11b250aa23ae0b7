package posting

import (
	"cmp"
	"fmt"
	"strconv"
	"strings"

	"kvitt/internal/fault"
	"kvitt/internal/visma"
	"kvitt/internal/voucher"
)

// trimmed is a key without what Visma.net pads it with.
func trimmed(key string) string { return strings.TrimSpace(key) }

// filled lists what a batch has that nobody meant, because Visma.net filled it in
// from the company's settings: whether it makes VAT transactions, transaction code
// and branches. A member that Visma.net does not give is not held against it.
func filled(v *voucher.Voucher, b *visma.JournalTransaction, branch string) (out []string) {
	differ := func(what, want, got, whence string) {
		if got = trimmed(got); want != "" && got != "" && !strings.EqualFold(trimmed(want), got) {
			out = append(out, fmt.Sprintf("%s is %s, meant was %s%s", what, got, trimmed(want), whence))
		}
	}
	if v.VATTransaction != b.CreateVATTransaction {
		out = append(out, fmt.Sprintf("it makes VAT transactions: %s, meant was %s",
			strconv.FormatBool(b.CreateVATTransaction), strconv.FormatBool(v.VATTransaction)))
	}
	differ("transaction code", v.TransactionCode, b.TransactionCode, "")
	whence := ""
	if v.Branch == "" {
		whence = ", the main one, since the profile names none"
	}
	own := cmp.Or(v.Branch, branch)
	differ("branch", own, b.Branch, whence)
	known := map[string]bool{}
	for i := range v.Lines {
		known[strings.ToUpper(trimmed(cmp.Or(v.Lines[i].Branch, own)))] = true
	}
	for i := range b.Lines {
		at := strings.ToUpper(trimmed(b.Lines[i].Branch))
		if at != "" && !known[at] && !known[""] {
			out = append(out, fmt.Sprintf("line %d is on branch %s, which no line was meant for", b.Lines[i].LineNumber, trimmed(b.Lines[i].Branch)))
		}
	}
	return out
}

// hasVAT tells whether a line of a batch has the VAT that was meant: what was sent
// stands there, and where nothing was sent, nothing does. An id beside a code that
// was sent is Visma.net's own conclusion from it, and the reverse.
func hasVAT(l *voucher.Line, read *visma.JournalTransactionLine) bool {
	code, id := trimmed(read.VATCode.ID), trimmed(read.VAT.ID)
	if l.VATCode == "" && l.VATID == "" {
		return code == "" && id == ""
	}
	return (l.VATCode == "" || l.VATCode == code) && (l.VATID == "" || l.VATID == id)
}

func vatOf(code, id string) string {
	code, id = trimmed(code), trimmed(id)
	switch {
	case code == "" && id == "":
		return "no VAT code"
	case id == "":
		return "VAT code " + code
	case code == "":
		return "VAT id " + id
	}
	return "VAT code " + code + " and id " + id
}

// rewritten lists the texts of the batch that are others than those that were
// sent. One that was cut is its beginning still; see cut.
func rewritten(v *voucher.Voucher, b *visma.JournalTransaction) []string {
	if got := trimmed(b.Description); got != "" && !strings.HasPrefix(v.Description, got) {
		return []string{fmt.Sprintf("its text is %q, meant was %q", got, v.Description)}
	}
	return nil
}

// cut says what Visma.net kept of the texts that were sent, where that is less or
// other. Token and references are compared exactly, so nothing that finds a batch is
// lost with it.
func cut(v *voucher.Voucher, b *visma.JournalTransaction) string {
	var said []string
	if kept := trimmed(b.Description); kept != "" && kept != trimmed(v.Description) {
		said = append(said, fmt.Sprintf("Visma.net kept %d of %d characters of the text", len([]rune(kept)), len([]rune(v.Description))))
	}
	sent := map[string]bool{"": true}
	for i := range v.Lines {
		sent[trimmed(v.Lines[i].Text)] = true
	}
	for i := range b.Lines {
		if kept := trimmed(b.Lines[i].TransactionDescription); !sent[kept] {
			said = append(said, fmt.Sprintf("line %d has the text %q, which was not sent", b.Lines[i].LineNumber, kept))
		}
	}
	return fault.Trim(strings.Join(said, "; "))
}
