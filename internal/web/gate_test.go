package web

import (
	"slices"
	"testing"
	"testing/synctest"
	"time"
)

// What a stall lets gather is served; more than usual for long is a flood.
func TestAGateLetsManyInForAMomentAndFewerForLong(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		g := newGate(nil, "narrow", room{usual: 1, width: 3, burst: 5})
		enter := func() (n int) {
			for g.enter() {
				n++
			}
			return n
		}
		leave := func(n int) {
			for range n {
				g.exit()
			}
		}
		if n := enter(); n != 5 {
			t.Errorf("%d enter at once", n)
		}
		leave(2)
		time.Sleep(passing)
		if n := enter(); n != 0 {
			t.Errorf("%d enter when there have been more than usual for long", n)
		}
		leave(1)
		if n := enter(); n != 1 {
			t.Errorf("%d enter where one has left", n)
		}
		leave(3)
		if n := enter(); n != 5 {
			t.Errorf("%d enter when all was as usual a moment ago", n)
		}
		leave(5)
		if n := g.inside.Load(); n != 0 {
			t.Errorf("%d are inside when all have left", n)
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
