//go:build !linux && !darwin

package store

// fileSystem is not known here.
func fileSystem(string) string { return "" }
