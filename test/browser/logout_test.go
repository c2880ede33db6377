//go:build external

package browser

import (
	"net/http"
	"net/url"
	"testing"
)

// leave is the address of the end-session endpoint with parameters.
func (w *world) leave(parameters ...string) string {
	q := url.Values{}
	for i := 0; i < len(parameters); i += 2 {
		q.Set(parameters[i], parameters[i+1])
	}
	return w.Issuer + "/oauth2/logout?" + q.Encode()
}

// isSignedOut holds a browser to being sent to the sign-in page.
func (w *world) isSignedOut(b *tab) {
	w.t.Helper()
	b.open(w.Issuer+"/account", w.Issuer+"/login")
}

func (w *world) isSignedIn(b *tab) {
	w.t.Helper()
	b.open(w.Issuer+"/account", w.Issuer+"/account")
}

func TestLogoutWithAnIDTokenHintGoesStraightBack(t *testing.T) {
	withAndWithoutScripts(t, func(w *world) {
		b := w.browser()
		got := w.letIn(b)
		b.open(w.leave("id_token_hint", got.ID, "post_logout_redirect_uri", w.site.URL+"/bye", "state", "see you"), w.site.URL+"/bye")
		if c := w.arrival("/bye"); c.values.Get("state") != "see you" || len(c.values) != 1 {
			w.t.Errorf("the browser brought %v", c.values)
		}
		w.isSignedOut(b)
		if again := w.refresh(got); again.Error != "invalid_grant" {
			w.t.Errorf("the refresh token still works: %+v", again)
		}
	})
}

func TestLogoutWithoutAHintAsksFirst(t *testing.T) {
	withAndWithoutScripts(t, func(w *world) {
		b := w.browser()
		got := w.letIn(b)
		request := w.leave("client_id", w.client.ClientID, "post_logout_redirect_uri", w.site.URL+"/bye", "state", "see you")

		b.open(request, w.Issuer+"/oauth2/logout")
		b.shows("Sign out", http.StatusOK)
		if question := b.text("h1"); question != "Sign out?" {
			w.t.Errorf("the page asks %q", question)
		}
		b.click("logout-cancel", w.Issuer+"/account")
		if again := w.refresh(got); again.Error != "" {
			w.t.Errorf("a no ended the grant: %+v", again)
		}

		b.open(request, w.Issuer+"/oauth2/logout")
		b.click("logout-confirm", w.Issuer+"/logout")
		b.shows("Signed out", http.StatusOK)
		w.nobodyCame() // nobody is redirected: the user goes on by a link
		b.click("signedout-continue", w.site.URL+"/bye")
		if c := w.arrival("/bye"); c.values.Get("state") != "see you" {
			w.t.Errorf("the browser brought %v", c.values)
		}
		w.isSignedOut(b)
		if again := w.refresh(got); again.Error != "invalid_grant" {
			w.t.Errorf("the refresh token still works: %+v", again)
		}
	})
}

// TestLogoutOfNobodyInParticular: somebody opens the address by themself.
func TestLogoutOfNobodyInParticular(t *testing.T) {
	withAndWithoutScripts(t, func(w *world) {
		b := w.signedIn()
		b.open(w.Issuer+"/logout", w.Issuer+"/logout")
		b.click("logout-confirm", w.Issuer+"/logout")
		b.shows("Signed out", http.StatusOK)
		w.isSignedOut(b)
	})
}

// TestLogoutLeadsNowhereElse: OpenID Connect RP-Initiated Logout §3 and §4.
func TestLogoutLeadsNowhereElse(t *testing.T) {
	withAndWithoutScripts(t, func(w *world) {
		b := w.browser()
		got := w.letIn(b)
		for _, c := range []struct {
			request, parameter string
		}{
			{w.leave("id_token_hint", got.ID, "post_logout_redirect_uri", w.site.URL+"/other"), "post_logout_redirect_uri"},
			{w.leave("client_id", w.client.ClientID, "post_logout_redirect_uri", w.site.URL+"/bye/"), "post_logout_redirect_uri"},
			{w.leave("client_id", "nobody", "post_logout_redirect_uri", w.site.URL+"/bye"), "post_logout_redirect_uri"},
			{w.leave("id_token_hint", "nonsense", "post_logout_redirect_uri", w.site.URL+"/bye"), "id_token_hint"},
			{w.leave("id_token_hint", got.ID, "client_id", "other"), "client_id"},
		} {
			b.open(c.request, w.Issuer+"/oauth2/logout")
			if b.at.status != http.StatusBadRequest || b.text("#error-parameter") != c.parameter {
				w.t.Errorf("%s: status %d, parameter %s", c.request, b.at.status, b.text("#error-parameter"))
			}
		}
		w.isSignedIn(b)
		// An address without a client is nobody's: the user is asked, and goes nowhere.
		b.open(w.leave("post_logout_redirect_uri", w.site.URL+"/bye"), w.Issuer+"/oauth2/logout")
		b.shows("Sign out", http.StatusOK)
		b.click("logout-confirm", w.Issuer+"/logout")
		b.shows("Signed out", http.StatusOK)
		w.nobodyCame()
	})
}
