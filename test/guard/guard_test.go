package guard_test

import (
	"errors"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/mintmark-id/mintmark/admin"
	"github.com/mintmark-id/mintmark/test/app"
	"github.com/mintmark-id/mintmark/test/server"
)

const challenge = "Www-Authenticate"

// as is what a proxy that follows our nginx text sends.
func as(method, token string, more ...string) http.Header {
	h := http.Header{"X-Original-Method": {method}}
	if token != "" {
		h.Set("Authorization", "Bearer "+token)
	}
	for i := 0; i < len(more); i += 2 {
		h.Add(more[i], more[i+1])
	}
	return h
}

func TestAProxyIsToldWhoseTokenItIs(t *testing.T) {
	w := newWorld(t)
	guard := w.guard(w.Issuer, "--name", "guard-1")
	w.live()
	browser, err := app.NewBrowser(w.Ana)
	w.must(err)
	tokens, err := w.Shop.SignIn(t.Context(), browser, app.Orders)
	w.must(err)
	got := w.ask("/verify", as("GET", tokens.Access))
	if got.status != http.StatusOK {
		t.Fatalf("%d %s\n%s", got.status, got.body, guard.said())
	}
	for name, want := range map[string]string{"X-Mintmark-Subject": w.Ana.Sub, "X-Mintmark-Client-Id": "shop", "X-Mintmark-Scope": "openid"} {
		if got.header.Get(name) != want {
			t.Errorf("%s is %q, not %q", name, got.header.Get(name), want)
		}
	}
	for _, name := range []string{"X-Mintmark-Session", "X-Mintmark-Grant", "X-Mintmark-Token", "X-Mintmark-Expires", "X-Mintmark-Auth-Time"} {
		if got.header.Get(name) == "" {
			t.Errorf("%s is empty", name)
		}
	}
	own := w.ask("/verify?scope=orders:read", as("GET", w.token(w.robot)))
	if own.status != http.StatusOK || own.header.Get("X-Mintmark-Subject") != "robot" {
		t.Errorf("a client's own token: %d %v", own.status, own.header)
	}
	for _, name := range []string{"X-Mintmark-Session", "X-Mintmark-Grant", "X-Mintmark-Auth-Time"} {
		if values, there := own.header[name]; !there || values[0] != "" {
			t.Errorf("%s of a client's own token is %q: it must be there and empty, to take the place of what a caller sent", name, values)
		}
	}
	if log := guard.all(); !strings.Contains(log, `"msg":"verify","method":"GET","status":200`) || strings.Contains(log, tokens.Access) {
		t.Errorf("the log:\n%s", log)
	}
}

