// Package interview makes a posting profile out of the answers to about ten
// questions, and asks them again later.
//
// The document is the preset of the company's country and chart, with what the
// answers decide written into it, and with each answer as a comment at its
// beginning, from which Read has them back. Whatever a person has changed by
// hand beside the answers stays when they change: Update keeps it, and says
// where an answer took its place.
//
// It must never choose an account in silence: Suggest ranks the accounts of the
// company's own chart and says what speaks against one, and a number that nobody
// has looked up there is marked as unconfirmed in the document. It reads and
// writes nothing itself.
package interview
