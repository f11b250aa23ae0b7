package signin

import (
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
)

// newToken is 256 random bits, as text for a URL or a cookie.
func newToken() string {
	var b [32]byte
	_, _ = rand.Read(b[:]) // never fails
	return base64.RawURLEncoding.EncodeToString(b[:])
}

// hashOf returns what the database keeps of a token. The token is random and long:
// its SHA-256 needs neither salt nor work.
func hashOf(token string) string {
	sum := sha256.Sum256([]byte(token))
	return hex.EncodeToString(sum[:])
}

// derive makes a value for one use out of a secret, from which the secret and
// the values for other uses cannot be told.
func derive(secret, use string) string {
	sum := sha256.Sum256([]byte("kvitt sign-in " + use + "\x00" + secret))
	return base64.RawURLEncoding.EncodeToString(sum[:])
}
