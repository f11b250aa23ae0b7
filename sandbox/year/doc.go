// Package year holds one test: a year of one shop in each of four countries, whose own invoices and credit
// notes are booked in a simulated Visma.net by a web-shop integration, and whose payouts are booked by
// Kvitt's clients, proof, presets and posting protocol. Then Visma.net's books, not Kvitt's reports, are
// compared with Klarna's figures and, after an accrual at each month's end, the result of every month with
// a booking by hand on the days of capture.
//
// It must never take what the shop books from Klarna's rows: an order that Klarna settles wrongly has to
// remain on the clearing account.
package year
