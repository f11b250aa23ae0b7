// Package telemetry reports what Kvitt does: structured logs with zap, and Prometheus metrics. Neither may
// ever carry a secret, a name or an amount: only ids, states and codes.
package telemetry

import (
	"fmt"
	"log/slog"

	sdklog "go.temporal.io/sdk/log"
	"go.uber.org/zap"
	"go.uber.org/zap/exp/zapslog"
	"go.uber.org/zap/zapcore"
)

// NewLogger returns a logger that writes to standard error. Format is json or console.
func NewLogger(level, format string) (*zap.Logger, error) {
	var l zapcore.Level
	if err := l.UnmarshalText([]byte(level)); err != nil {
		return nil, fmt.Errorf("start logging: %q is not a level; use debug, info, warn or error", level)
	}
	c := zap.NewProductionConfig()
	c.Level = zap.NewAtomicLevelAt(l)
	c.Encoding = format
	c.EncoderConfig.EncodeTime = zapcore.RFC3339TimeEncoder
	c.EncoderConfig.TimeKey = "time"
	c.EncoderConfig.MessageKey = "message"
	c.Sampling = nil
	c.DisableStacktrace = true
	c.DisableCaller = true
	return c.Build()
}

// ForTemporal lets the Temporal SDK log through zap.
func ForTemporal(l *zap.Logger) sdklog.Logger {
	const never = slog.LevelError + 1 // an error that is retried needs no stack trace
	return sdklog.NewStructuredLogger(slog.New(zapslog.NewHandler(l.Core(), zapslog.AddStacktraceAt(never))))
}
