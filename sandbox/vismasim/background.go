package vismasim

import (
	"bytes"
	"context"
	"net/http"
	"strings"
	"time"
)

// job is work that a request leaves to the background.
type job struct {
	ID          string            `json:"id"`
	Tenant      string            `json:"tenant"`
	Method      string            `json:"method"`
	URI         string            `json:"uri"`
	IfMatch     string            `json:"if_match,omitempty"`
	BodyType    string            `json:"body_type,omitempty"`
	Body        []byte            `json:"body,omitempty"` // until it is done
	HadBody     bool              `json:"had_body"`
	Notify      string            `json:"notify"`
	Received    time.Time         `json:"received"`
	Due         time.Time         `json:"due"`
	Done        bool              `json:"done"`
	Status      string            `json:"status"` // Started, Finished, Failed
	Code        int               `json:"code"`
	Header      map[string]string `json:"header,omitempty"`
	Content     []byte            `json:"content,omitempty"`
	ContentType string            `json:"content_type,omitempty"`
	Error       string            `json:"error,omitempty"`
	Fault       Fault             `json:"fault"`
	Write       string            `json:"write,omitempty"` // id of the request that started it
}

type jobDTO struct {
	ID                 string            `json:"id"`
	Status             string            `json:"status"`
	StatusCode         int               `json:"statusCode"`
	ReceivedUTC        string            `json:"receivedUtc"`
	StartedUTC         *string           `json:"startedUtc"`
	FinishedUTC        *string           `json:"finishedUtc"`
	WebhookAddress     string            `json:"webhookAddress"`
	ErrorMessage       *string           `json:"errorMessage"`
	Reference          *string           `json:"reference"`
	OriginalURI        string            `json:"originalUri"`
	HasResponseContent bool              `json:"hasResponseContent"`
	HasRequestContent  bool              `json:"hasRequestContent"`
	ContentLocation    string            `json:"contentLocation"`
	ResponseHeaders    map[string]string `json:"responseHeaders"`
}

// enqueue queues a request as a background job and answers 202.
func (s *Sim) enqueue(q *call, notify string, fault Fault) answer {
	j := &job{
		ID: s.newID("job"), Tenant: q.c.TenantID, Method: q.Method, URI: q.URL.RequestURI(),
		IfMatch: q.Header.Get("If-Match"), BodyType: q.Header.Get("Content-Type"), Body: q.body, HadBody: len(q.body) > 0,
		Notify: notify, Received: q.at, Due: q.at.Add(s.o.JobDelay), Status: "Started", Fault: fault, Write: q.vismaID,
	}
	j.Due = j.Due.Add(fault.JobAfter)
	if fault.Kind == JobLate {
		j.Due = j.Due.Add(fault.Delay)
	}
	s.jobs[j.ID] = j
	s.queue = append(s.queue, j)
	s.keep(q.c, kindJob, j)
	if s.o.JobDelay == 0 {
		s.settle()
	}
	scheme := "http://"
	if q.TLS != nil {
		scheme = "https://"
	}
	state := scheme + q.Host + "/v1/background/" + j.ID
	if fault.Kind == JobElsewhere {
		state = "https://integration.visma.net/API/controller/api/v1/background/" + j.ID
	}
	return jsonAnswer(http.StatusAccepted, map[string]string{"id": j.ID, "stateLocation": state}).with("Location", state)
}

// run runs a job that is due.
func (s *Sim) run(j *job) {
	c := s.companies[j.Tenant]
	j.Done, j.Status = true, "Finished"
	switch j.Fault.Kind {
	case JobLostBeforeCommit:
	case JobFailedBeforeCommit:
		j.Status, j.Error = "Failed", j.Fault.message("The background worker was stopped.")
	case JobErrorBeforeCommit:
		j.finish(jsonAnswer(j.Fault.status(http.StatusInternalServerError), map[string]string{"message": j.Fault.message("An error has occurred.")}))
	case JobRejected:
		no := refuse("creating document", "%s", j.Fault.message("The document is not valid."))
		j.finish(no.answer(s.newID("request")))
	default:
		j.finish(s.do(c, j))
		j.spoil()
	}
	j.Body = nil
	s.wrote(j.Write, func(w *Write) { w.Done = j.Code })
	s.keep(c, kindJob, j)
}

