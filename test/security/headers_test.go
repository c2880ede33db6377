package security_test

import (
	"bufio"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/mintmark-id/mintmark/internal/engine"
	"github.com/mintmark-id/mintmark/internal/oauth"
	"github.com/mintmark-id/mintmark/internal/record"
	"github.com/mintmark-id/mintmark/internal/web"
	"github.com/mintmark-id/mintmark/internal/web/pages"
)

// everyKindOfPage is one of each page and each refusal that a browser can be shown.
func (b *browser) everyKindOfPage() map[string]answer {
	b.t.Helper()
	waiting := b.query(oauth.PathAuthorize, ask("spa")).param(pages.FieldInteraction)
	choosing := b.query(oauth.PathAuthorize, with(ask("web"), "prompt", "select_account")).param(pages.FieldInteraction)
	stranger := b.newBrowser()
	wrong := stranger.loginForm("", "nobody@example.com", "wrong guess")
	return map[string]answer{
		"index": b.get("/"), "login": stranger.get(pages.PathLogin), "a failed sign-in": stranger.post(pages.PathLogin, wrong),
		"consent": b.get(pages.PathConsent + "?interaction=" + waiting), "choose": b.get(pages.PathChoose + "?interaction=" + choosing),
		"sign-up": stranger.get(pages.PathSignUp), "account": b.get(pages.PathAccount), "logout": b.get(pages.PathLogout),
		"signed out": stranger.get(pages.PathLogout), "form_post": b.query(oauth.PathAuthorize, with(ask("web"), "response_mode", "form_post")),
		"wrong client": b.query(oauth.PathAuthorize, with(ask("web"), "client_id", "x")), "not found": b.get("/nowhere"),
		"not found, written by hand": b.get("/%2e%2e/etc/passwd"), "wrong method": b.send(http.MethodDelete, pages.PathLogin, ""),
		"wrong form": b.post(pages.PathConsent, url.Values{}), "wrong type": b.typed(pages.PathLogin), "too long": b.post(pages.PathLogin, url.Values{"x": {strings.Repeat("x", 65<<10)}}),
		"setup that is over": b.get(pages.PathSetup + "?token=x"), "a redirect": b.query(oauth.PathAuthorize, ask("web")), "another host": b.atHost("evil.example"),
	}
}

func (b *browser) typed(path string) answer {
	b.t.Helper()
	b.header.Set("Content-Type", "text/plain")
	defer b.header.Del("Content-Type")
	return b.post(path, url.Values{})
}

func (b *browser) atHost(host string) answer {
	b.t.Helper()
	b.header.Set("Host", host)
	defer b.header.Del("Host")
	return b.get(pages.PathLogin)
}

// ASVS 3.4.1-3.4.8; RFC 9700 §4.16.
func TestX1_EveryPageAndEveryRefusalCarriesTheSecurityHeaders(t *testing.T) {
	t.Parallel()
	w := newWorld(t, overTLS)
	for name, a := range w.newBrowser().signIn(ana).everyKindOfPage() {
		for header, value := range map[string]string{
			"X-Frame-Options": "DENY", "X-Content-Type-Options": "nosniff", "Referrer-Policy": "no-referrer", "Cache-Control": "no-store",
			"Cross-Origin-Opener-Policy": "same-origin", "Cross-Origin-Resource-Policy": "same-origin", "Strict-Transport-Security": "max-age=31536000",
		} {
			if got := a.Header.Values(header); len(got) != 1 || got[0] != value {
				t.Errorf("%s: %s is %q", name, header, got)
			}
		}
		policy := a.Header.Get("Content-Security-Policy")
		for _, directive := range []string{"default-src 'none'", "frame-ancestors 'none'", "base-uri 'none'", "form-action 'self'"} {
			if !strings.Contains(policy, directive) {
				t.Errorf("%s: the policy %q lacks %s", name, policy, directive)
			}
		}
		if strings.Contains(policy, "unsafe") || strings.Contains(policy, "*") || strings.Contains(policy, "http:") {
			t.Errorf("%s: the policy is %q", name, policy)
		}
		if a.body != "" && a.Header.Get("Content-Type") != "text/html; charset=utf-8" {
			t.Errorf("%s: Content-Type is %q", name, a.Header.Get("Content-Type"))
		}
		for _, banner := range []string{"Server", "X-Powered-By"} {
			if a.Header.Get(banner) != "" {
				t.Errorf("%s: says what it runs on: %q", name, a.Header.Get(banner))
			}
		}
	}
}

