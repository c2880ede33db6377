package decide

import (
	"strconv"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/mintmark-id/mintmark/internal/record"
	"github.com/mintmark-id/mintmark/internal/secret"
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

// world keeps counters as the committer does, and plays sign-ins against them.
type world struct {
	t        *testing.T
	now      int64
	counters map[string]record.Counter
}

func (w *world) commit(changes []record.Change) bool {
	for _, change := range changes {
		if c, ok := change.(record.CountAttempt); ok && counted(w.counters[c.Name], c.At) >= c.Limit {
			return false
		}
	}
	for _, change := range changes {
		if c, ok := change.(record.CountAttempt); ok {
			w.counters[c.Name] = record.Counter{Name: c.Name, N: counted(w.counters[c.Name], c.At) + 1, WindowEnds: c.WindowEnds}
		}
		if c, ok := change.(record.ClearCounter); ok {
			delete(w.counters, c.Name)
		}
	}
	return true
}

// begin reports whether a sign-in may be tried, and the attempt.
func (w *world) begin(browser, network string, known bool) (*loginCase, bool) {
	c := newLogin(w.t)
	c.form.ToAccount, c.st.Interaction, c.st.Known = true, nil, known
	c.by = Browser{Hash: secret.Hash(browser), Network: network}
	c.st.Counters, c.env.Now = w.counters, w.now
	begun := c.begin()
	if !w.commit(begun.Changes) {
		w.t.Fatalf("a plan that was just made conflicts: %v", begun.Changes)
	}
	c.checked.Check = begun.Answer
	return c, begun.Err == nil
}

func (w *world) finish(c *loginCase, right bool) {
	if !right {
		c.checked.Verified = secret.Verified{}
	}
	c.env.Now = w.now
	if got := c.finish(); (got.Err == nil) != right || !w.commit(got.Changes) {
		w.t.Fatalf("a right password (%v) is answered with %v", right, got.Err)
	}
}

func TestManySignInsOfOneUserPassThreeAtATime(t *testing.T) {
	w := world{t: t, now: tokenNow, counters: map[string]record.Counter{}}
	for round := range 40 {
		var pending []*loginCase
		for i := range 3 {
			c, ok := w.begin("browser"+strconv.Itoa(3*round+i), "192.0.2.0/24", false)
			if !ok {
				t.Fatalf("round %d: the sign-in is held up", round)
			}
			pending = append(pending, c)
		}
		for _, c := range pending {
			w.finish(c, true)
		}
		w.now += second
	}
	if len(w.counters) != 0 {
		t.Errorf("after nothing but successes there remain %v", w.counters)
	}
}

// TestNobodyLocksAnotherOut: ASVS 6.1.1. A botnet fails as often as it can; the
// user comes with a browser that they have used before.
func TestNobodyLocksAnotherOut(t *testing.T) {
	w := world{t: t, now: tokenNow, counters: map[string]record.Counter{}}
	tried := 0
	for range 200 { // seconds
		for bot := range 40 {
			if c, ok := w.begin("bot"+strconv.Itoa(bot), "198.51.100."+strconv.Itoa(bot)+"/32", false); ok {
				w.finish(c, false)
				tried++
			}
		}
		c, ok := w.begin("own", "192.0.2.0/24", true)
		if !ok {
			t.Fatal("the user cannot sign in with a known browser")
		}
		w.finish(c, true)
		w.now += second
	}
	if tried != 100 {
		t.Errorf("the botnet made %d attempts, want 100", tried)
	}
}

// TestOneWhoFailsOnOthersIsHeldUpByTheNetwork: one try on each of many accounts.
func TestOneWhoFailsOnOthersIsHeldUpByTheNetwork(t *testing.T) {
	w := world{t: t, now: tokenNow, counters: map[string]record.Counter{}}
	tried := 0
	for i := range 1000 {
		c := newLogin(t)
		c.form = LoginForm{Identifier: "user" + strconv.Itoa(i) + "@shop.example", ToAccount: true}
		c.st.User, c.st.Password, c.st.Counters = nil, nil, w.counters
		begun := c.begin()
		if begun.Err != nil {
			continue
		}
		tried++
		c.checked = CheckedPassword{Check: begun.Answer}
		w.commit(begun.Changes)
		w.commit(c.finish().Changes)
	}
	if tried != 300 {
		t.Errorf("%d accounts were tried from one network, want 300", tried)
	}
}
