package web

import (
	"encoding/json"
	"fmt"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/mintmark-id/mintmark/admin"
	"github.com/mintmark-id/mintmark/internal/engine"
	"github.com/mintmark-id/mintmark/internal/record"
)

// branch is the administration as it is reached from elsewhere.
type branch struct {
	*world
	handler http.Handler
	tokens  int
}

func newBranch(t *testing.T) *branch {
	t.Helper()
	w := newSite(t, "https://id.example")
	return &branch{world: w, handler: RemoteAdmin(AdminConfig{
		Engine: w.engine, Feed: w.feed, Log: slog.New(slog.NewJSONHandler(w.log, nil)), Version: "1",
		Figures: http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { fmt.Fprintln(w, "figures") }), TrustedProxies: []netip.Prefix{netip.MustParsePrefix("192.0.2.9/32")},
	})}
}

// token makes one with scopes.
func (b *branch) token(scopes ...string) string {
	b.t.Helper()
	b.tokens++
	made, err := b.engine.CreateAdminToken(b.t.Context(), engine.AdminTokenForm{Name: fmt.Sprintf("token-%d", b.tokens), Scopes: scopes, TTL: 60})
	if err != nil {
		b.t.Fatal(err)
	}
	return made.Token
}

// ask sends a request with header fields, from 192.0.2.1 if none says another.
func (b *branch) ask(method, path, body string, header ...string) *httptest.ResponseRecorder {
	b.t.Helper()
	r := httptest.NewRequest(method, path, strings.NewReader(body))
	r.Header.Set("Content-Type", "application/json")
	for pair := range slices.Chunk(header, 2) {
		if pair[0] == "from" {
			r.RemoteAddr = pair[1] + ":1"
			continue
		}
		r.Header.Add(pair[0], pair[1])
	}
	w := httptest.NewRecorder()
	b.handler.ServeHTTP(w, r)
	return w
}

const unknownToken = "mst_AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"

// ASVS 8.2.1, 10.3.3; RFC 6750 §3: what is said to whom, to the byte.
func TestWhoIsNotLetInFromElsewhereIsToldWhatIsMissing(t *testing.T) {
	b := newBranch(t)
	token := b.token("clients:read")
	const (
		realm   = `Bearer realm="https://id.example"`
		invalid = realm + `, error="invalid_token", error_description="The access token is invalid, expired or revoked"`
		lacks   = realm + `, error="insufficient_scope", error_description="The access token does not have the scope that is needed"`
		bad     = realm + `, error="invalid_request", error_description=`
		needed  = `{"type":"urn:mintmark:problem:token","title":"An access token is required","status":401}`
		refused = `{"type":"urn:mintmark:problem:token","title":"The access token is invalid, expired or revoked","status":401}`
	)
	short := func(detail string) string {
		return `{"type":"urn:mintmark:problem:scope","title":"The access token does not have the scope that is needed","status":403,"detail":"` + detail + `"}`
	}
	for _, c := range []struct {
		name, method, path string
		header             []string
		status             int
		challenge, body    string
	}{
		{"nothing", "GET", "/admin/v1/clients", nil, 401, realm, needed},
		{"nothing, at a place that is none", "GET", "/nowhere", nil, 401, realm, needed},
		{"a cookie", "GET", "/admin/v1/clients", []string{"Cookie", "token=" + token}, 401, realm, needed},
		{"a name and a password", "GET", "/admin/v1/clients", []string{"Authorization", "Basic YTpi"}, 401, realm, needed},
		{"a token of another form", "GET", "/admin/v1/clients", []string{"Authorization", "Bearer " + token[:46]}, 401, invalid, refused},
		{"a token that is none", "GET", "/admin/v1/clients", []string{"Authorization", "Bearer " + unknownToken}, 401, invalid, refused},
		{
			"a token in the address", "GET", "/admin/v1/clients?access_token=" + token, nil, 400, bad + `"An access token must not be sent in the URL"`,
			`{"type":"urn:mintmark:problem:invalid","title":"An access token must not be sent in the URL","status":400}`,
		},
		{
			"two tokens", "GET", "/admin/v1/clients",
			[]string{"Authorization", "Bearer " + token, "Authorization", "Bearer " + token},
			400, bad + `"The access token was sent in more than one way"`,
			`{"type":"urn:mintmark:problem:invalid","title":"The access token was sent in more than one way","status":400}`,
		},
		{"reading, to change", "DELETE", "/admin/v1/clients/machine", []string{"Authorization", "Bearer " + token}, 403, lacks + `, scope="clients:write"`, short("It needs the scope clients:write")},
		{"another noun", "GET", "/admin/v1/users", []string{"Authorization", "Bearer " + token}, 403, lacks + `, scope="users:read"`, short("It needs the scope users:read")},
		{"figures", "GET", "/metrics", []string{"Authorization", "Bearer " + token}, 403, lacks + `, scope="server:read"`, short("It needs the scope server:read")},
		{"a token to make tokens", "POST", "/admin/v1/admin-tokens", []string{"Authorization", "Bearer " + token}, 403, lacks, short("This is done at the server's own socket alone")},
		{"a preflight", "OPTIONS", "/admin/v1/clients", []string{"Origin", "https://evil.example", "Access-Control-Request-Method", "DELETE"}, 401, realm, needed},
	} {
		w := b.ask(c.method, c.path, "", c.header...)
		if got := strings.TrimSpace(w.Body.String()); w.Code != c.status || got != c.body || w.Header().Get("WWW-Authenticate") != c.challenge {
			t.Errorf("%s: %d %s\n%q", c.name, w.Code, got, w.Header().Get("WWW-Authenticate"))
		}
		for name, want := range map[string]string{
			"Content-Type": admin.ProblemType, "Cache-Control": "no-store", "X-Content-Type-Options": "nosniff", "Referrer-Policy": "no-referrer",
			"Content-Security-Policy": "default-src 'none'; frame-ancestors 'none'", "Access-Control-Allow-Origin": "", "Set-Cookie": "",
		} {
			if got := w.Header().Get(name); got != want {
				t.Errorf("%s: %s is %q", c.name, name, got)
			}
		}
		if reference := w.Header().Get("Error-Reference"); !strings.HasPrefix(reference, "r1.") {
			t.Errorf("%s: the reference is %q", c.name, reference)
		}
	}
	if _, err := b.engine.ClientByID(t.Context(), "machine"); err != nil {
		t.Errorf("the client is gone: %v", err)
	}
	if log := b.log.String(); strings.Contains(log, "mst_") || !strings.Contains(log, `"reason":"token_scope_insufficient","token":"token-1","network":"192.0.2.0/24"`) {
		t.Errorf("the log is %s", log)
	}
}

