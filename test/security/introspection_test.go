package security_test

import (
	"net/http"
	"net/url"
	"slices"
	"testing"

	"github.com/mintmark-id/mintmark/internal/oauth"
	"github.com/mintmark-id/mintmark/internal/web/pages"
)

// RFC 7009 §2.1, §2.2.
func TestL1_RevocationChecksOwnershipAndTakesAHintForAHint(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	b := w.newBrowser().signIn(ana)
	web := w.app("web")
	got := web.granted(b, "scope", "openid offline_access")
	for _, thief := range []string{"stranger", "spa", "web-two", "machine"} {
		for _, token := range []string{got.Access, got.Refresh} {
			if a := w.app(thief).revoke(token); a.StatusCode != http.StatusBadRequest {
				t.Errorf("%s revokes another's token: %d", thief, a.StatusCode)
			}
		}
	}
	if !web.active(got.Access) || !web.active(got.Refresh) {
		t.Fatal("somebody else ended it")
	}
	for _, unknown := range []string{"x", canary, "mrt_" + canary, w.foreignRefresh(), got.Access[:40]} {
		if a := web.revoke(unknown); a.StatusCode != http.StatusOK || a.body != "" {
			t.Errorf("an unknown token answers %d %q", a.StatusCode, a.body)
		}
	}
	for _, hint := range []string{"refresh_token", "access_token", canary} {
		fresh := web.granted(b, "scope", "openid")
		a := web.call(oauth.PathRevoke, url.Values{"token": {fresh.Access}, "token_type_hint": {hint}})
		if a.StatusCode != http.StatusOK || web.active(fresh.Access) {
			t.Errorf("with hint %q: %d", hint, a.StatusCode)
		}
		if !web.active(fresh.Refresh) {
			t.Error("the end of an access token ended its grant")
		}
	}
	for range 2 {
		if a := web.revoke(got.Refresh); a.StatusCode != http.StatusOK {
			t.Errorf("revoking, perhaps again, answers %d", a.StatusCode)
		}
	}
}

// RFC 7009 §2.1.
func TestL2_RevokingARefreshTokenKillsTheGrantsAccessTokens(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	b := w.newBrowser().signIn(ana)
	two := w.app("web-two")
	first := two.granted(b, "scope", "openid offline_access")
	second := two.tokens(two.refresh(first.Refresh))
	sibling := two.granted(b, "scope", "openid offline_access")
	two.revoke(first.Refresh) // of an older generation: the grant's all the same
	for _, dead := range []tokens{first, second} {
		w.refuses(w.userinfo(dead.Access), http.StatusUnauthorized, "invalid_token")
		w.refuses(two.refresh(dead.Refresh), http.StatusBadRequest, "invalid_grant")
		if two.active(dead.Access) || two.active(dead.Refresh) {
			t.Error("introspection says active")
		}
	}
	if w.userinfo(sibling.Access).StatusCode != http.StatusOK {
		t.Error("another grant ended too")
	}
	machine := w.app("machine")
	own := machine.own().Access
	if machine.revoke(own); machine.active(own) {
		t.Error("a client's own token is not revoked")
	}
}

// RFC 7662 §2.1, §2.2: (*app).introspect holds each inactive answer to its bytes.
func TestL3_IntrospectionIsForClientsThatAuthenticate(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	got := w.app("spa").granted(w.newBrowser().signIn(ana), "scope", "openid offline_access")
	w.refuses(w.app("spa").call(oauth.PathIntrospect, url.Values{"token": {got.Access}}), http.StatusUnauthorized, "invalid_client")
	w.refuses(w.newBrowser().post(oauth.PathIntrospect, url.Values{"token": {got.Access}}), http.StatusUnauthorized, "invalid_client")
	w.refuses(w.app("web").call(oauth.PathIntrospect, url.Values{}), http.StatusBadRequest, "invalid_request")
	for _, nonsense := range []string{"x", canary, "..", "mrt_", got.ID, w.foreignRefresh()} {
		if w.app("web").active(nonsense) {
			t.Errorf("%q is active", nonsense)
		}
	}
}

