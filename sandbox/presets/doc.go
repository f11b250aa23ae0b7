// Package presets holds one test: a whole year of a believable shop goes
// through the real clients, the proof, each preset and the posting protocol
// into simulated Visma.net companies of four countries, and their books are
// asked what they hold.
package presets
