package portal

import (
	"context"
	"html/template"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"time"

	"kvitt/internal/lang"
)

// reader is who a page is written for. Days are the company's, since they are
// those of its books; times are the person's.
type reader struct {
	language language
	company  *time.Location
	person   *time.Location
}

// lang is the reader's language.
func (r reader) lang() lang.Language { return lang.Of(r.language.Tag) }

// zoneCookie is where zone.js leaves the zone that the browser is in.
const zoneCookie = "kvitt_zone"

// readerOf is who asks: the company is that of the connection that the page is
// about. Without a zone of the person's own, times are in the company's.
func (p *Portal) readerOf(r *http.Request) reader {
	to := reader{language: languageOf(r), company: p.zoneOf(r.Context(), r.PathValue("id"))}
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

	mu      sync.Mutex
	readers map[string]*template.Template
}

// mostReaders bounds what is kept: a browser may say that it is in any zone.
const mostReaders = 32

// of are the templates of a reader.
func (p *pages) of(r reader) (*template.Template, error) {
	key := strings.Join([]string{r.language.Tag, r.company.String(), r.person.String()}, " ")
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
	t.Funcs(functions(p.words[r.language.Tag], r))
	p.readers[key] = t
	return t, nil
}
