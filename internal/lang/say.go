package lang

import (
	"cmp"
	"embed"
	"fmt"
	"regexp"
	"slices"
	"strings"
	"sync"
	"unicode"
	"unicode/utf8"

	"github.com/goccy/go-yaml"
)

//go:embed sentences/*.yaml
var files embed.FS

// sentence is one in the catalogue: how the English one is recognised, and what
// it is in the language.
type sentence struct {
	pattern *regexp.Regexp
	has     string // letters that are in every such sentence: looked for first, because that is quick
	text    string
	weight  int // of letters that have to be there: the more, the surer
}

// book holds what is known in a language.
type book struct {
	exact    map[string]string // sentences without a figure
	patterns []sentence        // the surest first
}

// books are read once. They are part of the program: a fault in them is one of
// the build, and a test shows it.
var books = sync.OnceValue(func() map[Language]*book {
	all := map[Language]*book{}
	for _, l := range Languages()[1:] {
		all[l], _ = readBook(l)
	}
	return all
})

// Sentences are the English sentences of the catalogue with what they are in a
// language, %s and %d where figures go.
func Sentences(l Language) (map[string]string, error) {
	all := map[string]string{}
	entries, err := files.ReadDir("sentences")
	for _, entry := range entries {
		document, err := files.ReadFile("sentences/" + entry.Name())
		if err != nil {
			return nil, fmt.Errorf("read the sentences in %s: %w", entry.Name(), err)
		}
		var read map[string]map[Language]string
		if err := yaml.Unmarshal(document, &read); err != nil {
			return nil, fmt.Errorf("read the sentences in %s: %w", entry.Name(), err)
		}
		for english, texts := range read {
			all[english] = texts[l]
		}
	}
	return all, err
}

func readBook(l Language) (*book, error) {
	read, err := Sentences(l)
	b := &book{exact: map[string]string{}}
	for english, text := range read {
		if !verb.MatchString(english) {
			b.exact[bare(english)] = text
			continue
		}
		b.patterns = append(b.patterns, sentence{pattern(english), longestLiteral(english), text, len(verb.ReplaceAllString(english, ""))})
	}
	slices.SortFunc(b.patterns, func(x, y sentence) int {
		return cmp.Or(y.weight-x.weight, strings.Compare(x.pattern.String(), y.pattern.String()))
	})
	return b, err
}

// verb is where a figure goes, as fmt writes it; in a translation with the
// number of the figure where the order differs.
var verb = regexp.MustCompile(`%(?:\[(\d)\])?([sdqvw])`)

// pattern recognises a sentence, whatever its figures are.
func pattern(english string) *regexp.Regexp {
	english = bare(english)
	var b strings.Builder
	b.WriteString(`(?s)^`)
	last := 0
	for _, at := range verb.FindAllStringSubmatchIndex(english, -1) {
		b.WriteString(literal(english[last:at[0]], last == 0))
		switch english[at[4]:at[5]] {
		case "d":
			b.WriteString(`(-?\d+)`)
		case "q":
			b.WriteString(`("(?:[^"\\]|\\.)*")`)
		default:
			b.WriteString(`(.+?)`)
		}
		last = at[1]
	}
	b.WriteString(literal(english[last:], false) + `$`)
	return regexp.MustCompile(b.String())
}

// longestLiteral is the longest part between figures, without a first letter that
// may be a capital or not.
func longestLiteral(english string) (longest string) {
	for i, part := range verb.Split(bare(english), -1) {
		if _, size := utf8.DecodeRuneInString(part); i == 0 {
			part = part[size:]
		}
		if len(part) > len(longest) {
			longest = part
		}
	}
	return longest
}

// literal is text as a pattern; its first letter may be a capital or not, as a
// sentence begins or goes on.
func literal(text string, first bool) string {
	r, size := utf8.DecodeRuneInString(text)
	if !first || !unicode.IsLetter(r) {
		return regexp.QuoteMeta(text)
	}
	return "[" + string(unicode.ToLower(r)) + string(unicode.ToUpper(r)) + "]" + regexp.QuoteMeta(text[size:])
}

