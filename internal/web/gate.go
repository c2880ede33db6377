package web

import (
	"runtime"
	"strconv"
	"time"

	"github.com/mintmark-id/mintmark/internal/metrics"
)

// gateWidth is how many requests of one kind are worked on at a time; whoever
// comes beyond is told to come back. It is far above what the database takes at
// once, so that it is met in trouble only.
const gateWidth = 512

// workWidth is the width for tokens, which cost many times what a refusal does. What
// is being worked on is all the queue there is, so the width bounds how long one
// waits: with more, each would be later and none more be served (docs/decisions/0022).
// The database must be kept busy too, which may be far away.
func workWidth() int {
	const ofProcessor = 64
	return ofProcessor * runtime.GOMAXPROCS(0)
}

// comeBack tells whoever is refused when to come again, in milliseconds: Retry-After
// knows whole seconds only, in which such a queue has emptied many times. It is spread,
// by the clock, so that those who are refused at once do not come back at once.
func comeBack() string {
	const soonest, spread = 100, 400
	return strconv.FormatInt(soonest+time.Now().UnixMicro()%spread, 10)
}

// gate keeps a flood of one kind of request (documents, tokens, what is asked
// about tokens, pages) from taking the server from the others. A request passes
// once its body is there: slow senders do not hold it. A nil gate lets all pass.
type gate chan struct{}

func newGate(m *metrics.Metrics, name string, width int) gate {
	g := make(gate, width)
	m.Gate(name, width, func() int { return len(g) })
	return g
}

func (s *site) newGate(name string, width int) gate { return newGate(s.metrics, name, width) }

func (g gate) enter() bool {
	if g == nil {
		return true
	}
	select {
	case g <- struct{}{}:
		return true
	default:
		return false
	}
}

func (g gate) exit() {
	if g != nil {
		<-g
	}
}
