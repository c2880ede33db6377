// Package security_test walks the security requirements of docs/security-requirements.md, one test for each that this
// release answers for, and the conditions of bad input. Every test talks to a real server over a socket: no handler is
// called, nothing is faked. Time that has to pass is taken from the rows instead of from the clock.
package security_test

import (
	"context"
	"crypto/tls"
	"database/sql"
	"fmt"
	"log/slog"
	"net/http/httptest"
	"net/netip"
	"os"
	"path/filepath"
	"testing"

	"github.com/mintmark-id/mintmark/internal/decide"
	"github.com/mintmark-id/mintmark/internal/egress"
	"github.com/mintmark-id/mintmark/internal/engine"
	"github.com/mintmark-id/mintmark/internal/oauth"
	"github.com/mintmark-id/mintmark/internal/record"
	"github.com/mintmark-id/mintmark/internal/secret"
	"github.com/mintmark-id/mintmark/internal/store"
	"github.com/mintmark-id/mintmark/internal/web"

	_ "modernc.org/sqlite" // a second connection, for what only the rows can tell
)

const (
	plainIssuer = "http://localhost:8484"
	tlsIssuer   = "https://id.example"

	ana      = "ana.canary@example.com"
	bob      = "bob.canary@example.com"
	password = "tidal harbour lamp 7261"

	api   = "https://api.example"
	other = "https://other.example"

	// canary stands in whatever is refused: it may come back nowhere.
	canary = "c4naryc4nary"

	verifier = "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk" // RFC 7636 appendix B
)

// trustedProxy is the one peer whose forwarding headers are believed.
const trustedProxy = "127.0.0.9"

// kek is the key-encryption key of every world.
func kek() secret.KEK { return secret.KEK{7, 4, 1} }

// template is a database with keys, clients and users, made once and copied for each world: an RSA key takes its time.
type template struct {
	dir     string
	secrets map[string]string // of the clients
	subs    map[string]string // of the users
}

// prepared is the template, filled by TestMain before any test runs.
var prepared = &template{secrets: map[string]string{}, subs: map[string]string{}}

func TestMain(m *testing.M) { os.Exit(prepared.around(m)) }

// around makes the template, runs the tests and clears up.
func (p *template) around(m *testing.M) int {
	dir, err := os.MkdirTemp("", "mintmark-security")
	if err != nil {
		fmt.Fprintln(os.Stderr, "making a directory:", err)
		return 1
	}
	defer func() { _ = os.RemoveAll(dir) }()
	p.dir = dir
	if err := p.make(); err != nil {
		fmt.Fprintln(os.Stderr, "making the template:", err)
		return 1
	}
	return m.Run()
}

func (p *template) make() error {
	ctx := context.Background()
	st, err := store.Open(ctx, store.Options{Path: filepath.Join(p.dir, "mintmark.db"), Issuer: plainIssuer, Unsafe: true})
	if err != nil {
		return err
	}
	if err := st.Migrate(ctx); err != nil {
		return err
	}
	issuer, err := oauth.ParseIssuer(plainIssuer)
	if err != nil {
		return err
	}
	e, err := engine.Open(ctx, engine.Config{
		Policy: decide.DefaultPolicy(issuer), Store: st, KEK: kek(), Log: slog.New(slog.DiscardHandler),
	})
	if err != nil {
		return err
	}
	if err := p.populate(ctx, e); err != nil {
		return err
	}
	if err := e.RotateKeys(ctx, false); err != nil { // also waits for the keys of every algorithm
		return err
	}
	e.Close()
	return st.Close()
}

func (p *template) populate(ctx context.Context, e *engine.Engine) error {
	for _, aud := range []string{api, other} {
		settings := record.ResourceSettings{Name: "API", Scopes: []string{"api:read", "api:write"}}
		if _, err := e.CreateResource(ctx, aud, settings); err != nil {
			return err
		}
	}
	for id, settings := range clients() {
		made, err := e.CreateClient(ctx, id, engine.ClientForm{Name: "The " + id, Settings: settings})
		if err != nil {
			return fmt.Errorf("%s: %w", id, err)
		}
		p.secrets[id] = made.Secret
	}
	for _, email := range []string{ana, bob} {
		user, err := e.CreateUser(ctx, engine.Profile{
			Email: email, EmailVerified: true, Claims: engine.Claims{Name: "Ana Canary", Nickname: "nana"},
		}, password)
		if err != nil {
			return err
		}
		p.subs[email] = user.ID
	}
	return nil
}

