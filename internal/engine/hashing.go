package engine

import (
	"context"
	"runtime"

	"github.com/mintmark-id/mintmark/internal/oauth"
)

// hashQueue is how many sign-ins may wait for a slot; past it the answer is 503.
const hashQueue = 64

// hashing is the semaphore in front of Argon2id: each run takes 19 MiB and a
// core, so a burst of sign-ins costs time, never memory.
type hashing struct {
	queue chan struct{} // waiting or running
	slots chan struct{} // running
}

func newHashing() *hashing {
	slots := runtime.GOMAXPROCS(0)
	return &hashing{
		queue: make(chan struct{}, slots+hashQueue),
		slots: make(chan struct{}, slots),
	}
}

// Hashing is how many passwords are being hashed, and how many wait for it.
func (e *Engine) Hashing() (running, waiting int) {
	running = len(e.hashing.slots)
	return running, max(0, len(e.hashing.queue)-running)
}

// run calls hash when a slot is free.
func (h *hashing) run(ctx context.Context, hash func()) *oauth.Error {
	select {
	case h.queue <- struct{}{}:
		defer func() { <-h.queue }()
	default:
		return oauth.Refuse(oauth.ReasonOverloaded)
	}
	select {
	case h.slots <- struct{}{}:
		defer func() { <-h.slots }()
	case <-ctx.Done():
		return oauth.Refuse(oauth.ReasonOverloaded).Because(ctx.Err())
	}
	hash()
	return nil
}
