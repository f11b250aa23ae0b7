package visma

import (
	"encoding/base64"
	"net/url"
	"strings"
)

// pathID encodes an id as one path segment. Ids with anything but letters, digits, '-', '_' and inner dots
// are written in Visma.net's own form b64(<base64url>), so that a slash or a dot in an id can never become
// another path.
func pathID(id string) string {
	if isPlainID(id) {
		return id
	}
	return "b64(" + base64.RawURLEncoding.EncodeToString([]byte(id)) + ")"
}

func isPlainID(id string) bool {
	if id == "" || strings.HasPrefix(id, ".") {
		return false
	}
	for _, r := range []byte(id) {
		switch {
		case r >= 'a' && r <= 'z', r >= 'A' && r <= 'Z', r >= '0' && r <= '9':
		case r == '-', r == '_', r == '.':
		default:
			return false
		}
	}
	return true
}

// lastSegment reduces a Location to the id it ends with. The address itself is
// never used: it may name another host.
func lastSegment(location string) string {
	u, err := url.Parse(strings.TrimSpace(location))
	if err != nil {
		return ""
	}
	path := strings.TrimRight(u.EscapedPath(), "/")
	segment, err := url.PathUnescape(path[strings.LastIndexByte(path, '/')+1:])
	if err != nil {
		return ""
	}
	return strings.TrimSpace(plainID(segment))
}

// plainID undoes the form b64(…); anything else is returned as it is.
func plainID(segment string) string {
	inner, ok := strings.CutPrefix(segment, "b64(")
	if !ok {
		return segment
	}
	inner, ok = strings.CutSuffix(inner, ")")
	if !ok {
		return segment
	}
	id, err := base64.RawURLEncoding.DecodeString(strings.TrimRight(inner, "="))
	if err != nil {
		return segment
	}
	return string(id)
}
