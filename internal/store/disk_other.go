//go:build !linux && !darwin

package store

// fileSystem is unknown on this system.
func fileSystem(string) string { return "" }
