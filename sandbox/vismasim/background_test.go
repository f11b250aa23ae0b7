package vismasim_test

import (
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"kvitt/sandbox/vismasim"
)

const inBackground = "erp-api-background: none"

// start posts a voucher in the background and returns the job's id.
func (w *world) start(body string) string {
	w.t.Helper()
	accepted := w.ask(http.StatusAccepted, "POST", "/v2/journaltransaction", body, inBackground)
	doc := read[struct{ ID, StateLocation string }](w.t, accepted)
	if last(doc.StateLocation) != doc.ID || accepted.header.Get("Location") != doc.StateLocation {
		w.t.Fatalf("202 carries %+v and Location %s", doc, accepted.header.Get("Location"))
	}
	return doc.ID
}

func (w *world) job(id string) object {
	w.t.Helper()
	return read[object](w.t, w.ask(http.StatusOK, "GET", "/v1/background/"+id, ""))
}

func TestAFinishedJobHasTheBatchsLocation(t *testing.T) {
	w := newWorld(t, nil)
	id := w.start(voucher(payoutLines))
	if j := w.job(id); j["status"] != "Started" || fmt.Sprint(j["statusCode"]) != "0" || j["finishedUtc"] != nil {
		t.Errorf("right away the job is %v", j)
	}
	if got := w.sim.Books(tenant).Batches; got != 0 {
		t.Errorf("there are %d batches before the job has run", got)
	}
	w.clock.advance(20 * time.Millisecond)
	j := w.job(id)
	headers, _ := j["responseHeaders"].(object)
	if j["status"] != "Finished" || fmt.Sprint(j["statusCode"]) != "201" || j["hasResponseContent"] != false || headers == nil {
		t.Fatalf("then the job is %v", j)
	}
	if last(headers["Location"].(string)) != "000001" || headers["ETag"] == "" {
		t.Errorf("its headers are %v", headers)
	}
	if !strings.HasSuffix(j["receivedUtc"].(string), "+01:00") || !strings.HasSuffix(j["originalUri"].(string), "/v2/journaltransaction") {
		t.Errorf("its times and origin are %v", j)
	}
	w.ask(http.StatusNoContent, "GET", "/v1/background/"+id+"/content", "")
	if got := w.sim.Books(tenant).Batches; got != 1 {
		t.Errorf("there are %d batches", got)
	}
}

func TestAFinishedJobMayHaveBeenRefused(t *testing.T) {
	w := newWorld(t, nil)
	id := w.start(voucher([]line{{"9999", "1", ""}, {"1686", "", "1"}}))
	w.ask(http.StatusNotFound, "GET", "/v1/background/"+id+"/content", "")
	w.clock.advance(time.Second)
	j := w.job(id)
	if j["status"] != "Finished" || fmt.Sprint(j["statusCode"]) != "400" || j["hasResponseContent"] != true {
		t.Fatalf("the job is %v", j)
	}
	got := message(t, w.ask(http.StatusOK, "GET", "/v1/background/"+id+"/content", ""))
	if !strings.HasSuffix(got, "Error: AccountID '9999' cannot be found in the system.") {
		t.Errorf("the content reads %q", got)
	}
	w.clock.advance(24 * time.Hour)
	w.ask(http.StatusGone, "GET", "/v1/background/"+id+"/content", "")
}

func TestAJobBelongsToItsCompany(t *testing.T) {
	w := newWorld(t, nil)
	id := w.start(voucher(payoutLines))
	w.ask(http.StatusNotFound, "GET", "/v1/background/73ac0029-1e4f-4adc-a7eb-318cd25ba4bf", "")
	w.token = other + ",read"
	w.ask(http.StatusForbidden, "GET", "/v1/background/"+id, "")
}

func TestJobsRunInTheOrderInWhichTheyAreDue(t *testing.T) {
	w := newWorld(t, nil)
	w.inject(vismasim.Fault{Kind: vismasim.JobLate, Delay: time.Hour})
	late := w.start(voucher(payoutLines, set("description", "late")))
	w.start(voucher(payoutLines, set("description", "soon")))
	w.clock.advance(time.Second)
	if got := w.journal("000001")["description"]; got != "soon" {
		t.Errorf("the first batch is %v", got)
	}
	w.clock.advance(time.Hour)
	if j := w.job(late); last(j["responseHeaders"].(object)["Location"].(string)) != "000002" {
		t.Errorf("the late job is %v", j)
	}
}

func TestRulesAreCheckedWhenTheJobRuns(t *testing.T) {
	w := newWorld(t, nil)
	id := w.start(voucher(payoutLines))
	if err := w.sim.ClosePeriod(tenant, "202601"); err != nil {
		t.Fatal(err)
	}
	w.clock.advance(time.Second)
	if j := w.job(id); fmt.Sprint(j["statusCode"]) != "400" {
		t.Errorf("the job is %v", j)
	}
}

func TestReleasesAndReadsCanRunInTheBackground(t *testing.T) {
	w := newWorld(t, func(o *vismasim.Options) { o.JobDelay = -1 })
	number, etag := w.post(voucher(payoutLines))
	release := "/v2/journaltransaction/" + number + "/action/release"
	stale := read[struct{ ID string }](t, w.ask(http.StatusAccepted, "POST", release, "{}", inBackground, `If-Match: "AAAAAAAAAAA="`))
	if j := w.job(stale.ID); fmt.Sprint(j["statusCode"]) != "412" {
		t.Errorf("a release with an old ETag is %v", j)
	}
	done := read[struct{ ID string }](t, w.ask(http.StatusAccepted, "POST", release, "{}", inBackground, "If-Match: "+etag))
	content := w.ask(http.StatusOK, "GET", "/v1/background/"+done.ID+"/content", "")
	if read[object](t, content)["actionResult"] != "Done" || w.journal(number)["status"] != "Posted" {
		t.Errorf("the release is %s", content.body)
	}
	readJob := read[struct{ ID string }](t, w.ask(http.StatusAccepted, "GET", "/v1/organization", "", "erp-api-background: subscription"))
	if got := w.job(readJob.ID)["webhookAddress"]; got != "subscription" {
		t.Errorf("webhookAddress is %v", got)
	}
	if got := w.ask(http.StatusOK, "GET", "/v1/background/"+readJob.ID+"/content", ""); !strings.Contains(string(got.body), "Nordbutiken") {
		t.Errorf("the content is %s", got.body)
	}
}
