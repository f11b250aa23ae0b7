// Package web holds what all of Kvitt's listeners have in common: time-outs and limits of connections,
// redirects that stay on this site, and refusals that are logged and counted.
//
// It must never let a request lead a browser to another site, wait for a client without limit, or write a
// token, a query or a body into the log.
package web
