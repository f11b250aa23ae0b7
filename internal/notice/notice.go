// Package notice is what Kvitt tells people by itself: the kinds of notices,
// the facts that a workflow gathers for one, and the message made of them.
//
// It is pure. A notice must never carry a secret or an amount: it names what
// happened and what helps, and links to the page that knows the rest.
package notice

import (
	"errors"
	"fmt"
	"maps"
	"math"
	"slices"
	"strings"
	"time"
	"unicode"

	"kvitt/internal/lang"
)

// Kind is the public code of a notice: people filter by it.
type Kind string

// The kinds.
const (
	ReauthRequired       Kind = "reauth_required"        // a side no longer accepts Kvitt's credential
	Recovered            Kind = "recovered"              // it works again
	AuthorizationExpires Kind = "authorization_expires"  // a consent ends in so many days
	PayoutsHeld          Kind = "payouts_held"           // payouts, reversals or accruals wait for a person
	NotTakenBack         Kind = "accrual_not_taken_back" // Visma.net has not taken an accrual back
	DueMissing           Kind = "due_missing"            // a payout was due and has not come
	SyncLate             Kind = "sync_late"              // no sync has succeeded for too long
	Test                 Kind = "test"                   // somebody tries the channels
)

// Facts are what a workflow knows of an occasion. They are small, so that they
// can travel through Temporal; the connection's name is looked up when the
// message is made.
type Facts struct {
	// ID is the same for the same occasion, however often it is told.
	ID         string    `json:"id"`
	Kind       Kind      `json:"kind"`
	Connection string    `json:"connection"`
	Side       string    `json:"side,omitempty"` // klarna or visma
	At         time.Time `json:"at"`

	Reason       string           `json:"reason,omitempty"`         // reauth_required: in the other side's words
	Remedy       string           `json:"remedy,omitempty"`         // reauth_required: what helps
	Resumed      int              `json:"resumed,omitempty"`        // recovered: workflows that went on
	Expires      time.Time        `json:"expires,omitzero"`         // authorization_expires
	Payouts      map[string]int64 `json:"payouts,omitempty"`        // payouts_held: how many by reason
	Reversals    map[string]int64 `json:"reversals,omitempty"`      // payouts_held: how many by reason
	Accruals     map[string]int64 `json:"accruals,omitempty"`       // payouts_held: how many by reason
	Others       map[string]int64 `json:"others,omitempty"`         // payouts_held: bookings of other kinds, by reason
	NotTakenBack int64            `json:"not_taken_back,omitempty"` // accrual_not_taken_back: how many
	Missing      *Missing         `json:"missing,omitempty"`        // due_missing
	Since        time.Time        `json:"since,omitzero"`           // sync_late: the last success, or since when one was expected
	Limit        time.Duration    `json:"limit,omitempty"`          // sync_late
	Never        bool             `json:"never,omitempty"`          // sync_late: there has been no success yet
}

// Missing is a payout that was due by the merchant's own rhythm.
type Missing struct {
	Currency string `json:"currency"`
	Due      string `json:"due"` // YYYY-MM-DD, the company's
	GapDays  int    `json:"gap_days"`
	Last     string `json:"last"` // the latest payout, as Due
}

// ID makes the id of a notice from what makes its occasion: letters, digits,
// - and _ only, because it stands in the headers of mails and webhooks.
func ID(kind Kind, parts ...string) string {
	id := strings.Join(append([]string{string(kind)}, parts...), "-")
	return strings.Map(func(r rune) rune {
		if r < unicode.MaxASCII && (unicode.IsLetter(r) || unicode.IsDigit(r) || r == '-' || r == '_') {
			return r
		}
		return '-'
	}, id)
}

// Stamp is a moment as a part of an id.
func Stamp(t time.Time) string { return t.UTC().Format("20060102T150405.000Z") }

// Notice is a message, as a webhook gets it and a mail is made of it.
type Notice struct {
	ID         string    `json:"id"`
	Kind       Kind      `json:"kind"`
	Connection string    `json:"connection"`
	Name       string    `json:"name"`
	Side       string    `json:"side"`
	Happened   string    `json:"happened"`
	Helps      string    `json:"helps"`
	Link       string    `json:"link"`
	At         time.Time `json:"at"`

	To Reader `json:"-"`
}

// Reader is for whom a message is written: the company, whose days they are and
// in whose language a mail is. The zero value is UTC and English. A webhook stays
// in English, since programs read it.
type Reader struct {
	Zone     *time.Location
	Language lang.Language
	Says     func(string) string // names who pays out where a sentence says Klarna; nil: it is Klarna
}

// say is a sentence of ours in the reader's language, with the name of who pays out.
func (r Reader) say(sentence string) string {
	said := r.Language.In(sentence)
	if r.Says == nil {
		return said
	}
	return r.Says(said)
}

