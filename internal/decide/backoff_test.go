package decide

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/mintmark-id/mintmark/internal/record"
)

func TestEachAttemptWaitsTwiceAsLong(t *testing.T) {
	// From the attempt before; the sixteenth waits until all is forgotten.
	waits := []int64{
		5: second, 6: 2 * second, 7: 4 * second, 8: 8 * second, 9: 16 * second, 10: 32 * second,
		11: 64 * second, 12: 128 * second, 13: 256 * second, 14: 512 * second, 15: 15 * minute,
	}
	for n, wait := range waits {
		last := tokenNow
		counter := record.Counter{Name: "c", N: int64(n), WindowEnds: last + 15*minute}
		_, atOnce := slowed(counter, "c", last)
		if atOnce != wait {
			t.Errorf("after %d attempts the wait is %d ms, want %d", n, atOnce, wait)
		}
		if wait == 0 {
			continue
		}
		if _, early := slowed(counter, "c", last+wait-1); early != 1 {
			t.Errorf("after %d attempts, a millisecond early: the wait is %d ms, want 1", n, early)
		}
		reserve, late := slowed(counter, "c", last+wait)
		if late != 0 {
			t.Errorf("after %d attempts and its wait: the wait is still %d ms", n, late)
		}
		limit := int64(n + 1) // nobody else has tried meanwhile
		if n == 15 {
			limit = 5 // forgotten
		}
		want := record.CountAttempt{Name: "c", Limit: limit, At: last + wait, WindowEnds: last + wait + 15*minute}
		if diff := cmp.Diff(want, reserve); diff != "" {
			t.Errorf("after %d attempts (-want +got):\n%s", n, diff)
		}
	}
}

// TestParallelAttemptsOutrunNoBackoff plays the committer's guard: as many
// requests as like read the counter at once, and try again when they conflict.
func TestParallelAttemptsOutrunNoBackoff(t *testing.T) {
	var row record.Counter
	commit := func(c record.CountAttempt) bool {
		n := counted(row, c.At)
		if n >= c.Limit {
			return false
		}
		row = record.Counter{Name: c.Name, N: n + 1, WindowEnds: c.WindowEnds}
		return true
	}
	tried := 0
	for at := tokenNow; at < tokenNow+15*minute; at += 500 {
		snapshot := row
		for range 20 {
			reserve, wait := slowed(snapshot, "c", at)
			for wait == 0 && !commit(reserve) {
				reserve, wait = slowed(row, "c", at)
			}
			if wait == 0 {
				tried++
			}
		}
	}
	// 5 at once, then after 1, 2, 4, ... 256 s: the sum of the next is beyond 15 minutes.
	if want := 5 + 9; tried != want {
		t.Errorf("%d attempts in a quarter of an hour of 20 at a time, want %d", tried, want)
	}
}

func TestABoundedCounterOpensAfterAQuietQuarterOfAnHour(t *testing.T) {
	full := record.Counter{Name: "c", N: 100, WindowEnds: tokenNow + 15*minute}
	for _, c := range []struct {
		counter record.Counter
		at      int64
		wait    int64
	}{
		{record.Counter{}, tokenNow, 0},
		{record.Counter{Name: "c", N: 99, WindowEnds: tokenNow + minute}, tokenNow, 0},
		{full, tokenNow, 15 * minute},
		{full, tokenNow + 15*minute - 1, 1},
		{full, tokenNow + 15*minute, 0},
	} {
		reserve, wait := bounded(c.counter, "c", 100, c.at)
		want := record.CountAttempt{Name: "c", Limit: 100, At: c.at, WindowEnds: c.at + 15*minute}
		if wait != c.wait || reserve != want {
			t.Errorf("%+v at +%d ms: %+v after %d ms, want %+v after %d ms", c.counter, c.at-tokenNow, reserve, wait, want, c.wait)
		}
	}
}

func TestANetworksWindowDoesNotMove(t *testing.T) {
	started := miss(record.Counter{}, "n", tokenNow)
	if want := tokenNow + 15*minute; started.WindowEnds != want {
		t.Errorf("a first miss opens a window until %d, want %d", started.WindowEnds, want)
	}
	later := miss(record.Counter{Name: "n", N: 7, WindowEnds: started.WindowEnds}, "n", tokenNow+minute)
	if later.WindowEnds != started.WindowEnds {
		t.Errorf("a later miss moves the window by %d ms", later.WindowEnds-started.WindowEnds)
	}
	if later.Limit < 1<<40 {
		t.Errorf("a miss can fail to be counted: its limit is %d", later.Limit)
	}
}

func TestRetryAfterIsRoundedUp(t *testing.T) {
	for wait, want := range map[int64]time.Duration{1: time.Second, 1000: time.Second, 1001: 2 * time.Second, 15 * minute: 15 * time.Minute} {
		if got := tooMany(wait).RetryAfter; got != want {
			t.Errorf("after %d ms: Retry-After %s, want %s", wait, got, want)
		}
	}
}
