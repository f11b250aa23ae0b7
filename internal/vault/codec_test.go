package vault_test

import (
	"errors"
	"strings"
	"testing"

	commonpb "go.temporal.io/api/common/v1"
	"go.temporal.io/sdk/temporal"
	"google.golang.org/protobuf/proto"

	"kvitt/internal/vault"
)

func encoded(t testing.TB, k *vault.Keyring, value any) *commonpb.Payload {
	t.Helper()
	p, err := k.DataConverter().ToPayload(value)
	must(t, err)
	return p
}

func TestAPayloadIsEncryptedWholeAndComesBack(t *testing.T) {
	k := keyring(t, keyset(t))
	type input struct{ Name, Secret string }
	p := encoded(t, k, input{"Garn", canary})
	if string(p.GetMetadata()["encoding"]) != "binary/encrypted" || len(p.GetMetadata()["encryption-key-id"]) == 0 {
		t.Errorf("the metadata are %v", p.GetMetadata())
	}
	wire, err := proto.Marshal(p)
	must(t, err)
	for _, clear := range []string{"kanarie", "Garn", "json/plain"} {
		if strings.Contains(string(wire), clear) {
			t.Errorf("%q is in the encrypted payload", clear)
		}
	}
	var got input
	must(t, k.DataConverter().FromPayload(p, &got))
	if got != (input{"Garn", canary}) {
		t.Errorf("%+v came back", got)
	}
}

func TestAPayloadThatKvittDidNotEncryptPassesThrough(t *testing.T) {
	k := keyring(t, keyset(t))
	foreign := []*commonpb.Payload{
		{Metadata: map[string][]byte{"encoding": []byte("json/plain")}, Data: []byte(`"hej"`)},
		{Metadata: map[string][]byte{"encoding": []byte("binary/zlib")}, Data: []byte{1, 2}},
		{Data: []byte("bare")},
		{},
	}
	got, err := k.Codec().Decode(foreign)
	must(t, err)
	for i := range foreign {
		if !proto.Equal(got[i], foreign[i]) {
			t.Errorf("%v became %v", foreign[i], got[i])
		}
	}
}

// Anybody who reaches Temporal can write such a payload; only the keyset seals one.
func TestTheWorkerTakesNothingThatWasNotSealed(t *testing.T) {
	k := keyring(t, keyset(t))
	var got string
	err := k.DataConverter().FromPayload(&commonpb.Payload{Metadata: map[string][]byte{"encoding": []byte("json/plain")}, Data: []byte(`"hej"`)}, &got)
	if !errors.Is(err, vault.ErrSealed) || got != "" {
		t.Errorf("%q %v", got, err)
	}
}

func TestAnErrorIsEncryptedWithItsMessageAndDetails(t *testing.T) {
	k := keyring(t, keyset(t))
	failure := k.FailureConverter().ErrorToFailure(temporal.NewApplicationError("words with "+canary, "held", "detail "+canary))
	wire, err := proto.Marshal(failure)
	must(t, err)
	if strings.Contains(string(wire), "kanarie") {
		t.Error("the failure holds the message in clear text")
	}
	back := k.FailureConverter().FailureToError(failure)
	var app *temporal.ApplicationError
	if !errors.As(back, &app) || !strings.Contains(app.Message(), canary) {
		t.Errorf("%v came back", back)
	}
}

func TestOldKeysStillDecodeAfterRotation(t *testing.T) {
	old := keyset(t)
	p := encoded(t, keyring(t, old), canary)
	var got string
	must(t, keyring(t, rotated(t, rotated(t, old))).DataConverter().FromPayload(p, &got))
	if got != canary {
		t.Errorf("%q came back", got)
	}
}

func TestACiphertextThatIsNotOursIsRefused(t *testing.T) {
	text := keyset(t)
	k := keyring(t, text)
	damage := func(change func(p *commonpb.Payload)) *commonpb.Payload {
		p := encoded(t, k, canary)
		change(p)
		return p
	}
	for _, c := range []struct {
		name string
		p    *commonpb.Payload
		kind error
	}{
		{"nothing", damage(func(p *commonpb.Payload) { p.Data = nil }), vault.ErrSealed},
		{"too short", damage(func(p *commonpb.Payload) { p.Data = p.Data[:20] }), vault.ErrSealed},
		{"cut off", damage(func(p *commonpb.Payload) { p.Data = p.Data[:len(p.Data)-1] }), vault.ErrSealed},
		{"one bit changed", damage(func(p *commonpb.Payload) { p.Data[40] ^= 1 }), vault.ErrSealed},
		{"of another program", damage(func(p *commonpb.Payload) { p.Data = []byte(strings.Repeat("x", 60)) }), vault.ErrSealed},
		{"without a key id", damage(func(p *commonpb.Payload) { delete(p.Metadata, "encryption-key-id") }), vault.ErrSealed},
		{"with another key id", damage(func(p *commonpb.Payload) { p.Metadata["encryption-key-id"] = []byte("7") }), vault.ErrSealed},
		{"of another keyset", encoded(t, keyring(t, keyset(t)), canary), vault.ErrWrongKeyset},
	} {
		_, err := k.Codec().Decode([]*commonpb.Payload{c.p})
		if !errors.Is(err, c.kind) || !strings.HasPrefix(err.Error(), "decrypt a Temporal payload: ") {
			t.Errorf("%s: %v", c.name, err)
		}
	}
}

// Somebody who may use the codec endpoint must not be able to open credentials.
func TestASealedCredentialDoesNotOpenAsAPayload(t *testing.T) {
	keeper := memory{}
	k := keyring(t, keyset(t))
	must(t, vault.New(k, keeper).Put(t.Context(), "c1", "field", canary))
	p := encoded(t, k, "x")
	p.Data = keeper["c1/field"]
	if _, err := k.Codec().Decode([]*commonpb.Payload{p}); !errors.Is(err, vault.ErrSealed) {
		t.Errorf("decoding: %v", err)
	}
}

// FuzzDecode: whatever Temporal returns, decoding neither panics nor accepts a ciphertext that this
// keyring did not make.
func FuzzDecode(f *testing.F) {
	k := keyring(f, keyset(f))
	real := encoded(f, k, canary)
	f.Add("binary/encrypted", string(real.GetMetadata()["encryption-key-id"]), real.GetData())
	f.Add("binary/encrypted", string(real.GetMetadata()["encryption-key-id"]), real.GetData()[:33])
	f.Add("binary/encrypted", "", []byte{})
	f.Add("json/plain", "1", []byte(`"x"`))
	f.Fuzz(func(t *testing.T, encoding, id string, data []byte) {
		p := &commonpb.Payload{
			Metadata: map[string][]byte{"encoding": []byte(encoding), "encryption-key-id": []byte(id)},
			Data:     data,
		}
		before := proto.Clone(p)
		out, err := k.Codec().Decode([]*commonpb.Payload{p, nil})
		if !proto.Equal(before, p) {
			t.Fatal("the payload itself was changed")
		}
		switch {
		case encoding != "binary/encrypted":
			if err != nil || !proto.Equal(out[0], p) {
				t.Fatalf("a foreign payload did not pass through: %v", err)
			}
		case err == nil && string(data) != string(real.GetData()):
			t.Fatal("a forged ciphertext was accepted")
		case err != nil && !errors.Is(err, vault.ErrSealed) && !errors.Is(err, vault.ErrWrongKeyset):
			t.Fatalf("the error is of no known kind: %v", err)
		}
	})
}