// clients are one of each kind.
func clients() map[string]record.ClientSettings {
	both := []string{oauth.GrantAuthorizationCode, oauth.GrantRefreshToken}
	yes := true
	return map[string]record.ClientSettings{
		// confidential, trusted: no consent page
		"web": {
			RedirectURIs: []string{"https://app.example/cb"}, PostLogoutRedirectURIs: []string{"https://app.example/bye"},
			GrantTypes: both, Scope: "openid profile email offline_access api:read api:write", Resources: []string{api, other}, FirstParty: true,
		},
		// a second of the kind, which sends its secret in the body and rotates
		"web-two": {
			RedirectURIs: []string{"https://two.example/cb?tenant=1", "https://two.example/other"},
			GrantTypes:   both, Scope: "openid email offline_access", FirstParty: true,
			TokenEndpointAuthMethod: string(oauth.AuthPost), RotateRefresh: &yes,
		},
		// public, asks for consent
		"spa": {
			RedirectURIs: []string{"https://spa.example/cb"}, PostLogoutRedirectURIs: []string{"https://spa.example/bye"},
			GrantTypes: both, Scope: "openid profile email offline_access api:read", Resources: []string{api},
			TokenEndpointAuthMethod: string(oauth.AuthNone), PolicyURI: "https://spa.example/privacy",
		},
		// an app on a device
		"native": {
			RedirectURIs: []string{"http://127.0.0.1:7000/cb", "http://[::1]/cb", "http://localhost/cb", "com.example.app:/cb"},
			GrantTypes:   both, Scope: "openid offline_access", TokenEndpointAuthMethod: string(oauth.AuthNone), FirstParty: true,
		},
		// may go without PKCE
		"legacy": {
			RedirectURIs: []string{"https://legacy.example/cb"}, GrantTypes: []string{oauth.GrantAuthorizationCode},
			Scope: "openid", PKCE: record.PKCEOptional, FirstParty: true,
		},
		// may not read email_verified
		"half-sighted": {
			RedirectURIs: []string{"https://half.example/cb"}, GrantTypes: both, Scope: "openid email profile", FirstParty: true,
			ReadAttributes: []string{"email"},
		},
		"machine": {
			GrantTypes: []string{oauth.GrantClientCredentials}, Scope: "api:read", Resources: []string{api},
		},
		// an API's own client: it only introspects
		"api-server": {
			GrantTypes: []string{oauth.GrantClientCredentials}, Scope: "", Resources: []string{api},
		},
		"stranger": {
			RedirectURIs: []string{"https://stranger.example/cb"}, GrantTypes: both, Scope: "openid", FirstParty: true,
		},
	}
}

// world is a running server.
type world struct {
	t       *testing.T
	issuer  oauth.Issuer
	store   *store.Store
	engine  *engine.Engine
	server  *httptest.Server
	mutual  *httptest.Server // whose connections may show a certificate
	proxied bool             // the trusted proxy hands certificates on
	admin   *httptest.Server
	log     *logBook
	db      *sql.DB // beside the server's own
	path    string
	secrets map[string]string
	subs    map[string]string
}

// option changes what a world is made of.
type option func(*setting)

type setting struct {
	policy  func(*decide.Policy)
	empty   bool   // no clients, no users
	issuer  string // another one; the world is then empty until it is populated
	proxied bool   // the trusted proxy hands certificates on
	// trusted are networks in which the server calls what clients name.
	trusted []netip.Prefix
}

func withPolicy(change func(*decide.Policy)) option {
	return func(s *setting) { s.policy = change }
}

func trusting(network string) option {
	return func(s *setting) { s.trusted = append(s.trusted, netip.MustParsePrefix(network)) }
}

func empty(s *setting) { s.empty = true }

func overTLS(s *setting) { s.issuer = tlsIssuer }

