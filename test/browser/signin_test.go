//go:build external

package browser

import (
	"net/http"
	"strings"
	"testing"
)

func TestSigningInAndAllowingGivesTheApplicationACode(t *testing.T) {
	withAndWithoutScripts(t, func(w *world) {
		b := w.browser()
		b.open(w.ask("login_hint", w.user.Email, "ui_locales", "xx tlh-Latn", "display", "wap", "acr_values", "nonsense"),
			w.Issuer+"/login")
		b.shows("Sign in", http.StatusOK)
		if hint := b.value("login-identifier"); hint != w.user.Email {
			w.t.Errorf("login_hint is not filled in: %q", hint)
		}
		if lead := b.text(".lead"); lead != "to continue to Paper Shop" {
			w.t.Errorf("the page says %q", lead)
		}
		b.enter("login-password", w.user.Password)
		b.click("login-submit", w.Issuer+"/consent")
		b.shows("Allow access", http.StatusOK)
		if question := b.text("h1"); question != "Allow Paper Shop to use your account?" {
			w.t.Errorf("the page asks %q", question)
		}
		b.click("consent-allow", w.callback())
		if got := w.exchange(w.arrival("/callback")); w.authTime(got) == 0 {
			w.t.Error("the ID token has no auth_time")
		}

		b.open(w.ask(), w.callback()) // session and consent are remembered
		w.exchange(w.arrival("/callback"))
	})
}

func TestDenyingGoesBackWithAccessDenied(t *testing.T) {
	withAndWithoutScripts(t, func(w *world) {
		b := w.browser()
		b.open(w.ask(), w.Issuer+"/login")
		w.signIn(b, w.Issuer+"/consent")
		b.click("consent-deny", w.callback())
		c := w.arrival("/callback")
		if c.values.Get("error") != "access_denied" || c.values.Get("state") != "a state" || c.values.Get("iss") != w.Issuer || c.values.Has("code") {
			w.t.Errorf("the browser brought %v", c.values)
		}
		b.open(w.ask(), w.Issuer+"/consent") // a no is asked again
	})
}

// TestNotYouLetsAnotherUserSignIn, to the same request.
func TestNotYouLetsAnotherUserSignIn(t *testing.T) {
	withAndWithoutScripts(t, func(w *world) {
		b := w.browser()
		b.open(w.ask(), w.Issuer+"/login")
		w.signIn(b, w.Issuer+"/consent")
		b.clickOn("button[value=switch]", w.Issuer+"/login")
		w.user = w.NewUser("other-" + w.user.Email)
		w.signIn(b, w.Issuer+"/consent")
		b.click("consent-allow", w.callback())
		w.authTime(w.exchange(w.arrival("/callback")))
	})
}

// TestAWrongPasswordSaysSo, the same for a user who does not exist, and then the
// right one works.
func TestAWrongPasswordSaysSo(t *testing.T) {
	withAndWithoutScripts(t, func(w *world) {
		b := w.browser()
		b.open(w.ask(), w.Issuer+"/login")
		said := map[string]string{}
		for _, who := range []string{"nobody-" + w.user.Email, w.user.Email} {
			b.enter("login-identifier", who)
			b.enter("login-password", "not the password")
			b.click("login-submit", w.Issuer+"/login")
			b.shows("Sign in", http.StatusUnprocessableEntity)
			said[who] = b.text("#login-problem")
			if kept := b.value("login-identifier"); kept != who {
				w.t.Errorf("the identifier is %q, typed was %q", kept, who)
			}
			if kept := b.value("login-password"); kept != "" {
				w.t.Error("the page holds the password")
			}
		}
		if wrong := said[w.user.Email]; wrong != said["nobody-"+w.user.Email] || !strings.Contains(wrong, "do not match") {
			w.t.Errorf("the page says %q", said)
		}
		b.enter("login-password", w.user.Password)
		b.click("login-submit", w.Issuer+"/consent")
		w.nobodyCame()
	})
}

// TestTwoTabsSignInSideBySide: each ends with its own request.
func TestTwoTabsSignInSideBySide(t *testing.T) {
	withAndWithoutScripts(t, func(w *world) {
		first := w.browser()
		first.open(w.ask("state", "first"), w.Issuer+"/login")
		second := first.another(w.scripts)
		second.open(w.ask("state", "second"), w.Issuer+"/login")

		w.signIn(first, w.Issuer+"/consent")
		w.signIn(second, w.Issuer+"/consent")
		first.click("consent-allow", w.callback())
		if state := w.arrival("/callback").values.Get("state"); state != "first" {
			w.t.Errorf("the first tab brought the state %q", state)
		}
		second.click("consent-allow", w.callback())
		if state := w.arrival("/callback").values.Get("state"); state != "second" {
			w.t.Errorf("the second tab brought the state %q", state)
		}
	})
}

// TestAnAnswerCountsOnce: a form sent again is told so, and nobody is sent on.
func TestAnAnswerCountsOnce(t *testing.T) {
	withAndWithoutScripts(t, func(w *world) {
		first := w.browser()
		first.open(w.ask(), w.Issuer+"/login")
		w.signIn(first, w.Issuer+"/consent")
		second := first.another(w.scripts)
		second.open(first.at.url, first.at.url)
		first.click("consent-allow", w.callback())
		w.arrival("/callback")

		second.click("consent-allow", w.Issuer+"/consent")
		second.shows("This page has expired", http.StatusBadRequest)
		if code := second.text("#error-code"); code != "interaction_expired" {
			w.t.Errorf("the error is %q", code)
		}
		w.nobodyCame()
	})
}
