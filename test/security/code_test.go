package security_test

import (
	"net/http"
	"net/url"
	"sync"
	"testing"
	"time"

	"github.com/mintmark-id/mintmark/internal/oauth"
	"github.com/mintmark-id/mintmark/internal/web/pages"
)

// RFC 6749 §4.1.2; ASVS 15.4.2. Whoever wins, the losers show that a code was used twice.
func TestD1_ACodeGivesTokensAtMostOnceHoweverManyAsk(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	b := w.newBrowser().signIn(ana)
	for _, client := range []string{"web", "spa"} {
		const callers = 8
		code := b.code(client)
		answers := make([]answer, callers)
		var all sync.WaitGroup
		for i := range callers {
			c := w.app(client)
			all.Go(func() { answers[i] = c.redeem(code) })
		}
		all.Wait()
		var winners []tokens
		for _, a := range answers {
			switch {
			case a.StatusCode == http.StatusOK:
				winners = append(winners, w.app(client).tokens(a))
			case a.StatusCode != http.StatusServiceUnavailable:
				w.refuses(a, http.StatusBadRequest, "invalid_grant")
			}
		}
		if len(winners) != 1 {
			t.Fatalf("%s: one code gave tokens %d times", client, len(winners))
		}
		w.refuses(w.app(client).redeem(code), http.StatusBadRequest, "invalid_grant")
		w.refuses(w.app(client).refresh(winners[0].Refresh), http.StatusBadRequest, "invalid_grant")
		w.refuses(w.userinfo(winners[0].Access), http.StatusUnauthorized, "invalid_token")
	}
	if n := w.count(`SELECT count(*) FROM grants`); n != 2 {
		t.Errorf("two codes made %d grants", n)
	}
}

// RFC 6749 §4.1.2: at userinfo, introspection and refresh, at once.
func TestD2_ACodeUsedTwiceEndsWhatItGave(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	b := w.newBrowser().signIn(ana)
	for _, scope := range []string{"openid api:read", "openid offline_access"} {
		web := w.app("web")
		code := b.code("web", "scope", scope, "resource", api)
		got := web.tokens(web.redeem(code, "resource", api))
		renewed := web.tokens(web.refresh(got.Refresh))
		if !web.active(got.Access) || w.userinfo(got.Access).StatusCode != http.StatusOK {
			t.Fatal("the tokens do not work to begin with")
		}
		w.refuses(web.redeem(code), http.StatusBadRequest, "invalid_grant")
		for _, access := range []string{got.Access, renewed.Access} {
			w.refuses(w.userinfo(access), http.StatusUnauthorized, "invalid_token")
			if web.active(access) || w.app("api-server").active(access) {
				t.Error("introspection still says active")
			}
		}
		w.refuses(web.refresh(got.Refresh), http.StatusBadRequest, "invalid_grant")
		if web.active(got.Refresh) {
			t.Error("the refresh token is still active")
		}
	}
	if n := w.count(`SELECT count(*) FROM audit WHERE event = 'grant_ended'`); n != 2 {
		t.Errorf("the audit trail has %d endings", n)
	}
}

// Who cannot show that the code is theirs does nothing to it, used or not: nobody signs others out with a leaked URL.
func TestD2_ALeakedCodeDoesNotEndTheTokensOfItsOwner(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	b := w.newBrowser().signIn(ana)
	web := w.app("web")
	code := b.code("web")
	got := web.tokens(web.redeem(code))
	w.refuses(web.redeem(code, "code_verifier", verifier[1:]+"x"), http.StatusBadRequest, "invalid_grant")
	w.refuses(web.redeem(code, "redirect_uri", "https://evil.example/"), http.StatusBadRequest, "invalid_grant")
	w.refuses(w.app("stranger").redeem(code), http.StatusBadRequest, "invalid_grant")
	w.refuses(w.app("spa").redeem(code, "redirect_uri", "https://app.example/cb"), http.StatusBadRequest, "invalid_grant")
	if w.userinfo(got.Access).StatusCode != http.StatusOK || !web.active(got.Refresh) {
		t.Error("somebody else ended the grant")
	}
}

