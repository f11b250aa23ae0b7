// Package stack runs the whole system on loopback: the official Temporal development server, the simulated
// Klarna, Visma Connect and Visma.net, and Kvitt's own worker and starter as real processes. The sandbox
// and the end-to-end tests use it.
//
// It must never listen or call beyond this machine, and never leave a process
// behind.
package stack

import (
	"context"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"os"
	"path/filepath"
	"strconv"

	"kvitt/sandbox/connectsim"
	"kvitt/sandbox/klarnasim"
	"kvitt/sandbox/vismasim"
)

// Ports are the ports of the listeners; 0 means any free port.
type Ports struct {
	Temporal, UI, Portal, Metrics, Klarna, Visma, Connect int
}

// Fixed returns the ports of a sandbox that people use.
func Fixed() Ports {
	return Ports{Temporal: 7233, UI: 8233, Portal: 8088, Metrics: 9090, Klarna: 8091, Visma: 8092, Connect: 8093}
}

// Options configure the stack.
type Options struct {
	Ports Ports
	// Dir is the folder in which everything is stored, for the next start; empty: a temporary folder that
	// is removed at the end.
	Dir string
	// Log receives sentences about what happens.
	Log io.Writer
	// Module is the root of Kvitt's source.
	Module string
	// Shop configures the simulated merchant; the zero value is the sandbox's realistic year.
	Shop Shop
	// Subaccounts makes the simulated company require two subaccount segments on every line.
	Subaccounts bool
	// Environment is added to that of worker and starter.
	Environment []string
	// Bin is a folder with worker and starter already built; empty: they are built at every start.
	Bin string
	// Companies are further companies in the simulated Visma.net and Visma Connect, so that several
	// connections need not share their books.
	Companies []vismasim.Company
	// Tune changes the simulators' options.
	Tune func(*klarnasim.Options, *vismasim.Options, *connectsim.Options)
}

// Claim turns a port into an address that is free now; 0 means any port. Any is a port that the system
// does not use for an outgoing connection meanwhile.
func Claim(what string, port int) (string, error) {
	if port != 0 {
		address, err := free(port)
		if err != nil {
			return "", fmt.Errorf("start the sandbox: port %d for %s is taken. Stop what uses it, or choose another one with -port-%s", port, what, what)
		}
		return address, nil
	}
	for range 100 {
		if address, err := free(20_000 + rand.N(10_000)); err == nil {
			return address, nil
		}
	}
	return "", fmt.Errorf("start the sandbox: no port was found free for %s", what)
}

func free(port int) (string, error) {
	l, err := (&net.ListenConfig{}).Listen(context.Background(), "tcp", net.JoinHostPort("127.0.0.1", strconv.Itoa(port)))
	if err != nil {
		return "", err
	}
	defer l.Close()
	return l.Addr().String(), nil
}

// Module returns the root of the source, searched from the working directory up.
func Module() (string, error) {
	dir, err := os.Getwd()
	if err != nil {
		return "", fmt.Errorf("find Kvitt's source: %w", err)
	}
	for {
		if _, err := os.Stat(filepath.Join(dir, "go.mod")); err == nil {
			return dir, nil
		}
		up := filepath.Dir(dir)
		if up == dir {
			return "", errors.New("find Kvitt's source: there is no go.mod here or above; run the sandbox from a clone of the repository")
		}
		dir = up
	}
}
