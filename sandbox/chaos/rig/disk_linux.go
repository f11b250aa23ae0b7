package rig

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"syscall"
)

// disk is a small disk of its own for SQLite, so that it can be filled up.
type disk struct{ dir string }

const diskSize = "48m"

func newDisk(dir string) (*disk, error) {
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, err
	}
	if err := syscall.Mount("tmpfs", dir, "tmpfs", 0, "size="+diskSize+",mode=0700"); err != nil {
		return nil, fmt.Errorf("make a small disk at %s: %w; only root may", dir, err)
	}
	return &disk{dir}, nil
}

// fill leaves no byte free, or frees the space again.
func (d *disk) fill(full bool) error {
	path := filepath.Join(d.dir, "filler")
	if !full {
		return os.Remove(path)
	}
	f, err := os.OpenFile(path, os.O_CREATE|os.O_WRONLY, 0o600)
	if err != nil {
		return err
	}
	defer f.Close()
	block := make([]byte, 64<<10)
	for size := len(block); size > 0; {
		n, err := f.Write(block[:size])
		if errors.Is(err, syscall.ENOSPC) {
			if n == 0 {
				size /= 2
			}
			continue
		}
		if err != nil {
			return err
		}
	}
	return nil
}

func (d *disk) remove() { _ = syscall.Unmount(d.dir, syscall.MNT_DETACH) }
