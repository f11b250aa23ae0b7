package portal

import (
	"net/http"
	"net/url"
	"strconv"
)

// pager is where a list stands that is shown a page at a time.
type pager struct {
	N    int  // the page, from 1
	More bool // there is a next one
	name string
	from *url.URL
}

// mostPages keeps an address from asking for what no database has.
const mostPages = 1_000_000

// pagerOf reads which page of a list is asked for. The lists of one page have
// names of their own.
func pagerOf(r *http.Request, name string) pager {
	n, err := strconv.Atoi(r.URL.Query().Get(name))
	if err != nil || n < 1 || n > mostPages {
		n = 1
	}
	return pager{N: n, name: name, from: r.URL}
}

// skip is the number of entries that lie before the page.
func (g *pager) skip(size int) int { return (g.N - 1) * size }

func (g pager) at(n int) string {
	query := g.from.Query()
	query.Del("done")
	if query.Set(g.name, strconv.Itoa(n)); n == 1 {
		query.Del(g.name)
	}
	return "?" + query.Encode() + "#" + g.name
}

// Before is the address of the page before, "" on the first.
func (g pager) Before() string {
	if g.N == 1 {
		return ""
	}
	return g.at(g.N - 1)
}

// After is the address of the next page, "" on the last.
func (g pager) After() string {
	if !g.More {
		return ""
	}
	return g.at(g.N + 1)
}

// First is the address of the first page.
func (g pager) First() string { return g.at(1) }

// cut is a page of a list that was read with one entry more than a page has.
func cut[T any](g *pager, all []T, size int) []T {
	if g.More = len(all) > size; g.More {
		all = all[:size]
	}
	return all
}

// window is a page of a list that is there whole.
func window[T any](g *pager, all []T, size int) []T {
	all = all[min(g.skip(size), len(all)):]
	return cut(g, all, size)
}
