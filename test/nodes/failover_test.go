package nodes_test

import (
	"context"
	"fmt"
	"net/url"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/mintmark-id/mintmark/test/app"
	"github.com/mintmark-id/mintmark/test/postgresql"
)

// backWithin is when sign-ins go on after the primary was lost and the standby took
// its place.
const backWithin = 10 * time.Second

// ledger is what was acknowledged.
type ledger struct {
	mu             sync.Mutex
	kept, revoked  []app.Tokens
	firstAfterLoss time.Time
	lost           bool
}

func (l *ledger) write(tokens app.Tokens, revoked bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if revoked {
		l.revoked = append(l.revoked, tokens)
	} else {
		l.kept = append(l.kept, tokens)
	}
	if l.lost && l.firstAfterLoss.IsZero() {
		l.firstAfterLoss = time.Now()
	}
}

// work signs in and revokes every second sign-in, and writes down what was
// acknowledged. What was not may have happened or not.
func (l *ledger) work(ctx context.Context, c *crowd, hand int) {
	for n := 0; ctx.Err() == nil; n++ {
		tokens, err := c.Shop.SignIn(ctx, c.browsers[hand], app.Orders)
		if err != nil {
			c.told.Add(1)
			<-time.After(5 * time.Millisecond) // it is told to come back
			continue
		}
		if n%2 == 0 {
			l.write(tokens, false)
		} else if c.Shop.Revoke(ctx, tokens.Refresh) == nil {
			l.write(tokens, true)
		}
	}
}

// The primary is lost in the middle of everything, and its synchronous standby takes
// its place. Nothing that was acknowledged is lost, and the servers find the new
// primary by themselves.
func TestAPrimaryIsLostAndItsStandbyTakesItsPlace(t *testing.T) {
	t.Parallel()
	var standby *postgresql.Server
	c := newCluster(t, 3, func(database *postgresql.Server, _ int) string {
		if standby == nil {
			standby = database.Standby(t)
		}
		here := url.QueryEscape(database.Dir())
		return strings.Replace(database.URL("target_session_attrs=read-write"), here, here+","+url.QueryEscape(standby.Dir()), 1)
	}).crowd()
	l := c.startLot(8)
	done := new(ledger)
	ctx, stop := context.WithCancel(t.Context())
	defer stop()
	var all sync.WaitGroup
	for hand := range hands {
		all.Go(func() { done.work(ctx, c, hand) })
	}
	acknowledged := func(n int) func() bool {
		return func() bool {
			done.mu.Lock()
			defer done.mu.Unlock()
			return len(done.revoked) >= n
		}
	}
	c.await("there is something to lose", acknowledged(size(30, 100)))
	lost, refused := time.Now(), l.refused.Load()
	c.database.Crash()
	l.await("503s without a primary", func() bool { return l.refused.Load() > refused+8 })
	done.mu.Lock()
	done.lost = true // what comes from now on is the standby's
	before := len(done.revoked)
	done.mu.Unlock()
	standby.Promote(t)
	c.await("revocations go on", acknowledged(before+10))
	l.goesOn("rotations go on")
	stop()
	all.Wait()
	l.end("the primary lost, its synchronous standby promoted")
	took := done.firstAfterLoss.Sub(lost)
	found(t, "until sign-ins and revocations go on after the primary was lost and its standby promoted",
		took.Round(time.Millisecond).String(), backWithin.String(), took <= backWithin)
	c.nothingIsLost(done)
}

// nothingIsLost asks each server for all that was acknowledged.
func (c *crowd) nothingIsLost(done *ledger) {
	c.Helper()
	back, gone := 0, 0
	for i, tokens := range done.revoked {
		active, err := c.at(c.APIs, i%3).Active(c.Context(), tokens.Access)
		c.must(err)
		_, lives, err := c.at(c.Shop, (i+1)%3).Refresh(c.Context(), tokens.Refresh)
		c.must(err)
		if active || lives {
			back++
		}
	}
	for i, tokens := range done.kept {
		_, lives, err := c.at(c.Shop, i%3).Refresh(c.Context(), tokens.Refresh)
		c.must(err)
		if !lives {
			gone++
		}
	}
	found(c.T, "acknowledged revocations and sign-ins that were lost with the primary",
		fmt.Sprintf("%d and %d (of %d and %d)", back, gone, len(done.revoked), len(done.kept)), "0", back+gone == 0)
}