// FAPI 2.0 §5.3.2.1: 60 seconds.
func TestD3_ACodeIsDeadAfterAMinute(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	b := w.newBrowser().signIn(ana)
	code := b.code("web")
	if left := w.count(`SELECT ends_at FROM codes`) - time.Now().UnixMilli(); left > 60_000 {
		t.Errorf("a code lives %d ms and more", left)
	}
	w.exec(`UPDATE codes SET ends_at = ends_at - 60000`)
	w.refuses(w.app("web").redeem(code), http.StatusBadRequest, "invalid_grant")
	if n := w.count(`SELECT count(*) FROM grants`); n != 0 {
		t.Error("an expired code made a grant")
	}
}

// RFC 6749 §4.1.3, RFC 6749 §10.5: another client's code, whoever that client is.
func TestD4_ACodeIsBoundToItsClient(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	b := w.newBrowser().signIn(ana)
	for _, owner := range []string{"web", "spa"} {
		code := b.code(owner)
		for _, thief := range []string{"stranger", "native", "half-sighted"} {
			for _, uri := range []string{clients()[owner].RedirectURIs[0], clients()[thief].RedirectURIs[0]} {
				w.refuses(w.app(thief).redeem(code, "redirect_uri", uri), http.StatusBadRequest, "invalid_grant")
			}
		}
		c := w.app(owner)
		if sub := w.claims(c.tokens(c.redeem(code)).ID)["sub"]; sub != w.subs[ana] {
			t.Errorf("the code of ana gives %v", sub)
		}
	}
}

// ASVS 10.4.2 and the class of flaws "checked on one path, missing on its sibling": what ended between the answer to the
// browser and the exchange.
func TestD5_WhatACodeHangsFromIsCheckedAgainWhenItIsRedeemed(t *testing.T) {
	t.Parallel()
	for name, end := range endings() {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t)
			b := w.newBrowser().signIn(ana)
			code := b.code("spa", "scope", "openid offline_access")
			end(w, b)
			a := w.app("spa").redeem(code)
			if a.StatusCode == http.StatusOK {
				t.Fatal("the code still gives tokens")
			}
			if code := a.refusal(); code != "invalid_grant" && code != "invalid_client" {
				t.Errorf("it is refused with %s", a.body)
			}
			if n := w.count(`SELECT count(*) FROM grants`); n != 0 {
				t.Error("a grant was made")
			}
		})
	}
}

// endings are all the ways in which what the client spa has from ana's browser can end, above the grant itself.
func endings() map[string]func(*world, *browser) {
	return map[string]func(*world, *browser){
		"signed out everywhere": func(w *world, b *browser) {
			b.account(pages.PathAccountSignOut, url.Values{pages.FieldSignOut: {pages.SignOutEverywhere}})
		},
		"the app is removed": func(w *world, b *browser) {
			b.account(pages.PathAccountApp, url.Values{pages.FieldClient: {"spa"}})
		},
		"the password is changed elsewhere": func(w *world, b *browser) {
			w.newBrowser().signIn(ana).account(pages.PathAccountPass, url.Values{
				pages.FieldCurrentPassword: {password}, pages.FieldNewPassword: {password + "2"}, pages.FieldSignOutOthers: {pages.Checked},
			})
		},
		"the password is set by an administrator": func(w *world, _ *browser) {
			_, err := w.engine.SetPassword(w.t.Context(), w.subs[ana], password+"3")
			w.must(err)
		},
		"the user is disabled":   func(w *world, _ *browser) { w.must(w.engine.DisableUser(w.t.Context(), w.subs[ana])) },
		"the user is deleted":    func(w *world, _ *browser) { w.must(w.engine.DeleteUser(w.t.Context(), w.subs[ana])) },
		"the client is disabled": func(w *world, _ *browser) { w.must(w.engine.DisableClient(w.t.Context(), "spa")) },
		"the client is deleted":  func(w *world, _ *browser) { w.must(w.engine.DeleteClient(w.t.Context(), "spa")) },
		"the user is disabled and let in again": func(w *world, _ *browser) {
			w.must(w.engine.DisableUser(w.t.Context(), w.subs[ana]))
			w.must(w.engine.EnableUser(w.t.Context(), w.subs[ana]))
		},
		"the client is disabled and let in again": func(w *world, _ *browser) {
			w.must(w.engine.DisableClient(w.t.Context(), "spa"))
			w.must(w.engine.EnableClient(w.t.Context(), "spa"))
		},
		"the app is removed and allowed again": func(w *world, b *browser) {
			b.account(pages.PathAccountApp, url.Values{pages.FieldClient: {"spa"}})
			b.code("spa", "scope", "openid email offline_access")
		},
	}
}

