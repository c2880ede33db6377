package admin_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"iter"
	"log/slog"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/mintmark-id/mintmark/admin"
	"github.com/mintmark-id/mintmark/internal/decide"
	"github.com/mintmark-id/mintmark/internal/engine"
	"github.com/mintmark-id/mintmark/internal/oauth"
	"github.com/mintmark-id/mintmark/internal/secret"
	"github.com/mintmark-id/mintmark/internal/store"
	"github.com/mintmark-id/mintmark/internal/web"
)

const api = "https://api.example/v1?tenant=a%2Fb"

// server is a real one, reached through its socket.
type server struct {
	*testing.T
	*admin.Client
	socket string
	log    *logBook
	engine *engine.Engine
	store  *store.Store
}

// logBook is the server's log, to be read while it runs.
type logBook struct {
	mu   sync.Mutex
	text strings.Builder
}

func (b *logBook) Write(line []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.text.Write(line)
}

func (b *logBook) String() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.text.String()
}

func newServer(t *testing.T, changes ...func(*engine.Config)) *server {
	t.Helper()
	// Not t.TempDir: the path of a socket has at most 107 bytes.
	dir, err := os.MkdirTemp("", "mintmark") //nolint:usetesting // see above
	s := &server{T: t, socket: filepath.Join(dir, "admin.sock"), log: new(logBook)}
	s.must(err)
	t.Cleanup(func() { _ = os.RemoveAll(dir) })
	s.store, err = store.Open(t.Context(), store.Options{
		Path: filepath.Join(dir, "mintmark.db"), Issuer: "http://localhost:8484", Unsafe: true,
	})
	s.must(err)
	t.Cleanup(func() { _ = s.store.Close() })
	s.must(s.store.Migrate(t.Context()))
	issuer, err := oauth.ParseIssuer("http://localhost:8484")
	s.must(err)
	config := engine.Config{Policy: decide.DefaultPolicy(issuer), Store: s.store, KEK: secret.KEK{1}, Log: slog.New(slog.DiscardHandler)}
	for _, change := range changes {
		change(&config)
	}
	s.engine, err = engine.Open(t.Context(), config)
	s.must(err)
	t.Cleanup(s.engine.Close)
	s.serve()
	s.Client = admin.Dial(s.socket)
	t.Cleanup(s.Client.Close)
	return s
}

func (s *server) serve() {
	var config net.ListenConfig
	listener, err := config.Listen(context.Background(), "unix", s.socket)
	s.must(err)
	server := &http.Server{ReadHeaderTimeout: time.Second, Handler: web.Admin(web.AdminConfig{
		Engine: s.engine, Log: slog.New(slog.NewTextHandler(s.log, nil)), Version: "v1.2.3", Database: "sqlite", Schema: 1,
		Listen: []string{"127.0.0.1:8484"}, StartedAt: time.Now().Add(-time.Minute),
	})}
	done := make(chan struct{})
	go func() {
		defer close(done)
		_ = server.Serve(listener)
	}()
	s.Cleanup(func() {
		_ = server.Close()
		<-done
	})
}

func (s *server) must(err error) {
	s.Helper()
	if err != nil {
		s.Fatal(err)
	}
}

// problem holds that an error is a problem with this status.
func (s *server) problem(err error, status int) *admin.Problem {
	s.Helper()
	problem, ok := errors.AsType[*admin.Problem](err)
	if !ok || problem.Status != status {
		s.Fatalf("got %v, want a problem with status %d", err, status)
	}
	return problem
}

// refused is problem for those who need no more than the status.
func (s *server) refused(err error, status int) {
	s.Helper()
	_ = s.problem(err, status)
}

func collect[T any](s *server, list iter.Seq2[T, error]) []T {
	s.Helper()
	var all []T
	for item, err := range list {
		s.must(err)
		all = append(all, item)
	}
	return all
}

func shop() admin.NewClient {
	return admin.NewClient{ClientID: "shop", ClientMetadata: admin.ClientMetadata{
		Name: "Shop", GrantTypes: []string{"client_credentials"}, Scope: "api:read", Resources: []string{api},
		ReadAttributes: []string{}, AccessTokenTTL: 600,
	}}
}

