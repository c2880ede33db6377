package security_test

import (
	"net/http"
	"net/url"
	"strings"
	"testing"

	"github.com/mintmark-id/mintmark/internal/engine"
	"github.com/mintmark-id/mintmark/internal/oauth"
	"github.com/mintmark-id/mintmark/internal/web/pages"
)

// ASVS 10.7.2.
func TestA10_ConsentNamesClientHostScopesAndHowLong(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	b := w.newBrowser().signIn(ana)
	id := b.query(oauth.PathAuthorize, with(ask("spa"), "scope", "openid email offline_access", "resource", api)).param(pages.FieldInteraction)
	page := b.query(pages.PathConsent, url.Values{pages.FieldInteraction: {id}})
	for _, needed := range []string{"The spa", "spa.example", "e-mail", api, "Lasts", "90 days", "Ana Canary"} {
		if !strings.Contains(page.body, needed) {
			t.Errorf("the consent page does not say %q", needed)
		}
	}
	if !strings.Contains(page.body, "https://spa.example/privacy") {
		t.Error("the client's policy is not linked")
	}
}

// RFC 8252 §8.6: any program may listen on loopback, so its user is asked each time, also where nobody else is.
func TestA10_AClientThatNothingAssuresIsAskedForEachTime(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	b := w.newBrowser().signIn(ana)
	for _, uri := range []string{"http://127.0.0.1:51004/cb", "http://localhost:9/cb", "com.example.app:/cb"} {
		params := with(ask("native"), "redirect_uri", uri)
		for range 2 {
			a := b.query(oauth.PathAuthorize, params)
			if a.location() == nil || a.location().Path != pages.PathConsent {
				t.Fatalf("%s: goes to %q, not to the consent page", uri, a.Header.Get("Location"))
			}
			page := b.get(a.location().RequestURI())
			if !strings.Contains(page.body, "Nobody has vouched for this application") {
				t.Errorf("%s: the page does not warn", uri)
			}
			if b.consent(a.param(pages.FieldInteraction), pages.DecisionAllow).param("code") == "" {
				t.Errorf("%s: no code after the yes", uri)
			}
		}
		w.sendsBack(b.query(oauth.PathAuthorize, with(params, "prompt", "none")), uri, "consent_required")
	}
}

// ASVS 10.7.2, RFC 6749 §10.2: claims that are asked for by name are consented to like scopes, and a client that is not
// what it was is asked about again.
func TestA10_ConsentIsForWhatWasNamedAndForTheClientAsItWas(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	b := w.newBrowser().signIn(ana)
	const claims = `{"userinfo":{"nickname":null},"id_token":{"email":null}}`
	asked := with(ask("spa"), "scope", "openid", "claims", claims)
	b.code("spa", "scope", "openid")
	w.sendsBack(b.query(oauth.PathAuthorize, with(asked, "prompt", "none")), "https://spa.example/cb", "consent_required")
	id := b.query(oauth.PathAuthorize, asked).param(pages.FieldInteraction)
	page := b.query(pages.PathConsent, url.Values{pages.FieldInteraction: {id}})
	for _, needed := range []string{"nickname", "e-mail address"} {
		if !strings.Contains(page.body, needed) {
			t.Errorf("the consent page does not say %q", needed)
		}
	}
	if b.consent(id, pages.DecisionAllow).param("code") == "" {
		t.Fatal("no code after the yes")
	}
	silently := func() answer { return b.query(oauth.PathAuthorize, with(asked, "prompt", "none")) }
	if a := silently(); a.param("code") == "" {
		t.Errorf("what was allowed is asked for again: %q", a.Header.Get("Location"))
	}
	if page := b.get(pages.PathAccount); !strings.Contains(page.body, "nickname") {
		t.Error("the account page does not say what was allowed by name")
	}
	for name, change := range map[string]func(*engine.ClientForm){
		"another name": func(f *engine.ClientForm) { f.Name = "The other spa" },
		"one more address": func(f *engine.ClientForm) {
			f.Settings.RedirectURIs = append(f.Settings.RedirectURIs, "https://spa.example/two")
		},
	} {
		client, err := w.engine.ClientByID(t.Context(), "spa")
		w.must(err)
		form := engine.ClientForm{Name: client.Name, Settings: client.Settings}
		change(&form)
		_, err = w.engine.UpdateClient(t.Context(), "spa", form, client.Version)
		w.must(err)
		w.sendsBack(silently(), "https://spa.example/cb", "consent_required")
		if b.consent(b.query(oauth.PathAuthorize, asked).param(pages.FieldInteraction), pages.DecisionAllow).param("code") == "" {
			t.Errorf("%s: no code after the yes", name)
		}
		if a := silently(); a.param("code") == "" {
			t.Errorf("%s: asked for again after the yes", name)
		}
	}
}

