// Package vismasim simulates the Visma.net ERP API (api.finance.visma.net) for
// trying Kvitt out and for its tests. For each company it keeps real
// double-entry books: a chart of accounts, ledgers, branches, subaccounts,
// currencies with rates, financial periods and number series, and it refuses
// what the real one refuses, in the same words and shapes. The awkward parts
// are on purpose: work in the background, batches split over pages, unknown
// query parameters ignored, Location headers on other hosts, and, by injected
// faults, every way an answer can go missing after the books have changed.
//
// It must never be imported by the product, must never import it (a mistake in
// the product would be mirrored here and go unseen), and must never hold an
// amount in a float.
package vismasim
