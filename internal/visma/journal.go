package visma

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"

	"kvitt/internal/fault"
)

const journalPath = "/v2/journaltransaction"

// CreateJournalTransaction asks Visma.net to create a batch in the background, which is the only way to
// get an id to ask about before anything is booked. Visma.net may still create it at once.
//
// Rejected, Auth, Throttled and Transient mean that nothing was booked. After UnknownOutcome the batch may
// exist: look for its token before sending it again. The client itself never sends it again, except once
// after a 401.
func (c *Client) CreateJournalTransaction(ctx context.Context, u JournalTransactionUpdate) (Accepted, error) {
	r := &request{
		attempted: "create journal transaction", method: http.MethodPost, path: journalPath, write: true,
		header:      http.Header{"Erp-Api-Background": {"none"}},
		contentType: "application/json",
	}
	u.Lines = slices.Clone(u.Lines)
	for i := range u.Lines {
		if u.Lines[i].Operation == "" {
			u.Lines[i].Operation = Insert
		}
	}
	body, err := json.Marshal(u)
	if err != nil {
		return Accepted{}, notSent(r.attempted, err)
	}
	r.body = inMemory(body)
	a, err := c.do(ctx, r)
	if err != nil {
		return Accepted{}, err
	}
	return r.accepted(a)
}

// JournalTransaction reads one batch, and its ETag for Release.
func (c *Client) JournalTransaction(ctx context.Context, batchNumber string) (*JournalTransaction, string, error) {
	r := &request{attempted: "read journal transaction", path: journalPath + "/" + pathID(batchNumber)}
	t, a, err := get[JournalTransaction](ctx, c, r)
	if err != nil {
		return nil, "", err
	}
	t.trimKeys()
	if !strings.EqualFold(t.BatchNumber, strings.TrimSpace(batchNumber)) {
		return nil, "", r.unusable(a, fmt.Errorf("batch %q was asked for and batch %q was given", batchNumber, t.BatchNumber))
	}
	etag := a.header.Get("ETag")
	if etag == "" {
		etag = quoteETag(t.TimeStamp)
	}
	return &t, etag, nil
}

// quoteETag turns a time stamp into an ETag; an ETag is left unchanged.
func quoteETag(s string) string {
	if s == "" || strings.HasPrefix(s, `"`) || strings.HasPrefix(s, "W/") {
		return s
	}
	return `"` + s + `"`
}

// ReleaseResult is the answer to a release. It does not prove the release: the status of the batch does.
type ReleaseResult struct {
	ActionID  string `json:"actionId"`
	Result    string `json:"actionResult"` // Queued, InProcess, Failed, Done
	ErrorInfo string `json:"errorInfo"`
	JobID     string `json:"-"` // set when the release was sent to the background
}

// releaseFailed is the result of a refused release.
const releaseFailed = "Failed"

// Release releases a batch whose ETag was read before; an empty ETag releases it in whatever state it is.
// A batch that has changed since is refused with status 412. Read the batch to see whether it was
// released, after UnknownOutcome too.
func (c *Client) Release(ctx context.Context, batchNumber, etag string) (ReleaseResult, error) {
	r := &request{
		attempted: "release journal transaction", method: http.MethodPost, write: true,
		path: journalPath + "/" + pathID(batchNumber) + "/action/release",
		body: inMemory("{}"), contentType: "application/json",
	}
	if etag != "" {
		r.header = http.Header{"If-Match": {quoteETag(etag)}}
	}
	a, err := c.do(ctx, r)
	if err != nil {
		return ReleaseResult{}, err
	}
	if a.status == http.StatusAccepted {
		accepted, err := r.accepted(a)
		return ReleaseResult{Result: "Queued", JobID: accepted.JobID}, err
	}
	var result ReleaseResult
	if err := r.decode(a, &result); err != nil {
		return ReleaseResult{}, err
	}
	switch result.Result {
	case releaseFailed:
		return result, &fault.Error{
			Class: fault.Rejected, Party: party, Attempted: r.attempted, Status: a.status,
			Words:     fault.Trim(redact(printable(result.ErrorInfo))),
			RequestID: a.header.Get("Ipp-Request-Id"), Err: errors.New("the release failed"),
		}
	case "":
		return result, r.unusable(a, errors.New("the answer does not give the result of the release"))
	}
	return result, nil
}
