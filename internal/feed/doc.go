// Package feed serves the revocation log to verifiers, as
// docs/reference/revocation-feed.md says, and keeps the list of those that say
// what they have applied.
//
// It holds the end of the log in memory, rendered once for all readers, with the
// database behind it. It decides nothing: what it serves was committed.
package feed