func TestA10_AConsentCoversNoMoreThanWasShown(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	b := w.newBrowser().signIn(ana)
	b.code("spa", "scope", "openid email")
	if a := b.query(oauth.PathAuthorize, with(ask("spa"), "scope", "openid", "prompt", "none")); a.param("code") == "" {
		t.Error("less than was allowed is asked about again")
	}
	for _, more := range []string{"openid profile", "openid email offline_access", "openid email api:read"} {
		w.sendsBack(b.query(oauth.PathAuthorize, with(ask("spa"), "scope", more, "prompt", "none")), "https://spa.example/cb", "consent_required")
	}
	someoneElse := w.newBrowser().signIn(bob)
	w.sendsBack(someoneElse.query(oauth.PathAuthorize, with(ask("spa"), "prompt", "none")), "https://spa.example/cb", "consent_required")
}

// The answer of a page is the answer of whoever is signed in then.
func TestA10_ConsentIsGivenByWhoIsSignedIn(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	b := w.newBrowser().signIn(ana)
	id := b.query(oauth.PathAuthorize, ask("spa")).param(pages.FieldInteraction)
	form := b.consentForm(id, pages.DecisionAllow)
	w.exec(`UPDATE sessions SET ended_at = 1`)
	if a := b.post(pages.PathConsent, form); a.param("code") != "" || a.location().Path != pages.PathLogin {
		t.Errorf("a session that has ended consents: %q", a.Header.Get("Location"))
	}
	if n := w.count(`SELECT count(*) FROM consents`); n != 0 {
		t.Error("a consent was stored")
	}
}

// In two tabs of one browser: a page that asked ana is no answer of bob's, who signed in meanwhile.
func TestA10_AnAnswerCountsForWhomThePageAsked(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	b := w.newBrowser().signIn(ana)
	id := b.query(oauth.PathAuthorize, ask("spa")).param(pages.FieldInteraction)
	form := b.consentForm(id, pages.DecisionAllow)
	elsewhere := b.query(oauth.PathAuthorize, with(ask("web"), "prompt", "login")).param(pages.FieldInteraction)
	b.post(pages.PathLogin, b.loginForm(elsewhere, bob, password))
	for _, user := range []string{form.Get(pages.FieldUser), "", canary} {
		if a := b.post(pages.PathConsent, with(form, pages.FieldUser, user)); a.toClient() {
			t.Errorf("the answer of ana's page is bob's: %q", a.Header.Get("Location"))
		}
	}
	if n := w.count(`SELECT count(*) FROM consents`); n != 0 {
		t.Errorf("%d consents were stored", n)
	}
	if b.consent(id, pages.DecisionAllow).param("code") == "" {
		t.Error("bob cannot answer for himself")
	}
}

func TestA10_SayingNoGivesNothing(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	b := w.newBrowser().signIn(ana)
	id := b.query(oauth.PathAuthorize, ask("spa")).param(pages.FieldInteraction)
	a := b.consent(id, pages.DecisionDeny)
	w.sendsBack(a, "https://spa.example/cb", "access_denied")
	if a.param("state") != "s-spa" {
		t.Errorf("state is %q", a.param("state"))
	}
	w.sendsBack(b.query(oauth.PathAuthorize, with(ask("spa"), "prompt", "none")), "https://spa.example/cb", "consent_required")
	w.showsError(b.query(pages.PathConsent, url.Values{pages.FieldInteraction: {id}}), http.StatusBadRequest, "interaction_expired", "")
}

