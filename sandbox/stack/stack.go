package stack

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	enumspb "go.temporal.io/api/enums/v1"
	"go.temporal.io/sdk/client"

	"kvitt/internal/vault"
)

// Stack is the whole system, running.
type Stack struct {
	*Providers
	Temporal *TemporalServer
	Dir      string
	Portal   string // address
	Metrics  string // address of the first worker
	Env      []string

	o       Options
	bin     string
	remove  bool
	mu      sync.Mutex
	workers []*Process
}

// Start starts everything except the worker, and runs `starter setup`, which creates its database.
func Start(ctx context.Context, o Options) (s *Stack, err error) {
	s = &Stack{o: o, Dir: o.Dir}
	defer func() {
		if err != nil {
			_ = s.Close()
		}
	}()
	if s.Dir == "" {
		s.remove = true
		if s.Dir, err = os.MkdirTemp("", "kvitt-sandbox-"); err != nil {
			return s, fmt.Errorf("start the sandbox: %w", err)
		}
	} else if err = os.MkdirAll(s.Dir, 0o700); err != nil {
		return s, fmt.Errorf("start the sandbox: %w", err)
	}
	if s.bin = o.Bin; s.bin == "" {
		s.say("Building worker and starter.")
		s.bin = s.Dir
		if err = Build(ctx, o.Module, s.bin); err != nil {
			return s, err
		}
	}
	if s.Portal, err = Claim("portal", o.Ports.Portal); err != nil {
		return s, err
	}
	if _, port, err := net.SplitHostPort(s.Portal); err == nil {
		o.Ports.Portal, _ = strconv.Atoi(port) // Visma Connect sends browsers back there
	}
	if s.Providers, err = StartProviders(o, s.Dir); err != nil {
		return s, err
	}
	if s.Metrics, err = Claim("metrics", o.Ports.Metrics); err != nil {
		return s, err
	}
	if err = s.startTemporal(ctx); err != nil {
		return s, err
	}
	s.Env, err = s.environment()
	return s, err
}

func (s *Stack) startTemporal(ctx context.Context) error {
	path, err := TemporalPath(ctx, s.o.Module, s.o.Log)
	if err != nil {
		return err
	}
	address, err := Claim("temporal", s.o.Ports.Temporal)
	if err != nil {
		return err
	}
	ui, err := Claim("ui", s.o.Ports.UI)
	if err != nil {
		return err
	}
	s.say("Starting Temporal.")
	s.Temporal, err = StartTemporal(ctx, path, s.Dir, address, ui, "http://"+s.Portal+"/codec")
	return err
}

// RestartTemporal kills Temporal, as a crash would, and starts it again at the same address with the same
// database.
func (s *Stack) RestartTemporal(ctx context.Context) error {
	s.Temporal.Kill()
	path, err := TemporalPath(ctx, s.o.Module, s.o.Log)
	if err != nil {
		return err
	}
	again, err := StartTemporal(ctx, path, s.Dir, s.Temporal.Address, strings.TrimPrefix(s.Temporal.UI, "http://"), "http://"+s.Portal+"/codec")
	if err != nil {
		return err
	}
	s.Temporal = again
	return nil
}

// environment returns the settings of worker and starter. Secrets are in files.
func (s *Stack) environment() ([]string, error) {
	keyset := filepath.Join(s.Dir, "keyset.json")
	if _, err := os.Stat(keyset); err != nil {
		text, err := vault.NewKeyset()
		if err != nil {
			return nil, err
		}
		if err := os.WriteFile(keyset, []byte(text+"\n"), 0o600); err != nil {
			return nil, fmt.Errorf("save the sandbox's keyset: %w", err)
		}
	}
	settings := []string{
		"KVITT_DATABASE_URL=sqlite:" + filepath.Join(s.Dir, "kvitt.db"),
		"KVITT_KEYSET_FILE=" + keyset,
		"KVITT_PORTAL_ADDR=" + s.Portal,
		"KVITT_PUBLIC_URL=http://" + s.Portal,
		"KVITT_METRICS_ADDR=" + s.Metrics,
		"KVITT_KLARNA_BASE_URL=" + s.KlarnaURL,
		"KVITT_VISMA_API_URL=" + s.VismaURL,
		"KVITT_VISMA_CONNECT_URL=" + s.ConnectURL,
		"KVITT_VISMA_CLIENT_ID=" + ClientID,
		"KVITT_VISMA_CLIENT_SECRET_FILE=" + filepath.Join(s.Dir, "client.secret"),
		"KVITT_LOG_FORMAT=console",
		"KVITT_LOG_LEVEL=warn",
		"KVITT_CODEC_AUTH=loopback",
		"KVITT_UI_ORIGIN=" + s.Temporal.UI,
		"KVITT_UNKNOWN_WAIT=1m",
		"TEMPORAL_ADDRESS=" + s.Temporal.Address,
		"TEMPORAL_NAMESPACE=default",
	}
	return append(settings, s.o.Environment...), nil
}

// full returns settings in an environment that has no other settings of Kvitt or Temporal.
func full(settings []string) []string {
	var env []string
	for _, e := range os.Environ() {
		if !strings.HasPrefix(e, "KVITT_") && !strings.HasPrefix(e, "TEMPORAL_") {
			env = append(env, e)
		}
	}
	return append(env, settings...)
}

