// Package cli is the command line: the commands of `starter`, what they print,
// and their exit statuses.
//
// What a program reads goes to standard output, as one JSON document or a
// table; what a person is told besides goes to standard error. It must never
// print a secret except the keyset that `keyset new` and `keyset rotate` make,
// never take one as an argument, and never decide what a workflow decides: it
// asks, and says what came of it.
package cli

// The exit statuses. People script against them.
const (
	ExitDone   = 0
	ExitFailed = 1
	ExitUsage  = 2
	ExitHeld   = 3 // done, but something is held
)
