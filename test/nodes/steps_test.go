package nodes_test

import (
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/mintmark-id/mintmark/test/app"
	"github.com/mintmark-id/mintmark/test/postgresql"
	"github.com/mintmark-id/mintmark/test/server"
)

// mostSteps bounds what goes over the wire to the database for one request, so that a
// request without an end is noticed.
const mostSteps = 30

// A node is killed at each step of a refresh, of a code exchange and of a revocation:
// before a message between it and the database has passed, and after. Whoever asks
// another node finds all of it or nothing.
func TestANodeIsKilledAtEachStep(t *testing.T) {
	t.Parallel()
	var way *cable
	c := newCluster(t, 2, func(database *postgresql.Server, node int) string {
		if node == 1 {
			return database.URL("")
		}
		way = layTo(t, database)
		return way.url(database)
	})
	c.rotating()
	kills := 0
	for range size(1, 20) {
		for name, op := range map[string]func(doing func(func())){
			"a refresh": c.dyingRefresh, "a code exchange": c.dyingExchange, "a revocation": c.dyingRevocation,
		} {
			for step := range mostSteps {
				met := false
				for _, passed := range []bool{false, true} {
					op(func(request func()) { met = way.killAt(step, passed, c.nodes[0], request) || met })
					if c.nodes[0].Ended() {
						kills++
						c.again(0)
					}
				}
				if t.Failed() {
					t.Fatalf("at step %d of %s", step, name)
				}
				if !met {
					break // it has fewer steps
				}
			}
		}
	}
	found(t, "refreshes, exchanges and revocations left half done by a node that was killed at a step of them",
		fmt.Sprintf("0 (%d kills)", kills), "0", kills >= 12)
}

// The operations: doing runs the one request that the node may die in. An error of it
// is the kill.

func (c *cluster) dyingRefresh(doing func(func())) {
	c.Helper()
	tokens, err := c.phone.SignIn(c.Context(), c.browser, app.Orders)
	c.must(err)
	var got app.Tokens
	var answered bool
	doing(func() { got, answered, _ = c.at(c.phone, 0).Refresh(c.Context(), tokens.Refresh) })
	c.fits(c.at(c.phone, 1), tokens, got, answered)
}

func (c *cluster) dyingExchange(doing func(func())) {
	c.Helper()
	code, err := c.phone.Code(c.Context(), c.browser, app.Orders)
	c.must(err)
	var got app.Tokens
	var answered bool
	doing(func() { got, answered, _ = c.at(c.phone, 0).Redeem(c.Context(), code) })
	if answered {
		if _, ok, err := c.at(c.phone, 1).Refresh(c.Context(), got.Refresh); err != nil || !ok {
			c.Errorf("what a code gave is gone: %v", err)
		}
		return
	}
	// Whether it was redeemed before the node died or is redeemed now: once it is, it is.
	_, first, err := c.at(c.phone, 1).Redeem(c.Context(), code)
	c.must(err)
	_, second, err := c.at(c.phone, 1).Redeem(c.Context(), code)
	c.must(err)
	if second {
		c.Errorf("a code is redeemed after it was (by whoever asked again: %v)", first)
	}
}

func (c *cluster) dyingRevocation(doing func(func())) {
	c.Helper()
	doomed := c.signIn()
	var answered bool
	doing(func() { answered = c.at(c.Shop, 0).Revoke(c.Context(), doomed.Refresh) == nil })
	active, err := c.at(c.APIs, 1).Active(c.Context(), doomed.Access)
	c.must(err)
	_, lives, err := c.at(c.Shop, 1).Refresh(c.Context(), doomed.Refresh)
	c.must(err)
	if active && !lives { // PostgreSQL may have ended the commit of the dead node between the two questions
		active, err = c.at(c.APIs, 1).Active(c.Context(), doomed.Access)
		c.must(err)
	}
	if active != lives || answered && active {
		c.Errorf("a revocation (answered: %v) left it active: %v, refreshed: %v", answered, active, lives)
	}
}

// nextRelease builds the program as if it had another step of the schema.
func nextRelease(t *testing.T) string {
	t.Helper()
	dir := t.TempDir()
	step, overlay, program := filepath.Join(dir, "next.sql"), filepath.Join(dir, "overlay.json"), filepath.Join(dir, "mintmark")
	root, err := filepath.Abs("../..")
	if err != nil {
		t.Fatal(err)
	}
	replace, err := json.Marshal(map[string]any{"Replace": map[string]string{filepath.Join(root, "internal/store/migrations/99999_next.sql"): step}})
	if err != nil {
		t.Fatal(err)
	}
	for path, text := range map[string][]byte{
		overlay: replace,
		step: []byte("-- +goose Up\nALTER TABLE users ADD COLUMN next TEXT NOT NULL DEFAULT '';\n" +
			"ALTER TABLE grants ADD COLUMN next BIGINT NOT NULL DEFAULT 0;\nCREATE INDEX grants_next ON grants (next, id);\n"),
	} {
		if err := os.WriteFile(path, text, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	build := exec.CommandContext(t.Context(), "go", "build", "-overlay", overlay, "-o", program, "./cmd/mintmark")
	build.Dir = root
	if said, err := build.CombinedOutput(); err != nil {
		t.Fatalf("building the next release: %v\n%s", err, said)
	}
	return program
}

// Three servers are replaced one by one by those of a release that has a step of the
// schema more, while people sign in, renew and revoke. Nobody tells the balancer: it asks
// /readyz. Nobody notices, and it never hands a request to a server that is gone.
func TestARollingUpgradeIsNotNoticed(t *testing.T) {
	t.Parallel()
	program := nextRelease(t)
	c := newCluster(t, 3, nil).crowd()
	c.balanced = true
	c.balancer.goByReadiness()
	l := c.startLot(size(6, 16))
	done := make(chan struct{})
	var others sync.WaitGroup
	var rounds, wrong atomic.Int64
	for i := range size(3, 8) {
		others.Go(func() {
			for {
				select {
				case <-done:
					return
				default:
				}
				if err := c.oneOfEach(t.Context(), i); err != nil {
					wrong.Add(1)
					t.Error(err)
					return
				}
				rounds.Add(1)
			}
		})
	}
	for node := range c.nodes {
		before := l.good.Load()
		l.await("it works before the next node is replaced", func() bool { return l.good.Load() > before+int64(size(30, 500)) })
		was := c.nodes[node]
		c.must(was.Stop())
		c.Cleanup(func() {
			if c.Failed() {
				c.Logf("the server that node %d was said:\n%s", node, was.Log())
			}
		})
		next, err := server.Launch(t.Context(), program, was.Data, c.flags[node]...)
		c.must(err)
		c.nodes[node] = next
		c.balancer.take(node, next.Listen())
	}
	before := l.good.Load()
	l.await("it works on the next release", func() bool { return l.good.Load() > before+int64(size(30, 500)) })
	close(done)
	others.Wait()
	refused := l.refused.Load() + c.told.Load()
	l.end("rolling upgrade with a migration")
	if n := c.balancer.closed.Load(); n > 0 {
		t.Errorf("%d requests met a server that was gone", n)
	}
	found(t, "requests that failed or were refused while three servers and the schema were upgraded one by one",
		fmt.Sprintf("%d (%d rotations, %d rounds of the others)", wrong.Load()+refused, l.good.Load(), rounds.Load()), "0", wrong.Load()+refused == 0)
}
