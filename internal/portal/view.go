package portal

import (
	"bytes"
	"embed"
	"fmt"
	"html/template"
	"io"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"

	"go.uber.org/zap"

	"kvitt/internal/klarna"
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
		out.words[language.Tag] = words
		to := reader{language: language, company: time.UTC, person: time.UTC}
		t, err := template.New("").Funcs(out.functions(to)).ParseFS(pageFiles, "pages/*.html")
		if err != nil {
			return nil, fmt.Errorf("read the portal's pages in %s: %w", language.Tag, err)
		}
		out.byLanguage[language.Tag] = t
	}
	return out, nil
}

// functions are what the templates can use besides html/template's own.
func (p *pages) functions(to reader) template.FuncMap {
	words := p.words[to.language.Tag]
	return template.FuncMap{
		"t":              func(key string, args ...any) (string, error) { return p.say(to, key, args...) },
		"say":            to.say,
		"says":           func(provider, words string) string { return klarna.Provider(provider).Says(words) },
		"has":            words.has,
		"happened":       func(it *refusal) (string, error) { return words.happened(to, it) },
		"helps":          func(it *refusal) string { return words.helps(to, it) },
		"why":            func(err error) (string, error) { return words.why(to, err) },
		"action":         func(name string) string { return to.provider.Says(words.action(name)) },
		"column":         func(c report.Column) string { return to.provider.Says(words.column(c)) },
		"cell":           to.cell,
		"payoutsin":      func(row report.Row, i int, c report.Column) []string { return payoutsIn(&row, i, &c) },
		"monthin":        func(row report.Row, i int, c report.Column) *report.Span { return monthIn(&row, i, &c) },
		"iso":            func(t time.Time) string { return t.UTC().Format(time.DateOnly) },
		"size":           size,
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

// say is a sentence of ours in the reader's language, with the name of who pays out.
func (r reader) say(sentence string) string { return r.provider.Says(r.lang().In(sentence)) }

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

// size is a number of bytes for people.
func size(n int64) string {
	switch {
	case n >= 10<<20:
		return strconv.FormatInt(n>>20, 10) + " MB"
	case n >= 10<<10:
		return strconv.FormatInt(n>>10, 10) + " kB"
	default:
		return strconv.FormatInt(n, 10) + " B"
	}
}

// tone returns how a state looks: good, bad, wait or plain.
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

// view holds what every page gets.
type view struct {
	Page      string
	Language  language
	Languages []language
	Person    *signin.Person
	Path      string
	Here      string    // the page with its filters, to come back to
	Done      string    // what was just done
	Ends      time.Time // when the session does, zero without one
	Refused   *refusal
	Data      any
}

// May tells whether the person may do what takes a role.
func (v *view) May(role string) bool {
	return v.Person != nil && v.Person.Role.Allows(signin.Role(role))
}

// Broad tells whether the page has tables that want the whole of a large screen.
func (v *view) Broad() bool { return v.Page == "report" || v.Page == "accruals" }

// Placed tells whether the page itself shows why something was refused, beside the
// form.
func (v *view) Placed() bool {
	return v.Page == "connection" && v.Refused.Form == "backfills"
}

func (p *Portal) show(w http.ResponseWriter, r *http.Request, status int, name string, data any) {
	to := p.readerOf(r)
	language := to.language
	v := &view{Page: name, Language: language, Languages: languages, Path: r.URL.Path, Here: p.here(r), Ends: signin.EndOf(r.Context()), Refused: refusalOf(r), Done: r.URL.Query().Get("done"), Data: data}
	if person, ok := signin.PersonOf(r.Context()); ok {
		v.Person = &person
	}
	if v.Refused != nil {
		status = v.Refused.Status
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

// here is the page that a request belongs to, with its filters: of what a form
// was sent to, the page that the form was on.
func (p *Portal) here(r *http.Request) string {
	at := r.URL
	if r.Method != http.MethodGet {
		if from, err := url.Parse(r.Referer()); err == nil && from.Scheme+"://"+from.Host == p.origin {
			from.Path = "/" + strings.TrimPrefix(strings.TrimPrefix(from.Path, p.path), "/")
			at = from
		}
	}
	query := at.Query()
	query.Del("done")
	return (&url.URL{Path: at.Path, RawQuery: query.Encode()}).RequestURI()
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
