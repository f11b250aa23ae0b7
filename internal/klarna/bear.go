package klarna

import (
	"bytes"
	"cmp"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/go-json-experiment/json/jsontext"
)

// Warning holds what was borne with in an answer: a member that carries neither
// money nor identity and is not what it should be.
type Warning struct {
	Member  string `json:"member"`
	Problem string `json:"problem"` // of the first one
	Count   int64  `json:"count"`
}

// Warnings are warnings, one for each member.
type Warnings []Warning

// Add counts a problem in.
func (w *Warnings) Add(member, problem string, n int64) {
	for i := range *w {
		if (*w)[i].Member == member {
			(*w)[i].Count += n
			return
		}
	}
	*w = append(*w, Warning{member, problem, n})
}

// Merge counts others in.
func (w *Warnings) Merge(others Warnings) {
	for _, o := range others {
		w.Add(o.Member, o.Problem, o.Count)
	}
}

// Sorted orders them by member, so that the same are always shown alike.
func (w Warnings) Sorted() Warnings {
	slices.SortFunc(w, func(a, b Warning) int { return cmp.Compare(a.Member, b.Member) })
	return w
}

// Broken is an entry of a list that cannot be read. Reference and Date are what
// it says of itself for certain, and may be missing.
type Broken struct {
	Reference string
	Date      time.Time
	Raw       []byte // as it stands in the answer
	Err       *DecodeError
}

// ID is the payment reference, or a name that the same bytes always get.
func (b *Broken) ID() string {
	if b.Reference != "" {
		return b.Reference
	}
	sum := sha256.Sum256(b.Raw)
	return unnamed + hex.EncodeToString(sum[:8])
}

const unnamed = "unreadable-"

// Unnamed tells whether a payment reference was given by [Broken.ID] and is not
// Klarna's.
func Unnamed(reference string) bool { return strings.HasPrefix(reference, unnamed) }

func newBroken(raw []byte, err *DecodeError) Broken {
	b := Broken{Raw: bytes.Clone(raw), Err: err.within("entry")}
	var known struct {
		Reference any `json:"payment_reference"`
		Date      any `json:"payout_date"`
	}
	// Of a name that stands twice nobody knows which one is meant.
	if bytes.Count(raw, []byte("payment_reference")) != 1 || json.Unmarshal(raw, &known) != nil {
		return b
	}
	if s, ok := known.Reference.(string); ok && IsReference(s) && !Unnamed(s) {
		b.Reference = s
	}
	if s, ok := known.Date.(string); ok {
		b.Date, _ = instantOf(s)
	}
	return b
}

// referenceForm says how a payment reference may be written: it becomes part of
// addresses, workflow ids, file names and the batch's text.
var referenceForm = regexp.MustCompile(`^[A-Za-z0-9_-]{1,64}$`)

// IsReference tells whether s can be a payment reference.
func IsReference(s string) bool { return referenceForm.MatchString(s) }

// bear keeps what can be kept of a member that carries neither money nor
// identity and is not of its type, and warns of it. It reports whether the value
// is what Klarna said: text in another type as it stands, a whole number in
// quotes, a moment in another notation. Otherwise the member counts as absent.
func (f *field[T]) bear(c *cursor, start int, problem *DecodeError, into *T) bool {
	c.at = start
	value := c.skip()
	c.warnings.Add(f.name, problem.Problem, 1)
	said := string(value)
	if value[0] == '"' {
		unquoted, _ := jsontext.AppendUnquote(nil, value)
		said = string(unquoted)
	}
	switch {
	case f.text != nil:
		*f.text(into) = strings.ToValidUTF8(said, "\ufffd")
		return true
	case f.word != nil:
		*f.word(into) = strings.ToValidUTF8(said, "\ufffd")
		return true
	case f.number != nil:
		n, err := strconv.ParseInt(said, 10, 64)
		*f.number(into) = n
		return err == nil
	case f.date != nil:
		at, ok := instantOf(said)
		if !ok { // Klarna's documentation: a bare date is its midnight in UTC
			day, err := time.Parse(time.DateOnly, said)
			at, ok = day, err == nil
		}
		*f.date(into) = at
		return ok
	}
	return false
}

// instantOf reads a moment whose zone is stated, in RFC 3339 or with the zone as
// +0000.
func instantOf(s string) (time.Time, bool) {
	for _, layout := range []string{time.RFC3339, "2006-01-02T15:04:05Z0700"} {
		if t, err := time.Parse(layout, s); err == nil {
			return t.UTC(), true
		}
	}
	return time.Time{}, false
}

// raw is the value at the cursor as it stands, with what is not UTF-8 replaced.
func (c *cursor) raw() Raw {
	value := c.skip()
	if c.broken {
		value = bytes.ToValidUTF8(value, []byte("\ufffd"))
	}
	return Raw(c.store.keep(value))
}
