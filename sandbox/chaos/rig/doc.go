// Package rig carries fault plans out on real processes: Temporal's server,
// PostgreSQL or a SQLite file on a disk of its own, two workers, and the
// simulated Klarna, Visma Connect and Visma.net.
//
// One world serves many plans, each with a merchant, a company and a connection
// of its own. The rig breaks things, mends what only a person could mend, and
// collects what the judge needs; it must never judge, never reach beyond
// loopback, and never leave a process behind.
package rig
