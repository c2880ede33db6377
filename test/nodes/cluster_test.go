// Package nodes_test runs several real servers on one real PostgreSQL, behind a
// balancer, and takes away one thing after another: a server, the database, the
// way between them.
package nodes_test

import (
	"bytes"
	"crypto/rand"
	"encoding/base64"
	"errors"
	"flag"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/mintmark-id/mintmark/admin"
	"github.com/mintmark-id/mintmark/test/app"
	"github.com/mintmark-id/mintmark/test/postgresql"
	"github.com/mintmark-id/mintmark/test/server"
)

const (
	// patience is for a machine that is busy: nothing waits so long unless it fails.
	patience = 20 * time.Second
	// lockBound is how long a node may hold up others by what it leaves behind: the
	// lock's limit of 2 s, and what a busy machine adds.
	lockBound = 4 * time.Second
)

func TestMain(m *testing.M) {
	flag.Parse()
	os.Exit(postgresql.Main(func() int { return server.Main(m.Run) }))
}

// cluster is some nodes of one issuer and the balancer in front of them.
type cluster struct {
	*testing.T
	*app.Cast
	database *postgresql.Server
	nodes    []*server.Process
	flags    [][]string // of each node
	balancer *balancer
	browser  *app.Browser
	phone    *app.App // see rotating
}

// newCluster starts nodes; reach gives the address by which each gets to the
// database.
func newCluster(t *testing.T, n int, reach func(database *postgresql.Server, node int) string) *cluster {
	t.Helper()
	return newClusterOn(t, postgresql.New(t), n, reach)
}

// newClusterOn is newCluster on a database that is there.
func newClusterOn(t *testing.T, database *postgresql.Server, n int, reach func(database *postgresql.Server, node int) string) *cluster {
	t.Helper()
	c := &cluster{T: t, database: database, balancer: newBalancer(t)}
	kek := writeKEK(t)
	for i := range n {
		at := c.database.URL("")
		if reach != nil {
			at = reach(c.database, i)
		}
		flags := []string{"--issuer", c.balancer.issuer, "--database", at, "--kek-file", kek, "--drain", drains.String(), "--admin-listen", "127.0.0.1:0"}
		node, err := server.Launch(t.Context(), server.Binary(), t.TempDir(), flags...)
		c.must(err)
		c.nodes, c.flags = append(c.nodes, node), append(c.flags, flags)
		t.Cleanup(func() { c.end(i) })
		c.balancer.add(node.Listen())
	}
	var err error
	c.Cast, err = app.NewCast(t.Context(), c.nodes[0])
	c.must(err)
	t.Cleanup(c.Office.Close)
	c.browser, err = app.NewBrowser(c.Ana)
	c.must(err)
	return c
}

// writeKEK makes a key-encryption key, and says where.
func writeKEK(t *testing.T) string {
	t.Helper()
	var key [32]byte
	_, _ = rand.Read(key[:])
	kek := filepath.Join(t.TempDir(), "kek")
	if err := os.WriteFile(kek, []byte(base64.StdEncoding.EncodeToString(key[:])), 0o600); err != nil {
		t.Fatal(err)
	}
	return kek
}

// end ends a node whatever state it is in.
func (c *cluster) end(i int) {
	node := c.nodes[i]
	if c.Failed() {
		c.Logf("node %d said:\n%s", i, node.Log())
	}
	if !node.Ended() {
		_ = node.Resume() // it may be stopped
		_ = node.Kill()   // what it holds is in the database
	}
}

func (c *cluster) must(err error) {
	c.Helper()
	if err != nil {
		c.Fatal(err)
	}
}

// again starts a node that was killed.
func (c *cluster) again(i int) {
	c.Helper()
	node, err := c.nodes[i].Again(c.Context(), c.flags[i]...)
	c.must(err)
	c.nodes[i] = node
}

// at is an app that asks one node.
func (c *cluster) at(a *app.App, node int) *app.App { return a.At(c.balancer.only(node)) }

func (c *cluster) signIn() app.Tokens {
	c.Helper()
	tokens, err := c.Shop.SignIn(c.Context(), c.browser, app.Orders)
	c.must(err)
	return tokens
}

// rotating is a client whose refresh tokens rotate.
func (c *cluster) rotating() *app.App {
	c.Helper()
	if c.phone != nil {
		return c.phone
	}
	rotates := true
	a, err := app.Register(c.Context(), c.Office, c.Issuer, admin.NewClient{ClientID: "phone", ClientMetadata: admin.ClientMetadata{
		GrantTypes: []string{"authorization_code", "refresh_token"}, Scope: "openid", Resources: []string{app.Orders},
		FirstParty: true, RotateRefresh: &rotates,
	}})
	c.must(err)
	c.phone = a
	return a
}

// ready is the status of a node's own health check.
func (c *cluster) ready(node int) int {
	c.Helper()
	answer, err := http.Get("http://" + c.nodes[node].Listen() + "/readyz")
	c.must(err)
	c.must(answer.Body.Close())
	return answer.StatusCode
}

func (c *cluster) await(what string, holds func() bool) {
	c.Helper()
	c.must(app.Await(c.Context(), what, patience, holds))
}