// What the OpenAPI document says of scopes is what is asked for.
func TestEachActTakesItsScopeAndNoOther(t *testing.T) {
	b := newBranch(t)
	document := map[string]any{}
	if err := json.Unmarshal(b.ask(http.MethodGet, admin.Root+"openapi.json", "", "Authorization", "Bearer "+b.token("verifiers:read")).Body.Bytes(), &document); err != nil {
		t.Fatal(err)
	}
	used := map[string]bool{"server:read": true} // GET /metrics
	byScope, others := map[string]string{}, map[string]string{}
	for _, scope := range record.AdminScopes() {
		byScope[scope] = b.token(scope)
		others[scope] = b.token(slices.DeleteFunc(record.AdminScopes(), func(s string) bool { return s == scope })...)
	}
	all := b.token(record.AdminScopes()...)
	for pattern, act := range (&administration{}).acts() {
		method, path, _ := strings.Cut(pattern, " ")
		path = admin.Root + pathParameter.ReplaceAllString(path, "nobody")
		if act.scope == socketOnly {
			if w := b.ask(method, path, "{}", "Authorization", "Bearer "+all); w.Code != http.StatusForbidden {
				t.Errorf("%s answers %d with every scope", pattern, w.Code)
			}
			continue
		}
		if act.scope == anyScope {
			continue
		}
		used[act.scope] = true
		if want := map[string]string{"GET": "read"}[method]; !strings.HasSuffix(act.scope, want) || want == "" && !strings.HasSuffix(act.scope, ":write") {
			t.Errorf("%s takes %s", pattern, act.scope)
		}
		if w := b.ask(method, path, "{}", "Authorization", "Bearer "+others[act.scope]); w.Code != http.StatusForbidden {
			t.Errorf("%s answers %d without %s", pattern, w.Code, act.scope)
		}
		if w := b.ask(method, path, "{}", "Authorization", "Bearer "+byScope[act.scope]); w.Code == http.StatusForbidden || w.Code == http.StatusUnauthorized {
			t.Errorf("%s answers %d with %s", pattern, w.Code, act.scope)
		}
		said := fmt.Sprint(document["paths"].(map[string]any)[admin.Root+strings.SplitN(pattern, " ", 2)[1]].(map[string]any)[strings.ToLower(method)].(map[string]any)["security"])
		if said != "[map[] map[admin_token:["+act.scope+"]]]" {
			t.Errorf("of %s the document says %s", pattern, said)
		}
	}
	for _, scope := range record.AdminScopes() {
		if !used[scope] {
			t.Errorf("nothing takes %s", scope)
		}
	}
	if len(used) != len(record.AdminScopes()) {
		t.Errorf("used are %v", used)
	}
	if w := b.ask(http.MethodGet, "/metrics", "", "Authorization", "Bearer "+byScope["server:read"]); w.Code != http.StatusOK || w.Body.String() != "figures\n" {
		t.Errorf("figures: %d %s", w.Code, w.Body)
	}
}

