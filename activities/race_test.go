//go:build race

package activities

// largeCSV is enough to tell, where looking for races makes all else slow.
const largeCSV = 24 << 20
