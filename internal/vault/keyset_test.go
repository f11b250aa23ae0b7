package vault_test

import (
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"kvitt/internal/vault"
)

// withoutKey removes a key from a keyset.
func withoutKey(t testing.TB, text string, i int) string {
	t.Helper()
	var doc struct {
		PrimaryKeyID int64             `json:"primaryKeyId"`
		Key          []json.RawMessage `json:"key"`
	}
	must(t, json.Unmarshal([]byte(text), &doc))
	doc.Key = append(doc.Key[:i:i], doc.Key[i+1:]...)
	b, err := json.Marshal(doc)
	must(t, err)
	return string(b)
}

func TestAKeysetOpensAsJSONAndAsBase64(t *testing.T) {
	text := keyset(t)
	if strings.ContainsAny(text, "\n ") {
		t.Errorf("the keyset is not one line without spaces: %q", text)
	}
	folded := base64.StdEncoding.EncodeToString([]byte(text))
	folded = folded[:76] + "\n" + folded[76:]
	for name, shape := range map[string]string{
		"JSON":                 text,
		"JSON in white space":  "\n  " + text + "\n",
		"base64":               base64.StdEncoding.EncodeToString([]byte(text)),
		"folded base64":        folded + "\n",
		"base64 for URLs":      base64.RawURLEncoding.EncodeToString([]byte(text + "\n")),
		"base64 without \"=\"": base64.RawStdEncoding.EncodeToString([]byte(text)),
	} {
		if _, err := vault.Open(shape); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestABadKeysetIsExplainedWithoutQuotingIt(t *testing.T) {
	good := keyset(t)
	disabled := strings.Replace(good, "ENABLED", "DISABLED", 1)
	raw := strings.Replace(good, `"TINK"`, `"RAW"`, 1)
	for _, c := range []struct{ name, text, words string }{
		{"nothing", " \n", "starter keyset new"},
		{"a path", "/run/secrets/hemlig", "KVITT_KEYSET_FILE"},
		{"a relative path", "hemlig.json", "KVITT_KEYSET_FILE"},
		{"a password", "hemligt lösenord", "neither JSON nor base64"},
		{"base64 of something else", base64.StdEncoding.EncodeToString([]byte("hemligt lösenord")), "neither JSON nor base64"},
		{"cut off JSON", good[:len(good)-4], "cut off or damaged"},
		{"other JSON", `{"hemlig":"hemlig"}`, "not a Tink keyset"},
		{"an encrypted keyset", `{"encryptedKeyset":"hemlig"}`, "encrypted with a key of its own"},
		{"no keys", `{"primaryKeyId":1,"key":[]}`, "not a Tink keyset"},
		{"a disabled primary key", disabled, "keyset"},
		{"keys without a prefix", raw, "TINK"},
		{"a primary key that is gone", withoutKey(t, rotated(t, good), 1), "keyset"},
	} {
		_, err := vault.Open(c.text)
		switch {
		case err == nil:
			t.Errorf("%s was accepted", c.name)
		case !errors.Is(err, vault.ErrKeyset):
			t.Errorf("%s: %v is not an ErrKeyset", c.name, err)
		case !strings.Contains(err.Error(), c.words) || !strings.HasPrefix(err.Error(), "open the keyset: "):
			t.Errorf("%s: %v", c.name, err)
		case strings.Contains(err.Error(), "hemlig") || strings.Contains(err.Error(), "AesGcm"):
			t.Errorf("%s: the error repeats the keyset: %v", c.name, err)
		}
		if _, err := vault.Rotate(c.text); err == nil && c.name != "keys without a prefix" {
			t.Errorf("%s was rotated", c.name)
		}
	}
}

type keysetInfo struct {
	PrimaryKeyID uint32 `json:"primaryKeyId"`
	Key          []struct {
		KeyID uint32 `json:"keyId"`
	} `json:"key"`
}

func info(t *testing.T, text string) (k keysetInfo) {
	t.Helper()
	must(t, json.Unmarshal([]byte(text), &k))
	return k
}

func TestRotatingAddsAPrimaryKeyAndKeepsTheOthers(t *testing.T) {
	one := keyset(t)
	two := rotated(t, one)
	three := rotated(t, two)
	a, b, c := info(t, one), info(t, two), info(t, three)
	if len(a.Key) != 1 || len(b.Key) != 2 || len(c.Key) != 3 {
		t.Fatalf("the keysets have %d, %d and %d keys", len(a.Key), len(b.Key), len(c.Key))
	}
	if b.Key[0] != a.Key[0] || b.PrimaryKeyID != b.Key[1].KeyID || c.Key[1] != b.Key[1] || c.PrimaryKeyID != c.Key[2].KeyID {
		t.Errorf("the keysets are %+v, %+v, %+v", a, b, c)
	}
}

func TestAPreparedKeyBecomesPrimaryWhenRotating(t *testing.T) {
	one := rotated(t, keyset(t))
	ready, err := vault.Prepare(one)
	must(t, err)
	before, prepared, after := info(t, one), info(t, ready), info(t, rotated(t, ready))
	if prepared.PrimaryKeyID != before.PrimaryKeyID || len(prepared.Key) != 3 {
		t.Errorf("preparing gave %+v", prepared)
	}
	if after.PrimaryKeyID != prepared.Key[2].KeyID || len(after.Key) != 3 {
		t.Errorf("rotating gave %+v", after)
	}

	// A process that only has the prepared keyset reads what a process with the rotated one wrote.
	payloads, err := keyring(t, rotated(t, ready)).DataConverter().ToPayloads("hej")
	must(t, err)
	var got string
	must(t, keyring(t, ready).DataConverter().FromPayloads(payloads, &got))
	if got != "hej" {
		t.Errorf("it read %q", got)
	}
}

func TestAKeyringDoesNotPrintItsKeys(t *testing.T) {
	k := keyring(t, keyset(t))
	want := []string{"keyring [redacted]", "keyring [redacted]", "keyring [redacted]"}
	if diff := cmp.Diff(want, []string{fmt.Sprintf("%v", k), fmt.Sprintf("%+v", k), fmt.Sprintf("%#v", k)}); diff != "" {
		t.Error(diff)
	}
}
