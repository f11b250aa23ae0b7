// Package vault protects secrets: it seals credentials and tokens before they reach the database, and the
// payloads of workflows before they reach Temporal, with one Tink keyset that the operator holds.
//
// It must never reveal a secret in an error, a log or a format verb (see Secret), never seal without
// naming the ciphertext's purpose (associated data), and never accept a ciphertext that was made for
// another purpose: a sealed credential cannot be opened through the codec, nor moved to another connection
// or field.
package vault

import (
	"bytes"
	"encoding/base64"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"strconv"
	"strings"

	"github.com/tink-crypto/tink-go/v2/aead"
	"github.com/tink-crypto/tink-go/v2/insecurecleartextkeyset"
	"github.com/tink-crypto/tink-go/v2/keyset"
	tinkpb "github.com/tink-crypto/tink-go/v2/proto/tink_go_proto"
	"github.com/tink-crypto/tink-go/v2/tink"
)

// Errors of this package, for errors.Is.
var (
	// ErrKeyset: the keyset is missing or cannot be used as it is written.
	ErrKeyset = errors.New("unusable keyset")
	// ErrWrongKeyset: the ciphertext was sealed with another keyset.
	ErrWrongKeyset = errors.New("wrong keyset")
	// ErrSealed: the ciphertext is damaged, or was sealed for another purpose.
	ErrSealed = errors.New("cannot be opened")
)

const (
	newRemedy = "Make one with `starter keyset new` and give it in KVITT_KEYSET or, better, in a file named by KVITT_KEYSET_FILE."
	// A ciphertext is version 1, the key id (big endian), nonce, text, tag.
	prefixSize   = 5
	shortestSeal = prefixSize + 12 + 16
)

// Keyring is an opened keyset: it seals with its primary key and opens with
// any of its keys. It is safe for use by several goroutines.
type Keyring struct {
	aead    tink.AEAD
	primary uint32
	ids     map[uint32]bool
}

// String keeps key material out of logs.
func (k *Keyring) String() string { return "keyring [redacted]" }

// GoString keeps key material out of logs.
func (k *Keyring) GoString() string { return k.String() }

// NewKeyset makes a keyset with one AES-256-GCM key, as one line of JSON. It is not encrypted: anybody who
// has it can open everything.
func NewKeyset() (string, error) {
	h, err := keyset.NewHandle(aead.AES256GCMKeyTemplate())
	if err != nil {
		return "", fmt.Errorf("make a keyset: %w", err)
	}
	return written(h, "make a keyset")
}

// Prepare adds a key to a keyset without sealing with it yet. Give the result to every process before
// Rotate, and no process meets a key that it does not know: this allows a rolling restart.
func Prepare(text string) (string, error) {
	h, err := read(text)
	if err != nil {
		return "", fmt.Errorf("prepare a rotation of the keyset: %w", err)
	}
	m := keyset.NewManagerFromHandle(h)
	if _, err := m.Add(aead.AES256GCMKeyTemplate()); err != nil {
		return "", fmt.Errorf("prepare a rotation of the keyset: %w", err)
	}
	return managed(m, "prepare a rotation of the keyset")
}

// Rotate makes a new key primary: the one that Prepare has added, or else one that it adds itself. The old
// keys stay and open what they sealed. After Vault.Reseal the database no longer needs them; Temporal
// needs them as long as it keeps histories.
func Rotate(text string) (string, error) {
	const attempted = "rotate the keyset"
	h, err := read(text)
	if err != nil {
		return "", fmt.Errorf("%s: %w", attempted, err)
	}
	m := keyset.NewManagerFromHandle(h)
	next, prepared := preparedKey(h)
	if !prepared {
		if next, err = m.Add(aead.AES256GCMKeyTemplate()); err != nil {
			return "", fmt.Errorf("%s: %w", attempted, err)
		}
	}
	if err := m.SetPrimary(next); err != nil {
		return "", fmt.Errorf("%s: %w", attempted, err)
	}
	return managed(m, attempted)
}

// preparedKey returns the last enabled key after the primary one: keys are added at the end, so it is
// younger and has never been primary.
func preparedKey(h *keyset.Handle) (id uint32, ok bool) {
	info := h.KeysetInfo()
	after := false
	for _, k := range info.GetKeyInfo() {
		if after && k.GetStatus() == tinkpb.KeyStatusType_ENABLED {
			id, ok = k.GetKeyId(), true
		}
		after = after || k.GetKeyId() == info.GetPrimaryKeyId()
	}
	return id, ok
}

func managed(m *keyset.Manager, attempted string) (string, error) {
	h, err := m.Handle()
	if err != nil {
		return "", fmt.Errorf("%s: %w", attempted, err)
	}
	return written(h, attempted)
}

func written(h *keyset.Handle, attempted string) (string, error) {
	var raw, line bytes.Buffer
	if err := insecurecleartextkeyset.Write(h, keyset.NewJSONWriter(&raw)); err != nil {
		return "", fmt.Errorf("%s: %w", attempted, err)
	}
	if err := json.Compact(&line, raw.Bytes()); err != nil { // protobuf varies its white space
		return "", fmt.Errorf("%s: %w", attempted, err)
	}
	return line.String(), nil
}

