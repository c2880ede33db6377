//go:build external

package browser

import (
	"context"
	"crypto/tls"
	"net/http"
	"strings"
	"testing"

	"github.com/chromedp/cdproto/network"
	"github.com/chromedp/chromedp"

	"github.com/mintmark-id/mintmark/test/server"
)

// overHTTPS runs a test against a server whose own listener speaks TLS.
func overHTTPS(t *testing.T, run func(w *world)) {
	c, err := chromium()
	if err != nil {
		t.Fatal(err)
	}
	s := server.Start(t, c.chain.Flags()...)
	for name, scripts := range map[string]bool{"with scripts": true, "without scripts": false} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t, s, scripts)
			w.http = &http.Client{Transport: &http.Transport{TLSClientConfig: &tls.Config{RootCAs: c.chain.Roots, MinVersion: tls.VersionTLS12}}}
			run(w)
		})
	}
}

// The sign-in, an answer by form_post, a cross-site post and the logout, over https: what Chromium
// does with __Host- cookies, HSTS and the content policy there, it does not show on loopback http.
func TestASignInOverHTTPS(t *testing.T) {
	overHTTPS(t, func(w *world) {
		b := w.browser()
		got := w.letIn(b)
		var kept []*network.Cookie
		err := chromedp.Run(b.ctx, chromedp.ActionFunc(func(ctx context.Context) (err error) {
			kept, err = network.GetCookies().WithURLs([]string{w.Issuer + "/"}).Do(ctx)
			return err
		}))
		if err != nil || len(kept) != 2 {
			w.t.Errorf("the browser keeps %d cookies: %v", len(kept), err)
		}
		for _, c := range kept {
			if !strings.HasPrefix(c.Name, "__Host-mintmark_") || !c.Secure || !c.HTTPOnly || c.SameSite != network.CookieSameSiteLax || c.Path != "/" || c.Domain != "localhost" {
				w.t.Errorf("it keeps %+v", c)
			}
		}
		if w.scripts {
			b.open(w.ask("response_mode", "form_post"), w.callback())
		} else {
			b.open(w.ask("response_mode", "form_post"), w.Issuer+"/oauth2/authorize")
			b.click("form-post-continue", w.callback())
		}
		if c := w.arrival("/callback"); c.method != http.MethodPost {
			w.t.Errorf("the answer came by %s", c.method)
		}
		b.open(w.site.URL+"/form?"+w.request().Encode(), w.site.URL+"/form") // from another site: the cookie is Lax
		w.arrival("/form")
		b.click("go", w.callback())
		w.exchange(w.arrival("/callback"))
		b.open(w.leave("id_token_hint", got.ID, "post_logout_redirect_uri", w.site.URL+"/bye"), w.site.URL+"/bye")
		w.arrival("/bye")
		w.isSignedOut(b)
	})
}
