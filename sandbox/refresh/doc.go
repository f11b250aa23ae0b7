// Package refresh holds the tests in which several processes share one grant of the simulated Visma
// Connect: an expiry costs one refresh, even if a process is killed at the worst moment.
//
// It must never run Temporal or the product's programs: it tests the way from the vault to Visma Connect
// and back.
package refresh
