// Package vismasim simulates the Visma.net ERP API (api.finance.visma.net) for trying Kvitt out and for
// its tests. For each company it keeps real double-entry books: a chart of accounts, ledgers, branches,
// subaccounts, currencies with rates, financial periods and number series, and it refuses what the real
// API refuses, with the same texts and in the same form. It has the awkward features on purpose: work in
// the background, batches split over pages, unknown query parameters ignored, Location headers on other
// hosts, and, by injected faults, every way to lose an answer after the books have changed.
//
// The product must never import it, and it must never import the product (a mistake in the product would
// be mirrored here and go unnoticed), or hold an amount in a float.
package vismasim
