package report

import (
	"context"
	"encoding/binary"
	"encoding/json"
	"fmt"
	"slices"
	"strings"

	"kvitt/internal/klarna"
	"kvitt/internal/store"
)

// The index of references: which payouts an order, capture, refund or merchant's
// reference stands in. It holds hashes, 8 bytes each, and never the references
// themselves: what it finds is looked for in the archived rows, so that a clash
// of hashes, or a list that has grown old, can never give a wrong answer.
//
// A payout gets a list of hashes. Once there are many lists, they are folded
// into a segment: 256 pages by the first byte of the hash, each with sorted
// entries of 48 bits of hash and the ordinal of the payout. A search reads one
// page of every segment and the lists that are left.
const (
	foldAt      = 512      // lists in a segment; ordinals have 16 bits
	foldAtBytes = 8 << 20  // or when so many bytes wait
	listOf      = 32 << 10 // hashes in a list
	buckets     = 256
)

// keys are the references of a row by the names they are shown with.
var keys = []struct {
	name string
	of   func(*klarna.Transaction) string
}{
	{"order", func(t *klarna.Transaction) string { return t.OrderID }},
	{"short order", func(t *klarna.Transaction) string { return t.ShortOrderID }},
	{"capture", func(t *klarna.Transaction) string { return t.CaptureID }},
	{"refund", func(t *klarna.Transaction) string { return t.RefundID }},
	{"merchant reference 1", func(t *klarna.Transaction) string { return t.MerchantReference1 }},
	{"merchant reference 2", func(t *klarna.Transaction) string { return t.MerchantReference2 }},
	{"merchant capture reference", func(t *klarna.Transaction) string { return t.MerchantCaptureReference }},
	{"merchant refund reference", func(t *klarna.Transaction) string { return t.MerchantRefundReference }},
	{"reversal reference", func(t *klarna.Transaction) string { return t.ReversalReference }},
}

// normal makes references alike that a person would call the same.
func normal(reference string) string { return strings.ToLower(strings.TrimSpace(reference)) }

// mostDigits limits how long a number with its leading zeros is looked for; the
// batches of Visma.net have six digits.
const mostDigits = 12

// bare is a number without its leading zeros, and other references as they are.
func bare(reference string) string {
	if strings.Trim(reference, "0123456789") != "" {
		return reference
	}
	if n := strings.TrimLeft(reference, "0"); n != "" || reference == "" {
		return n
	}
	return "0"
}

// alike tells whether two normal references are the same, or the same number
// with other zeros before it.
func alike(a, b string) bool { return a == b || bare(a) == bare(b) }

// spellings are what a reference may stand as: itself, and for a number the same
// one with fewer and more zeros before it, as people leave them out.
func spellings(reference string) []string {
	all := []string{reference}
	n := bare(reference)
	if strings.Trim(n, "0123456789") != "" || n == "0" {
		return all
	}
	for ; len(n) <= mostDigits; n = "0" + n {
		if n != reference {
			all = append(all, n)
		}
	}
	return all
}

// hashOf is FNV-1a with its bits mixed, so that the first byte is as good as
// any. It must stay as it is: it is compared with what was stored.
func hashOf(reference string) uint64 {
	h := uint64(14695981039346656037)
	for i := range len(reference) {
		h = (h ^ uint64(reference[i])) * 1099511628211
	}
	h = (h ^ h>>30) * 0xbf58476d1ce4e5b9
	h = (h ^ h>>27) * 0x94d049bb133111eb
	return h ^ h>>31
}

// hashes are those of one payout in the making. Rows of one order follow each
// other, so what stood in the row before is not hashed again.
type hashes struct {
	lists [][]uint64
	last  [9]string
}

func (h *hashes) add(t *klarna.Transaction) {
	for i := range keys {
		key := keys[i].of(t)
		if key == "" || key == h.last[i] {
			continue
		}
		h.last[i] = key
		if n := len(h.lists); n == 0 || len(h.lists[n-1]) == listOf {
			if n > 0 {
				h.lists[n-1] = tidy(h.lists[n-1])
			}
			if n == 0 || len(h.lists[n-1]) > listOf/2 {
				h.lists = append(h.lists, nil)
			}
		}
		n := len(h.lists) - 1
		h.lists[n] = append(h.lists[n], hashOf(normal(key)))
	}
}

