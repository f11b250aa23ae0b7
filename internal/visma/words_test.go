package visma

import (
	"net/http"
	"strings"
	"testing"
)

func TestErrorBodiesOfEveryShapeAreRead(t *testing.T) {
	const id = "6c6eb585-da38-4765-b80d-e9552a8721f8"
	for name, c := range map[string]struct {
		contentType, body string
		want              said
	}{
		"message with VismaId": {
			"application/json", `{"message":"VismaId: ` + id + `. Error creating document. Error: Account '9999' cannot be found."}`,
			said{words: "VismaId: " + id + ". Error creating document. Error: Account '9999' cannot be found.", requestID: id},
		},
		"message without": {
			"application/json", `{"message":"Payment is already released."}`,
			said{words: "Payment is already released.", requestID: "ipp-1"},
		},
		"capitals":  {"application/json", `{"Message":"An error has occurred."}`, said{words: "An error has occurred.", requestID: "ipp-1"}},
		"exception": {"application/json", `{"ExceptionType":"IPPException","ExceptionMessage":"No license for this company.","ExceptionFaultCode":"12027","ExceptionMessageID":"12027_x","ExceptionDetails":""}`, said{words: "No license for this company.", code: "12027", requestID: "ipp-1"}},
		"problem details": {
			"application/problem+json", `{"title":"One or more validation errors.","status":400,"errors":{"periodId":["is required"],"branch":["is unknown"]}}`,
			said{words: "One or more validation errors.; branch: is unknown; periodId: is required", requestID: "ipp-1"},
		},
		"nested error":  {"application/json", `{"error":{"code":"x","message":"Quota exceeded"}}`, said{words: "Quota exceeded", requestID: "ipp-1"}},
		"list":          {"application/json", `[{"message":"one"},"two"]`, said{words: "one; two", requestID: "ipp-1"}},
		"text in JSON":  {"application/json", `"Access denied"`, said{words: "Access denied", requestID: "ipp-1"}},
		"text":          {"text/plain", "Same request made\r\n too many times", said{words: "Same request made too many times", requestID: "ipp-1"}},
		"HTML":          {"text/html", `<html><head><title>502 Bad Gateway</title><style>b{}</style></head><body><h1>Sorry &amp; goodbye</h1></body></html>`, said{words: "502 Bad Gateway Sorry & goodbye", requestID: "ipp-1", nothing: true}},
		"cut JSON":      {"application/json", `{"message":"Error crea`, said{words: `{"message":"Error crea`, requestID: "ipp-1"}},
		"empty":         {"", "", said{requestID: "ipp-1", nothing: true}},
		"a mark before": {"application/json", "\ufeff{\"message\":\"closed\"}", said{words: "closed", requestID: "ipp-1"}},
		"inside the members": {
			"application/json", `{"PostPeriod":{"value":"082026","error":"Error: The period is inactive."},"Details":[{"Account":{"value":"1930","error":"Error: Account is inactive."}}],"error":"Inserting raised an error."}`,
			said{words: "Inserting raised an error.; Details[0].Account: Error: Account is inactive.; PostPeriod: Error: The period is inactive.", requestID: "ipp-1"},
		},
		"other JSON":    {"application/json", `{"a":1}`, said{requestID: "ipp-1"}},
		"number":        {"application/json", `7`, said{requestID: "ipp-1"}},
		"control bytes": {"text/plain", "bad\x00\x1b[31mword\xff", said{words: "bad[31mword", requestID: "ipp-1"}},
	} {
		t.Run(name, func(t *testing.T) {
			header := http.Header{"Content-Type": {c.contentType}, "Ipp-Request-Id": {"ipp-1"}}
			if got := readError(header, []byte(c.body)); got != c.want {
				t.Errorf("read as %+v, want %+v", got, c.want)
			}
		})
	}
}

func TestTokensAreRemovedFromErrorTexts(t *testing.T) {
	const jwt = "eyJhbGciOiJSUzI1NiJ9.eyJzdWIiOiJrYW5hcmllIn0.c2lnbmF0dXJl"
	for _, body := range []string{
		"token " + testToken + " is expired", `{"message":"Bearer ` + jwt + ` is expired"}`, "we got " + jwt,
		`{"message":"authorization: bearer ` + testToken + `-more"}`,
	} {
		words := readError(http.Header{}, []byte(body), testToken).words
		for _, secret := range []string{testToken, jwt, "c2lnbmF0dXJl"} {
			if strings.Contains(words, secret) {
				t.Errorf("%q still shows %q", words, secret)
			}
		}
	}
}

func TestLongErrorBodiesAreTrimmedToALine(t *testing.T) {
	words := readError(http.Header{}, []byte(strings.Repeat("no\n", 5000))).words
	if len(words) > 500 || strings.Contains(words, "\n") {
		t.Errorf("%d characters were kept", len(words))
	}
}