// together runs f n times at once, on nodes in turn.
func (c *cluster) together(n int, f func(node int)) {
	var all sync.WaitGroup
	start := make(chan struct{})
	for i := range n {
		all.Go(func() {
			<-start
			f(i % len(c.nodes))
		})
	}
	close(start)
	all.Wait()
}

const (
	// mostNodes are in a cluster.
	mostNodes = 3
	// drains is how long a node that is told to stop says so before it does, and looks how
	// often a balancer asks that only goes by that.
	drains = 2 * time.Second
	looks  = drains / 8
)

// balancer hands each request to the next node that takes a connection. Its address
// is the issuer.
type balancer struct {
	*testing.T
	issuer  string
	mu      sync.Mutex
	nodes   []string       // host:port
	waiting map[string]int // for each
	pinned  []string       // addresses of balancers of one node
	unready map[string]bool
	closed  atomic.Int64 // requests that met a server which took no connections
	next    atomic.Int64
	http    *http.Client
}

func newBalancer(t *testing.T) *balancer {
	b := &balancer{T: t, waiting: map[string]int{}, unready: map[string]bool{}, http: &http.Client{
		Transport:     &http.Transport{DisableKeepAlives: true},
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}}
	front := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { b.serve(w, r, func() []string { return b.nodes }) }))
	t.Cleanup(front.Close)
	b.issuer = strings.Replace(front.URL, "127.0.0.1", "localhost", 1)
	return b
}

func (b *balancer) add(node string) {
	alone := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { b.serve(w, r, func() []string { return []string{node} }) }))
	b.Cleanup(alone.Close)
	b.mu.Lock()
	defer b.mu.Unlock()
	b.nodes, b.pinned = append(b.nodes, node), append(b.pinned, alone.URL)
}

// take has the balancer ask another server in the place of one, "" being none, and
// returns when nobody waits for that one any more.
func (b *balancer) take(node int, listen string) {
	b.mu.Lock()
	was := b.nodes[node]
	b.nodes = slices.Clone(b.nodes)
	b.nodes[node] = listen
	b.mu.Unlock()
	if err := app.Await(b.Context(), "nobody waits for the server", patience, func() bool {
		b.mu.Lock()
		defer b.mu.Unlock()
		return b.waiting[was] == 0
	}); err != nil {
		b.Fatal(err)
	}
}

// choose gives a server, for which somebody waits from now on.
func (b *balancer) choose(nodes func() []string, n int) string {
	b.mu.Lock()
	defer b.mu.Unlock()
	all := slices.DeleteFunc(slices.Clone(nodes()), func(node string) bool { return b.unready[node] })
	if len(all) == 0 {
		return ""
	}
	node := all[n%len(all)]
	b.waiting[node]++
	return node
}

func (b *balancer) answered(node string) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.waiting[node]--
}

// goByReadiness has the balancer ask each server again and again whether it is ready,
// and hand requests to those that are.
func (b *balancer) goByReadiness() {
	done := make(chan struct{})
	var looking sync.WaitGroup
	b.Cleanup(func() { close(done); looking.Wait() })
	looking.Go(func() {
		for {
			select {
			case <-done:
				return
			case <-time.After(looks):
			}
			b.mu.Lock()
			all := slices.Clone(b.nodes)
			b.mu.Unlock()
			for _, node := range all {
				answer, err := b.http.Get("http://" + node + "/readyz")
				ready := err == nil && answer.Body.Close() == nil && answer.StatusCode == http.StatusOK
				b.mu.Lock()
				b.unready[node] = !ready
				b.mu.Unlock()
			}
		}
	})
}

func (b *balancer) only(node int) string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.pinned[node]
}

func (b *balancer) serve(w http.ResponseWriter, r *http.Request, nodes func() []string) {
	body, err := io.ReadAll(r.Body)
	if err != nil {
		return // whoever asked is gone
	}
	first := int(b.next.Add(1))
	for try := range mostNodes {
		if b.serveFrom(w, r, b.choose(nodes, first+try), body) {
			return
		}
	}
	w.WriteHeader(http.StatusBadGateway)
}

// serveFrom has a node answer; false: it takes no connections.
func (b *balancer) serveFrom(w http.ResponseWriter, r *http.Request, node string, body []byte) bool {
	defer b.answered(node)
	if node == "" {
		return false
	}
	answer, err := b.pass(r, node, body)
	if errors.Is(err, syscall.ECONNREFUSED) {
		b.closed.Add(1)
		return false
	}
	if err != nil {
		panic(http.ErrAbortHandler) // as a node that dies in the middle
	}
	defer answer.Body.Close()
	for name, values := range answer.Header {
		w.Header()[name] = values
	}
	w.WriteHeader(answer.StatusCode)
	_, _ = io.Copy(w, answer.Body) // whoever asked may be gone
	return true
}

func (b *balancer) pass(r *http.Request, node string, body []byte) (*http.Response, error) {
	request, err := http.NewRequestWithContext(r.Context(), r.Method, "http://"+node+r.URL.RequestURI(), bytes.NewReader(body))
	if err != nil {
		return nil, fmt.Errorf("passing a request on: %w", err)
	}
	request.Header = r.Header.Clone()
	request.Host = strings.TrimPrefix(b.issuer, "http://")
	return b.http.Do(request)
}
