package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"text/tabwriter"
	"time"

	"kvitt/sandbox/stack"
)

// serve starts everything and prints the addresses, until it is interrupted.
func serve(ctx context.Context, s settings, out io.Writer) error {
	stack.Guided(&s.Options)
	st, id, link, err := ready(ctx, s)
	if st != nil {
		defer func() { _ = st.Close() }()
	}
	if err != nil {
		return err
	}
	key, err := st.ServeGuided(time.Now())
	if err != nil {
		return err
	}
	lie := "Everything is kept in"
	if s.Dir == "" {
		lie = "Until then, everything is in"
	}
	env := filepath.Join(st.Dir, "env.sh")
	if err := writeEnv(env, st.Env); err != nil {
		return err
	}
	w := tabwriter.NewWriter(out, 0, 0, 2, ' ', 0)
	fmt.Fprintf(w, "\nKvitt is running. Ctrl-C stops everything.\n\n")
	fmt.Fprintf(w, "  Portal\thttp://%s\n", st.Portal)
	fmt.Fprintf(w, "  … one-time sign-in link\t%s\n", link)
	fmt.Fprintf(w, "  Temporal Web UI\t%s/namespaces/default/workflows\n", st.Temporal.UI)
	fmt.Fprintf(w, "  … held payouts\t%s/namespaces/default/workflows?query=KvittState%%3D%%22held%%22\n", st.Temporal.UI)
	fmt.Fprintf(w, "  Metrics, health\thttp://%s/metrics\n", st.Metrics)
	fmt.Fprintf(w, "  Simulated Klarna\t%s\n", st.KlarnaURL)
	fmt.Fprintf(w, "  Simulated Visma.net\t%s\n", st.VismaURL)
	fmt.Fprintf(w, "  … its books\t%s/_sandbox/visma/books\n", st.VismaURL)
	fmt.Fprintf(w, "  Simulated Visma Connect\t%s\n", st.ConnectURL)
	fmt.Fprintf(w, "  %s\t%s\n", lie, st.Dir)
	_ = w.Flush()
	fmt.Fprintf(out, "\nThe connection %s is ready. In another terminal:\n\n", id)
	fmt.Fprintf(out, "  . %s\n", quoted(env))
	fmt.Fprintf(out, "  go run ./starter backfill %s --from 2025-01-01 --to 2025-12-31 --dry-run\n", id)
	fmt.Fprintf(out, "  go run ./starter backfill %s --from 2025-01-01 --to 2025-12-31 --yes\n", id)
	fmt.Fprintf(out, "  go run ./starter payout list %s\n", id)
	fmt.Fprintf(out, "  go run ./starter doctor\n\n")
	guide(out, st, id, key)
	worker := st.Workers()[0].Done()
	for {
		select {
		case <-ctx.Done():
			fmt.Fprintln(out, "\nStopping everything.")
			return nil
		case <-st.Temporal.Done():
			return st.Temporal.Ended()
		case <-worker:
			worker = nil // nothing is lost: another worker continues where it stopped
			fmt.Fprintf(s.Log, "\nThe worker has ended. This starts another one, in another terminal:\n\n  . %s\n  go run ./worker\n\n", quoted(env))
		}
	}
}

// guide explains what the guided set-up asks for, and how to break things.
func guide(out io.Writer, st *stack.Stack, id, key string) {
	fmt.Fprintf(out, "To set a second connection up yourself, choose New connection in the portal. It asks for:\n\n")
	w := tabwriter.NewWriter(out, 0, 0, 2, ' ', 0)
	fmt.Fprintf(w, "  Klarna API key, test, Europe\t%s\n", key)
	fmt.Fprintf(w, "  Visma sign-in\t%s, password %s\n", stack.PersonEmail, stack.PersonSecret)
	fmt.Fprintf(w, "  Visma.net company\t%s (tenant id %s)\n", stack.GuidedCompany, stack.GuidedTenant)
	_ = w.Flush()
	fmt.Fprintf(out, "\nTo see what Kvitt does when things break, for %s:\n\n", id)
	for _, one := range []struct{ what, url, body string }{
		{"Visma.net books and does not answer", st.VismaURL + "/_sandbox/visma/faults", `{"kind":"timeout_after_commit","method":"POST"}`},
		{"a period is closed", st.VismaURL + "/_sandbox/visma/periods", `{"tenant":"` + stack.TenantID + `","period":"202503","state":"closed"}`},
		{"Visma.net refuses the access", st.VismaURL + "/_sandbox/visma/faults", `{"kind":"unauthorized","times":20}`},
		{"Klarna answers slowly and with errors", st.KlarnaURL + "/_sandbox/klarna/faults", `{"kind":"status","status":503,"times":5}`},
		{"the Klarna key is revoked", st.KlarnaURL + "/_sandbox/klarna/keys", `{"action":"revoke","key":"` + st.KlarnaKey + `"}`},
	} {
		fmt.Fprintf(out, "  # %s\n  curl -X POST %s -d %s\n", one.what, one.url, single(one.body))
	}
	fmt.Fprintf(out, "\nThis repairs everything:\n\n  curl -X DELETE %s/_sandbox/visma/faults; curl -X POST %s/_sandbox/klarna/reset -d '{}'\n", st.VismaURL, st.KlarnaURL)
	fmt.Fprintf(out, "  curl -X POST %s/_sandbox/klarna/keys -d %s\n\n", st.KlarnaURL, single(`{"action":"restore","key":"`+st.KlarnaKey+`"}`))
}

