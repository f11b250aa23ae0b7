package portal

import (
	"archive/zip"
	"bytes"
	"compress/zlib"
	"encoding/json"
	"errors"
	"html"
	"io"
	"io/fs"
	"net/http"
	"net/http/httptest"
	"net/url"
	"regexp"
	"strings"
	"testing"
	"time"
	"unicode/utf16"

	"kvitt/internal/held"
	"kvitt/internal/lang"
	"kvitt/internal/report"
	"kvitt/internal/signin"
	"kvitt/internal/store"
	"kvitt/internal/voucher"
	"kvitt/workflows"
)

// as asks in a language, in a browser that is in a zone.
func (o *office) as(tag, zone, path string) *httptest.ResponseRecorder {
	r := httptest.NewRequest(http.MethodGet, "http://127.0.0.1:8088"+path, http.NoBody)
	for name, value := range map[string]string{"__Host-kvitt": o.who[signin.Administrator], languageCookie: tag, zoneCookie: url.QueryEscape(zone)} {
		r.AddCookie(&http.Cookie{Name: name, Value: value})
	}
	w := httptest.NewRecorder()
	o.ServeHTTP(w, r)
	return w
}

// late are payouts whose day in the company's zone is not that of UTC, nor that
// of the person who looks.
var late = []struct{ reference, at, day string }{
	{"MONTHEND", "2026-01-31T23:30:00Z", "2026-02-01"},
	{"YEAREND", "2026-12-31T23:30:00Z", "2027-01-01"},
	{"SPRING", "2026-03-28T23:30:00Z", "2026-03-29"},
	{"SUMMER", "2026-03-29T22:30:00Z", "2026-03-30"},
	{"AUTUMN", "2026-10-24T22:30:00Z", "2026-10-25"},
	{"WINTER", "2026-10-25T23:30:00Z", "2026-10-26"},
}

func (o *office) latePayout(reference, at string) time.Time {
	o.t.Helper()
	moment, err := time.Parse(time.RFC3339, at)
	if err != nil {
		o.t.Fatal(err)
	}
	zone, err := time.LoadLocation("Europe/Stockholm")
	if err != nil {
		o.t.Fatal(err)
	}
	document := voucher.Voucher{
		Token: "[kvitt:63d1c3a34552cf5f]", Description: "Klarna " + reference, PaymentReference: reference, Currency: "SEK", Date: voucher.DateOf(moment, zone),
		Lines: []voucher.Line{{Account: "1930", Text: "Klarna", Debit: 12_345_60}, {Account: "1686", Text: "Klarna", Credit: 12_345_60}}, Settlement: 12_345_60,
	}
	_, err = o.store.UpsertPayouts(o.t.Context(), "c1", []store.Payout{{
		PaymentReference: reference, Date: moment, Currency: "SEK", SettlementType: "NET", Settlement: 12_345_60, Payout: json.RawMessage(`{}`),
	}})
	if err == nil {
		err = o.store.UpdatePayout(o.t.Context(), "c1", reference, func(row *store.Payout) error {
			row.State, row.HeldReason, row.VoucherHash, row.ProfileVersion = workflows.StateAwaitingApproval, "approval", "hash"+reference, 1
			row.Held, _ = json.Marshal(workflows.Held{Code: held.Approval})
			row.Voucher, _ = json.Marshal(&document)
			return nil
		}, &store.AuditEntry{Who: "kvitt", Action: "payout.compiled", After: o.json(&document)})
	}
	if err != nil {
		o.t.Fatal(err)
	}
	return moment
}

func TestAPayoutHasTheCompanysDayOnEveryPageAndInEveryFile(t *testing.T) {
	zone, err := time.LoadLocation("Europe/Stockholm")
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range late {
		t.Run(c.reference, func(t *testing.T) {
			o := newOffice(t)
			moment := o.latePayout(c.reference, c.at)
			if day := voucher.DateOf(moment, zone).String(); day != c.day {
				t.Fatalf("its voucher is dated %s", day)
			}
			utc := c.at[:10]
			span := "?from=" + c.day + "&to=" + c.day
			for _, path := range []string{
				"/connections/c1/payouts", "/connections/c1/payouts?state=awaiting_approval", "/connections/c1/payouts/" + c.reference,
				"/connections/c1/find?reference=" + c.reference,
				"/connections/c1/reports/register" + span, "/connections/c1/reports/held",
				"/connections/c1/files/register.csv" + span, "/connections/c1/files/register.csv" + span + "&excel=yes", "/connections/c1/files/register.xlsx" + span,
				"/connections/c1/files/held.csv" + span, "/connections/c1/files/pack?month=" + c.day[:7],
				"/connections/c1/files/register.pdf" + span, "/connections/c1/files/held.pdf" + span,
			} {
				answer := o.as("sv", "America/New_York", path)
				text := unpacked(t, answer.Body.Bytes())
				if answer.Code != http.StatusOK || !strings.Contains(text, c.day) {
					t.Errorf("%s is answered %d and does not say %s", path, answer.Code, c.day)
				}
				if strings.Contains(text, utc) {
					t.Errorf("%s says %s, the day in UTC", path, utc)
				}
			}
			for name, text := range o.exported(zone, c.day) {
				if name != "audit.jsonl" && strings.Contains(text, c.reference) && !strings.Contains(text, c.day) {
					t.Errorf("%s of the export does not say %s of %s:\n%s", name, c.day, c.reference, text)
				}
				if bare := stamp.ReplaceAllString(text, ""); strings.Contains(bare, utc) {
					t.Errorf("%s of the export says %s, the day in UTC:\n%s", name, utc, text)
				}
			}
		})
	}
}

