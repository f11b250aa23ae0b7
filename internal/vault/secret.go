package vault

import (
	"database/sql/driver"
	"errors"
	"fmt"
	"log/slog"
)

// Secret is a text that must not be shown: every way of printing, logging or encoding it gives
// "[redacted]", and a database driver refuses it. Reveal is the only way to its text.
//
// Two gaps remain: package fmt calls no methods on unexported fields, so a struct that has a Secret in one
// must redact itself; and encoding/json writes a map's keys as they are, so a Secret must never be a map
// key.
type Secret string

const redacted = "[redacted]"

// Reveal returns the text itself, for the one place that needs it.
func (s Secret) Reveal() string { return string(s) }

// Format redacts the secret for every verb of package fmt.
func (s Secret) Format(f fmt.State, _ rune) { _, _ = f.Write([]byte(redacted)) }

// String redacts the secret.
func (s Secret) String() string { return redacted }

// GoString redacts the secret.
func (s Secret) GoString() string { return redacted }

// MarshalText redacts the secret in JSON, YAML and XML.
func (s Secret) MarshalText() ([]byte, error) { return []byte(redacted), nil }

// LogValue redacts the secret in log/slog.
func (s Secret) LogValue() slog.Value { return slog.StringValue(redacted) }

// Value refuses to store the secret in clear.
func (s Secret) Value() (driver.Value, error) {
	return nil, errors.New("store a secret: only the vault stores secrets, sealed")
}
