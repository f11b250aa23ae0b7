package visma

import (
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"testing"

	"kvitt/internal/fault"
)

// lineSpec is a line of a test batch; amounts are literals.
type lineSpec struct {
	number        int
	account       string
	debit, credit string
}

// batchSpec is a test batch, or a part of one.
type batchSpec struct {
	number, description, period, status, module, stamp, modified string
	lines                                                        []lineSpec
	total, maxPage                                               int // metadata, when total is not 0
}

// batchJSON writes a batch as Visma.net does.
func batchJSON(b batchSpec) string {
	or := func(s, other string) string {
		if s == "" {
			return other
		}
		return s
	}
	lines := make([]string, 0, len(b.lines))
	for _, l := range b.lines {
		lines = append(lines, fmt.Sprintf(
			`{"lineNumber":%d,"accountNumber":%q,"subaccount":null,"referenceNumber":"PAY1","debitAmount":%s,"debitAmountInCurrency":%s,"creditAmount":%s,"creditAmountInCurrency":%s,"module":"ModuleGL"}`,
			l.number, l.account, l.debit, l.debit, l.credit, l.credit))
	}
	metadata := ""
	if b.total != 0 {
		metadata = fmt.Sprintf(`,"metadata":{"totalCount":%d,"maxPageSize":%d}`, b.total, b.maxPage)
	}
	return fmt.Sprintf(
		`{"module":%q,"batchNumber":%q,"status":%q,"hold":false,"transactionDate":"2026-01-31T00:00:00","postPeriod":null,"financialPeriod":%q,"description":%q,"currencyId":"SEK","exchangeRate":1,"lastModifiedDateTime":%q,"timeStamp":%q,"journalTransactionLines":[%s],"attachments":null%s}`,
		or(b.module, "ModuleGL"), b.number, or(b.status, "Balanced"), or(b.period, "202601"), b.description,
		or(b.modified, "2026-01-31T10:20:53.75+01:00"), or(b.stamp, "AAAA"), strings.Join(lines, ","), metadata)
}

// journal is a list of batches that is paged by lines.
type journal struct {
	batches []batchSpec
	maxPage int
}

func (j *journal) lines() (n int) {
	for _, b := range j.batches {
		n += len(b.lines)
	}
	return n
}

// page writes the batches of one page, each with only those of its lines that
// fall on the page.
func (j *journal) page(number, size int) string {
	size = min(size, j.maxPage)
	from, to := (number-1)*size, number*size
	var parts []string
	at := 0
	for _, b := range j.batches {
		part := b
		part.total, part.maxPage, part.lines = j.lines(), j.maxPage, nil
		for _, l := range b.lines {
			if at >= from && at < to {
				part.lines = append(part.lines, l)
			}
			at++
		}
		if len(part.lines) > 0 {
			parts = append(parts, batchJSON(part))
		}
	}
	return "[" + strings.Join(parts, ",") + "]"
}

func (j *journal) serve(w http.ResponseWriter, r *http.Request) {
	writeJSON(w, http.StatusOK, j.page(pageAsked(r)))
}

func pageAsked(r *http.Request) (number, size int) {
	number, _ = strconv.Atoi(r.URL.Query().Get("pageNumber"))
	size, _ = strconv.Atoi(r.URL.Query().Get("pageSize"))
	return number, size
}

// wantFault checks the class of an error and returns it.
func wantFault(t *testing.T, err error, class fault.Class) *fault.Error {
	t.Helper()
	e := fault.As(err)
	if e == nil {
		t.Fatalf("the error is %v, want one of class %s", err, class)
	}
	if e.Class != class {
		t.Fatalf("the class of %q is %s, want %s", e, e.Class, class)
	}
	if !strings.Contains(err.Error(), "Visma") {
		t.Errorf("%q does not name the party", err)
	}
	return e
}
