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

// Server is a server that can be killed and started again with its data, to test how its clients recover.
// Run does not stop it: Stop does, or the end of the process.
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
	// A stopped server starts no more processes while its children are listed.
	errs := []error{syscall.Kill(pid, syscall.SIGSTOP)}
	children := childrenOf(pid)
	errs = append(errs, syscall.Kill(pid, syscall.SIGKILL))
	for _, child := range children {
		_ = syscall.Kill(child, syscall.SIGKILL) // some have already ended
	}
	_ = s.s.life.Close()
	<-s.s.ended
	for _, child := range children {
		awaitEnd(child)
	}
	return errors.Join(errs...)
}

// awaitEnd waits until a process has released everything: its shared memory keeps the next server from
// starting.
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

// Again restarts a killed server.
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

// Stop ends the server in an orderly way and removes its folder.
func (s *Server) Stop() {
	_ = os.Remove(s.keep())
	s.s.stop()
	_ = os.RemoveAll(s.s.dir) // left over from a killed server
}

func (s *Server) keep() string { return filepath.Join(s.s.dir, "keep") }

// childrenOf lists the child processes of a process; none where the operating system does not list them.
func childrenOf(pid int) (children []int) {
	text, _ := os.ReadFile(fmt.Sprintf("/proc/%d/task/%d/children", pid, pid))
	for _, field := range strings.Fields(string(text)) {
		if child, err := strconv.Atoi(field); err == nil {
			children = append(children, child)
		}
	}
	return children
}
