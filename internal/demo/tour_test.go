package demo

import (
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"
)

func TestAVisitorSignsInUsesRenewsAndEndsTheTokens(t *testing.T) {
	w, b := newWorld(t), newBrowser(t)
	b.get(w.appURL).has(t, "Sign in with Mintmark", ana)
	greeting := b.signIn(w)
	if greeting.at.String() != w.appURL+"/you" {
		t.Fatalf("the sign-in ends at %s", greeting.at)
	}
	greeting.has(t, "Welcome, Ana <Moreira>", "You typed the password at Mintmark", "state is one", "RFC 9207", "at_hash fits", "nonce is the one", "userinfo is about the same user", ana)

	b.get(w.appURL+"/tokens").has(t, "ID token", "Access token", "Refresh token", "typ", "at+jwt", "client_id", "generation", "in 60 minutes") // the ID token; an access token lives a little less than 15, by chance

	for _, c := range []struct{ choice, status, says string }{
		{"read", "200 OK", "Two loaves of rye"},
		{"write", "403 Forbidden", "Not held: it reaches as far as this call asks"},
		{"id", "401 Unauthorized", "Not held: its type is at+jwt"},
		{"forged", "401 Unauthorized", "Not held: the issuer signed it"},
		{"none", "401 Unauthorized", "WWW-Authenticate: Bearer"},
	} {
		b.post(w.appURL+"/api", url.Values{"choice": {c.choice}}).has(t, c.status, c.says)
	}
	b.post(w.appURL+"/ask", nil).has(t, ">active<")

	first := w.held(t).here.tokens
	b.post(w.appURL+"/refresh", nil).has(t, "Before and after", "generation", "the one before is used up", "auth_time is that of the first sign-in")
	second := w.held(t).here.tokens
	if first.Access == second.Access || first.ID == second.ID || first.Refresh == second.Refresh {
		t.Error("a refresh changes all three tokens")
	}
	b.post(w.appURL+"/replay", url.Values{"choice": {"previous"}}).has(t, "the same successor")
	if third := w.held(t).here.tokens; third.Refresh != second.Refresh {
		t.Error("a predecessor gets another successor")
	}

	left := b.post(w.appURL+"/leave/server", nil)
	if left.at.Path != PathSignedOut {
		t.Fatalf("logging out ends at %s", left.at)
	}
	left.has(t, "logged out, here and at Mintmark", "Refused: invalid_grant", "active: false", "it was taken back", "explain r1.")
	b.get(left.at.String()).has(t, "logged out, here and at Mintmark") // shown again, not tried again
	if back := b.get(w.appURL + "/tokens"); back.at.Path != "/" {
		t.Errorf("after logging out the tokens are shown at %s", back.at)
	}
	if again := b.get(w.appURL + "/login"); !strings.HasPrefix(again.at.String(), w.issuer+"/login") {
		t.Errorf("after logging out at the server a sign-in is at %s", again.at)
	}
}

func TestSigningOutOfTheAppEndsItsTokensAndNotTheSessionAtTheServer(t *testing.T) {
	w, b := newWorld(t), newBrowser(t)
	b.signIn(w)
	b.post(w.appURL+"/leave/app", nil).has(t, "signed out of Breadbox", "/oauth2/revoke", "Refused: invalid_grant", "active: false", "it was taken back")
	back := b.get(w.appURL + "/login")
	if back.at.String() != w.appURL+"/you" {
		t.Errorf("signing in again ends at %s: somebody was asked", back.at)
	}
}

func TestAnOldRefreshTokenEndsTheGrantForOwnerAndThief(t *testing.T) {
	w, b := newWorld(t), newBrowser(t)
	b.signIn(w)
	if early := b.post(w.appURL+"/replay", url.Values{"choice": {"first"}}); early.status != http.StatusBadRequest {
		t.Errorf("with no older token: status %d", early.status)
	}
	b.post(w.appURL+"/refresh", nil)
	b.post(w.appURL+"/refresh", nil)
	b.post(w.appURL+"/replay", url.Values{"choice": {"first"}}).has(t, "invalid_grant", "The server has ended this sign-in", "explain r1.")
	b.post(w.appURL+"/refresh", nil).has(t, "The refresh token was refused", "invalid_grant")
	b.post(w.appURL+"/ask", nil).has(t, ">not active<")
	b.get(w.appURL+"/login").has(t, "Welcome") // the session at the server lives; a new grant begins
}

