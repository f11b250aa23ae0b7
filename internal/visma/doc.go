// Package visma is the client of Visma.net ERP: it reads the parts of a company that a posting needs
// (organization, branches, ledgers, accounts, subaccounts and their segments, financial periods, VAT,
// currencies), writes journal transactions, and reads back what was booked.
//
// Every failure leaves the package as a *fault.Error whose class says what to do about it. For a write the
// class is a promise: Rejected, Auth, Throttled and Transient mean that nothing was booked; everything
// else is UnknownOutcome.
//
// It must never put an amount through a float, follow a redirect, send a bearer token to another host,
// retry a write (except a 401 after one forced refresh of the token, because a 401 books nothing), or put
// a token into an error. It knows nothing of payouts, vouchers or workflows.
//
// The part of the API that is used is described in openapi.yaml; the tests check every request and every
// answer against that document.
package visma
