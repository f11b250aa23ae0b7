package visma

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"net"
	"net/http"
	"time"

	"kvitt/internal/fault"
)

// classOf returns the class of a status. For a write, only a status that cannot mean a booking counts as a
// refusal.
func classOf(write bool, status int, code string) fault.Class {
	switch {
	case code == faultNoLicence, status == http.StatusUnauthorized, status == http.StatusForbidden:
		return fault.Auth
	case status == http.StatusTooManyRequests:
		return fault.Throttled
	case status == http.StatusRequestTimeout, status == http.StatusTooEarly, status == 499, status >= 500:
		return unlessWritten(write, fault.Transient)
	case status >= 400:
		return fault.Rejected
	case status >= 300:
		return unlessWritten(write, fault.Rejected)
	}
	return unlessWritten(write, fault.BadData)
}

func unlessWritten(write bool, class fault.Class) fault.Class {
	if write {
		return fault.UnknownOutcome
	}
	return class
}

// refused turns an error answer into an error.
func (r *request) refused(status int, header http.Header, body []byte, token string) *fault.Error {
	s := readError(header, body, token)
	e := &fault.Error{
		Class: classOf(r.write, status, s.code), Party: party, Attempted: r.attempted,
		Status: status, Code: s.code, Words: s.words, RequestID: s.requestID,
	}
	if e.Words == "" {
		e.Words = http.StatusText(status)
	}
	if e.Class == fault.Throttled || status == http.StatusServiceUnavailable {
		e.RetryAfter = retryAfter(header)
	}
	switch {
	case s.code == faultNoLicence:
		e.Remedy = "Check that the company has a licence for the Visma.net API, that the user has the role API User (a new role takes up to 15 minutes), and that the tenant id is the company's own."
	case status == http.StatusUnauthorized:
		e.Remedy = "Authorise the connection again; with the service flow, check that the tenant id is the Company Tenant ID and not the Customer Tenant ID."
	case status == http.StatusForbidden:
		e.Remedy = "Check that the app was approved with the scopes for reading, creating and updating, and that the user has the role API User."
	case status >= 300 && status < 400:
		e.Remedy = "Check KVITT_VISMA_API_URL: redirects are not followed, because they could send the token to another host."
	case status == http.StatusNotFound && s.nothing:
		e.Remedy = "Check KVITT_VISMA_API_URL: it is the host alone, " + DefaultBaseURL + ", without /v1, /erp/service or any other path; Kvitt adds the version itself."
	case e.Class == fault.Throttled && isSameRequestLimit(body):
		e.Remedy = "Visma.net refuses a request that has failed the same way before; correct its cause before it is sent again."
	}
	return e
}

// unusable turns a good status with an unusable body into an error. A write may well have been booked.
func (r *request) unusable(a *answer, problem error) *fault.Error {
	return &fault.Error{
		Class: unlessWritten(r.write, fault.BadData), Party: party, Attempted: r.attempted,
		Status: a.status, RequestID: a.header.Get("Ipp-Request-Id"), Err: problem,
	}
}

// unanswered turns a missing answer into an error. neverSent says that the request never got a connection.
func (r *request) unanswered(err error, neverSent bool, limit time.Duration) *fault.Error {
	e := &fault.Error{
		Class: unlessWritten(r.write, fault.Transient), Party: party, Attempted: r.attempted, Err: err,
	}
	if errors.Is(err, context.DeadlineExceeded) {
		e.Words = fmt.Sprintf("no answer within %s", limit)
	}
	if neverSent && failedToConnect(err) {
		e.Class = fault.Transient
		e.Words = "connection failed; nothing was sent"
	}
	return e
}

// failedToConnect recognises the errors that come before the first byte of a request: the connection was
// refused, the name is unknown, the certificate is wrong. It is narrower than it could be, on purpose.
func failedToConnect(err error) bool {
	if op := (*net.OpError)(nil); errors.As(err, &op) {
		return op.Op == "dial" || op.Op == "proxyconnect"
	}
	if dns := (*net.DNSError)(nil); errors.As(err, &dns) {
		return true
	}
	certificate := (*tls.CertificateVerificationError)(nil)
	return errors.As(err, &certificate)
}