// RFC 9700 §4.2.4.
func TestA12_PagesLoadNothingFromOthersAndTellNobodyWhereTheUserWas(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	b := w.newBrowser().signIn(ana)
	id := b.query(oauth.PathAuthorize, ask("spa")).param(pages.FieldInteraction)
	for _, page := range []answer{
		w.newBrowser().get(pages.PathLogin), b.query(pages.PathConsent, url.Values{pages.FieldInteraction: {id}}), b.get(pages.PathAccount),
		b.get(pages.PathLogout), b.get("/nowhere"), b.query(oauth.PathAuthorize, with(ask("web"), "response_mode", "form_post")),
	} {
		for _, needle := range []string{`src="http`, `src="//`, `href="//`, `@import`, `<iframe`, `<object`, `style="`, ` onclick`, ` onload`} {
			if strings.Contains(page.body, needle) {
				t.Errorf("%s has %s", page.Request.URL.Path, needle)
			}
		}
		if page.Header.Get("Referrer-Policy") != "no-referrer" || page.Header.Get("Cache-Control") != "no-store" {
			t.Errorf("%s: Referrer-Policy %q, Cache-Control %q", page.Request.URL.Path, page.Header.Get("Referrer-Policy"), page.Header.Get("Cache-Control"))
		}
	}
}

// Only what cannot leave a trace of the code in a history elsewhere: query and form_post, and nothing invented.
func TestA13_ResponseModesAreThoseOfTheMetadata(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	b := w.newBrowser().signIn(ana)
	// OpenID Connect Core §3.1.2.6: who asks for an unknown way of answering is answered by no way.
	for _, mode := range []string{"fragment", "query.jwt", "web_message", "FORM_POST", canary} {
		w.showsError(b.query(oauth.PathAuthorize, with(ask("web"), "response_mode", mode, "scope", "nothing")), http.StatusBadRequest, "invalid_request", "response_mode")
	}
	// No browser posts to an app's own scheme: it is told so in the way that it can hear.
	a := b.query(oauth.PathAuthorize, with(ask("native"), "redirect_uri", "com.example.app:/cb", "response_mode", "form_post"))
	w.sendsBack(a, "com.example.app:/cb", "invalid_request")
	if n := w.count(`SELECT count(*) FROM codes`); n != 0 {
		t.Errorf("%d codes were made", n)
	}
}

// ASVS 10.4.12: a client that takes its answers in one way gets them in no other, its errors included.
func TestA13_AClientsResponseModesAreItsOwn(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	b := w.newBrowser().signIn(ana)
	limit := func(mode string) {
		t.Helper()
		client, err := w.engine.ClientByID(t.Context(), "web")
		w.must(err)
		settings := client.Settings
		settings.ResponseModes = []string{mode}
		_, err = w.engine.UpdateClient(t.Context(), "web", engine.ClientForm{Name: client.Name, Settings: settings}, client.Version)
		w.must(err)
	}
	limit(oauth.ResponseQuery)
	w.sendsBack(b.query(oauth.PathAuthorize, with(ask("web"), "response_mode", "form_post")), "https://app.example/cb", "invalid_request")
	if a := b.query(oauth.PathAuthorize, ask("web")); a.param("code") == "" {
		t.Errorf("query gives %d, %q", a.StatusCode, a.Header.Get("Location"))
	}
	limit(oauth.ResponseFormPost)
	for _, mode := range []string{"", "query"} {
		if a := b.query(oauth.PathAuthorize, with(ask("web"), "response_mode", mode)); a.input("error") != "invalid_request" || a.input("iss") != plainIssuer {
			t.Errorf("%q answers %d, %q", mode, a.StatusCode, a.body)
		}
	}
	if a := b.query(oauth.PathAuthorize, with(ask("web"), "response_mode", "form_post")); a.input("code") == "" {
		t.Errorf("form_post gives %d", a.StatusCode)
	}
}

