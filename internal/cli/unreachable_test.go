package cli

import (
	"errors"
	"net"
	"testing"

	"kvitt/internal/config"
	"kvitt/internal/operate"
	"kvitt/internal/vault"
)

func TestATemporalThatDoesNotAnswerIsOneMessage(t *testing.T) {
	d := newDesk(t)
	d.connected("shop-1")
	address := freeAddress(t)
	t.Setenv("TEMPORAL_ADDRESS", address)
	keyset, err := vault.NewKeyset()
	if err != nil {
		t.Fatal(err)
	}
	keys, err := vault.Open(keyset)
	if err != nil {
		t.Fatal(err)
	}
	_, err = operate.Dial(t.Context(), &config.Config{TaskQueue: "kvitt"}, keys)
	if err == nil {
		t.Fatal("something answered")
	}
	contains(t, sentence(err), "Reach Temporal at "+address+": it does not answer. Start it, or let TEMPORAL_ADDRESS name where it listens")
	var network net.Error
	if errors.As(err, &network) && network.Timeout() {
		t.Error("a refused connection was waited for")
	}
}