// RFC 7662 §4.
func TestL4_AClientLearnsAboutItsOwnTokensAndThoseMeantForIt(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	b := w.newBrowser().signIn(ana)
	web := w.app("web")
	forAPI := web.granted(b, "scope", "openid api:read offline_access", "resource", api)
	forOther := web.granted(b, "scope", "api:read", "resource", other)
	forUs := web.granted(b, "scope", "openid email")
	for client, knows := range map[string][]bool{ // the access tokens for api, other and userinfo, and a refresh token
		"web": {true, true, true, true}, "api-server": {true, false, false, false}, "stranger": {false, false, false, false}, "web-two": {false, false, false, false},
	} {
		c := w.app(client)
		got := []bool{c.active(forAPI.Access), c.active(forOther.Access), c.active(forUs.Access), c.active(forAPI.Refresh)}
		if !slices.Equal(got, knows) {
			t.Errorf("%s: %v", client, got)
		}
	}
	members := w.app("api-server").introspect(forAPI.Access)
	for _, name := range []string{"email", "name", "username"} {
		if members[name] != nil {
			t.Errorf("introspection says %s", name)
		}
	}
}

// Every cutoff counts by itself and the largest wins: no later ending brings back what an earlier one ended, whatever
// order they come in.
func TestL5_EveryCutoffAppliesAndNoneIsUndone(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	b := w.newBrowser().signIn(ana)
	spa := w.app("spa")
	dead := spa.granted(b, "scope", "openid offline_access")
	b.account(pages.PathAccountApp, url.Values{pages.FieldClient: {"spa"}})
	alive := spa.granted(b, "scope", "openid offline_access") // allowed again, in the same session
	if w.userinfo(alive.Access).StatusCode != http.StatusOK {
		t.Fatal("what was allowed again does not work")
	}
	w.must(w.engine.DisableClient(t.Context(), "web"))
	w.must(w.engine.EnableClient(t.Context(), "web"))
	w.refuses(w.userinfo(dead.Access), http.StatusUnauthorized, "invalid_token")
	w.refuses(spa.refresh(dead.Refresh), http.StatusBadRequest, "invalid_grant")
	w.must(w.engine.DeleteResource(t.Context(), other))
	spa.tokens(spa.refresh(alive.Refresh))
	if cut := w.count(`SELECT cut FROM consents WHERE client_id = 'spa'`); cut == 0 {
		t.Error("consenting again wiped the cutoff")
	}
	// An API that is taken out takes its tokens along, also when one of the same name comes back.
	machine := w.app("machine")
	old := machine.own("resource", api).Access
	w.must(w.engine.DeleteResource(t.Context(), api))
	if machine.active(old) {
		t.Error("a token for an API that is gone is active")
	}
	_, err := w.engine.CreateResource(t.Context(), api, resourceSettings())
	w.must(err)
	if machine.active(old) || w.app("api-server").active(old) {
		t.Error("an API of the same name brought a token back")
	}
}

// ASVS 10.4.9, 10.7.3, 7.4.5: the user sees and takes back; an administrator ends one or all.
func TestL6_UsersAndAdministratorsEndWhatTheySee(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	b, second := w.newBrowser().signIn(ana), w.newBrowser().signIn(ana)
	got := w.app("spa").granted(b, "scope", "openid offline_access")
	page := b.get(pages.PathAccount)
	if page.element("session-1") == "" || page.element("session-2") == "" || page.input(pages.FieldClient) != "spa" {
		t.Fatalf("the account page shows neither sessions nor apps")
	}
	sid := w.sid(second)
	b.account(pages.PathAccountSession, url.Values{pages.FieldSession: {sid}})
	if second.signedIn() || !b.signedIn() {
		t.Error("the wrong session ended")
	}
	grants, _, err := w.engine.GrantPage(t.Context(), w.subs[ana], "spa", "")
	w.must(err)
	if len(grants) != 1 {
		t.Fatalf("an administrator sees %d grants", len(grants))
	}
	w.must(w.engine.EndGrant(t.Context(), grants[0].ID))
	w.refuses(w.app("spa").refresh(got.Refresh), http.StatusBadRequest, "invalid_grant")
	sessions, _, err := w.engine.SessionPage(t.Context(), w.subs[ana], "")
	w.must(err)
	for _, s := range sessions {
		w.must(w.engine.EndSession(t.Context(), s.ID))
	}
	if b.signedIn() {
		t.Error("a session ended by an administrator is alive")
	}
}

