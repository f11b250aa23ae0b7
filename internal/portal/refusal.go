package portal

import (
	"context"
	"errors"
	"net/http"
	"net/url"
	"path"
	"strconv"

	"kvitt/internal/operate"
	"kvitt/internal/store"
	"kvitt/internal/web"
)

// refusal says why something was not done, shown on the page that its form is on,
// with what was typed. Said, when there is one, says it in the reader's language.
type refusal struct {
	Status          int
	Form            string // the last part of the address that the form was sent to
	Happened, Helps string
	Said            *said
	typed           url.Values
}

// said is a refusal in the words of the language files: KEY.happened and KEY.helps.
type said struct {
	key  string
	args []any // of KEY.happened
}

func (s *said) Error() string { return s.key }

func say(key string, args ...any) error { return &said{key, args} }

type refusalKey struct{}

// refusalOf returns what was refused in the request that a page answers.
func refusalOf(r *http.Request) *refusal {
	it, _ := r.Context().Value(refusalKey{}).(*refusal)
	return it
}

// refused returns what an error refuses; nil when it is a fault and no refusal.
func refused(r *http.Request, err error) *refusal {
	it := &refusal{Status: http.StatusConflict, Form: path.Base(r.URL.Path), typed: r.PostForm}
	if r.Method == http.MethodGet {
		it.typed = r.URL.Query()
	}
	it.Happened, it.Helps = operate.Explain(err)
	var words *said
	var told *operate.Error
	var turnedDown *operate.RefusalError
	var large tooLargeError
	var already *operate.AlreadyError
	switch {
	case errors.As(err, &words):
		it.Said = words
	case errors.As(err, &already):
		it.Said = alreadySaid(already)
	case errors.Is(err, store.ErrLastAdministrator):
		it.Said = &said{key: "people.last"}
	case errors.As(err, &large):
		web.Because(r.Context(), web.Size, "form")
		it.Status, it.Said = http.StatusRequestEntityTooLarge, &said{"bound.large", []any{strconv.FormatInt(large.limit>>10, 10)}}
	case errors.Is(err, operate.ErrNoAnswer):
		it.Status, it.Said = http.StatusServiceUnavailable, &said{key: "bound.no_answer"}
	case errors.Is(err, operate.ErrStillGoing):
		it.Status = http.StatusServiceUnavailable
	case notFound(err):
		it.Status = http.StatusNotFound
	case errors.As(err, &turnedDown):
		if turnedDown.Code != "" {
			web.Because(r.Context(), web.Decision, turnedDown.Code)
		}
	case errors.As(err, &told), errors.Is(err, store.ErrUsed):
	default:
		return nil
	}
	return it
}

// alreadySaid tells what somebody else, or another tab, has decided meanwhile.
func alreadySaid(a *operate.AlreadyError) *said {
	switch {
	case a.Decision == "":
		return &said{"already.state", []any{a.State}}
	case a.BatchNumber != "":
		return &said{"already.batch." + a.Decision, []any{a.Who, a.At, a.BatchNumber}}
	default:
		return &said{"already." + a.Decision, []any{a.Who, a.At}}
	}
}

// forms are the pages that forms are on, by the route that takes them: what is
// refused is shown there, with what was typed.
func (p *Portal) forms() map[string]page {
	const c, one = "POST /connections/{id}", "POST /connections/{id}/payouts/{ref}"
	return map[string]page{
		c + "/start": p.verify, c + "/pause": p.connection, c + "/resume": p.connection, c + "/sync": p.connection, c + "/backfills": p.connection,
		c + "/backfills/{from}/{to}/{verb}": p.backfill,
		c + "/review":                       p.review, c + "/accruals": p.accruals, c + "/accruals/retry": p.accruals, c + "/four-eyes": p.profile,
		one + "/approve": p.payout, one + "/reject": p.payout, one + "/retry": p.payout, one + "/reverse": p.payout, one + "/repost": p.payout,
		one + "/reopen": p.payout, one + "/reversal/retry": p.payout,
		"POST /people": p.people, "POST /people/{person}": p.people,
		"GET /connections/{id}/reports/{name}": p.reportForm, "GET /connections/{id}/files/{file}": p.reportForm, "GET /connections/{id}/files/pack": p.reportForm,
	}
}

// again shows a form's page with why it was refused; false when that cannot be
// done, and nothing was written.
func (p *Portal) again(w http.ResponseWriter, r *http.Request, form page, it *refusal) bool {
	return form != nil && form(w, r.WithContext(context.WithValue(r.Context(), refusalKey{}, it))) == nil
}

// Typed returns what was typed into a field of a form that was refused, else instead.
func (v *view) Typed(field, instead string) string {
	if v.Refused != nil && v.Refused.typed.Has(field) {
		return v.Refused.typed.Get(field)
	}
	return instead
}

// Ticked tells whether a box of a form that was refused was ticked.
func (v *view) Ticked(field, value string) bool {
	if v.Refused == nil {
		return false
	}
	for _, one := range v.Refused.typed[field] {
		if one == value {
			return true
		}
	}
	return false
}

// Asks tells whether a form was refused for the want of a box.
func (v *view) Asks(key string) bool {
	return v.Refused != nil && v.Refused.Said != nil && v.Refused.Said.key == key
}
