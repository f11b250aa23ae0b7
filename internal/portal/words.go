package portal

import (
	"embed"
	"errors"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/goccy/go-yaml"
	textlanguage "golang.org/x/text/language"

	"kvitt/internal/lang"
	"kvitt/internal/operate"
	"kvitt/internal/report"
	"kvitt/internal/web"
)

//go:embed words
var wordFiles embed.FS

// language is one that the pages speak.
type language struct{ Tag, Name string }

// languages are those; the first one serves whoever wants another.
var languages = []language{{"en", "English"}, {"sv", "Svenska"}, {"nb", "Norsk"}}

// dictionary holds the words of the pages in one language, by key.
type dictionary map[string]string

func readWords(tag string) (dictionary, error) {
	document, err := wordFiles.ReadFile("words/" + tag + ".yaml")
	if err != nil {
		return nil, fmt.Errorf("read the portal's words in %s: %w", tag, err)
	}
	var tree map[string]any
	if err := yaml.Unmarshal(document, &tree); err != nil {
		return nil, fmt.Errorf("read the portal's words in %s: %w", tag, err)
	}
	words := dictionary{}
	words.flatten("", tree)
	return words, nil
}

func (d dictionary) flatten(prefix string, tree map[string]any) {
	for key, value := range tree {
		switch v := value.(type) {
		case map[string]any:
			d.flatten(prefix+key+".", v)
		default:
			d[prefix+key] = fmt.Sprint(v)
		}
	}
}

// say is the text of a key, with %s and %d filled in. A text that depends on a
// number has forms, key.one and key.other, chosen by the first number. Error: there
// are no such words.
func (d dictionary) say(to reader, key string, args ...any) (string, error) {
	l := to.lang()
	text, ok := d[key]
	if !ok {
		text, ok = d[key+"."+form(l, args)]
	}
	if !ok {
		return "", fmt.Errorf("say %q: there are no such words", key)
	}
	text = to.provider.Says(text)
	if len(args) == 0 {
		return text, nil
	}
	written := make([]any, len(args))
	for i, arg := range args {
		if written[i] = arg; isNumber(arg) {
			written[i] = number(l.Decimal(fmt.Sprint(arg)))
		}
	}
	return fmt.Sprintf(text, written...), nil
}

// form is the form of words that the first number asks for.
func form(l lang.Language, args []any) string {
	for _, arg := range args {
		if n, err := strconv.ParseInt(fmt.Sprint(arg), 10, 64); err == nil && isNumber(arg) {
			if l.One(n) {
				return "one"
			}
			break
		}
	}
	return "other"
}

func isNumber(arg any) bool {
	switch arg.(type) {
	case int, int32, int64:
		return true
	}
	return false
}

// number is a number as it is written, for %d and %s alike.
type number string

// Format writes it.
func (n number) Format(f fmt.State, _ rune) { _, _ = io.WriteString(f, string(n)) }

// happened returns why something was refused.
func (d dictionary) happened(to reader, it *refusal) (string, error) {
	if it.Said == nil {
		return to.say(it.Happened), nil
	}
	args := slices.Clone(it.Said.args)
	for i := range args {
		if at, ok := args[i].(time.Time); ok {
			args[i] = to.moment(at)
		}
	}
	return d.say(to, it.Said.key+".happened", args...)
}

// helps returns what helps after a refusal, "" when nothing is known to.
func (d dictionary) helps(to reader, it *refusal) string {
	if it.Said == nil {
		return to.say(it.Helps)
	}
	return to.provider.Says(d[it.Said.key+".helps"])
}

// why is an error in a sentence.
func (d dictionary) why(to reader, err error) (string, error) {
	if already := new(operate.AlreadyError); errors.As(err, &already) {
		return d.happened(to, &refusal{Said: alreadySaid(already)})
	}
	return to.say(operate.Sentence(err)), nil
}

// action returns what was done, as the audit trail calls it, in words.
func (d dictionary) action(name string) string {
	if text, ok := d["action."+strings.ReplaceAll(name, " ", "_")]; ok {
		return text
	}
	return name
}

// column is the heading of a report's column.
func (d dictionary) column(c report.Column) string {
	if c.Name == "Total" { // that of fees has its own name
		return d["voucher.sum"]
	}
	if text, ok := d["column."+c.Key]; ok {
		return text
	}
	return c.Name
}

func (d dictionary) has(key string) bool {
	_, ok := d[key]
	_, forms := d[key+".other"]
	return ok || forms
}

var matcher = textlanguage.NewMatcher([]textlanguage.Tag{textlanguage.English, textlanguage.Swedish, textlanguage.MustParse("nb"), textlanguage.Norwegian})

const languageCookie = "__Host-kvitt-language"

// languageOf is the language that a person chose, or that the browser asks for.
func languageOf(r *http.Request) language {
	if cookie, err := r.Cookie(languageCookie); err == nil {
		for _, one := range languages {
			if one.Tag == cookie.Value {
				return one
			}
		}
	}
	_, index := textlanguage.MatchStrings(matcher, r.Header.Get("Accept-Language"))
	return languages[min(index, len(languages)-1)]
}

// language keeps the language that a person chose. It is a preference of the
// browser, and so the only thing here that a GET changes.
func (p *Portal) language(w http.ResponseWriter, r *http.Request) {
	for _, one := range languages {
		if one.Tag == r.URL.Query().Get("to") {
			http.SetCookie(w, &http.Cookie{
				Name: languageCookie, Value: one.Tag, Path: "/", HttpOnly: true, Secure: true, SameSite: http.SameSiteLaxMode,
				MaxAge: int((365 * 24 * time.Hour).Seconds()),
			})
		}
	}
	web.Go(w, r, r.URL.Query().Get("back"))
}
