// Package certification holds the server to what the OpenID Foundation's suite for
// OpenID Providers asks, module by module, in the suite's own order of plans: a test
// of ours for each, written from the specifications, each named after the module and
// the section that it is about.
package certification

import (
	"bytes"
	"crypto/rand"
	"crypto/rsa"
	"crypto/tls"
	"encoding/json"
	"io"
	"mime"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/go-jose/go-jose/v4"

	"github.com/mintmark-id/mintmark/admin"
	"github.com/mintmark-id/mintmark/test/person"
	"github.com/mintmark-id/mintmark/test/server"
)

func TestMain(m *testing.M) { os.Exit(server.Main(m.Run)) }

// callback is where answers go. Nothing listens there: the person stops where a page
// leads away from the server.
const (
	callback = "https://rp.example/callback"
	goodbye  = "https://rp.example/goodbye"
)

// provider is a server as an operator would start it for the suite, and what its
// parties share.
type provider struct {
	*server.Server
	chain     *server.Chain      // of its certificate; nil: it speaks plain HTTP on loopback
	transport http.RoundTripper  // of whoever calls it
	ahead     time.Duration      // of its clock
	keys      [2]*rsa.PrivateKey // of clients: the first, and the one that it turns to
}

// settings are those of every server here.
var settings = []string{
	"--registration", "open", "--registration-limit", "1000", "--trusted-network", "127.0.0.1", "--advertise-implicit", "--test-mode",
}

// start gives a server on loopback http.
func start(t *testing.T) *provider {
	t.Helper()
	return withKeys(t, &provider{Server: server.Start(t, settings...), transport: http.DefaultTransport})
}

// startTLS gives one whose own listener speaks TLS, with a certificate that a chain leads to.
func startTLS(t *testing.T) *provider {
	t.Helper()
	s := &provider{}
	s.Server, s.chain = server.StartTLS(t, settings...)
	s.transport = &http.Transport{TLSClientConfig: &tls.Config{RootCAs: s.chain.Roots, MinVersion: tls.VersionTLS12}, ForceAttemptHTTP2: true}
	return withKeys(t, s)
}

// onBoth runs a plan against a server of each kind.
func onBoth(t *testing.T, run func(t *testing.T, s *provider)) {
	t.Helper()
	for name, begin := range map[string]func(*testing.T) *provider{"http on loopback": start, "https": startTLS} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			run(t, begin(t))
		})
	}
}

func withKeys(t *testing.T, s *provider) *provider {
	t.Helper()
	for i := range s.keys {
		key, err := rsa.GenerateKey(rand.Reader, 2048)
		if err != nil {
			t.Fatal(err)
		}
		s.keys[i] = key
	}
	return s
}

// plan is how the modules of a plan are run: the suite's variants.
type plan struct {
	method   string // how the client authenticates
	formPost bool   // response_mode=form_post; else the default
	static   bool   // an operator made the client; else it registers itself
}

func (p plan) String() string {
	name := p.method
	if p.formPost {
		name += ", form_post"
	}
	if p.static {
		name += ", made by an operator"
	}
	return name
}

// party is a relying party as the suite is one, with a user of its own.
type party struct {
	*person.Person
	t      *testing.T
	s      *provider
	plan   plan
	user   admin.User
	client map[string]any // as it is registered
	key    *rsa.PrivateKey
	kid    string // the suite names its keys only where they are at a jwks_uri
	site   *site
	told   map[string]any // discovery
}

// newParty makes one whose client says more of itself than the usual, as names and values.
func newParty(t *testing.T, s *provider, p plan, more ...any) *party {
	t.Helper()
	r := newSite(t, s, p)
	if p.static {
		r.made(more...)
	} else {
		status, answer := r.register(more...)
		if status != http.StatusCreated {
			t.Fatalf("registering: %d %v", status, answer)
		}
		r.client = answer
	}
	return r
}

// newSite makes a party that has no client yet.
func newSite(t *testing.T, s *provider, p plan) *party {
	t.Helper()
	user := s.NewUser(strings.ToLower(rand.Text())+"@example.com", "--verified", "--name", "Ana Sousa", "--given-name", "Ana",
		"--family-name", "Sousa", "--middle-name", "Rosa", "--nickname", "Ana", "--username", "ana", "--profile", "https://ana.example/",
		"--picture", "https://ana.example/ana.png", "--website", "https://ana.example/", "--gender", "female", "--birthdate", "2000-01-31",
		"--zoneinfo", "Europe/Lisbon", "--locale", "pt-PT", "--phone", phone(), "--phone-verified",
		"--street", "Rua Um 1", "--locality", "Lisboa", "--postal-code", "1100-001", "--country", "Portugal")
	r := &party{Person: s.visitor(t, user), t: t, s: s, plan: p, user: user, key: s.keys[0]}
	r.site = serve(t, r)
	r.told = r.document("/.well-known/openid-configuration")
	return r
}

// visitor gives a user a fresh browser.
func (s *provider) visitor(t *testing.T, user admin.User) *person.Person {
	t.Helper()
	p := person.New(t, s.Issuer, user)
	p.Through(s.transport)
	return p
}

// phone is a number that no other user has.
func phone() string {
	digits := []byte("+3512")
	for _, c := range rand.Text()[:9] {
		digits = append(digits, '0'+byte(c)%10)
	}
	return string(digits)
}

