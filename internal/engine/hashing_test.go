package engine

import (
	"context"
	"errors"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"

	"github.com/mintmark-id/mintmark/internal/oauth"
)

// crowd fills the semaphore to the last place of its queue with hashes that run
// until release is closed.
type crowd struct {
	hashing *hashing
	release chan struct{}
	running atomic.Int64
	most    atomic.Int64
	done    atomic.Int64
}

func newCrowd(ctx context.Context) *crowd {
	c := &crowd{hashing: newHashing(), release: make(chan struct{})}
	for range cap(c.hashing.queue) {
		go func() {
			if c.hashing.run(ctx, c.hash) == nil {
				c.done.Add(1)
			}
		}()
	}
	synctest.Wait()
	return c
}

func (c *crowd) hash() {
	now := c.running.Add(1)
	for most := c.most.Load(); now > most && !c.most.CompareAndSwap(most, now); most = c.most.Load() {
	}
	<-c.release
	c.running.Add(-1)
}

func TestNoMorePasswordsAreHashedAtOnceThanThereAreSlots(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := newCrowd(t.Context())
		slots := int64(cap(c.hashing.slots))
		if c.running.Load() != slots {
			t.Errorf("%d run, with %d slots", c.running.Load(), slots)
		}
		err := c.hashing.run(t.Context(), func() { t.Error("it ran past the queue") })
		if err == nil || err.Reason != oauth.ReasonOverloaded || err.Status() != 503 || err.RetryAfter == 0 {
			t.Errorf("past the queue the answer is %v", err)
		}
		close(c.release)
		synctest.Wait()
		if c.most.Load() != slots || c.done.Load() != slots+hashQueue {
			t.Errorf("at most %d ran at once and %d in all, want %d and %d", c.most.Load(), c.done.Load(), slots, slots+hashQueue)
		}
		ran := false
		if err := c.hashing.run(t.Context(), func() { ran = true }); err != nil || !ran {
			t.Errorf("afterwards the answer is %v", err)
		}
	})
}

func TestWhoeverStopsWaitingForAHashLeavesTheirPlace(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithCancel(t.Context())
		c := newCrowd(ctx)
		cancel()
		synctest.Wait()
		if got := len(c.hashing.queue); got != cap(c.hashing.slots) {
			t.Errorf("%d places are taken, and %d hashes run", got, cap(c.hashing.slots))
		}
		waits := make(chan *oauth.Error)
		late, stop := context.WithCancel(t.Context())
		go func() { waits <- c.hashing.run(late, func() { t.Error("it ran for nobody") }) }()
		synctest.Wait()
		stop()
		if err := <-waits; err == nil || err.Reason != oauth.ReasonOverloaded || !errors.Is(err, context.Canceled) {
			t.Errorf("the answer is %v", err)
		}
		close(c.release)
		synctest.Wait()
		if len(c.hashing.queue) != 0 || len(c.hashing.slots) != 0 {
			t.Errorf("%d places and %d slots were not given back", len(c.hashing.queue), len(c.hashing.slots))
		}
	})
}

// The first attempts of an account are not counted before they are made, but by
// the one that holds the slot: parallel guesses gain no more than the other slots.
func TestParallelGuessesGainNoMoreThanTheSlots(t *testing.T) {
	l := newLab(t)
	const guesses, free = 24, 5
	var looked, held atomic.Int64
	var all sync.WaitGroup
	for range guesses {
		all.Go(func() {
			_, err := l.Login(t.Context(), LoginForm{Identifier: "ana@shop.example", Password: "wrong"},
				Browser{Browser: "browser", Network: "192.0.2.0/24"})
			switch {
			case err != nil && err.Reason == oauth.ReasonCredentialsWrong:
				looked.Add(1)
			case err != nil && err.Reason == oauth.ReasonTooManyAttempts:
				held.Add(1)
			default:
				t.Errorf("a wrong password is answered with %v", err)
			}
		})
	}
	all.Wait()
	if most := int64(free + cap(l.hashing.slots) - 1); looked.Load() < free || looked.Load() > most || looked.Load()+held.Load() != guesses {
		t.Errorf("%d of %d guesses were looked at and %d held up, want %d to %d", looked.Load(), guesses, held.Load(), free, most)
	}
}
