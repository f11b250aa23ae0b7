package portal

import (
	"context"
	"html/template"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"time"

	"kvitt/internal/klarna"
	"kvitt/internal/lang"
)

// reader is who a page is written for. Days are the company's, since they are
// those of its books; times are the person's.
type reader struct {
	language language
	company  *time.Location
	person   *time.Location
	provider klarna.Provider // who pays out; Klarna where the page is about no connection
}

// lang is the reader's language.
func (r reader) lang() lang.Language { return lang.Of(r.language.Tag) }

// zoneCookie is where zone.js leaves the zone that the browser is in.
const zoneCookie = "kvitt_zone"

// readerOf is who asks: the company is that of the connection that the page is
// about. Without a zone of the person's own, times are in the company's.
func (p *Portal) readerOf(r *http.Request) reader {
	to := reader{language: languageOf(r), company: p.zoneOf(r.Context(), r.PathValue("id")), provider: p.providerOf(r.Context(), r.PathValue("id"))}
	to.person = to.company
	if cookie, err := r.Cookie(zoneCookie); err == nil {
		name, _ := url.QueryUnescape(cookie.Value)
		if zone, err := time.LoadLocation(name); err == nil && name != "" && name != "Local" {
			to.person = zone
		}
	}
	return to
}

// zoneOf is the zone of a connection's company, UTC while it has none.
func (p *Portal) zoneOf(ctx context.Context, connection string) *time.Location {
	if connection == "" || p.Desk == nil || p.Desk.Doors == nil {
		return time.UTC
	}
	profile, _, err := p.Desk.Doors.Profile(ctx, connection, 0)
	if err != nil {
		return time.UTC
	}
	return profile.Location()
}

// providerOf is who pays out to a connection.
func (p *Portal) providerOf(ctx context.Context, connection string) klarna.Provider {
	if connection == "" || p.Desk == nil || p.Desk.Store == nil {
		return klarna.Klarna
	}
	row, err := p.Desk.Store.Connection(ctx, connection)
	if err != nil {
		return klarna.Klarna
	}
	return klarna.Provider(row.Provider)
}

// day is the day of a moment in the company's zone.
func (r reader) day(t time.Time) string {
	if t.IsZero() {
		return unknown
	}
	return t.In(r.company).Format(time.DateOnly)
}

// lastDay is the last day before the end of a window.
func (r reader) lastDay(end time.Time) string { return r.day(end.Add(-time.Nanosecond)) }

// moment is a point of time in the person's zone, "–" when there is none.
func (r reader) moment(t time.Time) string {
	if t.IsZero() {
		return unknown
	}
	return t.In(r.person).Format("2006-01-02 15:04 MST")
}

// pages are the templates, once for each language, and those of the readers that
// there were lately: a template that was executed takes no other functions.
type pages struct {
	byLanguage map[string]*template.Template
	words      map[string]dictionary

	// missing is told of a key that a page uses and no language has. Its error
	// keeps the page from being shown; without one, the page shows the key.
	missing func(key string) error

	mu      sync.Mutex
	readers map[string]*template.Template
}

// say is the text of a key in the reader's language, in English where that language
// has none.
func (p *pages) say(to reader, key string, args ...any) (string, error) {
	text, err := p.words[to.language.Tag].say(to, key, args...)
	if err == nil {
		return text, nil
	}
	if p.missing != nil {
		if err := p.missing(key); err != nil {
			return "", err
		}
	}
	if text, err := p.words[languages[0].Tag].say(to, key, args...); err == nil {
		return text, nil
	}
	return key, nil
}

// mostReaders bounds what is kept: a browser may say that it is in any zone.
const mostReaders = 32

// of are the templates of a reader.
func (p *pages) of(r reader) (*template.Template, error) {
	key := strings.Join([]string{r.language.Tag, r.company.String(), r.person.String(), string(r.provider)}, " ")
	p.mu.Lock()
	defer p.mu.Unlock()
	if t := p.readers[key]; t != nil {
		return t, nil
	}
	t, err := p.byLanguage[r.language.Tag].Clone()
	if err != nil {
		return nil, err
	}
	if len(p.readers) >= mostReaders {
		clear(p.readers)
	}
	t.Funcs(p.functions(r))
	p.readers[key] = t
	return t, nil
}