func TestX1_AnswersInJSONCannotBeTakenForPages(t *testing.T) {
	t.Parallel()
	w := newWorld(t, overTLS)
	machine := w.app("machine")
	for name, a := range map[string]answer{
		"tokens": machine.call(oauth.PathToken, url.Values{"grant_type": {"client_credentials"}}), "an error": machine.call(oauth.PathToken, url.Values{}),
		"introspection": machine.call(oauth.PathIntrospect, url.Values{"token": {"x"}}), "revocation": machine.revoke("x"), "userinfo": machine.get(oauth.PathUserinfo),
		"keys": machine.get(oauth.PathJWKS), "metadata": machine.get("/.well-known/openid-configuration"), "health": machine.get("/healthz"),
		"a wrong method": machine.get(oauth.PathToken),
	} {
		h := a.Header
		if h.Get("X-Content-Type-Options") != "nosniff" || h.Get("Content-Security-Policy") != "default-src 'none'; frame-ancestors 'none'" ||
			h.Get("Strict-Transport-Security") != "max-age=31536000" || strings.Contains(h.Get("Content-Type"), "html") {
			t.Errorf("%s: %v", name, h)
		}
	}
}

// RFC 9700 §4.16.
func TestA7_NoPageIsShownInsideAnother(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	for name, a := range w.newBrowser().signIn(ana).everyKindOfPage() {
		if a.Header.Get("X-Frame-Options") != "DENY" || !strings.Contains(a.Header.Get("Content-Security-Policy"), "frame-ancestors 'none'") {
			t.Errorf("%s may be framed", name)
		}
	}
}

// HTML of others stays text: what a client, a user or a request says of itself.
func TestX1_WhatOthersWriteIsShownAndNotObeyed(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	const evil = `"><script>alert(1)</script><img src=x onerror=alert(1)>'{{.}}`
	w.exec(`UPDATE clients SET name = $1 WHERE id = 'spa'`, evil)
	w.exec(`UPDATE users SET claims = json_set(claims, '$.name', $1)`, evil)
	again := w.reopened()
	b := again.newBrowser()
	b.header.Set("User-Agent", evil)
	to := b.query(oauth.PathAuthorize, with(ask("spa"), "login_hint", evil)).location()
	login := b.get(to.RequestURI())
	failed := b.post(pages.PathLogin, b.loginForm(to.Query().Get("interaction"), evil, "x"))
	b.signIn(ana)
	consent := b.get(pages.PathConsent + "?" + to.RawQuery)
	for name, a := range map[string]answer{"login": login, "failed": failed, "consent": consent, "account": b.get(pages.PathAccount), "logout": b.get(pages.PathLogout)} {
		if strings.Contains(a.body, "<script") || strings.Contains(a.body, "<img src=x") || strings.Contains(a.body, `"><`+"script") {
			t.Errorf("%s: markup of others is on the page", name)
		}
	}
}

// ASVS 3.2.1: a client's addresses are https, whatever a page does with them.
func TestX3_AddressesOfClientsAreHTTPS(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	for _, bad := range []string{"http://a.example/logo", "javascript:alert(1)", "data:image/svg+xml,x", "//a.example", "https://user:pass@a.example/", "ftp://a.example"} {
		for name, set := range map[string]func(*record.ClientSettings){
			"logo_uri": func(s *record.ClientSettings) { s.LogoURI = bad }, "policy_uri": func(s *record.ClientSettings) { s.PolicyURI = bad },
			"tos_uri": func(s *record.ClientSettings) { s.TosURI = bad }, "client_uri": func(s *record.ClientSettings) { s.ClientURI = bad },
		} {
			settings := record.ClientSettings{GrantTypes: []string{"client_credentials"}}
			set(&settings)
			if _, err := w.engine.CreateClient(t.Context(), "", engine.ClientForm{Name: "x", Settings: settings}); err == nil {
				t.Errorf("%s takes %q", name, bad)
			}
		}
	}
}

