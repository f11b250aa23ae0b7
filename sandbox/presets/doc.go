// Package presets holds one test: a believable shop's payouts (a whole year for
// Sweden, a quarter for the others) go through the real clients, the proof, each
// preset and the posting protocol into simulated Visma.net companies of four
// countries, and their books are asked what they hold.
package presets