// do sends the job's request to its endpoint, as of the time it was due.
func (s *Sim) do(c *company, j *job) answer {
	r, err := http.NewRequestWithContext(context.Background(), j.Method, j.URI, bytes.NewReader(j.Body))
	if err != nil {
		return emptyAnswer(http.StatusInternalServerError)
	}
	r.Header.Set("If-Match", j.IfMatch)
	r.Header.Set("Content-Type", j.BodyType)
	matched, to, ok := s.match(r)
	if !ok {
		return emptyAnswer(http.StatusNotFound)
	}
	q := &call{Request: matched, c: c, body: j.Body, vismaID: s.newID("request"), at: j.Due, fault: j.Fault}
	if reply, ok := j.Fault.instead(q); ok {
		return reply
	}
	return q.answered(to)
}

func (j *job) finish(a answer) {
	j.Code, j.Content, j.ContentType = a.status, a.body, a.header.Get("Content-Type")
	j.Header = map[string]string{}
	for key := range a.header {
		if key != "Content-Type" {
			j.Header[key] = a.header.Get(key)
		}
	}
}

// spoil applies the job's fault after the work is done.
func (j *job) spoil() {
	switch j.Fault.Kind {
	case JobFailedAfterCommit:
		j.Status, j.Code, j.Header, j.Content = "Failed", 0, nil, nil
		j.Error = j.Fault.message("The background worker was stopped.")
	case JobErrorAfterCommit:
		j.finish(jsonAnswer(j.Fault.status(http.StatusInternalServerError), map[string]string{"message": j.Fault.message("An error has occurred.")}))
	case JobNoLocation:
		j.Header = nil
	default:
	}
}

func (j *job) lost() bool {
	return j.Fault.Kind == JobLostBeforeCommit || j.Fault.Kind == JobLostAfterCommit
}

func (s *Sim) findJob(q *call) (*job, error) {
	j := s.jobs[q.PathValue("id")]
	switch {
	case j == nil:
		return nil, notFound("Background operation")
	case j.lost() && j.Fault.Status != 0:
		return nil, &refusal{status: j.Fault.Status, message: "The background operation is no longer available."}
	case j.lost():
		return nil, notFound("Background operation")
	case j.Tenant != q.c.TenantID:
		return nil, &refusal{status: http.StatusForbidden, message: "The background operation belongs to another company or user."}
	}
	return j, nil
}

func (s *Sim) getJob(q *call) (answer, error) {
	j, err := s.findJob(q)
	if err != nil {
		return answer{}, err
	}
	dto := jobDTO{
		ID: j.ID, Status: j.Status, StatusCode: j.Code, ReceivedUTC: local(j.Received), WebhookAddress: j.Notify,
		OriginalURI:        s.elsewhere(q.c, strings.TrimPrefix(j.URI, "/")),
		HasResponseContent: len(j.Content) > 0, HasRequestContent: j.HadBody,
		ContentLocation: "https://integration.visma.net/API/controller/api/v1/background/" + j.ID + "/content",
		ResponseHeaders: j.Header,
	}
	if j.Done {
		done := local(j.Due)
		dto.StartedUTC, dto.FinishedUTC = &done, &done
	}
	if j.Error != "" {
		dto.ErrorMessage = &j.Error
	}
	return jsonAnswer(http.StatusOK, dto), nil
}

func (s *Sim) getJobContent(q *call) (answer, error) {
	j, err := s.findJob(q)
	switch {
	case err != nil:
		return answer{}, err
	case !j.Done:
		return answer{}, &refusal{status: http.StatusNotFound, message: "The background operation has not finished."}
	case j.Fault.Kind == JobContentGone, !q.at.Before(j.Due.Add(s.o.ContentLife)):
		return answer{}, &refusal{status: http.StatusGone, message: "The response content is no longer available."}
	case len(j.Content) == 0:
		return emptyAnswer(http.StatusNoContent), nil
	}
	return answer{status: http.StatusOK, header: http.Header{"Content-Type": {j.ContentType}}, body: j.Content}, nil
}

// elsewhere returns an address as the API writes it in Location and originalUri: on another host than the
// one that was called.
func (s *Sim) elsewhere(c *company, pathAndQuery string) string {
	return s.o.LocationURL + "/" + c.Number + "/api/" + pathAndQuery
}