// invitation returns a one-time link for an administrator of the sandbox's portal.
func invitation(ctx context.Context, st *stack.Stack) (string, error) {
	out, err := st.Ask(ctx, "portal", "invite", stack.PersonEmail, "--name", "Anna Ek", "--role", "administrator", "--output", "json")
	if err != nil {
		return "", err
	}
	var made struct {
		Link string `json:"link"`
	}
	return made.Link, json.Unmarshal(out, &made)
}

func writeEnv(path string, env []string) error {
	var b strings.Builder
	for _, e := range env {
		name, value, _ := strings.Cut(e, "=")
		fmt.Fprintf(&b, "export %s=%s\n", name, single(value))
	}
	if err := os.WriteFile(path, []byte(b.String()), 0o600); err != nil {
		return fmt.Errorf("write the sandbox's settings: %w", err)
	}
	return nil
}

// single returns a word in single quotes, as a shell reads it.
func single(word string) string { return "'" + strings.ReplaceAll(word, "'", `'\''`) + "'" }

// quoted returns a command line to copy.
func quoted(words ...string) string {
	for i, word := range words {
		if word == "" || strings.ContainsAny(word, " \t\n'\"\\$`&;|<>*?()#~") {
			words[i] = single(word)
		}
	}
	return strings.Join(words, " ")
}

// ready starts everything, invites one person, and sets up one connection as a person would. The link
// signs that person in to the portal.
func ready(ctx context.Context, s settings) (st *stack.Stack, id, link string, err error) {
	if st, err = stack.Start(ctx, s.Options); err != nil {
		return st, "", "", err
	}
	if err = step(ctx, st, s.Log, nil, "setup"); err != nil {
		return st, "", "", err
	}
	if link, err = invitation(ctx, st); err != nil {
		return st, "", "", err
	}
	fmt.Fprintln(s.Log, "$ worker &")
	if _, err = st.StartWorker(ctx); err != nil {
		return st, "", link, err
	}
	id, err = st.Connect(ctx, func(args ...string) { fmt.Fprintf(s.Log, "$ starter %s\n", quoted(slices.Clone(args)...)) })
	return st, id, link, err
}

// step runs the starter as a person would and shows its output.
func step(ctx context.Context, st *stack.Stack, log io.Writer, stdin io.Reader, args ...string) error {
	fmt.Fprintf(log, "$ starter %s\n", quoted(slices.Clone(args)...))
	return status(st.Starter(ctx, stdin, log, log, args...))
}

// status turns the starter's exit status into the sandbox's. The starter has printed the reason.
func status(err error) error {
	var exit *exec.ExitError
	if errors.As(err, &exit) {
		return exitStatusError(max(exit.ExitCode(), failed))
	}
	return err
}

func onlyTemporal(ctx context.Context, s settings, out io.Writer) error {
	dir := s.Dir
	if dir == "" {
		var err error
		if dir, err = os.MkdirTemp("", "kvitt-temporal-"); err != nil {
			return err
		}
		defer func() { _ = os.RemoveAll(dir) }()
	}
	path, err := stack.TemporalPath(ctx, s.Module, s.Log)
	if err != nil {
		return err
	}
	address, err := stack.Claim("temporal", s.Ports.Temporal)
	if err != nil {
		return err
	}
	ui, err := stack.Claim("ui", s.Ports.UI)
	if err != nil {
		return err
	}
	codec := "http://" + net.JoinHostPort("127.0.0.1", strconv.Itoa(s.Ports.Portal)) + "/codec"
	t, err := stack.StartTemporal(ctx, path, dir, address, ui, codec)
	if err != nil {
		return err
	}
	defer t.Stop()
	fmt.Fprintf(out, "Temporal listens at %s, its Web UI at %s. Ctrl-C stops it.\n", t.Address, t.UI)
	select {
	case <-ctx.Done():
		return nil
	case <-t.Done():
		return t.Ended()
	}
}

func onlyProviders(ctx context.Context, s settings, out io.Writer) error {
	dir := s.Dir
	if dir == "" {
		var err error
		if dir, err = os.MkdirTemp("", "kvitt-apis-"); err != nil {
			return err
		}
		defer func() { _ = os.RemoveAll(dir) }()
	}
	p, err := stack.StartProviders(s.Options, dir)
	if err != nil {
		return err
	}
	defer func() { _ = p.Close() }()
	fmt.Fprintf(out, "export KVITT_KLARNA_BASE_URL=%s\nexport KVITT_VISMA_API_URL=%s\nexport KVITT_VISMA_CONNECT_URL=%s\n", p.KlarnaURL, p.VismaURL, p.ConnectURL)
	fmt.Fprintf(out, "export KVITT_VISMA_CLIENT_ID=%s\nexport KVITT_VISMA_CLIENT_SECRET_FILE=%s\n", stack.ClientID, filepath.Join(dir, "client.secret"))
	fmt.Fprintf(out, "# Klarna API key: %s (test, region eu)\n# Visma.net company tenant id: %s\n# Ctrl-C stops them.\n", filepath.Join(dir, "klarna.key"), stack.TenantID)
	<-ctx.Done()
	return nil
}