func TestDenyingGivesTheAppNothing(t *testing.T) {
	w, b := newWorld(t), newBrowser(t)
	consent := b.fill(b.get(w.appURL+"/login"), url.Values{"identifier": {ana}, "password": {password}})
	b.fill(consent, url.Values{"decision": {"deny"}}).has(t, "You did not allow it", "access_denied")
	if w.held(t).here != nil {
		t.Error("somebody is signed in")
	}
}

// state begins a sign-in and gives the state that it sent, without going on.
func (b *browser) state(w *world) string {
	b.t.Helper()
	b.stay = true
	defer func() { b.stay = false }()
	to, err := url.Parse(b.get(w.appURL + "/login").header.Get("Location"))
	if err != nil {
		b.t.Fatal(err)
	}
	return to.Query().Get("state")
}

func TestAnAnswerThatDoesNotFitIsNotUsed(t *testing.T) {
	w := newWorld(t)
	for _, c := range []struct {
		name  string
		query func(state string) string
		says  string
	}{
		{"RFC 6749 §10.12: somebody else's state", func(string) string { return "code=c&state=other&iss=" + w.issuer }, "Not held: state is one"},
		{"no state", func(string) string { return "code=c&iss=" + w.issuer }, "Not held: state is one"},
		{"RFC 9207 §2.4: another issuer", func(s string) string { return "code=c&state=" + s + "&iss=https://evil.example" }, "Not held: iss is the server that was asked"},
		{"RFC 9207 §2.4: no issuer", func(s string) string { return "code=c&state=" + s }, "Not held: iss is the server that was asked"},
		{"RFC 9207 §2.4: an error of another issuer", func(s string) string { return "error=access_denied&state=" + s + "&iss=https://evil.example" }, "Not held: iss is the server that was asked"},
		{"RFC 6749 §3.1: a parameter twice", func(s string) string { return "code=c&code=d&state=" + s + "&iss=" + w.issuer }, "no parameter is there twice"},
		{"a code that the server did not give", func(s string) string { return "code=c&state=" + s + "&iss=" + w.issuer }, "The code was refused"},
		{"an error of the standard", func(s string) string { return "error=server_error&state=" + s + "&iss=" + w.issuer }, "server_error"},
		{"an error of nobody's", func(s string) string { return "error=<b>hello</b>&state=" + s + "&iss=" + w.issuer }, "answered the request with an error"},
	} {
		b := newBrowser(t)
		got := b.get(w.appURL + PathCallback + "?" + c.query(b.state(w)))
		if got.status != http.StatusBadRequest || !strings.Contains(got.text, c.says) || strings.Contains(got.text, "hello") {
			t.Errorf("%s: status %d\n%s", c.name, got.status, got.text)
		}
	}
}

func TestAStateIsGoodForOneAnswerInItsOwnBrowser(t *testing.T) {
	w, b := newWorld(t), newBrowser(t)
	state := b.state(w)
	query := PathCallback + "?error=access_denied&iss=" + w.issuer + "&state=" + state
	newBrowser(t).get(w.appURL+query).has(t, "not begun here")
	other := newBrowser(t)
	other.state(w)
	other.get(w.appURL+query).has(t, "does not fit")
	b.get(w.appURL+query).has(t, "You did not allow it")
	b.get(w.appURL+query).has(t, "does not fit")
}

