package cli

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	enumspb "go.temporal.io/api/enums/v1"

	"kvitt/internal/config"
	"kvitt/internal/operate"
	"kvitt/internal/store"
	"kvitt/internal/vault"
	"kvitt/internal/voucher"
	"kvitt/workflows"
)

var renew = flag.Bool("renew", false, "write the golden files anew")

// golden compares with a file that a person can read.
func golden(t *testing.T, name, got string) {
	t.Helper()
	path := filepath.Join("testdata", name)
	if *renew {
		if err := os.WriteFile(path, []byte(got), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(string(want), got); diff != "" {
		t.Errorf("%s differs (-want +got):\n%s", name, diff)
	}
}

// noon is when the tests take place.
var noon = time.Date(2026, 3, 2, 12, 0, 0, 0, time.UTC)

// desk is the command line with a database of its own and a Temporal that is
// played.
type desk struct {
	random   string // what ids are made of
	t        *testing.T
	temporal *played
	console  *person
	stdin    string
	store    *store.Store
	vault    *vault.Vault
	now      time.Time
	patience time.Duration
}

// said holds what one command did.
type said struct {
	status   int
	out, err string
}

// environment makes exactly these variables those of Kvitt and Temporal.
func environment(t *testing.T, pairs ...string) {
	t.Helper()
	for _, pair := range os.Environ() {
		name, value, _ := strings.Cut(pair, "=")
		if strings.HasPrefix(name, "KVITT_") || strings.HasPrefix(name, "TEMPORAL_") {
			t.Setenv(name, value) // so that it is there again afterwards
			if err := os.Unsetenv(name); err != nil {
				t.Fatal(err)
			}
		}
	}
	t.Setenv("HOME", t.TempDir())
	t.Setenv("XDG_CONFIG_HOME", t.TempDir())
	for _, pair := range pairs {
		name, value, _ := strings.Cut(pair, "=")
		t.Setenv(name, value)
	}
}

func newDesk(t *testing.T) *desk {
	t.Helper()
	keyset, err := vault.NewKeyset()
	if err != nil {
		t.Fatal(err)
	}
	url := "sqlite:" + filepath.Join(t.TempDir(), "kvitt.db")
	environment(t, "KVITT_DATABASE_URL="+url, "KVITT_KEYSET="+keyset, "KVITT_VISMA_CLIENT_ID=isv_test", "KVITT_VISMA_CLIENT_SECRET=hemligt")
	d := &desk{t: t, temporal: newPlayed(), console: &person{}, now: noon}
	if d.store, err = store.Open(t.Context(), url); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if len(d.temporal.unproven) > 0 {
			t.Errorf("sent without an instruction: %+v", d.temporal.unproven)
		}
		_ = d.store.Close()
	})
	if err := d.store.Migrate(t.Context()); err != nil {
		t.Fatal(err)
	}
	keys, err := vault.Open(keyset)
	if err != nil {
		t.Fatal(err)
	}
	d.vault = vault.New(keys, d.store)
	return d
}

// run carries out a command line.
func (d *desk) run(args ...string) said {
	d.t.Helper()
	return d.runIn(d.t.Context(), args...)
}

func (d *desk) runIn(ctx context.Context, args ...string) said {
	d.t.Helper()
	var out, errs bytes.Buffer
	code := d.runTo(ctx, Streams{In: strings.NewReader(d.stdin), Out: &out, Err: &errs}, args...)
	if all := out.String() + errs.String(); strings.Contains(all, "%!") || strings.Contains(all, "<nil>") {
		d.t.Errorf("%q prints a value that a format does not know:\n%s", args, all)
	}
	return said{code, out.String(), errs.String()}
}

func (d *desk) runTo(ctx context.Context, streams Streams, args ...string) int {
	a := newApp(streams)
	a.console, a.who, a.now, a.every = d.console, "anna", func() time.Time { return d.now }, time.Millisecond
	a.patience = d.patience
	a.random = func() string {
		if d.random != "" {
			return d.random
		}
		return "K3X9M2QP"
	}
	a.dial = func(context.Context, *config.Config, *vault.Keyring) (operate.Temporal, error) {
		if d.temporal.unreachable != nil {
			return nil, d.temporal.unreachable
		}
		return d.temporal, nil
	}
	return a.run(ctx, args)
}

