// Package outbox delivers what was committed. A decision's plan puts a row into
// the outbox beside what it is about, so that whoever crashes after the commit has
// forgotten nothing: each row is delivered at least once, or given up after a day,
// which the log and the audit trail say.
//
// It decides nothing. A row is leased before it is tried, so that several servers
// share the work, and one that died is stood in for when its lease has run out.
package outbox
