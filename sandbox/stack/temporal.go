package stack

import (
	"context"
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"path/filepath"

	"go.temporal.io/sdk/client"
)

// The official CLI with its development server, as the module proxy serves it.
const (
	temporalVersion = "v1.5.1"
	temporalModule  = "github.com/temporalio/cli/cmd/temporal"
)

// TemporalServer is a running development server.
type TemporalServer struct {
	*Process
	Address string
	UI      string // URL of the Web UI
}

// TemporalPath finds the official CLI: on PATH, or in bin/; otherwise it builds it once.
func TemporalPath(ctx context.Context, module string, log io.Writer) (string, error) {
	if path, err := exec.LookPath("temporal"); err == nil {
		return path, nil
	}
	bin := filepath.Join(module, "bin")
	path := filepath.Join(bin, "temporal")
	if _, err := os.Stat(path); err == nil {
		return path, nil
	}
	fmt.Fprintf(log, "Building the Temporal development server %s into bin/: about 8 minutes, only this time. To skip it, put Temporal's CLI on PATH.\n", temporalVersion)
	cmd := exec.CommandContext(ctx, "go", "install", temporalModule+"@"+temporalVersion)
	cmd.Dir, cmd.Env = module, append(os.Environ(), "GOBIN="+bin, "GOFLAGS=")
	if out, err := cmd.CombinedOutput(); err != nil {
		return "", fmt.Errorf("build the Temporal development server: %w\n%s", err, out)
	}
	return path, nil
}

// StartTemporal runs the development server. Its database is in dir; codec, if given, is the address at
// which its Web UI decodes payloads.
func StartTemporal(ctx context.Context, path, dir, address, ui, codec string) (*TemporalServer, error) {
	_, port, err := net.SplitHostPort(address)
	if err != nil {
		return nil, fmt.Errorf("start Temporal: %w", err)
	}
	args := []string{
		"server", "start-dev", "--ip", "127.0.0.1", "--port", port, "--log-level", "error",
		"--db-filename", filepath.Join(dir, "temporal.db"), "--sqlite-pragma", "synchronous=OFF", "--sqlite-pragma", "journal_mode=WAL",
		// The development server has one shard, and a shard looks for work at most 20 times a second by
		// default: 50 ms for each step of a workflow. A cluster has hundreds of shards.
		"--dynamic-config-value", "history.transferProcessorMaxPollRPS=1000",
		"--dynamic-config-value", "history.timerProcessorMaxPollRPS=1000",
		"--dynamic-config-value", "matching.enableFairness=true",
	}
	t := &TemporalServer{Address: address}
	if ui == "" {
		args = append(args, "--headless")
	} else {
		_, uiPort, err := net.SplitHostPort(ui)
		if err != nil {
			return nil, fmt.Errorf("start Temporal: %w", err)
		}
		t.UI = "http://" + ui
		args = append(args, "--ui-port", uiPort)
	}
	if codec != "" {
		args = append(args, "--ui-codec-endpoint", codec)
	}
	if t.Process, err = start("Temporal", path, args, os.Environ(), nil); err != nil {
		return nil, err
	}
	err = within(ctx, t.Process, func(ctx context.Context) error {
		c, err := client.DialContext(ctx, client.Options{HostPort: address, Logger: Quiet{}})
		if err == nil {
			c.Close()
		}
		return err
	})
	if err != nil {
		t.Kill()
		return nil, err
	}
	return t, nil
}

// Quiet is a logger that discards everything, for a server that is not up yet.
type Quiet struct{}

// Debug discards the message.
func (Quiet) Debug(string, ...any) {}

// Info discards the message.
func (Quiet) Info(string, ...any) {}

// Warn discards the message.
func (Quiet) Warn(string, ...any) {}

// Error discards the message.
func (Quiet) Error(string, ...any) {}
