package security_test

import (
	"net/http"
	"net/url"
	"strings"
	"sync"
	"testing"

	"github.com/mintmark-id/mintmark/internal/decide"
	"github.com/mintmark-id/mintmark/internal/oauth"
	"github.com/mintmark-id/mintmark/internal/web/pages"
)

const (
	hour = int64(3600 * 1000)
	day  = 24 * hour
)

// age lets time pass for every grant and session: all their times move into the past.
func (w *world) age(ms int64) {
	w.t.Helper()
	w.exec(`UPDATE grants SET made_at = made_at - $1, rotated_at = rotated_at - $1, idle_until = idle_until - $1, abs_until = abs_until - $1`, ms)
	w.exec(`UPDATE sessions SET made_at = made_at - $1, seen_at = seen_at - $1, auth_time = auth_time - $1, idle_until = idle_until - $1, abs_until = abs_until - $1`, ms)
}

// RFC 9700 §4.14.2.
func TestH1_AReplayedRefreshTokenEndsItsFamily(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	b := w.newBrowser().signIn(ana)
	for _, client := range []string{"spa", "native", "web-two"} {
		c := w.app(client)
		changes := []string{"scope", "openid offline_access"}
		first := c.granted(b, changes...)
		second := c.tokens(c.refresh(first.Refresh))
		third := c.tokens(c.refresh(second.Refresh))
		if first.Refresh == second.Refresh || second.Refresh == third.Refresh {
			t.Errorf("%s does not rotate", client)
		}
		unharmed := c.granted(b, changes...)
		w.refuses(c.refresh(first.Refresh), http.StatusBadRequest, "invalid_grant")
		for _, dead := range []string{first.Refresh, second.Refresh, third.Refresh} {
			w.refuses(c.refresh(dead), http.StatusBadRequest, "invalid_grant")
		}
		for _, dead := range []tokens{first, second, third} {
			w.refuses(w.userinfo(dead.Access), http.StatusUnauthorized, "invalid_token")
		}
		if c.tokens(c.refresh(unharmed.Refresh)).Access == "" {
			t.Errorf("%s: another grant of the same pair ended too", client)
		}
	}
	if n := w.count(`SELECT count(*) FROM audit WHERE event = 'grant_ended'`); n != 3 {
		t.Errorf("three replays left %d rows in the audit trail", n)
	}
}

// Without rotation there is nothing to replay: a confidential client keeps its token.
func TestH2_AConfidentialClientKeepsItsRefreshToken(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	web := w.app("web")
	got := web.granted(w.newBrowser().signIn(ana), "scope", "openid offline_access")
	for range 3 {
		if again := web.tokens(web.refresh(got.Refresh)); again.Refresh != "" && again.Refresh != got.Refresh {
			t.Errorf("the token was rotated")
		}
	}
}

// Seeds A2: both tabs stay signed in and one chain of tokens lives on.
func TestH3_TwoTabsInsideTheRetryWindowShareOneChain(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	spa := w.app("spa")
	start := spa.granted(w.newBrowser().signIn(ana), "scope", "openid offline_access")
	const tabs = 6
	answers := make([]answer, tabs)
	var all sync.WaitGroup
	for i := range tabs {
		c := w.app("spa")
		all.Go(func() { answers[i] = c.refresh(start.Refresh) })
	}
	all.Wait()
	next := map[string]bool{}
	for _, a := range answers {
		next[spa.tokens(a).Refresh] = true
	}
	if len(next) != 1 {
		t.Fatalf("%d chains live on", len(next))
	}
	for token := range next {
		after := spa.tokens(spa.refresh(token))
		w.refuses(spa.refresh(start.Refresh), http.StatusBadRequest, "invalid_grant") // now two generations old
		w.refuses(spa.refresh(after.Refresh), http.StatusBadRequest, "invalid_grant")
	}
}

