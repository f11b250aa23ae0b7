package portal

import (
	"bytes"
	"embed"
	"fmt"
	"html/template"
	"io"
	"net/http"
	"strings"
	"time"

	"go.uber.org/zap"

	"kvitt/internal/report"
	"kvitt/internal/signin"
	"kvitt/internal/voucher"
)

//go:embed pages
var pageFiles embed.FS

func readPages() (*pages, error) {
	out := &pages{byLanguage: map[string]*template.Template{}, words: map[string]dictionary{}, readers: map[string]*template.Template{}}
	for _, language := range languages {
		words, err := readWords(language.Tag)
		if err != nil {
			return nil, err
		}
		to := reader{language: language, company: time.UTC, person: time.UTC}
		t, err := template.New("").Funcs(functions(words, to)).ParseFS(pageFiles, "pages/*.html")
		if err != nil {
			return nil, fmt.Errorf("read the portal's pages in %s: %w", language.Tag, err)
		}
		out.byLanguage[language.Tag], out.words[language.Tag] = t, words
	}
	return out, nil
}

// functions are what the templates can use besides html/template's own.
func functions(words dictionary, to reader) template.FuncMap {
	return template.FuncMap{
		"t":              func(key string, args ...any) (string, error) { return words.say(to.lang(), key, args...) },
		"say":            to.lang().In,
		"has":            words.has,
		"action":         words.action,
		"column":         words.column,
		"cell":           to.cell,
		"alarming":       report.Alarming,
		"money":          to.money,
		"number":         func(n any) string { return to.lang().Decimal(fmt.Sprint(n)) },
		"sum":            func(v *voucher.Voucher) int64 { debit, _ := v.Total(); return debit },
		"moment":         to.moment,
		"day":            to.day,
		"lastday":        to.lastDay,
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

// money is an amount in minor units as people read it.
func (r reader) money(minor int64, currency string) string {
	if currency == "" && minor == 0 {
		return unknown
	}
	return r.lang().Money(minor, currency)
}

// cell is a value of a report as people read it.
func (r reader) cell(row report.Row, i int, column report.Column) string {
	if i >= len(row.Cells) || !row.Cells[i].Known {
		return ""
	}
	c := row.Cells[i]
	if column.Kind == report.Text || column.Kind == report.Day {
		return c.Words
	}
	return r.lang().Decimal(c.Decimal(column.Kind))
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
	to := p.readerOf(r)
	language := to.language
	v := &view{Page: name, Language: language, Languages: languages, Path: r.URL.Path, Done: r.URL.Query().Get("done"), Data: data}
	if person, ok := signin.PersonOf(r.Context()); ok {
		v.Person = &person
	}
	var b bytes.Buffer
	if err := p.write(&b, to, name, v); err != nil {
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
	err := p.write(&b, p.readerOf(r), name, data)
	return string(p.below(b.Bytes())), err
}

func (p *Portal) write(b io.Writer, to reader, name string, data any) error {
	t, err := p.pages.of(to)
	if err != nil {
		return err
	}
	return t.ExecuteTemplate(b, name, data)
}
