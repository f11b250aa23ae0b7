//go:build race

package e2e_test

// raceFlags let worker and starter look for races when the tests do.
var raceFlags = []string{"-race"}