// A thief and an owner who take turns after the window are found out.
func TestH3_AfterTheWindowThePredecessorIsBoundedAndThenEndsTheGrant(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	spa := w.app("spa")
	old := spa.granted(w.newBrowser().signIn(ana), "scope", "openid offline_access").Refresh
	for turn := 1; turn <= 4; turn++ {
		next := spa.tokens(spa.refresh(old)).Refresh
		w.exec(`UPDATE grants SET rotated_at = rotated_at - 31000`)
		a := spa.refresh(old)
		if turn <= 2 {
			if spa.tokens(a).Refresh != next {
				t.Fatal("a late predecessor starts a second chain")
			}
			old = next
			continue
		}
		w.refuses(a, http.StatusBadRequest, "invalid_grant")
		w.refuses(spa.refresh(next), http.StatusBadRequest, "invalid_grant")
		return
	}
}

// RFC 6749 §6 and §10.4: of another client, whoever that is, without effect.
func TestH4_ARefreshTokenIsBoundToItsClient(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	b := w.newBrowser().signIn(ana)
	for _, owner := range []string{"spa", "web"} {
		c := w.app(owner)
		first := c.granted(b, "scope", "openid offline_access")
		current := first
		if owner == "spa" {
			second := c.tokens(c.refresh(first.Refresh))
			current = c.tokens(c.refresh(second.Refresh))
		}
		for _, thief := range []string{"native", "stranger", "web-two"} {
			w.refuses(w.app(thief).refresh(current.Refresh), http.StatusBadRequest, "invalid_grant")
			w.refuses(w.app(thief).refresh(first.Refresh), http.StatusBadRequest, "invalid_grant") // replayed, but not by its owner
		}
		if c.tokens(c.refresh(current.Refresh)).Access == "" {
			t.Errorf("%s: another client's attempt had an effect", owner)
		}
	}
}

// RFC 6749 §6, RFC 8707 §2.2, RFC 9700 §4.14.2.
func TestH5_ScopeAndResourceNeverWiden(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	b := w.newBrowser().signIn(ana)
	web := w.app("web")
	got := web.granted(b, "scope", "openid api:read offline_access", "resource", api)
	for _, wider := range []string{"openid email", "api:write", "openid api:read offline_access profile", "api:read " + canary} {
		w.refuses(web.refresh(got.Refresh, "scope", wider), http.StatusBadRequest, "invalid_scope")
	}
	for _, wider := range []string{other, "https://" + canary + ".example", plainIssuer} {
		a := web.refresh(got.Refresh, "resource", wider)
		if a.StatusCode == http.StatusOK || a.refusal() != "invalid_target" {
			t.Errorf("resource %s answers %d %s", wider, a.StatusCode, a.body)
		}
	}
	narrow := web.tokens(web.refresh(got.Refresh, "scope", "api:read"))
	if narrow.Scope != "api:read" || narrow.ID != "" {
		t.Errorf("a narrowed token has %q", narrow.Scope)
	}
	w.refuses(w.userinfo(narrow.Access), http.StatusUnauthorized, "invalid_token")
	if whole := web.tokens(web.refresh(got.Refresh)); whole.Scope != got.Scope {
		t.Errorf("a narrowed token narrowed the grant: %q", whole.Scope)
	}
	code := b.code("web", "scope", "openid api:read", "resource", api)
	w.refuses(web.redeem(code, "resource", other), http.StatusBadRequest, "invalid_target")
	if aud := w.claims(web.tokens(web.redeem(code, "scope", "openid email api:write")).Access)["scope"]; aud != "api:read openid" {
		t.Errorf("a scope at the exchange gives %v", aud)
	}
}

