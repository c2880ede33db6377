// Package load is a closed-loop HTTP/1.1 load generator that costs little: it shares the machine with what it measures.
// A connection sends a request, waits for the whole answer, and only then sends the next one.
package load

import (
	"context"
	"errors"
	"fmt"
	"net"
	"sync"
	"time"
)

// patience is how long an answer may take at the end of a run before the connection counts as hanging.
const patience = 10 * time.Second

// Script is what one connection does over and over.
type Script struct {
	// Next returns the bytes of the next request, valid until it is called again. Nil ends this connection's part.
	Next func() []byte
	// Check looks at the answer. An error ends the whole run: a wrong answer must not be measured.
	Check func(Response) error
}

// stale is how long a connection may be idle: a server gives up one that has asked nothing, after 5 s in our case.
const stale = 3 * time.Second

// Group is a set of kept-alive connections to one server.
type Group struct {
	address     string
	connections []*connection
	used        time.Time // last
}

type connection struct {
	net.Conn
	responses *responseReader
	latencies []time.Duration
}

// Dial opens n connections to address (host:port).
func Dial(ctx context.Context, address string, n int) (*Group, error) {
	group, dialer := &Group{address: address, used: time.Now()}, net.Dialer{Timeout: 5 * time.Second}
	for range n {
		conn, err := dialer.DialContext(ctx, "tcp", address)
		if err != nil {
			group.Close()
			return nil, fmt.Errorf("dialling %s: %w", address, err)
		}
		group.connections = append(group.connections, &connection{Conn: conn, responses: newResponseReader(conn)})
	}
	return group, nil
}

// renew dials again if the connections were idle for long: something took its time before a run.
func (g *Group) renew(ctx context.Context) error {
	if time.Since(g.used) < stale {
		return nil
	}
	fresh, err := Dial(ctx, g.address, len(g.connections))
	if err != nil {
		return err
	}
	g.Close()
	g.connections, g.used = fresh.connections, fresh.used
	return nil
}

// Close closes the connections.
func (g *Group) Close() {
	for _, c := range g.connections {
		_ = c.Close() // nothing of ours is buffered in it
	}
}

// Run lets every connection follow its script, scripts[i] on connection i, until the duration is over or the script
// ends. A request that was sent is always waited for, so what the server did and what was counted are the same.
func (g *Group) Run(ctx context.Context, duration time.Duration, scripts []Script) (Result, error) {
	if len(scripts) != len(g.connections) {
		return Result{}, fmt.Errorf("%d scripts for %d connections", len(scripts), len(g.connections))
	}
	if err := g.renew(ctx); err != nil {
		return Result{}, err
	}
	defer func() { g.used = time.Now() }()
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	begin := time.Now()
	end := begin.Add(duration)
	for _, c := range g.connections {
		if err := c.SetDeadline(end.Add(patience)); err != nil {
			return Result{}, fmt.Errorf("setting a deadline: %w", err)
		}
	}
	defer context.AfterFunc(ctx, g.interrupt)()
	var running sync.WaitGroup
	for i, c := range g.connections {
		running.Go(func() {
			if err := c.follow(scripts[i], end); err != nil {
				cancel(fmt.Errorf("connection %d: %w", i, err))
			}
		})
	}
	running.Wait()
	elapsed := time.Since(begin)
	if err := context.Cause(ctx); err != nil {
		return Result{}, err
	}
	return newResult(g.connections, elapsed), nil
}

// interrupt wakes every connection that waits: its reads and writes fail from now on.
func (g *Group) interrupt() {
	for _, c := range g.connections {
		_ = c.SetDeadline(time.Unix(1, 0)) // fails only on a closed connection, which waits for nothing
	}
}

var errNoScript = errors.New("a script lacks its Next or Check")

func (c *connection) follow(script Script, end time.Time) error {
	if script.Next == nil || script.Check == nil {
		return errNoScript
	}
	c.latencies = c.latencies[:0]
	for sent := time.Now(); sent.Before(end); {
		request := script.Next()
		if request == nil {
			return nil
		}
		if _, err := c.Write(request); err != nil {
			return fmt.Errorf("sending: %w", err)
		}
		response, err := c.responses.read()
		if err != nil {
			return fmt.Errorf("reading the answer: %w", err)
		}
		received := time.Now()
		c.latencies = append(c.latencies, received.Sub(sent))
		sent = received
		if err := script.Check(response); err != nil {
			return err
		}
	}
	return nil
}
