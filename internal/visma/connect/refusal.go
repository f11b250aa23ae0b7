package connect

import (
	"encoding/json"
	"errors"
	"net/http"
	"strconv"
	"strings"
	"time"

	"golang.org/x/oauth2"

	"kvitt/internal/fault"
)

// Codes of errors that people see separately. They are in fault.Error.Code; those of the callback and of
// scopes are Kvitt's own, the others Visma Connect's.
const (
	CodeInvalidGrant    = "invalid_grant"    // a code or a refresh token is dead
	CodeInvalidTenant   = "invalid_tenant"   // the company, or the role in it, is missing
	CodeInvalidClient   = "invalid_client"   // Kvitt's own id or secret is wrong
	CodeAccessDenied    = "access_denied"    // the person declined
	CodeMissingScope    = "missing_scope"    // fewer scopes were granted than are needed
	CodeInvalidState    = "invalid_state"    // a callback of another consent
	CodeIssuerMissing   = "missing_iss"      // a callback that does not name its issuer
	CodeIssuerWrong     = "invalid_iss"      // a callback of another issuer
	CodeInvalidCallback = "invalid_callback" // a callback that is not an answer
	CodeInvalidIDToken  = "invalid_id_token" // an identity token that cannot be trusted
)

// remedies gives the remedy for each error code of Visma Connect. A listed code is final: the same request
// is never sent again.
var remedies = map[string]string{
	CodeInvalidGrant:           "The consent has expired, was revoked or was used already. Authorise the connection again.",
	CodeInvalidTenant:          "Check that the tenant id is the Company Tenant ID and that the user has the role API User in that company; a new role takes up to 15 minutes. Then authorise the connection again.",
	CodeInvalidClient:          "Check KVITT_VISMA_CLIENT_ID and KVITT_VISMA_CLIENT_SECRET.",
	"unauthorized_client":      "Check that the client may use this flow, and that the company's administrator has approved the app.",
	"invalid_scope":            "Check that the app has been approved with all scopes that Kvitt asks for.",
	CodeAccessDenied:           "The consent was declined. Authorise the connection again and approve it.",
	"consent_required":         "Authorise the connection again and approve it.",
	"interaction_required":     "Authorise the connection again.",
	"login_required":           "Authorise the connection again.",
	"account_selection_needed": "Authorise the connection again.",
}

// answered classifies an error answer of Visma Connect.
func answered(attempted string, resp *http.Response, body []byte, secrets ...string) *fault.Error {
	var oauthError struct {
		Code        string `json:"error"`
		Description string `json:"error_description"`
	}
	if json.Unmarshal(body, &oauthError) != nil {
		oauthError.Code, oauthError.Description = "", string(body)
	}
	return refusal(attempted, resp, oauthError.Code, oauthError.Description, secrets...)
}

func refusal(attempted string, resp *http.Response, code, words string, secrets ...string) *fault.Error {
	e := &fault.Error{
		Party: Party, Attempted: attempted, Status: resp.StatusCode,
		Code: fault.Trim(hide(code, secrets)), Words: fault.Trim(hide(words, secrets)),
	}
	remedy, final := remedies[code]
	switch {
	case resp.StatusCode == http.StatusTooManyRequests:
		e.Class = fault.Throttled
		e.RetryAfter = retryAfter(resp.Header)
	case resp.StatusCode >= 500, code == "temporarily_unavailable", code == "server_error",
		resp.StatusCode == http.StatusRequestTimeout:
		e.Class = fault.Transient
		e.RetryAfter = retryAfter(resp.Header)
	case final:
		e.Class, e.Remedy = fault.Auth, remedy
	default:
		e.Class = fault.Rejected
	}
	if strings.HasPrefix(strings.TrimSpace(e.Words), "<") || e.Words == "" {
		e.Words = http.StatusText(resp.StatusCode) // a proxy's error page says nothing useful
	}
	return e
}

// tokenFailure classifies an error of golang.org/x/oauth2. The error itself is dropped when it may contain
// the body of an answer.
func tokenFailure(attempted string, err error, secrets ...string) *fault.Error {
	var refused *oauth2.RetrieveError
	if errors.As(err, &refused) {
		if refused.ErrorCode != "" {
			return refusal(attempted, refused.Response, refused.ErrorCode, refused.ErrorDescription, secrets...)
		}
		return answered(attempted, refused.Response, refused.Body, secrets...)
	}
	return &fault.Error{Class: fault.Transient, Party: Party, Attempted: attempted, Err: redactedError(err, secrets)}
}

// redactedError keeps the chain of an error and hides secrets in its text.
func redactedError(err error, secrets []string) error {
	text := hide(err.Error(), secrets)
	if text == err.Error() {
		return err
	}
	return errors.New(text)
}

func hide(s string, secrets []string) string {
	for _, secret := range secrets {
		if secret != "" {
			s = strings.ReplaceAll(s, secret, "[redacted]")
		}
	}
	return s
}

func retryAfter(header http.Header) time.Duration {
	seconds, err := strconv.ParseInt(strings.TrimSpace(header.Get("Retry-After")), 10, 64)
	if err != nil || seconds < 0 || seconds > 24*60*60 {
		return 0
	}
	return time.Duration(seconds) * time.Second
}
