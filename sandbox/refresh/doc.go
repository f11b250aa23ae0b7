// Package refresh holds the tests in which several processes share one grant
// of the simulated Visma Connect: an expiry costs one refresh, and a process
// that is killed at the worst moment costs no more than that.
//
// It must never run Temporal or the product's programs: what is tested is the
// way from the vault to Visma Connect and back.
package refresh