// What was taken from the client since is not renewed.
func TestH5_ARenewedTokenHasNoMoreThanTheClientMayHaveNow(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	web := w.app("web")
	got := web.granted(w.newBrowser().signIn(ana), "scope", "openid email api:read offline_access")
	shown, err := w.engine.ClientByID(t.Context(), "web")
	w.must(err)
	form := engineForm()
	form.Settings = shown.Settings
	form.Settings.Scope = "openid offline_access"
	_, err = w.engine.UpdateClient(t.Context(), "web", form, 0)
	w.must(err)
	renewed := web.tokens(web.refresh(got.Refresh))
	if renewed.Scope != "offline_access openid" || strings.Contains(w.userinfo(renewed.Access).body, "email") {
		t.Errorf("the renewed token has %q", renewed.Scope)
	}
}

// ASVS 10.4.8; seeds A12.
func TestH6_ASlidingGrantLivesOnUseAndDiesAtItsCap(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	b := w.newBrowser().signIn(ana)
	for _, client := range []string{"web-two", "web"} {
		c := w.app(client)
		got := c.granted(b, "scope", "openid offline_access")
		token := got.Refresh
		for _, days := range []int64{29, 29, 29} { // day 29, 58 and 87
			w.age(days * day)
			a := c.tokens(c.refresh(token))
			if a.Refresh != "" {
				token = a.Refresh
			}
		}
		w.age(3*day + hour)
		w.refuses(c.refresh(token), http.StatusBadRequest, "invalid_grant")
		if c.active(token) {
			t.Errorf("%s: introspection says active past the cap", client)
		}
		w.age(-(90*day + hour)) // the browser's session goes on for the other client
	}
}

func TestH6_AnUnusedGrantDiesOfIdleness(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	c := w.app("web-two")
	got := c.granted(w.newBrowser().signIn(ana), "scope", "openid offline_access")
	w.age(30*day - hour)
	if !c.active(got.Refresh) {
		t.Fatal("dead an hour too early")
	}
	w.age(hour + 1000)
	w.refuses(c.refresh(got.Refresh), http.StatusBadRequest, "invalid_grant")
	if c.active(got.Refresh) {
		t.Error("introspection says active")
	}
}

// RFC 9700 §4.14.2; ASVS 7.4.2, 7.4.3: every ending, seen at every door, and for good. Seeds A8.
func TestH7_WhatEndsEndsAtEveryDoor(t *testing.T) {
	t.Parallel()
	for name, end := range endings() {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t)
			b := w.newBrowser().signIn(ana)
			spa := w.app("spa")
			offline := spa.granted(b, "scope", "openid offline_access email api:read", "resource", api)
			bound := spa.granted(b, "scope", "openid email")
			rotated := spa.tokens(spa.refresh(offline.Refresh))
			bystander := w.app("web").granted(w.newBrowser().signIn(bob))
			end(w, b)
			for _, dead := range []tokens{offline, bound, rotated} {
				w.refuses(w.userinfo(dead.Access), http.StatusUnauthorized, "invalid_token")
				if w.app("api-server").active(dead.Access) {
					t.Error("the access token is active")
				}
				if a := spa.refresh(dead.Refresh); a.StatusCode == http.StatusOK {
					t.Error("the refresh token is good")
				}
			}
			if w.userinfo(bystander.Access).StatusCode != http.StatusOK || !w.app("web").active(bystander.Refresh) {
				t.Error("somebody else's tokens ended too")
			}
		})
	}
}

// H7's other half: what ends the user ends the browser.
func TestN5_WhatEndsTheUserEndsTheirSessions(t *testing.T) {
	t.Parallel()
	for _, name := range []string{
		"signed out everywhere", "the password is changed elsewhere", "the password is set by an administrator", "the user is disabled",
		"the user is deleted", "the user is disabled and let in again",
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t)
			b := w.newBrowser().signIn(ana)
			robbed := b.copyOf()
			endings()[name](w, b)
			if robbed.signedIn() || b.signedIn() {
				t.Error("the session is alive")
			}
			w.sendsBack(robbed.query(oauth.PathAuthorize, with(ask("web"), "prompt", "none")), "https://app.example/cb", "login_required")
		})
	}
}

