//go:build external

package browser

import (
	"net/http"
	"strings"
	"testing"

	"github.com/mintmark-id/mintmark/test/server"
)

// TestASignUpGoesOnToTheApplication: from the application's request over the
// sign-in page to a new account, and back with a code.
func TestASignUpGoesOnToTheApplication(t *testing.T) {
	s := server.Start(t, "--sign-up", "unverified")
	for name, scripts := range map[string]bool{"with scripts": true, "without scripts": false} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t, s, scripts)
			b := w.browser()
			b.open(w.ask(), w.Issuer+"/login")
			b.clickOn("#login-signup", w.Issuer+"/sign-up")
			b.shows("Make an account", http.StatusOK)
			if lead := b.text(".lead"); lead != "to continue to Paper Shop" {
				t.Errorf("the page says %q", lead)
			}
			b.enter("signup-email", "new-"+w.user.Email)
			b.enter("signup-password", "password1")
			b.click("signup-submit", w.Issuer+"/sign-up")
			b.says("signup", "That password is on lists of common or stolen passwords. Choose another.")
			b.enter("signup-password", "correct horse battery")
			b.click("signup-submit", w.Issuer+"/sign-up")
			b.shows("Sign in", http.StatusOK)
			w.user.Email, w.user.Password = "new-"+w.user.Email, "correct horse battery"
			if typed := b.value("login-identifier"); typed != w.user.Email {
				t.Errorf("the page has forgotten who it is: %q", typed)
			}
			w.signIn(b, w.Issuer+"/consent")
			b.click("consent-allow", w.callback())
			w.exchange(w.arrival("/callback"))
		})
	}
}

// TestASignUpWithATakenAddressSaysNothing and leaves the account alone.
func TestASignUpWithATakenAddressSaysNothing(t *testing.T) {
	w := newWorld(t, server.Start(t, "--sign-up", "unverified"), true)
	b := w.browser()
	b.open(w.Issuer+"/sign-up", w.Issuer+"/sign-up")
	b.enter("signup-email", w.user.Email)
	b.enter("signup-password", "correct horse battery")
	b.click("signup-submit", w.Issuer+"/sign-up")
	b.shows("Sign in", http.StatusOK)
	if said := b.text("[role=status]"); !strings.Contains(said, "left as it is") {
		t.Errorf("the page says %q", said)
	}
	w.signIn(b, w.Issuer+"/account") // with its own password
}