func TestTheBrowserHoldsANameAndNothingElse(t *testing.T) {
	w, b := newWorld(t), newBrowser(t)
	b.state(w)
	before := w.held(t).id
	b.signIn(w)
	s := w.held(t)
	if s.id == before {
		t.Error("the session keeps its name when somebody signs in")
	}
	at, err := url.Parse(w.appURL)
	if err != nil {
		t.Fatal(err)
	}
	for _, cookie := range b.http.Jar.Cookies(at) {
		for name, token := range map[string]string{"access": s.here.tokens.Access, "ID": s.here.tokens.ID, "refresh": s.here.tokens.Refresh} {
			if strings.Contains(cookie.Value, token) {
				t.Errorf("the cookie %s holds the %s token", cookie.Name, name)
			}
		}
	}
	fresh := newBrowser(t)
	fresh.stay = true
	set := fresh.get(w.appURL + "/login").header.Get("Set-Cookie")
	for _, want := range []string{cookieName + "=", "HttpOnly", "SameSite=Lax", "Path=/"} {
		if !strings.Contains(set, want) {
			t.Errorf("Set-Cookie %q lacks %s", set, want)
		}
	}
}

func TestFormsComeFromTheAppsOwnPagesAndRequestsForItsOwnHost(t *testing.T) {
	w, b := newWorld(t), newBrowser(t)
	b.signIn(w)
	for _, site := range []string{"cross-site", "same-site"} {
		r, err := http.NewRequestWithContext(t.Context(), http.MethodPost, w.appURL+"/leave/app", nil)
		if err != nil {
			t.Fatal(err)
		}
		r.Header.Set("Sec-Fetch-Site", site)
		if got := b.do(r); got.status != http.StatusForbidden {
			t.Errorf("%s: status %d", site, got.status)
		}
	}
	if w.held(t).here == nil {
		t.Error("somebody else signed the visitor out")
	}
	for _, address := range []string{w.appURL, w.apiURL, otherName(w.appURL), w.front} {
		r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, address, nil)
		if err != nil {
			t.Fatal(err)
		}
		r.Host = "evil.example"
		if got := b.do(r); got.status != http.StatusMisdirectedRequest {
			t.Errorf("%s under another name: status %d", address, got.status)
		}
	}
}

func TestEveryPageButOneAllowsNoScript(t *testing.T) {
	w, b := newWorld(t), newBrowser(t)
	b.signIn(w)
	for _, path := range []string{"/", "/you", "/tokens", "/api", "/refresh", "/leave", PathCallback, "/style.css", "/browsers.js", "/icon.svg"} {
		got := b.get(w.appURL + path)
		policy := got.header.Get("Content-Security-Policy")
		for _, want := range []string{"default-src 'none'", "form-action 'self' " + w.issuer + ";", "frame-ancestors 'none'", "base-uri 'none'"} {
			if !strings.Contains(policy, want) {
				t.Errorf("%s: the policy %q lacks %q", path, policy, want)
			}
		}
		if strings.Contains(policy, "script-src") || strings.Contains(got.text, "<script") || strings.Contains(got.text, "style=") {
			t.Errorf("%s has a script, allows one, or has inline style", path)
		}
	}
}

func TestLoggingOutComesBackWithTheStateThatWentOut(t *testing.T) {
	w, b := newWorld(t), newBrowser(t)
	b.signIn(w)
	b.stay = true
	b.post(w.appURL+"/leave/server", nil)
	b.stay = false
	b.get(w.appURL+PathSignedOut+"?state=other").has(t, "Mintmark did not send you here")
}

func TestTheAppForgetsTheOldestOfTooManyVisitors(t *testing.T) {
	s := sessions{byID: map[string]*session{}}
	first := s.begin(discard{http.Header{}}, "a.example")
	first.used = time.Now().Add(-time.Minute)
	for range maxSessions {
		s.begin(discard{http.Header{}}, "a.example")
	}
	if len(s.byID) != maxSessions || s.byID[first.id] != nil {
		t.Errorf("%d sessions, the oldest among them: %v", len(s.byID), s.byID[first.id] != nil)
	}
	for n := range maxPending + 3 {
		first.expect(string(rune('a'+n)), pending{at: time.Now().Add(time.Duration(n) * time.Second)})
	}
	if _, ok := first.take("a"); ok || len(first.pending) != maxPending {
		t.Errorf("%d sign-ins under way, the first among them: %v", len(first.pending), ok)
	}
}

// discard is where an answer goes that nobody reads.
type discard struct{ header http.Header }

func (d discard) Header() http.Header       { return d.header }
func (discard) Write(b []byte) (int, error) { return len(b), nil }
func (discard) WriteHeader(int)             {}
