package web

import (
	"maps"
	"net/http"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/mintmark-id/mintmark/internal/engine"
	"github.com/mintmark-id/mintmark/internal/oauth"
	"github.com/mintmark-id/mintmark/internal/record"
	"github.com/mintmark-id/mintmark/internal/web/pages"
)

// The rules that suites from outside hold hosted pages to, one test for each. The
// browser's part of them is in test/browser, with scripts and without.

// guest is a browser that keeps its cookies.
type guest struct {
	*world
	jar map[string]string
}

// hosted is a server with ana and a client of which a page has everything to say.
func hosted(t *testing.T) *guest {
	t.Helper()
	w := newWorld(t, "http://localhost:8484")
	w.addAna()
	_, err := w.engine.CreateClient(t.Context(), "shop", engine.ClientForm{Name: "Paper Shop", Settings: record.ClientSettings{
		RedirectURIs: []string{"https://shop.example/cb"}, PostLogoutRedirectURIs: []string{"https://shop.example/bye"},
		GrantTypes: []string{oauth.GrantAuthorizationCode}, Scope: "openid profile", TokenEndpointAuthMethod: "none",
		LogoURI: "https://shop.example/logo.png", PolicyURI: "https://shop.example/privacy", TosURI: "https://shop.example/terms",
	}})
	if err != nil {
		t.Fatal(err)
	}
	return &guest{world: w, jar: map[string]string{}}
}

func (g *guest) send(method, path string, form url.Values) reply {
	g.t.Helper()
	var cookies []string
	for _, name := range slices.Sorted(maps.Keys(g.jar)) {
		cookies = append(cookies, name+"="+g.jar[name])
	}
	answer := g.do(method, path, form, strings.Join(cookies, "; "))
	for _, line := range answer.header.Values("Set-Cookie") {
		cookie, err := http.ParseSetCookie(line)
		if err != nil {
			g.t.Fatal(err)
		}
		if g.jar[cookie.Name] = cookie.Value; cookie.MaxAge < 0 {
			delete(g.jar, cookie.Name)
		}
	}
	return answer
}

func (g *guest) get(path string) reply { return g.send(http.MethodGet, path, nil) }

// asks is an authorization request of the shop, with changes.
func asks(changes ...string) string {
	q := url.Values{
		"client_id": {"shop"}, "redirect_uri": {"https://shop.example/cb"}, "response_type": {"code"}, "scope": {"openid"}, "state": {"s"},
		"code_challenge": {oauth.ChallengeOf(verifier)}, "code_challenge_method": {"S256"},
	}
	for i := 0; i+1 < len(changes); i += 2 {
		q.Set(changes[i], changes[i+1])
	}
	return "/oauth2/authorize?" + q.Encode()
}

// leads follows a redirect, which must go to a page of ours.
func (g *guest) leads(answer reply, to string) reply {
	g.t.Helper()
	location := answer.header.Get("Location")
	if answer.status != http.StatusSeeOther || !strings.HasPrefix(location, to) {
		g.t.Fatalf("%d to %q, want %s\n%s", answer.status, location, to, answer.body)
	}
	return g.get(location)
}

var hiddenInput = regexp.MustCompile(`<input type="hidden" name="([^"]*)" value="([^"]*)">`)

// fields are what the page's form sends by itself.
func (r reply) fields() url.Values {
	form := url.Values{}
	for _, m := range hiddenInput.FindAllStringSubmatch(r.body, -1) {
		form.Set(m[1], m[2])
	}
	return form
}

func (g *guest) signIn(page reply) reply {
	g.t.Helper()
	form := page.fields()
	form.Set(pages.FieldIdentifier, "ana@example.com")
	form.Set(pages.FieldPassword, password)
	return g.send(http.MethodPost, "/login", form)
}

func (g *guest) allows(page reply) reply {
	g.t.Helper()
	form := page.fields()
	form.Set(pages.FieldDecision, pages.DecisionAllow)
	return g.send(http.MethodPost, "/consent", form)
}