func TestARefusalIsOneThatAProxyCanPassOn(t *testing.T) {
	w := newWorld(t)
	guard := w.guard(w.Issuer, "--scope", "orders:read")
	w.live()
	good, ends := w.token(w.robot), w.token(w.robot)
	w.must(w.robot.Revoke(t.Context(), ends))
	w.must(app.Await(t.Context(), "a revoked token is refused", patience, func() bool { return w.ask("/verify", as("GET", ends)).status != http.StatusOK }))
	for _, c := range []struct {
		what, path string
		header     http.Header
		status     int
		says       string // in the challenge
	}{
		{"a good token", "/verify", as("GET", good), 200, ""},
		{"no token", "/verify", as("GET", ""), 401, "Bearer"},
		{"a token that is none", "/verify", as("GET", "x"), 401, `error="invalid_token"`},
		{"a revoked token", "/verify", as("GET", ends), 401, "the access token was revoked"},
		{"two tokens, for nginx", "/verify", as("GET", good, "Authorization", "Bearer "+good), 401, `error="invalid_request"`},
		{"two tokens, for Envoy", "/verify/orders", as("GET", good, "Authorization", "Bearer "+good), 400, `error="invalid_request"`},
		{"a scope of the query", "/verify?scope=orders:write", as("GET", good), 403, `scope="orders:write orders:read"`},
		{"scopes of the query", "/verify?scope=orders:read+orders:write", as("GET", good), 403, `error="insufficient_scope"`},
		{"a scope of the header", "/verify", as("GET", good, "X-Mintmark-Require-Scope", "orders:write"), 403, `error="insufficient_scope"`},
		{"a scope that the header repeats", "/verify", as("GET", good, "X-Mintmark-Require-Scope", "orders:read", "X-Mintmark-Require-Scope", "orders:write"), 403, `error="insufficient_scope"`},
		{"a misspelt query", "/verify?scopes=orders:read", as("GET", good), 500, ""},
		{"an empty scope", "/verify?scope=", as("GET", good), 500, ""},
		{"a query that cannot be read", "/verify?scope=%zz", as("GET", good), 500, ""},
		{"no method", "/verify", http.Header{"Authorization": {"Bearer " + good}}, 500, ""},
		{"Traefik", "/verify", http.Header{"Authorization": {"Bearer " + good}, "X-Forwarded-Method": {"POST"}}, 200, ""},
		{"Envoy: the query is the caller's", "/verify/orders?scope=&scopes=x", http.Header{"Authorization": {"Bearer " + good}}, 200, ""},
		{"a path that is none", "/verified", as("GET", good), 404, ""},
	} {
		got := w.ask(c.path, c.header)
		if got.status != c.status || !strings.Contains(got.header.Get(challenge), c.says) {
			t.Errorf("%s: %d %q, not %d with %q", c.what, got.status, got.header.Get(challenge), c.status, c.says)
		}
		if c.status != 200 && got.header.Get("X-Mintmark-Subject") != "" {
			t.Errorf("%s: a refusal says whose token it is", c.what)
		}
	}
	log := guard.all()
	for _, reason := range []string{`"reason":"revoked"`, `"reason":"lacks_scope","client_id":"robot"`, `"reason":"misconfigured"`} {
		if !strings.Contains(log, reason) {
			t.Errorf("the log has no %s:\n%s", reason, log)
		}
	}
	if strings.Contains(log, good) {
		t.Error("the log has a token")
	}
}

func TestTroubleIs503AndNever401(t *testing.T) {
	w := newWorld(t)
	token := w.token(w.robot)
	issuer := w.Issuer
	w.server.Kill()
	guard := w.guard(issuer, "--policy", "strict")
	for _, path := range []string{"/verify", "/verify/orders", "/readyz"} {
		got := w.ask(path, as("GET", token))
		if got.status != http.StatusServiceUnavailable || got.header.Get("Retry-After") == "" {
			t.Errorf("%s without an issuer: %d, Retry-After %q", path, got.status, got.header.Get("Retry-After"))
		}
	}
	if got := w.ask("/healthz", nil); got.status != http.StatusOK {
		t.Errorf("the process lives, and says %d", got.status)
	}
	w.server.Restart()
	w.live()
	if got := w.ask("/verify", as("GET", token)); got.status != http.StatusOK {
		t.Errorf("once the issuer answers: %d %s", got.status, got.body)
	}
	if log := guard.all(); !strings.Contains(log, `"reason":"unavailable"`) {
		t.Errorf("the log:\n%s", log)
	}
}

// A seed is what the guard knew, for one that starts while the issuer is away.
func TestAGuardThatStartsAgainWithoutItsIssuerKnowsWhatItKnew(t *testing.T) {
	w := newWorld(t)
	seed := t.TempDir()
	first := w.guard(w.Issuer, "--seed", seed)
	w.live()
	good, ends := w.token(w.robot), w.token(w.robot)
	w.must(w.robot.Revoke(t.Context(), ends))
	w.must(app.Await(t.Context(), "a revoked token is refused", patience, func() bool { return w.ask("/verify", as("GET", ends)).status == 401 }))
	if got := w.ask("/verify", as("GET", good)); got.status != 200 {
		t.Fatalf("before: %d", got.status)
	}
	first.stop()
	w.server.Pause()
	w.guard(w.Issuer, "--seed", seed)
	if got := w.ask("/verify", as("GET", good)); got.status != 200 {
		t.Errorf("a good token, with the seed: %d %s", got.status, got.body)
	}
	if got := w.ask("/verify", as("GET", ends)); got.status != 401 {
		t.Errorf("a revoked token, with the seed: %d %s", got.status, got.body)
	}
	w.server.Resume()
}

