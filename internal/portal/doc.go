// Package portal is Kvitt in a browser: connections and how they are set up,
// payouts and their vouchers, backfills, and who may do what.
//
// Pages are HTML from the server; htmx and all else that a browser loads comes
// from this binary. What a person asks for goes through package operate, as it
// does from the command line, with that person's name.
//
// It must never write to Visma.net itself, show a secret, act on a GET, or
// serve a page to somebody who may not see it: every route stands in one table
// with the role that it takes.
package portal
