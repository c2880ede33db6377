package security_test

import (
	"net/http"
	"net/url"
	"strings"
	"testing"

	"github.com/mintmark-id/mintmark/internal/oauth"
	"github.com/mintmark-id/mintmark/internal/web/pages"
)

// RFC 9700 §2.1.2, every way to ask for a token in a URL.
func TestA1_OnlyTheCodeFlowExists(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	b := w.newBrowser().signIn(ana)
	for _, kind := range []string{
		"token", "id_token", "id_token token", "code token", "code id_token", "code id_token token", "none", "CODE", "code code", " code",
	} {
		for _, mode := range []string{"", "query", "form_post"} {
			a := b.query(oauth.PathAuthorize, with(ask("web"), "response_type", kind, "response_mode", mode))
			if mode == "form_post" {
				if a.input("error") != "unsupported_response_type" || a.input("code") != "" {
					t.Errorf("%q by form_post gives %q", kind, a.body)
				}
				continue
			}
			w.sendsBack(a, "https://app.example/cb", "unsupported_response_type")
			if strings.Contains(a.Header.Get("Location"), "#") {
				t.Errorf("%q is answered in a fragment", kind)
			}
		}
	}
	w.showsError(b.query(oauth.PathAuthorize, with(ask("web"), "response_mode", "fragment")), http.StatusBadRequest, "invalid_request", "response_mode")
}

// RFC 6749 §4.1.2.1: whatever else is wrong, an answer goes nowhere until client and address are known.
func TestA2_ClientAndRedirectURIAreCheckedBeforeAnyRedirect(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	b := w.newBrowser().signIn(ana)
	wrong := map[string]url.Values{
		"unknown client":     with(ask("web"), "client_id", canary),
		"no client":          with(ask("web"), "client_id", ""),
		"foreign address":    with(ask("web"), "redirect_uri", "https://"+canary+".example/cb"),
		"another's address":  with(ask("web"), "redirect_uri", "https://spa.example/cb"),
		"script for address": with(ask("web"), "redirect_uri", "javascript:alert('"+canary+"')"),
	}
	alsoWrong := [][]string{
		{},
		{"response_type", "token"},
		{"scope", "\"" + canary},
		{"prompt", "none login"},
		{"max_age", canary},
		{"code_challenge", ""},
		{"request", canary},
		{"request_uri", "https://" + canary + ".example/r"},
		{"registration", canary},
		{"prompt", "none"},
		{"response_mode", "form_post"},
		{"resource", "#" + canary},
		{"id_token_hint", canary},
	}
	for name, params := range wrong {
		for _, changes := range alsoWrong {
			a := b.query(oauth.PathAuthorize, with(params, changes...))
			parameter := "redirect_uri"
			if strings.Contains(name, "client") {
				parameter = "client_id"
			}
			code := string(oauth.InvalidRequest)
			if name == "unknown client" {
				code = string(oauth.InvalidClient)
			}
			w.showsError(a, http.StatusBadRequest, code, parameter)
			if strings.Contains(a.body, "<script") || strings.Contains(a.body, "form-post") {
				t.Errorf("%s with %q: the page sends the browser on by itself", name, changes)
			}
		}
	}
	if n := w.count(`SELECT count(*) FROM codes`) + w.count(`SELECT count(*) FROM interactions`); n != 0 {
		t.Errorf("%d codes and interactions were made", n)
	}
}

func TestA2_AnUnknownClientIsAskedForByItsError(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	unknown := w.newBrowser().query(oauth.PathAuthorize, with(ask("web"), "client_id", "nobody"))
	w.must(w.engine.DisableClient(t.Context(), "web"))
	disabled := w.newBrowser().query(oauth.PathAuthorize, ask("web"))
	for _, a := range []answer{unknown, disabled} {
		if a.StatusCode < 400 || a.Header.Get("Location") != "" || a.element("error-parameter") != "client_id" {
			t.Errorf("answers %d, %s", a.StatusCode, a.element("error-parameter"))
		}
	}
}

