//go:build external

package browser

import (
	"net/http"
	"strings"
	"testing"

	"github.com/chromedp/chromedp"
)

func TestAChangeOfPasswordSignsTheOtherBrowsersOut(t *testing.T) {
	withAndWithoutScripts(t, func(w *world) {
		other := w.browser()
		got := w.letIn(other)
		b := w.signedIn()
		if n := b.count("[id^=account-session-end-]"); n != 2 {
			w.t.Errorf("the page lists %d sessions, there are 2", n)
		}

		b.enter("account-password-current", "not the password")
		b.enter("account-password-new", "correct horse battery")
		b.click("account-password-submit", w.Issuer+"/account/password")
		b.shows("Your account", http.StatusUnprocessableEntity)
		if said := b.text("#account-problem"); said != "That is not your current password." {
			w.t.Errorf("the page says %q", said)
		}
		w.isSignedIn(other)

		b.enter("account-password-current", w.user.Password)
		b.enter("account-password-new", "correct horse battery")
		b.click("account-password-submit", w.Issuer+"/account")
		b.shows("Your account", http.StatusOK)
		if said := b.text("[role=status]"); !strings.Contains(said, "signed out everywhere else") {
			w.t.Errorf("the page says %q", said)
		}
		w.isSignedOut(other)
		w.isSignedIn(b)
		if again := w.refresh(got); again.Error != "invalid_grant" {
			w.t.Errorf("a grant from before still works: %+v", again)
		}

		other.enter("login-identifier", w.user.Email)
		other.enter("login-password", w.user.Password)
		other.click("login-submit", w.Issuer+"/login")
		other.shows("Sign in", http.StatusUnprocessableEntity) // the old password
		w.user.Password = "correct horse battery"
		w.signIn(other, w.Issuer+"/account")
	})
}

// TestAChangeOfPasswordMayLeaveTheOthersAlone, if its owner says so.
func TestAChangeOfPasswordMayLeaveTheOthersAlone(t *testing.T) {
	withAndWithoutScripts(t, func(w *world) {
		other, b := w.signedIn(), w.signedIn()
		b.enter("account-password-current", w.user.Password)
		b.enter("account-password-new", "correct horse battery")
		b.run("clearing the tick", chromedp.Click("#account-password-others", chromedp.ByQuery))
		b.click("account-password-submit", w.Issuer+"/account")
		if said := b.text("[role=status]"); said != "Your password is changed." {
			w.t.Errorf("the page says %q", said)
		}
		w.isSignedIn(other)
	})
}

func TestSigningOutEverywhereEndsEverything(t *testing.T) {
	withAndWithoutScripts(t, func(w *world) {
		other := w.browser()
		got := w.letIn(other)
		b := w.signedIn()
		b.click("account-signout-all", w.Issuer+"/account/sign-out")
		b.shows("Signed out", http.StatusOK)
		w.isSignedOut(b)
		w.isSignedOut(other)
		if again := w.refresh(got); again.Error != "invalid_grant" {
			w.t.Errorf("a grant from before still works: %+v", again)
		}
		w.signIn(b, w.Issuer+"/account") // and at once back in
	})
}

func TestSigningOutHereLeavesTheOthersAlone(t *testing.T) {
	withAndWithoutScripts(t, func(w *world) {
		other, b := w.signedIn(), w.signedIn()
		b.click("account-signout", w.Issuer+"/account/sign-out")
		b.shows("Signed out", http.StatusOK)
		w.isSignedOut(b)
		w.isSignedIn(other)
	})
}

func TestEndingASessionEndsThatBrowser(t *testing.T) {
	withAndWithoutScripts(t, func(w *world) {
		other, b := w.signedIn(), w.signedIn()
		var rows []string
		for _, id := range []string{"session-1", "session-2"} {
			rows = append(rows, b.text("#"+id))
		}
		end := "account-session-end-1"
		if strings.Contains(rows[0], "this browser") {
			end = "account-session-end-2"
		}
		if strings.Contains(rows[0], "this browser") == strings.Contains(rows[1], "this browser") {
			w.t.Fatalf("which is this browser: %q?", rows)
		}
		b.click(end, w.Issuer+"/account")
		if said := b.text("[role=status]"); said != "That session is over." {
			w.t.Errorf("the page says %q", said)
		}
		if n := b.count("[id^=account-session-end-]"); n != 1 {
			w.t.Errorf("the page lists %d sessions, there is 1", n)
		}
		w.isSignedOut(other)
		w.isSignedIn(b)
	})
}

func TestRemovingAnAppTakesItsAccessAndAsksAgain(t *testing.T) {
	withAndWithoutScripts(t, func(w *world) {
		b := w.browser()
		got := w.letIn(b)
		w.isSignedIn(b)
		if name := b.text("#app-1"); name != "Paper Shop" {
			w.t.Errorf("the app is called %q", name)
		}
		b.click("account-app-remove-1", w.Issuer+"/account")
		if said := b.text("[role=status]"); !strings.Contains(said, "removed") {
			w.t.Errorf("the page says %q", said)
		}
		if b.count("#app-1") != 0 {
			w.t.Error("the app is still listed")
		}
		if again := w.refresh(got); again.Error != "invalid_grant" {
			w.t.Errorf("the app's grant still works: %+v", again)
		}
		b.open(w.ask(), w.Issuer+"/consent")
		b.click("consent-allow", w.callback())
		w.exchange(w.arrival("/callback"))
	})
}
