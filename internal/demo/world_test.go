package demo

import (
	"context"
	"html"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/http/cookiejar"
	"net/url"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/mintmark-id/mintmark/admin"
	"github.com/mintmark-id/mintmark/internal/decide"
	"github.com/mintmark-id/mintmark/internal/engine"
	"github.com/mintmark-id/mintmark/internal/feed"
	"github.com/mintmark-id/mintmark/internal/oauth"
	"github.com/mintmark-id/mintmark/internal/record"
	"github.com/mintmark-id/mintmark/internal/secret"
	"github.com/mintmark-id/mintmark/internal/store"
	"github.com/mintmark-id/mintmark/internal/web"
)

const (
	ana      = "ana@example.com"
	password = "tidal harbour lamp"
)

// world is a real server, and the application and the API beside it.
type world struct {
	engine *engine.Engine
	feed   *feed.Feed
	app    *App
	api    *API
	issuer string
	front  string
	appURL string
	apiURL string
}

// listen opens a socket and gives its address as browsers are told it.
func listen(t *testing.T) (net.Listener, string) {
	t.Helper()
	var options net.ListenConfig
	listener, err := options.Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	_, port, err := net.SplitHostPort(listener.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	return listener, "http://localhost:" + port
}

func serve(t *testing.T, listener net.Listener, handler http.Handler, log *slog.Logger) {
	t.Helper()
	server := web.NewServer(handler, log)
	done := make(chan struct{})
	go func() {
		defer close(done)
		_ = server.Serve(listener)
	}()
	t.Cleanup(func() {
		_ = server.Close()
		<-done
	})
}

func newWorld(t *testing.T) *world {
	t.Helper()
	ctx, log := context.Background(), slog.New(slog.NewTextHandler(t.Output(), nil))
	w := &world{}
	var sockets [4]net.Listener
	for n, address := range []*string{&w.issuer, &w.appURL, &w.apiURL, &w.front} {
		sockets[n], *address = listen(t)
	}
	st, err := store.Open(ctx, store.Options{Path: filepath.Join(t.TempDir(), "mintmark.db"), Issuer: w.issuer, Unsafe: true})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = st.Close() })
	if err := st.Migrate(ctx); err != nil {
		t.Fatal(err)
	}
	issuer, err := oauth.ParseIssuer(w.issuer)
	if err != nil {
		t.Fatal(err)
	}
	w.engine, err = engine.Open(ctx, engine.Config{Policy: decide.DefaultPolicy(issuer), Store: st, KEK: secret.KEK{7}, Log: log})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(w.engine.Close)
	w.feed, err = feed.Open(ctx, feed.Config{Store: st, Issuer: w.issuer, Ring: w.engine.Ring, Now: w.engine.Now, Log: log})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(w.feed.Close)
	server, err := web.New(web.Config{Engine: w.engine, Feed: w.feed, Log: log})
	if err != nil {
		t.Fatal(err)
	}
	serve(t, sockets[0], server.Public, log)
	w.front = otherName(w.front)
	front, err := NewFront(w.issuer, w.front, log)
	if err != nil {
		t.Fatal(err)
	}
	serve(t, sockets[3], front, log)
	app, verifier := w.seed(ctx, t)
	w.app = NewApp(Config{
		Issuer: w.issuer, Front: w.front, App: w.appURL, API: w.apiURL, ClientID: app.ID, ClientSecret: app.Secret, LoginHint: ana,
		EndUser: administrator(t, web.AdminConfig{Engine: w.engine, Feed: w.feed, Log: log, StartedAt: time.Now()}), Log: log,
	})
	serve(t, sockets[1], w.app, log)
	w.api, err = NewAPI(ctx, APIConfig{Issuer: w.issuer, Address: w.apiURL, ClientID: verifier.ID, ClientSecret: verifier.Secret, Log: log})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = w.api.Close() })
	serve(t, sockets[2], w.api, log)
	return w
}

// administrator ends everything of a user through the administration API, and
// gives the receipt.
func administrator(t *testing.T, c web.AdminConfig) func(context.Context, string) (string, error) {
	t.Helper()
	socket := filepath.Join(t.TempDir(), "admin.sock")
	var options net.ListenConfig
	listener, err := options.Listen(t.Context(), "unix", socket)
	if err != nil {
		t.Fatal(err)
	}
	serve(t, listener, web.Admin(c), c.Log)
	client := admin.Dial(socket)
	t.Cleanup(client.Close)
	return func(ctx context.Context, sub string) (string, error) {
		result, err := client.Revoke(ctx, admin.Revocation{Kind: "user", IDs: []string{sub}, Reason: "a test"}, 2*time.Second)
		if err != nil || result.Receipt == nil {
			return "", err
		}
		return result.Receipt.Sentence, nil
	}
}

