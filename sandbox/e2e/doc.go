// Package e2e tests the whole system as its users meet it: the real Temporal
// server, the real worker and starter as processes, the simulated Klarna, Visma
// Connect and Visma.net, and nothing that reaches past the command line except
// to ask for facts: the simulated books, the histories, the database.
//
// A test must never wait by sleeping, share a company with another test, or
// leave a process or a folder behind.
package e2e