// bare is a sentence without its full stop, and with a small letter where nothing
// else than its place in a text decides.
func bare(text string) string {
	return strings.TrimSuffix(strings.TrimSpace(text), ".")
}

// Say returns what an English text of Kvitt's own is in the language: a sentence, several,
// or one that wraps another behind a colon. ok is false when there was something
// in it that the catalogue does not know; that is left as it was.
func (l Language) Say(text string) (said string, ok bool) {
	b := books()[l]
	if b == nil || strings.TrimSpace(text) == "" {
		return text, true
	}
	if len(text) > longest {
		return text, false
	}
	s := speaker{l, b, map[string]result{}}
	if said, ok = s.say(text, 0); ok || !strings.Contains(text, kustom) {
		return said, ok
	}
	// The catalogue speaks of Klarna, and Kustom's sentences are the same.
	said, ok = s.say(strings.ReplaceAll(text, kustom, "Klarna"), 0)
	return strings.ReplaceAll(said, "Klarna", kustom), ok
}

// kustom is the other provider: what was kept of it names it.
const kustom = "Kustom"

// In is Say for those who show what there is.
func (l Language) In(text string) string {
	said, _ := l.Say(text)
	return said
}

// longest is more bytes than any text of Kvitt's own has.
const longest = 4 << 10

type speaker struct {
	Language
	*book
	known map[string]result // so that no part is looked up twice
}

type result struct {
	said string
	ok   bool
}

const deepest = 6

func (s speaker) say(text string, depth int) (string, bool) {
	if r, ok := s.known[text]; ok {
		return r.said, r.ok
	}
	if len(s.known) > mostParts {
		return text, false
	}
	said, ok := s.look(text, depth)
	s.known[text] = result{said, ok}
	return said, ok
}

// mostParts bounds what one text is taken apart into.
const mostParts = 200

func (s speaker) look(text string, depth int) (string, bool) {
	if said, ok := s.one(text, depth); ok {
		return said, true
	}
	if depth > deepest {
		return text, false
	}
	parts, between := split(text)
	if len(parts) < 2 {
		return text, plain(text)
	}
	var out strings.Builder
	whole := true
	for i, part := range parts {
		said, ok := s.say(part, depth+1)
		whole = whole && ok
		if i > 0 {
			out.WriteString(between[i-1])
		}
		out.WriteString(said)
	}
	return out.String(), whole
}

// one is a text that is one sentence of the catalogue.
func (s speaker) one(text string, depth int) (string, bool) {
	end := ""
	inner := text
	if strings.HasSuffix(text, ".") && !strings.HasSuffix(text, "..") {
		inner, end = text[:len(text)-1], "."
	}
	for _, key := range []string{inner, lower(inner), upper(inner)} {
		if said, ok := s.exact[key]; ok {
			return as(inner, bare(said)) + end, true
		}
	}
	if depth > deepest {
		return text, false
	}
	best := ""
	for i := range s.patterns {
		p := &s.patterns[i]
		if !strings.Contains(inner, p.has) {
			continue
		}
		found := p.pattern.FindStringSubmatch(inner)
		if found == nil {
			continue
		}
		said, ok := s.fill(p.text, found[1:], depth+1)
		if ok {
			return as(inner, bare(said)) + end, true
		}
		if best == "" && p.weight >= sure {
			best = as(inner, bare(said)) + end
		}
	}
	return cmp.Or(best, text), best != ""
}

// sure is the number of its own letters by which a sentence is recognised, even
// if a figure in it is somebody else's words.
const sure = 14

