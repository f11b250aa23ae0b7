package voucher

import (
	"fmt"
	"strings"
)

// suggest finds the known name that a misspelt one most likely means, or "".
// Up to a third of the letters, and at most three, may be wrong, left out, too
// many or swapped with their neighbour.
func suggest(name string, known []string) string {
	const longest = 64
	if len(name) > longest {
		return ""
	}
	best, distance := "", min(3, max(1, len(name)/3))+1
	for _, k := range known {
		if d := edits(strings.ToLower(name), strings.ToLower(k)); d < distance {
			best, distance = k, d
		}
	}
	return best
}

// didYouMean words a suggestion, and otherwise lists what is known.
func didYouMean(name string, known []string) string {
	if s := suggest(name, known); s != "" {
		return fmt.Sprintf("did you mean %q?", s)
	}
	return "known are " + strings.Join(known, ", ")
}

// edits is the number of edits between two words (optimal string alignment).
func edits(a, b string) int {
	before, row, next := make([]int, len(b)+1), make([]int, len(b)+1), make([]int, len(b)+1)
	for j := range row {
		row[j] = j
	}
	for i := 1; i <= len(a); i++ {
		next[0] = i
		for j := 1; j <= len(b); j++ {
			cost := 1
			if a[i-1] == b[j-1] {
				cost = 0
			}
			next[j] = min(row[j]+1, next[j-1]+1, row[j-1]+cost)
			if i > 1 && j > 1 && a[i-1] == b[j-2] && a[i-2] == b[j-1] {
				next[j] = min(next[j], before[j-2]+1)
			}
		}
		before, row, next = row, next, before
	}
	return row[len(b)]
}
