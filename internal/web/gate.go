package web

import (
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
	usual int // as many as keep the server busy
	width int // if there have been more than usual for long
	burst int // if there were no more than usual a moment ago
}

// roomFor lets so many in.
func roomFor(width int) room { return room{usual: width, width: width, burst: width} }

// roomForTokens is for what costs many times what its refusal does. What is let in is all
// the queue there is, so it bounds how long one waits: with more, each would be later and
// none more be served (docs/decisions/0022, 0026).
func roomForTokens() room {
	processors := runtime.GOMAXPROCS(0)
	return room{usual: 4 * processors, width: 96 * processors, burst: 256 * processors}
}

// passing is how long more than usual may be in at a time: a checkpoint of the database
// or a slow disk lets them gather. If it lasts longer, more is asked than can be
// answered, and whoever joins them only waits (Nichols, Jacobson: Controlling Queue Delay).
const passing = 250 * time.Millisecond

// gate keeps a flood of one kind of request (documents, tokens, what is asked
// about tokens, pages) from taking the server from the others. A request passes
// once its body is there: slow senders do not hold it. A nil gate lets all pass.
type gate struct {
	room
	inside atomic.Int64
	since  atomic.Int64 // when there began to be more than usual, in nanoseconds of Unix time

	untold atomic.Int64 // refused since the log last had a line about it
	told   atomic.Int64 // when it had, in nanoseconds of Unix time
}

func newGate(m *metrics.Metrics, name string, r room) *gate {
	g := &gate{room: r}
	m.Gate(name, r.width, func() int { return int(g.inside.Load()) })
	return g
}

func (s *site) newGate(name string, r room) *gate { return newGate(s.metrics, name, r) }

// enter says whether there is room; if so, exit must follow.
func (g *gate) enter() bool {
	if g == nil {
		return true
	}
	n := int(g.inside.Add(1))
	if n == g.usual+1 {
		g.since.Store(time.Now().UnixNano())
	}
	if n <= g.width || n <= g.burst && time.Now().UnixNano()-g.since.Load() < int64(passing) {
		return true
	}
	g.inside.Add(-1)
	return false
}

func (g *gate) exit() {
	if g != nil {
		g.inside.Add(-1)
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
