package config

import (
	"fmt"
	"net"
	"strings"

	"go.temporal.io/sdk/client"
	"go.temporal.io/sdk/contrib/envconfig"
)

// TemporalOptions reads how to reach Temporal as every Temporal tool does:
// TEMPORAL_ADDRESS, TEMPORAL_NAMESPACE, TEMPORAL_API_KEY, TEMPORAL_TLS… and
// the profiles in the file that TEMPORAL_CONFIG_FILE names. Without any of
// these it is localhost:7233 and the namespace default.
func TemporalOptions() (client.Options, error) {
	const attempted = "read how to reach Temporal"
	options, err := envconfig.LoadDefaultClientOptions()
	if err != nil {
		return client.Options{}, fmt.Errorf("%s from the TEMPORAL_… variables and the Temporal configuration file: %w", attempted, err)
	}
	if options.HostPort == "" {
		options.HostPort = client.DefaultHostPort
	}
	if options.Namespace == "" {
		options.Namespace = client.DefaultNamespace
	}
	if _, port, err := net.SplitHostPort(options.HostPort); err != nil || port == "" || strings.Contains(options.HostPort, "/") {
		return client.Options{}, fmt.Errorf("%s: TEMPORAL_ADDRESS: found %q, expected HOST:PORT, for example localhost:7233", attempted, options.HostPort)
	}
	host, _, _ := net.SplitHostPort(options.HostPort)
	if options.Credentials != nil && options.ConnectionOptions.TLS == nil && !loopbackHost(host) {
		return client.Options{}, fmt.Errorf("%s: TEMPORAL_API_KEY would be sent to %s unencrypted: expected TLS, which is on with a key unless TEMPORAL_TLS=false or the configuration file turns it off", attempted, options.HostPort)
	}
	return options, nil
}
