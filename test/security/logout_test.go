package security_test

import (
	"net/http"
	"net/url"
	"strings"
	"testing"

	"github.com/mintmark-id/mintmark/internal/oauth"
	"github.com/mintmark-id/mintmark/internal/web/pages"
)

// asksFirst reports whether the answer is the question, and nothing was done yet.
func (b *browser) asksFirst(a answer) bool {
	b.t.Helper()
	return a.StatusCode == http.StatusOK && strings.Contains(a.body, `id="logout-confirm"`) && b.signedIn()
}

// OpenID Connect RP-Initiated Logout §2, §6.
func TestM1_NobodyIsSignedOutByALinkWithoutTheirOwnHint(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	b := w.newBrowser().signIn(ana)
	web := w.app("web")
	theirs := web.granted(w.newBrowser().signIn(bob)).ID
	older := web.granted(w.newBrowser().signIn(ana)).ID // ana's, from another of her sessions
	for name, params := range map[string]url.Values{
		"no hint":               {},
		"a client":              {"client_id": {"web"}, "post_logout_redirect_uri": {"https://app.example/bye"}},
		"another user's hint":   {"id_token_hint": {theirs}, "post_logout_redirect_uri": {"https://app.example/bye"}},
		"another session's":     {"id_token_hint": {older}},
		"a logout_hint":         {"logout_hint": {ana}},
		"decided by the link":   {"decision": {"logout"}},
		"confirmed by the link": {"confirmed": {"true"}, "confirm": {"yes"}},
	} {
		if !b.asksFirst(b.query(oauth.PathEndSession, params)) {
			t.Errorf("%s: GET does not ask", name)
		}
		if !b.asksFirst(b.post(oauth.PathEndSession, params)) {
			t.Errorf("%s: POST does not ask", name)
		}
	}
	if !b.asksFirst(b.get(pages.PathLogout)) {
		t.Error("the page itself does not ask")
	}
	own := web.granted(b).ID
	a := b.query(oauth.PathEndSession, url.Values{"id_token_hint": {own}, "post_logout_redirect_uri": {"https://app.example/bye"}, "state": {"x y"}})
	if a.Header.Get("Location") != "https://app.example/bye?state=x+y" || b.signedIn() {
		t.Errorf("with their own hint: %d %q", a.StatusCode, a.Header.Get("Location"))
	}
}

func TestM1_CancellingKeepsTheSession(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	b := w.newBrowser().signIn(ana)
	page := b.get(pages.PathLogout)
	form := url.Values{pages.FieldToken: {page.input(pages.FieldToken)}, pages.FieldDecision: {pages.DecisionCancel}}
	if b.post(pages.PathLogout, form); !b.signedIn() {
		t.Error("cancelling signs out")
	}
	form.Set(pages.FieldDecision, canary)
	if a := b.post(pages.PathLogout, form); a.StatusCode != http.StatusBadRequest || !b.signedIn() {
		t.Errorf("a decision that is none answers %d", a.StatusCode)
	}
	form.Set(pages.FieldDecision, pages.DecisionLogout)
	if b.post(pages.PathLogout, form); b.signedIn() {
		t.Error("confirming does not sign out")
	}
}

// OpenID Connect RP-Initiated Logout §3.
func TestM2_OnlyARegisteredAddressIsGoneTo(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	b := w.newBrowser().signIn(ana)
	own := w.app("web").granted(b).ID
	for _, evil := range []string{
		"https://" + canary + ".example/", "https://app.example/bye/", "https://app.example/bye?x", "https://app.example/cb", "https://spa.example/bye", "//app.example/bye",
		"javascript:alert(1)", "https://app.example/bye#", "https://app.example:443/bye", "https://APP.example/bye",
	} {
		for name, params := range map[string]url.Values{
			"hint": {"id_token_hint": {own}}, "client": {"client_id": {"web"}}, "both": {"id_token_hint": {own}, "client_id": {"web"}},
		} {
			a := b.query(oauth.PathEndSession, with(params, "post_logout_redirect_uri", evil))
			w.showsError(a, http.StatusBadRequest, "invalid_request", "post_logout_redirect_uri")
			if t.Failed() {
				t.Fatalf("%s with %s", evil, name)
			}
		}
	}
	// An address that comes without a client is nobody's: it is not gone to, and nobody is kept from signing out by it.
	alone := b.query(oauth.PathEndSession, url.Values{"post_logout_redirect_uri": {"https://" + canary + ".example/"}, "state": {canary}})
	if !b.asksFirst(alone) || strings.Contains(alone.body, canary) {
		t.Errorf("an address alone is answered %d %s", alone.StatusCode, alone.body)
	}
	w.showsError(b.query(oauth.PathEndSession, url.Values{"id_token_hint": {own}, "client_id": {"spa"}, "post_logout_redirect_uri": {"https://spa.example/bye"}}),
		http.StatusBadRequest, "invalid_request", "client_id")
	if !b.signedIn() {
		t.Error("a refused logout signs out")
	}
	// What stands on the confirmation page is checked again when it comes back.
	page := b.query(oauth.PathEndSession, url.Values{"client_id": {"web"}, "post_logout_redirect_uri": {"https://app.example/bye"}})
	form := url.Values{
		pages.FieldToken: {page.input(pages.FieldToken)}, pages.FieldDecision: {pages.DecisionLogout},
		"client_id": {"web"}, "post_logout_redirect_uri": {"https://evil.example/"},
	}
	if a := b.post(pages.PathLogout, form); a.StatusCode != http.StatusBadRequest || strings.Contains(a.body, "evil.example") || !b.signedIn() {
		t.Errorf("a changed confirmation answers %d", a.StatusCode)
	}
}