// newWorld starts a server on a copy of the template. When the test ends, its log is searched for secrets.
func newWorld(t *testing.T, options ...option) *world {
	t.Helper()
	with := setting{issuer: plainIssuer}
	for _, o := range options {
		o(&with)
	}
	w := &world{t: t, log: newLogBook(), secrets: prepared.secrets, subs: prepared.subs}
	w.path = filepath.Join(t.TempDir(), "mintmark.db")
	fresh := with.empty || with.issuer != plainIssuer
	if !fresh {
		w.copyTemplate()
	}
	w.proxied = with.proxied
	w.open(with)
	w.listen(with.issuer == tlsIssuer)
	if with.issuer == tlsIssuer {
		own := &template{secrets: map[string]string{}, subs: map[string]string{}}
		if err := own.populate(context.Background(), w.engine); err != nil {
			t.Fatal(err)
		}
		w.secrets, w.subs = own.secrets, own.subs
	}
	t.Cleanup(func() { w.log.keepsSecrets(t) })
	w.log.hide(ana, bob, password, canary)
	for _, s := range w.secrets {
		w.log.hide(s)
	}
	return w
}

func (w *world) copyTemplate() {
	w.t.Helper()
	text, err := os.ReadFile(filepath.Join(prepared.dir, "mintmark.db"))
	if err != nil {
		w.t.Fatal(err)
	}
	if err := os.WriteFile(w.path, text, 0o600); err != nil {
		w.t.Fatal(err)
	}
}

func (w *world) open(with setting) {
	w.t.Helper()
	ctx := context.Background()
	var err error
	if w.issuer, err = oauth.ParseIssuer(with.issuer); err != nil {
		w.t.Fatal(err)
	}
	w.store, err = store.Open(ctx, store.Options{Path: w.path, Issuer: with.issuer, Unsafe: true})
	if err != nil {
		w.t.Fatal(err)
	}
	w.t.Cleanup(func() { _ = w.store.Close() })
	if err := w.store.Migrate(ctx); err != nil {
		w.t.Fatal(err)
	}
	policy := decide.DefaultPolicy(w.issuer)
	if with.policy != nil {
		with.policy(policy)
	}
	w.engine, err = engine.Open(ctx, engine.Config{
		Policy: policy, Store: w.store, KEK: kek(), Log: w.log.logger(), Egress: egress.New(with.trusted),
	})
	if err != nil {
		w.t.Fatal(err)
	}
	w.t.Cleanup(w.engine.Close)
	if w.db, err = sql.Open("sqlite", "file:"+w.path+"?_pragma=busy_timeout(5000)"); err != nil {
		w.t.Fatal(err)
	}
	w.t.Cleanup(func() { _ = w.db.Close() })
}

// listen serves as cmd does: the same server settings around the same handlers.
func (w *world) listen(secure bool) {
	w.t.Helper()
	handlers, err := web.New(web.Config{
		Engine: w.engine, Log: w.log.logger(), TrustedProxies: []netip.Prefix{netip.MustParsePrefix(trustedProxy + "/32")},
		CertificatesFromProxies: w.proxied,
	})
	if err != nil {
		w.t.Fatal(err)
	}
	w.server = httptest.NewUnstartedServer(handlers.Public)
	w.server.Config = web.NewServer(handlers.Public, w.log.logger())
	if secure {
		w.server.StartTLS()
	} else {
		w.server.Start()
	}
	w.t.Cleanup(w.server.Close)
	w.mutual = httptest.NewUnstartedServer(handlers.Mutual)
	w.mutual.Config = web.NewServer(handlers.Mutual, w.log.logger())
	w.mutual.TLS = &tls.Config{ClientAuth: tls.RequestClientCert, MinVersion: tls.VersionTLS12}
	w.mutual.StartTLS()
	w.t.Cleanup(w.mutual.Close)
	w.admin = httptest.NewServer(web.Admin(web.AdminConfig{Engine: w.engine, Log: w.log.logger()}))
	w.t.Cleanup(w.admin.Close)
}

// exec changes rows behind the server's back: it is how time passes here.
func (w *world) exec(statement string, args ...any) {
	w.t.Helper()
	if _, err := w.db.ExecContext(w.t.Context(), statement, args...); err != nil {
		w.t.Fatalf("%s: %v", statement, err)
	}
}

// count runs a query for one number.
func (w *world) count(query string, args ...any) (n int64) {
	w.t.Helper()
	if err := w.db.QueryRowContext(w.t.Context(), query, args...).Scan(&n); err != nil {
		w.t.Fatalf("%s: %v", query, err)
	}
	return n
}

// must fails the test on what is no refusal but trouble of the test itself.
func (w *world) must(err error) {
	w.t.Helper()
	if err != nil {
		w.t.Fatal(err)
	}
}
