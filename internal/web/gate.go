package web

import "github.com/mintmark-id/mintmark/internal/metrics"

// gateWidth is how many requests of one kind are worked on at a time; whoever
// comes beyond is told to come back. It is far above what the database takes at
// once, so that it is met in trouble only.
const gateWidth = 512

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