// Without a session and without a hint there is no legitimacy, and so no redirect: a page.
func TestM2_WhoIsNotSignedInIsSentNowhereUnasked(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	a := w.newBrowser().query(oauth.PathEndSession, url.Values{"client_id": {"web"}, "post_logout_redirect_uri": {"https://app.example/bye"}})
	if a.StatusCode != http.StatusOK || a.Header.Get("Location") != "" {
		t.Errorf("answers %d %q", a.StatusCode, a.Header.Get("Location"))
	}
}

// ASVS 7.4.1: the cookie that was kept, a copy of it, and the tokens.
func TestM3_LogoutEndsTheSessionOnTheServer(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	b := w.newBrowser().signIn(ana)
	robbed := b.copyOf()
	web := w.app("web")
	got := web.granted(b)
	a := b.query(oauth.PathEndSession, url.Values{"id_token_hint": {got.ID}})
	if a.StatusCode != http.StatusOK || b.jar[w.sessionCookie()] != "" {
		t.Errorf("logout answers %d and leaves the cookie", a.StatusCode)
	}
	if robbed.signedIn() {
		t.Error("the cookie still signs in")
	}
	w.refuses(web.refresh(got.Refresh), http.StatusBadRequest, "invalid_grant")
	w.refuses(w.userinfo(got.Access), http.StatusUnauthorized, "invalid_token")
	if n := w.count(`SELECT count(*) FROM sessions WHERE ended_at = 0`); n != 0 {
		t.Errorf("%d sessions are open", n)
	}
}

// Seeds A6: a second logout, and one with an expired hint, are no errors.
func TestSeedA6_LogoutIsIdempotent(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	b := w.newBrowser().signIn(ana)
	got := w.app("web").granted(b)
	params := url.Values{"id_token_hint": {got.ID}, "post_logout_redirect_uri": {"https://app.example/bye"}}
	for range 3 {
		if a := b.query(oauth.PathEndSession, params); a.Header.Get("Location") != "https://app.example/bye" {
			t.Errorf("answers %d %q", a.StatusCode, a.Header.Get("Location"))
		}
	}
	if a := b.get(oauth.PathEndSession); a.StatusCode != http.StatusOK {
		t.Errorf("without a session: %d", a.StatusCode)
	}
	if n := w.count(`SELECT count(*) FROM audit WHERE event = 'session_ended'`); n != 1 {
		t.Errorf("one session ended %d times", n)
	}
}

// A session is one user's for good: the next one in the same browser gets another.
func TestM5_ASessionIsNeverUsedForAnotherUser(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	b := w.newBrowser().signIn(ana)
	anas := w.sid(b)
	old := b.copyOf()
	tokensOfAna := w.app("web").granted(b)
	id := b.query(oauth.PathAuthorize, with(ask("web"), "prompt", "login")).param(pages.FieldInteraction)
	a := b.post(pages.PathLogin, b.loginForm(id, bob, password))
	if a.param("code") == "" {
		t.Fatalf("bob does not get in: %d", a.StatusCode)
	}
	if bobs := w.sid(b); bobs == anas {
		t.Error("the sid passed to another user")
	}
	if old.signedIn() {
		t.Error("ana's session in this browser lives on")
	}
	w.refuses(w.userinfo(tokensOfAna.Access), http.StatusUnauthorized, "invalid_token")
	var owners int64
	if owners = w.count(`SELECT count(DISTINCT user_id) FROM sessions`); owners != 2 {
		t.Errorf("%d users have sessions", owners)
	}
}

// What an app may do is taken back also where nobody was asked to allow it.
func TestL6_AFirstPartyAppCanBeRemovedToo(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	b := w.newBrowser().signIn(ana)
	web := w.app("web")
	got := web.granted(b, "scope", "openid offline_access")
	b.account(pages.PathAccountApp, url.Values{pages.FieldClient: {"web"}})
	w.refuses(web.refresh(got.Refresh), http.StatusBadRequest, "invalid_grant")
	w.refuses(w.userinfo(got.Access), http.StatusUnauthorized, "invalid_token")
	if again := web.granted(b); w.userinfo(again.Access).StatusCode != http.StatusOK {
		t.Error("it cannot be used again")
	}
}
