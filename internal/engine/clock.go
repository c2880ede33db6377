package engine

import (
	"context"
	"errors"
	"sync/atomic"
	"time"
)

// farthestAhead bounds how far a clock can be moved: no lifetime is longer.
const farthestAhead = 3650 * 24 * time.Hour

// errTestIssuer keeps test mode to issuers on loopback: no token of theirs counts on
// another machine.
var errTestIssuer = errors.New("test mode is for an issuer on loopback")

// clock is the time that decisions see. It is the machine's, and in test mode as
// much ahead of it as it was moved.
type clock struct {
	movable bool
	ahead   atomic.Int64 // ms; never changes unless the clock is movable
}

// now is in Unix milliseconds.
func (c *clock) now() int64 { return time.Now().UnixMilli() + c.ahead.Load() }

// Now is the time by which tokens, sessions and keys are judged.
func (e *Engine) Now() time.Time { return time.UnixMilli(e.clock.now()) }

// Advance moves the clock forward, or by less than nothing back again, at most to
// the machine's, and gives the time that it shows then. What the loops would have
// done meanwhile is done when it returns: keys have taken the step that is due,
// what is long dead is purged. It is for test mode alone; without it there is
// nothing to move: a *Refusal of the kind NotFound.
func (e *Engine) Advance(ctx context.Context, by time.Duration) (time.Time, error) {
	if !e.clock.movable {
		return time.Time{}, &Refusal{Kind: NotFound}
	}
	// The bounds are of the whole, or small steps would lead to an overflow.
	ahead := time.Duration(e.clock.ahead.Load()) * time.Millisecond
	if by.Abs() < time.Millisecond || by > farthestAhead-ahead || by < -ahead {
		return time.Time{}, invalid("advance", "moves the clock by 1ms at least: ahead of the machine's, by %s at most, and back again", farthestAhead)
	}
	// The store dates the log that outlives tokens: its clock is never behind.
	if by > 0 {
		e.store.Advance(by.Milliseconds())
	}
	e.clock.ahead.Add(by.Milliseconds())
	if by < 0 {
		e.store.Advance(by.Milliseconds())
	}
	e.log.Warn("the clock was moved", "by", by, "now", e.Now().UTC())
	if err := e.upkeep(ctx); err != nil {
		return time.Time{}, refusalOf(err)
	}
	return e.Now(), nil
}

// upkeep is one round of all the loops.
func (e *Engine) upkeep(ctx context.Context) error {
	if err := e.keepKeysOnce(ctx); err != nil {
		return err
	}
	return e.Sweep(ctx)
}
