package vismasim_test

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"mime/multipart"
	"net/http"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"kvitt/sandbox/vismasim"
)

// upload attaches a file and returns its id.
func (w *world) upload(path, part, name string, content []byte) (int, string) {
	w.t.Helper()
	var body bytes.Buffer
	form := multipart.NewWriter(&body)
	file, err := form.CreateFormFile(part, name)
	if err == nil {
		_, err = file.Write(content)
	}
	if err := cmpErr(err, form.Close()); err != nil {
		w.t.Fatal(err)
	}
	got, err := w.try("POST", path, body.String(), "Content-Type: "+form.FormDataContentType())
	if err != nil {
		w.t.Fatal(err)
	}
	return got.status, last(got.header.Get("Location"))
}

func cmpErr(errs ...error) error {
	for _, err := range errs {
		if err != nil {
			return err
		}
	}
	return nil
}

func TestAFileOfTheSameNameIsANewRevision(t *testing.T) {
	w := newWorld(t, nil)
	number, etag := w.post(voucher(payoutLines))
	onBatch := "/v2/journaltransaction/module/GL/" + number + "/attachment"
	onLine := "/v2/journaltransaction/module/GL/" + number + "/2/attachment"
	_, first := w.upload(onBatch, "v", "payout.pdf", []byte("%PDF one"))
	status, second := w.upload(onBatch, "v", "payout.pdf", []byte("%PDF two"))
	if status != http.StatusCreated || first != second {
		t.Errorf("the second upload answered %d and is %s, the first was %s", status, second, first)
	}
	w.upload(onLine, "v", "rows.csv", []byte("a,b"))
	batch := w.journal(number)
	if diff := cmp.Diff([]any{object{"name": "payout.pdf", "id": first, "revision": jsonNumber("2")}}, batch["attachments"]); diff != "" {
		t.Errorf("the batch's files (-want +got):\n%s", diff)
	}
	if files := batch["journalTransactionLines"].([]any)[1].(object)["attachments"].([]any); len(files) != 1 {
		t.Errorf("the line's files are %v", files)
	}
	if `"`+batch["timeStamp"].(string)+`"` == etag {
		t.Error("an attachment does not change the batch's version")
	}
	got := w.ask(http.StatusOK, "GET", "/v1/attachment/"+first, "")
	if string(got.body) != "%PDF two" || got.header.Get("Content-Type") != "application/pdf" {
		t.Errorf("the file is %s %q", got.header.Get("Content-Type"), got.body)
	}
	if got := w.list("periodId=202601"); len(got[0].Attachments) != 0 {
		t.Error("a list shows files without a request for them")
	}
	if got := w.list("periodId=202601&expandAttachments=true"); len(got[0].Attachments) != 1 {
		t.Error("a list does not show requested files")
	}
	for name, path := range map[string]string{"payout": onBatch, "": onBatch} {
		if status, _ := w.upload(path, "v", name, []byte("x")); status != http.StatusBadRequest {
			t.Errorf("a file named %q was answered %d", name, status)
		}
	}
	if status, _ := w.upload(onBatch, "file", "x.pdf", []byte("x")); status != http.StatusBadRequest {
		t.Errorf("a part that is not named v was answered %d", status)
	}
	for _, path := range []string{"/v2/journaltransaction/module/AR/" + number + "/attachment", "/v2/journaltransaction/module/GL/" + number + "/99/attachment"} {
		if status, _ := w.upload(path, "v", "x.pdf", []byte("x")); status != http.StatusNotFound {
			t.Errorf("%s was answered %d", path, status)
		}
	}
}

func TestALargeFileIsMeasuredAndNotStored(t *testing.T) {
	w := newWorld(t, nil)
	number, _ := w.post(voucher(payoutLines))
	to := "/v2/journaltransaction/module/GL/" + number + "/attachment"
	content := bytes.Repeat([]byte("SALE;10.00;SEK\n"), 200_000)
	sum := sha256.Sum256(content)
	status, id := w.upload(to, "v", "rows.csv", content)
	got := w.sim.Books(tenant).List[0].Attachments
	if status != http.StatusCreated || len(got) != 1 || got[0].Size != len(content) || got[0].SHA256 != hex.EncodeToString(sum[:]) {
		t.Errorf("answered %d, and the books have %+v", status, got)
	}
	w.ask(http.StatusNotFound, "GET", "/v1/attachment/"+id, "")
	if status, _ := w.upload(to, "v", "rows.csv", bytes.Repeat([]byte("x"), 30_000_000)); status != http.StatusRequestEntityTooLarge {
		t.Errorf("a request that is too large was answered %d", status)
	}
}

func TestEverythingIsRestoredAtTheNextStart(t *testing.T) {
	dir := t.TempDir()
	in := func(o *vismasim.Options) { o.Dir = dir }
	w := newWorld(t, in)
	number, _ := w.post(voucher(payoutLines))
	w.ask(http.StatusOK, "POST", "/v2/journaltransaction/"+number+"/action/release", "")
	_, file := w.upload("/v2/journaltransaction/module/GL/"+number+"/attachment", "v", "payout.pdf", []byte("%PDF"))
	waiting := w.start(voucher(payoutLines, set("description", "[kvitt:00000000000000ff] in the queue")))
	if err := w.sim.DeactivatePeriod(tenant, "202612"); err != nil {
		t.Fatal(err)
	}
	if err := w.sim.SetAccount(tenant, vismasim.Account{Number: "6040", Description: "Kortavgifter", Type: "Expense", Inactive: true}); err != nil {
		t.Fatal(err)
	}
	before := w.journal(number)
	if err := w.sim.Close(); err != nil {
		t.Fatal(err)
	}

	again := newWorld(t, in)
	if diff := cmp.Diff(before, again.journal(number)); diff != "" {
		t.Errorf("the batch (-before +after):\n%s", diff)
	}
	if got := again.ask(http.StatusOK, "GET", "/v1/attachment/"+file, ""); string(got.body) != "%PDF" {
		t.Errorf("the file is %q", got.body)
	}
	again.clock.advance(time.Second)
	if j := again.job(waiting); j["status"] != "Finished" {
		t.Errorf("the queued job is %v", j)
	}
	next, _ := again.post(voucher(payoutLines))
	if next != "000003" || again.sim.Books(tenant).Batches != 3 {
		t.Errorf("the next number is %s, want 000003", next)
	}
	if got := read[object](t, again.ask(http.StatusOK, "GET", "/v1/financialPeriod/202612", ""))["active"]; got != false {
		t.Error("the period is active again")
	}
	if got := read[object](t, again.ask(http.StatusOK, "GET", "/v1/account/6040", ""))["active"]; got != false {
		t.Error("the account is active again")
	}
}

func TestALineCutShortByAKillIsIgnored(t *testing.T) {
	dir := t.TempDir()
	in := func(o *vismasim.Options) { o.Dir = dir }
	w := newWorld(t, in)
	w.post(voucher(payoutLines))
	name := filepath.Join(dir, "visma.jsonl")
	kept, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(name, append(kept, `{"kind":"batch","ten`...), 0o600); err != nil {
		t.Fatal(err)
	}
	if got := newWorld(t, in).sim.Books(tenant).Batches; got != 1 {
		t.Errorf("there are %d batches, want 1", got)
	}
	if err := os.WriteFile(name, []byte("not JSON\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := vismasim.New(vismasim.Options{Companies: []vismasim.Company{vismasim.SwedishCompany(tenant, "x")}, Authorize: byToken, Dir: dir}); err == nil {
		t.Error("an unreadable file was ignored")
	}
}
