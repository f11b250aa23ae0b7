package portal

import (
	"encoding/json"
	"net/http"
	"regexp"
	"strings"
	"testing"

	"kvitt/internal/held"
	"kvitt/internal/signin"
	"kvitt/internal/store"
	"kvitt/workflows"
)

// klarnas are names that stay Klarna's whoever pays out, and what programs read.
var klarnas = regexp.MustCompile(`Klarna Checkout|Klarna-Correlation-Id|klarna[_a-z/-]*|(?s)<textarea.*?</textarea>`)

func TestPagesOfAKustomConnectionNameKustom(t *testing.T) {
	o := newOffice(t)
	row, err := o.store.Connection(t.Context(), "c1")
	o.must(err)
	row.Provider = "kustom"
	o.must(o.store.SaveConnection(t.Context(), row))
	for _, language := range []string{"en", "sv", "nb"} {
		said := false
		look := func(path string) {
			t.Helper()
			page := o.as(language, "", path)
			text := klarnas.ReplaceAllString(page.Body.String(), "")
			if page.Code != http.StatusOK {
				t.Errorf("%s is answered %d", path, page.Code)
			}
			said = said || strings.Contains(text, "Kustom")
			if at := strings.Index(text, "Klarna"); at >= 0 {
				t.Errorf("%s, %s: …%s…", language, path, text[max(0, at-120):min(len(text), at+80)])
			}
		}
		for _, r := range held.All() {
			o.must(o.store.UpdatePayout(t.Context(), "c1", "P1", func(p *store.Payout) error {
				why, err := json.Marshal(workflows.Held{Code: r.Code})
				p.State, p.HeldReason, p.Held = workflows.StateHeld, string(r.Code), why
				return err
			}, nil))
			look("/connections/c1/payouts/P1")
		}
		for _, page := range []string{
			"", "/klarna?step=1", "/klarna?step=2", "/klarna?step=3", "/klarna?step=4", "/klarna?step=5", "/visma", "/disconnect", "/payouts", "/profile", "/profile/edit",
			"/interview", "/opening", "/accruals", "/reports/register", "/reports/completeness", "/reports/debt", "/reports/loans", "/find?reference=X",
		} {
			look("/connections/c1" + page)
		}
		look("/connections")
		if !said {
			t.Errorf("%s: no page says Kustom", language)
		}
	}
	o.says(o.get(signin.Administrator, "/connections/new"), http.StatusOK, "Klarna", "Kustom")
}
