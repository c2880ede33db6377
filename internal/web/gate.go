package web

import (
	"context"
	"runtime"
	"strconv"
	"sync/atomic"
	"time"

	"github.com/mintmark-id/mintmark/internal/metrics"
)

// gateWidth is how many requests of one kind are worked on at a time, if each costs
// little more than its refusal does; whoever comes beyond is told to come back.
const gateWidth = 512

// room is how many a gate lets in.
type room struct {
	width    int // worked on at a time
	standing int // who may wait for that, in a queue that does not empty
	burst    int // and in one that was empty a moment ago
}

// roomFor lets so many in, and nobody waits.
func roomFor(width int) room { return room{width: width} }

// roomForTokens is for what costs many times what its refusal does (docs/decisions/0026).
// Those who are worked on wait for processor and disk, and a few keep both busy. The
// others wait here, where they keep their order and cost nothing: with more to choose from,
// the processor would serve none more, and come later to those whom it must refuse.
// A database that is not in this process may be far away: more are on their way to it.
func roomForTokens(embedded bool) room {
	const letIn, burst = 96, 256
	processors, width := runtime.GOMAXPROCS(0), 64
	if embedded {
		width = 12
	}
	return room{width: width * processors, standing: (letIn - width) * processors, burst: (burst - width) * processors}
}

// passing is how long a queue may last that a stall has left: a checkpoint of the
// database, a slow disk. One that lasts longer is there because more is asked than can be
// answered, and whoever joins it only waits (Nichols, Jacobson: Controlling Queue Delay).
const passing = 250 * time.Millisecond

// patience is for when those inside do not come out, because the database does not
// answer them.
const patience = time.Second

// gate keeps a flood of one kind of request (documents, tokens, what is asked
// about tokens, pages) from taking the server from the others. A request passes
// once its body is there: slow senders do not hold it. A nil gate lets all pass.
type gate struct {
	room
	inside  chan struct{} // of those that are worked on, at most width
	waiting atomic.Int64
	since   atomic.Int64 // when the queue was last empty, in nanoseconds of Unix time

	untold atomic.Int64 // refused since the log last had a line about it
	told   atomic.Int64 // when it had, in nanoseconds of Unix time
}

func newGate(m *metrics.Metrics, name string, r room) *gate {
	g := &gate{room: r, inside: make(chan struct{}, r.width)}
	m.Gate(name, r.width, func() int { return len(g.inside) }, func() int { return int(g.waiting.Load()) })
	return g
}

func (s *site) newGate(name string, r room) *gate { return newGate(s.metrics, name, r) }

// enter waits for its turn, or says that there is no room.
func (g *gate) enter(ctx context.Context) bool {
	if g == nil {
		return true
	}
	select {
	case g.inside <- struct{}{}:
		return true
	default:
		return g.join() && g.wait(ctx)
	}
}

// join takes a place in the queue.
func (g *gate) join() bool {
	place, now := int(g.waiting.Add(1)), time.Now().UnixNano()
	if place == 1 {
		g.since.Store(now)
	}
	if place <= g.standing || place <= g.burst && now-g.since.Load() < int64(passing) {
		return true
	}
	g.waiting.Add(-1)
	return false
}

// wait waits in the queue. First come, first served: so are those who send to a channel.
func (g *gate) wait(ctx context.Context) bool {
	defer g.waiting.Add(-1)
	late := time.NewTimer(patience)
	defer late.Stop()
	select {
	case g.inside <- struct{}{}:
		return true
	case <-late.C:
	case <-ctx.Done(): // the client is gone
	}
	return false
}

func (g *gate) exit() {
	if g != nil {
		<-g.inside
	}
}

// tell says whether a line of the log is due about those who were refused, and how
// many there were since the last. It is due once a second: they are many, and to write
// of each would take time from those who were let in.
func (g *gate) tell(now time.Time) (refused int64, due bool) {
	g.untold.Add(1)
	told := g.told.Load()
	if now.UnixNano()-told < int64(time.Second) || !g.told.CompareAndSwap(told, now.UnixNano()) {
		return 0, false
	}
	return g.untold.Swap(0), true
}

// comeBack tells whoever is refused when to come again, in milliseconds: Retry-After
// knows whole seconds only, in which such a queue has emptied many times. It is spread,
// by the clock, so that those who are refused at once do not come back at once.
func comeBack() string {
	const soonest, spread = 100, 400
	return strconv.FormatInt(soonest+time.Now().UnixMicro()%spread, 10)
}