// A session's end ends what hangs from it and leaves what outlives it. OpenID Connect Core §11.
func TestH7_TheEndOfASessionEndsItsGrantsButNotTheOfflineOnes(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	b, elsewhere := w.newBrowser().signIn(ana), w.newBrowser().signIn(ana)
	web := w.app("web")
	offline := web.granted(b, "scope", "openid offline_access")
	bound := web.granted(b)
	remote := web.granted(elsewhere)
	b.account(pages.PathAccountSignOut, url.Values{pages.FieldSignOut: {pages.SignOutHere}})
	w.refuses(web.refresh(bound.Refresh), http.StatusBadRequest, "invalid_grant")
	w.refuses(w.userinfo(bound.Access), http.StatusUnauthorized, "invalid_token")
	if !web.active(offline.Refresh) || !web.active(remote.Refresh) || !elsewhere.signedIn() || b.signedIn() {
		t.Error("the wrong things ended")
	}
}

// Truncated, changed, lengthened, of another root: refused, without effect and without an echo.
func TestH8_AForgedOrTruncatedRefreshTokenIsRefused(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	c := w.app("web-two")
	token := c.granted(w.newBrowser().signIn(ana), "scope", "openid offline_access").Refresh
	var bad []string
	for i := range token {
		changed := byte('A')
		if token[i] == changed {
			changed = 'B'
		}
		bad = append(bad, token[:i]+string(changed)+token[i+1:])
	}
	for _, n := range []int{1, 2, 4, 16, 60} {
		bad = append(bad, token[:len(token)-n])
	}
	bad = append(bad, token+"A", token+"=", " "+token, token+" ", strings.ToLower(token), strings.ToUpper(token), token[4:], "mrt_", "mrt_"+canary, "mat_"+token[4:], token+token)
	for _, junk := range bad {
		w.refuses(c.refresh(junk), http.StatusBadRequest, "invalid_grant")
	}
	for _, junk := range bad[:8] {
		if c.active(junk) {
			t.Errorf("introspection takes %q", junk)
		}
		if a := c.revoke(junk); a.StatusCode != http.StatusOK {
			t.Errorf("revoking junk answers %d", a.StatusCode)
		}
	}
	// A token of another server's root, with its checksum right.
	w.refuses(c.refresh(w.foreignRefresh()), http.StatusBadRequest, "invalid_grant")
	c.tokens(c.refresh(token))
}

// OpenID Connect Core §11; RFC 9700 §4.14.2: only where the client was given the grant and the user consented.
func TestH9_ARefreshTokenIsGivenByDecisionOfTheClientsSettings(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	b := w.newBrowser().signIn(ana)
	if w.app("legacy").granted(b).Refresh != "" || w.app("machine").own().Refresh != "" {
		t.Error("a client without the grant gets one")
	}
	if got := w.app("stranger").granted(b, "scope", "openid offline_access"); strings.Contains(got.Scope, "offline_access") {
		t.Error("offline_access is granted to a client that may not ask for it")
	}
	// What was allowed without offline_access is not stretched by asking later.
	b.code("spa", "scope", "openid")
	w.sendsBack(b.query(oauth.PathAuthorize, with(ask("spa"), "scope", "openid offline_access", "prompt", "none")), "https://spa.example/cb", "consent_required")
}

// A session that has reached its cap takes its grants along; idleness does not (they have their own).
func TestH6_AGrantEndsWithItsSessionsCap(t *testing.T) {
	t.Parallel()
	w := newWorld(t, withPolicy(func(p *decide.Policy) { p.SessionAbsolute = 10 * day }))
	web := w.app("web")
	got := web.granted(w.newBrowser().signIn(ana))
	w.age(9 * day)
	web.tokens(web.refresh(got.Refresh))
	w.age(day + hour)
	w.refuses(web.refresh(got.Refresh), http.StatusBadRequest, "invalid_grant")
}