// What is there is told only to who is let in.
func TestWhatThereIsNotIsToldToWhomeverIsLetIn(t *testing.T) {
	b := newBranch(t)
	token := b.token("clients:read")
	for path, want := range map[string]int{"/": 404, "/admin/v1/nothing": 404, "/admin/v2/clients": 404, "/oauth2/token": 404, "/admin/v1/keys/rotate": 405} {
		if w := b.ask(http.MethodGet, path, "", "Authorization", "Bearer "+token); w.Code != want {
			t.Errorf("%s answers %d", path, w.Code)
		}
	}
}

// ASVS 6.3.1: guesses are counted by network, in the database. What is no guess (no
// token, one of another form, one that has expired or lacks a scope) is not.
func TestANetworkThatGuessesMustWait(t *testing.T) {
	b := newBranch(t)
	token := b.token("clients:read")
	ask := func(shown string, header ...string) *httptest.ResponseRecorder {
		return b.ask(http.MethodGet, "/admin/v1/users", "", append(header, "Authorization", "Bearer "+shown)...)
	}
	for range 40 {
		b.ask(http.MethodGet, "/admin/v1/users", "")
		ask("junk")
		if w := ask(token); w.Code != http.StatusForbidden {
			t.Fatalf("a token without the scope answers %d", w.Code)
		}
	}
	for n := range 30 {
		if w := ask(unknownToken, "X-Forwarded-For", fmt.Sprintf("203.0.113.%d", n)); w.Code != http.StatusUnauthorized { // not believed
			t.Fatalf("guess %d answers %d", n, w.Code)
		}
	}
	w := ask(unknownToken)
	if got := strings.TrimSpace(w.Body.String()); w.Code != http.StatusTooManyRequests || w.Header().Get("WWW-Authenticate") != "" ||
		got != `{"type":"urn:mintmark:problem:too-many","title":"Too many attempts; please wait before trying again","status":429}` {
		t.Errorf("one too many answers %d %s", w.Code, got)
	}
	if wait, err := time.ParseDuration(w.Header().Get("Retry-After") + "s"); err != nil || wait < 14*time.Minute || wait > 15*time.Minute {
		t.Errorf("it is to come back after %s", wait)
	}
	if w := ask(token); w.Code != http.StatusForbidden {
		t.Errorf("a token that is one is answered %d", w.Code)
	}
	if w := ask(unknownToken, "from", "198.51.100.1"); w.Code != http.StatusUnauthorized {
		t.Errorf("another network is answered %d", w.Code)
	}
	if w := ask(unknownToken, "from", "192.0.2.9", "X-Forwarded-For", "198.51.100.7"); w.Code != http.StatusUnauthorized {
		t.Errorf("another network behind the proxy is answered %d", w.Code)
	}
	if w := ask(unknownToken, "from", "192.0.2.9", "X-Forwarded-For", "192.0.2.77"); w.Code != http.StatusTooManyRequests {
		t.Errorf("the network behind the proxy is answered %d", w.Code)
	}
}

func TestADatabaseThatIsAwayIsNoRefusalOfAToken(t *testing.T) {
	b := newBranch(t)
	token := b.token("clients:read")
	if err := b.store.Close(); err != nil {
		t.Fatal(err)
	}
	w := b.ask(http.MethodGet, "/admin/v1/clients", "", "Authorization", "Bearer "+token)
	if w.Code != http.StatusServiceUnavailable || w.Header().Get("Retry-After") == "" || w.Header().Get("WWW-Authenticate") != "" || strings.Contains(w.Body.String(), "sql") {
		t.Errorf("%d %v %s", w.Code, w.Header(), w.Body)
	}
}
