//go:build external

package browser

import (
	"slices"
	"testing"

	"github.com/chromedp/chromedp"
	"github.com/chromedp/chromedp/kb"
)

// TestTheKeyboardAloneIsEnough: every stop of the Tab key, in the order in which
// the page is read, and Enter.
func TestTheKeyboardAloneIsEnough(t *testing.T) {
	withAndWithoutScripts(t, func(w *world) {
		b := w.browser()
		b.open(w.ask(), w.Issuer+"/login")
		b.begins("login-identifier")
		b.press(w.user.Email)
		b.stops("login-password")
		b.press(w.user.Password)
		b.stops("login-submit")
		b.arrive(w.Issuer+"/consent", "pressing Enter", chromedp.KeyEvent(kb.Enter))

		b.stops("Not you?", "consent-allow", "consent-deny")
		b.arrive(w.callback(), "pressing Enter", chromedp.KeyEvent(kb.Enter))
		if c := w.arrival("/callback"); c.values.Get("error") != "access_denied" {
			w.t.Errorf("Enter on the button for no brought %v", c.values)
		}

		// Enter in a field sends the form, too.
		b.open(w.ask("prompt", "login", "login_hint", w.user.Email), w.Issuer+"/login")
		b.begins("login-password")
		b.press(w.user.Password)
		b.arrive(w.Issuer+"/consent", "pressing Enter", chromedp.KeyEvent(kb.Enter))
	})
}

// begins waits for the focus that a page takes by itself, a moment after it has
// loaded.
func (b *tab) begins(id string) {
	b.t.Helper()
	b.run("waiting for the focus on "+id, chromedp.WaitReady("#"+id+":focus", chromedp.ByQuery))
	b.focus()
}

// stops presses Tab as often as there are names, and holds the focus to them.
func (b *tab) stops(want ...string) {
	b.t.Helper()
	var got []string
	for range want {
		b.press(kb.Tab)
		got = append(got, b.focus())
	}
	if !slices.Equal(got, want) {
		b.t.Errorf("Tab stops at %q, not at %q", got, want)
	}
}