// The issuer comes from configuration alone; another Host is none of ours, whoever asks and wherever.
func TestX4_AnUnknownHostIsMisdirected(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	b := w.newBrowser()
	for path, method := range everyEndpoint() {
		if path == "/healthz" || path == "/readyz" {
			continue
		}
		for _, host := range []string{canary + ".example", "localhost", "localhost:8485", "127.0.0.1:8484", "localhost.:8484", "localhost:8484.evil.example", "evil.example:8484"} {
			b.header.Set("Host", host)
			if a := b.send(method, path, ""); a.StatusCode != http.StatusMisdirectedRequest || a.Header.Get("Location") != "" || strings.Contains(a.body, "evil") {
				t.Errorf("%s at %s answers %d", path, host, a.StatusCode)
			}
		}
	}
	for _, request := range []string{
		"GET /login HTTP/1.0\r\n\r\n", "GET http://evil.example/login HTTP/1.1\r\nHost: localhost:8484\r\nConnection: close\r\n\r\n",
		"GET /login HTTP/1.1\r\nHost: evil.example\r\nX-Forwarded-Host: localhost:8484\r\nConnection: close\r\n\r\n",
	} {
		if a := w.raw(request); a.StatusCode != http.StatusMisdirectedRequest {
			t.Errorf("%q answers %d", request, a.StatusCode)
		}
	}
	for _, request := range []string{"GET /login HTTP/1.1\r\nConnection: close\r\n\r\n", "GET /login HTTP/1.1\r\nHost: localhost:8484\r\nHost: evil.example\r\nConnection: close\r\n\r\n"} {
		if a := w.raw(request); a.StatusCode != http.StatusBadRequest {
			t.Errorf("%q answers %d", request, a.StatusCode)
		}
	}
}

// ASVS 4.1.3: from a stranger forwarding headers are nothing; from the proxy they say who and how, and nothing else.
func TestX4_ForwardingHeadersAreTheProxysAlone(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	forged := http.Header{
		"X-Forwarded-For": {"203.0.113.5"}, "X-Forwarded-Host": {"evil.example"}, "X-Forwarded-Proto": {"https"}, "X-Forwarded-Port": {"1"},
		"X-Real-Ip": {"203.0.113.5"}, "X-Original-Url": {"/account"}, "X-Rewrite-Url": {"/account"}, "X-Forwarded-Prefix": {"//evil.example"},
	}
	stranger := w.newBrowser("127.0.0.1")
	stranger.header = forged
	a := stranger.query(oauth.PathAuthorize, ask("web"))
	if a.StatusCode != http.StatusSeeOther || !strings.HasPrefix(a.Header.Get("Location"), "/login?") {
		t.Errorf("a stranger's headers have an effect: %d %q", a.StatusCode, a.Header.Get("Location"))
	}
	if a := stranger.get("/.well-known/openid-configuration"); strings.Contains(a.body, "evil") {
		t.Error("the metadata follow a header")
	}
	if log := w.log.text(); strings.Contains(log, "203.0.113") || !strings.Contains(log, `"network":"127.0.0.0/24"`) {
		t.Error("a stranger chooses the network that is logged")
	}
	proxy := w.newBrowser(trustedProxy)
	for name, c := range map[string]struct {
		header http.Header
		status int
	}{
		"as it should be":       {http.Header{"X-Forwarded-For": {"198.51.100.7"}, "X-Forwarded-Proto": {"http"}, "X-Forwarded-Host": {"localhost:8484"}}, http.StatusOK},
		"for another host":      {http.Header{"X-Forwarded-Host": {"evil.example"}}, http.StatusMisdirectedRequest},
		"appended by a client":  {http.Header{"X-Forwarded-Host": {"localhost:8484, evil.example"}}, http.StatusMisdirectedRequest},
		"over another protocol": {http.Header{"X-Forwarded-Proto": {"https"}}, http.StatusMisdirectedRequest},
		"by RFC 7239":           {http.Header{"Forwarded": {`for=198.51.100.8;host="localhost:8484";proto=http`}}, http.StatusOK},
		"by RFC 7239, another":  {http.Header{"Forwarded": {`for=198.51.100.8;host=evil.example`}}, http.StatusMisdirectedRequest},
	} {
		proxy.header = c.header
		if a := proxy.get(pages.PathLogin); a.StatusCode != c.status || strings.Contains(a.body, "evil.example") {
			t.Errorf("%s: %d", name, a.StatusCode)
		}
	}
	if log := w.log.text(); !strings.Contains(log, `"network":"198.51.100.0/24"`) || strings.Contains(log, "198.51.100.7") {
		t.Error("the proxy's client is not logged as a network")
	}
	// What the client wrote in front of the proxy's own entry does not count.
	proxy.header = http.Header{"X-Forwarded-For": {"203.0.113.9, 198.51.100.7"}}
	proxy.get(pages.PathLogin)
	if strings.Contains(w.log.text(), "203.0.113") {
		t.Error("a client behind the proxy chooses its network")
	}
}

