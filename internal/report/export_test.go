package report

import "kvitt/internal/klarna"

// Fold is for tests.
var Fold = fold

// Hashes makes the lists of a page of rows.
func Hashes(rows []klarna.Transaction) [][]byte {
	var h hashes
	for i := range rows {
		h.add(&rows[i])
	}
	return h.bodies()
}
