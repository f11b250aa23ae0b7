package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"kvitt/sandbox/stack"
)

// shopKept identifies the shop of a folder: the payouts of another shop would not fit the stored data.
type shopKept struct {
	Seed  uint64 `json:"seed"`
	Gross bool   `json:"gross"`
}

// settle reserves the -data folder for this sandbox, and uses the shop of the folder unless it is new.
// chosen are the flags that were given.
func (s *settings) settle(command string, chosen map[string]bool) (release func(), err error) {
	if s.Dir == "" {
		return func() {}, nil
	}
	if s.Dir, err = filepath.Abs(s.Dir); err == nil { // env.sh needs it
		err = os.MkdirAll(s.Dir, 0o700)
	}
	if err != nil {
		return nil, fmt.Errorf("use the folder %s: %w", s.Dir, err)
	}
	parts := []string{"temporal", "apis"}
	if command == "temporal" || command == "apis" { // these two can share a folder
		parts = []string{command}
	}
	var locks []*os.File
	release = func() {
		for _, f := range locks {
			_ = f.Close() // this also releases the lock
		}
	}
	for _, part := range parts {
		f, err := lock(filepath.Join(s.Dir, "."+part+".lock"))
		if err != nil {
			release()
			return nil, err
		}
		locks = append(locks, f)
	}
	if command == "temporal" {
		return release, nil
	}
	if err := keepShop(filepath.Join(s.Dir, "shop.json"), &s.Shop, chosen); err != nil {
		release()
		return nil, err
	}
	return release, nil
}

func lock(path string) (*os.File, error) {
	f, err := os.OpenFile(path, os.O_CREATE|os.O_RDWR, 0o600)
	if err != nil {
		return nil, fmt.Errorf("use the folder %s: %w", filepath.Dir(path), err)
	}
	if err := lockFile(f); err != nil {
		_ = f.Close()
		return nil, fmt.Errorf("use the folder %s: another sandbox uses it. Stop that one, or name another folder with -data", filepath.Dir(path))
	}
	return f, nil
}

func keepShop(path string, want *stack.Shop, chosen map[string]bool) error {
	text, err := os.ReadFile(path)
	if errors.Is(err, fs.ErrNotExist) {
		if text, err = json.Marshal(shopKept{want.Seed, want.Gross}); err == nil {
			err = os.WriteFile(path, append(text, '\n'), 0o600)
		}
		if err != nil {
			return fmt.Errorf("save the choice of shop: %w", err)
		}
		return nil
	}
	var kept shopKept
	if err == nil {
		err = json.Unmarshal(text, &kept)
	}
	if err != nil {
		return fmt.Errorf("read the shop of the folder %s: %w", filepath.Dir(path), err)
	}
	if chosen["seed"] && want.Seed != kept.Seed || chosen["gross"] && want.Gross != kept.Gross {
		return fmt.Errorf("the folder %s belongs to the shop of -seed %d -gross=%t. Leave these flags out, or name another folder with -data", filepath.Dir(path), kept.Seed, kept.Gross)
	}
	want.Seed, want.Gross = kept.Seed, kept.Gross
	return nil
}