func TestAClientGoesThroughItsLife(t *testing.T) {
	s := newServer(t)
	_, err := s.CreateResource(t.Context(), admin.NewResource{Audience: api, ResourceSettings: admin.ResourceSettings{Scopes: []string{"api:read"}}})
	s.must(err)
	made, err := s.CreateClient(t.Context(), shop())
	s.must(err)
	if made.ClientID != "shop" || made.ClientSecret == "" || !made.Enabled || made.Version != 1 || time.Since(made.CreatedAt) > time.Minute {
		t.Errorf("made %+v", made)
	}
	shown, err := s.ShowClient(t.Context(), "shop")
	s.must(err)
	if shown.ClientSecret != "" || len(shown.Secrets) != 1 || shown.ReadAttributes == nil || shown.AccessTokenTTL != 600 {
		t.Errorf("shown %+v", shown)
	}

	update := admin.ClientUpdate{ClientMetadata: shown.ClientMetadata, Version: shown.Version}
	update.Name = "The Shop"
	updated, err := s.UpdateClient(t.Context(), "shop", update)
	s.must(err)
	if updated.Name != "The Shop" || updated.Version != 2 || updated.Scope != "api:read" {
		t.Errorf("updated %+v", updated)
	}
	_, err = s.UpdateClient(t.Context(), "shop", update)
	s.refused(err, http.StatusConflict)

	rotated, err := s.RotateClientSecret(t.Context(), "shop", time.Hour)
	s.must(err)
	shown, err = s.ShowClient(t.Context(), "shop")
	s.must(err)
	if rotated.ClientSecret == "" || rotated.ClientSecret == made.ClientSecret || len(shown.Secrets) != 2 {
		t.Errorf("rotated to %q, and there are %d secrets", rotated.ClientSecret, len(shown.Secrets))
	}
	disabled, err := s.DisableClient(t.Context(), "shop")
	s.must(err)
	enabled, err := s.EnableClient(t.Context(), "shop")
	s.must(err)
	if disabled.Enabled || !enabled.Enabled {
		t.Error("disabling and enabling did not show")
	}
	s.must(s.DeleteClient(t.Context(), "shop"))
	_, err = s.ShowClient(t.Context(), "shop")
	s.refused(err, http.StatusNotFound)
	s.refused(s.DeleteClient(t.Context(), "shop"), http.StatusNotFound)
	if strings.Contains(s.log.String(), "mcs_") {
		t.Error("a secret is in the log")
	}
}

func TestTheFormOfAccessTokensIsSetAndKept(t *testing.T) {
	s := newServer(t)
	aud, err := s.CreateResource(t.Context(), admin.NewResource{
		Audience: api, ResourceSettings: admin.ResourceSettings{AccessTokenFormat: "opaque"},
	})
	s.must(err)
	form := shop()
	form.AccessTokenFormat = "opaque"
	made, err := s.CreateClient(t.Context(), form)
	s.must(err)
	if aud.AccessTokenFormat != "opaque" || made.AccessTokenFormat != "opaque" {
		t.Errorf("made with %q and %q", aud.AccessTokenFormat, made.AccessTokenFormat)
	}
	update := admin.ClientUpdate{ClientMetadata: made.ClientMetadata, Version: made.Version}
	update.AccessTokenFormat = "jwt"
	_, err = s.UpdateClient(t.Context(), "shop", update)
	s.must(err)
	shown, err := s.ShowClient(t.Context(), "shop")
	s.must(err)
	if shown.AccessTokenFormat != "jwt" {
		t.Errorf("shown with %q", shown.AccessTokenFormat)
	}
	update.Version, update.AccessTokenFormat = shown.Version, "paseto"
	_, err = s.UpdateClient(t.Context(), "shop", update)
	if problem := s.problem(err, http.StatusBadRequest); !strings.Contains(problem.Error(), "access_token_format") || strings.Contains(problem.Error(), "paseto") {
		t.Errorf("the problem is %v", problem)
	}
	_, err = s.UpdateResource(t.Context(), api, admin.ResourceUpdate{ResourceSettings: admin.ResourceSettings{AccessTokenFormat: "x"}, Version: aud.Version})
	s.refused(err, http.StatusBadRequest)
}