// RFC 6749 §3.1, on GET and POST; only resource repeats.
func TestA3_RepeatedParametersAreRefused(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	b := w.newBrowser().signIn(ana)
	for name := range ask("web") {
		query := ask("web").Encode() + "&" + url.Values{name: {canary}}.Encode()
		for method, a := range map[string]answer{
			"GET":  b.get(oauth.PathAuthorize + "?" + query),
			"POST": b.send(http.MethodPost, oauth.PathAuthorize, query),
		} {
			if name == "client_id" || name == "redirect_uri" {
				w.showsError(a, http.StatusBadRequest, string(oauth.InvalidRequest), name)
				continue
			}
			w.sendsBack(a, "https://app.example/cb", string(oauth.InvalidRequest))
			if name == "state" && a.param("state") != "" {
				t.Errorf("%s: one of two values of state was believed", method)
			}
		}
	}
	twice := b.get(oauth.PathAuthorize + "?" + ask("web").Encode() + "&" + url.Values{"resource": {api, other}}.Encode())
	if twice.param("code") == "" {
		t.Errorf("two resources are refused: %q", twice.Header.Get("Location"))
	}
	// A name in another spelling is another parameter, and unknown ones are ignored.
	if a := b.get(oauth.PathAuthorize + "?" + ask("web").Encode() + "&Client_id=x&unknown=1"); a.param("code") == "" {
		t.Errorf("an unknown parameter is refused: %q", a.Header.Get("Location"))
	}
}

// RFC 9207 §2 and §3.
func TestA4_EveryAuthorizationResponseNamesItsIssuer(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	b := w.newBrowser().signIn(ana)
	if a := b.query(oauth.PathAuthorize, ask("web")); a.param("code") == "" || a.param("iss") != plainIssuer {
		t.Errorf("a success goes to %q", a.Header.Get("Location"))
	}
	w.sendsBack(b.query(oauth.PathAuthorize, with(ask("spa"), "prompt", "none")), "https://spa.example/cb", "consent_required")
	post := b.query(oauth.PathAuthorize, with(ask("web"), "response_mode", "form_post"))
	if post.input("code") == "" || post.input("iss") != plainIssuer {
		t.Errorf("form_post has no issuer: %s", post.body)
	}
	if a := w.newBrowser().get("/.well-known/openid-configuration"); !strings.Contains(a.body, `"authorization_response_iss_parameter_supported":true`) {
		t.Error("the metadata do not say so")
	}
}

// RFC 9700 §4.7: the pages of a waiting request are of no use in another browser, with or without a session there.
func TestA5_APendingPageBelongsToItsBrowser(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	victim := w.newBrowser()
	toLogin := victim.query(oauth.PathAuthorize, ask("spa")).location()
	id := toLogin.Query().Get(pages.FieldInteraction)
	for name, thief := range map[string]*browser{"signed in": w.newBrowser().signIn(bob), "not signed in": w.newBrowser()} {
		w.showsError(thief.get(toLogin.RequestURI()), http.StatusBadRequest, "interaction_expired", "")
		w.showsError(thief.get(pages.PathConsent+"?interaction="+id), http.StatusBadRequest, "interaction_expired", "")
		if name == "not signed in" {
			form := thief.loginForm("", bob, password)
			form.Set(pages.FieldInteraction, id)
			w.showsError(thief.post(pages.PathLogin, form), http.StatusBadRequest, "interaction_expired", "")
		}
		own := thief.query(oauth.PathAuthorize, ask("spa")).location().Query().Get(pages.FieldInteraction)
		if name == "signed in" {
			token := thief.query(pages.PathConsent, url.Values{pages.FieldInteraction: {own}}).input(pages.FieldToken)
			w.showsError(thief.post(pages.PathConsent, url.Values{
				pages.FieldToken: {token}, pages.FieldInteraction: {id}, pages.FieldDecision: {"allow"},
			}), http.StatusBadRequest, "interaction_expired", "")
		}
	}
	if a := victim.authorize(ask("spa")); a.param("code") == "" {
		t.Error("the attempts of others spoiled the request")
	}
}

func TestA5_AnAnsweredPageIsSpent(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	b := w.newBrowser().signIn(ana)
	id := b.query(oauth.PathAuthorize, ask("spa")).param(pages.FieldInteraction)
	form := b.consentForm(id, pages.DecisionAllow)
	if a := b.post(pages.PathConsent, form); a.param("code") == "" {
		t.Fatal("no code")
	}
	w.showsError(b.post(pages.PathConsent, form), http.StatusBadRequest, "interaction_expired", "")
	if n := w.count(`SELECT count(*) FROM codes`); n != 1 {
		t.Errorf("one page gave %d codes", n)
	}
}

