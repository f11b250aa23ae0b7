package visma

import (
	"context"
	"encoding/json"
	"io"
	"mime"
	"mime/multipart"
	"net/http"
	"testing"

	"github.com/google/go-cmp/cmp"

	"kvitt/internal/fault"
)

func TestAVoucherIsWrittenInVismaNetsConvention(t *testing.T) {
	var body []byte
	var header http.Header
	c, _ := newTestClient(t, serve(t, func(w http.ResponseWriter, r *http.Request) {
		body, _ = io.ReadAll(r.Body)
		header = r.Header
		writeJSON(w, http.StatusAccepted, `{"id":"73ac0029","stateLocation":"https://elsewhere.example/v1/background/73ac0029"}`)
	}))
	accepted, err := c.CreateJournalTransaction(context.Background(), testUpdate())
	if err != nil || accepted != (Accepted{JobID: "73ac0029"}) {
		t.Fatalf("%+v, %v", accepted, err)
	}
	const want = `{"hold":{"value":false},"transactionDate":{"value":"2026-01-31T00:00:00"},"financialPeriod":{"value":"202601"},` +
		`"ledger":{"value":"1"},"currencyId":{"value":"SEK"},"description":{"value":"[kvitt:00112233aabbccdd] Klarna payout"},` +
		`"journalTransactionLines":[` +
		`{"operation":"Insert","accountNumber":{"value":"1930"},"referenceNumber":{"value":"PAY1"},"debitAmountInCurrency":{"value":85900}},` +
		`{"operation":"Insert","accountNumber":{"value":"1686"},"subaccount":[{"segmentId":1,"segmentValue":"0001"},{"segmentId":2,"segmentValue":"00"}],` +
		`"referenceNumber":{"value":"PAY1"},"creditAmountInCurrency":{"value":85900}}]}`
	if diff := cmp.Diff(want, string(body)); diff != "" {
		t.Errorf("the body differs (-want +got):\n%s", diff)
	}
	if header.Get("Erp-Api-Background") != "none" || header.Get("Content-Type") != "application/json" || header.Get("User-Agent") != "kvitt" {
		t.Errorf("the header is %v", header)
	}
}

func TestCreatingDoesNotChangeTheCallersVoucher(t *testing.T) {
	c, _ := newTestClient(t, serve(t, answerJSON(http.StatusAccepted, `{"id":"1"}`)))
	u := testUpdate()
	if _, err := c.CreateJournalTransaction(context.Background(), u); err != nil {
		t.Fatal(err)
	}
	if u.Lines[0].Operation != "" {
		t.Error("the caller's line was changed")
	}
}

func TestAWriteIsSentOnceMoreAfterA401(t *testing.T) {
	var bodies []string
	c, tokens := newTestClient(t, serve(t, func(w http.ResponseWriter, r *http.Request) {
		b, _ := io.ReadAll(r.Body)
		bodies = append(bodies, string(b))
		if len(bodies) == 1 {
			writeJSON(w, http.StatusUnauthorized, "")
			return
		}
		writeJSON(w, http.StatusAccepted, `{"id":"1"}`)
	}))
	tokens.tokens = []string{"stale", "fresh"}
	accepted, err := c.CreateJournalTransaction(context.Background(), testUpdate())
	if err != nil || accepted.JobID != "1" || len(bodies) != 2 || bodies[0] != bodies[1] || bodies[0] == "" {
		t.Errorf("%+v, %v, %d bodies", accepted, err, len(bodies))
	}
}

func TestTheJobIdIsReadFromHeaderOrBody(t *testing.T) {
	for name, h := range map[string]http.HandlerFunc{
		"id":            answerJSON(http.StatusAccepted, `{"id":"73ac","stateLocation":null}`),
		"stateLocation": broken(answerJSON(http.StatusAccepted, `{"stateLocation":"https://elsewhere.example/v1/background/73ac"}`)),
		"Location": broken(func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Location", "https://elsewhere.example/v1/background/73ac")
			w.WriteHeader(http.StatusAccepted)
		}),
	} {
		c, _ := newTestClient(t, serve(t, h))
		if accepted, err := c.CreateJournalTransaction(context.Background(), testUpdate()); err != nil || accepted.JobID != "73ac" {
			t.Errorf("%s: %+v, %v", name, accepted, err)
		}
	}
}

