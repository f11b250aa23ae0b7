package rig

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"strconv"
	"strings"
	"sync"
	"time"

	"kvitt/sandbox/stack"
)

// supervisor keeps a worker running, as a service manager does: it starts a worker that ends again until it
// stays up.
type supervisor struct {
	stack    *stack.Stack
	fronts   [2]string // this worker's addresses of the simulators
	settings []string

	mu      sync.Mutex
	process *stack.Process // ready, or nil
	first   float64        // goroutines when it was ready
	killed  bool
	trouble []string // of workers that ended unexpectedly
	stop    context.CancelFunc
	done    chan struct{}
}

// inOrder is the time an idle worker may take to stop when asked.
const inOrder = 10 * time.Second

func keep(ctx context.Context, s *stack.Stack) (*supervisor, error) {
	k := &supervisor{stack: s, done: make(chan struct{})}
	visma, klarna, settings, err := s.Front()
	if err != nil {
		return nil, err
	}
	k.fronts, k.settings = [2]string{visma, klarna}, settings
	ctx, k.stop = context.WithCancel(ctx)
	go k.run(ctx)
	return k, nil
}

func (k *supervisor) run(ctx context.Context) {
	defer close(k.done)
	for ctx.Err() == nil {
		p, err := k.stack.StartWorker(ctx, k.settings...)
		if err != nil { // the database or Temporal is down: the worker says so and ends
			if p != nil {
				p.Kill()
			}
			pause(ctx, 200*time.Millisecond)
			continue
		}
		k.mu.Lock()
		k.process, k.killed = p, false
		k.mu.Unlock()
		k.note(ctx, p)
		select {
		case <-p.Done():
		case <-ctx.Done():
			began := time.Now()
			p.Stop()
			if took := time.Since(began); took > inOrder {
				k.mu.Lock()
				k.trouble = append(k.trouble, fmt.Sprintf("a worker took %s to stop", took.Round(time.Second)))
				k.mu.Unlock()
			}
		}
		k.mu.Lock()
		if !k.killed && ctx.Err() == nil {
			k.trouble = append(k.trouble, p.Ended().Error())
		}
		k.process, k.first = nil, 0
		k.mu.Unlock()
	}
}

// note records how many goroutines a worker starts with.
func (k *supervisor) note(ctx context.Context, p *stack.Process) {
	n, err := goroutines(ctx, p)
	if err != nil {
		return // it has been killed already
	}
	k.mu.Lock()
	k.first = n
	k.mu.Unlock()
}

// kill ends the worker at once, if it runs.
func (k *supervisor) kill() {
	k.mu.Lock()
	p := k.process
	k.killed = true
	k.mu.Unlock()
	if p != nil {
		p.Kill()
	}
}

// end stops the worker in an orderly way and returns its faults.
func (k *supervisor) end() []string {
	k.stop()
	<-k.done
	return k.takeTrouble()
}

func (k *supervisor) takeTrouble() []string {
	k.mu.Lock()
	defer k.mu.Unlock()
	t := k.trouble
	k.trouble = nil
	return t
}

// grown returns by how many goroutines the worker has grown since it was ready.
func (k *supervisor) grown(ctx context.Context) (float64, bool) {
	k.mu.Lock()
	p, first := k.process, k.first
	k.mu.Unlock()
	if p == nil || first == 0 {
		return 0, false
	}
	n, err := goroutines(ctx, p)
	return n - first, err == nil
}

func goroutines(ctx context.Context, p *stack.Process) (float64, error) {
	return metric(ctx, p, "go_goroutines")
}

// metric reads one metric of a worker.
func metric(ctx context.Context, p *stack.Process, name string) (float64, error) {
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://"+p.Metrics+"/metrics", http.NoBody)
	if err != nil {
		return 0, err
	}
	request.Close = true
	answer, err := http.DefaultClient.Do(request)
	if err != nil {
		return 0, err
	}
	defer answer.Body.Close()
	text, err := io.ReadAll(answer.Body)
	if err != nil {
		return 0, err
	}
	for line := range strings.Lines(string(text)) {
		if value, ok := strings.CutPrefix(line, name+" "); ok {
			return strconv.ParseFloat(strings.TrimSpace(value), 64)
		}
	}
	return 0, fmt.Errorf("the worker has no metric %s", name)
}

// pause waits for d, or until ctx ends.
func pause(ctx context.Context, d time.Duration) {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
	case <-ctx.Done():
	}
}
