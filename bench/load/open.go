package load

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"time"
)

// Arrival is a request of an open loop: when it was sent, counted from the beginning, how long after that its answer was
// there, and whether that was 503 with a Retry-After.
type Arrival struct {
	Sent    time.Duration
	Took    time.Duration
	Refused bool
}

var errNoRetryAfter = errors.New("503 without Retry-After")

// Arrive sends requests at a rate (per second), whatever becomes of those before: each when it is due, over a connection
// that is free then, or over the first that becomes free. Those for which none became free before the end are left out.
func (g *Group) Arrive(ctx context.Context, rate float64, duration time.Duration, scripts []Script) ([]Arrival, error) {
	if len(scripts) != len(g.connections) {
		return nil, fmt.Errorf("%d scripts for %d connections", len(scripts), len(g.connections))
	}
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	begin := time.Now()
	for _, c := range g.connections {
		if err := c.SetDeadline(begin.Add(duration + patience)); err != nil {
			return nil, fmt.Errorf("setting a deadline: %w", err)
		}
	}
	defer context.AfterFunc(ctx, g.interrupt)()
	arrivals := make([]Arrival, int(rate*duration.Seconds()))
	sent := make([]bool, len(arrivals))
	var next atomic.Int64
	var running sync.WaitGroup
	for i, c := range g.connections {
		running.Go(func() {
			for {
				n := int(next.Add(1)) - 1
				due := time.Duration(float64(n) / rate * float64(time.Second))
				time.Sleep(due - time.Since(begin))
				if n >= len(arrivals) || time.Since(begin) > duration {
					return
				}
				arrivals[n].Sent, sent[n] = time.Since(begin), true
				if err := c.arrive(&arrivals[n], scripts[i]); err != nil {
					cancel(fmt.Errorf("connection %d: %w", i, err))
					return
				}
			}
		})
	}
	running.Wait()
	answered := arrivals[:0]
	for i, a := range arrivals {
		if sent[i] {
			answered = append(answered, a)
		}
	}
	return answered, context.Cause(ctx)
}

// arrive sends one request and waits for its answer.
func (c *connection) arrive(a *Arrival, script Script) error {
	sent := time.Now()
	if _, err := c.Write(script.Next()); err != nil {
		return fmt.Errorf("sending: %w", err)
	}
	response, err := c.responses.read()
	if err != nil {
		return fmt.Errorf("reading the answer: %w", err)
	}
	a.Took = time.Since(sent)
	if a.Refused = response.Status == 503; !a.Refused {
		return script.Check(response)
	}
	if !response.RetryAfter {
		return errNoRetryAfter
	}
	return nil
}
