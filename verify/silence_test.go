package verify

import (
	"context"
	"os"
	"path/filepath"
	"testing"
	"testing/synctest"
	"time"

	"github.com/mintmark-id/mintmark/internal/revocation"
)

func TestCallsThatComeTooEarlyWaitTwoSecondsAndGet503(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		i := newIssuer(t)
		token := i.token(nil)
		v := i.verifier(t)
		synctest.Wait()
		_ = reason(v, token) // keys and snapshot are there now
		i.set(func(i *issuer) { i.down = true })
		late := i.verifier(t)
		start := time.Now()
		if got := reason(late, token); got != "unavailable" || time.Since(start) != initWait {
			t.Errorf("%q after %v", got, time.Since(start))
		}
		time.AfterFunc(time.Second, func() { i.set(func(i *issuer) { i.down = false }) })
		time.Sleep(8 * time.Second)
		if got := reason(late, token); got != "" {
			t.Errorf("after the issuer came back: %q", got)
		}
	})
}

// A stopped process: sockets open, no answers. Bounds of issue and design: STALE within 13 s, EXPIRED within 60 s.
func TestAStoppedServerIsNoticedInTimeAndForgivenAtOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		i := newIssuer(t)
		v := i.verifier(t, WithPolicy(Strict))
		token := i.token(nil)
		if got := reason(v, token); got != "" {
			t.Fatal(got)
		}
		i.set(func(i *issuer) { i.frozen = true })
		time.Sleep(13 * time.Second)
		if got := v.Status().State; got != Stale {
			t.Errorf("after 13 s: %v", got)
		}
		time.Sleep(47 * time.Second)
		if got := v.Status().State; got != Expired {
			t.Errorf("after 60 s: %v", got)
		}
		if got := reason(v, token); got != "unavailable" {
			t.Errorf("after 60 s: %q", got)
		}
		i.set(func(i *issuer) { i.frozen = false; i.add(revocation.ForJTI("j1")) })
		time.Sleep(10 * time.Second)
		if got := v.Status().State; got != Live || reason(v, token) != "revoked" || reason(v, i.token(map[string]any{"jti": "j2"})) != "" {
			t.Errorf("10 s after it went on: %v, %q", got, reason(v, token))
		}
	})
}

func TestAStreamThatIsHeldBackOnTheWayIsReplacedByPolling(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		i := newIssuer(t)
		i.deaf = true
		v := i.verifier(t)
		time.Sleep(20 * time.Second)
		if got := v.Status(); got.State != Live || i.count(pathPoll) == 0 {
			t.Fatalf("%+v after %d polls", got, i.count(pathPoll))
		}
		token := i.token(nil)
		if got := reason(v, token); got != "" {
			t.Fatal(got)
		}
		start := time.Now()
		i.revoke(revocation.ForJTI("j1"))
		synctest.Wait()
		if got := reason(v, token); got != "revoked" || time.Since(start) > 10*time.Millisecond {
			t.Errorf("%q after %v", got, time.Since(start))
		}
		i.set(func(i *issuer) { i.deaf = false })
		time.Sleep(pollFor + 10*time.Second)
		polls := i.count(pathPoll)
		time.Sleep(time.Minute)
		if i.count(pathPoll) != polls || v.Status().State != Live {
			t.Error("the stream is not taken up again")
		}
	})
}

func TestALogThatWentBackIsNotFollowed(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		i := newIssuer(t)
		v := i.verifier(t, WithPolicy(Available))
		i.revoke(revocation.ForJTI("j1"))
		time.Sleep(time.Second)
		i.set(func(i *issuer) { i.seq, i.chain, i.entries, i.gone = 0, revocation.Chain{}, nil, false })
		time.Sleep(30 * time.Second)
		if got := v.Status(); got.State != Stale || got.Seq != 1 || got.Problem == "" || reason(v, i.token(nil)) != "revoked" {
			t.Errorf("%+v, %q", got, reason(v, i.token(nil)))
		}
		// A declared restore is another log, and ends everything before it.
		token := i.token(map[string]any{"jti": "j2"})
		time.Sleep(time.Millisecond)
		i.set(func(i *issuer) { i.log, i.key = "restored", revocation.FeedKey{9}; i.add(revocation.ForAll()) })
		time.Sleep(30 * time.Second)
		if got := v.Status(); got.State != Live || got.Log != "restored" || reason(v, token) != "revoked" {
			t.Errorf("%+v, %q", got, reason(v, token))
		}
	})
}

