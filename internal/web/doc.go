// Package web is what all of Kvitt's listeners have in common: time-outs and a
// limit of connections, redirects that stay on this site, and refusals that are
// told in the log and counted.
//
// It must never lead a browser to another site by what a request says, wait
// for a client without an end, or write a token, a query or a body into the log.
package web