func TestABatchCreatedAtOnceIsReadFromItsLocation(t *testing.T) {
	c, _ := newTestClient(t, serve(t, func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Location", "https://integration.visma.net/API/controller/api/v2/journaltransaction/b64(R0wvNDI)")
		w.Header().Set("ETag", `"AAAAAE0YIiI="`)
		w.WriteHeader(http.StatusCreated)
	}))
	accepted, err := c.CreateJournalTransaction(context.Background(), testUpdate())
	if want := (Accepted{BatchNumber: "GL/42", ETag: `"AAAAAE0YIiI="`}); err != nil || accepted != want {
		t.Errorf("%+v, %v", accepted, err)
	}
}

func TestABatchIsReadWithItsETag(t *testing.T) {
	body := batchJSON(batchSpec{number: "000042", stamp: "AAAAAE0YIiI=", status: "Posted", lines: []lineSpec{{1, "1930", "85900.00", "0.0"}, {2, "1686", "0", "8.59e4"}}})
	for name, c := range map[string]struct{ header, want string }{
		"header":    {`W/"abc"`, `W/"abc"`},
		"timeStamp": {"", `"AAAAAE0YIiI="`},
	} {
		t.Run(name, func(t *testing.T) {
			client, _ := newTestClient(t, serve(t, func(w http.ResponseWriter, r *http.Request) {
				if r.URL.Path != "/v2/journaltransaction/000042" {
					t.Errorf("asked for %s", r.URL.Path)
				}
				if c.header != "" {
					w.Header().Set("ETag", c.header)
				}
				writeJSON(w, http.StatusOK, body)
			}))
			batch, etag, err := client.JournalTransaction(context.Background(), "000042")
			if err != nil || etag != c.want {
				t.Fatalf("etag %s, %v", etag, err)
			}
			if !batch.Released() || batch.Lines[0].DebitAmountInCurrency != FromMinor(8590000, 2) || batch.Lines[1].CreditAmount != batch.Lines[0].DebitAmount {
				t.Errorf("read %+v", batch)
			}
		})
	}
}

func TestAnotherBatchThanTheOneAskedForIsBadData(t *testing.T) {
	c, _ := newTestClient(t, serve(t, answerJSON(http.StatusOK, batchJSON(batchSpec{number: "000043"}))))
	_, _, err := c.JournalTransaction(context.Background(), "000042")
	wantFault(t, err, fault.BadData)
}

func TestAReleaseSendsTheETagOfTheComparedVersion(t *testing.T) {
	for given, want := range map[string]string{"": "", "AAAA=": `"AAAA="`, `"AAAA="`: `"AAAA="`, `W/"x"`: `W/"x"`} {
		c, _ := newTestClient(t, serve(t, func(w http.ResponseWriter, r *http.Request) {
			if got := r.Header.Get("If-Match"); got != want {
				t.Errorf("If-Match is %q, want %q", got, want)
			}
			writeJSON(w, http.StatusOK, `{"actionId":"5e0c","actionResult":"Done","errorInfo":""}`)
		}))
		result, err := c.Release(context.Background(), "000042", given)
		if err != nil || result != (ReleaseResult{ActionID: "5e0c", Result: "Done"}) {
			t.Errorf("%+v, %v", result, err)
		}
	}
}