// seed makes the API, ana, and the clients that are the application and the API's
// verifier.
func (w *world) seed(ctx context.Context, t *testing.T) (app, verifier engine.ManagedClient) {
	t.Helper()
	if _, err := w.engine.CreateResource(ctx, w.apiURL, record.ResourceSettings{Scopes: []string{ScopeRead, ScopeWrite}}); err != nil {
		t.Fatal(err)
	}
	profile := engine.Profile{Email: ana, EmailVerified: true, Claims: engine.Claims{Name: "Ana <Moreira>"}}
	if _, err := w.engine.CreateUser(ctx, profile, password); err != nil {
		t.Fatal(err)
	}
	create := func(id string, settings record.ClientSettings) engine.ManagedClient {
		client, err := w.engine.CreateClient(ctx, id, engine.ClientForm{Name: "Breadbox", Settings: settings})
		if err != nil {
			t.Fatal(err)
		}
		return client
	}
	rotate := true
	settings := record.ClientSettings{
		GrantTypes:        []string{oauth.GrantAuthorizationCode, oauth.GrantRefreshToken},
		ApplicationType:   "web",
		Scope:             Scope,
		Resources:         []string{w.apiURL},
		RotateRefresh:     &rotate,
		IDTokenSigningAlg: "ES256",
	}
	for _, at := range Addresses(w.appURL) {
		settings.RedirectURIs = append(settings.RedirectURIs, at+PathCallback)
		settings.PostLogoutRedirectURIs = append(settings.PostLogoutRedirectURIs, at+PathSignedOut)
	}
	return create("breadbox", settings), create("demo-api", record.ClientSettings{
		GrantTypes: []string{oauth.GrantClientCredentials}, Scope: oauth.ScopeReadRevocations, Resources: []string{w.apiURL},
	})
}

// browser is somebody at the application, without JavaScript.
type browser struct {
	t    *testing.T
	http *http.Client
	stay bool // follow no redirect
}

func newBrowser(t *testing.T) *browser {
	t.Helper()
	jar, err := cookiejar.New(nil)
	if err != nil {
		t.Fatal(err)
	}
	b := &browser{t: t, http: &http.Client{Jar: jar}}
	b.http.CheckRedirect = func(*http.Request, []*http.Request) error {
		if b.stay {
			return http.ErrUseLastResponse
		}
		return nil
	}
	return b
}

// page is what a browser shows.
type page struct {
	status int
	at     *url.URL
	header http.Header
	text   string // with tags
}

func (p *page) has(t *testing.T, texts ...string) {
	t.Helper()
	shown := html.UnescapeString(p.text)
	for _, text := range texts {
		if !strings.Contains(shown, text) {
			t.Errorf("%s (status %d) does not say %q", p.at, p.status, text)
		}
	}
	if t.Failed() {
		t.Fatalf("it says:\n%s", p.text)
	}
}

func (b *browser) do(r *http.Request) *page {
	b.t.Helper()
	answer, err := b.http.Do(r)
	if err != nil {
		b.t.Fatal(err)
	}
	defer answer.Body.Close()
	body, err := io.ReadAll(answer.Body)
	if err != nil {
		b.t.Fatal(err)
	}
	return &page{answer.StatusCode, answer.Request.URL, answer.Header, string(body)}
}

func (b *browser) get(address string) *page {
	b.t.Helper()
	r, err := http.NewRequestWithContext(b.t.Context(), http.MethodGet, address, nil)
	if err != nil {
		b.t.Fatal(err)
	}
	return b.do(r)
}

func (b *browser) post(address string, form url.Values) *page {
	b.t.Helper()
	r, err := http.NewRequestWithContext(b.t.Context(), http.MethodPost, address, strings.NewReader(form.Encode()))
	if err != nil {
		b.t.Fatal(err)
	}
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	r.Header.Set("Sec-Fetch-Site", "same-origin")
	return b.do(r)
}

var (
	formOnPage  = regexp.MustCompile(`<form method="post" action="([^"]+)">`)
	hiddenField = regexp.MustCompile(`<input type="hidden" name="([^"]+)" value="([^"]*)">`)
)

// fill sends the form of one of the server's pages.
func (b *browser) fill(p *page, fields url.Values) *page {
	b.t.Helper()
	form := formOnPage.FindStringSubmatch(p.text)
	if form == nil {
		b.t.Fatalf("%s has no form:\n%s", p.at, p.text)
	}
	for _, field := range hiddenField.FindAllStringSubmatch(p.text, -1) {
		fields.Set(field[1], html.UnescapeString(field[2]))
	}
	target, err := p.at.Parse(html.UnescapeString(form[1]))
	if err != nil {
		b.t.Fatal(err)
	}
	return b.post(target.String(), fields)
}

// signIn goes from the first page to where the application greets its visitor.
func (b *browser) signIn(w *world) *page {
	b.t.Helper()
	login := b.get(w.appURL + "/login")
	login.has(b.t, "Sign in", ana)
	consent := b.fill(login, url.Values{"identifier": {ana}, "password": {password}})
	if strings.HasPrefix(consent.at.String(), w.appURL) {
		return consent // it was allowed before
	}
	consent.has(b.t, "Breadbox", ScopeRead)
	return b.fill(consent, url.Values{"decision": {"allow"}})
}

// held is what the application keeps for its one visitor.
func (w *world) held(t *testing.T) *session {
	t.Helper()
	w.app.sessions.mu.Lock()
	defer w.app.sessions.mu.Unlock()
	if len(w.app.sessions.byID) != 1 {
		t.Fatalf("the application has %d sessions", len(w.app.sessions.byID))
	}
	for _, s := range w.app.sessions.byID {
		return s
	}
	return nil
}
