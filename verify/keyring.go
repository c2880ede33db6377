package verify

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"time"

	"github.com/mintmark-id/mintmark/internal/jose"
)

const (
	keysAtLeast = time.Minute      // a key set is kept, whatever its headers say
	keysAtMost  = 10 * time.Minute // and no longer without a look
	keysPause   = 2 * time.Second  // between two fetches: rubbish with unknown kids must not become a flood
)

// keyring is a key set of the issuer: fetched anew when it has expired, and when
// a token names a key that is not in it.
type keyring struct {
	remote *remote
	path   string
	life   context.Context // the verifier's: a fetch outlives the call that asked for it
	now    atomic.Pointer[keyset]

	mu     sync.Mutex
	flight *keyFlight
	last   time.Time // when the last fetch ended
}

type keyset struct {
	keys  jose.KeySet
	raw   []byte
	until time.Time
}

type keyFlight struct {
	done chan struct{}
	err  error
}

// verify checks a signature with the key that the token names. It fails with
// [ErrUnavailable] if the key is unknown and the issuer cannot be asked for it.
func (k *keyring) verify(ctx context.Context, token *jose.Compact, allowed []jose.Algorithm) (string, error) {
	if set := k.now.Load(); set != nil {
		if time.Now().After(set.until) {
			k.fetch() // the keys that are known go on serving meanwhile
		}
		payload, err := token.Verify(set.keys, allowed...)
		if !errors.Is(err, jose.ErrUnknownKey) {
			return payload, err
		}
	}
	f := k.fetch()
	select {
	case <-ctx.Done():
		return "", ErrUnavailable
	case <-f.done:
	}
	set := k.now.Load()
	if f.err != nil || set == nil {
		return "", ErrUnavailable
	}
	return token.Verify(set.keys, allowed...)
}

// fetch starts a fetch, or joins the one that is under way.
func (k *keyring) fetch() *keyFlight {
	k.mu.Lock()
	defer k.mu.Unlock()
	if k.flight == nil {
		k.flight = &keyFlight{done: make(chan struct{})}
		go k.run(k.flight, keysPause-time.Since(k.last))
	}
	return k.flight
}

// run waits until the pause is over, for an unknown key may be one that was made
// since the last look, and fetches.
func (k *keyring) run(f *keyFlight, pause time.Duration) {
	sleep(k.life, pause)
	ctx, cancel := context.WithTimeout(k.life, askTimeout)
	defer cancel()
	raw, age, err := k.remote.document(ctx, k.path)
	if err == nil {
		err = k.take(raw, time.Now().Add(min(max(age, keysAtLeast), keysAtMost)))
	}
	k.mu.Lock()
	defer k.mu.Unlock()
	k.flight, k.last = nil, time.Now()
	f.err = err
	close(f.done)
}

// take replaces the set, unless the new one does not parse: then what is known
// stays.
func (k *keyring) take(raw []byte, until time.Time) error {
	keys, err := jose.ParseKeySet(raw)
	if err != nil {
		return fmt.Errorf("reading the issuer's keys: %w", err)
	}
	k.now.Store(&keyset{keys, raw, until})
	return nil
}

// raw is the set as it was fetched, nil before.
func (k *keyring) raw() []byte {
	if set := k.now.Load(); set != nil {
		return set.raw
	}
	return nil
}

// sleep returns after d, or when ctx ends.
func sleep(ctx context.Context, d time.Duration) {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-ctx.Done():
	case <-timer.C:
	}
}