func (r Reader) day(t time.Time) string { return r.in(t).Format(time.DateOnly) }

// moment is a time with its zone: 2026-03-01 10:00 CET.
func (r Reader) moment(t time.Time) string {
	if r.Zone == nil {
		return t.UTC().Format("2006-01-02 15:04Z")
	}
	return r.in(t).Format("2006-01-02 15:04 MST")
}

func (r Reader) in(t time.Time) time.Time {
	if r.Zone == nil {
		return t.UTC()
	}
	return t.In(r.Zone)
}

// Compose makes the message. publicURL is where browsers reach the portal,
// without a slash at the end. A name that is not one printable line could write
// headers of a mail: it is refused, and the connection's id stands in its place.
func Compose(f *Facts, name, publicURL string) Notice {
	return ComposeFor(Reader{}, f, name, publicURL)
}

// ComposeFor is Compose for somebody who has days and a language.
func ComposeFor(to Reader, f *Facts, name, publicURL string) Notice {
	if CheckName(name) != nil {
		name = f.Connection
	}
	n := Notice{
		ID: f.ID, Kind: f.Kind, Connection: f.Connection, Name: name, Side: f.Side,
		Link: publicURL + "/connections/" + f.Connection, At: f.At.UTC().Truncate(time.Second), To: to,
	}
	if f.Connection == "" {
		n.Link = publicURL
	}
	n.Happened, n.Helps = words(f, to)
	return n
}

// CheckName refuses what is not the name of a connection: one line that can be
// printed, and not too long.
func CheckName(name string) error {
	const most = 200
	switch {
	case strings.TrimSpace(name) == "":
		return errors.New("the name is empty; it is how people know the connection")
	case len(name) > most:
		return fmt.Errorf("the name has %d bytes; %d are the most", len(name), most)
	case strings.ContainsFunc(name, func(r rune) bool { return !unicode.IsPrint(r) }):
		return errors.New("the name has a line break or another character that cannot be printed; leave it out")
	}
	return nil
}

// Subject is the message in one line.
func (n *Notice) Subject() string {
	words := map[Kind]string{
		ReauthRequired:       PartyOf(n.Side) + " needs to be authorised again",
		Recovered:            PartyOf(n.Side) + " works again",
		AuthorizationExpires: "the authorisation of " + PartyOf(n.Side) + " expires soon",
		PayoutsHeld:          "something waits for a person",
		NotTakenBack:         "an accrual was not taken back",
		DueMissing:           "a payout was due and has not come",
		SyncLate:             "no sync has succeeded for too long",
		Test:                 "this is a test",
	}[n.Kind]
	words = n.To.say(words)
	if n.Name == "" {
		return "Kvitt: " + words
	}
	return "Kvitt, " + n.Name + ": " + words
}

// Text is the message as the plain text of a mail.
func (n *Notice) Text() string {
	var b strings.Builder
	say := n.To.say
	if n.Connection != "" {
		fmt.Fprintf(&b, "%s: %s (%s)\n\n", say("Connection"), n.Name, n.Connection)
	}
	b.WriteString(say(n.Happened) + "\n")
	if n.Helps != "" {
		fmt.Fprintf(&b, "\n%s: %s\n", say("What helps"), say(n.Helps))
	}
	fmt.Fprintf(&b, "\n%s\n\n-- \nKvitt, %s. %s: %s\n", n.Link, n.To.moment(n.At), say("Code"), n.Kind)
	return b.String()
}

// PartyOf is the name of a side for people.
func PartyOf(side string) string {
	switch side {
	case "klarna":
		return "Klarna"
	case "visma":
		return "Visma.net"
	default:
		return "a side"
	}
}

// words say what happened and what helps.
func words(f *Facts, to Reader) (happened, helps string) {
	side := PartyOf(f.Side)
	switch f.Kind {
	case ReauthRequired:
		return join(side+" no longer accepts Kvitt's credential, so the syncs have stopped. Nothing is lost: what waits continues once it works again.", because(f.Reason)), oneLine(f.Remedy)
	case Recovered:
		return join(side+" works again.", resumed(f.Resumed)), "Nothing needs to be done."
	case AuthorizationExpires:
		return fmt.Sprintf("The authorisation of %s expires %s, on %s. After that Kvitt can post nothing until somebody has consented again.", side, in(Days(f.At, f.Expires)), to.day(f.Expires)),
			"Consent again before that day: on the connection's page, or with `starter connection authorize " + f.Connection + "`."
	case PayoutsHeld:
		return waiting(f), lookAt(f)
	case NotTakenBack:
		return plural(f.NotTakenBack, "accrual was", "accruals were") + " not taken back by Visma.net, although the next period has begun: the same sales and fees count in both.",
			"`starter accrue " + f.Connection + " --list`, or the page of accruals, says which, and what helps."
	case DueMissing:
		happened = "A payout was due and has not come."
		if f.Missing != nil {
			happened = f.Missing.String()
		}
		return happened, "Look in Klarna's Merchant Portal whether it was paid out. If it was, `starter sync " + f.Connection + "` fetches it; if not, ask Klarna."
	case SyncLate:
		return late(f, to), "Run `starter doctor` and read what it says; then `starter sync " + f.Connection + "`."
	case Test:
		return "Somebody tried whether notifications arrive. They do.", ""
	}
	return "Something happened that this version has no words for.", "Look at the connection's page."
}

