//go:build external

package browser

import (
	"net/http"
	"testing"

	"github.com/mintmark-id/mintmark/test/server"
)

// TestTheSetupLinkMakesTheFirstUserOnce, with every wrong turn on the way.
func TestTheSetupLinkMakesTheFirstUserOnce(t *testing.T) {
	for name, scripts := range map[string]bool{"with scripts": true, "without scripts": false} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := server.Start(t)
			b := newTab(t, scripts)
			b.open(s.Setup, s.Issuer+"/setup")
			b.shows("Set up", http.StatusOK)

			b.setUp(s, "root@example.com", "correct horse battery", "correct horse buttery")
			b.says("setup", "The two passwords differ. Type the same one twice.")
			b.setUp(s, "root@example.com", "password1", "password1")
			b.says("setup", "That password is on lists of common or stolen passwords. Choose another.")

			b.enter("setup-email", "root@example.com")
			b.enter("setup-password", "correct horse battery")
			b.enter("setup-confirm", "correct horse battery")
			b.click("setup-submit", s.Issuer+"/setup/done")
			b.shows("Ready", http.StatusOK)

			b.open(s.Setup, s.Issuer+"/setup")
			if b.text("#error-code") != "invalid_setup_token" || b.at.status < http.StatusBadRequest {
				t.Errorf("the link works twice: status %d", b.at.status)
			}
			b.open(s.Issuer+"/login", s.Issuer+"/login")
			b.enter("login-identifier", "root@example.com")
			b.enter("login-password", "correct horse battery")
			b.click("login-submit", s.Issuer+"/account")
		})
	}
}

// setUp sends the form with something wrong in it.
func (b *tab) setUp(s *server.Server, email, password, again string) {
	b.t.Helper()
	b.enter("setup-email", email)
	b.enter("setup-password", password)
	b.enter("setup-confirm", again)
	b.click("setup-submit", s.Issuer+"/setup")
	b.shows("Set up", http.StatusUnprocessableEntity)
}

// says holds the problem that a page shows to a sentence.
func (b *tab) says(form, want string) {
	b.t.Helper()
	if said := b.text("#" + form + "-problem"); said != want {
		b.t.Errorf("the page says %q, not %q", said, want)
	}
}