// ASVS 15, RFC 6819 §4.4.1.11.
func TestX5_RequestsAreBounded(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	if a := w.raw("GET /login HTTP/1.1\r\nHost: localhost:8484\r\nConnection: close\r\nX-Long: " + strings.Repeat("x", 32<<10) + "\r\n\r\n"); a.StatusCode != http.StatusRequestHeaderFieldsTooLarge {
		t.Errorf("32 KiB of header answer %d", a.StatusCode)
	}
	if a := w.raw("GET /login?" + strings.Repeat("x", 9<<10) + " HTTP/1.1\r\nHost: localhost:8484\r\nConnection: close\r\n\r\n"); a.StatusCode != http.StatusBadRequest {
		t.Errorf("an address of 9 KiB answers %d", a.StatusCode)
	}
	chunk := fmt.Sprintf("%x\r\n%s\r\n", 60<<10, strings.Repeat("x", 60<<10))
	if a := w.raw("POST /oauth2/token HTTP/1.1\r\nHost: localhost:8484\r\nTransfer-Encoding: chunked\r\nContent-Type: application/x-www-form-urlencoded\r\n\r\n" + chunk + chunk); a.StatusCode != http.StatusRequestEntityTooLarge {
		t.Errorf("a body without an end answers %d", a.StatusCode)
	}
	server := web.NewServer(http.NotFoundHandler(), w.log.logger())
	for name, limit := range map[string]time.Duration{
		"header": server.ReadHeaderTimeout, "body": server.ReadTimeout, "answer": server.WriteTimeout, "idle": server.IdleTimeout,
	} {
		if limit <= 0 || limit > 5*time.Minute {
			t.Errorf("%s may take %s", name, limit)
		}
	}
}

// A request hidden in another's body is not answered: what a proxy took for a body is no second request here.
func TestX5_OneRequestDoesNotHideAnother(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	const hidden = "GET /healthz HTTP/1.1\r\nHost: localhost:8484\r\n\r\n"
	head := "POST /oauth2/token HTTP/1.1\r\nHost: localhost:8484\r\nContent-Type: application/x-www-form-urlencoded\r\n"
	for name, request := range map[string]string{
		"two lengths":             head + "Content-Length: 0\r\nContent-Length: " + fmt.Sprint(len(hidden)) + "\r\n\r\n" + hidden,
		"a length and chunks":     head + "Content-Length: 4\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n" + hidden,
		"chunks in two words":     head + "Transfer-Encoding: chunked, identity\r\n\r\n0\r\n\r\n" + hidden,
		"chunks under a disguise": head + "Transfer-Encoding: \x0bchunked\r\nContent-Length: 0\r\n\r\n" + hidden,
		"a length with a sign":    head + "Content-Length: +0\r\n\r\n" + hidden,
		"a space before a colon":  head + "Content-Length : 0\r\n\r\n" + hidden,
	} {
		conn := w.dial("")
		if _, err := io.WriteString(conn, request); err != nil {
			t.Fatal(err)
		}
		reader := bufio.NewReader(conn)
		first, err := http.ReadResponse(reader, nil)
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		if _, err := io.Copy(io.Discard, first.Body); err != nil {
			t.Fatal(err)
		}
		_ = first.Body.Close()
		_ = conn.(interface{ CloseWrite() error }).CloseWrite()
		rest, err := io.ReadAll(reader)
		if strings.Contains(string(rest), "200 OK") {
			t.Errorf("%s: the hidden request is answered (%v)", name, err)
		}
		_ = conn.Close()
	}
}

// A path written in another way is not ours: what a proxy compares must be what we compare.
func TestX5_PathsAreExact(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	for _, path := range []string{
		"/LOGIN", "/login/", "//login", "/./login", "/x/../login", "/%6cogin", "/login%2f", "/login%00", "/login;x", "/oauth2//token", "/oauth2/token/", "/OAuth2/token",
		"/.well-known/../login", "/assets/../login", "/\\login", "/login%3finteraction=x",
	} {
		if a := w.raw("GET " + path + " HTTP/1.1\r\nHost: localhost:8484\r\nConnection: close\r\n\r\n"); a.StatusCode != http.StatusNotFound {
			t.Errorf("%s answers %d", path, a.StatusCode)
		}
	}
}

// ASVS 13.4.2, 13.4.5.
func TestAA8_NothingOfTheWorkshopIsOnThePublicListener(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	b := w.newBrowser()
	for _, path := range []string{
		"/debug/pprof/", "/debug/vars", "/metrics", "/admin/v1/status", "/admin/v1/clients", "/admin", "/.git/config", "/.env", "/server-status", "/actuator", "/swagger.json",
		"/assets/", "/assets", "/.well-known/", "/oauth2/", "/register", "/oauth2/register",
	} {
		for _, method := range []string{http.MethodGet, http.MethodPost, http.MethodPut, "TRACE", "CONNECT", "PROPFIND"} {
			if a := b.send(method, path, ""); a.StatusCode != http.StatusNotFound && a.StatusCode != http.StatusBadRequest {
				t.Errorf("%s %s answers %d", method, path, a.StatusCode)
			}
		}
	}
}
