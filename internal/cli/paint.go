package cli

import "kvitt/internal/klarna"

// painter colours words on a terminal. Its zero value leaves them plain.
type painter struct {
	on bool
	// provider pays out to the connection that the command is about, Klarna where
	// it is about none.
	provider klarna.Provider
}

// says is a sentence of ours that speaks of Klarna, with the provider's name.
func (p painter) says(words string) string { return p.provider.Says(words) }

func (p painter) paint(code, words string) string {
	if !p.on || words == "" {
		return words
	}
	return "\x1b[" + code + "m" + words + "\x1b[0m"
}

func (p painter) bad(words string) string   { return p.paint("31", words) }
func (p painter) good(words string) string  { return p.paint("32", words) }
func (p painter) warn(words string) string  { return p.paint("33", words) }
func (p painter) faint(words string) string { return p.paint("2", words) }
func (p painter) bold(words string) string  { return p.paint("1", words) }