func holds(t *testing.T, what, body string, want ...string) {
	t.Helper()
	for _, text := range want {
		if !strings.Contains(body, text) {
			t.Errorf("%s lacks %s\n%s", what, text, body)
		}
	}
}

func TestHostedPages1_EachIsAFormOfTheServerThatNeedsNoScript(t *testing.T) {
	g := hosted(t)
	login := g.leads(g.get(asks()), "/login")
	consent := g.leads(g.signIn(login), "/consent")
	for name, page := range map[string]reply{
		"login": login, "consent": consent, "logout": g.get("/oauth2/logout?client_id=shop"), "error": g.get(asks("client_id", "nobody")),
	} {
		if strings.Contains(page.body, "<script") || !strings.Contains(page.header.Get("Content-Security-Policy"), "script-src 'none'") {
			t.Errorf("the %s page has a script", name)
		}
		if name != "error" {
			holds(t, name, page.body, `<form method="post"`, `type="submit"`)
		}
	}
}

func TestHostedPages2_TheIDsAreAsPublished(t *testing.T) {
	g := hosted(t)
	login := g.leads(g.get(asks()), "/login")
	holds(t, "login", login.body, `id="login-identifier"`, `id="login-password"`, `id="login-submit"`) // on one page
	holds(t, "consent", g.leads(g.signIn(login), "/consent").body, `id="consent-allow"`, `id="consent-deny"`)
	holds(t, "logout", g.get("/oauth2/logout?client_id=shop").body, `id="logout-confirm"`, `id="logout-cancel"`)
}

func TestHostedPages3_EachHasAnAddressOfItsOwn(t *testing.T) {
	g := hosted(t)
	consent := g.leads(g.signIn(g.leads(g.get(asks()), "/login?")), "/consent?")
	if to := g.allows(consent).header.Get("Location"); !strings.HasPrefix(to, "https://shop.example/cb?code=") {
		t.Errorf("consent leads to %q", to)
	}
	if page := g.get("/oauth2/logout?client_id=shop"); page.status != http.StatusOK {
		t.Errorf("the end-session path answers %d", page.status)
	}
	for _, unsafe := range []string{asks("redirect_uri", "https://evil.example/"), asks("client_id", "nobody")} {
		if page := g.get(unsafe); page.status != http.StatusBadRequest || page.header.Get("Location") != "" {
			t.Errorf("%s answers %d to %q", unsafe, page.status, page.header.Get("Location"))
		}
	}
}

func TestHostedPages4_AnErrorPageShowsCodeAndParameterAsTheyAre(t *testing.T) {
	g := hosted(t)
	for parameter, path := range map[string]string{
		"redirect_uri": asks("redirect_uri", "https://evil.example/"), "client_id": asks("client_id", "nobody"),
		"post_logout_redirect_uri": "/oauth2/logout?client_id=shop&post_logout_redirect_uri=https://evil.example/",
		"id_token_hint":            "/oauth2/logout?id_token_hint=nonsense",
	} {
		for language, sentence := range map[string]string{"en": "Error", "de": "Fehler"} {
			page := g.get(path + "&ui_locales=" + language)
			if page.status/100 != 4 || page.header.Get("Content-Language") != language {
				t.Errorf("%s: %d in %s", parameter, page.status, page.header.Get("Content-Language"))
			}
			holds(t, path, page.body, `id="error-parameter" translate="no">`+parameter+`</code>`, `id="error-code" translate="no">invalid_`, "<dt>"+sentence+"</dt>")
		}
	}
}

func TestHostedPages5_TheSignInPageSaysWhoAsksAndForgivesWhatItDoesNotKnow(t *testing.T) {
	g := hosted(t)
	page := g.leads(g.get(asks("login_hint", "ana@example.com", "ui_locales", "tlh zz-ZZ", "display", "wap", "claims_locales", "xx", "acr_values", "9 8")), "/login")
	holds(t, "login", page.body, "<h1>Sign in</h1>", "Paper Shop", `src="https://shop.example/logo.png"`, `href="https://shop.example/privacy"`,
		`href="https://shop.example/terms"`, `value="ana@example.com"`)
	if policy := page.header.Get("Content-Security-Policy"); !strings.Contains(policy, "img-src 'self' data: https:") {
		t.Errorf("the logo may not be shown: %s", policy)
	}
}

