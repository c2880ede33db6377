// Package record holds what the rooms of Mintmark hand each other: the rows of
// the database, one state per decision, the sealed set of changes that a
// decision may ask for, and the facts of the tokens to mint.
//
// It is pure and has no behaviour beyond small questions about its own fields:
// who decides is package decide, who reads and writes is package store, who
// signs is package mint.
//
// Times are Unix milliseconds unless a name ends in Seconds; a zero time means
// "not yet" or "never". Identifiers are as docs/decisions fixes them: 16 random
// bytes in base64url, 22 characters.
package record
