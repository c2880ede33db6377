//go:build external

package browser

import (
	"net/http"
	"testing"
)

// TestWhatMustNotRedirectIsAPage: RFC 6749 §4.1.2.1, RFC 9700 §4.11.2.
func TestWhatMustNotRedirectIsAPage(t *testing.T) {
	withAndWithoutScripts(t, func(w *world) {
		w.NewClient("Two addresses", "--id", "two-"+map[bool]string{true: "with", false: "without"}[w.scripts],
			"--grant", "authorization_code", "--redirect-uri", w.callback()+","+w.callback()+"2", "--scope", "openid")
		b := w.browser()
		for _, c := range []struct{ name, address, code, parameter string }{
			{"an unknown client", w.ask("client_id", "nobody"), "invalid_client", "client_id"},
			{"another path", w.ask("redirect_uri", w.callback()+"/more"), "invalid_request", "redirect_uri"},
			{"another query", w.ask("redirect_uri", w.callback()+"?a=b"), "invalid_request", "redirect_uri"},
			{"another host", w.ask("redirect_uri", "https://evil.example/callback"), "invalid_request", "redirect_uri"},
			{"a script", w.ask("redirect_uri", "javascript:alert(1)"), "invalid_request", "redirect_uri"},
			{"a repeated redirect_uri", w.ask() + "&redirect_uri=https%3A%2F%2Fevil.example", "invalid_request", "redirect_uri"},
		} {
			b.open(c.address, w.Issuer+"/oauth2/authorize")
			if b.at.status != http.StatusBadRequest {
				w.t.Errorf("%s: status %d", c.name, b.at.status)
			}
			if code, parameter := b.text("#error-code"), b.text("#error-parameter"); code != c.code || parameter != c.parameter {
				w.t.Errorf("%s: %s, %s; want %s, %s", c.name, code, parameter, c.code, c.parameter)
			}
			if b.text("#error-reference") == "" {
				w.t.Errorf("%s: there is no reference", c.name)
			}
		}
		w.nobodyCame()
		b.open(w.Issuer+"/no/such/page", w.Issuer+"/no/such/page")
		b.shows("Nothing here", http.StatusNotFound)
	})
}

// TestAPageOfAnotherBrowserIsNotAnswered: RFC 9700 §4.7.
func TestAPageOfAnotherBrowserIsNotAnswered(t *testing.T) {
	withAndWithoutScripts(t, func(w *world) {
		b, other := w.browser(), w.browser()
		b.open(w.ask(), w.Issuer+"/login")
		other.open(b.at.url, w.Issuer+"/login")
		other.shows("This page has expired", http.StatusBadRequest)
	})
}

func TestFormPostBringsTheAnswerAsAPost(t *testing.T) {
	withAndWithoutScripts(t, func(w *world) {
		b := w.browser()
		b.open(w.ask("response_mode", "form_post"), w.Issuer+"/login")
		w.signIn(b, w.Issuer+"/consent")
		if w.scripts {
			b.click("consent-allow", w.callback()) // the page submits itself
		} else {
			b.click("consent-allow", w.Issuer+"/consent")
			b.shows("Returning", http.StatusOK)
			b.click("form-post-continue", w.callback())
		}
		c := w.arrival("/callback")
		if c.method != http.MethodPost {
			w.t.Errorf("the answer came by %s", c.method)
		}
		w.exchange(c)

		// An error takes the same way.
		if w.scripts {
			b.open(w.ask("response_mode", "form_post", "prompt", "none", "scope", "nonsense"), w.callback())
		} else {
			b.open(w.ask("response_mode", "form_post", "prompt", "none", "scope", "nonsense"), w.Issuer+"/oauth2/authorize")
			b.click("form-post-continue", w.callback())
		}
		if c := w.arrival("/callback"); c.method != http.MethodPost || c.values.Get("error") != "invalid_scope" {
			w.t.Errorf("the error came by %s: %v", c.method, c.values)
		}
	})
}