func TestAResourceIsNamedByItsAudienceWhateverIsInIt(t *testing.T) {
	s := newServer(t)
	for _, aud := range []string{api, "urn:example:api", "https://a.example//b/../c", "https://a.example/?q=1&r=%2e%2e"} {
		_, err := s.CreateResource(t.Context(), admin.NewResource{Audience: aud})
		s.must(err)
		updated, err := s.UpdateResource(t.Context(), aud, admin.ResourceUpdate{
			ResourceSettings: admin.ResourceSettings{Name: "A", Alg: "Ed25519", AccessTokenTTL: 300}, Version: 1,
		})
		s.must(err)
		shown, err := s.ShowResource(t.Context(), aud)
		s.must(err)
		if shown.Audience != aud || shown.Name != "A" || shown.Version != updated.Version {
			t.Errorf("shown %+v", shown)
		}
	}
	if all := collect(s, s.Resources(t.Context())); len(all) != 4 {
		t.Errorf("listed %v", all)
	}
	s.must(s.DeleteResource(t.Context(), api))
	_, err := s.ShowResource(t.Context(), api)
	s.refused(err, http.StatusNotFound)
	if keys := collect(s, s.Keys(t.Context())); !slices.ContainsFunc(keys, func(k admin.Key) bool { return k.Alg == "Ed25519" && k.Status == "active" }) {
		t.Errorf("the keys are %v", keys)
	}
}

func TestAUserGoesThroughTheirLife(t *testing.T) {
	s := newServer(t)
	made, err := s.CreateUser(t.Context(), admin.NewUser{UserProfile: admin.UserProfile{
		Email: "Ana@Example.com", EmailVerified: true, PhoneNumber: "+4930123456", Name: "Ana", Address: &admin.Address{Country: "DE"},
	}})
	s.must(err)
	if made.Password == "" || made.Status != "active" || made.Email != "ana@example.com" {
		t.Errorf("made %+v", made)
	}
	shown, err := s.ShowUser(t.Context(), made.Sub)
	s.must(err)
	if shown.Password != "" || !shown.EmailVerified || shown.PhoneNumber != "+4930123456" || shown.Address == nil || shown.Address.Country != "DE" {
		t.Errorf("shown %+v", shown)
	}
	update := admin.UserUpdate{UserProfile: shown.UserProfile, Version: shown.Version}
	update.PhoneNumber, update.Nickname = "", "an"
	updated, err := s.UpdateUser(t.Context(), made.Sub, update)
	s.must(err)
	if updated.PhoneNumber != "" || updated.Nickname != "an" || updated.Name != "Ana" {
		t.Errorf("updated %+v", updated)
	}
	set, err := s.SetPassword(t.Context(), made.Sub, "tidal harbour lamp")
	s.must(err)
	disabled, err := s.DisableUser(t.Context(), made.Sub)
	s.must(err)
	enabled, err := s.EnableUser(t.Context(), made.Sub)
	s.must(err)
	if set.Password != "" || disabled.Status != "disabled" || enabled.Status != "active" {
		t.Errorf("set %+v, disabled %+v, enabled %+v", set, disabled, enabled)
	}
	if found := collect(s, s.Users(t.Context(), admin.UserFilter{Email: "ANA@example.com"})); len(found) != 1 || found[0].Sub != made.Sub {
		t.Errorf("found %v", found)
	}
	s.must(s.DeleteUser(t.Context(), made.Sub))
	_, err = s.ShowUser(t.Context(), made.Sub)
	s.refused(err, http.StatusNotFound)
	if strings.Contains(s.log.String(), made.Password) || strings.Contains(s.log.String(), "tidal") {
		t.Error("a password is in the log")
	}
}

func TestARefusalListsAllThatIsWrong(t *testing.T) {
	s := newServer(t)
	_, err := s.CreateClient(t.Context(), admin.NewClient{ClientID: "A", ClientMetadata: admin.ClientMetadata{
		GrantTypes: []string{"password"}, RedirectURIs: []string{"*"},
	}})
	problem := s.problem(err, http.StatusBadRequest)
	var fields []string
	for _, e := range problem.Errors {
		fields = append(fields, e.Field)
	}
	slices.Sort(fields)
	if want := []string{"client_id", "grant_types", "name", "redirect_uris"}; problem.Type != admin.ProblemInvalid || !slices.Equal(fields, want) {
		t.Errorf("the problem is %+v", problem)
	}
	if text := problem.Error(); !strings.Contains(text, "\n  name: is needed") {
		t.Errorf("as an error it is %q", text)
	}
}

