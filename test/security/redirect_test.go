package security_test

import (
	"net/http"
	"net/url"
	"strings"
	"testing"

	"github.com/mintmark-id/mintmark/internal/engine"
	"github.com/mintmark-id/mintmark/internal/oauth"
	"github.com/mintmark-id/mintmark/internal/record"
	"github.com/mintmark-id/mintmark/internal/web/pages"
)

// RFC 9700 §4.1.3.
func TestB1_RedirectURIsMatchByExactString(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	b := w.newBrowser().signIn(ana)
	for client, variants := range map[string][]string{
		"web": {
			"https://app.example/cb/", "https://app.example/CB", "https://APP.example/cb", "HTTPS://app.example/cb", "https://app.example:443/cb",
			"https://app.example/cb?x=1", "https://app.example/cb?", "https://app.example/cb#", "https://app.example/cb#frag",
			"https://app.example/./cb", "https://app.example/x/../cb", "https://app.example/x/%2e%2e/cb", "https://app.example/c%62",
			"https://app.example//cb", "https://app.example/cb%2f", "https://app.example/cb;x", "https://app.example/cb%00",
			"https://app.example.evil.example/cb", "https://evil.example/https://app.example/cb", "https://app.example@evil.example/cb",
			"https://evil.example@app.example/cb", "https://app.example\\@evil.example/cb", "https://app.example%2eevil.example/cb",
			"http://app.example/cb", "//app.example/cb", "app.example/cb", "/cb", "https:///cb", "https://app.example\t/cb", " https://app.example/cb",
			"https://app.example/cb ", "https://app。example/cb", "https://аpp.example/cb", "javascript:alert(1)//https://app.example/cb",
			"data:text/html,x", "https://app.example/cb\n", "https://two.example/other", "https://app.example/cb&code=x", "*", "https://*/cb",
		},
		"web-two": {"https://two.example/cb", "https://two.example/cb?tenant=2", "https://two.example/cb?tenant=1&x=1", "https://two.example/cb?Tenant=1"},
	} {
		for _, variant := range variants {
			a := b.query(oauth.PathAuthorize, with(ask(client), "redirect_uri", variant))
			w.showsError(a, http.StatusBadRequest, "invalid_request", "redirect_uri")
			if strings.Contains(a.body, "evil.example") {
				t.Errorf("%q is shown to the user", variant)
			}
		}
	}
	if a := b.query(oauth.PathAuthorize, ask("web-two")); !strings.HasPrefix(a.Header.Get("Location"), "https://two.example/cb?tenant=1&code=") {
		t.Errorf("the registered query is not kept: %q", a.Header.Get("Location"))
	}
}

// RFC 8252 §7.3.
func TestB2_OnlyTheLoopbackPortOfANativeClientVaries(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	b := w.newBrowser().signIn(ana)
	for uri, matches := range map[string]bool{
		"http://127.0.0.1:7000/cb": true, "http://127.0.0.1:65535/cb": true, "http://127.0.0.1/cb": true, "http://[::1]:8080/cb": true, "http://localhost:1/cb": true,
		"http://127.0.0.1:0/cb": false, "http://127.0.0.1:65536/cb": false, "http://127.0.0.1:07/cb": false, "http://127.0.0.2:7000/cb": false,
		"http://127.1:7000/cb": false, "http://2130706433/cb": false, "http://0x7f.0.0.1/cb": false, "https://127.0.0.1:7000/cb": false,
		"http://127.0.0.1:7000/other": false, "http://localhost.:7000/cb": false, "http://127.0.0.1:7000@evil.example/cb": false,
		"http://localhost:7000.evil.example/cb": false, "http://[::1%25lo]/cb": false, "http://[0:0:0:0:0:0:0:1]/cb": false,
		"com.example.app:/cb": true, "com.example.app:/cb2": false, "com.example.app://cb": false, "com.example.other:/cb": false,
	} {
		a := b.query(oauth.PathAuthorize, with(ask("native"), "redirect_uri", uri))
		if went := a.StatusCode == http.StatusSeeOther; went != matches {
			t.Errorf("%s answers %d", uri, a.StatusCode)
		}
	}
	// A web client's port is part of its address.
	w.showsError(b.query(oauth.PathAuthorize, with(ask("web"), "redirect_uri", "https://app.example:8443/cb")), http.StatusBadRequest, "invalid_request", "redirect_uri")
}

func TestB3_WhatCouldLeadElsewhereIsNotRegistered(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	for _, uri := range []string{
		"http://app.example/cb", "https://app.example/cb#x", "https://user@app.example/cb", "https://*.example/cb", "javascript:alert(1)", "data:text/html,x",
		"vbscript:x", "file:///etc/passwd", "myapp:/cb", "https://", "/cb", "", "https://app.example/../cb", "https://app.example/\r\nX:", "about:blank", "blob:https://a/b",
		"ftp://a.example/", "http://localhost.evil.example/cb", "http://127.0.0.1.evil.example/cb",
	} {
		for name, settings := range map[string]record.ClientSettings{
			"redirect_uris":             {GrantTypes: []string{"authorization_code"}, RedirectURIs: []string{uri}},
			"post_logout_redirect_uris": {GrantTypes: []string{"authorization_code"}, RedirectURIs: []string{"https://a.example/"}, PostLogoutRedirectURIs: []string{uri}},
		} {
			if _, err := w.engine.CreateClient(t.Context(), "", engine.ClientForm{Name: "x", Settings: settings}); err == nil {
				t.Errorf("%s takes %q", name, uri)
			}
		}
	}
}