// The session is above the code also where the grant will outlive it.
func TestD5_ASessionThatEndedGivesNoTokens(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	for name, end := range map[string]func(b *browser){
		"logout": func(b *browser) {
			b.account(pages.PathAccountSignOut, url.Values{pages.FieldSignOut: {pages.SignOutHere}})
		},
		"by admin": func(b *browser) { w.must(w.engine.EndSession(t.Context(), w.sid(b))) },
		"another user": func(b *browser) {
			b.authorize(with(ask("web"), "prompt", "login"))
			w.exec(`UPDATE sessions SET ended_at = 1`)
		},
	} {
		b := w.newBrowser().signIn(ana)
		code := b.code("web", "scope", "openid offline_access")
		end(b)
		w.refuses(w.app("web").redeem(code), http.StatusBadRequest, "invalid_grant")
		if t.Failed() {
			t.Fatal(name)
		}
	}
}

// sid is the id of the browser's session.
func (w *world) sid(b *browser) string {
	w.t.Helper()
	got := w.app("web").granted(b, "scope", "openid")
	sid, _ := w.claims(got.ID)["sid"].(string)
	return sid
}

// A code is 256 random bits; what is stored of it opens nothing.
func TestD6_CodesAreRandomAndStoredHashed(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	b := w.newBrowser().signIn(ana)
	seen := map[string]bool{}
	for range 20 {
		code := b.code("web")
		if len(code) < 43 || seen[code] {
			t.Fatalf("code %q", code)
		}
		seen[code] = true
	}
	for code := range seen {
		for _, bad := range []string{code[:len(code)-1], code + "A", code[1:], "", "x" + code[1:], " " + code} {
			if a := w.app("web").redeem(bad); a.StatusCode != http.StatusBadRequest {
				t.Errorf("a changed code answers %d", a.StatusCode)
			}
		}
		w.app("web").tokens(w.app("web").redeem(code))
		break
	}
}

// A code is no other credential, and no other credential is a code.
func TestD6_CredentialsOfOneKindAreNotTakenForAnother(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	b := w.newBrowser().signIn(ana)
	web := w.app("web")
	got := web.granted(b, "scope", "openid offline_access")
	code := b.code("web")
	for _, s := range []string{got.Refresh, got.Access, got.ID, b.jar[w.sessionCookie()], b.jar[w.browserCookie()]} {
		w.refuses(web.redeem(s), http.StatusBadRequest, "invalid_grant")
	}
	for _, s := range []string{code, got.Access, got.ID, b.jar[w.sessionCookie()]} {
		w.refuses(web.refresh(s), http.StatusBadRequest, "invalid_grant")
	}
	for _, s := range []string{code, got.Refresh, got.ID, b.jar[w.sessionCookie()]} {
		w.refuses(w.userinfo(s), http.StatusUnauthorized, "invalid_token")
	}
	stolen := w.newBrowser()
	for _, s := range []string{code, got.Refresh, b.jar[w.browserCookie()]} {
		stolen.jar[w.sessionCookie()] = s
		if stolen.signedIn() {
			t.Error("something else than a session cookie signs in")
		}
	}
	if !b.signedIn() || web.tokens(web.redeem(code)).Access == "" {
		t.Error("something was spent")
	}
}

// The consent page of a request whose session changed hands asks the new user.
func TestD4_ACodeIsOfTheUserWhoIsSignedIn(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	b := w.newBrowser().signIn(ana)
	id := b.query(oauth.PathAuthorize, ask("spa")).param(pages.FieldInteraction)
	b.consent(id, pages.DecisionSwitch)
	if a := b.post(pages.PathLogin, b.loginForm(id, bob, password)); a.location() == nil || a.location().Path != pages.PathConsent {
		t.Fatalf("after the switch: %q", a.Header.Get("Location"))
	}
	a := b.consent(id, pages.DecisionAllow)
	got := w.app("spa").tokens(w.app("spa").redeem(a.param("code")))
	if w.claims(got.ID)["sub"] != w.subs[bob] {
		t.Errorf("bob's consent gave tokens of %v", w.claims(got.ID)["sub"])
	}
	if n := w.count(`SELECT count(*) FROM consents WHERE user_id = $1`, w.subs[ana]); n != 0 {
		t.Error("a consent of ana's was stored")
	}
}
