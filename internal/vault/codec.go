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

// codec encrypts what Temporal stores. It does not bind the workflow id: a payload may be decoded in
// another context than it was encoded in (children, local activities, the Web UI).
type codec struct {
	keys *Keyring
	// strict refuses payloads that this keyring did not seal.
	strict bool
}

var _ converter.PayloadCodec = codec{}

// Codec returns the Temporal payload codec of this keyring for showing payloads: it encrypts with the
// primary key, decrypts with any key, and passes through payloads that it did not encrypt.
func (k *Keyring) Codec() converter.PayloadCodec { return codec{keys: k} }

// DataConverter returns Temporal's default data converter with the codec around it. It refuses payloads
// that are not sealed: anybody who reaches Temporal could write those.
func (k *Keyring) DataConverter() converter.DataConverter {
	return converter.NewCodecDataConverter(converter.GetDefaultDataConverter(), codec{keys: k, strict: true})
}

// FailureConverter returns a converter that encrypts error messages and stack traces too.
func (k *Keyring) FailureConverter() converter.FailureConverter {
	return temporal.NewDefaultFailureConverter(temporal.DefaultFailureConverterOptions{
		DataConverter:          k.DataConverter(),
		EncodeCommonAttributes: true,
	})
}

// Encode encrypts whole payloads, including their metadata.
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

// Decode decrypts what Encode encrypted. Errors: ErrWrongKeyset, ErrSealed; with strict also for payloads
// that Encode did not make.
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
		return nil, fmt.Errorf("%w: its contents are not a payload", ErrSealed)
	}
	return &opened, nil
}

// payloadOf returns the associated data of a Temporal payload.
func payloadOf(keyID string) []byte { return associated("temporal payload", keyID) }
