package klarna

import (
	"bytes"
	"context"
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"regexp"
	"strings"

	"kvitt/internal/fault"
)

// QueryError is a question that makes no sense and was not asked. It comes
// inside a [fault.Error] of the class rejected.
type QueryError struct{ Problem string }

func (e *QueryError) Error() string { return "the question was not asked, because " + e.Problem }

func (c *Client) notAsked(attempted, format string, args ...any) *fault.Error {
	return c.fault(fault.Rejected, attempted, Answer{}, &QueryError{fmt.Sprintf(format, args...)})
}

// UnusableError says why an answer cannot be used, with the answer as it was
// received, to be kept as evidence. It comes inside a [fault.Error] of the class
// bad data.
type UnusableError struct {
	Answer Answer
	Err    error
}

func (e *UnusableError) Error() string { return e.Err.Error() }

// Unwrap lets errors.Is and errors.As see the cause.
func (e *UnusableError) Unwrap() error { return e.Err }

// lost classifies a question that got no whole answer. All calls are GET, so
// asking again is always safe.
func (c *Client) lost(attempted string, err error) *fault.Error {
	var outer *url.Error
	if errors.As(err, &outer) {
		err = outer.Err
	}
	e := c.fault(fault.Transient, attempted, Answer{}, err)
	var wrongCertificate *tls.CertificateVerificationError
	var unknownAuthority x509.UnknownAuthorityError
	switch {
	case errors.As(err, &wrongCertificate), errors.As(err, &unknownAuthority):
		e.Remedy = "Something between Kvitt and " + c.party + " shows a certificate of its own; check the proxy and the base URL"
	case errors.Is(err, context.DeadlineExceeded):
		e.Remedy = fmt.Sprintf("%s took longer than allowed; asking again is safe", c.party)
	}
	return e
}

// broken classifies a 200 whose body did not come whole or is too large.
func (c *Client) broken(attempted string, a Answer, err error) *fault.Error {
	var large tooLargeError
	if errors.As(err, &large) {
		return c.fault(fault.BadData, attempted, a, err)
	}
	e := c.lost(attempted, err)
	e.RequestID = a.CorrelationID
	return e
}

// unusable is a 200 that cannot be used: not JSON, cut off, of another shape.
// It quotes the first words of what came, unless they are figures of the
// merchant's, which have no place in a log.
func (c *Client) unusable(attempted string, a Answer, err error) *fault.Error {
	e := c.fault(fault.BadData, attempted, a, err)
	if start := bytes.TrimSpace(trimBOM(a.Body)); len(start) > 0 && start[0] != '{' && start[0] != '[' {
		e.Words = c.firstWords(a.Body)
	}
	e.Remedy = "The answer cannot be used as evidence. If it comes again, give " + c.party + " the request number"
	if looksLikeHTML(a.Body) {
		e.Remedy = "A web page came instead; check that the base URL is " + c.party + "'s API and that no proxy or sign-in page stands between"
	}
	return e
}

// refused classifies an answer other than 200. The status decides; the body is
// read as JSON whatever its content type says.
func (c *Client) refused(attempted string, a Answer, response *http.Response) *fault.Error {
	e := c.fault(classOf(a.Status), attempted, a, nil)
	said := readRefusal(a.Body)
	e.Code = c.redact(fault.Trim(said.Code))
	e.Words = c.redact(fault.Trim(said.words()))
	if e.Code == "" && e.Words == "" {
		e.Words = c.firstWords(a.Body)
	}
	if e.RequestID == "" {
		e.RequestID = fault.Trim(said.CorrelationID)
	}
	switch {
	case e.Class == fault.Auth:
		e.Remedy = c.remedy(a.Status)
	case e.Class == fault.Throttled:
		e.RetryAfter = retryAfter(response.Header, a.FetchedAt)
	case e.Class == fault.BadData:
		e.Err = errors.New("that is a success without the document that was asked for")
	case a.Status == http.StatusServiceUnavailable && response.Header.Get("Retry-After") != "":
		e.RetryAfter = retryAfter(response.Header, a.FetchedAt)
	case a.Status == http.StatusNotFound:
		e.Remedy = "Check the payment reference, and that the payout belongs to this merchant"
	case a.Status >= 300 && a.Status < 400:
		e.Err = fmt.Errorf("the answer points to %s, and the credential is not taken to another address", hostOf(response))
		e.Remedy = "Check the base URL, and that no proxy or sign-in page stands between"
	}
	return e
}

