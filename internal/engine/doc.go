// Package engine is the only orchestration: for each operation it loads the
// state, lets package decide decide, has package mint sign, and commits through
// package store. It owns what a decision must not have: the clock, the
// randomness, the semaphore of password hashing, the key ring and the loops.
package engine
