package engine

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/mintmark-id/mintmark/internal/mint"
	"github.com/mintmark-id/mintmark/internal/record"
	"github.com/mintmark-id/mintmark/internal/store"
)

// defaultAlg signs whatever nobody chose an algorithm for.
const defaultAlg = mint.ES256

// quickAlgs are made before the first request, slowAlgs in the background: an
// RSA key takes up to a second, and no client of a new database needs one yet.
var (
	quickAlgs = []string{mint.ES256}
	slowAlgs  = []string{mint.RS256}
)

const (
	keyCheckPeriod = time.Hour
	reloadAgain    = time.Second
	sweepPeriod    = time.Minute
	sweepSlice     = 1000
)

// keyring is the writing side of the ring: one maker of keys at a time.
type keyring struct {
	mu    sync.Mutex
	ready chan struct{} // closed once the slow keys of a new database are there
}

// loadRing swaps in the ring that the database holds now, and the roots of opaque
// access tokens.
func (e *Engine) loadRing(ctx context.Context) error {
	rows, err := e.store.Keys(ctx)
	if err != nil {
		return fmt.Errorf("reading keys: %w", err)
	}
	ring, err := mint.NewRing(rows, e.kek, e.clock.now())
	if err != nil {
		return err
	}
	next := *e.minting.Load()
	if next.Sealed, err = e.accessRoots(ctx); err != nil {
		return err
	}
	next.Ring, next.Seen = ring, mint.NewSeen() // what a key of the old ring has verified counts no more
	e.minting.Store(&next)
	return nil
}

// keepKeys finishes a new database's keys and then rotates on schedule.
func (e *Engine) keepKeys(ctx context.Context) {
	if err := e.ensureKeys(ctx, slowAlgs...); err != nil && ctx.Err() == nil {
		e.log.Error("making signing keys", "error", err)
	}
	close(e.keys.ready)
	tick := time.NewTicker(keyCheckPeriod)
	defer tick.Stop()
	e.keepKeysLogged(ctx)
	for {
		moved := e.store.KeysMoved()
		again := e.reloadRing(ctx)
		select {
		case <-ctx.Done():
			return
		case <-moved:
		case <-again:
		case <-tick.C:
			e.keepKeysLogged(ctx)
		}
	}
}

func (e *Engine) keepKeysLogged(ctx context.Context) {
	if err := e.keepKeysOnce(ctx); err != nil && ctx.Err() == nil {
		e.log.Error("keeping signing keys", "error", err)
	}
}

// reloadRing takes what another node has done with the keys: what it compromised
// must not sign here. It gives when to try again; nil: it has worked.
func (e *Engine) reloadRing(ctx context.Context) <-chan time.Time {
	e.keys.mu.Lock()
	defer e.keys.mu.Unlock()
	if err := e.loadRing(ctx); err != nil && ctx.Err() == nil {
		e.log.Error("reading signing keys", "error", err)
		return time.After(reloadAgain)
	}
	return nil
}

// keepKeysOnce is one round of keepKeys: what failed is tried again in the next.
func (e *Engine) keepKeysOnce(ctx context.Context) error {
	var rotating, noting error
	if err := e.rotateOnSchedule(ctx); err != nil {
		rotating = fmt.Errorf("rotating signing keys: %w", err)
	}
	if err := e.noteLongest(ctx); err != nil {
		noting = fmt.Errorf("recording the longest lifetime: %w", err)
	}
	return errors.Join(rotating, noting)
}

// noteLongest records the longest lifetime that a token of today can have, and
// until when one may live: the revocation log keeps its entries by it, also after
// a restart with a shorter lifetime (tokens.md I5). It is renewed with every
// round of keepKeys, and so reaches over the next one.
func (e *Engine) noteLongest(ctx context.Context) error {
	return e.commit(ctx, []record.Change{record.RaiseLongest{
		TTL:   e.policy.LongestTTL,
		Until: e.env().Now + e.policy.LongestTTL + 2*keyCheckPeriod.Milliseconds(),
	}})
}

// sign signs the tokens of an answer, first waiting for a key of a new database
// that is still being made.
func (e *Engine) sign(ctx context.Context, tokens *record.Tokens) (record.SignedTokens, error) {
	return withKey(ctx, e, func(m *mint.Mint) (record.SignedTokens, error) { return m.Sign(tokens) })
}

// withKey signs, waiting once for the keys of a new database.
func withKey[T any](ctx context.Context, e *Engine, sign func(*mint.Mint) (T, error)) (T, error) {
	signed, err := sign(e.minting.Load())
	if !errors.Is(err, mint.ErrNoKey) {
		return signed, err
	}
	select {
	case <-e.keys.ready:
		return sign(e.minting.Load())
	case <-ctx.Done():
		return signed, ctx.Err()
	}
}

// sweep purges what has been dead for long enough, in slices, so that no commit
// waits long behind it.
func (e *Engine) sweep(ctx context.Context) {
	tick := time.NewTicker(sweepPeriod)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
		if err := e.sweepInTurn(ctx); err != nil && ctx.Err() == nil {
			e.log.Error("sweeping", "error", err)
		}
	}
}

// sweepInTurn is a round of sweep. Of several nodes the first one in a period does
// what is in the database, and all forget.
func (e *Engine) sweepInTurn(ctx context.Context) error {
	now := e.clock.now()
	e.store.Forget(now)
	err := e.commit(ctx, []record.Change{record.CountAttempt{
		Name: "sweep", Limit: 1, At: now, WindowEnds: now + sweepPeriod.Milliseconds()*9/10,
	}})
	switch {
	case errors.Is(err, store.ErrConflict):
		return nil
	case err != nil:
		return err
	}
	return e.Sweep(ctx)
}

// Sweep is one round of what is done each minute: what has been dead for long
// enough goes, and so do clients that registered themselves and that nobody let in.
func (e *Engine) Sweep(ctx context.Context) error {
	if err := e.store.Purge(ctx, e.clock.now(), sweepSlice); err != nil {
		return fmt.Errorf("purging: %w", err)
	}
	if err := e.forget(ctx); err != nil {
		return fmt.Errorf("forgetting clients that nobody let in: %w", err)
	}
	return nil
}