func TestB4_TheRedirectURIIsNeededWhereSeveralAreRegistered(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	b := w.newBrowser().signIn(ana)
	w.showsError(b.query(oauth.PathAuthorize, with(ask("web-two"), "redirect_uri", "")), http.StatusBadRequest, "invalid_request", "redirect_uri")
	if a := b.query(oauth.PathAuthorize, with(ask("web"), "redirect_uri", "")); a.param("code") == "" {
		t.Errorf("the only one is not taken: %q", a.Header.Get("Location"))
	}
}

// RFC 6749 §4.1.3.
func TestB5_TheCodeIsRedeemedWithTheAddressThatItWentTo(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	b := w.newBrowser().signIn(ana)
	two := w.app("web-two")
	code := b.code("web-two")
	for _, wrong := range []string{"", "https://two.example/other", "https://two.example/cb", "https://two.example/cb?tenant=1&x", "https://" + canary} {
		w.refuses(two.redeem(code, "redirect_uri", wrong), http.StatusBadRequest, "invalid_grant")
	}
	two.tokens(two.redeem(code)) // nothing was spent
	web := w.app("web")
	code = b.code("web", "redirect_uri", "")
	w.refuses(web.redeem(code, "redirect_uri", "https://evil.example/"), http.StatusBadRequest, "invalid_grant")
	web.tokens(web.redeem(code, "redirect_uri", ""))
}

// No parameter of any page takes the browser to an address that nobody registered.
func TestB6_NothingRedirectsToWhereItIsTold(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	b := w.newBrowser().signIn(ana)
	names := []string{
		"return_to", "next", "continue", "url", "redirect", "redirect_uri", "redirect_url", "returnUrl", "post_logout_redirect_uri", "logout_uri", "goto",
		"target", "interaction", "notice", "state", "Location", "login_hint", "id_token_hint", "client_id",
	}
	for path, method := range everyEndpoint() {
		if method != http.MethodGet || path == oauth.PathAuthorize {
			continue
		}
		for _, name := range names {
			for _, evil := range []string{"https://evil.example/", "//evil.example/", "\\\\evil.example", "/\\evil.example", "%2f%2fevil.example"} {
				a := b.query(path, url.Values{name: {evil}})
				if to := a.Header.Get("Location"); strings.Contains(to, "evil") || a.toClient() {
					t.Errorf("%s?%s= leads to %q", path, name, to)
				}
				for _, link := range []string{`href="https://evil`, `href="//evil`, `action="https://evil`, `action="//evil`, `url=http`} {
					if strings.Contains(a.body, link) {
						t.Errorf("%s?%s= has %s on its page", path, name, link)
					}
				}
			}
		}
	}
	for _, path := range []string{"//evil.example/%2e%2e", "//evil.example", "/login//evil.example", "/https://evil.example", "/.//evil.example/"} {
		if a := w.raw("GET " + path + " HTTP/1.1\r\nHost: localhost:8484\r\nConnection: close\r\n\r\n"); a.StatusCode != http.StatusNotFound || a.Header.Get("Location") != "" {
			t.Errorf("%s answers %d, %q", path, a.StatusCode, a.Header.Get("Location"))
		}
	}
}

// A POST without our cookie becomes a GET of the same endpoint, nothing else.
func TestB6_ACrossSitePostIsRepeatedHereAndNowhereElse(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	b := w.newBrowser()
	for _, path := range []string{oauth.PathAuthorize, oauth.PathEndSession} {
		for _, body := range []string{"a=b", "//evil.example", "\r\nLocation: https://evil.example", "?x=https://evil.example", "a=%0d%0aSet-Cookie:x=y"} {
			a := b.send(http.MethodPost, path, body)
			if to := a.Header.Get("Location"); to != "" && !strings.HasPrefix(to, path+"?") || a.Header.Get("Set-Cookie") == "x=y" {
				t.Errorf("%s with %q goes to %q", path, body, to)
			}
		}
	}
}

// RFC 8252 §7.1.
func TestB7_SchemesOfAppsHaveADot(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	native := func(uri string) error {
		_, err := w.engine.CreateClient(t.Context(), "", engine.ClientForm{Name: "x", Settings: record.ClientSettings{
			GrantTypes: []string{"authorization_code"}, RedirectURIs: []string{uri}, TokenEndpointAuthMethod: "none",
		}})
		return err
	}
	if native("com.example.app:/cb") != nil || native("myapp:/cb") == nil || native("javascript.x:alert(1)") == nil {
		t.Error("private-use schemes are not told apart")
	}
}

// The form_post page and the links after a logout follow the same rule as redirects.
func TestB6_APageThatPostsGoesOnlyToTheRegisteredAddress(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	b := w.newBrowser().signIn(ana)
	a := b.query(oauth.PathAuthorize, with(ask("web"), "response_mode", "form_post", "state", `"><script>alert(1)</script>`))
	if !strings.Contains(a.body, `action="https://app.example/cb"`) || strings.Count(a.body, "<script") != 1 || strings.Contains(a.body, "alert(1)</script>") {
		t.Errorf("the page is %s", a.body)
	}
	if policy := a.Header.Get("Content-Security-Policy"); !strings.Contains(policy, "form-action 'self' https://app.example;") {
		t.Errorf("its policy is %q", policy)
	}
	if b.get(pages.PathLogin).StatusCode != http.StatusSeeOther {
		t.Error("who is signed in is asked again")
	}
}
