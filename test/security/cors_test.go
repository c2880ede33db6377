package security_test

import (
	"net/http"
	"net/url"
	"strings"
	"testing"

	"github.com/mintmark-id/mintmark/internal/oauth"
)

// RFC 9700 §2.6: the authorization endpoint is shared with no origin, and neither is any page.
func TestA9_ScriptsOfOtherOriginsReadDocumentsAndUserinfoAlone(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	b := w.newBrowser()
	b.header.Set("Origin", "https://evil.example")
	b.header.Set("Access-Control-Request-Method", http.MethodPost)
	for path, method := range everyEndpoint() {
		a := b.send(method, path, "")
		open := strings.HasPrefix(path, "/.well-known/") || path == oauth.PathUserinfo
		if got := a.Header.Get("Access-Control-Allow-Origin"); open != (got == "*") || !open && got != "" {
			t.Errorf("%s allows origin %q", path, got)
		}
		preflight := b.send(http.MethodOptions, path, "")
		called := open || path == oauth.PathToken || path == oauth.PathRevoke
		if passes := preflight.Header.Get("Access-Control-Allow-Methods") != ""; passes != called || called != (preflight.StatusCode == http.StatusNoContent) {
			t.Errorf("%s answers a preflight with %d, %v", path, preflight.StatusCode, preflight.Header)
		}
		for _, answer := range []answer{a, preflight} {
			if answer.Header.Get("Access-Control-Allow-Credentials") != "" {
				t.Errorf("%s lets cookies in", path)
			}
		}
	}
}

// RFC 9700 §2.6: what a public client is answered is read where its redirect URIs lead, and nowhere else.
func TestE6_TokensAreReadByOriginsOfThePublicClientAlone(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	by := w.newBrowser().signIn(ana)
	for _, c := range []struct {
		client, origin string
		reads          bool
	}{
		{"spa", "https://spa.example", true},
		{"spa", "https://app.example", false},
		{"spa", "https://spa.example.evil.example", false},
		{"spa", "http://spa.example", false},
		{"spa", "https://spa.example:8443", false},
		{"spa", "null", false},
		{"native", "http://127.0.0.1:9999", true}, // RFC 8252 §7.3
		{"native", "https://127.0.0.1:7000", false},
		{"web", "https://app.example", false}, // it has a secret, which no browser keeps
	} {
		app := w.app(c.client)
		app.header.Set("Origin", c.origin)
		granted := app.redeem(by.code(c.client))
		for name, a := range map[string]answer{
			"tokens": granted, "a refusal": app.redeem("x"), "a revocation": app.revoke(app.tokens(granted).Access),
		} {
			want := map[bool]string{true: c.origin}[c.reads]
			if got := a.Header.Get("Access-Control-Allow-Origin"); got != want || (a.Header.Get("Vary") == "Origin") != c.reads {
				t.Errorf("%s of %s from %s: origin %q, Vary %q", name, c.client, c.origin, got, a.Header.Get("Vary"))
			}
		}
	}
	stranger := w.newBrowser()
	stranger.header.Set("Origin", "https://spa.example")
	a := stranger.post(oauth.PathToken, url.Values{"grant_type": {"authorization_code"}, "client_id": {"nobody"}, "code": {"x"}})
	if got := a.Header.Get("Access-Control-Allow-Origin"); got != "" {
		t.Errorf("an unknown client is answered for origin %q", got)
	}
}
