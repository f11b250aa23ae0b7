// Package rig carries out fault plans on real processes: Temporal's server, PostgreSQL or a SQLite file on
// a disk of its own, two workers, and the simulated Klarna, Visma Connect and Visma.net.
//
// One world serves many plans, each with its own merchant, company and connection. The rig breaks things,
// repairs what only a person could repair, and collects the evidence for the judge; it must never judge,
// never reach beyond loopback, and never leave a process behind.
package rig
