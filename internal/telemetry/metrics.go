package telemetry

import (
	"context"
	"fmt"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
	otelprom "go.opentelemetry.io/otel/exporters/prometheus"
	"go.opentelemetry.io/otel/sdk/metric"
	"go.temporal.io/sdk/client"
	temporalotel "go.temporal.io/sdk/contrib/opentelemetry"

	"kvitt/internal/store"
)

// NewRegistry returns a registry with the process's own metrics and those of the Temporal SDK, whose
// handler it returns too.
func NewRegistry() (*prometheus.Registry, client.MetricsHandler, error) {
	registry := prometheus.NewRegistry()
	registry.MustRegister(collectors.NewGoCollector(), collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}))
	exporter, err := otelprom.New(otelprom.WithRegisterer(registry), otelprom.WithoutScopeInfo())
	if err != nil {
		return nil, nil, fmt.Errorf("start metrics: %w", err)
	}
	meters := metric.NewMeterProvider(metric.WithReader(exporter))
	return registry, temporalotel.NewMetricsHandler(temporalotel.MetricsHandlerOptions{Meter: meters.Meter("temporal")}), nil
}

// Books is the source of the metrics about payouts and connections; *store.Store is one.
type Books interface {
	Connections(ctx context.Context) ([]store.Connection, error)
	PayoutCounts(ctx context.Context) ([]store.PayoutCount, error)
	LastSuccessfulSync(ctx context.Context, connection string) (*store.SyncRun, error)
}

// BooksCollector reads payouts and connections when it is collected, so that the numbers are right
// whichever process answers, and a stopped worker can be noticed from outside.
type BooksCollector struct{ Books Books }

var (
	payouts    = prometheus.NewDesc("kvitt_payouts", "Payouts by state.", []string{"connection", "state"}, nil)
	heldBy     = prometheus.NewDesc("kvitt_held", "Held payouts by reason.", []string{"connection", "reason"}, nil)
	warnedOf   = prometheus.NewDesc("kvitt_payouts_with_warnings", "Payouts with warnings about Klarna's answers; `starter payout show` lists them.", []string{"connection"}, nil)
	connection = prometheus.NewDesc("kvitt_connection", "1 for the state a connection is in.", []string{"connection", "state"}, nil)
	lastSync   = prometheus.NewDesc("kvitt_last_successful_sync_timestamp_seconds", "Time of a connection's last successful sync; 0 if never.", []string{"connection"}, nil)
)

const collectFor = 5 * time.Second

// Describe implements prometheus.Collector.
func (c BooksCollector) Describe(out chan<- *prometheus.Desc) {
	for _, d := range []*prometheus.Desc{payouts, heldBy, warnedOf, connection, lastSync} {
		out <- d
	}
}

// Collect implements prometheus.Collector.
func (c BooksCollector) Collect(out chan<- prometheus.Metric) {
	ctx, cancel := context.WithTimeout(context.Background(), collectFor)
	defer cancel()
	gauge := func(d *prometheus.Desc, value int64, labels ...string) {
		out <- prometheus.MustNewConstMetric(d, prometheus.GaugeValue, float64(value), labels...)
	}
	counts, err := c.Books.PayoutCounts(ctx)
	if err != nil {
		out <- prometheus.NewInvalidMetric(payouts, err)
		return
	}
	states, held, warned := map[[2]string]int64{}, map[[2]string]int64{}, map[string]int64{}
	for _, n := range counts {
		states[[2]string{n.ConnectionID, n.State}] += n.Payouts
		warned[n.ConnectionID] += n.Warned
		if n.HeldReason != "" {
			held[[2]string{n.ConnectionID, n.HeldReason}] += n.Payouts
		}
	}
	for key, n := range states {
		gauge(payouts, n, key[0], key[1])
	}
	for key, n := range held {
		gauge(heldBy, n, key[0], key[1])
	}
	for id, n := range warned {
		gauge(warnedOf, n, id)
	}
	all, err := c.Books.Connections(ctx)
	if err != nil {
		out <- prometheus.NewInvalidMetric(connection, err)
		return
	}
	for _, one := range all {
		gauge(connection, 1, one.ID, one.State)
		last := int64(0)
		if run, err := c.Books.LastSuccessfulSync(ctx, one.ID); err == nil && run != nil && run.FinishedAt != nil {
			last = run.FinishedAt.Unix()
		}
		gauge(lastSync, last, one.ID)
	}
}