// FAPI 2.0 §5.3.2.2: at least 1000 and 64 characters.
func TestA14_StateComesBackExactlyAndNonceArrives(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	b := w.newBrowser().signIn(ana)
	for _, state := range []string{
		strings.Repeat("s", 4000), "a b+c%20&d=e#f?g/h\\\"'<>", "ключ…✓", "%00", "null", " ", "</script><script>alert(1)</script>",
	} {
		if a := b.query(oauth.PathAuthorize, with(ask("web"), "state", state)); a.param("state") != state || a.param("code") == "" {
			t.Errorf("state %.40q comes back as %.40q", state, a.param("state"))
		}
		if a := b.query(oauth.PathAuthorize, with(ask("web"), "state", state, "scope", "\"")); a.param("state") != state {
			t.Errorf("in an error state %.40q comes back as %.40q", state, a.param("state"))
		}
	}
	if a := b.query(oauth.PathAuthorize, with(ask("web"), "state", "")); strings.Contains(a.Header.Get("Location"), "state") {
		t.Error("a state that nobody sent comes back")
	}
	for _, nonce := range []string{strings.Repeat("n", 1000), "a b+c&\"<>\\é"} {
		got := w.app("web").granted(b, "nonce", nonce)
		if w.claims(got.ID)["nonce"] != nonce {
			t.Errorf("nonce is %v", w.claims(got.ID)["nonce"])
		}
	}
}

// A header cannot be split by what a client wants back.
func TestA14_ControlCharactersAreRefused(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	b := w.newBrowser().signIn(ana)
	for _, bad := range []string{"%0d%0aSet-Cookie:%20x=" + canary, "%00" + canary, "%c2%85" + canary, "%ff" + canary, "%zz" + canary} {
		a := b.get(oauth.PathAuthorize + "?" + with(ask("web"), "state", "").Encode() + "&state=" + bad)
		w.sendsBack(a, "https://app.example/cb", "invalid_request")
		if strings.Contains(a.Header.Get("Location"), canary) || a.Header.Get("Set-Cookie") != "" {
			t.Errorf("%s: %q", bad, a.Header.Get("Location"))
		}
	}
}

// ASVS 10.4.11, and linear cost: a request of a thousand words is answered like one of three.
func TestA15_ScopesAreThoseOfTheClientsList(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	b := w.newBrowser().signIn(ana)
	for asked, want := range map[string]string{
		"openid phone address api:read":                  "api:read openid",
		"openid " + strings.Repeat("x ", 3000) + "email": "email openid",
		"openid openid openid":                           "openid",
		"email":                                          "email",
	} {
		if got := w.app("web").granted(b, "scope", asked); got.Scope != want {
			t.Errorf("%.40q gives %q", asked, got.Scope)
		}
	}
	for _, nothingLeft := range []string{"phone", "OPENID", "api:delete", "offline_access:x"} {
		w.sendsBack(b.query(oauth.PathAuthorize, with(ask("web"), "scope", nothingLeft)), "https://app.example/cb", "invalid_scope")
	}
	for _, malformed := range []string{"openid  email", " openid", "openid\"", "openid \\", "openid é"} {
		w.sendsBack(b.query(oauth.PathAuthorize, with(ask("web"), "scope", malformed)), "https://app.example/cb", "invalid_scope")
	}
	w.sendsBack(b.query(oauth.PathAuthorize, with(ask("web"), "resource", other+"/x")), "https://app.example/cb", "invalid_target")
	w.sendsBack(b.query(oauth.PathAuthorize, with(ask("spa"), "resource", other)), "https://spa.example/cb", "invalid_target")
}

// Seed S1, A10: all of a scope's attributes or none of it.
func TestSeedA10_EmailWithoutEmailVerifiedIsInvalidScope(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	b := w.newBrowser().signIn(ana)
	for _, scope := range []string{"email", "openid email", "openid profile"} {
		w.sendsBack(b.query(oauth.PathAuthorize, with(ask("half-sighted"), "scope", scope)), "https://half.example/cb", "invalid_scope")
		w.sendsBack(w.newBrowser().query(oauth.PathAuthorize, with(ask("half-sighted"), "scope", scope)), "https://half.example/cb", "invalid_scope")
	}
	if got := w.app("half-sighted").granted(b); got.Scope != "openid" {
		t.Errorf("openid alone gives %q", got.Scope)
	}
}
