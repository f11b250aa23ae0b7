package e2e_test

import (
	"context"
	"flag"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"kvitt/sandbox/stack"
)

// What every test shares: the source and the programs that were built of it.
var (
	module string
	bin    string
)

// atOnce is the number of tests that run at a time. They mostly wait, so the number of
// processors does not matter.
const atOnce = "6"

func TestMain(m *testing.M) {
	flag.Parse()
	chosen := false
	flag.Visit(func(f *flag.Flag) { chosen = chosen || f.Name == "test.parallel" })
	if !chosen {
		_ = flag.Set("test.parallel", atOnce) // it is a flag, and a number
	}
	status, err := runAll(m)
	if err != nil {
		fmt.Fprintln(os.Stderr, "e2e:", err)
		status = 1
	}
	os.Exit(status)
}

func runAll(m *testing.M) (status int, err error) {
	if module, err = stack.Module(); err != nil {
		return 1, err
	}
	scratch, err := os.MkdirTemp("", "kvitt-e2e-")
	if err != nil {
		return 1, err
	}
	defer os.RemoveAll(scratch)
	for name, value := range map[string]string{
		// Everything that the tests start finds its temporary files here, so that
		// what is left behind can be told from what others have.
		"TMPDIR": scratch,
		// A program that looks for races otherwise waits a second before it ends.
		"GORACE": "atexit_sleep_ms=0",
	} {
		if err := os.Setenv(name, value); err != nil {
			return 1, err
		}
	}
	bin = filepath.Join(scratch, "bin")
	if err := os.Mkdir(bin, 0o700); err != nil {
		return 1, err
	}
	if err := stack.Build(context.Background(), module, bin, raceFlags...); err != nil {
		return 1, err
	}
	status = m.Run()
	for _, w := range []*world{theTown.world, village.world} {
		if w == nil {
			continue
		}
		if err := w.end(); err != nil {
			return 1, err
		}
	}
	return status, nothingLeft(scratch)
}

// nothingLeft finds processes and folders of stacks that have ended.
func nothingLeft(scratch string) error {
	if left := processes(scratch); len(left) > 0 {
		return fmt.Errorf("processes are left behind:\n%s", strings.Join(left, "\n"))
	}
	folders, err := filepath.Glob(filepath.Join(scratch, "kvitt-sandbox-*"))
	if err != nil {
		return fmt.Errorf("look for folders that are left behind: %w", err)
	}
	if len(folders) > 0 {
		return fmt.Errorf("folders are left behind: %v", folders)
	}
	return nil
}

// processes lists the command lines of those that mention a folder. It knows
// of none where there is no /proc.
func processes(folder string) (found []string) {
	all, _ := filepath.Glob("/proc/[0-9]*/cmdline")
	for _, path := range all {
		line, err := os.ReadFile(path)
		if err == nil && strings.Contains(string(line), folder) {
			found = append(found, strings.ReplaceAll(string(line), "\x00", " "))
		}
	}
	return found
}

// journal keeps what a worker says.
type journal struct {
	mu   sync.Mutex
	text strings.Builder
}

var _ io.Writer = (*journal)(nil)

func (j *journal) Write(b []byte) (int, error) {
	j.mu.Lock()
	defer j.mu.Unlock()
	return j.text.Write(b)
}

func (j *journal) String() string {
	j.mu.Lock()
	defer j.mu.Unlock()
	return j.text.String()
}

// tail is the end of it, for people who look why a test failed.
func (j *journal) tail() string {
	const most = 4000
	text := j.String()
	return text[max(0, len(text)-most):]
}