// want checks the exit status, and that a failure leaves standard output empty.
func (d *desk) want(s said, code int) said {
	d.t.Helper()
	if s.status != code {
		d.t.Fatalf("exit status %d, want %d\n%s%s", s.status, code, s.out, s.err)
	}
	if (code == ExitFailed || code == ExitUsage) && s.out != "" {
		d.t.Errorf("a command that failed wrote to standard output: %s", s.out)
	}
	return s
}

// fails runs a command that has to fail, and returns its one message.
func (d *desk) fails(code int, args ...string) string {
	d.t.Helper()
	s := d.want(d.run(args...), code)
	_, message, ok := strings.Cut(s.err, "Error: ")
	if !ok {
		d.t.Fatalf("there is no message: %q", s.err)
	}
	return strings.TrimSpace(message)
}

// document decodes the one JSON document on standard output.
func document[T any](t *testing.T, s said) T {
	t.Helper()
	var v T
	decoder := json.NewDecoder(strings.NewReader(s.out))
	if err := decoder.Decode(&v); err != nil {
		t.Fatalf("%v in %q", err, s.out)
	}
	if decoder.More() {
		t.Fatalf("more than one document: %q", s.out)
	}
	return v
}

func contains(t *testing.T, where string, all ...string) {
	t.Helper()
	for _, words := range all {
		if !strings.Contains(where, words) {
			t.Errorf("%q is not in:\n%s", words, where)
		}
	}
}

// connected stores a connection that works, with its profile.
func (d *desk) connected(id string, change ...func(*store.Connection)) {
	d.t.Helper()
	side := func(identity string) json.RawMessage {
		b, err := json.Marshal(workflows.Side{State: workflows.SideConnected, Since: noon.Add(-time.Hour), Identity: identity, Verified: noon.Add(-time.Hour)})
		if err != nil {
			d.t.Fatal(err)
		}
		return b
	}
	c := store.Connection{
		ID: id, Name: "Nordisk Webbhandel", Provider: "klarna", Region: "eu", Environment: "test", Posting: "auto", State: workflows.ConnActive,
		Start: "2026-01-01", Klarna: side("K123"), Visma: side("5560001 Nordisk AB"), MerchantID: "K123",
		CompanyID: "5560001", CompanyName: "Nordisk AB", BaseCurrency: "SEK", ProfileVersion: 1, CreatedAt: noon.Add(-72 * time.Hour),
	}
	for _, f := range change {
		f(&c)
	}
	if err := d.store.CreateConnection(d.t.Context(), c); err != nil {
		d.t.Fatal(err)
	}
	preset, err := voucher.Preset("se-bas")
	if err != nil {
		d.t.Fatal(err)
	}
	p, err := voucher.ParseProfile(preset)
	if err != nil {
		d.t.Fatal(err)
	}
	if _, err := d.store.AddProfile(d.t.Context(), id, preset, p.Hash(), "anna"); err != nil {
		d.t.Fatal(err)
	}
}

// person answers questions, when there are answers.
type person struct {
	answers []string
	asked   []string
}

func (p *person) Attended() bool { return len(p.answers) > 0 }

func (p *person) Ask(_ context.Context, prompt string) (string, error) {
	p.asked = append(p.asked, prompt)
	answer := p.answers[0]
	p.answers = p.answers[1:]
	return answer, nil
}

func (p *person) Secret(ctx context.Context, prompt string) (string, error) {
	answer, err := p.Ask(ctx, prompt)
	if len(p.answers) == 0 {
		p.answers = append(p.answers, "") // the person is still there
	}
	return answer, err
}

// played is Temporal as a test plays it.
type played struct {
	unproven    []any  // messages that act, sent without an instruction
	current     string // the version that gets the work
	mu          sync.Mutex
	unreachable error
	workers     int
	silent      time.Duration // since the last of them asked for work
	late        int           // so many times nobody is there yet
	attributes  map[string]enumspb.IndexedValueType
	registered  []map[string]enumspb.IndexedValueType
	started     []operate.Start
	signals     []message
	updates     []message
	startError  error
	signalError error
	// What the workflows answer; nil means that none runs.
	onUpdate func(m message) (any, error)
	onQuery  func(workflowID, name string) (any, error)
	onResult func(ctx context.Context, workflowID string) (any, error)
	// What is tried again; nil means nothing.
	onRetries func(workflowID string) ([]operate.Retry, error)
}

