package e2e_test

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"go.temporal.io/sdk/client"

	"kvitt/internal/store"
	"kvitt/internal/vault"
	"kvitt/sandbox/stack"
	"kvitt/sandbox/vismasim"
)

// unknownWait limits how long a batch has to stay absent before it is sent again.
const unknownWait = 1500 * time.Millisecond

// world is the whole system, running.
type world struct {
	*stack.Stack
	log      *journal
	temporal client.Client
	store    *store.Store
	vault    *vault.Vault
	notices  *receiver

	mu        sync.Mutex
	said      strings.Builder    // all that starter ever said
	free      []vismasim.Company // that no test has yet
	segmented []vismasim.Company // the same, with subaccounts
}

// begin starts a world without a worker: `starter setup` has run.
func begin(ctx context.Context, o stack.Options) (w *world, err error) {
	w = &world{log: &journal{}, free: o.Companies, notices: newReceiver()}
	o.Module, o.Bin, o.Log = module, bin, w.log
	o.Environment = slices.Concat([]string{"KVITT_UNKNOWN_WAIT=" + unknownWait.String()}, w.notices.environment(), o.Environment)
	if w.Stack, err = stack.Start(ctx, o); err != nil {
		return nil, err
	}
	if _, err := w.Ask(ctx, "setup"); err != nil {
		return nil, errors.Join(err, w.Close())
	}
	if err := w.open(ctx); err != nil {
		return nil, errors.Join(err, w.Close())
	}
	return w, nil
}

// open lets the tests look at Temporal, the database and the vault.
func (w *world) open(ctx context.Context) error {
	text, err := os.ReadFile(filepath.Join(w.Dir, "keyset.json"))
	if err != nil {
		return err
	}
	keys, err := vault.Open(strings.TrimSpace(string(text)))
	if err != nil {
		return err
	}
	if w.store, err = store.Open(ctx, "sqlite:"+filepath.Join(w.Dir, "kvitt.db")); err != nil {
		return err
	}
	w.vault = vault.New(keys, w.store)
	w.temporal, err = client.DialContext(ctx, client.Options{
		HostPort: w.Temporal.Address, Logger: stack.Quiet{}, DataConverter: keys.DataConverter(), FailureConverter: keys.FailureConverter(),
	})
	return err
}

// end stops everything and makes sure that nothing is left and that no program
// has met a data race.
func (w *world) end() error {
	var errs []error
	defer w.notices.server.Close()
	if w.temporal != nil {
		w.temporal.Close()
	}
	if w.store != nil {
		errs = append(errs, w.store.Close())
	}
	errs = append(errs, w.Close())
	if left := processes(w.Dir); len(left) > 0 {
		errs = append(errs, fmt.Errorf("processes are left behind:\n%s", strings.Join(left, "\n")))
	}
	if _, err := os.Stat(w.Dir); err == nil {
		errs = append(errs, fmt.Errorf("the folder %s is left behind", w.Dir))
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	for _, text := range []string{w.log.String(), w.said.String()} {
		if _, race, found := strings.Cut(text, "WARNING: DATA RACE"); found {
			errs = append(errs, fmt.Errorf("a data race:%s", race[:min(len(race), 4000)]))
		}
		if _, words, found := strings.Cut(text, "panic: "); found {
			errs = append(errs, fmt.Errorf("a panic: %s", words[:min(len(words), 4000)]))
		}
	}
	return errors.Join(errs...)
}

// start gives a test a world of its own, with a worker.
func start(t *testing.T, o stack.Options) *world {
	t.Helper()
	w, err := begin(t.Context(), o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if t.Failed() {
			t.Logf("the worker's last words:\n%s", w.log.tail())
		}
		if err := w.end(); err != nil {
			t.Error(err)
		}
	})
	if _, err := w.StartWorker(t.Context()); err != nil {
		t.Fatal(err)
	}
	return w
}

// theTown is one world that many tests share, each with a merchant and a
// company of its own.
var theTown struct {
	sync.Once
	world *world
	err   error
}

func town(t *testing.T) *world {
	t.Helper()
	theTown.Do(func() {
		const several = 10 // want two subaccount segments on every line
		all := companies(200)
		for i := range several {
			all[i].Segments = vismasim.SwedishCompany("", "").Segments
		}
		theTown.world, theTown.err = begin(context.Background(), stack.Options{Companies: all, Shop: stack.Shop{Made: merchant(nil)}})
		if theTown.err == nil {
			theTown.world.segmented, theTown.world.free = all[:several], all[several:]
			_, theTown.err = theTown.world.StartWorker(context.Background())
		}
	})
	if theTown.err != nil {
		t.Fatal(theTown.err)
	}
	t.Cleanup(func() {
		if t.Failed() {
			t.Logf("the worker's last words:\n%s", theTown.world.log.tail())
		}
	})
	return theTown.world
}

// companies are Swedish companies without subaccounts.
func companies(n int) []vismasim.Company {
	all := make([]vismasim.Company, n)
	for i := range all {
		all[i] = vismasim.SwedishCompany(fmt.Sprintf("00000000-0000-4000-8000-%012d", i+1), fmt.Sprintf("Bolag %02d AB", i+1))
		all[i].CorporateID, all[i].Number = fmt.Sprintf("55%08d", i+1), fmt.Sprintf("09%08d", i+1)
		all[i].Segments = nil
	}
	return all
}

// company takes a company that no other test has.
func (w *world) company(t *testing.T) vismasim.Company {
	t.Helper()
	return w.take(t, &w.free)
}

func (w *world) take(t *testing.T, from *[]vismasim.Company) vismasim.Company {
	t.Helper()
	w.mu.Lock()
	defer w.mu.Unlock()
	if len(*from) == 0 {
		t.Fatal("there is no company left; start the world with more")
	}
	c := (*from)[0]
	*from = (*from)[1:]
	return c
}

// until waits for a fact, at most for patience. fact answers "" when it holds,
// or how things stand.
func until(t *testing.T, patience time.Duration, what string, fact func() string) {
	t.Helper()
	deadline := time.NewTimer(patience)
	defer deadline.Stop()
	tick := time.NewTicker(50 * time.Millisecond)
	defer tick.Stop()
	for {
		stands := fact()
		if stands == "" {
			return
		}
		select {
		case <-deadline.C:
			t.Fatalf("after %s still not: %s; it stands: %s", patience, what, stands)
		case <-t.Context().Done():
			t.Fatalf("stopped while waiting: %s; it stands: %s", what, stands)
		case <-tick.C:
		}
	}
}