// OpenID Connect Core §3.1.2.1: what the client asks about the sign-in is answered from rows, not from what is sent.
func TestA6_PromptMaxAgeAndHintFollowTheServersOwnState(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	fresh := w.newBrowser()
	w.sendsBack(fresh.query(oauth.PathAuthorize, with(ask("web"), "prompt", "none")), "https://app.example/cb", "login_required")
	b := w.newBrowser().signIn(ana)
	hint := w.app("web").granted(b).ID
	theirs := w.app("web").granted(w.newBrowser().signIn(bob)).ID
	asksLogin := func(name string, changes ...string) {
		t.Helper()
		if a := b.query(oauth.PathAuthorize, with(ask("web"), changes...)); a.location() == nil || a.location().Path != pages.PathLogin {
			t.Errorf("%s: goes to %q, not to the sign-in page", name, a.Header.Get("Location"))
		}
		w.sendsBack(b.query(oauth.PathAuthorize, with(with(ask("web"), changes...), "prompt", "none")), "https://app.example/cb", "login_required")
	}
	asksLogin("the hint of another user", "id_token_hint", theirs)
	if a := b.query(oauth.PathAuthorize, with(ask("web"), "id_token_hint", hint, "prompt", "none")); a.param("code") == "" {
		t.Errorf("their own hint: %q", a.Header.Get("Location"))
	}
	if a := b.query(oauth.PathAuthorize, with(ask("web"), "max_age", "600", "prompt", "none")); a.param("code") == "" {
		t.Errorf("a fresh session: %q", a.Header.Get("Location"))
	}
	w.exec(`UPDATE sessions SET auth_time = auth_time - 601000`)
	asksLogin("an old session", "max_age", "600")
	if a := b.query(oauth.PathAuthorize, with(ask("web"), "prompt", "login")); a.location().Path != pages.PathLogin {
		t.Errorf("prompt=login goes to %q", a.Header.Get("Location"))
	}
	for _, bad := range []string{canary, theirs[:len(theirs)-4], w.app("web").granted(b).Access} {
		w.sendsBack(b.query(oauth.PathAuthorize, with(ask("web"), "id_token_hint", bad)), "https://app.example/cb", "invalid_request")
	}
}

// prompt=login is not got round by the page's address or by answering the consent page instead.
func TestA6_AForcedSignInIsNotSteppedOver(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	b := w.newBrowser().signIn(ana)
	id := b.query(oauth.PathAuthorize, with(ask("spa"), "prompt", "login")).param(pages.FieldInteraction)
	a := b.consent(id, pages.DecisionAllow)
	if a.param("code") != "" || a.location() == nil || a.location().Path != pages.PathLogin {
		t.Errorf("the consent page gives %d, %q", a.StatusCode, a.Header.Get("Location"))
	}
	if w.count(`SELECT count(*) FROM codes`) != 0 || w.count(`SELECT count(*) FROM consents`) != 0 {
		t.Error("something was granted without the sign-in")
	}
	a = b.post(pages.PathLogin, b.loginForm(id, ana, "wrong "+password))
	if a.StatusCode != http.StatusUnprocessableEntity {
		t.Errorf("a wrong password answers %d", a.StatusCode)
	}
	if a := b.consent(id, pages.DecisionAllow); a.param("code") != "" {
		t.Error("a failed sign-in counts as one")
	}
}