// Days is the number of days that are left until a moment, a begun one counted.
func Days(now, until time.Time) int { return int(math.Ceil(until.Sub(now).Hours() / 24)) }

func in(days int) string {
	switch {
	case days <= 0:
		return "today"
	case days == 1:
		return "within a day"
	default:
		return fmt.Sprintf("in %d days", days)
	}
}

func because(reason string) string {
	if reason = strings.TrimRight(oneLine(reason), "."); reason == "" {
		return ""
	}
	return "Why: " + reason + "."
}

func resumed(n int) string {
	switch n {
	case 0:
		return ""
	case 1:
		return "One piece of work that waited for it goes on."
	default:
		return fmt.Sprintf("%d pieces of work that waited for it go on.", n)
	}
}

// approval is the reason of payouts that wait for nothing else.
const approval = "approval"

// waiting counts what waits for a person by reason, the approvals first.
func waiting(f *Facts) string {
	var parts []string
	if n := f.Payouts[approval]; n > 0 {
		parts = append(parts, plural(n, "payout awaits approval", "payouts await approval")+".")
	}
	return join(append(parts, held(f.Payouts, "payout"), held(f.Reversals, "reversal"), held(f.Accruals, "accrual"), held(f.Others, "other voucher"))...)
}

// held counts what is held by reason; "" when nothing is.
func held(by map[string]int64, noun string) string {
	var total int64
	var reasons []string
	for _, code := range slices.Sorted(maps.Keys(by)) {
		if code != approval && by[code] > 0 {
			total += by[code]
			reasons = append(reasons, fmt.Sprintf("%s %d", code, by[code]))
		}
	}
	if total == 0 {
		return ""
	}
	return plural(total, noun+" is held", noun+"s are held") + ": " + strings.Join(reasons, ", ") + "."
}

// lookAt says where what waits is seen.
func lookAt(f *Facts) string {
	var parts []string
	if len(f.Payouts) > 0 {
		parts = append(parts, "`starter payout list "+f.Connection+" --state held`, or `--state awaiting_approval` for those that await approval")
	}
	if len(f.Reversals) > 0 {
		parts = append(parts, "`starter payout list "+f.Connection+"`, which marks payouts whose reversal is held")
	}
	if len(f.Accruals) > 0 {
		parts = append(parts, "`starter accrue "+f.Connection+" --list`")
	}
	if len(f.Others) > 0 {
		parts = append(parts, "`starter report held "+f.Connection+"`")
	}
	return "Look at them: " + strings.Join(parts, "; ") + ". Each says what helps."
}

func plural(n int64, one, many string) string {
	if n == 1 {
		return "1 " + one
	}
	return fmt.Sprintf("%d %s", n, many)
}

// String says it in a sentence.
func (m *Missing) String() string {
	return fmt.Sprintf("A payout in %s was due on %s, after one every %d days until %s, and has not come.", m.Currency, m.Due, m.GapDays, m.Last)
}

func late(f *Facts, to Reader) string {
	since := to.moment(f.Since)
	if f.Never {
		return fmt.Sprintf("No sync has succeeded since %s, when the connection became active; the limit is %s.", since, hours(f.Limit))
	}
	return fmt.Sprintf("The last successful sync ended at %s; the limit is %s.", since, hours(f.Limit))
}

func hours(d time.Duration) string {
	if d%time.Hour == 0 {
		return fmt.Sprintf("%d h", int(d.Hours()))
	}
	return d.Round(time.Second).String()
}

func join(sentences ...string) string {
	return strings.Join(slices.DeleteFunc(sentences, func(s string) bool { return s == "" }), " ")
}

// oneLine is text of somebody else, shortened and without what cannot be
// printed.
func oneLine(text string) string {
	const most = 600
	text = strings.Map(func(r rune) rune {
		if unicode.IsControl(r) {
			return ' '
		}
		return r
	}, text)
	text = strings.Join(strings.Fields(text), " ")
	if r := []rune(text); len(r) > most {
		return string(r[:most]) + "…"
	}
	return text
}
