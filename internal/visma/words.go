package visma

import (
	"encoding/json"
	"fmt"
	"html"
	"maps"
	"net/http"
	"regexp"
	"slices"
	"sort"
	"strings"
	"unicode"

	"kvitt/internal/fault"
)

// said holds the content of an error body, whatever its shape.
type said struct {
	words     string
	code      string // ExceptionFaultCode
	requestID string // VismaId, else Ipp-Request-Id, else ExceptionMessageID
	nothing   bool   // no body, a web page, or a gateway's unknown address: not Visma.net's own words
}

// faultNoLicence is Visma.net's code for a company without a licence for the
// API, or a user without the role for it.
const faultNoLicence = "12027"

var (
	vismaID    = regexp.MustCompile(`(?i)VismaId:?\s*([A-Za-z0-9-]{6,64})`)
	htmlScript = regexp.MustCompile(`(?is)<(script|style)\b.*?</(script|style)>`)
	htmlTag    = regexp.MustCompile(`(?s)<[^>]*>`)
	jwtLike    = regexp.MustCompile(`eyJ[A-Za-z0-9_-]{4,}\.[A-Za-z0-9_-]+(\.[A-Za-z0-9_-]*)?`)
	bearerLike = regexp.MustCompile(`(?i)\bbearer\s+[A-Za-z0-9._~+/=-]{8,}`)
)

// readError reads an error body: JSON with a message, an IPPException, problem
// details, a JSON string or list, text, HTML, nothing at all. It never fails.
func readError(header http.Header, body []byte, secrets ...string) said {
	s := said{requestID: header.Get("Ipp-Request-Id")}
	text := strings.TrimSpace(strings.ToValidUTF8(string(withoutMark(body)), ""))
	var document any
	switch {
	case text == "":
		s.nothing = true
	case json.Unmarshal([]byte(text), &document) == nil:
		s.readDocument(document)
		s.nothing = strings.EqualFold(s.words, "Resource not found") // of the gateway before the API
	case looksLikeHTML(header, text):
		s.nothing = true
		s.words = html.UnescapeString(htmlTag.ReplaceAllString(htmlScript.ReplaceAllString(text, " "), " "))
	default:
		s.words = text
	}
	if m := vismaID.FindStringSubmatch(s.words); m != nil {
		s.requestID = m[1]
	}
	s.words = fault.Trim(redact(printable(s.words), secrets...))
	s.requestID = redact(printable(s.requestID), secrets...)
	s.code = redact(printable(s.code), secrets...)
	return s
}

func (s *said) readDocument(document any) {
	switch d := document.(type) {
	case string:
		s.words = d
	case []any:
		var parts []string
		for _, item := range d {
			var one said
			one.readDocument(item)
			parts = appendWords(parts, one.words)
		}
		s.words = strings.Join(parts, "; ")
	case map[string]any:
		s.readObject(d)
	}
}

func (s *said) readObject(d map[string]any) {
	member := func(names ...string) string {
		for _, name := range names {
			for key, value := range d {
				if text, ok := value.(string); ok && strings.EqualFold(key, name) && strings.TrimSpace(text) != "" {
					return text
				}
			}
		}
		return ""
	}
	s.code = member("ExceptionFaultCode")
	if id := member("ExceptionMessageID"); id != "" && s.requestID == "" {
		s.requestID = id
	}
	var parts []string
	parts = appendWords(parts, member("message", "ExceptionMessage", "error_description", "title", "error"))
	parts = appendWords(parts, member("messageDetail", "detail"))
	parts = appendWords(parts, member("ExceptionDetails"))
	for _, nested := range []string{"error", "errors", "modelState"} {
		for key, value := range d {
			if strings.EqualFold(key, nested) {
				parts = appendWords(parts, nestedWords(value))
			}
		}
	}
	parts = append(parts, memberErrors(d, "")...)
	s.words = strings.Join(parts, "; ")
}

// memberErrors collects errors that Visma.net writes beside the value of a member, {"PostPeriod":
// {"value": "082026", "error": "…"}}, however deep.
func memberErrors(value any, at string) (all []string) {
	switch v := value.(type) {
	case []any:
		for i, item := range v {
			all = append(all, memberErrors(item, fmt.Sprintf("%s[%d]", at, i))...)
		}
	case map[string]any:
		if text, ok := v["error"].(string); ok && at != "" && strings.TrimSpace(text) != "" {
			all = append(all, at+": "+strings.TrimSpace(text))
		}
		for _, name := range slices.Sorted(maps.Keys(v)) {
			inner := name
			if at != "" {
				inner = at + "." + name
			}
			if name != "errors" && name != "modelState" { // read already
				all = append(all, memberErrors(v[name], inner)...)
			}
		}
	}
	const most = 10 // more than this is no help
	return all[:min(len(all), most)]
}

// nestedWords reads {"field": ["error text"]} and {"message": "…"}.
func nestedWords(value any) string {
	d, ok := value.(map[string]any)
	if !ok {
		if list, isList := value.([]any); isList {
			var s said
			s.readDocument(list)
			return s.words
		}
		return ""
	}
	var s said
	s.readObject(d)
	if s.words != "" {
		return s.words
	}
	fields := make([]string, 0, len(d))
	for field := range d {
		fields = append(fields, field)
	}
	sort.Strings(fields)
	var parts []string
	for _, field := range fields {
		var one said
		one.readDocument(d[field])
		if one.words != "" {
			parts = append(parts, field+": "+one.words)
		}
	}
	return strings.Join(parts, "; ")
}

func appendWords(parts []string, words string) []string {
	if words = strings.TrimSpace(words); words != "" {
		parts = append(parts, words)
	}
	return parts
}

func looksLikeHTML(header http.Header, text string) bool {
	return strings.Contains(header.Get("Content-Type"), "html") || strings.HasPrefix(text, "<")
}

// printable removes characters that would garble a log line or a page.
func printable(s string) string {
	return strings.Map(func(r rune) rune {
		if unicode.IsSpace(r) {
			return ' '
		}
		if !unicode.IsPrint(r) {
			return -1
		}
		return r
	}, s)
}

// redact removes the token in use, and anything that looks like one.
func redact(s string, secrets ...string) string {
	for _, secret := range secrets {
		if secret != "" {
			s = strings.ReplaceAll(s, secret, "[redacted]")
		}
	}
	s = bearerLike.ReplaceAllString(s, "Bearer [redacted]")
	return jwtLike.ReplaceAllString(s, "[redacted]")
}