func TestALongListComesInPages(t *testing.T) {
	s := newServer(t)
	const many = 450
	var want []string
	for i := range many {
		id := fmt.Sprintf("client-%03d", i)
		_, err := s.CreateClient(t.Context(), admin.NewClient{ClientID: id, ClientMetadata: admin.ClientMetadata{
			Name: id, GrantTypes: []string{"client_credentials"},
		}})
		s.must(err)
		want = append(want, id)
	}
	var got []string
	for client, err := range s.Clients(t.Context()) {
		s.must(err)
		got = append(got, client.ClientID)
	}
	if !slices.Equal(got, want) {
		t.Errorf("listed %d clients, there are %d", len(got), many)
	}
	for _, err := range s.Clients(t.Context()) {
		s.must(err)
		break // whoever has seen enough may stop
	}
	if len(collect(s, s.Sessions(t.Context(), "")))+len(collect(s, s.Grants(t.Context(), admin.GrantFilter{User: "ana", Client: "shop"}))) != 0 {
		t.Error("there are sign-ins that nobody made")
	}
	s.refused(s.EndSession(t.Context(), "nobody"), http.StatusNotFound)
	s.refused(s.EndGrant(t.Context(), "nobody"), http.StatusNotFound)
}

func TestKeysRotateAndTheAnswerHasThem(t *testing.T) {
	s := newServer(t)
	before, err := s.RotateKeys(t.Context(), false)
	s.must(err)
	after, err := s.RotateKeys(t.Context(), true)
	s.must(err)
	active := func(k admin.Key) bool { return k.Alg == "ES256" && k.Status == "active" }
	signed := before[slices.IndexFunc(before, active)]
	now := after[slices.IndexFunc(after, func(k admin.Key) bool { return k.KID == signed.KID })]
	if now.Status != "compromised" || now.PublishedUntil.IsZero() || !slices.ContainsFunc(after, active) {
		t.Errorf("the keys are %+v", after)
	}
}

func TestAReferenceIsExplained(t *testing.T) {
	s := newServer(t)
	code := s.engine.Reference(oauth.Refuse(oauth.ReasonRefreshReplayed).About(oauth.Detail{Expected: 4, Seen: 3}))
	explained, err := s.Explain(t.Context(), code)
	s.must(err)
	if explained.Reason != string(oauth.ReasonRefreshReplayed) || explained.Rule == "" || explained.Expected != 4 || explained.Seen != 3 {
		t.Errorf("explained %+v", explained)
	}
	_, err = s.Explain(t.Context(), "r1.nonsense")
	s.refused(err, http.StatusBadRequest)
}

func TestTheServerSaysHowItIs(t *testing.T) {
	s := newServer(t)
	status, err := s.Status(t.Context())
	s.must(err)
	if status.Version != "v1.2.3" || status.Issuer != "http://localhost:8484" || status.UptimeSeconds < 60 || len(status.Listen) != 1 {
		t.Errorf("the status is %+v", status)
	}
}

func TestNobodyAtTheSocketIsNotReached(t *testing.T) {
	for _, path := range []string{filepath.Join(t.TempDir(), "admin.sock"), t.TempDir()} {
		c := admin.Dial(path)
		if _, err := c.Status(t.Context()); !errors.Is(err, admin.ErrNotReached) {
			t.Errorf("got %v", err)
		}
		for _, err := range c.Clients(t.Context()) {
			if !errors.Is(err, admin.ErrNotReached) {
				t.Errorf("got %v", err)
			}
		}
	}
}

func TestTroubleOfTheDatabaseIs503(t *testing.T) {
	s := newServer(t)
	s.must(s.store.Close())
	_, err := s.ShowUser(t.Context(), "ana")
	problem := s.problem(err, http.StatusServiceUnavailable)
	if problem.Type != admin.ProblemUnavailable || strings.Contains(problem.Error(), "sql") {
		t.Errorf("the problem is %+v", problem)
	}
	if !strings.Contains(s.log.String(), "level=ERROR") {
		t.Errorf("the log does not say why: %s", s.log)
	}
}