// stamp is a moment as programs read it, which is in UTC.
var stamp = regexp.MustCompile(`\d{4}-\d\d-\d\dT[\d:.]+Z`)

// exported are the files of an export of a day.
func (o *office) exported(zone *time.Location, day string) map[string]string {
	o.t.Helper()
	row, err := o.store.Connection(o.t.Context(), "c1")
	at, failed := time.Parse(time.DateOnly, day)
	if err = errors.Join(err, failed); err != nil {
		o.t.Fatal(err)
	}
	made := report.Reports{Source: o.store, Connection: row, Zone: zone, Now: time.Date(2026, 6, 1, 12, 0, 0, 0, time.UTC)}
	var out bytes.Buffer
	bundle := report.Zip(&out, made.Now)
	if err := errors.Join(made.Export(o.t.Context(), report.Span{From: at, To: at}, time.December, bundle), bundle.Close()); err != nil {
		o.t.Fatal(err)
	}
	z, err := zip.NewReader(bytes.NewReader(out.Bytes()), int64(out.Len()))
	if err != nil {
		o.t.Fatal(err)
	}
	files := map[string]string{}
	for _, f := range z.File {
		content, err := fs.ReadFile(z, f.Name)
		if err != nil {
			o.t.Fatal(err)
		}
		files[f.Name] = string(content)
	}
	return files
}

// shown are the texts in a PDF of ours, whose fonts have the characters of UTF-16 as
// the numbers of their glyphs.
func shown(t *testing.T, document []byte) string {
	t.Helper()
	var all strings.Builder
	for _, found := range pdfStream.FindAllSubmatch(document, -1) {
		r, err := zlib.NewReader(bytes.NewReader(found[1]))
		if err != nil {
			continue
		}
		page, err := io.ReadAll(r)
		if err != nil {
			continue // a font
		}
		for _, text := range pdfText.FindAllSubmatch(page, -1) {
			plain := pdfEscape.ReplaceAllFunc(text[1], func(c []byte) []byte {
				if c[1] == 'r' {
					return []byte("\r")
				}
				return c[1:]
			})
			units := make([]uint16, len(plain)/2)
			for i := range units {
				units[i] = uint16(plain[2*i])<<8 | uint16(plain[2*i+1])
			}
			all.WriteString(string(utf16.Decode(units)) + "\n")
		}
	}
	return all.String()
}

var (
	pdfStream = regexp.MustCompile(`(?s)stream\r?\n(.*?)\r?\nendstream`)
	pdfText   = regexp.MustCompile(`(?s)\(((?:[^\\()]|\\.)*)\) ?Tj`)
	pdfEscape = regexp.MustCompile(`(?s)\\.`)
)

// unpacked is a page or file as text, and what is in a zip, and in one in it.
func unpacked(t *testing.T, body []byte) string {
	t.Helper()
	if bytes.HasPrefix(body, []byte("%PDF-")) {
		return shown(t, body)
	}
	z, err := zip.NewReader(bytes.NewReader(body), int64(len(body)))
	if err != nil {
		return string(body)
	}
	var all strings.Builder
	for _, f := range z.File {
		if !strings.HasSuffix(f.Name, ".csv") && !strings.HasSuffix(f.Name, ".xml") && !strings.HasSuffix(f.Name, ".xlsx") && !strings.HasSuffix(f.Name, ".pdf") {
			continue
		}
		r, err := f.Open()
		if err != nil {
			t.Fatal(err)
		}
		content, err := io.ReadAll(r)
		if err != nil {
			t.Fatal(err)
		}
		all.WriteString(unpacked(t, content))
	}
	return all.String()
}

func TestTheDayThatAPageOffersAndAPDFIsMadeOnIsTheCompanys(t *testing.T) {
	o := newOffice(t)
	o.portal.Now = func() time.Time { return time.Date(2026, 2, 28, 23, 30, 0, 0, time.UTC) } // March in Stockholm
	if page := o.as("en", "America/New_York", "/connections/c1/accruals").Body.String(); !strings.Contains(page, `value="2026-02-28"`) {
		t.Error("the page of accruals does not offer the last day of February")
	}
	if text := unpacked(t, o.as("en", "America/New_York", "/connections/c1/files/held.pdf").Body.Bytes()); !strings.Contains(text, "Kvitt, 2026-03-01") {
		t.Errorf("the PDF does not say the company's day:\n%s", text)
	}
}

