//go:build unix

package main

import (
	"os"
	"syscall"
)

// lockFile takes a file for this process, which gives it back when it ends,
// however it ends.
func lockFile(f *os.File) error { return syscall.Flock(int(f.Fd()), syscall.LOCK_EX|syscall.LOCK_NB) }
