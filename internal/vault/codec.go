package vault

import (
	"fmt"
	"strconv"

	commonpb "go.temporal.io/api/common/v1"
	"go.temporal.io/sdk/converter"
	"go.temporal.io/sdk/temporal"
	"google.golang.org/protobuf/proto"
)

// The metadata of an encrypted payload.
const (
	encodingEncrypted = "binary/encrypted"
	metadataKeyID     = "encryption-key-id"
)

// codec encrypts what Temporal keeps. It does not bind the workflow id: a
// payload is decoded in other contexts than it was encoded in (children, local
// activities, the Web UI).
type codec struct {
	keys *Keyring
	// strict refuses what this keyring did not seal.
	strict bool
}

var _ converter.PayloadCodec = codec{}

// Codec is the Temporal payload codec of this keyring, for whoever shows
// payloads: it encrypts with the primary key, decrypts with any, and passes
// through what it did not encrypt.
func (k *Keyring) Codec() converter.PayloadCodec { return codec{keys: k} }

// DataConverter is Temporal's default data converter with the codec around it.
// It refuses what was not sealed: whoever reaches Temporal could write that.
func (k *Keyring) DataConverter() converter.DataConverter {
	return converter.NewCodecDataConverter(converter.GetDefaultDataConverter(), codec{keys: k, strict: true})
}

// FailureConverter encrypts error messages and stack traces too.
func (k *Keyring) FailureConverter() converter.FailureConverter {
	return temporal.NewDefaultFailureConverter(temporal.DefaultFailureConverterOptions{
		DataConverter:          k.DataConverter(),
		EncodeCommonAttributes: true,
	})
}

// Encode encrypts payloads whole, their metadata included.
func (c codec) Encode(payloads []*commonpb.Payload) ([]*commonpb.Payload, error) {
	out := make([]*commonpb.Payload, len(payloads))
	id := strconv.FormatUint(uint64(c.keys.primary), 10)
	for i, p := range payloads {
		plain, err := proto.Marshal(p)
		if err != nil {
			return nil, fmt.Errorf("encrypt a Temporal payload: %w", err)
		}
		sealed, err := c.keys.seal(plain, payloadOf(id))
		if err != nil {
			return nil, fmt.Errorf("encrypt a Temporal payload: %w", err)
		}
		out[i] = &commonpb.Payload{
			Metadata: map[string][]byte{converter.MetadataEncoding: []byte(encodingEncrypted), metadataKeyID: []byte(id)},
			Data:     sealed,
		}
	}
	return out, nil
}

// Decode decrypts what Encode encrypted. Errors: ErrWrongKeyset, ErrSealed; with
// strict also for what Encode did not make.
func (c codec) Decode(payloads []*commonpb.Payload) ([]*commonpb.Payload, error) {
	out := make([]*commonpb.Payload, len(payloads))
	for i, p := range payloads {
		if string(p.GetMetadata()[converter.MetadataEncoding]) != encodingEncrypted {
			if c.strict {
				return nil, fmt.Errorf("decrypt a Temporal payload: %w: it was not sealed with this installation's keyset, so it did not come from Kvitt", ErrSealed)
			}
			out[i] = p
			continue
		}
		plain, err := c.decrypt(p)
		if err != nil {
			return nil, fmt.Errorf("decrypt a Temporal payload: %w", err)
		}
		out[i] = plain
	}
	return out, nil
}

func (c codec) decrypt(p *commonpb.Payload) (*commonpb.Payload, error) {
	sealedWith, err := keyOf(p.GetData())
	if err != nil {
		return nil, err
	}
	id := string(p.GetMetadata()[metadataKeyID])
	if id != strconv.FormatUint(uint64(sealedWith), 10) {
		return nil, fmt.Errorf("%w: its metadata do not name the key that it was sealed with, so another program encrypted it or somebody changed it", ErrSealed)
	}
	plain, err := c.keys.open(p.GetData(), payloadOf(id))
	if err != nil {
		return nil, err
	}
	var opened commonpb.Payload
	if err := proto.Unmarshal(plain, &opened); err != nil {
		return nil, fmt.Errorf("%w: its contents are no payload", ErrSealed)
	}
	return &opened, nil
}

// payloadOf is the associated data of a Temporal payload.
func payloadOf(keyID string) []byte { return associated("temporal payload", keyID) }