// The issuer serves a kind that this verifier cannot compare: it asks about every token, and never expires of it.
func TestAnUnknownKindMakesItAskForEver(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		i := newIssuer(t)
		i.kinds = append(i.kinds, "org")
		asked := 0
		i.active = func(string) (bool, int) { asked++; return true, 200 }
		v := i.verifier(t)
		time.Sleep(2 * time.Minute)
		if got := reason(v, i.token(nil)); got != "" || v.Status().State != Stale || asked != 1 {
			t.Errorf("%q, %v, asked %d times", got, v.Status().State, asked)
		}
	})
}

func TestClocksThatAreWrongNeverBringATokenBack(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		i := newIssuer(t)
		v := i.verifier(t, WithPolicy(Strict))
		token := i.token(nil)
		if got := reason(v, token); got != "" {
			t.Fatal(got)
		}
		// The issuer's clock is ahead by an hour, which is ours behind: what has expired there may be forgotten there.
		i.set(func(i *issuer) { i.shift = time.Hour })
		time.Sleep(4 * time.Second)
		if got := reason(v, token); got != "expired" || v.Status().State != Live {
			t.Errorf("our clock behind: %q, %v", got, v.Status().State)
		}
		// Ours ahead by two hours: heads look old, so nothing is believed.
		i.set(func(i *issuer) { i.shift = -2 * time.Hour })
		time.Sleep(4 * time.Second)
		if got := reason(v, token); got != "unavailable" || v.Status().State != Expired {
			t.Errorf("our clock ahead: %q, %v", got, v.Status().State)
		}
		i.set(func(i *issuer) { i.shift = 0 })
		i.revoke(revocation.ForJTI("j1")) // lc has run ahead with the clock and does not go back
		time.Sleep(4 * time.Second)
		if got := reason(v, token); got != "revoked" || v.Status().State != Live {
			t.Errorf("clocks agree again: %q, %v", got, v.Status().State)
		}
	})
}

func TestIntrospectionAsksOnceAndStopsWhenItFails(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		i := newIssuer(t)
		asked, active, status := 0, true, 200
		i.active = func(string) (bool, int) { asked++; return active, status }
		v := i.verifier(t, WithPolicy(Strict))
		token := i.token(nil)
		_ = reason(v, token)
		i.set(func(i *issuer) { i.down = true })
		time.Sleep(14 * time.Second)
		done := make(chan string)
		for range 50 {
			go func() { done <- reason(v, token) }()
		}
		for range 50 {
			if got := <-done; got != "" {
				t.Error(got)
			}
		}
		if asked != 1 {
			t.Errorf("50 calls with one token asked %d times", asked)
		}
		i.set(func(*issuer) { active = false })
		if got := reason(v, token); got != "" {
			t.Errorf("within 5 s: %q", got)
		}
		time.Sleep(answerKept)
		if got := reason(v, token); got != "revoked" {
			t.Errorf("after 5 s: %q", got)
		}
		i.set(func(*issuer) { asked, status = 0, 500 })
		time.Sleep(answerKept)
		for range 20 {
			if got := reason(v, token); got != "unavailable" {
				t.Error(got)
			}
		}
		if asked != breakAfter {
			t.Errorf("asked %d times, and it failed each time", asked)
		}
		i.set(func(*issuer) { active, status = true, 200 })
		time.Sleep(breakFor)
		if got := reason(v, token); got != "" {
			t.Errorf("after the breaker closed: %q", got)
		}
	})
}

func TestARestartDuringAnOutageIsNoOutage(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		i, dir := newIssuer(t), t.TempDir()
		i.revoke(revocation.ForJTI("dead"))
		i.active = func(string) (bool, int) { return false, 500 }
		first := i.verifier(t, WithSeed(dir))
		token, dead := i.token(nil), i.token(map[string]any{"jti": "dead"})
		_ = reason(first, token)
		time.Sleep(4 * time.Second)
		_ = first.Close()
		i.set(func(i *issuer) { i.frozen = true })
		for _, c := range []struct {
			after       time.Duration
			want        State
			good, lives string
		}{
			{time.Second, Live, "", "revoked"},
			{15 * time.Second, Stale, "", "revoked"},
			{time.Minute, Expired, "unavailable", "revoked"},
		} {
			time.Sleep(c.after)
			v := i.verifier(t, WithSeed(dir))
			if got := v.Status(); got.State != c.want || got.Entries != 1 {
				t.Errorf("restarted: %+v, want %v", got, c.want)
			}
			if got := reason(v, token); got != c.good {
				t.Errorf("%v: %q", c.want, got)
			}
			if got := reason(v, dead); got != c.lives {
				t.Errorf("%v: the revoked token: %q", c.want, got)
			}
			_ = v.Close()
		}
		// Back again: the saved copy goes on from its cursor, without a snapshot.
		i.set(func(i *issuer) { i.frozen = false; i.add(revocation.ForJTI("j1")) })
		snapshots := i.count(pathSnapshot)
		v := i.verifier(t, WithSeed(dir))
		time.Sleep(5 * time.Second)
		if got := v.Status(); got.State != Live || i.count(pathSnapshot) != snapshots || reason(v, token) != "revoked" {
			t.Errorf("%+v, %d snapshots, %q", got, i.count(pathSnapshot)-snapshots, reason(v, token))
		}
	})
}