// reply is an answer as it came.
type reply struct {
	status int
	header http.Header
	body   []byte
}

// raw sends a request as it is.
func (s *server) raw(method, path, contentType, body string) reply {
	s.Helper()
	var dialer net.Dialer
	transport := &http.Transport{DisableKeepAlives: true, DialContext: func(ctx context.Context, _, _ string) (net.Conn, error) {
		return dialer.DialContext(ctx, "unix", s.socket)
	}}
	request, err := http.NewRequestWithContext(s.Context(), method, "http://localhost"+path, strings.NewReader(body))
	s.must(err)
	if contentType != "" {
		request.Header.Set("Content-Type", contentType)
	}
	response, err := transport.RoundTrip(request)
	s.must(err)
	defer func() { s.must(response.Body.Close()) }()
	text, err := io.ReadAll(response.Body)
	s.must(err)
	return reply{status: response.StatusCode, header: response.Header, body: text}
}

func TestWhatIsNotInTheTableIsRefused(t *testing.T) {
	s := newServer(t)
	const plain, good = "application/json", `{"name":"A","grant_types":["client_credentials"]}`
	for _, c := range []struct {
		name, method, path, contentType, body string
		status                                int
	}{
		{"no such path", "GET", "/admin/v1/secrets", "", "", 404},
		{"not the API", "GET", "/oauth2/token", "", "", 404},
		{"the root", "GET", "/", "", "", 404},
		{"no such method", "PATCH", "/admin/v1/clients", plain, good, 405},
		{"deleting everything", "DELETE", "/admin/v1/users", "", "", 405},
		{"a form", "POST", "/admin/v1/clients", "application/x-www-form-urlencoded", "name=A", 415},
		{"no content type", "POST", "/admin/v1/clients", "", good, 415},
		{"no body", "POST", "/admin/v1/clients", plain, "", 400},
		{"a list", "POST", "/admin/v1/clients", plain, "[" + good + "]", 400},
		{"two objects", "POST", "/admin/v1/clients", plain, good + good, 400},
		{"an object and a brace", "POST", "/admin/v1/clients", plain, good + "}", 400},
		{"an unknown field", "POST", "/admin/v1/clients", plain, `{"name":"A","grant_types":["client_credentials"],"admin":true}`, 400},
		{"a field of the wrong type", "POST", "/admin/v1/clients", plain, `{"name":7,"grant_types":["client_credentials"]}`, 400},
		{"a body that is too long", "POST", "/admin/v1/clients", plain, `{"name":"` + strings.Repeat("a", 70_000) + `"}`, 413},
		{"as it should be", "POST", "/admin/v1/clients", plain + "; charset=utf-8", good, 200},
	} {
		t.Run(c.name, func(t *testing.T) {
			got := s.raw(c.method, c.path, c.contentType, c.body)
			if got.status != c.status || got.header.Get("Cache-Control") != "no-store" {
				t.Fatalf("the answer is %d with %v", got.status, got.header)
			}
			if c.status == http.StatusOK {
				return
			}
			var problem admin.Problem
			s.must(json.Unmarshal(got.body, &problem))
			if got.header.Get("Content-Type") != admin.ProblemType || problem.Status != c.status || problem.Title == "" {
				t.Errorf("the answer is %s: %s", got.header.Get("Content-Type"), got.body)
			}
		})
	}
	if all := collect(s, s.Clients(t.Context())); len(all) != 1 {
		t.Errorf("%d clients were made", len(all))
	}
}

func TestAnUnknownFieldIsNamed(t *testing.T) {
	s := newServer(t)
	got := s.raw(http.MethodPost, admin.Root+"users", "application/json", `{"emial":"a@b.example"}`)
	var problem admin.Problem
	s.must(json.Unmarshal(got.body, &problem))
	if len(problem.Errors) != 1 || problem.Errors[0].Field != "emial" {
		t.Errorf("the problem is %+v", problem)
	}
}
