package refresh_test

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"kvitt/internal/access"
	"kvitt/internal/fault"
	"kvitt/internal/store"
	"kvitt/internal/vault"
	"kvitt/internal/visma/connect"
)

const (
	childEnv   = "KVITT_REFRESH_TEST_CHILD" // makes the test binary a worker
	goroutines = 50
)

// orders are the settings of a worker at its start.
type orders struct {
	Database, Keyset, Issuer string
	// DieBeforeSave kills the process when it has the new tokens and is about to save them.
	DieBeforeSave bool
}

// ask gives a worker its clock's lead over the machine's, and makes all its goroutines ask for an access
// token.
type ask struct{ Ahead time.Duration }

// results holds the results of a worker's goroutines.
type results struct {
	Tokens map[string]int
	Errors map[string]int // by class and code, or the text of one of Kvitt's own
}

// work is a worker: it answers each ask on its standard input.
func work(text string) error {
	var o orders
	if err := json.Unmarshal([]byte(text), &o); err != nil {
		return err
	}
	s, err := store.Open(context.Background(), o.Database)
	if err != nil {
		return err
	}
	defer s.Close()
	keys, err := vault.Open(o.Keyset)
	if err != nil {
		return err
	}
	var ahead atomic.Int64
	provider, err := connect.New(connect.Config{
		Issuer: o.Issuer, ClientID: clientID, ClientSecret: clientSecret,
		Now: func() time.Time { return time.Now().Add(time.Duration(ahead.Load())) },
	})
	if err != nil {
		return err
	}
	keeper := (&access.Doors{Store: s, Vault: vault.New(keys, s)}).Keeper(connection)
	if o.DieBeforeSave {
		keeper = doomed{keeper}
	}
	source := provider.Source(keeper)
	in, out := json.NewDecoder(bufio.NewReader(os.Stdin)), json.NewEncoder(os.Stdout)
	for {
		var a ask
		if err := in.Decode(&a); err != nil {
			return nil //nolint:nilerr // standard input has ended
		}
		ahead.Store(int64(a.Ahead))
		if err := out.Encode(askAll(source)); err != nil {
			return err
		}
	}
}

func askAll(source *connect.Source) results {
	got := results{Tokens: map[string]int{}, Errors: map[string]int{}}
	var mu sync.Mutex
	var all sync.WaitGroup
	for range goroutines {
		all.Go(func() {
			token, err := source.Token(context.Background())
			mu.Lock()
			defer mu.Unlock()
			switch f := fault.As(err); {
			case err == nil:
				got.Tokens[token.AccessToken]++
			case f != nil:
				got.Errors[fmt.Sprint(f.Class, " ", f.Code)]++
			default:
				got.Errors[err.Error()]++
			}
		})
	}
	all.Wait()
	return got
}

// doomed is a keeper whose process is killed before it can save.
type doomed struct{ connect.Keeper }

func (doomed) Save(context.Context, connect.Grant, connect.Grant) error {
	_ = syscall.Kill(os.Getpid(), syscall.SIGKILL)
	select {}
}

// worker is a worker's process.
type worker struct {
	t   *testing.T
	cmd *exec.Cmd
	in  *json.Encoder
	out *json.Decoder
}

func (w *world) worker(o orders) *worker {
	w.t.Helper()
	o.Database, o.Keyset, o.Issuer = w.database, w.keyset, w.issuer
	text, err := json.Marshal(o)
	must(w.t, err)
	// Not the test's own context: it ends before the worker can end.
	ctx, cancel := context.WithTimeout(context.Background(), 2*time.Minute)
	cmd := exec.CommandContext(ctx, os.Args[0])
	cmd.Env = append(os.Environ(), childEnv+"="+string(text), "GORACE=atexit_sleep_ms=0")
	cmd.Stderr = os.Stderr
	in, err := cmd.StdinPipe()
	must(w.t, err)
	out, err := cmd.StdoutPipe()
	must(w.t, err)
	must(w.t, cmd.Start())
	w.t.Cleanup(func() {
		defer cancel()
		_ = in.Close() // the worker ends when its input ends
		if err := cmd.Wait(); err != nil && !o.DieBeforeSave {
			w.t.Errorf("a worker ended with %v", err)
		}
	})
	return &worker{w.t, cmd, json.NewEncoder(in), json.NewDecoder(out)}
}

// askAll makes the goroutines of all workers ask at once.
func (w *world) askAll(workers ...*worker) []results {
	w.t.Helper()
	for _, one := range workers {
		must(w.t, one.in.Encode(ask{w.clock.ahead()}))
	}
	all := make([]results, len(workers))
	for i, one := range workers {
		if err := one.out.Decode(&all[i]); err != nil {
			w.t.Fatalf("worker %d gave no answer: %v", i, err)
		}
	}
	return all
}

// dies makes a worker ask and be killed meanwhile.
func (w *world) dies(doomed *worker) {
	w.t.Helper()
	must(w.t, doomed.in.Encode(ask{w.clock.ahead()}))
	var nothing results
	if err := doomed.out.Decode(&nothing); err == nil {
		w.t.Fatalf("the worker survived: %+v", nothing)
	}
}
