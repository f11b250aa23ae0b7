package operate

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"encoding/pem"
	"math/big"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	enumspb "go.temporal.io/api/enums/v1"
	"go.temporal.io/api/operatorservice/v1"
	"go.temporal.io/api/workflowservice/v1"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/credentials"
	"google.golang.org/grpc/metadata"
	"google.golang.org/grpc/status"

	"kvitt/internal/config"
	"kvitt/internal/vault"
)

// cloud is a Temporal that asks for an API key over TLS and lets nobody operate
// it, as Temporal Cloud does.
type cloud struct {
	workflowservice.UnimplementedWorkflowServiceServer
	key, namespace string
}

func (c *cloud) GetSystemInfo(context.Context, *workflowservice.GetSystemInfoRequest) (*workflowservice.GetSystemInfoResponse, error) {
	return &workflowservice.GetSystemInfoResponse{}, nil
}

func (c *cloud) DescribeNamespace(context.Context, *workflowservice.DescribeNamespaceRequest) (*workflowservice.DescribeNamespaceResponse, error) {
	return &workflowservice.DescribeNamespaceResponse{}, nil
}

func (c *cloud) GetSearchAttributes(context.Context, *workflowservice.GetSearchAttributesRequest) (*workflowservice.GetSearchAttributesResponse, error) {
	return &workflowservice.GetSearchAttributesResponse{Keys: map[string]enumspb.IndexedValueType{"KvittState": enumspb.INDEXED_VALUE_TYPE_KEYWORD}}, nil
}

func (c *cloud) admit(ctx context.Context, request any, info *grpc.UnaryServerInfo, next grpc.UnaryHandler) (any, error) {
	sent, _ := metadata.FromIncomingContext(ctx)
	namespace := strings.Join(sent.Get("temporal-namespace"), "")
	if r, ok := request.(interface{ GetNamespace() string }); ok && namespace == "" {
		namespace = r.GetNamespace()
	}
	if strings.Join(sent.Get("authorization"), "") != "Bearer "+c.key || namespace != "" && namespace != c.namespace {
		return nil, status.Error(codes.PermissionDenied, "Request unauthorized.")
	}
	return next(ctx, request)
}

// newCloud serves on loopback, and tells the environment how to reach it.
func newCloud(t *testing.T) {
	t.Helper()
	certificate, authority := certified(t)
	c := &cloud{key: "the-key", namespace: "books.a1b2c"}
	s := grpc.NewServer(grpc.Creds(credentials.NewServerTLSFromCert(&certificate)), grpc.UnaryInterceptor(c.admit))
	workflowservice.RegisterWorkflowServiceServer(s, c)
	operatorservice.RegisterOperatorServiceServer(s, operatorservice.UnimplementedOperatorServiceServer{})
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	ended := make(chan struct{})
	go func() { defer close(ended); _ = s.Serve(l) }()
	t.Cleanup(func() { s.Stop(); <-ended })
	t.Setenv("TEMPORAL_CONFIG_FILE", filepath.Join(t.TempDir(), "none.toml"))
	t.Setenv("TEMPORAL_ADDRESS", l.Addr().String())
	t.Setenv("TEMPORAL_TLS_SERVER_CA_CERT_PATH", authority)
	t.Setenv("TEMPORAL_NAMESPACE", c.namespace)
	t.Setenv("TEMPORAL_API_KEY", c.key)
}

func certified(t *testing.T) (certificate tls.Certificate, authority string) {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)}, NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour),
		IsCA: true, BasicConstraintsValid: true, KeyUsage: x509.KeyUsageDigitalSignature | x509.KeyUsageCertSign,
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, &key.PublicKey, key)
	if err != nil {
		t.Fatal(err)
	}
	authority = filepath.Join(t.TempDir(), "ca.pem")
	if err := os.WriteFile(authority, pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der}), 0o600); err != nil {
		t.Fatal(err)
	}
	return tls.Certificate{Certificate: [][]byte{der}, PrivateKey: key}, authority
}

func dial(t *testing.T) (Temporal, error) {
	t.Helper()
	keyset, err := vault.NewKeyset()
	if err != nil {
		t.Fatal(err)
	}
	keys, err := vault.Open(keyset)
	if err != nil {
		t.Fatal(err)
	}
	return Dial(t.Context(), &config.Config{TaskQueue: "kvitt"}, keys)
}

func TestAnAPIKeyReachesATemporalThatNobodyOperates(t *testing.T) {
	newCloud(t)
	s, err := dial(t)
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	known, err := s.Attributes(t.Context())
	if err != nil || known["KvittState"] != enumspb.INDEXED_VALUE_TYPE_KEYWORD {
		t.Errorf("it knows %v, %v", known, err)
	}
}

func TestARefusedAPIKeySaysWhatToCheck(t *testing.T) {
	for name, c := range map[string]struct{ key, namespace, helps string }{
		"expired":           {"an-old-key", "books.a1b2c", "has not expired"},
		"another namespace": {"the-key", "books", "NAME.ACCOUNT"},
		"none":              {"", "books.a1b2c", "set TEMPORAL_API_KEY"},
	} {
		t.Run(name, func(t *testing.T) {
			newCloud(t)
			t.Setenv("TEMPORAL_TLS", "true")
			t.Setenv("TEMPORAL_API_KEY", c.key)
			t.Setenv("TEMPORAL_NAMESPACE", c.namespace)
			s, err := dial(t)
			if err == nil { // the key is good, and not for this namespace
				_, err = s.Workers(t.Context())
				s.Close()
			}
			if err == nil {
				t.Fatal("it was let in")
			}
			_, helps := Explain(err)
			for _, part := range []string{"it does not let us into the namespace " + c.namespace, c.helps} {
				contains(t, err.Error(), part)
			}
			if helps == "" || strings.Contains(err.Error(), "an-old-key") {
				t.Errorf("%v", err)
			}
		})
	}
}

func TestAnAPIKeyDoesNotGoInTheClear(t *testing.T) {
	t.Setenv("TEMPORAL_CONFIG_FILE", filepath.Join(t.TempDir(), "none.toml"))
	t.Setenv("TEMPORAL_API_KEY", "the-key")
	for address, refused := range map[string]bool{"temporal.example.com:7233": true, "10.0.0.7:7233": true, "127.0.0.1:7233": false, "localhost:7233": false} {
		t.Setenv("TEMPORAL_ADDRESS", address)
		t.Setenv("TEMPORAL_TLS", "false")
		if _, err := config.TemporalOptions(); (err != nil) != refused || err != nil && (!strings.Contains(err.Error(), "unencrypted") || strings.Contains(err.Error(), "the-key")) {
			t.Errorf("%s without TLS: %v", address, err)
		}
		t.Setenv("TEMPORAL_TLS", "")
		if o, err := config.TemporalOptions(); err != nil || o.ConnectionOptions.TLS == nil {
			t.Errorf("%s: %v, TLS %v", address, err, o.ConnectionOptions.TLS != nil)
		}
	}
}
