package main

import (
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"testing"
)

const loginForm = `<!doctype html><form action="/search"><input name="q"></form>
<FORM method=post action="/login/submit?a=1&amp;b=2">
  <input type="hidden" name="csrf" value="a&#43;b &#34;c&#34;"><input type='HIDDEN' name='empty'>
  <input id="login-identifier" name="identifier" type="email" autocomplete="username" required>
  <input id=login-password name=secret type=password>
  <input type="checkbox" name="scope" value="email" checked>
  <input type="checkbox" name="scope" value="phone">
  <button id="login-submit" name="do" value="sign-in">Sign in</button>
</FORM><input type="hidden" name="stray" value="x">
<form action=""><button id="consent-allow" name="decision" value="allow">Allow</button><button id="consent-deny" name="decision" value="deny">No</button></form>`

func TestAFormSendsWhatABrowserWithoutScriptsSends(t *testing.T) {
	f, found := formWith(parseForms(loginForm), "login-password")
	if !found || f.action != "/login/submit?a=1&b=2" {
		t.Fatalf("form %+v", f)
	}
	f.fill("login-identifier", "ana@example.com")
	f.fill("login-password", "p&q")
	want := url.Values{"csrf": {`a+b "c"`}, "empty": {""}, "identifier": {"ana@example.com"}, "secret": {"p&q"}, "scope": {"email"}}
	if f.fields.Encode() != want.Encode() {
		t.Errorf("got %v, want %v", f.fields, want)
	}
	consent, found := formWith(parseForms(loginForm), "consent-allow")
	if consent.press("consent-allow"); !found || consent.fields.Encode() != "decision=allow" {
		t.Errorf("consent %+v", consent)
	}
	if _, found := formWith(parseForms(loginForm), "login"); found {
		t.Error("found a control that is not there")
	}
}

// The site is a provider of two pages over HTTP, with the ids that are Mintmark's public contract.
func TestThePersonSignsInAndConsentsAndGetsTheCode(t *testing.T) {
	mux := http.NewServeMux()
	mux.HandleFunc("GET /oauth2/authorize", func(w http.ResponseWriter, r *http.Request) {
		http.SetCookie(w, &http.Cookie{Name: "interaction", Value: r.FormValue("state"), Path: "/"})
		http.Redirect(w, r, "/login?i=1", http.StatusSeeOther)
	})
	mux.HandleFunc("GET /login", func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, loginForm) })
	mux.HandleFunc("POST /login/submit", func(w http.ResponseWriter, r *http.Request) {
		cookie, err := r.Cookie("interaction")
		if err != nil || cookie.Value != "bench-state" || r.PostFormValue("secret") != "right" || r.PostFormValue("csrf") == "" {
			http.Error(w, "no", http.StatusForbidden)
			return
		}
		http.Redirect(w, r, "/consent", http.StatusSeeOther)
	})
	mux.HandleFunc("GET /consent", func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, loginForm[len(loginForm)-200:]) })
	mux.HandleFunc("POST /consent", func(w http.ResponseWriter, r *http.Request) {
		if r.PostFormValue("decision") != "allow" {
			http.Error(w, "no", http.StatusForbidden)
			return
		}
		http.Redirect(w, r, redirectURI+"?code=abc&iss=x", http.StatusSeeOther)
	})
	server := httptest.NewServer(mux)
	defer server.Close()
	for password, want := range map[string]string{"right": "abc", "wrong": ""} {
		b, err := newBrowser()
		if err != nil {
			t.Fatal(err)
		}
		code, err := b.authorize(t.Context(), server.URL+authorizeTarget(webClient, offlineScope), person{"ana@example.com", password})
		if code != want || (err == nil) != (want != "") {
			t.Errorf("%s password: %q, %v", password, code, err)
		}
	}
}