// made lets an operator make the client.
func (r *party) made(more ...any) {
	r.t.Helper()
	flags := []string{
		"--grant", "authorization_code,refresh_token", "--auth-method", r.plan.method, "--pkce", "optional", "--id-token-alg", "RS256",
		"--redirect-uri", callback, "--post-logout-redirect-uri", goodbye, "--scope", "openid,profile,email,address,phone,offline_access",
	}
	for i := 0; i < len(more); i += 2 {
		if more[i] == "grant_types" {
			continue // it has them
		}
		r.t.Fatalf("an operator's client has no %v here", more[i])
	}
	client := r.s.NewClient("Static", flags...)
	r.client = map[string]any{"client_id": client.ClientID, "client_secret": client.ClientSecret, "redirect_uris": []any{callback}}
}

// metadata is what a client of the suite says of itself.
func (r *party) metadata(more ...any) map[string]any {
	m := map[string]any{
		"client_name": "Suite", "redirect_uris": []string{callback}, "grant_types": []string{"authorization_code"}, "response_types": []string{"code"},
		"token_endpoint_auth_method": r.plan.method, "contacts": []string{"suite@example.com"}, "jwks": r.keys(),
	}
	for i := 0; i < len(more); i += 2 {
		m[more[i].(string)] = more[i+1]
	}
	if m["jwks_uri"] != nil {
		delete(m, "jwks")
	}
	return m
}

// register asks the registration endpoint for a client.
func (r *party) register(more ...any) (status int, answer map[string]any) {
	r.t.Helper()
	body, err := json.Marshal(r.metadata(more...))
	if err != nil {
		r.t.Fatal(err)
	}
	return r.json(r.request(http.MethodPost, r.endpoint("registration_endpoint"), "application/json", "", body))
}

// keys is the client's key set.
func (r *party) keys() jose.JSONWebKeySet {
	return jose.JSONWebKeySet{Keys: []jose.JSONWebKey{{Key: r.key.Public(), KeyID: r.kid, Algorithm: "RS256", Use: "sig"}}}
}

// endpoint is an address from the discovery document.
func (r *party) endpoint(name string) string {
	r.t.Helper()
	address, _ := r.told[name].(string)
	if address == "" {
		r.t.Fatalf("the metadata have no %s", name)
	}
	return address
}

func (r *party) document(path string) map[string]any {
	r.t.Helper()
	status, document := r.json(r.request(http.MethodGet, r.s.Issuer+path, "", "", nil))
	if status != http.StatusOK {
		r.t.Fatalf("%s: %d", path, status)
	}
	return document
}

// request is one to an endpoint, with a bearer token if there is one.
func (r *party) request(method, address, kind, bearer string, body []byte) *http.Request {
	r.t.Helper()
	request, err := http.NewRequestWithContext(r.t.Context(), method, address, bytes.NewReader(body))
	if err != nil {
		r.t.Fatal(err)
	}
	if kind != "" {
		request.Header.Set("Content-Type", kind)
	}
	if bearer != "" {
		request.Header.Set("Authorization", "Bearer "+bearer)
	}
	return request
}

// json sends a request and reads the answer, which must be JSON unless it is empty.
func (r *party) json(request *http.Request) (status int, answer map[string]any) {
	r.t.Helper()
	status, kind, body := r.send(request)
	if len(body) == 0 {
		return status, nil
	}
	if kind != "application/json" || json.Unmarshal(body, &answer) != nil {
		r.t.Fatalf("%s: %d %s %s", request.URL, status, kind, body)
	}
	return status, answer
}

func (r *party) send(request *http.Request) (status int, kind string, body []byte) {
	r.t.Helper()
	answer, err := (&http.Client{Transport: r.s.transport}).Do(request)
	if err != nil {
		r.t.Fatal(err)
	}
	defer answer.Body.Close()
	body, err = io.ReadAll(answer.Body)
	if err != nil {
		r.t.Fatal(err)
	}
	kind, _, _ = mime.ParseMediaType(answer.Header.Get("Content-Type"))
	return answer.StatusCode, kind, body
}

// site is the client's own server: its keys, its documents, and what was sent to it.
type site struct {
	*httptest.Server
	mu    sync.Mutex
	pages map[string]string
	sent  chan url.Values // logout tokens
}

func serve(t *testing.T, r *party) *site {
	t.Helper()
	w := &site{pages: map[string]string{}, sent: make(chan url.Values, 9)}
	w.Server = httptest.NewServer(http.HandlerFunc(func(rw http.ResponseWriter, request *http.Request) {
		w.mu.Lock()
		page, there := w.pages[request.URL.Path]
		w.mu.Unlock()
		switch {
		case request.URL.Path == "/logout":
			if request.ParseForm() == nil {
				w.sent <- request.PostForm
			}
		case request.URL.Path == "/jwks":
			_ = json.NewEncoder(rw).Encode(r.keys()) // a server that is gone needs no answer
		case there:
			_, _ = rw.Write([]byte(page)) //nolint:gosec // nothing here is a stranger's
		default:
			rw.WriteHeader(http.StatusNotFound)
		}
	}))
	t.Cleanup(w.Close)
	return w
}

// show puts a document at a path of the site, and gives its address.
func (w *site) show(path, text string) string {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.pages[path] = text
	return w.URL + path
}

// heard waits for a logout token.
func (r *party) heard() url.Values {
	r.t.Helper()
	select {
	case form := <-r.site.sent:
		return form
	case <-time.After(30 * time.Second):
		r.t.Fatal("no logout token came")
		return nil
	}
}

// pass lets time go by.
func (r *party) pass(by time.Duration) {
	r.t.Helper()
	if _, err := r.s.Admin().AdvanceClock(r.t.Context(), by); err != nil {
		r.t.Fatal(err)
	}
	r.s.ahead += by
}

// now is the server's clock, in seconds.
func (r *party) now() int64 { return time.Now().Add(r.s.ahead).Unix() }
