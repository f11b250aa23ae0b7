package visma

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"strings"

	"kvitt/internal/fault"
)

// Accepted is Visma.net's acceptance of a write: in the background the id of a job, whose result is still
// to come; otherwise the batch.
type Accepted struct {
	JobID       string // set when the write was queued (202)
	BatchNumber string // set when it was done at once (201)
	ETag        string
}

// Job is the state of a background job. Source: Visma.net ERP API, Background.
type Job struct {
	ID                 string     `json:"id"`
	Status             JobStatus  `json:"status"`
	StatusCode         int        `json:"statusCode"` // the HTTP status of the work; 0 until it is done
	ReceivedUTC        DateTime   `json:"receivedUtc"`
	StartedUTC         DateTime   `json:"startedUtc"`
	FinishedUTC        DateTime   `json:"finishedUtc"`
	ErrorMessage       string     `json:"errorMessage"`
	Reference          string     `json:"reference"`
	OriginalURI        string     `json:"originalUri"`
	HasResponseContent bool       `json:"hasResponseContent"`
	HasRequestContent  bool       `json:"hasRequestContent"`
	ResponseHeaders    JobHeaders `json:"responseHeaders"`
}

// JobStatus is the progress of a job; unknown values are kept.
type JobStatus string

// The states of a job. Finished says nothing about success: a job may have
// finished with status code 400.
const (
	JobStarted  JobStatus = "Started"
	JobFinished JobStatus = "Finished"
	JobFailed   JobStatus = "Failed"
)

// JobHeaders are the headers of a job's answer, by lower-case name.
type JobHeaders map[string]string

// UnmarshalJSON accepts header values as text or as lists of text, and ignores everything else: headers
// are a hint, never the only evidence.
func (h *JobHeaders) UnmarshalJSON(b []byte) error {
	*h = nil
	var raw map[string]any
	if json.Unmarshal(b, &raw) != nil || len(raw) == 0 {
		return nil
	}
	*h = JobHeaders{}
	for name, value := range raw {
		if values, ok := value.([]any); ok && len(values) > 0 {
			value = values[0]
		}
		if text, ok := value.(string); ok {
			(*h)[strings.ToLower(name)] = text
		}
	}
	return nil
}

// Done reports whether the job has ended, successfully or not.
func (j *Job) Done() bool {
	return j.Status == JobFinished || j.Status == JobFailed || j.StatusCode != 0
}

// Succeeded reports whether the job did what it was started for.
func (j *Job) Succeeded() bool {
	return j.Status == JobFinished && j.StatusCode >= 200 && j.StatusCode < 300
}

// BatchNumber returns the number of the batch that the job created, or "" when the job does not give it.
// The batch can always be found by its token.
func (j *Job) BatchNumber() string { return lastSegment(j.ResponseHeaders["location"]) }

// Err returns the reason that a finished job did not succeed, with the text of its content, or nil when it
// succeeded. attempted is the job's purpose: "create journal transaction". A job that failed without a
// clear refusal is UnknownOutcome.
func (j *Job) Err(attempted string, content []byte) error {
	if j.Succeeded() {
		return nil
	}
	r := &request{attempted: attempted, write: true}
	if j.Status != JobFinished || j.StatusCode < 300 {
		return &fault.Error{
			Class: fault.UnknownOutcome, Party: party, Attempted: attempted, Status: j.StatusCode,
			Words: fault.Trim(redact(printable(j.ErrorMessage))), RequestID: j.ID,
			Err: fmt.Errorf("background job is %s with status code %d", j.Status, j.StatusCode),
		}
	}
	if len(bytes.TrimSpace(content)) == 0 {
		content = []byte(j.ErrorMessage)
	}
	e := r.refused(j.StatusCode, http.Header{}, content, "")
	if e.RequestID == "" {
		e.RequestID = j.ID
	}
	return e
}

// Job reads the state of a background job. For a job that Visma.net no longer knows, or that belongs to
// another user, JobLost is true for the error.
func (c *Client) Job(ctx context.Context, id string) (Job, error) {
	job, _, err := get[Job](ctx, c, &request{
		attempted: "read background job", path: "/v1/background/" + pathID(id),
	})
	if err != nil {
		return Job{}, jobError(err)
	}
	if job.ID == "" {
		job.ID = id
	}
	return job, nil
}

// JobContent reads the result of a background job, as received. Visma.net keeps it for 24 hours; after
// that JobLost is true for the error.
func (c *Client) JobContent(ctx context.Context, id string) ([]byte, error) {
	r := &request{
		attempted: "read background job content", method: http.MethodGet,
		path: "/v1/background/" + pathID(id) + "/content",
	}
	a, err := c.do(ctx, r)
	if err != nil {
		return nil, jobError(err)
	}
	return a.body, nil
}

// jobError handles a 403 for a job: it is the job of another company or user. The credential itself is
// valid, and authorising again would not help.
func jobError(err error) error {
	if e := fault.As(err); e != nil && e.Status == http.StatusForbidden && e.Code != faultNoLicence {
		e.Class = fault.Rejected
		e.Remedy = "The job was started by another user or company; look for its batch instead."
	}
	return err
}

// JobLost reports whether an error of Job or JobContent means that the job's result can never be read: the
// job is unknown, gone, or another user's. Its work may have been done all the same.
func JobLost(err error) bool {
	e := fault.As(err)
	if e == nil || e.Class != fault.Rejected {
		return false
	}
	switch e.Status {
	case http.StatusForbidden, http.StatusNotFound, http.StatusGone:
		return true
	}
	return false
}

// accepted reads the acceptance of a write that was sent to the background.
func (r *request) accepted(a *answer) (Accepted, error) {
	switch a.status {
	case http.StatusAccepted:
		var body struct {
			ID            string `json:"id"`
			StateLocation string `json:"stateLocation"`
		}
		_ = json.Unmarshal(a.body, &body) // a Location is as good
		for _, id := range []string{body.ID, lastSegment(body.StateLocation), lastSegment(a.header.Get("Location"))} {
			if id != "" {
				return Accepted{JobID: id}, nil
			}
		}
		return Accepted{}, r.unusable(a, errors.New("it was queued, but the answer names no job"))
	case http.StatusCreated:
		number := lastSegment(a.header.Get("Location"))
		if number == "" {
			return Accepted{}, r.unusable(a, errors.New("it was created, but the answer names no batch"))
		}
		return Accepted{BatchNumber: number, ETag: a.header.Get("ETag")}, nil
	}
	return Accepted{}, r.unusable(a, errors.New("the answer is neither 201 nor 202"))
}