func TestHostedPages6_PromptAndMaxAgeAskAgain(t *testing.T) {
	g := hosted(t)
	g.allows(g.leads(g.signIn(g.leads(g.get(asks()), "/login")), "/consent"))
	if to := g.get(asks()).header.Get("Location"); !strings.HasPrefix(to, "https://shop.example/cb?code=") {
		t.Fatalf("who is signed in and has allowed is sent to %q", to)
	}
	g.leads(g.get(asks("prompt", "login")), "/login")
	g.leads(g.get(asks("max_age", "0")), "/login")
	g.leads(g.get(asks("prompt", "consent")), "/consent")
}

func TestHostedPages7_TheFormPostPageSubmitsItselfOrHasAButton(t *testing.T) {
	g := hosted(t)
	consent := g.leads(g.signIn(g.leads(g.get(asks("response_mode", "form_post")), "/login")), "/consent")
	policy := consent.header.Get("Content-Security-Policy")
	if !strings.Contains(policy, "form-action 'self' https://shop.example;") {
		t.Errorf("the consent form may not lead to the client: %s", policy)
	}
	page := g.allows(consent)
	nonce := regexp.MustCompile(`<script nonce="(\w+)">`).FindStringSubmatch(page.body)
	policy = page.header.Get("Content-Security-Policy")
	if nonce == nil || !strings.Contains(policy, "script-src 'nonce-"+nonce[1]+"'") || !strings.Contains(policy, "form-action 'self' https://shop.example;") {
		t.Errorf("nonce %v, policy %s", nonce, policy)
	}
	holds(t, "form_post", page.body, `action="https://shop.example/cb"`, `name="code"`, `name="state" value="s"`, "<noscript>", `type="submit"`)
}

func TestHostedPages8_ACrossSitePostIsAskedAgainByGet(t *testing.T) {
	g := hosted(t)
	login := g.leads(g.get(asks()), "/login")
	signedIn := g.signIn(login)
	if set := signedIn.header.Get("Set-Cookie"); !strings.Contains(set, "SameSite=Lax") || !strings.Contains(set, "HttpOnly") {
		t.Errorf("the session cookie is %q", set)
	}
	_, query, _ := strings.Cut(asks(), "?")
	form, err := url.ParseQuery(query)
	if err != nil {
		t.Fatal(err)
	}
	posted := g.do(http.MethodPost, "/oauth2/authorize", form, "") // a browser keeps Lax cookies back
	if to := posted.header.Get("Location"); posted.status != http.StatusSeeOther || to != "/oauth2/authorize?"+query {
		t.Errorf("%d to %q", posted.status, to)
	}
	g.leads(g.get(posted.header.Get("Location")), "/consent") // and finds the session
}

func TestHostedPages9_LogoutWithoutAHintAsksAndThenSaysSo(t *testing.T) {
	g := hosted(t)
	g.signIn(g.leads(g.get(asks()), "/login"))
	page := g.get("/oauth2/logout?client_id=shop&post_logout_redirect_uri=" + url.QueryEscape("https://shop.example/bye"))
	if page.status != http.StatusOK || page.header.Get("Location") != "" {
		t.Fatalf("%d to %q", page.status, page.header.Get("Location"))
	}
	holds(t, "logout", page.body, "Sign out?")
	if account := g.get("/account"); account.status != http.StatusOK {
		t.Errorf("asking alone has signed out: %d", account.status)
	}
	form := page.fields()
	form.Set(pages.FieldDecision, pages.DecisionLogout)
	done := g.send(http.MethodPost, "/logout", form)
	if done.status != http.StatusOK || done.header.Get("Location") != "" {
		t.Errorf("%d to %q", done.status, done.header.Get("Location"))
	}
	holds(t, "signed out", done.body, "<h1>Signed out</h1>", `href="https://shop.example/bye"`)
	g.leads(g.get("/account"), "/login")
}
