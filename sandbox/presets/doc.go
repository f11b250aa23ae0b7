// Package presets holds one test: a realistic shop's payouts (a whole year for Sweden, a quarter for the
// others) go through the real clients, the proof, each preset and the posting protocol into simulated
// Visma.net companies of four countries, whose books are then checked.
package presets
