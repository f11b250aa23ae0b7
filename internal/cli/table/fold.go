package table

import (
	"strings"
	"unicode/utf8"
)

// narrowest is the room below which folding does more harm than a terminal
// that breaks the line itself.
const narrowest = 24

// Fold breaks words into lines of at most so many columns, each after the
// first begun with indent spaces. What stands between backticks is a command to
// copy and stays in one line where it fits into one. No columns: one line.
func Fold(words string, columns, indent int) string {
	room := columns - indent
	if columns == 0 || room < narrowest || utf8.RuneCountInString(words) <= room {
		return words
	}
	var b strings.Builder
	used := 0
	for _, piece := range pieces(words, room) {
		n := utf8.RuneCountInString(piece)
		switch {
		case used == 0:
		case used+1+n > room:
			b.WriteString("\n" + strings.Repeat(" ", indent))
			used = 0
		default:
			b.WriteByte(' ')
			used++
		}
		b.WriteString(piece)
		used += n
	}
	return b.String()
}

// pieces are the parts of a text between which it may be broken.
func pieces(words string, most int) []string {
	var all []string
	open := ""
	for _, word := range strings.Fields(words) {
		if open != "" {
			word = open + " " + word
		}
		open = ""
		if strings.Count(word, "`")%2 == 1 && utf8.RuneCountInString(word) < most {
			open = word
			continue
		}
		all = append(all, word)
	}
	if open != "" {
		all = append(all, open)
	}
	return all
}
