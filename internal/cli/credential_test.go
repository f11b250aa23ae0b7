package cli

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"net"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"kvitt/internal/access"
	"kvitt/internal/operate"
	"kvitt/internal/store"
	"kvitt/internal/visma/connect"
	"kvitt/workflows"
)

const (
	testKey = "klarna_test_api_dGhlIHRlc3Qga2V5"
	liveKey = "klarna_live_api_dGhlIGxpdmUga2V5"
)

// candidate returns what the vault holds for the connection to verify.
func (d *desk) candidate(field string, into any) bool {
	d.t.Helper()
	secret, err := d.vault.Get(d.t.Context(), "shop-1", field)
	if errors.Is(err, store.ErrNotFound) {
		return false
	}
	if err != nil {
		d.t.Fatal(err)
	}
	if err := json.Unmarshal([]byte(secret.Reveal()), into); err != nil {
		d.t.Fatal(err)
	}
	return true
}

func works(message) (any, error) {
	return workflows.Status{
		ID: "shop-1", State: workflows.ConnVerifying,
		Klarna: workflows.Side{State: workflows.SideConnected, Identity: "K123"}, Visma: workflows.Side{State: workflows.SideMissing},
	}, nil
}

func TestAKlarnaKeyComesFromAFileAPipeOrTheTerminal(t *testing.T) {
	const username = "0f8fad5b-d9cb-469f-a165-70867728950e"
	file := filepath.Join(t.TempDir(), "klarna.key")
	if err := os.WriteFile(file, []byte(testKey+"\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	for name, give := range map[string]func(d *desk) []string{
		"file":     func(*desk) []string { return []string{"--key-file", file} },
		"pipe":     func(d *desk) []string { d.stdin = testKey + "\r\n"; return nil },
		"terminal": func(d *desk) []string { d.console.answers = []string{testKey}; return nil },
	} {
		t.Run(name, func(t *testing.T) {
			d := newDesk(t)
			d.connected("shop-1")
			d.temporal.onUpdate = works
			s := d.want(d.run(append([]string{"connection", "klarna-key", "shop-1", "--username", username}, give(d)...)...), ExitDone)
			contains(t, s.out, "Verified: K123. The connection shop-1 is verifying.", "starter connection authorize shop-1")
			var kept access.KlarnaSecret
			if !d.candidate(access.FieldKlarnaCandidate, &kept) || kept.Key != testKey || kept.Username != username {
				t.Errorf("the vault holds %+v", kept)
			}
			if len(d.temporal.updates) != 1 || d.temporal.updates[0].String() != "connection/shop-1 SetKlarnaCredential {Who:anna Instruction:}" {
				t.Errorf("%v", d.temporal.updates)
			}
			if strings.Contains(s.out+s.err, testKey) {
				t.Error("the key was printed")
			}
		})
	}
}

func TestAMalformedKeyNeverLeavesTheProcess(t *testing.T) {
	d := newDesk(t)
	d.connected("shop-1")
	for key, words := range map[string]string{
		"klarna_live_client_abc":           "client identifier for Klarna's scripts in the browser",
		"kco_live_api_abc":                 "this is a key of Kustom",
		"nonsense":                         "the key does not start with klarna_live_api_",
		"klarna_test_api_with a space":     "contains a space",
		"klarna_test_api_x\nklarna_test_y": "contains a space, a line break",
	} {
		d.stdin = key
		message := d.fails(ExitFailed, "connection", "klarna-key", "shop-1")
		contains(t, message, "Read the Klarna credential: ", words)
		if strings.Contains(message, key) {
			t.Errorf("the message repeats the key: %s", message)
		}
	}
	d.stdin = ""
	contains(t, d.fails(ExitUsage, "connection", "klarna-key", "shop-1"), "No key was given")
	if told := d.fails(ExitUsage, "connection", "klarna-key", "shop-1", "klarna_test_api_secret"); strings.Contains(told, "klarna_test_api") {
		t.Errorf("the key is repeated: %s", told)
	}
	contains(t, d.fails(ExitFailed, "connection", "klarna-key", "shop-1", "--key-file", "/no/such/file"), "Read the key file /no/such/file: no such file or directory.")
	if d.candidate(access.FieldKlarnaCandidate, new(access.KlarnaSecret)) || len(d.temporal.updates) > 0 {
		t.Error("a malformed key went further")
	}
}

func TestALiveKeyIsAskedAboutOnceMore(t *testing.T) {
	d := newDesk(t)
	d.connected("shop-1")
	d.temporal.onUpdate = works
	d.stdin = liveKey
	contains(t, d.fails(ExitUsage, "connection", "klarna-key", "shop-1"), "This is a live key of Klarna", "--yes says that it is meant")
	d.want(d.run("connection", "klarna-key", "shop-1", "--yes"), ExitDone)
	d.console.answers = []string{liveKey, "no"}
	contains(t, d.fails(ExitFailed, "connection", "klarna-key", "shop-1"), "nothing was done")
	d.console.answers = []string{liveKey, "LIVE"}
	d.want(d.run("connection", "klarna-key", "shop-1"), ExitDone)
	if len(d.temporal.updates) != 2 {
		t.Errorf("%d updates, want 2", len(d.temporal.updates))
	}
}

func TestARefusedKeyIsTheOtherSidesWordsAndARemedy(t *testing.T) {
	d := newDesk(t)
	d.connected("shop-1")
	d.stdin = testKey
	d.temporal.onUpdate = func(message) (any, error) {
		return nil, &operate.RefusalError{Words: "ask for a payout: Klarna answered 401 (request c-1). Check that the key is of this region."}
	}
	contains(t, d.fails(ExitFailed, "connection", "klarna-key", "shop-1"),
		"Give the connection shop-1 its Klarna key: ask for a payout: Klarna answered 401 (request c-1). Check that the key is of this region.")
}

func TestTheServiceFlowOffersTheCompanyToTheConnection(t *testing.T) {
	const tenant = "0f8fad5b-d9cb-469f-a165-70867728950e"
	d := newDesk(t)
	d.connected("shop-1")
	d.temporal.onUpdate = works
	d.want(d.run("connection", "authorize", "shop-1", "--service", "--tenant-id", tenant), ExitDone)
	var g connect.Grant
	if !d.candidate(access.FieldVismaCandidate, &g) || g.Flow != connect.FlowService || g.TenantID != tenant || g.AccessToken != "" {
		t.Errorf("the vault holds %v", g)
	}
	if d.temporal.updates[0].name != "AuthorizeVisma" {
		t.Errorf("%v", d.temporal.updates)
	}
	t.Setenv("KVITT_VISMA_CLIENT_ID", "")
	t.Setenv("KVITT_VISMA_CLIENT_SECRET", "")
	contains(t, d.fails(ExitFailed, "connection", "authorize", "shop-1", "--service", "--tenant-id", tenant), "there is no OAuth client. Set KVITT_VISMA_CLIENT_ID")
}

func TestTheBrowserComesBackToThisMachineOnly(t *testing.T) {
	d := newDesk(t)
	d.connected("shop-1")
	for _, redirect := range []string{"https://kvitt.example.com/connect/visma/callback", "http://10.0.0.1:8088/x", "http://127.0.0.1/x", "8099"} {
		contains(t, d.fails(ExitUsage, "connection", "authorize", "shop-1", "--redirect", redirect), "is not an address of this machine", "--service --tenant-id")
	}
	taken, err := new(net.ListenConfig).Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer taken.Close()
	contains(t, d.fails(ExitFailed, "connection", "authorize", "shop-1", "--redirect", "http://"+taken.Addr().String()+"/connect/visma/callback"),
		"this address cannot be listened at; a worker with its portal may have it. Name another one")
}

func TestTheDoorTakesTheFirstCallback(t *testing.T) {
	free, err := new(net.ListenConfig).Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	address := "http://" + free.Addr().String() + "/connect/visma/callback"
	if err := free.Close(); err != nil {
		t.Fatal(err)
	}
	at, err := doorAddress(address)
	if err != nil {
		t.Fatal(err)
	}
	door, err := openDoor(t.Context(), at, func(url.Values) bool { return true })
	if err != nil {
		t.Fatal(err)
	}
	defer door.close()
	for _, query := range []string{"?code=first&state=s", "?code=second&state=s"} {
		answer, err := http.Get(address + query)
		if err != nil {
			t.Fatal(err)
		}
		page, err := io.ReadAll(answer.Body)
		answer.Body.Close()
		if err != nil || answer.StatusCode != http.StatusOK || !strings.Contains(string(page), "Go back to the terminal") {
			t.Errorf("%d %s %v", answer.StatusCode, page, err)
		}
	}
	callback, err := door.wait(t.Context())
	if err != nil || callback.Get("code") != "first" {
		t.Errorf("%v %v", callback, err)
	}
	stopped, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := door.wait(stopped); !errors.Is(err, context.Canceled) {
		t.Errorf("%v, want that it stops", err)
	}
}