// The page that asks which account takes an answer of its own browser, about the account that it named, once.
func TestA6_AnAccountIsChosenByWhoIsSignedIn(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	b := w.newBrowser().signIn(ana)
	waiting := func() string {
		t.Helper()
		a := b.query(oauth.PathAuthorize, with(ask("web"), "prompt", "select_account"))
		if a.location() == nil || a.location().Path != pages.PathChoose {
			t.Fatalf("prompt=select_account goes to %q", a.Header.Get("Location"))
		}
		return a.param(pages.FieldInteraction)
	}
	choose := func(by *browser, id, sub, decision string) answer {
		t.Helper()
		page := by.get(pages.PathChoose + "?interaction=" + id)
		return by.post(pages.PathChoose, url.Values{
			pages.FieldToken: {page.input(pages.FieldToken)}, pages.FieldInteraction: {id}, pages.FieldUser: {sub}, pages.FieldDecision: {decision},
		})
	}
	id := waiting()
	if a := choose(b, id, w.subs[bob], pages.DecisionContinue); a.location() == nil || a.location().Path != pages.PathChoose {
		t.Errorf("the choice of somebody else gives %d, %q", a.StatusCode, a.Header.Get("Location"))
	}
	w.showsError(w.newBrowser().signIn(bob).get(pages.PathChoose+"?interaction="+id), http.StatusBadRequest, "interaction_expired", "")
	a := choose(b, id, w.subs[ana], pages.DecisionContinue)
	if a.param("code") == "" {
		t.Fatalf("the account that is signed in gives %d, %q", a.StatusCode, a.Header.Get("Location"))
	}
	w.showsError(b.get(pages.PathChoose+"?interaction="+id), http.StatusBadRequest, "interaction_expired", "")

	// Another account: who thinks better of it is still signed in, who signs in is the answer.
	id = waiting()
	a = choose(b, id, w.subs[ana], pages.DecisionSwitch)
	if a.location() == nil || a.location().Path != pages.PathLogin || !b.signedIn() {
		t.Errorf("another account: %d, %q", a.StatusCode, a.Header.Get("Location"))
	}
	a = b.post(pages.PathLogin, b.loginForm(id, bob, password))
	if got := w.app("web").tokens(w.app("web").redeem(a.param("code"))); w.claims(got.ID)["sub"] != w.subs[bob] {
		t.Errorf("the code is of %v", w.claims(got.ID)["sub"])
	}
}

// Who has just signed in, and is not whom the client asked for, is an error and no page without end.
func TestA6_ASignInOfSomebodyElseIsToldToTheClient(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	b := w.newBrowser().signIn(ana)
	hint := w.app("web").granted(b).ID
	stranger := w.newBrowser()
	id := stranger.query(oauth.PathAuthorize, with(ask("web"), "id_token_hint", hint)).param(pages.FieldInteraction)
	a := stranger.post(pages.PathLogin, stranger.loginForm(id, bob, password))
	w.sendsBack(a, "https://app.example/cb", "login_required")
	w.showsError(stranger.get(pages.PathLogin+"?interaction="+id), http.StatusBadRequest, "interaction_expired", "")
}

// RFC 9700 §4.12: after a form with a password the browser must not send it on.
func TestA8_EveryRedirectIs303(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	b := w.newBrowser()
	id := b.query(oauth.PathAuthorize, ask("spa")).param(pages.FieldInteraction)
	for name, a := range map[string]answer{
		"authorize": b.query(oauth.PathAuthorize, ask("spa")),
		"by post":   w.newBrowser().post(oauth.PathAuthorize, ask("web")),
		"sign in":   b.post(pages.PathLogin, b.loginForm(id, ana, password)),
		"consent":   b.authorize(ask("spa")),
		"account":   b.account(pages.PathAccountApp, url.Values{pages.FieldClient: {"spa"}}),
		"error":     b.query(oauth.PathAuthorize, with(ask("spa"), "scope", "\"")),
		"no":        b.consent(b.query(oauth.PathAuthorize, ask("spa")).param(pages.FieldInteraction), pages.DecisionDeny),
	} {
		if a.StatusCode != http.StatusSeeOther || a.body != "" {
			t.Errorf("%s answers %d with %d bytes", name, a.StatusCode, len(a.body))
		}
	}
}

// everyEndpoint is each public path and the method that it answers.
func everyEndpoint() map[string]string {
	return map[string]string{
		"/.well-known/openid-configuration":       http.MethodGet,
		"/.well-known/oauth-authorization-server": http.MethodGet,
		oauth.PathJWKS:           http.MethodGet,
		oauth.PathAuthorize:      http.MethodGet,
		oauth.PathToken:          http.MethodPost,
		oauth.PathIntrospect:     http.MethodPost,
		oauth.PathRevoke:         http.MethodPost,
		oauth.PathUserinfo:       http.MethodGet,
		oauth.PathEndSession:     http.MethodGet,
		pages.PathIndex:          http.MethodGet,
		pages.PathLogin:          http.MethodGet,
		pages.PathConsent:        http.MethodGet,
		pages.PathChoose:         http.MethodGet,
		pages.PathLogout:         http.MethodGet,
		pages.PathSetup:          http.MethodGet,
		pages.PathAccount:        http.MethodGet,
		pages.PathAccountPass:    http.MethodPost,
		pages.PathAccountSession: http.MethodPost,
		pages.PathAccountApp:     http.MethodPost,
		pages.PathAccountSignOut: http.MethodPost,
		"/healthz":               http.MethodGet,
		"/readyz":                http.MethodGet,
	}
}