func TestEachAnswerToAReleaseIsClassified(t *testing.T) {
	for name, c := range map[string]struct {
		handler http.HandlerFunc
		class   fault.Class
		result  string
	}{
		"queued":      {answerJSON(200, `{"actionId":"1","actionResult":"Queued"}`), "", "Queued"},
		"background":  {answerJSON(202, `{"id":"73ac"}`), "", "Queued"},
		"failed":      {answerJSON(200, `{"actionId":"1","actionResult":"Failed","errorInfo":"Batch is out of balance."}`), fault.Rejected, "Failed"},
		"changed":     {answerJSON(412, ""), fault.Rejected, ""},
		"on hold":     {answerJSON(400, `{"message":"The batch is on hold."}`), fault.Rejected, ""},
		"error":       {answerJSON(500, ""), fault.UnknownOutcome, ""},
		"HTML":        {broken(answerJSON(200, "<html></html>")), fault.UnknownOutcome, ""},
		"says little": {broken(answerJSON(200, "{}")), fault.UnknownOutcome, ""},
	} {
		t.Run(name, func(t *testing.T) {
			client, _ := newTestClient(t, serve(t, c.handler))
			result, err := client.Release(context.Background(), "000042", "AAAA")
			if c.class != "" {
				wantFault(t, err, c.class)
			} else if err != nil {
				t.Error(err)
			}
			if result.Result != c.result {
				t.Errorf("the result is %+v", result)
			}
		})
	}
}

func TestAFileIsAttachedAsOnePartNamedV(t *testing.T) {
	const content = "%PDF-1.7 kvitto"
	var paths []string
	c, _ := newTestClient(t, serve(t, func(w http.ResponseWriter, r *http.Request) {
		paths = append(paths, r.URL.Path)
		_, params, err := mime.ParseMediaType(r.Header.Get("Content-Type"))
		if err != nil {
			t.Error(err)
		}
		form := multipart.NewReader(r.Body, params["boundary"])
		part, err := form.NextPart()
		if err != nil {
			t.Error(err)
			return
		}
		b, _ := io.ReadAll(part)
		if part.FormName() != "v" || part.FileName() != "utbetalning å.pdf" || string(b) != content || part.Header.Get("Content-Type") != "application/pdf" {
			t.Errorf("part %v: %q", part.Header, b)
		}
		if _, err := form.NextPart(); err == nil {
			t.Error("there is a second part")
		}
		w.WriteHeader(http.StatusCreated)
	}))
	if err := c.Attach(context.Background(), ModuleGL, "000042", Bytes("utbetalning å.pdf", []byte(content))); err != nil {
		t.Error(err)
	}
	if err := c.AttachToLine(context.Background(), ModuleGL, "000042", 3, Bytes("utbetalning å.pdf", []byte(content))); err != nil {
		t.Error(err)
	}
	want := []string{"/v2/journaltransaction/module/GL/000042/attachment", "/v2/journaltransaction/module/GL/000042/3/attachment"}
	if diff := cmp.Diff(want, paths); diff != "" {
		t.Error(diff)
	}
}

func TestAFileNameThatVismaNetCannotTakeIsRefusedBeforeItIsSent(t *testing.T) {
	c, _ := newTestClient(t, serve(t, func(http.ResponseWriter, *http.Request) { t.Error("a request was sent") }))
	for _, name := range []string{"", "settlement", "../x.pdf", "a\r\nX: y.pdf", `a\b.pdf`} {
		wantFault(t, c.Attach(context.Background(), ModuleGL, "1", Bytes(name, nil)), fault.Rejected)
	}
}

func TestUnknownAndNullMembersAreAccepted(t *testing.T) {
	var batch JournalTransaction
	err := json.Unmarshal([]byte(`{"batchNumber":"1","status":"Nytt","exchangeRate":null,"somethingNew":{"a":[1]},
		"journalTransactionLines":[{"lineNumber":1,"debitAmount":null,"vat":null,"subaccount":null,"project":{"internalId":7,"id":"X"}}],"attachments":null,"metadata":null}`), &batch)
	if err != nil || batch.Status != "Nytt" || !batch.Lines[0].DebitAmount.IsZero() || batch.Lines[0].Project.ID != "X" {
		t.Errorf("%+v, %v", batch, err)
	}
}