// fill puts figures into a translation: amounts as the language writes them, and
// what is itself of the catalogue in the language.
func (s speaker) fill(text string, figures []string, depth int) (string, bool) {
	next := 0
	whole := true
	said := verb.ReplaceAllStringFunc(text, func(found string) string {
		at := next
		if m := verb.FindStringSubmatch(found); m[1] != "" {
			at = int(m[1][0] - '1')
		}
		next = at + 1
		if at >= len(figures) { // a test keeps this from happening
			return found
		}
		if verb.FindStringSubmatch(found)[2] == "v" && names.MatchString(figures[at]) {
			return figures[at]
		}
		said, ok := s.figure(figures[at], depth)
		whole = whole && ok
		return said
	})
	return forms(said, s.Language), whole
}

// names are those of members of a document, several of them, or a number with its
// name: %v keeps them as they are.
var names = regexp.MustCompile(`^(?:\S+(?:, \S+)*|\d\S* .+)$`)

// cited is what somebody else wrote, and is shown as it was.
var cited = regexp.MustCompile(`^"(?:[^"\\]|\\.)*"$`)

var amount = regexp.MustCompile(`^-?\d+\.\d{2}$`)

func (s speaker) figure(text string, depth int) (string, bool) {
	if amount.MatchString(text) {
		return s.Decimal(text), true
	}
	if cited.MatchString(text) {
		return text, true
	}
	words := strings.Split(text, " ")
	if len(words) == 2 && amount.MatchString(words[0]) { // with its currency
		return s.Decimal(words[0]) + "\u00a0" + words[1], true
	}
	return s.say(text, depth)
}

// form is a choice by the number before it: "3 {rad|rader}".
var form = regexp.MustCompile(`(\d+)([^{}\d]*)\{([^{}|]*)\|([^{}|]*)\}`)

func forms(text string, l Language) string {
	for form.MatchString(text) {
		text = form.ReplaceAllStringFunc(text, func(found string) string {
			m := form.FindStringSubmatch(found)
			if m[1] == "1" && l.One(1) {
				return m[1] + m[2] + m[3]
			}
			return m[1] + m[2] + m[4]
		})
	}
	return text
}

// split takes a text apart: into lines, sentences, items, or before the first colon.
func split(text string) (parts, between []string) {
	if label, rest, ok := strings.Cut(text, ": "); ok && label != "" && rest != "" && !sounds.MatchString(label) {
		return []string{label, rest}, []string{": "} // a month, a currency, a reference
	}
	for _, at := range []string{"\n", ". ", "; ", ": ", ", "} {
		if first, rest, ok := strings.Cut(text, at); ok && first != "" && rest != "" {
			if at == ". " {
				return []string{first + ".", rest}, []string{" "}
			}
			return []string{first, rest}, []string{at}
		}
	}
	return nil, nil
}

// plain tells what has no words of a language in it: a number, a code, a day, an
// account, a currency, a command.
func plain(text string) bool {
	return !sounds.MatchString(quoted.ReplaceAllString(text, ""))
}

var (
	quoted = regexp.MustCompile("Klarna|Kustom|Visma\\.net|Visma Connect|Temporal|Kvitt|`[^`]*`|\"[^\"]*\"|https?://\\S+")
	sounds = regexp.MustCompile(`\p{L}\p{Ll}{2,}|\p{Ll}{2,} \p{Ll}{2,}`)
)

func lower(text string) string { return first(text, unicode.ToLower) }

func upper(text string) string { return first(text, unicode.ToUpper) }

func first(text string, to func(rune) rune) string {
	r, size := utf8.DecodeRuneInString(text)
	if size == 0 {
		return text
	}
	return string(to(r)) + text[size:]
}

// as gives a translation the capital, or none, that the text began with.
func as(text, said string) string {
	r, _ := utf8.DecodeRuneInString(text)
	switch {
	case unicode.IsLower(r) && !keeps(said):
		return lower(said)
	case unicode.IsUpper(r):
		return upper(said)
	}
	return said
}

// keeps tells what begins with a name.
func keeps(said string) bool {
	for _, name := range []string{"Klarna", "Kvitt", "Visma", "Temporal", "Kustom"} {
		if strings.HasPrefix(said, name) {
			return true
		}
	}
	r, _ := utf8.DecodeRuneInString(lower(said))
	return !unicode.IsLetter(r)
}
