package security_test

import (
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/mintmark-id/mintmark/internal/engine"
	"github.com/mintmark-id/mintmark/internal/record"
	"github.com/mintmark-id/mintmark/internal/web"
)

// branch serves the administration as it is reached from elsewhere.
func (w *world) branch() *httptest.Server {
	w.t.Helper()
	handler := web.RemoteAdmin(web.AdminConfig{Engine: w.engine, Log: w.log.logger()})
	server := httptest.NewUnstartedServer(handler)
	server.Config = web.NewServer(handler, w.log.logger())
	server.StartTLS()
	w.t.Cleanup(server.Close)
	return server
}

// adminToken makes one, which must be in no log.
func (w *world) adminToken(name string, ttl int64, scopes ...string) string {
	w.t.Helper()
	made, err := w.engine.CreateAdminToken(w.t.Context(), engine.AdminTokenForm{Name: name, Scopes: scopes, TTL: ttl})
	w.must(err)
	w.log.hide(made.Token)
	return made.Token
}

// visited is what a server answered.
type visited struct {
	status int
	header http.Header
	text   string
}

// visit asks a server with a token, "" for none.
func (w *world) visit(server *httptest.Server, method, path, token, body string) visited {
	w.t.Helper()
	request, err := http.NewRequestWithContext(w.t.Context(), method, server.URL+path, strings.NewReader(body))
	w.must(err)
	request.Header.Set("Content-Type", "application/json")
	request.Header.Set("Origin", "https://evil.example")
	request.Header.Set("Cookie", "session="+canary)
	if token != "" {
		request.Header.Set("Authorization", "Bearer "+token)
	}
	response, err := server.Client().Do(request)
	w.must(err)
	defer func() { _ = response.Body.Close() }()
	text, err := io.ReadAll(response.Body)
	w.must(err)
	return visited{response.StatusCode, response.Header, string(text)}
}

// ASVS 8.2.1: a token does what its scopes say, at once no more when it is deleted or ends, and never makes another.
func TestAA1_AnAdminTokenDoesWhatItsScopesSayAndNoMore(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	server := w.branch()
	token := w.adminToken("reader", 60, "clients:read")
	for _, c := range []struct {
		method, path, token string
		want                int
	}{
		{"GET", "/admin/v1/clients", token, 200},
		{"GET", "/admin/v1/clients", "", 401},
		{"GET", "/admin/v1/users", token, 403},
		{"DELETE", "/admin/v1/clients/machine", token, 403},
		{"POST", "/admin/v1/clients/machine/rotate-secret", token, 403},
		{"HEAD", "/admin/v1/users", token, 403},
		{"GET", "/admin/v1/admin-tokens", token, 403},
		{"POST", "/admin/v1/admin-tokens", token, 403},
		{"DELETE", "/admin/v1/admin-tokens/reader", token, 403},
		{"GET", "/admin/v1/../v1/users", token, 403},
		{"GET", "/admin/v1//users", token, 403},
		{"GET", "/admin/v1/%75sers", token, 403},
		{"PATCH", "/admin/v1/clients", token, 405},
		{"GET", "/debug/pprof/", token, 404},
		{"GET", "/oauth2/token", token, 404},
	} {
		client := server.Client()
		client.CheckRedirect = func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
		if got := w.visit(server, c.method, c.path, c.token, "{}"); got.status != c.want {
			t.Errorf("%s %s answers %d %s", c.method, c.path, got.status, got.text)
		}
	}
	w.exec(`UPDATE admin_tokens SET ends_at = $1 WHERE name = 'reader'`, time.Now().Add(-time.Second).UnixMilli())
	if got := w.visit(server, http.MethodGet, "/admin/v1/clients", token, ""); got.status != http.StatusUnauthorized {
		t.Errorf("when it has ended: %d", got.status)
	}
	second := w.adminToken("second", 60, "clients:read")
	w.must(w.engine.DeleteAdminToken(t.Context(), "second"))
	if got := w.visit(server, http.MethodGet, "/admin/v1/clients", second, ""); got.status != http.StatusUnauthorized {
		t.Errorf("when it is deleted: %d", got.status)
	}
	if _, err := w.engine.ClientByID(t.Context(), "machine"); err != nil {
		t.Errorf("the client: %v", err)
	}
}

