// Package store is the only SQL of Mintmark. It loads one state per decision,
// each in one snapshot together with the logical clock of that snapshot, and
// commits a decision's changes as one plan, atomically.
//
// Two things carry its weight. Single use is a guard in the WHERE clause: a plan
// whose guard finds no row fails with ErrConflict and leaves nothing behind. And
// waiting plans share one transaction: the committer commits at once when idle
// and gathers only while a commit is in flight.
//
// Clients and resources are kept in memory. A row in the cache is never older
// than the logical clock that is handed out with it (see cache.go).
package store
