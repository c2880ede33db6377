package web

import (
	"bytes"
	"context"
	"log/slog"
	"net"
	"net/netip"
	"path/filepath"
	"sync"
	"testing"

	"github.com/mintmark-id/mintmark/internal/decide"
	"github.com/mintmark-id/mintmark/internal/engine"
	"github.com/mintmark-id/mintmark/internal/feed"
	"github.com/mintmark-id/mintmark/internal/oauth"
	"github.com/mintmark-id/mintmark/internal/record"
	"github.com/mintmark-id/mintmark/internal/secret"
	"github.com/mintmark-id/mintmark/internal/store"
)

const (
	password = "tidal harbour lamp"
	api      = "https://api.example"
)

// world is a server with one of each: a confidential client, a public one, a
// machine, an API, and ana.
type world struct {
	t       *testing.T
	store   *store.Store
	engine  *engine.Engine
	feed    *feed.Feed
	site    *site
	address string // where it listens
	log     *logBook
	secrets map[string]string // of clients
	setup   string
}

// logBook is the log. The lines of requests are also handed to whoever waits.
type logBook struct {
	mu       sync.Mutex
	lines    bytes.Buffer
	requests chan string
}

func (b *logBook) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if bytes.Contains(p, []byte(`"msg":"request"`)) {
		b.requests <- string(p)
	}
	return b.lines.Write(p)
}

func (b *logBook) String() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.lines.String()
}

// newWorld serves an issuer on a real socket.
func newWorld(t *testing.T, issuer string, change ...func(*decide.Policy)) *world {
	t.Helper()
	w := newSite(t, issuer, change...)
	var config net.ListenConfig
	listener, err := config.Listen(context.Background(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	w.serve(listener)
	return w
}

// newSite is an issuer that nobody serves yet.
func newSite(t *testing.T, issuer string, change ...func(*decide.Policy)) *world {
	t.Helper()
	ctx := context.Background()
	st, err := store.Open(ctx, store.Options{Path: filepath.Join(t.TempDir(), "mintmark.db"), Issuer: issuer, Unsafe: true})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = st.Close() })
	if err := st.Migrate(ctx); err != nil {
		t.Fatal(err)
	}
	id, err := oauth.ParseIssuer(issuer)
	if err != nil {
		t.Fatal(err)
	}
	w := &world{t: t, store: st, log: &logBook{requests: make(chan string, 1000)}, secrets: map[string]string{}}
	log := slog.New(slog.NewJSONHandler(w.log, &slog.HandlerOptions{Level: slog.LevelDebug}))
	policy := decide.DefaultPolicy(id)
	for _, c := range change {
		c(policy)
	}
	w.engine, err = engine.Open(ctx, engine.Config{Policy: policy, Store: st, KEK: secret.KEK{7}, Log: log})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(w.engine.Close)
	w.feed, err = feed.Open(ctx, feed.Config{Store: st, Issuer: issuer, Ring: w.engine.Ring, Now: w.engine.Now, Log: log})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(w.feed.Close)
	handlers, err := New(Config{
		Engine: w.engine, Feed: w.feed, Log: log, TrustedProxies: []netip.Prefix{netip.MustParsePrefix("127.0.0.2/32")},
	})
	if err != nil {
		t.Fatal(err)
	}
	w.site = handlers.Public.(*site)
	w.populate(ctx)
	return w
}

func (w *world) serve(listener net.Listener) {
	w.address = listener.Addr().String()
	server := NewServer(w.site, w.site.log)
	done := make(chan struct{})
	go func() {
		defer close(done)
		_ = server.Serve(listener)
	}()
	w.t.Cleanup(func() {
		_ = server.Close()
		<-done
	})
}

// dial connects to the server, from an address of the loopback if one is given.
func (w *world) dial(from string) *net.TCPConn {
	w.t.Helper()
	var dialer net.Dialer
	if from != "" {
		dialer.LocalAddr = &net.TCPAddr{IP: net.ParseIP(from)}
	}
	conn, err := dialer.DialContext(w.t.Context(), "tcp", w.address)
	if err != nil {
		w.t.Fatal(err)
	}
	return conn.(*net.TCPConn)
}

func (w *world) populate(ctx context.Context) {
	var err error
	if w.setup, err = w.engine.IssueSetupToken(ctx); err != nil {
		w.t.Fatal(err)
	}
	if _, err := w.engine.CreateResource(ctx, api, record.ResourceSettings{Name: "API", Scopes: []string{"api:read"}}); err != nil {
		w.t.Fatal(err)
	}
	code := []string{oauth.GrantAuthorizationCode, oauth.GrantRefreshToken}
	for id, settings := range map[string]record.ClientSettings{
		"web-app": {
			RedirectURIs: []string{"https://app.example/cb"}, PostLogoutRedirectURIs: []string{"https://app.example/bye"},
			GrantTypes: code, Scope: "openid email offline_access api:read", Resources: []string{api}, FirstParty: true,
		},
		"asking": {
			RedirectURIs: []string{"https://asking.example/cb"}, GrantTypes: code, Scope: "openid profile",
			TokenEndpointAuthMethod: "none", PolicyURI: "https://asking.example/privacy",
		},
		"reader":  {GrantTypes: []string{oauth.GrantClientCredentials}, Scope: oauth.ScopeReadRevocations},
		"machine": {GrantTypes: []string{oauth.GrantClientCredentials}, Scope: "api:read", Resources: []string{api}},
	} {
		client, err := w.engine.CreateClient(ctx, id, engine.ClientForm{Name: "The " + id, Settings: settings})
		if err != nil {
			w.t.Fatal(err)
		}
		w.secrets[id] = client.Secret
	}
}

// addAna adds the user.
func (w *world) addAna() {
	w.t.Helper()
	_, err := w.engine.CreateUser(context.Background(), engine.Profile{
		Email: "ana@example.com", EmailVerified: true, Claims: engine.Claims{Name: "Ana"},
	}, password)
	if err != nil {
		w.t.Fatal(err)
	}
}

// addSigner adds a resource whose tokens are signed by an algorithm, and with it
// the algorithm's keys.
func (w *world) addSigner(audience, alg string) {
	w.t.Helper()
	_, err := w.engine.CreateResource(context.Background(), audience, record.ResourceSettings{Name: "Signed", Alg: alg})
	if err != nil {
		w.t.Fatal(err)
	}
}
