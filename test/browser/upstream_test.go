//go:build external

package browser

import (
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/mintmark-id/mintmark/test/server"
)

// downstream is a server that lets people sign in with another: two real ones.
func downstream(t *testing.T, flags ...string) (upstream, here *server.Server) {
	t.Helper()
	upstream = server.Start(t)
	here = server.Start(t, append(flags, "--sign-up", "unverified", "--trusted-network", "127.0.0.0/8")...)
	made := upstream.NewClient("The second", "--id", "second", "--grant", "authorization_code",
		"--redirect-uri", here.Issuer+"/login/upstream/first", "--scope", "openid,email,profile")
	secret := filepath.Join(t.TempDir(), "secret")
	if err := os.WriteFile(secret, []byte(made.ClientSecret+"\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	here.CLI("upstream", "create", "first", "--name", "First Mint", "--issuer", upstream.Issuer,
		"--client-id", "second", "--client-secret-file", secret, "--sign-up")
	return upstream, here
}

// TestSigningInWithAnotherMintmark: from the application's request over the other server and back with a code; the same
// account the next time; and no word of it where nobody asked.
func TestSigningInWithAnotherMintmark(t *testing.T) {
	upstream, here := downstream(t)
	for name, scripts := range map[string]bool{"with scripts": true, "without scripts": false} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t, here, scripts)
			there := newWorld(t, upstream, scripts)
			upstream.CLI("user", "update", there.user.Sub, "--verified")
			b := w.browser()
			b.open(w.ask(), w.Issuer+"/login")
			if button := b.text("#login-upstream-first"); button != "Continue with First Mint" {
				t.Errorf("the button says %q", button)
			}
			b.click("login-upstream-first", upstream.Issuer+"/login")
			there.signIn(b, upstream.Issuer+"/consent")
			b.click("consent-allow", w.Issuer+"/consent")
			b.shows("Allow access", http.StatusOK)
			b.click("consent-allow", w.callback())
			w.exchange(w.arrival("/callback"))

			b.open(w.Issuer+"/account", w.Issuer+"/account")
			if page := b.html(); !strings.Contains(page, there.user.Email) || !strings.Contains(page, "Ana Sousa") {
				t.Error("the account page does not say what the other server said")
			}
			b.click("account-signout", w.Issuer+"/account/sign-out")

			again := w.browser() // consent is remembered there: straight back to the application, whose own is too
			again.open(w.ask("prompt", "login"), w.Issuer+"/login")
			again.click("login-upstream-first", upstream.Issuer+"/login")
			there.signIn(again, w.callback())
			w.exchange(w.arrival("/callback"))
		})
	}
}

// TestSayingNoAtTheOtherServerComesBackToTheSignInPage with a sentence, and a password still works.
func TestSayingNoAtTheOtherServerComesBackToTheSignInPage(t *testing.T) {
	upstream, here := downstream(t)
	w, there := newWorld(t, here, false), newWorld(t, upstream, false)
	b := w.browser()
	b.open(w.ask(), w.Issuer+"/login")
	b.click("login-upstream-first", upstream.Issuer+"/login")
	there.signIn(b, upstream.Issuer+"/consent")
	b.click("consent-deny", w.Issuer+"/login")
	b.shows("Sign in", http.StatusOK)
	if said := b.text("[role=status]"); !strings.Contains(said, "called off there") {
		t.Errorf("the page says %q", said)
	}
	w.nobodyCame()
	w.signIn(b, w.Issuer+"/consent")
}

// TestAnAccountElsewhereIsLinkedAndUnlinked on the account page: linked, it leads to the same user; unlinked, nowhere. (Over
// https, for two servers on one host share cookies of one name.)
func TestAnAccountElsewhereIsLinkedAndUnlinked(t *testing.T) {
	c, err := chromium()
	if err != nil {
		t.Fatal(err)
	}
	upstream, here := downstream(t, c.chain.Flags()...)
	w, there := newWorld(t, here, false), newWorld(t, upstream, false)
	b := w.signedIn()
	b.click("account-link-first", upstream.Issuer+"/login")
	there.signIn(b, upstream.Issuer+"/consent")
	b.click("consent-allow", w.Issuer+"/account")
	if said := b.text("[role=status]"); !strings.Contains(said, "linked") {
		t.Errorf("the page says %q", said)
	}
	if linked := b.text("#link-1"); linked != "First Mint" {
		t.Errorf("the page has %q", linked)
	}
	other := w.browser()
	other.open(w.Issuer+"/login", w.Issuer+"/login")
	other.click("login-upstream-first", upstream.Issuer+"/login")
	there.signIn(other, w.Issuer+"/account")
	if page := other.html(); !strings.Contains(page, w.user.Email) {
		t.Error("it is another user's page")
	}
	b.open(w.Issuer+"/account", w.Issuer+"/account")
	b.click("account-unlink-1", w.Issuer+"/account")
	if b.count("#link-1") != 0 || b.count("#account-link-first") != 1 {
		t.Error("it is linked still")
	}
	other.open(w.Issuer+"/account", w.Issuer+"/login") // it was signed in elsewhere
}
