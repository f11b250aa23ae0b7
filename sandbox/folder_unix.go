//go:build unix

package main

import (
	"os"
	"syscall"
)

// lockFile locks a file for this process; the system releases the lock when the process ends, in whatever
// way.
func lockFile(f *os.File) error { return syscall.Flock(int(f.Fd()), syscall.LOCK_EX|syscall.LOCK_NB) }