// A caller who sends the header of another proxy does not turn a POST into a GET.
func TestAMethodThatIsDisputedCountsAsOneThatChanges(t *testing.T) {
	w := newWorld(t)
	guard := w.guard(w.Issuer)
	w.live()
	token := w.token(w.robot)
	for _, h := range []http.Header{
		as("POST", token, "X-Forwarded-Method", "GET"),
		as("GET", token, "X-Forwarded-Method", "POST"),
		as("GET", token, "X-Original-Method", "DELETE"),
	} {
		if got := w.ask("/verify", h); got.status != 200 {
			t.Errorf("%d %s", got.status, got.body)
		}
	}
	log := guard.all()
	if got := strings.Count(log, `"msg":"verify","method":"POST"`); got != 3 {
		t.Errorf("%d of 3 counted as POST:\n%s", got, log)
	}
}

func TestWhatTheGuardSaysIsInItsFleet(t *testing.T) {
	w := newWorld(t)
	w.guard(w.Issuer, "--name", "guard-1", "--policy", "strict")
	w.live()
	w.must(app.Await(t.Context(), "the server knows its guard", patience, func() bool {
		var names []string
		for v, err := range w.Office.Verifiers(t.Context()) {
			w.must(err)
			names = append(names, v.Name+" "+v.Policy)
		}
		return slices.Contains(names, "guard-1 strict")
	}))
	_, err := w.Office.Revoke(t.Context(), admin.Revocation{Kind: "client", IDs: []string{"robot"}, Reason: "a test"}, 0)
	w.must(err)
}

func TestAGuardListensNowhereElse(t *testing.T) {
	dir := t.TempDir()
	secret := filepath.Join(dir, "secret")
	if err := os.WriteFile(secret, []byte("s"), 0o600); err != nil {
		t.Fatal(err)
	}
	good := []string{"guard", "--issuer", "https://id.example.com", "--audience", "a", "--client-id", "c"}
	for what, c := range map[string]struct {
		flags, environ []string
		says           string
	}{
		"all addresses":       {[]string{"--client-secret-file", secret, "--listen", "0.0.0.0:8490"}, nil, "an address of loopback"},
		"no host":             {[]string{"--client-secret-file", secret, "--listen", ":8490"}, nil, "an address of loopback"},
		"no secret":           {nil, nil, "the client's secret is missing"},
		"two secrets":         {[]string{"--client-secret-file", secret}, []string{"MINTMARK_GUARD_CLIENT_SECRET=x"}, "given twice"},
		"no octal mode":       {[]string{"--client-secret-file", secret, "--listen", "unix:" + dir + "/s", "--socket-mode", "rw"}, nil, "an octal mode"},
		"an issuer on http":   {[]string{"--client-secret-file", secret, "--listen", "127.0.0.1:0", "--issuer", "http://id.example.com"}, nil, "issuer: https"},
		"a policy by mistake": {[]string{"--policy", "lax"}, nil, "must be one of"},
	} {
		cmd := exec.CommandContext(t.Context(), server.Binary(), append(good, c.flags...)...)
		cmd.Env = append(c.environ, "HOME="+dir)
		said, err := cmd.CombinedOutput()
		if exit, ok := errors.AsType[*exec.ExitError](err); !ok || exit.ExitCode() != 2 || !strings.Contains(string(said), c.says) {
			t.Errorf("%s: %v\n%s", what, err, said)
		}
	}
}

func TestTheDocumentationListsTheHeaders(t *testing.T) {
	text, err := os.ReadFile("../../docs/guard.md")
	if err != nil {
		t.Fatal(err)
	}
	w := newWorld(t)
	w.guard(w.Issuer)
	w.live()
	for name := range w.ask("/verify", as("GET", w.token(w.robot))).header {
		if !strings.HasPrefix(name, "X-Mintmark-") {
			continue
		}
		variable := "$upstream_http_" + strings.ToLower(strings.ReplaceAll(name, "-", "_")) + ";"
		for _, needed := range []string{"| `" + name + "` |", variable, "proxy_set_header " + name + " ", "- " + name + "\n", "- remove: " + strings.ToLower(name) + "\n"} {
			if !strings.Contains(string(text), needed) {
				t.Errorf("docs/guard.md has no %q", needed)
			}
		}
	}
}
