package web

import (
	"context"
	"slices"
	"testing"
	"testing/synctest"
	"time"
)

// queue lets somebody wait at a gate, and says who has come in, in their order.
type queue struct {
	*gate
	in []string
}

// come waits until there is nothing to do but wait.
func (q *queue) come(ctx context.Context, names ...string) {
	for _, name := range names {
		go func() {
			if q.enter(ctx) {
				q.in = append(q.in, name)
			} else {
				q.in = append(q.in, name+" is refused")
			}
		}()
		synctest.Wait()
	}
}

// leave lets the next in.
func (q *queue) leave() {
	q.exit()
	synctest.Wait()
}

func (q *queue) is(t *testing.T, want ...string) {
	t.Helper()
	if !slices.Equal(q.in, want) {
		t.Errorf("%q, want %q", q.in, want)
	}
}

func TestWhoWaitsAtAGateComesInInTheirOrder(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		q := &queue{gate: newGate(nil, "narrow", room{width: 1, standing: 2, burst: 2})}
		q.come(t.Context(), "first", "second", "third", "fourth")
		q.is(t, "first", "fourth is refused")
		q.leave()
		q.leave()
		q.leave()
		q.is(t, "first", "fourth is refused", "second", "third")
		q.come(t.Context(), "fifth")
		q.is(t, "first", "fourth is refused", "second", "third", "fifth")
	})
}

// What a stall leaves is served; a queue that does not empty is a flood.
func TestAQueueThatDoesNotEmptyIsShort(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		q := &queue{gate: newGate(nil, "narrow", room{width: 1, standing: 1, burst: 3})}
		q.come(t.Context(), "a", "b", "c", "d")
		q.is(t, "a")
		q.leave()
		time.Sleep(passing)
		q.come(t.Context(), "e") // c and d are waiting: there was room for a third
		q.is(t, "a", "b", "e is refused")
		q.leave()
		q.leave()
		q.come(t.Context(), "f")
		q.is(t, "a", "b", "e is refused", "c", "d")
		q.leave()
		q.come(t.Context(), "g", "h", "i", "j") // it was empty
		q.is(t, "a", "b", "e is refused", "c", "d", "f", "j is refused")
		for range 4 {
			q.leave()
		}
	})
}

func TestNobodyWaitsForThoseWhoDoNotComeOut(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		q := &queue{gate: newGate(nil, "narrow", room{width: 1, standing: 2, burst: 2})}
		gone, leave := context.WithCancel(t.Context())
		q.come(t.Context(), "a")
		q.come(gone, "b")
		q.come(t.Context(), "c")
		leave()
		synctest.Wait()
		q.is(t, "a", "b is refused")
		time.Sleep(patience)
		synctest.Wait()
		q.is(t, "a", "b is refused", "c is refused")
		if waiting := q.waiting.Load(); waiting != 0 {
			t.Errorf("%d are waiting", waiting)
		}
	})
}

// A line for each would take time from those who were let in.
func TestTheLogTellsOfAFloodOnceASecond(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		g := newGate(nil, "narrow", roomFor(1))
		told := func() int64 {
			refused, due := g.tell(time.Now())
			if !due {
				return 0
			}
			return refused
		}
		var lines []int64
		for range 5 {
			lines = append(lines, told())
			time.Sleep(400 * time.Millisecond)
		}
		if want := []int64{1, 0, 0, 3, 0}; !slices.Equal(lines, want) {
			t.Errorf("%d, want %d", lines, want)
		}
	})
}
