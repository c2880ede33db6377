//go:build external

package failover

import (
	"context"
	"fmt"
	"io"
	"log"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"os"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/mintmark-id/mintmark/admin"
	"github.com/mintmark-id/mintmark/test/app"
	"github.com/mintmark-id/mintmark/test/server"
)

// backWithin is the promise: so long after the primary is lost, the other serves.
const backWithin = 10 * time.Second

func TestMain(m *testing.M) { os.Exit(server.Main(m.Run)) }

// promised is what the servers acknowledged.
type promised struct {
	mu      sync.Mutex
	kept    []app.Tokens // the last tokens of each grant that lives
	ended   []app.Tokens // of those that were revoked
	answers atomic.Int64
	refused atomic.Int64 // sign-ins that were not served
}

func (p *promised) note(list *[]app.Tokens, tokens app.Tokens) {
	p.mu.Lock()
	defer p.mu.Unlock()
	*list = append(*list, tokens)
	p.answers.Add(1)
}

// life signs in, refreshes, and revokes every other grant, until it is told to stop.
// What gets no answer promises nothing.
func (p *promised) life(ctx context.Context, phone *app.App, user admin.User) {
	for i := 0; ctx.Err() == nil; i++ {
		browser, err := app.NewBrowser(user)
		if err != nil {
			return
		}
		tokens, err := phone.SignIn(ctx, browser, app.Orders)
		if err != nil {
			p.refused.Add(1)
			continue
		}
		p.answers.Add(1)
		p.grow(ctx, phone, tokens, i%2 == 0)
	}
}

func (p *promised) grow(ctx context.Context, phone *app.App, tokens app.Tokens, revoke bool) {
	for range 3 {
		next, ok, err := phone.Refresh(ctx, tokens.Refresh)
		if err != nil || !ok {
			break // an answer that was lost; the last one that came must hold
		}
		p.answers.Add(1)
		tokens = next
	}
	if !revoke {
		p.note(&p.kept, tokens)
		return
	}
	if phone.Revoke(ctx, tokens.Refresh) == nil {
		p.note(&p.ended, tokens)
	}
}

// The primary is cut off, while people sign in, refresh and revoke at two servers.
// Within ten seconds the standby has its place, and nothing that was acknowledged is
// lost: no sign-in, no rotation, no revocation.
func TestNothingAcknowledgedIsLostWithThePrimary(t *testing.T) {
	m, f := newMachines(t), newFront(t)
	first := f.start(m)
	f.start(m)
	cast, err := app.NewCast(t.Context(), first)
	m.must(err)
	defer cast.Office.Close()
	rotates := true
	phone, err := app.Register(t.Context(), cast.Office, cast.Issuer, admin.NewClient{ClientID: "phone", ClientMetadata: admin.ClientMetadata{
		GrantTypes: []string{"authorization_code", "refresh_token"}, Scope: "openid", Resources: []string{app.Orders},
		FirstParty: true, RotateRefresh: &rotates,
	}})
	m.must(err)
	p := &promised{}
	ctx, stop := context.WithCancel(t.Context())
	var load sync.WaitGroup
	for i := range 4 {
		user, err := cast.NewUser(t.Context(), fmt.Sprintf("user%d@example.com", i))
		m.must(err)
		load.Go(func() { p.life(ctx, phone, user) })
	}
	m.await("changes are acknowledged", func() bool { return p.answers.Load() > 40 })
	for round := range 2 {
		lost := m.primary()
		before, refused := p.answers.Load(), p.refused.Load()
		cut := time.Now()
		m.cut(lost)
		m.await("the loss is felt", func() bool { return p.refused.Load() > refused })
		after := p.answers.Load() // what was on its way has arrived
		m.await("changes are acknowledged again", func() bool { return p.answers.Load() > after })
		took := time.Since(cut)
		t.Logf("round %d: %d changes before; the first after %s", round, before, took.Round(10*time.Millisecond))
		if took > backWithin {
			t.Errorf("round %d: back after %s", round, took)
		}
		m.await("more of them", func() bool { return p.answers.Load() > after+20 })
		m.mend(lost)
		m.await("the other follows", func() bool { return m.primary() != nil && m.primary() != lost && m.synchronous() })
	}
	stop()
	load.Wait()
	p.hold(t, cast, phone)
}

// hold asks for everything that was promised.
func (p *promised) hold(t *testing.T, cast *app.Cast, phone *app.App) {
	t.Helper()
	t.Logf("%d grants live, %d were revoked, %d changes in all", len(p.kept), len(p.ended), p.answers.Load())
	if len(p.kept) == 0 || len(p.ended) == 0 {
		t.Error("nothing was promised")
	}
	for _, tokens := range p.kept {
		if _, ok, err := phone.Refresh(t.Context(), tokens.Refresh); err != nil || !ok {
			t.Errorf("a grant whose last answer came is gone: %v, %v", ok, err)
		}
	}
	for _, tokens := range p.ended {
		if _, ok, err := phone.Refresh(t.Context(), tokens.Refresh); err != nil || ok {
			t.Errorf("what was revoked refreshes: %v, %v", ok, err)
		}
		if active, err := cast.APIs.Active(t.Context(), tokens.Access); err != nil || active {
			t.Errorf("what was revoked is active: %v, %v", active, err)
		}
	}
}

// front hands each request to the next of some servers. Its address is the issuer.
type front struct {
	issuer string
	mu     sync.Mutex
	nodes  []*url.URL
	next   int
}

func newFront(t *testing.T) *front {
	f := &front{}
	outside := httptest.NewServer(&httputil.ReverseProxy{Rewrite: func(r *httputil.ProxyRequest) {
		r.SetURL(f.turn())
		r.Out.Host = r.In.Host
	}, ErrorLog: log.New(io.Discard, "", 0)})
	t.Cleanup(outside.Close)
	f.issuer = strings.Replace(outside.URL, "127.0.0.1", "localhost", 1)
	return f
}

func (f *front) turn() *url.URL {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.next++
	return f.nodes[f.next%len(f.nodes)]
}

// start starts a server behind the front, on the database of the machines.
func (f *front) start(m *machines) *server.Process {
	m.Helper()
	node, err := server.Launch(m.Context(), server.Binary(), m.TempDir(), "--issuer", f.issuer, "--database", m.url(), "--kek-file", m.kek())
	m.must(err)
	m.Cleanup(func() {
		if m.Failed() {
			m.Logf("a server said:\n%s", node.Log())
		}
		_ = node.Kill() // what it holds is in the database
	})
	f.mu.Lock()
	defer f.mu.Unlock()
	f.nodes = append(f.nodes, &url.URL{Scheme: "http", Host: node.Listen()})
	return node
}