func TestTimesAreThePersonsAndElseTheCompanys(t *testing.T) {
	o := newOffice(t)
	for zone, want := range map[string]string{"": " CE", "America/New_York": " E", "Local": " CE", "../../etc/passwd": " CE", "Nowhere/None": " CE", "UTC": " UTC"} {
		page := o.as("en", zone, "/connections/c1/profile").Body.String()
		if !regexp.MustCompile(`\d\d:\d\d` + want).MatchString(page) {
			t.Errorf("in %q, times are not in%s", zone, want)
		}
	}
}

func TestAmountsAndFormsFollowTheLanguage(t *testing.T) {
	o := newOffice(t) // whose approver made the version of P1, so that P2 is one to approve
	for tag, want := range map[string]string{"en": "1 payout, 50.00 EUR", "sv": "1 utbetalning, 50,00 EUR", "nb": "1 utbetaling, 50,00 EUR"} {
		if page := o.ask2(signin.Approver, tag, "/connections/c1/payouts?state=awaiting_approval"); !strings.Contains(page, want) {
			t.Errorf("%s: the page does not say %q", tag, want)
		}
	}
	o.latePayout("MORE", "2026-02-10T10:00:00Z")
	for tag, want := range map[string]string{"en": "3 payouts awaiting approval", "sv": "3 utbetalningar väntar", "nb": "3 utbetalinger venter"} {
		if page := o.ask2(signin.Approver, tag, "/connections"); !strings.Contains(page, want) {
			t.Errorf("%s: the page does not say %q", tag, want)
		}
		if page, amount := o.ask2(signin.Approver, tag, "/connections/c1/payouts"), lang.Of(tag).Money(12_345_60, "SEK"); !strings.Contains(page, amount) {
			t.Errorf("%s: the page does not say %q", tag, amount)
		}
	}
}

func (o *office) ask2(role signin.Role, tag, path string) string {
	r := httptest.NewRequest(http.MethodGet, "http://127.0.0.1:8088"+path, http.NoBody)
	r.AddCookie(&http.Cookie{Name: "__Host-kvitt", Value: o.who[role]})
	r.AddCookie(&http.Cookie{Name: languageCookie, Value: tag})
	w := httptest.NewRecorder()
	o.ServeHTTP(w, r)
	return html.UnescapeString(w.Body.String())
}

func TestWhyAPayoutIsHeldIsReadInTheReadersLanguage(t *testing.T) {
	o := newOffice(t)
	o.latePayout("HELD", "2026-02-10T10:00:00Z")
	why := "prove payout HELD: Klarna's totals come to 100.00 SEK by its settlement formula, and its settlement amount is -12345.60 SEK: a difference of 0.05 SEK"
	err := o.store.UpdatePayout(t.Context(), "c1", "HELD", func(row *store.Payout) error {
		row.State, row.HeldReason = workflows.StateHeld, string(held.FormulaDiffers)
		row.Held, _ = json.Marshal(workflows.Held{Code: held.FormulaDiffers, Detail: why})
		return nil
	}, nil)
	if err != nil {
		t.Fatal(err)
	}
	for tag, want := range map[string]string{"en": "a difference of 0.05", "sv": "en differens på 0,05", "nb": "en differanse på 0,05"} { //nolint:misspell // Swedish
		for _, path := range []string{"/connections/c1/payouts/HELD", "/connections/c1/reports/held"} {
			if page := o.ask2(signin.Viewer, tag, path); !strings.Contains(page, want) {
				t.Errorf("%s, %s does not say %q", tag, path, want)
			}
		}
	}
}

func TestStatesInReportsAreSaidAsOnThePages(t *testing.T) {
	for _, l := range lang.Languages()[1:] {
		theirs := words(t, string(l))
		for _, state := range []string{
			workflows.StateDiscovered, workflows.StateProven, workflows.StateCompiled, workflows.StateAwaitingApproval, workflows.StatePosting, workflows.StatePosted,
			workflows.StateVerified, workflows.StateHeld, workflows.StateRejected, workflows.StateReversed,
		} {
			if want := theirs["state."+state]; l.In(state) != want {
				t.Errorf("%s: %s is %q, and the pages say %q", l, state, l.In(state), want)
			}
		}
	}
}

// What the catalogue of held reasons says is said twice: by the pages, and
// wherever English was kept.
func TestTheCatalogueSaysWhatThePagesSay(t *testing.T) {
	for _, l := range lang.Languages()[1:] {
		theirs := words(t, string(l))
		for _, r := range held.All() {
			for text, key := range map[string]string{r.Sentence: "sentence", r.Remedy: "remedy"} {
				if want := theirs["held."+string(r.Code)+"."+key]; l.In(text) != want && strings.Count(allReasons, text) == 1 {
					t.Errorf("%s, %s: %q, and the pages say %q", l, r.Code, l.In(text), want)
				}
			}
		}
	}
}

var allReasons = func() string {
	var b strings.Builder
	for _, r := range held.All() {
		b.WriteString(r.Sentence + "\n" + r.Remedy + "\n")
	}
	return b.String()
}()
