package portal

import (
	"bytes"
	"errors"
	"html"
	"io"
	"mime/multipart"
	"net/http"
	"net/http/httptest"
	"os"
	"strings"
	"testing"

	"kvitt/internal/signin"
	"kvitt/internal/voucher"
)

// sent is a part of a form: a field, or a file when it has a name.
type sent struct{ field, file, text string }

func example(t *testing.T, name string) string {
	t.Helper()
	text, err := os.ReadFile("../../docs/examples/" + name)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// chosen is the form as a browser sends it, with the examples.
func chosen(t *testing.T, more ...sent) []sent {
	t.Helper()
	return append(more, []sent{
		{"payout", "payout.json", example(t, "payout.json")},
		{"transactions", "transactions-1.json", example(t, "transactions-1.json")},
		{"transactions", "transactions-2.json", example(t, "transactions-2.json")},
	}...)
}

// upload sends a form with files.
func (h *hall) upload(t *testing.T, session string, parts ...sent) *httptest.ResponseRecorder {
	t.Helper()
	var body bytes.Buffer
	w := multipart.NewWriter(&body)
	for _, p := range parts {
		var part io.Writer
		var err error
		if p.field == "payout" || p.field == "transactions" || p.field == "profile" {
			part, err = w.CreateFormFile(p.field, p.file)
		} else {
			part, err = w.CreateFormField(p.field)
		}
		if err != nil {
			t.Fatal(err)
		}
		if _, err := io.WriteString(part, p.text); err != nil {
			t.Fatal(err)
		}
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return h.send(session, w.FormDataContentType(), &body)
}

func (h *hall) send(session, kind string, body io.Reader) *httptest.ResponseRecorder {
	r := httptest.NewRequest(http.MethodPost, "http://127.0.0.1:8088"+tryPath, body)
	r.Header.Set("Content-Type", kind)
	r.Header.Set("Sec-Fetch-Site", "same-origin")
	r.AddCookie(&http.Cookie{Name: "__Host-kvitt", Value: session})
	answer := httptest.NewRecorder()
	h.ServeHTTP(answer, r)
	return answer
}

// says tells whether a page says something, markup and non-breaking spaces aside.
func says(t *testing.T, answer *httptest.ResponseRecorder, status int, words ...string) {
	t.Helper()
	text := strings.ReplaceAll(html.UnescapeString(answer.Body.String()), "\u00a0", " ")
	if answer.Code != status {
		t.Errorf("it is answered %d, want %d: %s", answer.Code, status, text)
	}
	for _, w := range words {
		if !strings.Contains(text, w) {
			t.Errorf("the page does not say %q:\n%s", w, text)
		}
	}
}

func TestAViewerTriesAPayoutInTheBrowser(t *testing.T) {
	h, _ := newHall(t)
	viewer := h.session(t, signin.Viewer)
	says(t, h.ask(http.MethodGet, tryPath, viewer, nil), http.StatusOK, `enctype="multipart/form-data"`, "no-ns4102", `multiple required`)
	says(t, h.upload(t, viewer, chosen(t,
		sent{"preset", "", "se-bas"}, sent{"profile", "", ""}, sent{"provider", "", "kustom"}, sent{"closing", "", ""}, sent{"day", "", ""})...),
		http.StatusOK, "700000012345", "Kustom", "1 437.05", "The rows match Klarna's totals", ">16861<", ">1 749.00<")
}

func TestATrialTakesWhatTheCommandTakes(t *testing.T) {
	h, _ := newHall(t)
	viewer := h.session(t, signin.Viewer)
	own, err := os.ReadFile("../try/testdata/profile.yaml")
	if err != nil {
		t.Fatal(err)
	}
	says(t, h.upload(t, viewer, chosen(t, sent{"profile", "own.yaml", string(own)}, sent{"day", "", "2026-01-31"})...),
		http.StatusOK, ">1580<", "Accrual of 2026-01-31", ">1790<", ">1 207.34<")
	says(t, h.upload(t, viewer, chosen(t, sent{"closing", "", "63750"})...), http.StatusOK, "637.50 SEK", "debt")
}

func TestATrialSaysWhatIsWrongWithTheFormOrAFile(t *testing.T) {
	h, _ := newHall(t)
	viewer := h.session(t, signin.Viewer)
	document, err := voucher.Preset("se-bas")
	if err != nil {
		t.Fatal(err)
	}
	typo := strings.Replace(string(document), "\naccounts:", "\nacounts:", 1)
	swapped := []sent{{"payout", "transactions-1.json", example(t, "transactions-1.json")}, {"transactions", "payout.json", example(t, "payout.json")}}
	for name, test := range map[string]struct {
		parts []sent
		words []string
	}{
		"nothing chosen":      {[]sent{{"preset", "", "se-bas"}, {"payout", "", ""}, {"transactions", "", ""}}, []string{"Choose the file with the payout."}},
		"no transactions":     {[]sent{{"payout", "p.json", example(t, "payout.json")}, {"transactions", "", ""}}, []string{"Choose the files with the transactions."}},
		"another preset":      {chosen(t, sent{"preset", "", "../etc/passwd"}), []string{"Choose one of the options."}},
		"a debt in kronor":    {chosen(t, sent{"closing", "", "637,50"}), []string{"whole number of minor units", "637,50"}},
		"no day":              {chosen(t, sent{"day", "", "31.1.2026"}), []string{"a date such as 2026-01-31"}},
		"a typo in a profile": {chosen(t, sent{"profile", "own.yaml", typo}), []string{"own.yaml", "line ", "acounts", "did you mean"}},
		"files swapped":       {swapped, []string{"transactions-1.json", "the file holds transactions, where a payout should be", "/payouts/{payment_reference}"}},
		"a page missing":      {chosen(t)[:2], []string{"rows 4 to 7 of 7"}},
	} {
		t.Run(name, func(t *testing.T) {
			says(t, h.upload(t, viewer, test.parts...), http.StatusUnprocessableEntity, test.words...)
		})
	}
	says(t, h.send(viewer, "application/x-www-form-urlencoded", strings.NewReader("a=b")), http.StatusBadRequest, "The form could not be read")
	says(t, h.send(viewer, "multipart/form-data; boundary=x", strings.NewReader("--x\r\nContent-Disposition: form-data; name=\"payout\"; filename=\"p\"\r\n\r\n{")), http.StatusBadRequest, "The form could not be read")
}

// spaces are as many bytes as are asked for.
type spaces struct{}

func (spaces) Read(p []byte) (int, error) {
	for i := range p {
		p[i] = ' '
	}
	return len(p), nil
}

func TestATrialIsBoundedInSizeAndNumber(t *testing.T) {
	h, p := newHall(t)
	viewer := h.session(t, signin.Viewer)
	const before = "--x\r\nContent-Disposition: form-data; name=\"payout\"; filename=\"p.json\"\r\n\r\n"
	const between = "\r\n--x\r\nContent-Disposition: form-data; name=\"transactions\"; filename=\"t.json\"\r\n\r\n[]"
	body := io.MultiReader(strings.NewReader(before+example(t, "payout.json")+between), io.LimitReader(spaces{}, 2<<20), strings.NewReader("\r\n--x--\r\n"))
	if got := h.send(viewer, "multipart/form-data; boundary=x", body).Code; got == http.StatusRequestEntityTooLarge {
		t.Errorf("two megabytes are too large for a trial")
	}
	for path, most := range map[string]int64{tryPath: mostTrial, "/people": mostForm} {
		read := func(bytes int64) (err error) {
			r := httptest.NewRequest(http.MethodPost, "http://127.0.0.1:8088"+path, io.LimitReader(spaces{}, bytes))
			sized(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) { _, err = io.Copy(io.Discard, r.Body) })).ServeHTTP(httptest.NewRecorder(), r)
			return err
		}
		var large *http.MaxBytesError
		if err := read(most + 1); !errors.As(err, &large) {
			t.Errorf("%s takes more than %d bytes: %v", path, most, err)
		}
		if err := read(most); err != nil {
			t.Errorf("%s takes less than %d bytes: %v", path, most, err)
		}
	}

	for range trialsBusy {
		p.trials <- struct{}{}
	}
	says(t, h.upload(t, viewer, chosen(t)...), http.StatusServiceUnavailable, "Other people are trying payouts right now")
	for range trialsBusy {
		<-p.trials
	}
	for range trialsBusy + 1 { // none of them keeps its place
		says(t, h.upload(t, viewer, chosen(t)[:1]...), http.StatusUnprocessableEntity)
	}
	says(t, h.upload(t, viewer, chosen(t)...), http.StatusOK)
}
