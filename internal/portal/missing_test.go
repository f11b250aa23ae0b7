package portal

import (
	"net/http"
	"strings"
	"testing"

	"go.uber.org/zap"
	"go.uber.org/zap/zaptest/observer"

	"kvitt/internal/config"
)

// A key without words costs a page one phrase, not itself.
func TestAPageWithoutSomeWordsIsShownInEnglishOrWithTheirKey(t *testing.T) {
	core, logs := observer.New(zap.ErrorLevel)
	lenient, err := New(Options{Config: &config.Config{PublicURL: "http://127.0.0.1:8088"}, Log: zap.New(core)})
	if err != nil {
		t.Fatal(err)
	}
	o := newOffice(t)
	strict := o.portal.pages.missing
	delete(o.portal.pages.words["sv"], "connection.sync")
	for _, tag := range []string{"en", "sv", "nb"} {
		delete(o.portal.pages.words[tag], "payouts.title")
	}
	if page := o.as("sv", "", "/connections/c1"); page.Code != http.StatusInternalServerError {
		t.Errorf("a test is not told of words that are missing: %d", page.Code)
	}
	o.portal.pages.missing = lenient.pages.missing
	for range 2 {
		page := o.as("sv", "", "/connections/c1")
		if page.Code != http.StatusOK || !strings.Contains(page.Body.String(), "Sync now") || !strings.Contains(page.Body.String(), "payouts.title") {
			t.Errorf("the page is answered %d:\n%s", page.Code, page.Body.String())
		}
	}
	if n := logs.FilterField(zap.String("key", "payouts.title")).Len(); n != 1 {
		t.Errorf("it was logged %d times", n)
	}
	if strict("payouts.title") == nil {
		t.Error("the tests of other pages would not notice")
	}
}