func tidy(list []uint64) []uint64 {
	slices.Sort(list)
	return slices.Compact(list)
}

// bodies are the lists as they are stored.
func (h *hashes) bodies() [][]byte {
	bodies := make([][]byte, len(h.lists))
	for i, list := range h.lists {
		bodies[i] = bytesOf(tidy(list))
	}
	return bodies
}

// foldIfMany folds when enough lists are waiting.
func (r *Reports) foldIfMany(ctx context.Context) error {
	for {
		lists, size, err := r.Source.ReferencesWaiting(ctx, r.Connection.ID)
		if err != nil || lists < foldAt && size < foldAtBytes {
			return err
		}
		if err := r.Source.FoldReferences(ctx, r.Connection.ID, foldAt, fold); err != nil {
			return err
		}
	}
}

func bytesOf(list []uint64) []byte {
	body := make([]byte, 0, 8*len(list))
	for _, v := range list {
		body = binary.BigEndian.AppendUint64(body, v)
	}
	return body
}

// fold makes a segment of lists.
func fold(lists []store.ReferenceList) (payouts string, pages map[int][]byte, err error) {
	var names []string
	sorted := make([][]uint64, buckets)
	for i := range lists {
		if n := len(names); n == 0 || names[n-1] != lists[i].PaymentReference {
			names = append(names, lists[i].PaymentReference)
		}
		ordinal := uint64(len(names) - 1)
		for body := lists[i].Body; len(body) >= 8; body = body[8:] {
			h := binary.BigEndian.Uint64(body)
			sorted[h>>56] = append(sorted[h>>56], entryOf(h)|ordinal)
		}
	}
	pages = map[int][]byte{}
	for bucket, entries := range sorted {
		if len(entries) > 0 {
			pages[bucket] = bytesOf(tidy(entries))
		}
	}
	document, err := json.Marshal(names)
	return string(document), pages, err
}

// entryOf is the 48 bits after the first byte of a hash, with room for an
// ordinal below them.
func entryOf(h uint64) uint64 { return h << 8 &^ 0xffff }

// candidates are the payouts that may have one of the references in their rows.
func (r *Reports) candidates(ctx context.Context, references ...string) ([]string, error) {
	lists, err := r.Source.ReferenceLists(ctx, r.Connection.ID)
	if err != nil {
		return nil, err
	}
	var found []string
	for _, reference := range references {
		h := hashOf(normal(reference))
		for i := range lists {
			if at := search(lists[i].Body, h); at < len(lists[i].Body) && binary.BigEndian.Uint64(lists[i].Body[at:]) == h {
				found = append(found, lists[i].PaymentReference)
			}
		}
		pages, err := r.Source.ReferencePages(ctx, r.Connection.ID, int(h>>56))
		if err != nil {
			return nil, err
		}
		for i := range pages {
			more, err := r.inPage(ctx, &pages[i], entryOf(h))
			if err != nil {
				return nil, err
			}
			found = append(found, more...)
		}
	}
	slices.Sort(found)
	return slices.Compact(found), nil
}

func (r *Reports) inPage(ctx context.Context, p *store.ReferencePage, entry uint64) (found []string, err error) {
	var names []string
	for at := search(p.Body, entry); at+8 <= len(p.Body); at += 8 {
		e := binary.BigEndian.Uint64(p.Body[at:])
		if e&^0xffff != entry {
			break
		}
		if names == nil {
			document, err := r.Source.SegmentPayouts(ctx, r.Connection.ID, p.Segment)
			if err != nil {
				return nil, err
			}
			if err := json.Unmarshal([]byte(document), &names); err != nil {
				return nil, fmt.Errorf("read segment %d of the references: %w", p.Segment, err)
			}
		}
		if ordinal := int(e & 0xffff); ordinal < len(names) {
			found = append(found, names[ordinal])
		}
	}
	return found, nil
}

// search is the place of the first number that is not below v.
func search(body []byte, v uint64) int {
	low, high := 0, len(body)/8
	for low < high {
		if middle := (low + high) / 2; binary.BigEndian.Uint64(body[8*middle:]) < v {
			low = middle + 1
		} else {
			high = middle
		}
	}
	return 8 * low
}