// A user ends nothing that is not theirs, and cannot tell whether it is there.
func TestL6_NobodyEndsWhatIsAnothers(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	victim, attacker := w.newBrowser().signIn(ana), w.newBrowser().signIn(bob)
	victim.code("spa")
	sid := w.sid(victim)
	answers := map[string]answer{}
	for name, id := range map[string]string{"another's": sid, "nobody's": "AAAAAAAAAAAAAAAAAAAAAA", "junk": canary} {
		answers[name] = attacker.account(pages.PathAccountSession, url.Values{pages.FieldSession: {id}})
	}
	for name, a := range answers {
		if a.StatusCode != answers["nobody's"].StatusCode || a.Header.Get("Location") != answers["nobody's"].Header.Get("Location") {
			t.Errorf("%s: %d %q", name, a.StatusCode, a.Header.Get("Location"))
		}
	}
	attacker.account(pages.PathAccountApp, url.Values{pages.FieldClient: {"spa"}})
	if !victim.signedIn() || victim.query(oauth.PathAuthorize, with(ask("spa"), "prompt", "none")).param("code") == "" {
		t.Error("bob ended something of ana's")
	}
}

// Seeds A8: a new sign-in right after works, with all that it gives.
func TestSeedA8_SignedOutEverywhereEndsEverythingAndANewSignInWorksAtOnce(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	b, phone := w.newBrowser().signIn(ana), w.newBrowser().signIn(ana)
	web, two := w.app("web"), w.app("web-two")
	old := []tokens{web.granted(b, "scope", "openid offline_access"), web.granted(phone)}
	rotating := two.granted(phone, "scope", "openid offline_access")
	fresh := w.newBrowser()
	form := fresh.loginForm("", ana, password)
	b.account(pages.PathAccountSignOut, url.Values{pages.FieldSignOut: {pages.SignOutEverywhere}})
	if a := fresh.post(pages.PathLogin, form); a.StatusCode != http.StatusSeeOther {
		t.Fatalf("the new sign-in answers %d", a.StatusCode)
	}
	again := web.granted(fresh, "scope", "openid offline_access")
	for _, dead := range append(old, rotating) {
		w.refuses(w.userinfo(dead.Access), http.StatusUnauthorized, "invalid_token")
		if web.active(dead.Access) || two.active(dead.Access) {
			t.Error("introspection says active")
		}
	}
	for _, dead := range old {
		w.refuses(web.refresh(dead.Refresh), http.StatusBadRequest, "invalid_grant")
	}
	w.refuses(two.refresh(rotating.Refresh), http.StatusBadRequest, "invalid_grant")
	if phone.signedIn() || !fresh.signedIn() || w.userinfo(again.Access).StatusCode != http.StatusOK || web.tokens(web.refresh(again.Refresh)).Access == "" {
		t.Error("the new sign-in is cut too, or an old one is not")
	}
}

// The bound is that of a commit: when the answer to the one who ends is there, every door is shut. (Verifiers that see no
// database have the feed, which is another feature.)
func TestL7_ARevocationIsVisibleWhenItIsAcknowledged(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	b := w.newBrowser().signIn(ana)
	web := w.app("web")
	for range 10 {
		got := web.granted(b)
		web.revoke(got.Refresh)
		if w.userinfo(got.Access).StatusCode != http.StatusUnauthorized {
			t.Fatal("an acknowledged revocation is not seen")
		}
	}
	if w.count(`SELECT count(*) FROM revlog`) < 10 {
		t.Error("the log lacks revocations")
	}
}
