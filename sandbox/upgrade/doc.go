// Package upgrade keeps databases of earlier releases, and shows that this one
// takes over what they have begun: nothing is booked twice and nothing is
// forgotten, whatever state a booking was in when the earlier worker ended.
//
// A fixture is a folder of testdata, named after its release: one database for
// SQLite and the same for PostgreSQL; visma.jsonl, the books of the simulated
// Visma.net at that moment; and contents.json, what each workflow was about and
// remembered, what the database and the books have of it, and how it ended by
// the code of its own release. The code of a release records its fixture:
//
//	go test ./sandbox/upgrade -run TestRecord -renew v3
//
// It is never written by hand, and never recorded anew once that release is out.
// The tests speak to the code under test through the activities that workflows
// name, so that they outlive the tables.
package upgrade