func classOf(status int) fault.Class {
	switch {
	case status == http.StatusTooManyRequests:
		return fault.Throttled
	case status == http.StatusUnauthorized, status == http.StatusForbidden:
		return fault.Auth
	case status == http.StatusRequestTimeout, status >= 500:
		return fault.Transient
	case status < 300:
		return fault.BadData // a success without the document that was asked for
	}
	return fault.Rejected
}

// hostOf names where a redirect leads, without its query.
func hostOf(response *http.Response) string {
	if to, err := response.Location(); err == nil && to.Host != "" {
		return to.Host
	}
	return "nowhere"
}

// refusal is an error body. Klarna's services disagree about error_messages
// and error_message, and proxies send no JSON at all.
type refusal struct {
	Code          string
	Messages      []string
	CorrelationID string
}

func (r refusal) words() string { return strings.Join(r.Messages, "; ") }

func readRefusal(body []byte) refusal {
	var said struct {
		Code          any `json:"error_code"`
		Messages      any `json:"error_messages"`
		Message       any `json:"error_message"`
		CorrelationID any `json:"correlation_id"`
	}
	if json.Unmarshal(trimBOM(body), &said) != nil {
		return refusal{}
	}
	var r refusal
	r.Code, _ = said.Code.(string)
	r.CorrelationID, _ = said.CorrelationID.(string)
	all, isList := said.Messages.([]any)
	if !isList {
		all = []any{said.Messages}
	}
	for _, message := range append(all, said.Message) {
		if s, ok := message.(string); ok && s != "" {
			r.Messages = append(r.Messages, s)
		}
	}
	return r
}

var (
	htmlHidden = regexp.MustCompile(`(?is)<(script|style|head)\b.*?</(script|style|head)>`)
	htmlTag    = regexp.MustCompile(`(?s)<[^>]*>`)
)

// firstWords is the beginning of a body, as one line a person can read.
func (c *Client) firstWords(body []byte) string {
	const most = 160
	body = trimBOM(body)
	text := string(body[:min(len(body), 4096)])
	if looksLikeHTML(body) {
		if plain := strings.TrimSpace(htmlTag.ReplaceAllString(htmlHidden.ReplaceAllString(text, " "), " ")); plain != "" {
			text = plain
		}
	}
	text = fault.Trim(c.redact(strings.ToValidUTF8(strings.Map(printable, text), "")))
	if r := []rune(text); len(r) > most {
		text = string(r[:most]) + "…"
	}
	return text
}

func printable(r rune) rune {
	if r < ' ' || r == 0x7f {
		return ' '
	}
	return r
}

func looksLikeHTML(body []byte) bool {
	body = trimBOM(body)
	start := strings.ToLower(strings.TrimSpace(string(body[:min(len(body), 256)])))
	return strings.HasPrefix(start, "<!doctype") || strings.HasPrefix(start, "<html") ||
		strings.HasPrefix(start, "<head") || strings.HasPrefix(start, "<body")
}

// authRemedy says what can be wrong when Klarna does not accept the credential.
func authRemedy(c Credential, base string, status int) string {
	host, _, _ := strings.Cut(strings.TrimPrefix(strings.TrimPrefix(base, "https://"), "http://"), "/")
	portal := "the Merchant Portal"
	if c.Provider == Kustom {
		portal = "the Kustom portal"
	}
	words := fmt.Sprintf("Check in %s that the key has not been revoked or replaced and that it may read settlements; "+
		"that %s is right for it, being the host for %s keys", portal, host, c.Environment())
	if c.Provider == Klarna {
		words += fmt.Sprintf(" of merchants in region %s (a key is unknown in other regions, and a test key at a live host)", c.Region)
	}
	if c.Username != "" {
		words += "; and that the user name is the one shown with the key, or leave it out"
	}
	if status == http.StatusForbidden {
		words += ". Some paths answer 403 when they do not exist: check the base URL too"
	}
	return words
}