func TestADamagedSeedIsNotUsed(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		i, dir := newIssuer(t), t.TempDir()
		i.revoke(revocation.ForJTI("dead"))
		v := i.verifier(t, WithSeed(dir))
		time.Sleep(time.Second)
		_ = v.Close()
		i.set(func(i *issuer) { i.frozen = true })
		files, _ := filepath.Glob(filepath.Join(dir, "*"))
		if len(files) != 1 {
			t.Fatal(files)
		}
		whole, _ := os.ReadFile(files[0])
		info, _ := os.Stat(files[0])
		if info.Mode().Perm() != 0o600 {
			t.Errorf("mode %v: it holds the log's key", info.Mode())
		}
		for name, damage := range map[string]func([]byte) []byte{
			"empty":       func([]byte) []byte { return nil },
			"cut short":   func(b []byte) []byte { return b[:len(b)-1] },
			"a bit":       func(b []byte) []byte { b[len(b)-40] ^= 1; return b },
			"an entry":    func(b []byte) []byte { return append(b[:len(b)-48], b[len(b)-32:]...) },
			"the head":    func(b []byte) []byte { b[100] ^= 1; return b },
			"the newline": func(b []byte) []byte { return append([]byte("{}"), b...) },
		} {
			if err := os.WriteFile(files[0], damage(append([]byte{}, whole...)), 0o600); err != nil {
				t.Fatal(err)
			}
			v := i.verifier(t, WithSeed(dir))
			if got := v.Status().State; got != Init {
				t.Errorf("%s: %v", name, got)
			}
			_ = v.Close()
		}
		i.set(func(i *issuer) { i.frozen = false })
	})
}

func TestReceiptsSayWhatWasApplied(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		i := newIssuer(t)
		i.ask = true
		v := i.verifier(t, WithPolicy(Strict))
		time.Sleep(time.Second)
		i.revoke(revocation.ForJTI("j1"))
		synctest.Wait()
		i.mu.Lock()
		defer i.mu.Unlock()
		if len(i.receipt) == 0 {
			t.Fatal("no receipt")
		}
		last := i.receipt[len(i.receipt)-1]
		if last["name"] != "orders-7" || last["policy"] != "strict" || last["state"] != "live" || last["log"] != i.log || last["seq"] != 1.0 || last["entries"] != 1.0 {
			t.Errorf("%v", last)
		}
		_ = v
	})
}

func TestWatchEndsWithItsToken(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		i := newIssuer(t)
		v := i.verifier(t, WithPolicy(Strict))
		parent, cancel := context.WithCancel(t.Context())
		defer cancel()
		watch := func(changes map[string]any) context.Context {
			ctx, err := v.Watch(parent, i.token(changes))
			if err != nil {
				t.Fatal(err)
			}
			return ctx
		}
		revoked, other := watch(nil), watch(map[string]any{"jti": "j2"})
		short := watch(map[string]any{"jti": "j3", "exp": time.Now().Unix() + 5})
		if claims, ok := FromContext(other); !ok || claims.ID != "j2" {
			t.Error("no claims in a watched context")
		}
		i.revoke(revocation.ForJTI("j1"))
		synctest.Wait()
		if revoked.Err() == nil || other.Err() != nil || short.Err() != nil {
			t.Errorf("revoked %v, other %v, short %v", revoked.Err(), other.Err(), short.Err())
		}
		time.Sleep(37 * time.Second)
		if short.Err() == nil || other.Err() != nil {
			t.Errorf("expired %v, other %v", short.Err(), other.Err())
		}
		if _, err := v.Watch(parent, i.token(nil)); reasonOf(err) != "revoked" {
			t.Errorf("watching a dead token: %v", err)
		}
		i.set(func(i *issuer) { i.frozen = true })
		time.Sleep(61 * time.Second)
		if other.Err() == nil {
			t.Error("strict, and the issuer silent for a minute: the stream goes on")
		}
		i.set(func(i *issuer) { i.frozen = false })
	})
}
