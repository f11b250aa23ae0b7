// Package operate is what a person can ask of a running Kvitt, whichever way
// they ask: on the command line or in the portal. It speaks with Temporal,
// hands credentials to the vault, and says in sentences why something could
// not be done.
//
// It must never decide what a workflow decides, and never let a secret travel
// in any other way than through the vault.
package operate

import (
	"strings"

	"kvitt/internal/access"
	"kvitt/internal/store"
	"kvitt/internal/vault"
)

// Desk is where things are asked for.
type Desk struct {
	Store    *store.Store
	Vault    *vault.Vault
	Doors    *access.Doors
	Temporal Temporal
	// ReadBatch reads a batch; nil: from Visma.net.
	ReadBatch ReadBatch
	// Instructions, when set, stand in for those in the Store.
	Instructions Instructions
}

// Error says why something could not be done, as a person is told: what was
// attempted, what happened, and what helps.
type Error struct {
	Attempted string // "find the connection shop-1a2b"
	Happened  string // "there is none"
	Helps     string // whole sentences, "" when nothing is known to
	Err       error
}

func (f *Error) Error() string {
	words := f.Attempted + ": " + strings.TrimRight(f.Happened, ".")
	if f.Helps != "" {
		words += ". " + f.Helps
	}
	return words
}

// Unwrap lets errors.Is and errors.As see the cause.
func (f *Error) Unwrap() error { return f.Err }

func firstWord(words string) string {
	first, _, _ := strings.Cut(words, " ")
	return first
}
