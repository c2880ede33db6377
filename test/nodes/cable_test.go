package nodes_test

import (
	"net"
	"net/url"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/mintmark-id/mintmark/test/postgresql"
	"github.com/mintmark-id/mintmark/test/server"
)

// cable is the way from a node to the database: a socket that passes everything on
// until it is cut, and then keeps everything to itself, as a network does. It may be
// slow, and it may kill the node at a message.
type cable struct {
	dir, to string
	whole   atomic.Bool
	gone    chan struct{}
	delay   atomic.Int64 // ns, of what goes to the database
	trap    atomic.Pointer[trap]
}

// layTo lays a cable to a database.
func layTo(t *testing.T, database *postgresql.Server) *cable {
	t.Helper()
	return lay(t, filepath.Join(database.Dir(), ".s.PGSQL.5432"))
}

// url is the database's address over the cable.
func (c *cable) url(database *postgresql.Server) string {
	return strings.Replace(database.URL(""), url.QueryEscape(database.Dir()), url.QueryEscape(c.dir), 1)
}

func lay(t *testing.T, to string) *cable {
	t.Helper()
	c := &cable{dir: t.TempDir(), to: to, gone: make(chan struct{})}
	c.whole.Store(true)
	listener, err := net.Listen("unix", filepath.Join(c.dir, ".s.PGSQL.5432"))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = listener.Close(); close(c.gone) })
	go func() {
		for {
			near, err := listener.Accept()
			if err != nil {
				return
			}
			go c.join(near)
		}
	}()
	return c
}

func (c *cable) join(near net.Conn) {
	far, err := net.Dial("unix", c.to)
	if err != nil {
		_ = near.Close() // it hears of nothing else
		return
	}
	go c.pass(near, far, &c.delay)
	c.pass(far, near, nil)
}

func (c *cable) pass(from, to net.Conn, delay *atomic.Int64) {
	defer from.Close()
	defer to.Close()
	part := make([]byte, 32<<10)
	for {
		n, err := from.Read(part)
		if !c.whole.Load() {
			<-c.gone // it is on its way for ever
			return
		}
		if err != nil {
			return
		}
		if delay != nil && delay.Load() > 0 {
			<-time.After(time.Duration(delay.Load()))
		}
		kill := c.trap.Load().meets()
		if kill != nil && !kill.passed {
			kill.kill()
			return
		}
		if _, err := to.Write(part[:n]); err != nil {
			return
		}
		if kill != nil {
			kill.kill()
		}
	}
}

func (c *cable) cut()  { c.whole.Store(false) }
func (c *cable) mend() { c.whole.Store(true) }

// trap kills a node at a message, before it has passed or after.
type trap struct {
	at     int64
	passed bool
	node   *server.Process
	seen   atomic.Int64
	once   sync.Once
	killed chan struct{}
}

// meets counts a message, and gives the trap that it is for.
func (t *trap) meets() *trap {
	if t == nil || t.seen.Add(1)-1 != t.at {
		return nil
	}
	return t
}

func (t *trap) kill() {
	t.once.Do(func() {
		_ = t.node.Kill() // it may have ended
		close(t.killed)
	})
}

// killAt does a request, and kills the node at a step of it. It tells whether there
// was that step.
func (c *cable) killAt(step int, passed bool, node *server.Process, request func()) bool {
	t := &trap{at: int64(step), passed: passed, node: node, killed: make(chan struct{})}
	c.trap.Store(t)
	request()
	c.trap.Store(nil)
	if t.seen.Load() <= t.at {
		return false
	}
	<-t.killed
	return true
}