// ASVS 13.3.2, 6.5.3: the token is shown once and kept as its hash.
func TestAA2_AdminTokensAreShownOnceAndStoredAsHashes(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	status, text := w.administer(http.MethodPost, "/admin/v1/admin-tokens", `{"name":"deploy","scopes":["clients:read"],"ttl":60}`)
	_, token, _ := strings.Cut(text, `"token":"`)
	token, _, _ = strings.Cut(token, `"`)
	w.log.hide(token)
	if status != http.StatusOK || len(token) != len("mst_")+43 {
		t.Fatalf("made: %d %s", status, text)
	}
	for _, path := range []string{"/admin/v1/admin-tokens", "/admin/v1/audit"} {
		if _, text := w.administer(http.MethodGet, path, ""); strings.Contains(text, token) || !strings.Contains(text, "deploy") || strings.Contains(text, "hash") {
			t.Errorf("%s shows %s", path, text)
		}
	}
	if n := w.count(`SELECT count(*) FROM admin_tokens WHERE instr(token_hash, $1) > 0 OR instr(name || scopes, $1) > 0`, token); n != 0 {
		t.Error("the token is in the database")
	}
	if n := w.count(`SELECT count(*) FROM admin_tokens WHERE length(token_hash) = 32`); n != 1 {
		t.Errorf("%d hashes", n)
	}
}

// ASVS 16.2.1: who did it, and from where; and who was not let in.
func TestAA5_WhatAnAdminTokenDoesIsOnRecord(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	server := w.branch()
	token := w.adminToken("deploy", 60, "users:write", "clients:write")
	w.visit(server, http.MethodPost, "/admin/v1/users/"+w.subs[bob]+"/disable", token, "")
	w.visit(server, http.MethodPost, "/admin/v1/clients", token, `{"name":"`+canary+`","grant_types":["client_credentials"]}`)
	w.visit(server, http.MethodGet, "/admin/v1/clients/"+canary, "mst_"+strings.Repeat("A", 43), "")
	w.visit(server, http.MethodGet, "/admin/v1/clients?x="+canary, canary, "")
	for event, actor := range map[string]string{
		"user_disabled": "admin:deploy", "user_cut": "admin:deploy", "client_created": "admin:deploy", "admin_token_used": "admin:deploy",
		"admin_token_created": "admin", "admin_token_refused": "server",
	} {
		if n := w.count(`SELECT count(*) FROM audit WHERE event = $1 AND actor = $2`, event, actor); n == 0 {
			t.Errorf("there is no %s by %s", event, actor)
		}
	}
	if n := w.count(`SELECT n FROM audit WHERE event = 'admin_token_used' AND detail = 'from 127.0.0.0/24'`); n != 2 {
		t.Errorf("two uses are counted as %d", n)
	}
	log := w.log.text()
	for _, part := range []string{`"token":"deploy","network":"127.0.0.0/24"`, `"reason":"admin_token_wrong"`, `"reason":"token_malformed"`} {
		if !strings.Contains(log, part) {
			t.Errorf("the log has no %s in\n%s", part, log)
		}
	}
	if strings.Contains(log, canary) || strings.Contains(log, "mst_") || strings.Contains(log, `"network":"127.0.0.1`) {
		t.Errorf("the log has too much:\n%s", log)
	}
}

// ASVS 6.3.1: guesses from a network are counted before any node can forget them, many at once too.
func TestW2_GuessesOfAdminTokensAreCountedTogether(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	server := w.branch()
	statuses := make([]int, 60)
	var all sync.WaitGroup
	for i := range statuses {
		all.Go(func() {
			got := w.visit(server, http.MethodGet, "/admin/v1/clients", fmt.Sprintf("mst_%042dA", i), "")
			statuses[i] = got.status
		})
	}
	all.Wait()
	counted := map[int]int{}
	for _, status := range statuses {
		counted[status]++
	}
	if counted[http.StatusUnauthorized] > 30 || counted[http.StatusOK] != 0 || counted[http.StatusTooManyRequests] == 0 {
		t.Errorf("sixty guesses at once are answered %v", counted)
	}
	for counted[http.StatusTooManyRequests] < 60 { // until the limit is met: a busy moment answers 503, which is no guess
		got := w.visit(server, http.MethodGet, "/admin/v1/clients", fmt.Sprintf("mst_%042dQ", counted[http.StatusUnauthorized]), "")
		if counted[got.status]++; got.status == http.StatusTooManyRequests {
			break
		}
	}
	if n := w.count(`SELECT sum(n) FROM counters WHERE name LIKE 'admin %'`); n != 30 || counted[http.StatusUnauthorized] != 30 {
		t.Errorf("%d were counted, %v", n, counted)
	}
}

