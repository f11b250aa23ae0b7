package pgtest

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"time"
)

// Server is a server that can be killed and started again with its data, for
// tests of what becomes of those who use it. Run does not stop it: Stop does,
// or the end of the process.
type Server struct{ s *server }

// Start makes an empty cluster and starts it.
func Start() (*Server, error) {
	s, err := newServer("on")
	if err != nil {
		return nil, fmt.Errorf("start a PostgreSQL that can be killed: %w", err)
	}
	return &Server{s}, nil
}

// Create makes an empty database and returns its URL.
func (s *Server) Create(ctx context.Context, name string) (string, error) {
	if err := s.s.exec(ctx, "CREATE DATABASE "+name); err != nil {
		return "", fmt.Errorf("create the database %s: %w", name, err)
	}
	return s.s.url(name), nil
}

// Kill ends the server and everything that serves its clients at once, as
// kill -9 does, and returns when it is gone. Its data stays.
func (s *Server) Kill() error {
	keep := s.keep()
	if err := os.WriteFile(keep, nil, 0o600); err != nil {
		return fmt.Errorf("kill PostgreSQL: %w", err)
	}
	text, err := os.ReadFile(filepath.Join(s.s.dir, "data", "postmaster.pid"))
	if err != nil {
		return fmt.Errorf("kill PostgreSQL: find its process: %w", err)
	}
	first, _, _ := strings.Cut(string(text), "\n")
	pid, err := strconv.Atoi(first)
	if err != nil || pid <= 1 {
		return fmt.Errorf("kill PostgreSQL: its file names the process %q", first)
	}
	// Stopped, it starts no further ones while its children are looked for.
	errs := []error{syscall.Kill(pid, syscall.SIGSTOP)}
	children := childrenOf(pid)
	errs = append(errs, syscall.Kill(pid, syscall.SIGKILL))
	for _, child := range children {
		_ = syscall.Kill(child, syscall.SIGKILL) // some have seen their parent go
	}
	_ = s.s.life.Close()
	<-s.s.ended
	for _, child := range children {
		awaitEnd(child)
	}
	return errors.Join(errs...)
}

// awaitEnd waits until a process holds nothing any more: what it shared in
// memory keeps the next server from starting.
func awaitEnd(pid int) {
	tick := time.NewTicker(5 * time.Millisecond)
	defer tick.Stop()
	for range 1000 {
		stat, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
		_, state, found := strings.Cut(string(stat), ") ")
		if err != nil || !found || strings.HasPrefix(state, "Z") {
			return
		}
		<-tick.C
	}
}

// Again starts the server that was killed.
func (s *Server) Again() error {
	_, postgres, err := binaries()
	if err != nil {
		return err
	}
	credential, err := unprivileged()
	if err != nil {
		return err
	}
	s.s.ended = make(chan struct{})
	if err := s.s.launch(postgres, credential); err != nil {
		return err
	}
	_ = os.Remove(s.keep())
	return s.s.wait()
}

// Stop ends the server in good order and removes its folder.
func (s *Server) Stop() {
	_ = os.Remove(s.keep())
	s.s.stop()
	_ = os.RemoveAll(s.s.dir) // of one that was killed last
}

func (s *Server) keep() string { return filepath.Join(s.s.dir, "keep") }

// childrenOf lists the processes that a process has started; none where the
// system does not tell.
func childrenOf(pid int) (children []int) {
	text, _ := os.ReadFile(fmt.Sprintf("/proc/%d/task/%d/children", pid, pid))
	for _, field := range strings.Fields(string(text)) {
		if child, err := strconv.Atoi(field); err == nil {
			children = append(children, child)
		}
	}
	return children
}
