//go:build external

package browser

import (
	"net/http"
	"testing"
)

// TestThePagesSpeakTheLanguageOfTheUser: what the client asks for, what the user
// chooses over it, and what the browser asks for.
func TestThePagesSpeakTheLanguageOfTheUser(t *testing.T) {
	withAndWithoutScripts(t, func(w *world) {
		b := w.browser()
		b.open(w.ask("ui_locales", "de-AT"), w.Issuer+"/login")
		b.shows("Anmelden", http.StatusOK)
		if lead := b.text(".lead"); lead != "um mit Paper Shop fortzufahren" {
			w.t.Errorf("the page says %q", lead)
		}
		b.clickOn("#language-en", w.Issuer+"/login")
		b.shows("Sign in", http.StatusOK)
		w.signIn(b, w.Issuer+"/consent")
		b.shows("Allow access", http.StatusOK) // for the whole of this request
		b.clickOn("#language-de", w.Issuer+"/consent")
		b.shows("Zugriff erlauben", http.StatusOK)
		b.click("consent-deny", w.callback())
		w.arrival("/callback")
		b.open(w.Issuer+"/account", w.Issuer+"/account")
		b.shows("Ihr Konto", http.StatusOK) // and from then on
		if b.count("html[lang=de]") != 1 {
			w.t.Error("the page does not say its language")
		}
	})
}

func TestThePagesSpeakTheLanguageOfTheBrowser(t *testing.T) {
	withAndWithoutScripts(t, func(w *world) {
		b := w.browser()
		b.speaks("de-CH, en;q=0.5")
		b.open(w.ask(), w.Issuer+"/login")
		b.shows("Anmelden", http.StatusOK)
		b.open(w.ask("redirect_uri", "https://evil.example"), w.Issuer+"/oauth2/authorize")
		b.shows("Wir haben diese Anmeldung angehalten", http.StatusBadRequest)
		if code, parameter := b.text("#error-code"), b.text("#error-parameter"); code != "invalid_request" || parameter != "redirect_uri" {
			w.t.Errorf("machine words: %s, %s", code, parameter)
		}
		b.speaks("ja")
		b.open(w.ask(), w.Issuer+"/login")
		b.shows("Sign in", http.StatusOK)
	})
}
