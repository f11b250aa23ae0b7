package visma

import (
	"context"
	"encoding/json"
	"net/http"
	"strings"
	"testing"

	"kvitt/internal/fault"
)

func jobOf(t *testing.T, body string) *Job {
	t.Helper()
	c, _ := newTestClient(t, serve(t, answerJSON(http.StatusOK, body)))
	job, err := c.Job(context.Background(), "73ac0029")
	if err != nil {
		t.Fatal(err)
	}
	return &job
}

func TestAJobReportsItsProgressAndWhatItCreated(t *testing.T) {
	started := jobOf(t, `{"id":"73ac0029","status":"Started","statusCode":0,"receivedUtc":"2022-11-10T10:20:53.75+01:00","responseHeaders":null}`)
	if started.Done() || started.Succeeded() || started.BatchNumber() != "" {
		t.Errorf("%+v is done", started)
	}
	done := jobOf(t, `{"id":"73ac0029","status":"Finished","statusCode":201,"hasResponseContent":false,"contentLocation":"https://elsewhere.example/x",
		"responseHeaders":{"location":"https://integration.visma.net/API/controller/api/v2/journaltransaction/000042","ETag":["\"AAAA\""],"n":1}}`)
	if !done.Done() || !done.Succeeded() || done.BatchNumber() != "000042" || done.ResponseHeaders["etag"] != `"AAAA"` {
		t.Errorf("%+v did not succeed", done)
	}
	if err := done.Err("create journal transaction", nil); err != nil {
		t.Error(err)
	}
}

func TestAFinishedJobMayHaveFailed(t *testing.T) {
	for name, c := range map[string]struct {
		body, content string
		class         fault.Class
		words         string
	}{
		"finished with 400":  {`{"id":"j","status":"Finished","statusCode":400}`, `{"message":"VismaId: 6c6eb585-da38. Error: Account cannot be found."}`, fault.Rejected, "Account cannot be found"},
		"400 and no content": {`{"id":"j","status":"Finished","statusCode":400,"errorMessage":"Period is closed."}`, "", fault.Rejected, "Period is closed"},
		"no licence":         {`{"id":"j","status":"Finished","statusCode":400}`, `{"ExceptionMessage":"No license for this company.","ExceptionFaultCode":"12027"}`, fault.Auth, "No license"},
		"finished with 401":  {`{"id":"j","status":"Finished","statusCode":401}`, "", fault.Auth, ""},
		"finished with 429":  {`{"id":"j","status":"Finished","statusCode":429}`, "", fault.Throttled, ""},
		"finished with 500":  {`{"id":"j","status":"Finished","statusCode":500}`, "", fault.UnknownOutcome, ""},
		"finished with 0":    {`{"id":"j","status":"Finished","statusCode":0}`, "", fault.UnknownOutcome, ""},
		"failed":             {`{"id":"j","status":"Failed","statusCode":0,"errorMessage":"Worker died."}`, "", fault.UnknownOutcome, "Worker died"},
		"failed with 400":    {`{"id":"j","status":"Failed","statusCode":400}`, "", fault.UnknownOutcome, ""},
		"unknown state":      {`{"id":"j","status":"Parked","statusCode":201}`, "", fault.UnknownOutcome, ""},
	} {
		t.Run(name, func(t *testing.T) {
			job := jobOf(t, c.body)
			if !job.Done() || job.Succeeded() {
				t.Fatalf("%+v", job)
			}
			e := wantFault(t, job.Err("create journal transaction", []byte(c.content)), c.class)
			if !strings.Contains(e.Words, c.words) || e.RequestID == "" || e.Attempted != "create journal transaction" {
				t.Errorf("%+v", e)
			}
		})
	}
}

func TestAJobWhoseResultIsGoneIsLost(t *testing.T) {
	for _, status := range []int{403, 404, 410} {
		c, _ := newTestClient(t, serve(t, answerJSON(status, "")))
		_, err := c.Job(context.Background(), "73ac0029")
		if wantFault(t, err, fault.Rejected); !JobLost(err) {
			t.Errorf("status %d: the job is not lost: %v", status, err)
		}
		_, err = c.JobContent(context.Background(), "73ac0029")
		if wantFault(t, err, fault.Rejected); !JobLost(err) {
			t.Errorf("status %d: the content is not lost: %v", status, err)
		}
	}
	for _, h := range []http.HandlerFunc{
		answerJSON(500, ""), answerJSON(401, ""), answerJSON(400, ""),
		answerJSON(403, `{"ExceptionFaultCode":"12027"}`),
	} {
		c, _ := newTestClient(t, serve(t, h))
		if _, err := c.Job(context.Background(), "73ac0029"); err == nil || JobLost(err) {
			t.Errorf("the job is lost: %v", err)
		}
	}
	if JobLost(nil) {
		t.Error("nil counts as a lost job")
	}
}

func TestTheContentOfAJobIsReturnedAsReceived(t *testing.T) {
	for _, body := range []string{`{"message":"Payment is already released."}`, "plain text", ""} {
		c, _ := newTestClient(t, serve(t, answerJSON(http.StatusOK, body)))
		got, err := c.JobContent(context.Background(), "73ac0029")
		if err != nil || string(got) != body {
			t.Errorf("%q, %v", got, err)
		}
	}
}

func TestJobHeadersInAnyFormAreAccepted(t *testing.T) {
	for _, text := range []string{`null`, `{}`, `[]`, `"x"`, `{"a":null,"b":{"c":1},"d":[],"e":[1]}`} {
		var job Job
		if err := json.Unmarshal([]byte(`{"responseHeaders":`+text+`}`), &job); err != nil || job.BatchNumber() != "" {
			t.Errorf("%s: %v", text, err)
		}
	}
}
