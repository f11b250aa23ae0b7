//go:build !race

package activities

// largeCSV is the CSV of some 300,000 rows.
const largeCSV = 64 << 20