// Open opens a keyset: the JSON that NewKeyset prints, or the base64 of it.
// Error: ErrKeyset, in words that never repeat a part of the keyset.
func Open(text string) (*Keyring, error) {
	h, err := read(text)
	if err != nil {
		return nil, fmt.Errorf("open the keyset: %w", err)
	}
	a, err := aead.New(h)
	if err != nil {
		return nil, fmt.Errorf("open the keyset: %w: its keys are not for authenticated encryption (AEAD). %s", ErrKeyset, newRemedy)
	}
	k := &Keyring{aead: a, primary: h.KeysetInfo().GetPrimaryKeyId(), ids: map[uint32]bool{}}
	for _, info := range h.KeysetInfo().GetKeyInfo() {
		if info.GetStatus() != tinkpb.KeyStatusType_ENABLED {
			continue
		}
		if info.GetOutputPrefixType() != tinkpb.OutputPrefixType_TINK {
			return nil, fmt.Errorf("open the keyset: %w: key %d has no output prefix of type TINK, which tells keys apart. %s", ErrKeyset, info.GetKeyId(), newRemedy)
		}
		k.ids[info.GetKeyId()] = true
	}
	return k, nil
}

// read parses a keyset. Error texts of Tink and of the JSON parser are left out: they quote what they
// could not read.
func read(text string) (*keyset.Handle, error) {
	text = strings.TrimSpace(text)
	if text == "" {
		return nil, fmt.Errorf("%w: there is none. %s", ErrKeyset, newRemedy)
	}
	doc, ok := []byte(text), strings.HasPrefix(text, "{")
	if !ok {
		doc, ok = unbase64(text)
	}
	switch {
	case !ok && looksLikePath(text):
		return nil, fmt.Errorf("%w: it looks like the name of a file. Put that name in KVITT_KEYSET_FILE instead of KVITT_KEYSET", ErrKeyset)
	case !ok:
		return nil, fmt.Errorf("%w: it is neither JSON nor base64 of JSON. %s", ErrKeyset, newRemedy)
	case !json.Valid(doc):
		return nil, fmt.Errorf("%w: its JSON is cut off or damaged. Copy it again, whole and in one line", ErrKeyset)
	}
	var members map[string]json.RawMessage
	if json.Unmarshal(doc, &members) == nil && members["encryptedKeyset"] != nil {
		return nil, fmt.Errorf("%w: it is encrypted with a key of its own, which Kvitt does not support. %s", ErrKeyset, newRemedy)
	}
	h, err := insecurecleartextkeyset.Read(keyset.NewJSONReader(bytes.NewReader(doc)))
	if err != nil {
		return nil, fmt.Errorf("%w: it is JSON but not a Tink keyset with usable keys. %s", ErrKeyset, newRemedy)
	}
	if p, err := h.Primary(); err != nil || p.KeyStatus() != keyset.Enabled {
		return nil, fmt.Errorf("%w: it has no enabled primary key. %s", ErrKeyset, newRemedy)
	}
	return h, nil
}

func unbase64(text string) ([]byte, bool) {
	text = strings.Join(strings.Fields(text), "") // as the base64 command folds it
	for _, encoding := range []*base64.Encoding{base64.StdEncoding, base64.RawStdEncoding, base64.URLEncoding, base64.RawURLEncoding} {
		doc, err := encoding.DecodeString(text)
		if err == nil && bytes.HasPrefix(bytes.TrimSpace(doc), []byte("{")) {
			return doc, true
		}
	}
	return nil, false
}

func looksLikePath(text string) bool {
	return len(text) < 200 && !strings.ContainsAny(text, " \n") && (strings.ContainsAny(text[:1], "/.~") || strings.HasSuffix(text, ".json"))
}

// seal encrypts for the purpose named by associated.
func (k *Keyring) seal(plain, associated []byte) ([]byte, error) {
	return k.aead.Encrypt(plain, associated)
}

// open decrypts what was sealed for the purpose named by associated.
func (k *Keyring) open(sealed, associated []byte) ([]byte, error) {
	id, err := keyOf(sealed)
	if err != nil {
		return nil, err
	}
	if !k.ids[id] {
		return nil, fmt.Errorf("%w: it was sealed with key %d, which is not in this keyset", ErrWrongKeyset, id)
	}
	plain, err := k.aead.Decrypt(sealed, associated)
	if err != nil {
		return nil, fmt.Errorf("%w: it is damaged, or was sealed for another purpose", ErrSealed)
	}
	return plain, nil
}

// keyOf returns the key that a ciphertext was sealed with.
func keyOf(sealed []byte) (uint32, error) {
	switch {
	case len(sealed) < shortestSeal:
		return 0, fmt.Errorf("%w: %d bytes are too short for a ciphertext, which has %d at least", ErrSealed, len(sealed), shortestSeal)
	case sealed[0] != 1:
		return 0, fmt.Errorf("%w: it does not begin like a ciphertext of Kvitt", ErrSealed)
	}
	return binary.BigEndian.Uint32(sealed[1:prefixSize]), nil
}

// associated returns the associated data of a purpose and its parts, written so that no two lists of parts
// give the same bytes.
func associated(purpose string, parts ...string) []byte {
	b := []byte("kvitt " + purpose)
	for _, p := range parts {
		b = append(b, '\n')
		b = strconv.AppendInt(b, int64(len(p)), 10)
		b = append(b, ':')
		b = append(b, p...)
	}
	return b
}
