package rig

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"go.temporal.io/sdk/client"

	"kvitt/internal/pgtest"
	"kvitt/internal/store"
	"kvitt/internal/vault"
	"kvitt/sandbox/chaos/plan"
	"kvitt/sandbox/connectsim"
	"kvitt/sandbox/klarnasim"
	"kvitt/sandbox/shop"
	"kvitt/sandbox/stack"
	"kvitt/sandbox/vismasim"
)

// World is the whole system, running one plan after another.
type World struct {
	*stack.Stack
	database plan.Database
	postgres *pgtest.Server
	disk     *disk
	store    *store.Store
	temporal client.Client
	workers  []*supervisor
	log      io.Writer
	patience time.Duration

	killing sync.Mutex   // a stopped process cannot be killed: one kill at a time
	skew    atomic.Int64 // of the providers' clocks, in nanoseconds

	strikes struct {
		sync.Mutex
		f func(name, server, path string)
	}
	free   []vismasim.Company
	serial int
}

// Options configure a world.
type Options struct {
	Module, Bin string // the source, and the programs built of it
	Database    plan.Database
	Workers     int           // 2 when zero; SQLite has one
	Companies   int           // the largest number of plans it will serve
	Activities  int           // at a time in each worker; the default when zero
	Patience    time.Duration // for each plan
	Log         io.Writer
}

// Open starts a world.
func Open(ctx context.Context, o Options) (w *World, err error) {
	w = &World{database: o.Database, log: o.Log, free: companies(o.Companies), patience: cmp.Or(o.Patience, patience)}
	defer func() {
		if err != nil {
			w.Close()
			w = nil
		}
	}()
	dir, err := os.MkdirTemp("", "kvitt-chaos-")
	if err != nil {
		return w, err
	}
	url, err := w.openDatabase(ctx, dir)
	if err != nil {
		return w, errors.Join(err, os.RemoveAll(dir))
	}
	environment := []string{"KVITT_DATABASE_URL=" + url, "KVITT_UNKNOWN_WAIT=" + plan.UnknownWait.String()}
	if o.Activities > 0 {
		environment = append(environment, fmt.Sprintf("KVITT_ACTIVITIES=%d", o.Activities))
	}
	w.Stack, err = stack.Start(ctx, stack.Options{
		Module: o.Module, Bin: o.Bin, Dir: dir, Log: o.Log, Companies: w.free, Environment: environment,
		Shop: stack.Shop{Made: shop.New("K600000", "SEK")}, Tune: w.tune,
	})
	if err != nil {
		return w, errors.Join(err, os.RemoveAll(dir))
	}
	w.Klarna.Watch(func(s klarnasim.Strike) { w.struck(s.Fault.Name, s.Server, "") })
	w.Visma.Watch(func(s vismasim.Strike) { w.struck(s.Fault.Name, s.Server, s.Path) })
	w.Klarna.SetLatency(4 * time.Millisecond)
	w.Visma.SetLatency(8 * time.Millisecond)
	if _, err = w.Ask(ctx, "setup"); err != nil {
		return w, err
	}
	if err = w.look(ctx, url); err != nil {
		return w, err
	}
	return w, w.hire(ctx, o)
}

// tune gives the simulators clocks that can jump, and pages of few lines.
func (w *World) tune(from *klarnasim.Options, to *vismasim.Options, in *connectsim.Options) {
	skewed := func() time.Time { return time.Now().Add(time.Duration(w.skew.Load())) }
	from.Now, in.Now = skewed, skewed
	to.MaxPageSize = 8
	to.Dir = "" // everything in memory: the simulators are never killed
	in.Dir = ""
}

// openDatabase makes a PostgreSQL server, or a disk for SQLite.
func (w *World) openDatabase(ctx context.Context, dir string) (url string, err error) {
	if w.database == plan.PostgreSQL {
		if w.postgres, err = pgtest.Start(); err != nil {
			return "", err
		}
		return w.postgres.Create(ctx, "kvitt")
	}
	path := filepath.Join(dir, "disk")
	if w.disk, err = newDisk(path); err != nil {
		fmt.Fprintf(w.log, "No disk can be filled here: %v\n", err)
		w.disk, err = nil, os.MkdirAll(path, 0o700)
	}
	return "sqlite:" + filepath.Join(path, "kvitt.db"), err
}

