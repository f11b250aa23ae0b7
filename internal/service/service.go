// Package service is the worker process: the Temporal worker, the codec
// endpoint for Temporal's Web UI, metrics and health.
//
// It wires and supervises; what is done is decided elsewhere. It must never
// start half: a setting, a database or a keyset that does not fit stops it
// with one line that says what helps.
package service

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"time"

	"github.com/prometheus/client_golang/prometheus/promhttp"
	"go.temporal.io/sdk/client"
	"go.temporal.io/sdk/worker"
	"go.temporal.io/sdk/workflow"
	"go.uber.org/zap"
	"golang.org/x/sync/errgroup"

	"kvitt/activities"
	"kvitt/internal/access"
	"kvitt/internal/config"
	"kvitt/internal/notify"
	"kvitt/internal/operate"
	"kvitt/internal/store"
	"kvitt/internal/telemetry"
	"kvitt/internal/vault"
	"kvitt/workflows"
)

// stopWithin is how long running activities may take to end when the process
// is told to stop. What does not end is taken up again elsewhere.
const stopWithin = 30 * time.Second

// settleWithin is how long a refresh that is under way then may take to be
// saved.
const settleWithin = 10 * time.Second

// Run serves until ctx ends. It returns nil after an orderly stop.
func Run(ctx context.Context, c *config.Config) error {
	log, err := telemetry.NewLogger(c.LogLevel, c.LogFormat)
	if err != nil {
		return err
	}
	if len(c.Unread) > 0 {
		log.Warn("settings that nobody reads; mistyped?", zap.Strings("variables", c.Unread))
	}
	defer func() { _ = log.Sync() }()

	parts, err := open(ctx, c, log)
	if err != nil {
		return err
	}
	defer parts.close()

	g, ctx := errgroup.WithContext(ctx)
	if c.Has(config.Worker) {
		g.Go(func() error { return parts.work(ctx) })
	}
	if c.Has(config.Portal) {
		pages, err := parts.portal(ctx)
		if err != nil {
			return err
		}
		g.Go(func() error { return serve(ctx, "portal", c.PortalAddr, pages, log) })
	}
	g.Go(func() error { return serve(ctx, "metrics", c.MetricsAddr, parts.operator(), log) })
	return g.Wait()
}

// parts are what the process is made of.
type parts struct {
	config   *config.Config
	log      *zap.Logger
	store    *store.Store
	keys     *vault.Keyring
	vault    *vault.Vault
	doors    *access.Doors
	temporal client.Client
	asks     operate.Temporal
	metrics  http.Handler
}

func open(ctx context.Context, c *config.Config, log *zap.Logger) (*parts, error) {
	keys, err := vault.Open(c.Keyset.Reveal())
	if err != nil {
		return nil, err
	}
	s, err := store.Open(ctx, c.DatabaseURL.Reveal())
	if err != nil {
		return nil, err
	}
	if s.Pooled() {
		log.Info("a connection pooler stands before PostgreSQL: statements are not prepared", zap.String("database", s.Name()))
	}
	p := &parts{config: c, log: log, store: s, keys: keys}
	v := vault.New(keys, s)
	if err := s.Ready(ctx); err != nil {
		p.close()
		return nil, err
	}
	if err := v.Check(ctx); err != nil {
		p.close()
		return nil, err
	}
	registry, handler, err := telemetry.NewRegistry()
	if err != nil {
		p.close()
		return nil, err
	}
	registry.MustRegister(telemetry.BooksCollector{Books: s})
	p.metrics = promhttp.HandlerFor(registry, promhttp.HandlerOpts{ErrorHandling: promhttp.ContinueOnError})
	p.vault = v
	p.doors = &access.Doors{Store: s, Vault: v, Config: c}
	var options client.Options
	if p.temporal, err = Dial(ctx, keys, func(o *client.Options) {
		o.Logger, o.MetricsHandler = telemetry.ForTemporal(log), handler
		options = *o
	}); err != nil {
		p.close()
		return nil, err
	}
	p.asks = operate.Serve(p.temporal, &options, c.TaskQueue)
	return p, nil
}

func (p *parts) close() {
	if p.temporal != nil {
		p.temporal.Close()
	}
	if p.doors != nil {
		ending, cancel := context.WithTimeout(context.Background(), settleWithin)
		defer cancel()
		p.doors.Settle(ending)
	}
	_ = p.store.Close()
}