// ASVS 3.5.1-3.5.3: what a browser has, a cookie or a certificate, opens nothing, and no script of another origin reads an answer.
func TestX2_ThePagesOfOthersCannotAdminister(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	server := w.branch()
	token := w.adminToken("all", 60, record.AdminScopes()...)
	for _, method := range []string{http.MethodOptions, http.MethodGet, http.MethodPost, http.MethodDelete} {
		for _, shown := range []string{"", token} {
			got := w.visit(server, method, "/admin/v1/clients", shown, "")
			for name := range got.header {
				if strings.HasPrefix(name, "Access-Control-") || name == "Set-Cookie" {
					t.Errorf("%s is answered with %s", method, name)
				}
			}
			if shown == "" && got.status != http.StatusUnauthorized {
				t.Errorf("%s with a cookie answers %d", method, got.status)
			}
		}
	}
}

// ASVS 3.4.1: every answer, also of what is refused.
func TestX1_TheAdministrationListenerGuardsItsAnswers(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	server := w.branch()
	token := w.adminToken("reader", 60, "clients:read")
	for _, shown := range []string{"", token} {
		for _, path := range []string{"/admin/v1/clients", "/admin/v1/users", "/"} {
			got := w.visit(server, http.MethodGet, path, shown, "")
			for name, want := range map[string]string{
				"Strict-Transport-Security": "max-age=31536000", "X-Content-Type-Options": "nosniff", "Referrer-Policy": "no-referrer",
				"Content-Security-Policy": "default-src 'none'; frame-ancestors 'none'", "Cache-Control": "no-store",
			} {
				if got := got.header.Get(name); got != want {
					t.Errorf("%s: %s is %q", path, name, got)
				}
			}
		}
	}
}

// ASVS 13.3.2: what is kept to be answered again opens for nobody who has the database, nor for another administrator.
func TestAA2_AnswersThatAreKeptAreSealed(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	server := w.branch()
	one, two := w.adminToken("one", 60, "clients:write", "users:write"), w.adminToken("two", 60, "clients:write")
	const key = "8e03978e-40d5-43dd-bc93-6894a57f9324"
	ask := func(token, path, body string) string {
		request, err := http.NewRequestWithContext(t.Context(), http.MethodPost, server.URL+path, strings.NewReader(body))
		w.must(err)
		request.Header = http.Header{"Content-Type": {"application/json"}, "Authorization": {"Bearer " + token}, "Idempotency-Key": {key}}
		response, err := server.Client().Do(request)
		w.must(err)
		defer func() { _ = response.Body.Close() }()
		text, err := io.ReadAll(response.Body)
		w.must(err)
		return string(text)
	}
	secretOf := func(text, name string) string {
		_, rest, found := strings.Cut(text, `"`+name+`":"`)
		if !found {
			t.Fatalf("there is no %s in %s", name, text)
		}
		secret, _, _ := strings.Cut(rest, `"`)
		w.log.hide(secret)
		return secret
	}
	const form = `{"name":"App","grant_types":["client_credentials"]}`
	secret := secretOf(ask(one, "/admin/v1/clients", form), "client_secret")
	if again := secretOf(ask(one, "/admin/v1/clients", form), "client_secret"); again != secret {
		t.Error("the second answer is another")
	}
	if stranger := secretOf(ask(two, "/admin/v1/clients", form), "client_secret"); stranger == secret {
		t.Error("somebody else was answered the same")
	}
	for _, hidden := range []string{secret, key, "one", form, "App"} {
		if n := w.count(`SELECT count(*) FROM answers WHERE instr(sealed, $1) > 0 OR instr(key_hash, $1) > 0`, hidden); n != 0 {
			t.Errorf("the kept answers have %q", hidden)
		}
	}
	if n := w.count(`SELECT count(*) FROM answers`); n != 2 {
		t.Errorf("%d are kept", n)
	}
	if text := ask(one, "/admin/v1/clients", strings.Replace(form, "App", canary, 1)); !strings.Contains(text, "idempotency-key") || strings.Contains(text, secret) || strings.Contains(text, canary) {
		t.Errorf("another request with the key: %s", text)
	}
	if strings.Contains(w.log.text(), key) {
		t.Error("the key is in the log")
	}
}
