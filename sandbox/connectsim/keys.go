package connectsim

import (
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"crypto/x509"
	"encoding/base64"
	"encoding/json"

	"github.com/go-jose/go-jose/v4"
	"github.com/zitadel/oidc/v3/pkg/op"
)

// keys sign JWTs and encrypt opaque tokens and codes.
type keys struct {
	signing *rsa.PrivateKey
	crypto  [32]byte
}

// complete makes the missing keys.
func (k *keys) complete() error {
	if k.signing == nil {
		key, err := rsa.GenerateKey(rand.Reader, 2048)
		if err != nil {
			return err
		}
		k.signing = key
	}
	if k.crypto == ([32]byte{}) {
		_, err := rand.Read(k.crypto[:])
		return err
	}
	return nil
}

// id derives the name of the signing key from the key, so that a saved key has the same name at the next
// start.
func (k keys) id() string {
	sum := sha256.Sum256(x509.MarshalPKCS1PublicKey(&k.signing.PublicKey))
	return base64.RawURLEncoding.EncodeToString(sum[:12])
}

// jti reads the token id of a JWT that this key has signed.
func (k keys) jti(signed *jose.JSONWebSignature) (string, bool) {
	payload, err := signed.Verify(&k.signing.PublicKey)
	if err != nil {
		return "", false
	}
	var claims struct {
		ID string `json:"jti"`
	}
	return claims.ID, json.Unmarshal(payload, &claims) == nil && claims.ID != ""
}

// signingKey and publicKey are the key in op's form.
type signingKey struct{ keys }

func (k signingKey) SignatureAlgorithm() jose.SignatureAlgorithm { return jose.RS256 }
func (k signingKey) Key() any                                    { return k.signing }
func (k signingKey) ID() string                                  { return k.id() }

type publicKey struct{ keys }

func (k publicKey) ID() string                         { return k.id() }
func (k publicKey) Algorithm() jose.SignatureAlgorithm { return jose.RS256 }
func (k publicKey) Use() string                        { return "sig" }
func (k publicKey) Key() any                           { return &k.signing.PublicKey }

var (
	_ op.SigningKey = signingKey{}
	_ op.Key        = publicKey{}
)