// Dial connects to Temporal as its own tools do, with our payload codec.
func Dial(ctx context.Context, keys *vault.Keyring, adjust ...func(*client.Options)) (client.Client, error) {
	o, err := config.TemporalOptions()
	if err != nil {
		return nil, err
	}
	o.DataConverter, o.FailureConverter = keys.DataConverter(), keys.FailureConverter()
	for _, a := range adjust {
		a(&o)
	}
	ctx, cancel := context.WithTimeout(ctx, 10*time.Second)
	defer cancel()
	c, err := client.DialContext(ctx, o)
	if err != nil {
		return nil, operate.Unreachable(&o, err)
	}
	return c, nil
}

// work runs the Temporal worker until ctx ends or the worker cannot go on.
func (p *parts) work(ctx context.Context) error {
	fatal := make(chan error, 1)
	w := worker.New(p.temporal, p.config.TaskQueue, worker.Options{
		MaxConcurrentActivityExecutionSize: p.config.Activities,
		WorkerStopTimeout:                  stopWithin,
		DeploymentOptions:                  deployment(p.config),
		OnFatalError: func(err error) {
			select {
			case fatal <- err:
			default:
			}
		},
	})
	channels, err := notify.Channels(p.config, nil)
	if err != nil {
		return err
	}
	if len(channels) == 0 {
		p.log.Info("notices go to this log only: neither KVITT_SMTP_URL nor KVITT_WEBHOOK_URL is set")
	}
	workflows.Register(w)
	activities.Register(w, p.doors, p.temporal, activities.Settings{
		UnknownWait: p.config.UnknownWait, TaskQueue: p.config.TaskQueue, PublicURL: p.config.PublicURL, Channels: channels,
		SyncLimit: p.config.SyncLimit, GrantWarning: p.config.GrantWarning, GrantLifetime: p.config.GrantLifetime,
	})
	if err := w.Start(); err != nil {
		return fmt.Errorf("start the worker on task queue %s: %w", p.config.TaskQueue, err)
	}
	p.log.Info("worker started", zap.String("task_queue", p.config.TaskQueue), zap.String("deployment", p.config.Deployment), zap.String("build_id", p.config.BuildID))
	defer w.Stop()
	select {
	case <-ctx.Done():
		p.log.Info("worker stops: running activities end first", zap.Duration("at_most", stopWithin))
		return nil
	case err := <-fatal:
		return fmt.Errorf("run the worker on task queue %s: %w", p.config.TaskQueue, err)
	}
}

// deployment says which version this worker is, where workers have versions.
// Every workflow goes on with the current version: payouts and connections stay
// open for longer than a version runs.
func deployment(c *config.Config) worker.DeploymentOptions {
	if c.Deployment == "" {
		return worker.DeploymentOptions{}
	}
	return worker.DeploymentOptions{
		UseVersioning:             true,
		Version:                   worker.WorkerDeploymentVersion{DeploymentName: c.Deployment, BuildID: c.BuildID},
		DefaultVersioningBehavior: workflow.VersioningBehaviorAutoUpgrade,
	}
}

// operator serves metrics and health.
func (p *parts) operator() http.Handler {
	mux := http.NewServeMux()
	mux.Handle("GET /metrics", p.metrics)
	mux.HandleFunc("GET /healthz", func(w http.ResponseWriter, _ *http.Request) { fmt.Fprintln(w, "ok") })
	mux.HandleFunc("GET /readyz", func(w http.ResponseWriter, r *http.Request) {
		ctx, cancel := context.WithTimeout(r.Context(), 3*time.Second)
		defer cancel()
		_, err := p.temporal.CheckHealth(ctx, &client.CheckHealthRequest{})
		if err := errors.Join(p.store.Ping(ctx), err); err != nil {
			http.Error(w, "not ready: the database or Temporal does not answer", http.StatusServiceUnavailable)
			p.log.Warn("not ready", zap.Error(err))
			return
		}
		fmt.Fprintln(w, "ready")
	})
	return mux
}

// serve runs an HTTP server until ctx ends.
func serve(ctx context.Context, what, addr string, h http.Handler, log *zap.Logger) error {
	var listen net.ListenConfig
	l, err := listen.Listen(ctx, "tcp", addr)
	if err != nil {
		return fmt.Errorf("serve the %s at %s: %w. Free the address or choose another one", what, addr, err)
	}
	log.Info("serving", zap.String("what", what), zap.String("address", l.Addr().String()))
	server := &http.Server{Handler: h, ReadHeaderTimeout: 10 * time.Second}
	stopped := make(chan struct{})
	go func() {
		defer close(stopped)
		<-ctx.Done()
		ending, cancel := context.WithTimeout(context.WithoutCancel(ctx), 5*time.Second)
		defer cancel()
		_ = server.Shutdown(ending)
	}()
	if err := server.Serve(l); !errors.Is(err, http.ErrServerClosed) {
		return fmt.Errorf("serve the %s at %s: %w", what, addr, err)
	}
	<-stopped
	return nil
}
