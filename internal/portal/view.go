package portal

import (
	"bytes"
	"embed"
	"fmt"
	"html/template"
	"net/http"
	"strings"
	"time"

	"go.uber.org/zap"

	"kvitt/internal/report"
	"kvitt/internal/settlement"
	"kvitt/internal/signin"
	"kvitt/internal/voucher"
)

//go:embed pages
var pageFiles embed.FS

// pages are the templates, once for each language.
type pages struct {
	byLanguage map[string]*template.Template
	words      map[string]dictionary
}

func readPages() (*pages, error) {
	out := &pages{map[string]*template.Template{}, map[string]dictionary{}}
	for _, language := range languages {
		words, err := readWords(language.Tag)
		if err != nil {
			return nil, err
		}
		t, err := template.New("").Funcs(functions(words)).ParseFS(pageFiles, "pages/*.html")
		if err != nil {
			return nil, fmt.Errorf("read the portal's pages in %s: %w", language.Tag, err)
		}
		out.byLanguage[language.Tag], out.words[language.Tag] = t, words
	}
	return out, nil
}

// functions are what the templates can use besides html/template's own.
func functions(words dictionary) template.FuncMap {
	return template.FuncMap{
		"t":              words.say,
		"has":            words.has,
		"action":         words.action,
		"column":         words.column,
		"cell":           cell,
		"alarming":       report.Alarming,
		"money":          func(minor int64, currency string) string { return money(minor, currency) },
		"sum":            func(v *voucher.Voucher) int64 { debit, _ := v.Total(); return debit },
		"moment":         moment,
		"day":            day,
		"tone":           tone,
		"minus":          func(minor int64) int64 { return -minor },
		"steps":          func(n int) []int { return []int{1, 2, 3, 4, 5}[:n] },
		"interviewsteps": func() []string { return []string{stepChoices, stepAccounts, stepReview} },
		"regions":        func() []string { return []string{"eu", "na", "oc"} },
		"join":           func(all []string) string { return strings.Join(all, ", ") },
	}
}

// unknown stands where a payout that cannot be read has nothing to show.
const unknown = "–"

func day(t time.Time) string {
	if t.IsZero() {
		return unknown
	}
	return t.UTC().Format(time.DateOnly)
}

// money is an amount in minor units as people read it: 12 345.60.
func money(minor int64, currency string) string {
	if currency == "" && minor == 0 {
		return unknown
	}
	text := settlement.Format(minor, settlement.Currency(currency))
	whole, rest, _ := strings.Cut(text, ".")
	sign := ""
	if strings.HasPrefix(whole, "-") {
		sign, whole = "−", whole[1:]
	}
	var groups []string
	for len(whole) > 3 && !strings.Contains(whole, " ") {
		groups = append([]string{whole[len(whole)-3:]}, groups...)
		whole = whole[:len(whole)-3]
	}
	whole = sign + strings.Join(append([]string{whole}, groups...), "\u00a0")
	if rest != "" {
		whole += "." + rest
	}
	return whole
}

// cell is a value of a report as people read it.
func cell(row report.Row, i int, column report.Column) string {
	if i >= len(row.Cells) || !row.Cells[i].Known {
		return ""
	}
	c := row.Cells[i]
	switch column.Kind {
	case report.Money:
		return money(c.Number, string(c.Currency))
	default:
		return c.Decimal(column.Kind)
	}
}

// moment is a point of time for people, "–" when there is none.
func moment(t time.Time) string {
	if t.IsZero() {
		return "–"
	}
	return t.UTC().Format("2006-01-02 15:04 UTC")
}

// tone is how a state looks: good, bad, wait or plain.
func tone(state string) string {
	switch state {
	case "active", "connected", "verified", "ok", "fetched", "nothing_due", "as_posted":
		return "good"
	case "reauth_required", "held", "failed", "due_but_missing", "unreleased", "edited", "voided", "gone", "elsewhere", "not_taken_back", heldReversals:
		return "bad"
	case "setup", "verifying", "paused", "missing", "awaiting_approval", "waiting", "warning":
		return "wait"
	default:
		return "plain"
	}
}

// view is what every page gets.
type view struct {
	Page      string
	Language  language
	Languages []language
	Person    *signin.Person
	Path      string
	Done      string // what was just done
	Data      any
}

// May tells whether the person may do what takes a role.
func (v *view) May(role string) bool {
	return v.Person != nil && v.Person.Role.Allows(signin.Role(role))
}

func (p *Portal) show(w http.ResponseWriter, r *http.Request, status int, name string, data any) {
	language := languageOf(r)
	v := &view{Page: name, Language: language, Languages: languages, Path: r.URL.Path, Done: r.URL.Query().Get("done"), Data: data}
	if person, ok := signin.PersonOf(r.Context()); ok {
		v.Person = &person
	}
	var b bytes.Buffer
	if err := p.pages.byLanguage[language.Tag].ExecuteTemplate(&b, name, v); err != nil {
		p.Log.Error("a page could not be written", zap.String("page", name), zap.Error(err))
		http.Error(w, "This page could not be written; Kvitt's log says why.", http.StatusInternalServerError)
		return
	}
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	w.Header().Set("Content-Language", language.Tag)
	w.WriteHeader(status)
	_, _ = w.Write(p.below(b.Bytes())) // the browser may be gone
}

// part renders a fragment.
func (p *Portal) part(r *http.Request, name string, data any) (string, error) {
	var b bytes.Buffer
	err := p.pages.byLanguage[languageOf(r).Tag].ExecuteTemplate(&b, name, data)
	return string(p.below(b.Bytes())), err
}
