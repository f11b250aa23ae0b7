// Package field holds the product against what people who do this job have met:
// the inputs of public reports about payouts, postings and connections, each through the
// real client or the real activity, with nothing but the other side's server played.
//
// The inputs are read from a folder where there is one; tables of the packages
// concerned hold the same kinds everywhere. A test must never reach beyond this machine.
package field
