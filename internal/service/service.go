// Package service is the worker process: the Temporal worker, the portal with the codec endpoint,
// Temporal's Web UI for people who are signed in, metrics and health.
//
// It wires the parts together and supervises them; the work itself is done in other packages. It must
// never start half: an unusable setting, database or keyset stops it with one line that says what helps.
package service

import (
	"context"
	"errors"
	"fmt"
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
	"kvitt/internal/trail"
	"kvitt/internal/vault"
	"kvitt/internal/web"
	"kvitt/workflows"
)

// stopWithin is the time running activities have to end when the process stops. Activities that do not end
// are retried elsewhere.
const stopWithin = 30 * time.Second

// settleWithin is the time a token refresh that is under way then has to be saved.
const settleWithin = 10 * time.Second

// Run serves until ctx ends. It returns nil after an orderly stop.
func Run(ctx context.Context, c *config.Config) error {
	log, err := telemetry.NewLogger(c.LogLevel, c.LogFormat)
	if err != nil {
		return err
	}
	if len(c.Unread) > 0 {
		log.Warn("unknown settings; mistyped?", zap.Strings("variables", c.Unread))
	}
	if len(c.Loose) > 0 {
		log.Warn("secrets that every user of this machine can read; chmod 600 the files", zap.Strings("variables", c.Loose))
	}
	defer func() { _ = log.Sync() }()

	parts, err := open(ctx, c, log)
	if err != nil {
		return err
	}
	defer parts.close()

	g, ctx := errgroup.WithContext(ctx)
	g.Go(func() error { parts.mark(ctx); return nil })
	if c.Has(config.Worker) {
		g.Go(func() error { return parts.work(ctx) })
	}
	if c.Has(config.Portal) {
		pages, gate, err := parts.portal(ctx)
		if err != nil {
			return err
		}
		ui, err := parts.ui(gate)
		if err != nil {
			return err
		}
		bounds := web.Standard()
		bounds.Proxies = c.TrustedProxies
		if ui != nil {
			g.Go(func() error { return web.Serve(ctx, "Temporal Web UI", c.UIAddr, ui, bounds, log) })
		}
		g.Go(func() error { return web.Serve(ctx, "portal", c.PortalAddr, pages, bounds, log) })
	}
	g.Go(func() error {
		return web.Serve(ctx, "metrics", c.MetricsAddr, web.Watch("metrics", log, parts.operator()), web.Quiet(), log)
	})
	return g.Wait()
}

// mark records, sealed, the end of the audit trail, now and every hour.
func (p *parts) mark(ctx context.Context) {
	marks := trail.Marks{Vault: p.vault, Keeper: p.store}
	tick := time.NewTicker(time.Hour)
	defer tick.Stop()
	for {
		if err := marks.Set(ctx); err != nil && ctx.Err() == nil {
			p.log.Warn("the end of the audit trail could not be marked", zap.Error(err))
		}
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
	}
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
		log.Info("PostgreSQL is reached through a connection pooler: statements are not prepared", zap.String("database", s.Name()))
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
	registry.MustRegister(telemetry.BooksCollector{Books: s}, web.Metrics())
	p.metrics = promhttp.HandlerFor(registry, promhttp.HandlerOpts{ErrorHandling: promhttp.ContinueOnError, MaxRequestsInFlight: 4, Timeout: 20 * time.Second})
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

// Dial connects to Temporal as Temporal's own tools do, with Kvitt's payload codec.
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
		p.log.Info("stopping the worker after the running activities", zap.Duration("at_most", stopWithin))
		return nil
	case err := <-fatal:
		return fmt.Errorf("run the worker on task queue %s: %w", p.config.TaskQueue, err)
	}
}

// deployment returns this worker's version where workers are versioned. Every workflow continues on the
// current version: payouts and connections stay open for longer than a version runs.
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
