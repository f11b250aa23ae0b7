package visma

import (
	"context"
	"fmt"
	"net/http"
	"strings"
	"testing"

	"kvitt/internal/fault"
)

// subaccountPage writes subaccounts from to to as a bare array with metadata.
func subaccountPage(from, to, total int) string {
	var items []string
	for i := from; i <= to; i++ {
		items = append(items, fmt.Sprintf(`{"subaccountNumber":"%04d","subaccountId":%d,"active":true,"metadata":{"totalCount":%d,"maxPageSize":500}}`, i, i, total))
	}
	return "[" + strings.Join(items, ",") + "]"
}

// pages serves scripted pages by number; reading page 1 again starts the next script.
func pages(t *testing.T, scripts ...[]string) (http.HandlerFunc, *int) {
	t.Helper()
	requests := 0
	reading := -1
	return func(w http.ResponseWriter, r *http.Request) {
		requests++
		number, _ := pageAsked(r)
		if number == 1 {
			reading++
		}
		script := scripts[min(reading, len(scripts)-1)]
		body := "[]"
		if number <= len(script) {
			body = script[number-1]
		}
		writeJSON(w, http.StatusOK, body)
	}, &requests
}

func TestAListIsReadToItsEndInEveryFormOfItsLength(t *testing.T) {
	for name, c := range map[string]struct {
		script   []string
		requests int
	}{
		"metadata, last page short": {[]string{subaccountPage(1, 500, 1200), subaccountPage(501, 1000, 1200), subaccountPage(1001, 1200, 1200)}, 3},
		"metadata, last page full":  {[]string{subaccountPage(1, 600, 1200), subaccountPage(601, 1200, 1200)}, 2},
		"no metadata": {[]string{
			strings.ReplaceAll(subaccountPage(1, 700, 1200), `,"metadata":{"totalCount":1200,"maxPageSize":500}`, ""),
			strings.ReplaceAll(subaccountPage(701, 1200, 1200), `,"metadata":{"totalCount":1200,"maxPageSize":500}`, ""),
		}, 3},
		"records": {[]string{
			`{"pageNumber":1,"pageSize":700,"totalCount":1200,"records":` + subaccountPage(1, 700, 1200) + `}`,
			`{"pageNumber":2,"pageSize":700,"totalCount":1200,"records":` + subaccountPage(701, 1200, 1200) + `}`,
		}, 2},
	} {
		t.Run(name, func(t *testing.T) {
			handler, requests := pages(t, c.script)
			client, _ := newTestClient(t, serve(t, handler))
			all, err := client.Subaccounts(context.Background())
			if err != nil {
				t.Fatal(err)
			}
			if len(all) != 1200 || all[0].SubaccountID != 1 || all[1199].SubaccountID != 1200 || *requests != c.requests {
				t.Errorf("%d subaccounts in %d requests", len(all), *requests)
			}
		})
	}
}

func TestAnEmptyListIsEmptyInBothShapes(t *testing.T) {
	for _, body := range []string{`[]`, `{"pageNumber":1,"pageSize":500,"totalCount":0,"records":[]}`} {
		c, _ := newTestClient(t, serve(t, answerJSON(http.StatusOK, body)))
		if all, err := c.Subaccounts(context.Background()); err != nil || len(all) != 0 {
			t.Errorf("%s: %v, %v", body, all, err)
		}
	}
}

func TestPageNumberAndSizeAreAlwaysSent(t *testing.T) {
	var asked []string
	c, _ := newTestClient(t, serve(t, func(w http.ResponseWriter, r *http.Request) {
		asked = append(asked, r.URL.Query().Get("pageNumber")+"/"+r.URL.Query().Get("pageSize"))
		writeJSON(w, http.StatusOK, `[]`)
	}), func(o *Options) { o.PageSize = 250 })
	if _, err := c.Subaccounts(context.Background()); err != nil {
		t.Fatal(err)
	}
	if len(asked) != 1 || asked[0] != "1/250" {
		t.Errorf("asked for %v", asked)
	}
}

func TestAListThatChangesWhileItIsReadIsReadAgain(t *testing.T) {
	still := []string{subaccountPage(1, 500, 600), subaccountPage(501, 600, 600)}
	for name, moving := range map[string][]string{
		"shrinks":          {subaccountPage(1, 500, 700), subaccountPage(502, 700, 699)},
		"grows":            {subaccountPage(1, 500, 600), subaccountPage(500, 601, 601)},
		"ends too early":   {subaccountPage(1, 500, 600), subaccountPage(501, 550, 600)},
		"gives too many":   {subaccountPage(1, 500, 600), subaccountPage(501, 650, 600)},
		"is suddenly gone": {subaccountPage(1, 500, 600)},
	} {
		t.Run(name, func(t *testing.T) {
			handler, _ := pages(t, moving, still)
			c, _ := newTestClient(t, serve(t, handler))
			if all, err := c.Subaccounts(context.Background()); err != nil || len(all) != 600 {
				t.Errorf("%d subaccounts, %v", len(all), err)
			}
			handler, requests := pages(t, moving)
			c, _ = newTestClient(t, serve(t, handler))
			all, err := c.Subaccounts(context.Background())
			if e := wantFault(t, err, fault.Transient); all != nil || !strings.Contains(e.Words, "read 3 times") || *requests > 3*len(moving)+3 {
				t.Errorf("%d subaccounts, %v, %d requests", len(all), err, *requests)
			}
		})
	}
}

func TestALoopingListIsNotReadForEver(t *testing.T) {
	for name, handler := range map[string]http.HandlerFunc{
		"the same page again":      answerJSON(http.StatusOK, subaccountPage(1, 10, 100)),
		"another page than asked":  answerJSON(http.StatusOK, `{"pageNumber":3,"pageSize":10,"totalCount":100,"records":`+subaccountPage(21, 30, 100)+`}`),
		"paging is ignored":        answerJSON(http.StatusOK, `[{"subaccountNumber":"1"}]`),
		"two pages in turn repeat": alternating(subaccountPage(1, 10, 100), subaccountPage(11, 20, 100)),
	} {
		t.Run(name, func(t *testing.T) {
			c, _ := newTestClient(t, serve(t, handler))
			_, err := c.Subaccounts(context.Background())
			wantFault(t, err, fault.BadData)
		})
	}
}

func alternating(bodies ...string) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		number, _ := pageAsked(r)
		writeJSON(w, http.StatusOK, bodies[(number-1)%len(bodies)])
	}
}

func TestAnIncompleteUnpagedListIsBadData(t *testing.T) {
	c, _ := newTestClient(t, serve(t, answerJSON(http.StatusOK, `[{"accountCD":"1930","metadata":{"totalCount":2}}]`)))
	_, err := c.Accounts(context.Background())
	wantFault(t, err, fault.BadData)
}

func TestAFailureInTheMiddleOfAListFailsTheList(t *testing.T) {
	c, _ := newTestClient(t, serve(t, func(w http.ResponseWriter, r *http.Request) {
		if number, _ := pageAsked(r); number > 1 {
			writeJSON(w, http.StatusBadGateway, "")
			return
		}
		writeJSON(w, http.StatusOK, subaccountPage(1, 10, 20))
	}))
	all, err := c.Subaccounts(context.Background())
	wantFault(t, err, fault.Transient)
	if all != nil {
		t.Errorf("half a list was returned: %d", len(all))
	}
}