// look opens the rig's own access to the database and to Temporal.
func (w *World) look(ctx context.Context, url string) (err error) {
	text, err := os.ReadFile(filepath.Join(w.Dir, "keyset.json"))
	if err != nil {
		return err
	}
	keys, err := vault.Open(strings.TrimSpace(string(text)))
	if err != nil {
		return err
	}
	if w.store, err = store.Open(ctx, url); err != nil {
		return err
	}
	w.temporal, err = client.DialContext(ctx, client.Options{
		HostPort: w.Temporal.Address, Logger: stack.Quiet{}, DataConverter: keys.DataConverter(), FailureConverter: keys.FailureConverter(),
	})
	return err
}

// hire starts the workers and waits until they are ready.
func (w *World) hire(ctx context.Context, o Options) error {
	n := o.Workers
	switch {
	case w.database == plan.SQLite:
		n = 1
	case n == 0:
		n = 2
	}
	for range n {
		k, err := keep(context.WithoutCancel(ctx), w.Stack)
		if err != nil {
			return err
		}
		w.workers = append(w.workers, k)
		if !eventually(ctx, time.Minute, func() bool { k.mu.Lock(); defer k.mu.Unlock(); return k.process != nil }) {
			return errors.New("start a worker of the rig: it is not ready after a minute")
		}
	}
	return nil
}

// Close stops everything and returns what was not in order.
func (w *World) Close() (trouble []string) {
	for _, k := range w.workers {
		trouble = append(trouble, k.end()...)
	}
	if w.Stack != nil && w.Providers != nil {
		if !eventually(context.Background(), 10*time.Second, func() bool { return w.Connections() == 0 }) {
			trouble = append(trouble, fmt.Sprintf("%d connections to the providers are still open after the workers have ended", w.Connections()))
		}
	}
	if w.temporal != nil {
		w.temporal.Close()
	}
	if w.store != nil {
		if err := w.store.VerifyAudit(context.Background()); err != nil {
			trouble = append(trouble, err.Error())
		}
		_ = w.store.Close()
	}
	dir := ""
	if w.Stack != nil {
		dir = w.Dir
		if err := w.Stack.Close(); err != nil {
			trouble = append(trouble, err.Error())
		}
	}
	if w.postgres != nil {
		w.postgres.Stop()
	}
	if w.disk != nil {
		w.disk.remove()
	}
	if dir != "" {
		_ = os.RemoveAll(dir)
	}
	return trouble
}

func (w *World) struck(name, server, path string) {
	w.strikes.Lock()
	f := w.strikes.f
	w.strikes.Unlock()
	if f != nil {
		f(name, server, path)
	}
}

// onStrike makes f receive strikes; nil: nobody receives them.
func (w *World) onStrike(f func(name, server, path string)) {
	w.strikes.Lock()
	defer w.strikes.Unlock()
	w.strikes.f = f
}

// companies makes companies without subaccounts, because the presets name none.
func companies(n int) []vismasim.Company {
	all := make([]vismasim.Company, n)
	for i := range all {
		all[i] = vismasim.SwedishCompany(fmt.Sprintf("00000000-0000-4000-9000-%012d", i+1), fmt.Sprintf("Prov %03d AB", i+1))
		all[i].CorporateID, all[i].Number = fmt.Sprintf("55%08d", i+1), fmt.Sprintf("09%08d", i+1)
		all[i].Segments = nil
	}
	return all
}

// eventually waits until a condition holds, and reports whether it does.
func eventually(ctx context.Context, patience time.Duration, holds func() bool) bool {
	for deadline := time.Now().Add(patience); time.Now().Before(deadline) && ctx.Err() == nil; pause(ctx, 50*time.Millisecond) {
		if holds() {
			return true
		}
	}
	return holds()
}
