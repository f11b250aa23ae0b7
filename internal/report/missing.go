package report

import (
	"context"
	"regexp"
	"slices"
	"strings"

	"kvitt/internal/archive"
	"kvitt/internal/store"
	"kvitt/workflows"
)

// Missing is a document that the record of a payout rests on and the archive
// does not have.
type Missing struct {
	PaymentReference string `json:"payment_reference"`
	Kind             string `json:"kind"`
	Words            string `json:"words"`
}

// RestoreHelps is what helps when a document is missing.
const RestoreHelps = "What is missing is only in a backup of the database. Restore one that has it, and make this again."

// named are the digests that Kvitt's proof gives of the reports beside it.
var named = regexp.MustCompile(`(?m)^  settlement\.\S+\.(pdf|csv) .* bytes  SHA-256 ([0-9a-f]{64})$`)

// addMissing notes in the bundle what should be archived of a payout by what its
// record says: what was proven has the answer that named it, and the rows with
// the digest in the proof; what was posted and read back has Kvitt's proof, and
// this names the reports that hang beside it.
func (r *Reports) addMissing(ctx context.Context, reference string, documents []store.Document, b *Bundle) error {
	p, err := r.Source.Payout(ctx, r.Connection.ID, reference)
	if err != nil {
		return err
	}
	proof, err := proofOf(&p)
	if err != nil || proof == nil {
		return err
	}
	lacks := func(kind, words string) {
		b.missing = append(b.missing, Missing{reference, kind, "Payout " + reference + ": " + words + "."})
	}
	if !has(documents, archive.KindPayout) {
		lacks(archive.KindPayout, "the answer that names it is not archived")
	}
	if !hasRows(documents, proof.Evidence.Digest) {
		lacks(archive.KindTransactions, "the rows that its proof rests on are not archived, SHA-256 "+proof.Evidence.Digest)
	}
	if p.State == workflows.StateVerified && !has(documents, archive.KindProof) {
		lacks(archive.KindProof, "Kvitt's proof is not archived")
	}
	for i := range documents {
		if !strings.HasPrefix(documents[i].Kind, archive.KindProof) {
			continue
		}
		for text, err := range archive.Read(ctx, r.Source, r.Connection.ID, reference, documents[i].Kind) {
			if err != nil {
				return err
			}
			for _, it := range named.FindAllSubmatch(text, -1) {
				if kind, sum := string(it[1]), string(it[2]); !strings.Contains(b.sums.String(), sum) {
					lacks(kind, "the "+strings.ToUpper(kind)+" report is not archived, SHA-256 "+sum)
				}
			}
		}
	}
	return nil
}

func has(documents []store.Document, kind string) bool {
	return slices.ContainsFunc(documents, func(d store.Document) bool { return strings.HasPrefix(d.Kind, kind) })
}

func hasRows(documents []store.Document, digest string) bool {
	for kind, sum := range archive.Digests(documents) {
		if strings.HasPrefix(kind, archive.KindTransactions) && sum == digest {
			return true
		}
	}
	return false
}

// readmeMissing are the lines of README.txt about it.
func (b *Bundle) readmeMissing() []string {
	if len(b.missing) == 0 {
		return nil
	}
	lines := []string{"", "NOT WHOLE: documents that these records rest on are missing.", RestoreHelps}
	for i := range b.missing {
		lines = append(lines, b.missing[i].Words)
	}
	return lines
}
