package stack

import (
	"context"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"time"
)

// Process is a running program of the stack.
type Process struct {
	name string
	cmd  *exec.Cmd
	done chan struct{}
	err  error
	tail *tail

	Metrics string // address of a worker's metrics
}

// start runs a program in its own process group that dies with this process.
func start(name, path string, args, env []string, out io.Writer) (*Process, error) {
	p := &Process{name: name, done: make(chan struct{}), tail: &tail{to: out}}
	p.cmd = exec.Command(path, args...) //nolint:noctx // stopped by Stop and Kill, in order
	p.cmd.Env, p.cmd.Stdout, p.cmd.Stderr = env, p.tail, p.tail
	p.cmd.SysProcAttr = ownGroup()
	p.cmd.WaitDelay = 5 * time.Second
	if err := p.cmd.Start(); err != nil {
		return nil, fmt.Errorf("start %s: %w", name, err)
	}
	go func() {
		defer close(p.done)
		p.err = p.cmd.Wait()
	}()
	return p, nil
}

// Done is closed when the process has ended.
func (p *Process) Done() <-chan struct{} { return p.done }

func (p *Process) over() bool {
	select {
	case <-p.done:
		return true
	default:
		return false
	}
}

// Ended returns how the process ended, with its last output.
func (p *Process) Ended() error {
	<-p.done
	if p.err == nil {
		return fmt.Errorf("%s ended unexpectedly (exit status 0): %s", p.name, p.tail)
	}
	return fmt.Errorf("%s ended unexpectedly (%w): %s", p.name, p.err, p.tail)
}

// Stop asks the process to end and waits; a process that does not end is killed.
func (p *Process) Stop() {
	_ = p.cmd.Process.Signal(os.Interrupt)
	select {
	case <-p.done:
	case <-time.After(20 * time.Second):
		p.Kill()
	}
}

// Kill ends the process at once, as a crash would.
func (p *Process) Kill() {
	killGroup(p.cmd.Process)
	<-p.done
}

// tail keeps the last output of a process and passes everything on.
type tail struct {
	mu   sync.Mutex
	to   io.Writer
	last []byte
}

func (t *tail) Write(b []byte) (int, error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	const most = 4 << 10
	t.last = append(t.last, b...)
	if len(t.last) > most {
		t.last = t.last[len(t.last)-most:]
	}
	if t.to != nil {
		return t.to.Write(b)
	}
	return len(b), nil
}

func (t *tail) String() string {
	t.mu.Lock()
	defer t.mu.Unlock()
	return strings.TrimSpace(string(t.last))
}

// Build compiles worker and starter into dir, with further flags of go build.
func Build(ctx context.Context, module, dir string, flags ...string) error {
	args := append([]string{"build", "-o", dir + string(filepath.Separator)}, flags...)
	cmd := exec.CommandContext(ctx, "go", append(args, "./worker", "./starter")...) //nolint:gosec // our own flags
	cmd.Dir = module
	if out, err := cmd.CombinedOutput(); err != nil {
		return fmt.Errorf("build worker and starter: %w\n%s", err, out)
	}
	return nil
}

// readyWithin is the time a process may take until it is ready.
const readyWithin = time.Minute

// within calls ready until it returns nil, the time is up, or the process ends.
func within(ctx context.Context, p *Process, ready func(context.Context) error) error {
	ctx, cancel := context.WithTimeout(ctx, readyWithin)
	defer cancel()
	tick := time.NewTicker(50 * time.Millisecond)
	defer tick.Stop()
	for {
		err := ready(ctx)
		if err == nil {
			return nil
		}
		select {
		case <-p.done:
			return p.Ended()
		case <-ctx.Done():
			return fmt.Errorf("wait for %s: not ready after %s: %w; its last output: %s", p.name, readyWithin, err, p.tail)
		case <-tick.C:
		}
	}
}

// Pid returns the id of the process.
func (p *Process) Pid() int { return p.cmd.Process.Pid }
