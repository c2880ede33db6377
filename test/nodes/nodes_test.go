package nodes_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/mintmark-id/mintmark/admin"
	"github.com/mintmark-id/mintmark/test/app"
	"github.com/mintmark-id/mintmark/test/postgresql"
)

// tokens.md, part 3, promise 1: from the moment of the answer, on every node.
func TestWhatOneNodeRevokesNoOtherHonours(t *testing.T) {
	t.Parallel()
	c := newCluster(t, 3, nil)
	for node := range c.nodes {
		tokens := c.signIn()
		for other := range c.nodes {
			if active, err := c.at(c.APIs, other).Active(t.Context(), tokens.Access); err != nil || !active {
				t.Fatalf("node %d on a good token: %v, %v", other, active, err)
			}
		}
		c.must(c.at(c.Shop, node).Revoke(t.Context(), tokens.Refresh))
		for other := range c.nodes {
			if active, err := c.at(c.APIs, other).Active(t.Context(), tokens.Access); err != nil || active {
				t.Errorf("revoked on node %d, introspected on node %d: %v, %v", node, other, active, err)
			}
			if _, ok, err := c.at(c.Shop, other).Refresh(t.Context(), tokens.Refresh); err != nil || ok {
				t.Errorf("revoked on node %d, refreshed on node %d: %v, %v", node, other, ok, err)
			}
		}
	}
	c.rotatesEverywhere()
}

// rotatesEverywhere turns the keys on one node in an emergency: no other signs with
// the old ones, or believes them.
func (c *cluster) rotatesEverywhere() {
	c.Helper()
	before := c.signIn()
	out, err := c.nodes[1].Command(c.Context(), "key", "rotate", "--emergency").CombinedOutput()
	if err != nil {
		c.Fatalf("rotating: %v\n%s", err, out)
	}
	for node := range c.nodes {
		if active, err := c.at(c.APIs, node).Active(c.Context(), before.Access); err != nil || active {
			c.Errorf("node %d believes a compromised key: %v, %v", node, active, err)
		}
	}
	c.await("every node has the new keys", func() bool {
		sets := map[string]bool{}
		for node := range c.nodes {
			answer, err := http.Get(c.balancer.only(node) + "/.well-known/jwks.json")
			c.must(err)
			text, err := io.ReadAll(answer.Body)
			c.must(errors.Join(err, answer.Body.Close()))
			sets[string(text)] = true
		}
		return len(sets) == 1
	})
	for node := range c.nodes {
		own, err := c.at(c.APIs, node).Own(c.Context(), nil)
		c.must(err)
		if active, err := c.at(c.APIs, (node+1)%len(c.nodes)).Active(c.Context(), own); err != nil || !active {
			c.Errorf("a token of node %d is nothing to the next: %v, %v", node, active, err)
		}
	}
}

// Of many who redeem one code at once, on all nodes, one gets tokens. Of many who
// refresh at once, all get the one successor.
func TestNothingIsSpentTwiceAcrossNodes(t *testing.T) {
	t.Parallel()
	c := newCluster(t, 3, nil)
	phone := c.rotating()
	for range 5 {
		code, err := phone.Code(t.Context(), c.browser, app.Orders)
		c.must(err)
		var won atomic.Int64
		c.together(12, func(node int) {
			_, ok, err := c.at(phone, node).Redeem(t.Context(), code)
			if err != nil {
				t.Error(err)
			}
			if ok {
				won.Add(1)
			}
		})
		if won.Load() > 1 {
			t.Errorf("a code was redeemed %d times", won.Load())
		}
		tokens, err := phone.SignIn(t.Context(), c.browser, app.Orders)
		c.must(err)
		var successors sync.Map
		var got atomic.Int64
		c.together(12, func(node int) {
			next, ok, err := c.at(phone, node).Refresh(t.Context(), tokens.Refresh)
			if err != nil || !ok {
				t.Errorf("a refresh within the window: %v, %v", ok, err)
			}
			if _, known := successors.LoadOrStore(next.Refresh, true); !known {
				got.Add(1)
			}
		})
		if got.Load() != 1 {
			t.Errorf("one token has %d successors", got.Load())
		}
	}
}