// StartWorker runs a worker. The first one gets the portal's and the metrics' address, further ones any.
func (s *Stack) StartWorker(ctx context.Context, more ...string) (*Process, error) {
	s.mu.Lock()
	first := len(s.workers) == 0
	s.mu.Unlock()
	env := append(full(s.Env), more...)
	metrics := s.Metrics
	if !first {
		var err error
		if metrics, err = Claim("metrics", 0); err != nil {
			return nil, err
		}
		env = append(env, "KVITT_METRICS_ADDR="+metrics, "KVITT_ROLES=worker")
	}
	p, err := start("worker", filepath.Join(s.bin, "worker"), nil, env, s.o.Log)
	if err != nil {
		return nil, err
	}
	p.Metrics = metrics
	s.mu.Lock()
	s.workers = append(slices.DeleteFunc(s.workers, (*Process).over), p)
	s.mu.Unlock()
	err = within(ctx, p, func(ctx context.Context) error { return answers(ctx, "http://"+metrics+"/readyz") })
	if err != nil || !first {
		return p, err
	}
	return p, s.awaitPoll(ctx, p)
}

// RestartWorker kills the first worker, as a crash would, and starts it again at the same addresses.
func (s *Stack) RestartWorker(ctx context.Context) error {
	s.mu.Lock()
	old := s.workers[0]
	s.mu.Unlock()
	old.Kill()
	<-old.Done()
	p, err := start("worker", filepath.Join(s.bin, "worker"), nil, full(s.Env), s.o.Log)
	if err != nil {
		return err
	}
	s.mu.Lock()
	s.workers[0] = p
	s.mu.Unlock()
	return within(ctx, p, func(ctx context.Context) error { return answers(ctx, "http://"+s.Metrics+"/readyz") })
}

// taskQueue is the default task queue of worker and starter.
const taskQueue = "kvitt"

// awaitPoll waits until Temporal has seen a worker, which happens shortly after the worker is ready: a
// command before that would report that there is no worker.
func (s *Stack) awaitPoll(ctx context.Context, p *Process) error {
	c, err := client.DialContext(ctx, client.Options{HostPort: s.Temporal.Address, Logger: Quiet{}})
	if err != nil {
		return fmt.Errorf("wait for the worker: %w", err)
	}
	defer c.Close()
	return within(ctx, p, func(ctx context.Context) error {
		for _, kind := range []enumspb.TaskQueueType{enumspb.TASK_QUEUE_TYPE_WORKFLOW, enumspb.TASK_QUEUE_TYPE_ACTIVITY} {
			queue, err := c.DescribeTaskQueue(ctx, taskQueue, kind)
			if err != nil {
				return err
			}
			if len(queue.GetPollers()) == 0 {
				return errors.New("it has not asked Temporal for work yet")
			}
		}
		return nil
	})
}

func answers(ctx context.Context, url string) error {
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, url, http.NoBody)
	if err != nil {
		return err
	}
	answer, err := http.DefaultClient.Do(request)
	if err != nil {
		return err
	}
	defer answer.Body.Close()
	if answer.StatusCode != http.StatusOK {
		return fmt.Errorf("%s answered %s", url, answer.Status)
	}
	return nil
}

// Command returns the command line, ready to run with the stack's settings. Ending ctx acts as Ctrl-C.
func (s *Stack) Command(ctx context.Context, args ...string) *exec.Cmd {
	cmd := exec.CommandContext(ctx, filepath.Join(s.bin, "starter"), args...)
	cmd.Env = full(s.Env)
	cmd.SysProcAttr = ownGroup()
	cmd.Cancel = func() error { return cmd.Process.Signal(os.Interrupt) }
	cmd.WaitDelay = 5 * time.Second
	return cmd
}

// Starter runs the command line once. Its exit status is an *ExitError.
func (s *Stack) Starter(ctx context.Context, stdin io.Reader, stdout, stderr io.Writer, args ...string) error {
	cmd := s.Command(ctx, args...)
	cmd.Stdin, cmd.Stdout, cmd.Stderr = stdin, stdout, stderr
	return cmd.Run()
}

// Ask runs the command line once and returns what it wrote to standard output.
func (s *Stack) Ask(ctx context.Context, args ...string) ([]byte, error) {
	var out, errs bytes.Buffer
	if err := s.Starter(ctx, nil, &out, &errs, args...); err != nil {
		return out.Bytes(), fmt.Errorf("starter %s: %w\n%s", strings.Join(args, " "), err, errs.String())
	}
	return out.Bytes(), nil
}

// Close stops everything in order: workers, Temporal, the providers.
func (s *Stack) Close() error {
	s.mu.Lock()
	workers := s.workers
	s.mu.Unlock()
	for _, w := range workers {
		w.Stop()
	}
	var errs []error
	if s.Temporal != nil && s.Temporal.Process != nil {
		s.Temporal.Stop()
	}
	if s.Providers != nil {
		errs = append(errs, s.Providers.Close())
	}
	if s.remove && s.Dir != "" {
		errs = append(errs, os.RemoveAll(s.Dir))
	}
	return errors.Join(errs...)
}

func (s *Stack) say(words string) { fmt.Fprintln(s.o.Log, words) }

// Workers returns the workers that were started, in order.
func (s *Stack) Workers() []*Process {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Clone(s.workers)
}
