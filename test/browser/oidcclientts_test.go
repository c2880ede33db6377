//go:build external

package browser

import (
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"strings"
	"testing"

	"github.com/mintmark-id/mintmark/test/server"
)

// oidcClientTS is the client, from npm, as a page loads it.
const oidcClientTS = "testdata/node_modules/oidc-client-ts/dist/browser/oidc-client-ts.min.js"

// singlePage is the application: all its addresses are this one, and its buttons do what the
// library's documentation has behind them.
const singlePage = `<!doctype html><html lang="en"><title>Single page</title><link rel="icon" href="data:,">
<script src="/oidc-client-ts.js"></script>
<button id="sign-in">Sign in</button><button id="sign-out">Sign out</button>
<script src="/app.js"></script>`

// newSinglePage serves an application that is scripts alone.
func newSinglePage(t *testing.T, s *server.Server) (site *httptest.Server) {
	t.Helper()
	library, err := os.ReadFile(oidcClientTS)
	if err != nil {
		t.Fatalf("%v: `./check browser` installs it", err)
	}
	var script string
	site = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		kind, body := "text/html; charset=utf-8", singlePage
		switch r.URL.Path {
		case "/oidc-client-ts.js":
			kind, body = "text/javascript", string(library)
		case "/app.js":
			kind, body = "text/javascript", script
		}
		w.Header().Set("Content-Type", kind)
		_, _ = w.Write([]byte(body)) // a browser that is gone needs no answer
	}))
	t.Cleanup(site.Close)
	client := s.NewClient("Single page", "--public", "--grant", "authorization_code,refresh_token", "--redirect-uri", site.URL+"/callback",
		"--post-logout-redirect-uri", site.URL+"/bye", "--scope", "openid,profile,email")
	script = `const manager = new oidc.UserManager({
		authority: ` + quoted(s.Issuer) + `, client_id: ` + quoted(client.ClientID) + `,
		redirect_uri: location.origin + '/callback', post_logout_redirect_uri: location.origin + '/bye',
		scope: 'openid profile email', loadUserInfo: true, automaticSilentRenew: false,
	})
	document.getElementById('sign-in').onclick = () => manager.signinRedirect({ ui_locales: 'de en', state: { page: 7 } })
	document.getElementById('sign-out').onclick = () => manager.signoutRedirect()`
	return site
}

// TestOIDCClientTSSignsInRenewsAndSignsOut: by redirects, by a refresh in silence, and
// with userinfo and revocation called across origins.
func TestOIDCClientTSSignsInRenewsAndSignsOut(t *testing.T) {
	s := server.Start(t)
	site := newSinglePage(t, s)
	user := s.NewUser("ana@example.com", "--verified", "--name", "Ana Sousa")
	b := newTab(t, true)
	signIn := func() {
		t.Helper()
		b.click("sign-in", s.Issuer+"/login")
		b.enter("login-identifier", user.Email)
		b.enter("login-password", user.Password)
		b.click("login-submit", s.Issuer+"/consent")
		b.click("consent-allow", site.URL+"/callback")
	}
	b.open(site.URL, site.URL)
	signIn()
	var told struct {
		Sub, Email, Name, Page string
		Verified               bool
	}
	says := b.script(`
		const user = await manager.signinCallback()
		const { sub, email, name, email_verified: verified } = user.profile
		return JSON.stringify({ sub, email, name, verified, page: String(user.state.page) })`)
	if err := json.Unmarshal([]byte(says), &told); err != nil {
		t.Fatal(err)
	}
	if told.Sub != user.Sub || told.Email != user.Email || told.Name != "Ana Sousa" || !told.Verified || told.Page != "7" {
		t.Errorf("the application knows %+v", told)
	}
	if said := b.script(`
		const before = await manager.getUser(), after = await manager.signinSilent()
		return [after.profile.sub === before.profile.sub, after.access_token !== before.access_token,
			after.refresh_token !== before.refresh_token, after.profile.auth_time === before.profile.auth_time].join(' ')`); said != "true true true true" {
		t.Errorf("the silent renewal: %s", said)
	}
	b.click("sign-out", site.URL+"/bye")
	if said := b.script(`await manager.signoutCallback(); return String(await manager.getUser())`); said != "null" {
		t.Errorf("the application still has %s", said)
	}
	signIn() // the session is over
	refreshToken := b.script(`
		const { refresh_token } = await manager.signinCallback()
		await manager.revokeTokens(['refresh_token'])
		return refresh_token`)
	if status := redeemed(t, s, url.Values{
		"grant_type": {"refresh_token"}, "refresh_token": {refreshToken}, "client_id": {b.script(`return manager.settings.client_id`)},
	}); status != http.StatusBadRequest {
		t.Errorf("after the revocation the refresh token is answered %d", status)
	}
}

// redeemed is the status with which the token endpoint answers a form.
func redeemed(t *testing.T, s *server.Server, form url.Values) int {
	t.Helper()
	request, err := http.NewRequestWithContext(t.Context(), http.MethodPost, s.Issuer+"/oauth2/token", strings.NewReader(form.Encode()))
	if err != nil {
		t.Fatal(err)
	}
	request.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	answer, err := http.DefaultClient.Do(request)
	if err != nil {
		t.Fatal(err)
	}
	defer answer.Body.Close()
	return answer.StatusCode
}
