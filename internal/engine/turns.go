package engine

import (
	"context"
	"runtime"
	"time"

	"github.com/mintmark-id/mintmark/internal/oauth"
)

// patience is how long a turn is waited for. It is for when those whose turn it is do
// not get on, because the database does not answer them.
const patience = time.Second

// turns let a few requests for tokens be prepared at a time, first come, first served, and
// none while it waits for its commit. A few keep the processor busy; if more were at work, they
// would stand in Go's queue, each be later, and none more be served (docs/decisions/0026).
type turns chan struct{}

// newTurns gives none, so that nobody waits, for a database elsewhere: to load is to wait
// for it, and keeps no processor busy.
func newTurns(embedded bool) turns {
	const ofProcessor = 4
	if !embedded {
		return nil
	}
	return make(turns, ofProcessor*runtime.GOMAXPROCS(0))
}

// take waits for a turn; if it gets one, give must follow.
func (t turns) take(ctx context.Context) *oauth.Error {
	if t == nil {
		return nil
	}
	select {
	case t <- struct{}{}:
		return nil
	default:
	}
	late := time.NewTimer(patience)
	defer late.Stop()
	select {
	case t <- struct{}{}:
		return nil
	case <-late.C:
		return oauth.Refuse(oauth.ReasonOverloaded)
	case <-ctx.Done():
		return oauth.Refuse(oauth.ReasonOverloaded).Because(ctx.Err())
	}
}

func (t turns) give() {
	if t != nil {
		<-t
	}
}
