package security_test

import (
	"net/http"
	"net/url"
	"strings"
	"testing"

	"github.com/mintmark-id/mintmark/internal/oauth"
	"github.com/mintmark-id/mintmark/internal/web/pages"
)

// link presses the button of the account page, and gives the request that the browser is sent with; nil if it is not.
func (p *provider) link(b *browser) (answer, url.Values) {
	b.t.Helper()
	a := b.account(pages.PathAccountLink, url.Values{pages.FieldUpstream: {p.id}})
	to, err := url.Parse(a.onward())
	if err != nil || a.onward() == "" {
		return a, nil
	}
	return a, to.Query()
}

// ASVS 6.8.1, 7.5.1: linking takes proof of both accounts, in one session.
func TestV5_LinkingTakesProofOfBothAccounts(t *testing.T) {
	t.Parallel()
	w := newWorld(t, trusting(loopback))
	p := w.newProvider("harbour", nil)
	p.says("email", ana) // of no matter
	b := w.newBrowser().signIn(ana)
	links := func() int64 { return w.count(`SELECT count(*) FROM links`) }

	// Not with a sign-in that is old, nor by whoever is not signed in, nor by a form of another page.
	w.exec(`UPDATE sessions SET auth_time = auth_time - 900000`)
	if a, _ := p.link(b); w.reason(a) != oauth.ReasonSignInNotRecent || a.param(pages.FieldAgain) == "" {
		t.Errorf("with an old sign-in: %d %s", a.StatusCode, a.Header.Get("Location"))
	}
	if page := b.get(pages.PathAccount); strings.Contains(page.body, "account-link-harbour") || !strings.Contains(page.body, "account-again") {
		t.Error("the page offers what is refused")
	}
	b.signInAgain(ana)
	stranger := w.newBrowser()
	form := url.Values{pages.FieldToken: {stranger.get(pages.PathLogin).input(pages.FieldToken)}, pages.FieldUpstream: {"harbour"}}
	if a := stranger.post(pages.PathAccountLink, form); a.onward() != "" || a.element("error-code") != "form_expired" {
		t.Errorf("a form of the sign-in page: %d", a.StatusCode)
	}

	// Not in another browser, another session, or after the session has ended.
	_, asked := p.link(b)
	thief := w.newBrowser().signIn(bob)
	if a := p.back(thief, asked); w.reason(a) != oauth.ReasonUpstreamState {
		t.Errorf("in another browser: %s", w.reason(a))
	}
	other := b.copyOf()
	delete(other.jar, w.sessionCookie())
	other.signIn(bob) // in the same browser
	if a := p.back(other, asked); w.reason(a) != oauth.ReasonLoginRequired {
		t.Errorf("in another session of the browser: %s", w.reason(a))
	}
	if links() != 0 || p.called("/token") != 0 {
		t.Fatal("something was linked")
	}

	// An ID token that is not right links nothing.
	p.says("nonce", "another")
	_, asked = p.link(b)
	if a := p.back(b, asked); w.reason(a) != oauth.ReasonForeignTokenNonce || a.param("notice") != string(pages.NoticeLinkFailed) || links() != 0 {
		t.Errorf("with another nonce: %s %s", w.reason(a), a.Header.Get("Location"))
	}

	// With both it is linked, and from then on it is a way in to that account alone.
	p.says("email", bob)
	_, asked = p.link(b)
	if a := p.back(b, asked); a.param("notice") != string(pages.NoticeLinked) || links() != 1 {
		t.Fatalf("linking leads to %s", a.Header.Get("Location"))
	}
	next := w.newBrowser()
	if p.enter(next); !next.signedIn() || next.userOf() != w.subs[ana] {
		t.Error("it does not sign in to the account that it was linked to")
	}
	if w.count(`SELECT count(*) FROM users`) != 2 {
		t.Error("a user was made")
	}

	// Another user cannot take it.
	bobs := w.newBrowser().signIn(bob)
	_, asked = p.link(bobs)
	if a := p.back(bobs, asked); a.param("notice") != string(pages.NoticeLinkTaken) || w.reason(a) != oauth.ReasonForeignAccountLinked {
		t.Errorf("another user is answered %s", a.Header.Get("Location"))
	}
	if w.count(`SELECT count(*) FROM links WHERE user_id = $1`, w.subs[ana]) != 1 || links() != 1 {
		t.Error("it is another's now")
	}
}

// signInAgain proves a user anew who is signed in.
func (b *browser) signInAgain(identifier string) {
	b.t.Helper()
	page := b.get(pages.PathLogin + "?again=yes")
	a := b.post(pages.PathLogin, url.Values{
		pages.FieldToken: {page.input(pages.FieldToken)}, pages.FieldIdentifier: {identifier}, pages.FieldPassword: {password},
	})
	if a.StatusCode != http.StatusSeeOther || a.Header.Get("Location") != pages.PathAccount {
		b.t.Fatalf("signing in again answers %d", a.StatusCode)
	}
}

