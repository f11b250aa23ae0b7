package klarnasim

import (
	"bytes"
	"encoding/json"
	"io"
	"net/http"
	"strconv"
	"strings"
	"sync"
)

const (
	jsonType = "application/json"
	csvType  = "text/csv"
	pdfType  = "application/pdf"
)

// reply is an answer: a body or, if it may be large, a function that writes it.
type reply struct {
	status      int
	contentType string
	filename    string
	body        []byte
	pooled      *[]byte
	stream      func(io.Writer) error
}

// buffers are reused between answers: a page of 500 rows is half a megabyte.
var buffers = sync.Pool{New: func() any { return new([]byte) }}

// jsonReply passes a buffer to write and answers with what was written.
func jsonReply(write func([]byte) []byte) *reply {
	buffer, _ := buffers.Get().(*[]byte)
	*buffer = write((*buffer)[:0])
	return &reply{status: http.StatusOK, contentType: jsonType, body: *buffer, pooled: buffer}
}

// send writes an answer, changed by the faults of the request, and returns its status.
func (q *request) send(w http.ResponseWriter, r *reply) int {
	if r.pooled != nil {
		defer buffers.Put(r.pooled)
	}
	cut := q.bend(r)
	header := w.Header()
	header.Set("Content-Type", r.contentType)
	if r.filename != "" {
		header.Set("Content-Disposition", `attachment; filename="`+r.filename+`"`)
	}
	if r.stream != nil {
		w.WriteHeader(r.status)
		_ = r.stream(w) // the client may be gone
		return r.status
	}
	header.Set("Content-Length", strconv.Itoa(len(r.body)))
	w.WriteHeader(r.status)
	body := r.body
	if cut {
		// Less than announced: the server closes the connection.
		body = body[:len(body)/2]
	}
	_, _ = w.Write(body) // the client may be gone
	return r.status
}

// whole returns the body, written out if it was to be streamed.
func (r *reply) whole() []byte {
	if r.stream != nil {
		var all bytes.Buffer
		_ = r.stream(&all) // a buffer never fails
		r.body, r.stream = all.Bytes(), nil
	}
	return r.body
}

// problem is an answer that is an error.
type problem struct {
	status  int
	code    string
	message string
}

// reply gives an error the API's body. The reports declare it under their own content type, although it is
// JSON.
func (p *problem) reply(q *request) *reply {
	body, _ := json.Marshal(map[string]any{ // strings always encode
		"error_code": p.code, "error_messages": []string{p.message}, "correlation_id": q.correlation,
	})
	return &reply{status: p.status, contentType: errorType(q.endpoint, p.status), body: body}
}

func errorType(endpoint string, status int) string {
	switch {
	case !strings.HasPrefix(endpoint, "/reports/") || status == http.StatusUnauthorized || status >= http.StatusTooManyRequests:
		return jsonType
	case strings.HasSuffix(endpoint, "transactions"):
		return csvType
	}
	return pdfType
}