// TestPromptsAreKept: OpenID Connect Core §3.1.2.1 and §3.1.2.6.
func TestPromptsAreKept(t *testing.T) {
	withAndWithoutScripts(t, func(w *world) {
		b := w.browser()
		w.refusesSilence(b, "login_required")

		b.open(w.ask(), w.Issuer+"/login")
		w.signIn(b, w.Issuer+"/consent")
		b.click("consent-deny", w.callback())
		w.arrival("/callback")
		w.refusesSilence(b, "consent_required")

		b.open(w.ask(), w.Issuer+"/consent")
		b.click("consent-allow", w.callback())
		first := w.authTime(w.exchange(w.arrival("/callback")))
		b.open(w.ask("prompt", "none"), w.callback())
		if silent := w.authTime(w.exchange(w.arrival("/callback"))); silent != first {
			w.t.Errorf("auth_time went from %d to %d without a sign-in", first, silent)
		}

		b.open(w.ask("prompt", "consent"), w.Issuer+"/consent")
		b.click("consent-allow", w.callback())
		w.exchange(w.arrival("/callback"))

		for _, again := range [][]string{{"prompt", "login"}, {"max_age", "0"}} {
			b.open(w.ask(again...), w.Issuer+"/login")
			if said := b.text("[role=status]"); said != "To continue, enter your password once more." {
				w.t.Errorf("the page says %q", said)
			}
			w.signIn(b, w.callback())
			if second := w.authTime(w.exchange(w.arrival("/callback"))); second < first {
				w.t.Errorf("%v: auth_time is %d, it was %d before", again, second, first)
			}
		}

		b.open(w.ask("prompt", "login consent"), w.Issuer+"/login")
		w.signIn(b, w.Issuer+"/consent")
	})
}

// TestAnAccountIsChosen: OpenID Connect Core §3.1.2.1, prompt=select_account.
func TestAnAccountIsChosen(t *testing.T) {
	withAndWithoutScripts(t, func(w *world) {
		b := w.browser()
		w.letIn(b)
		b.open(w.ask("prompt", "select_account"), w.Issuer+"/choose")
		b.shows("Choose an account", http.StatusOK)
		b.click("choose-continue", w.callback())
		w.exchange(w.arrival("/callback"))

		b.open(w.ask("prompt", "select_account consent", "response_mode", "form_post"), w.Issuer+"/choose")
		b.click("choose-continue", w.Issuer+"/consent")
		b.open(w.ask("prompt", "select_account"), w.Issuer+"/choose")
		b.click("choose-other", w.Issuer+"/login")
		if said := b.text("[role=status]"); said != "Sign in with the account you want to use." {
			w.t.Errorf("the page says %q", said)
		}
		w.signIn(b, w.callback())
		w.exchange(w.arrival("/callback"))
	})
}

// refusesSilence asks for an answer without a page.
func (w *world) refusesSilence(b *tab, code string) {
	w.t.Helper()
	b.open(w.ask("prompt", "none"), w.callback())
	if c := w.arrival("/callback"); c.values.Get("error") != code || c.values.Get("state") != "a state" || c.values.Get("iss") != w.Issuer {
		w.t.Errorf("the browser brought %v, not %s", c.values, code)
	}
}

// TestACrossSitePostFindsTheSession: our cookie is SameSite=Lax, so the post
// comes without it, and is asked again by GET.
func TestACrossSitePostFindsTheSession(t *testing.T) {
	withAndWithoutScripts(t, func(w *world) {
		b := w.browser()
		w.letIn(b)
		form := w.site.URL + "/form?" + w.request().Encode()
		b.open(form, w.site.URL+"/form")
		w.arrival("/form")
		b.click("go", w.callback()) // no page: signed in, and let in
		w.exchange(w.arrival("/callback"))
	})
}