type message struct {
	workflowID, name string
	in               any
}

func newPlayed() *played {
	return &played{workers: 1, attributes: workflows.SearchAttributes()}
}

func (p *played) Where() string { return "localhost:7233, namespace default" }
func (p *played) Close()        {}

// give passes a value on as Temporal does.
func give(value any, err error, out any) error {
	if err != nil {
		return err
	}
	b, err := json.Marshal(value)
	if err != nil {
		return err
	}
	return json.Unmarshal(b, out)
}

func (p *played) Update(_ context.Context, workflowID, name string, in, out any, _ time.Duration) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	m := message{workflowID, name, p.bare(in)}
	p.updates = append(p.updates, m)
	if p.onUpdate == nil {
		return operate.ErrNotRunning
	}
	value, err := p.onUpdate(m)
	return give(value, err, out)
}

// bare is a message without the id of the instruction that proves it, which is
// another one each time. One that was sent without is noted.
func (p *played) bare(in any) any {
	take := func(id *string) {
		if *id == "" {
			p.unproven = append(p.unproven, in)
		}
		*id = ""
	}
	switch m := in.(type) {
	case workflows.Person:
		take(&m.Instruction)
		return m
	case workflows.Configure:
		take(&m.Instruction)
		return m
	case workflows.CredentialSet:
		take(&m.Instruction)
		return m
	case workflows.ConnectionInput:
		take(&m.Instruction)
		return m
	case workflows.SyncInput:
		take(&m.Instruction)
		return m
	case workflows.ReverseInput:
		take(&m.Instruction)
		return m
	case workflows.AccrualInput:
		take(&m.Instruction)
		return m
	case workflows.PayoutInput:
		if m.Repost != nil {
			by := *m.Repost
			take(&by.Instruction)
			m.Repost = &by
		}
		if m.Reopen != nil {
			by := *m.Reopen
			take(&by.Instruction)
			m.Reopen = &by
		}
		return m
	}
	p.unproven = append(p.unproven, in)
	return in
}

func (p *played) Query(_ context.Context, workflowID, name string, out any) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.onQuery == nil {
		return operate.ErrNoAnswer
	}
	value, err := p.onQuery(workflowID, name)
	return give(value, err, out)
}

func (p *played) Signal(_ context.Context, workflowID, name string, in any) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.signals = append(p.signals, message{workflowID, name, in})
	return p.signalError
}

func (p *played) Start(_ context.Context, s operate.Start) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.startError == nil {
		s.Input = p.bare(s.Input)
		p.started = append(p.started, s)
	}
	return p.startError
}

func (p *played) Result(ctx context.Context, workflowID string, out any) error {
	if p.onResult == nil {
		return operate.ErrNotRunning
	}
	value, err := p.onResult(ctx, workflowID)
	return give(value, err, out)
}

func (p *played) Workers(context.Context) (operate.Workers, error) {
	if p.late > 0 {
		p.late--
		return operate.Workers{Queue: "kvitt"}, nil
	}
	return operate.Workers{Queue: "kvitt", Count: p.workers, Last: noon.Add(-max(p.silent, 2*time.Second))}, nil
}

func (p *played) Current(context.Context, string) (string, error) { return p.current, nil }

func (p *played) Retries(_ context.Context, workflowID string) ([]operate.Retry, error) {
	if p.onRetries == nil {
		return nil, nil
	}
	return p.onRetries(workflowID)
}

func (p *played) NextRun(context.Context, string) (time.Time, error) { return time.Time{}, nil }

func (p *played) Attributes(context.Context) (map[string]enumspb.IndexedValueType, error) {
	if p.attributes == nil {
		return nil, errors.New("permission denied")
	}
	return p.attributes, nil
}

func (p *played) Register(_ context.Context, attributes map[string]enumspb.IndexedValueType) error {
	p.registered = append(p.registered, attributes)
	for name, kind := range attributes {
		p.attributes[name] = kind
	}
	return nil
}

func (m message) String() string { return fmt.Sprintf("%s %s %+v", m.workflowID, m.name, m.in) }