// What is unlinked is no way in, the last way in stays, and what is signed in elsewhere ends (ASVS 7.4.3).
func TestN7_UnlinkingTakesARecentSignInAndLeavesAWayIn(t *testing.T) {
	t.Parallel()
	w := newWorld(t, trusting(loopback), withPolicy(open))
	p := w.newProvider("harbour", nil)
	b := w.newBrowser()
	p.enter(b)
	var id string
	w.must(w.db.QueryRowContext(t.Context(), `SELECT id FROM links`).Scan(&id))
	sub := b.userOf()
	unlink := func(b *browser) answer { return b.account(pages.PathAccountUnlink, url.Values{pages.FieldLink: {id}}) }
	if a := unlink(b); a.param("notice") != string(pages.NoticeLastWayIn) || w.count(`SELECT count(*) FROM links`) != 1 {
		t.Errorf("the last way in: %s", a.Header.Get("Location"))
	}
	if strings.Contains(b.get(pages.PathAccount).body, "account-password-submit") {
		t.Error("the page offers to change a password that is not there")
	}
	_, err := w.engine.SetPassword(t.Context(), sub, password)
	w.must(err)
	p.enter(b)
	elsewhere := w.newBrowser()
	p.enter(elsewhere)
	w.exec(`UPDATE sessions SET auth_time = auth_time - 900000`)
	if a := unlink(b); w.reason(a) != oauth.ReasonSignInNotRecent || w.count(`SELECT count(*) FROM links`) != 1 {
		t.Errorf("with an old sign-in: %s", w.reason(a))
	}
	b.signInAgain(eve)
	ben := w.newBrowser().signIn(bob)
	if unlink(ben); w.count(`SELECT count(*) FROM links`) != 1 {
		t.Error("another user unlinks it")
	}
	if a := unlink(b); a.param("notice") != string(pages.NoticeUnlinked) || w.count(`SELECT count(*) FROM links`) != 0 {
		t.Fatalf("unlinking leads to %s", a.Header.Get("Location"))
	}
	if !b.signedIn() || elsewhere.signedIn() {
		t.Error("the session that asked has ended, or another has not")
	}
	next := w.newBrowser()
	next.turnedAway("unlinked", p.enter(next), oauth.ReasonForeignAddressTaken)
}

// Pre-hijack: what a stranger linked to an account with another's address goes with the password once it is seen whose it is.
func TestV4_WhatAStrangerLinkedIsGoneOnceTheAddressIsSeen(t *testing.T) {
	t.Parallel()
	w := newWorld(t, trusting(loopback), withPolicy(open))
	p := w.newProvider("harbour", nil)
	w.newBrowser().signUp(eve, password)
	attacker := w.newBrowser()
	attacker.tryPassword(eve, password)
	_, asked := p.link(attacker)
	if p.back(attacker, asked); w.count(`SELECT count(*) FROM links`) != 1 {
		t.Fatal("nothing is linked")
	}
	sub := attacker.userOf()
	if status, text := w.administer(http.MethodPut, "/admin/v1/users/"+sub, `{"email":"`+eve+`","email_verified":true}`); status != http.StatusOK {
		t.Fatalf("the administrator is answered %d %s", status, text)
	}
	if attacker.signedIn() || w.count(`SELECT count(*) FROM links`) != 0 {
		t.Error("the stranger still has the account")
	}
	next := w.newBrowser()
	next.turnedAway("the stranger's account elsewhere", p.enter(next), oauth.ReasonForeignAddressTaken)
}

// An administrator sees the accounts elsewhere of a user, and takes one away with all that the user has.
func TestN6_AnAdministratorUnlinksAndAllEnds(t *testing.T) {
	t.Parallel()
	w := newWorld(t, trusting(loopback), withPolicy(open))
	p := w.newProvider("harbour", nil)
	b := w.newBrowser()
	p.enter(b)
	sub, id := b.userOf(), ""
	w.must(w.db.QueryRowContext(t.Context(), `SELECT id FROM links`).Scan(&id))
	if status, text := w.administer(http.MethodGet, "/admin/v1/users/"+sub, ""); status != http.StatusOK || !strings.Contains(text, `"subject":"eve there"`) {
		t.Errorf("the user is shown as %d %s", status, text)
	}
	if status, _ := w.administer(http.MethodDelete, "/admin/v1/users/"+w.subs[ana]+"/links/"+id, ""); status != http.StatusNotFound {
		t.Errorf("as another user's: %d", status)
	}
	if status, text := w.administer(http.MethodDelete, "/admin/v1/users/"+sub+"/links/"+id, ""); status != http.StatusNoContent {
		t.Fatalf("%d %s", status, text)
	}
	if b.signedIn() || w.count(`SELECT count(*) FROM links`) != 0 {
		t.Error("the user is still in")
	}
}