// A node that dies in the middle of anything leaves nothing half done, and whoever
// asks another node gets an answer that fits.
func TestAKilledNodeLeavesNothingHalfDone(t *testing.T) {
	t.Parallel()
	c := newCluster(t, 3, nil)
	phone := c.rotating()
	for round := range 9 {
		victim := round % 3
		after := time.Duration(round) * time.Millisecond
		tokens, err := phone.SignIn(t.Context(), c.browser, app.Orders)
		c.must(err)
		code, err := phone.Code(t.Context(), c.browser, app.Orders)
		c.must(err)
		var refreshed, redeemed app.Tokens
		var answered, exchanged, revoked bool
		var all sync.WaitGroup
		doomed := c.signIn()
		// An error is the kill.
		all.Go(func() { refreshed, answered, _ = c.at(phone, victim).Refresh(t.Context(), tokens.Refresh) })
		all.Go(func() { redeemed, exchanged, _ = c.at(phone, victim).Redeem(t.Context(), code) })
		all.Go(func() { revoked = c.at(c.Shop, victim).Revoke(t.Context(), doomed.Refresh) == nil })
		<-time.After(after) // to be killed at another step each time
		c.must(c.nodes[victim].Kill())
		all.Wait()
		next := (victim + 1) % 3
		c.fits(c.at(phone, next), tokens, refreshed, answered)
		if exchanged {
			if _, ok, err := c.at(phone, next).Refresh(t.Context(), redeemed.Refresh); err != nil || !ok {
				t.Errorf("round %d: what a code gave is gone: %v", round, err)
			}
		} else if _, _, err := c.at(phone, next).Redeem(t.Context(), code); err != nil {
			t.Errorf("round %d: a code whose answer was lost: %v", round, err)
		}
		active, err := c.at(c.APIs, next).Active(t.Context(), doomed.Access)
		c.must(err)
		_, lives, err := c.at(c.Shop, next).Refresh(t.Context(), doomed.Refresh)
		c.must(err)
		if active && !lives { // PostgreSQL may have ended the commit of the dead node between the two questions
			active, err = c.at(c.APIs, next).Active(t.Context(), doomed.Access)
			c.must(err)
		}
		if active != lives || revoked && active {
			t.Errorf("round %d: a revocation (answered: %v) left it active: %v, refreshed: %v", round, revoked, active, lives)
		}
		c.again(victim)
	}
}

// fits holds a refresh to what a client must be able to rely on: whoever saw the
// answer has the successor, and whoever did not gets it by asking again.
func (c *cluster) fits(phone *app.App, was, got app.Tokens, answered bool) {
	c.Helper()
	again, ok, err := phone.Refresh(c.Context(), was.Refresh)
	if err != nil || !ok || answered && again.Refresh != got.Refresh {
		c.Errorf("a refresh (answered: %v) that is asked for again: %v, %v", answered, ok, err)
	}
}

// A node that is stopped in the middle of its appends keeps nobody else waiting.
func TestAStoppedNodeHoldsNobodyUp(t *testing.T) {
	t.Parallel()
	c := newCluster(t, 2, nil)
	var slowest time.Duration
	for round := range size(5, 100) {
		ctx, stop := context.WithCancel(t.Context())
		var load sync.WaitGroup
		for i := range 4 {
			load.Go(func() {
				for ctx.Err() == nil { // whatever it answers, and it may never
					_, _ = c.Office.Revoke(ctx, admin.Revocation{Kind: "sid", IDs: []string{fmt.Sprint("s", i)}, Reason: "a test"}, 0)
				}
			})
		}
		tokens := c.signIn()
		<-time.After(time.Duration(round%20*7) * time.Millisecond) // somewhere else each time
		c.must(c.nodes[0].Pause())
		began := time.Now()
		if err := c.at(c.Shop, 1).Revoke(t.Context(), tokens.Refresh); err != nil {
			t.Errorf("revoking on the other node: %v", err)
		}
		slowest = max(slowest, time.Since(began))
		stop()
		c.must(c.nodes[0].Resume())
		load.Wait()
	}
	found(t, "the slowest revocation on another server while one is stopped in the middle of its own", slowest.Round(time.Millisecond).String(),
		lockBound.String(), slowest <= lockBound)
}

// A node that is cut off from the database mints nothing and says so, while the
// others go on; it is back once the way is.
func TestANodeThatIsCutOffGoesSilent(t *testing.T) {
	t.Parallel()
	var way *cable
	c := newCluster(t, 2, func(database *postgresql.Server, node int) string {
		if node == 0 {
			return database.URL("")
		}
		way = layTo(t, database)
		return way.url(database)
	})
	own := func(node int) int {
		status, _, err := c.at(c.APIs, node).Post(t.Context(), "/oauth2/token", url.Values{"grant_type": {"client_credentials"}})
		c.must(err)
		return status
	}
	if got := own(1); got != http.StatusOK {
		t.Fatalf("before, it answers %d", got)
	}
	way.cut()
	c.await("it mints nothing", func() bool { return own(1) == http.StatusServiceUnavailable })
	if got := c.ready(1); got != http.StatusServiceUnavailable {
		t.Errorf("it says of itself %d", got)
	}
	if got := own(0); got != http.StatusOK {
		t.Errorf("the other node answers %d", got)
	}
	way.mend()
	c.await("it mints again", func() bool { return own(1) == http.StatusOK && c.ready(1) == http.StatusOK })
	found(t, "servers that go on minting, or are not back, after they were cut off from the database", "0", "0", !t.Failed())
}
