package verify

import (
	"context"
	"net"
	"net/http"
	"sync"
	"time"
)

// streamAfter is how long a call runs before it counts as a stream.
const streamAfter = 5 * time.Second

// call is one admitted request, or one watch, and the context it runs under. It
// can be cancelled, but pays for that only when somebody looks: together with
// the copy of the request it is all that the middleware allocates.
type call struct {
	parent context.Context // it is a context itself
	v      *Verifier
	seen   *remembered
	since  time.Time
	stream bool                // to be cut from the start
	out    http.ResponseWriter // nil for a watch

	prev, next *call // in its list; guarded by the list's lock

	mu     sync.Mutex
	inner  context.Context // made when somebody first asks for Done
	cancel context.CancelFunc
	dead   bool
	ended  bool
	conn   net.Conn // if the handler has taken it over
}

type callKey struct{}

// streaming tells calls that end with their tokens from those that run on.
func (c *call) streaming(now time.Time) bool {
	return c.stream || now.Sub(c.since) >= streamAfter
}

// Deadline is the parent's.
func (c *call) Deadline() (time.Time, bool) { return c.parent.Deadline() }

// Done is closed when the parent's is, and when the token dies under a stream.
func (c *call) Done() <-chan struct{} {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.inner == nil {
		c.inner, c.cancel = context.WithCancel(c.parent)
		if c.dead {
			c.cancel()
		}
	}
	return c.inner.Done()
}

// Err is why Done is closed, nil while it is not.
func (c *call) Err() error {
	c.mu.Lock()
	defer c.mu.Unlock()
	switch {
	case c.inner != nil:
		return c.inner.Err()
	case c.dead:
		return context.Canceled
	default:
		return c.parent.Err()
	}
}

// Value finds the call itself, and else what the parent has.
func (c *call) Value(key any) any {
	if _, ok := key.(callKey); ok {
		return c
	}
	c.mu.Lock()
	inner := c.inner
	c.mu.Unlock()
	if inner != nil {
		return inner.Value(key)
	}
	return c.parent.Value(key)
}

// kill ends the call from outside: its context, and with it whatever still reads
// or writes its connection.
func (c *call) kill() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.dead = true
	if c.cancel != nil {
		c.cancel()
	}
	if c.conn != nil {
		_ = c.conn.Close()
		return
	}
	if c.out != nil && !c.ended {
		past := time.Unix(1, 0)
		control := http.NewResponseController(c.out)
		// Errors: a writer without deadlines has only its context to be cut by.
		_ = control.SetReadDeadline(past)
		_ = control.SetWriteDeadline(past)
	}
}

// end is called when the handler returns. A connection that was taken over lives
// on, and stays watched.
func (c *call) end() {
	c.mu.Lock()
	c.ended = true
	if c.cancel != nil {
		c.cancel()
	}
	held := c.conn != nil
	c.mu.Unlock()
	if !held {
		c.v.calls.remove(c)
	}
}

// calls are those that are under way, in lists by their tokens' shards.
type calls struct {
	lists [cacheShards]callList
}

type callList struct {
	mu   sync.Mutex
	head *call
}

func (cs *calls) list(c *call) *callList { return &cs.lists[c.seen.key%cacheShards] }

func (cs *calls) add(c *call) {
	l := cs.list(c)
	l.mu.Lock()
	defer l.mu.Unlock()
	c.next = l.head
	if l.head != nil {
		l.head.prev = c
	}
	l.head = c
}

// remove takes a call out; once more does nothing.
func (cs *calls) remove(c *call) {
	l := cs.list(c)
	l.mu.Lock()
	defer l.mu.Unlock()
	switch {
	case c.prev != nil:
		c.prev.next = c.next
	case l.head == c:
		l.head = c.next
	default:
		return
	}
	if c.next != nil {
		c.next.prev = c.prev
	}
	c.prev, c.next = nil, nil
}

// cut kills the calls that are doomed, and forgets them.
func (cs *calls) cut(doomed func(*call) bool) {
	for i := range cs.lists {
		for _, c := range cs.lists[i].choose(doomed) {
			cs.remove(c)
			c.kill() // without the list's lock: it may have to wait for a connection
		}
	}
}

func (l *callList) choose(doomed func(*call) bool) []*call {
	l.mu.Lock()
	defer l.mu.Unlock()
	var chosen []*call
	for c := l.head; c != nil; c = c.next {
		if doomed(c) {
			chosen = append(chosen, c)
		}
	}
	return chosen
}

// FromContext returns the claims of the token that the call came with, for
// handlers behind the middleware and for contexts of [Verifier.Watch].
func FromContext(ctx context.Context) (*Claims, bool) {
	if c, ok := ctx.Value(callKey{}).(*call); ok {
		return &c.seen.claims, true
	}
	return nil, false
}

// Watch checks a token and returns a context that is cancelled when the token
// dies: revoked or expired. For what lives long without being a request of the
// middleware's, such as a gRPC stream. A token that is bound to a certificate needs a
// context of [Showing]. Cancel ctx when it is over.
func (v *Verifier) Watch(ctx context.Context, token string) (context.Context, error) {
	now := time.Now()
	seen, err := v.check(ctx, token, demand{unsafe: true}, now)
	if err != nil {
		return nil, err
	}
	c := &call{parent: ctx, v: v, seen: seen, since: now, stream: true}
	c.inner, c.cancel = context.WithCancel(ctx)
	v.calls.add(c)
	context.AfterFunc(ctx, c.end)
	// What died between the check and the list would otherwise wait for the next news.
	if w := v.view.Load(); w != nil && v.dead(w, seen) {
		c.kill()
	}
	return c, nil
}
