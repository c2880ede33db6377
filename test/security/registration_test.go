package security_test

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"testing"

	"github.com/mintmark-id/mintmark/internal/decide"
	"github.com/mintmark-id/mintmark/internal/engine"
	"github.com/mintmark-id/mintmark/internal/oauth"
	"github.com/mintmark-id/mintmark/internal/record"
	"github.com/mintmark-id/mintmark/internal/web/pages"
)

func openRegistration(p *decide.Policy) { p.Registration.Mode = decide.RegistrationOpen }

// registrant is a client that registered itself.
type registrant struct {
	*browser
	ID     string `json:"client_id"`
	Secret string `json:"client_secret"`
	Token  string `json:"registration_access_token"`
	URI    string `json:"registration_client_uri"`
	Scope  string `json:"scope"`
}

// says sends JSON to the registration endpoint or one below it.
func (b *browser) says(method, path, token, body string) answer {
	b.t.Helper()
	b.header.Set("Content-Type", "application/json")
	b.header.Del("Authorization")
	if token != "" {
		b.log.hide(token)
		b.header.Set("Authorization", "Bearer "+token)
	}
	return b.send(method, path, body)
}

// registered registers a client, which must work.
func (w *world) registered(body string) *registrant {
	w.t.Helper()
	r := &registrant{browser: w.newBrowser()}
	a := r.says(http.MethodPost, oauth.PathRegister, "", body)
	if err := json.Unmarshal([]byte(a.body), r); err != nil || a.StatusCode != http.StatusCreated || r.ID == "" {
		w.t.Fatalf("%s is answered %d %s", body, a.StatusCode, a.body)
	}
	if r.Token != "" {
		w.log.hide(r.Token)
		w.log.hide(r.Secret)
	}
	return r
}

func (r *registrant) path() string { return oauth.PathRegister + "/" + r.ID }

// ask is an authorization request of the client.
func (r *registrant) ask(pairs ...string) url.Values {
	return with(ask(r.ID), append([]string{"redirect_uri", "https://app.example/cb"}, pairs...)...)
}

// granted are tokens that a browser's user gives the client.
func (r *registrant) granted(by *browser) tokens {
	r.t.Helper()
	a := by.authorize(r.ask())
	code := a.param("code")
	if code == "" {
		r.t.Fatalf("no code: %d %s", a.StatusCode, a.Header.Get("Location"))
	}
	r.header.Set("Authorization", basic(r.ID, r.Secret))
	r.header.Set("Content-Type", "application/x-www-form-urlencoded")
	return w(r).tokens(r.post(oauth.PathToken, url.Values{
		"grant_type": {"authorization_code"}, "code": {code}, "redirect_uri": {"https://app.example/cb"}, "code_verifier": {verifier},
	}))
}

func w(r *registrant) *app { return &app{browser: r.browser, id: r.ID} }

const confidentialClient = `{"redirect_uris":["https://app.example/cb"],"client_name":"App","id_token_signed_response_alg":"ES256"}`

// ASVS 10.4.7; RFC 7592: what counts is the client that would be, when it is made and when it is changed.
func TestY8_ARegistrationIsJudgedByItsResultWhenItIsMadeAndWhenItIsChanged(t *testing.T) {
	t.Parallel()
	world := newWorld(t, withPolicy(openRegistration))
	r := world.registered(confidentialClient)
	before := world.count(`SELECT count(*) FROM clients`)
	for member, code := range map[string]string{
		`"grant_types":["client_credentials"]`:                                          "invalid_client_metadata",
		`"grant_types":["authorization_code","client_credentials"]`:                     "invalid_client_metadata",
		`"grant_types":["password"]`:                                                    "invalid_client_metadata",
		`"grant_types":["implicit"],"response_types":["token"]`:                         "invalid_client_metadata",
		`"response_types":["code id_token"]`:                                            "invalid_client_metadata",
		`"scope":"openid api:read"`:                                                     "invalid_client_metadata",
		`"scope":"revocations:read"`:                                                    "invalid_client_metadata",
		`"id_token_signed_response_alg":"none"`:                                         "invalid_client_metadata",
		`"token_endpoint_auth_method":"` + canary + `"`:                                 "invalid_client_metadata",
		`"application_type":"` + canary + `"`:                                           "invalid_client_metadata",
		`"client_name":"a\u202eb"`:                                                      "invalid_client_metadata",
		`"redirect_uris":["https://app.example/cb","http://` + canary + `.example/cb"]`: "invalid_redirect_uri",
		`"redirect_uris":["https://app.example/cb#f"]`:                                  "invalid_redirect_uri",
		`"redirect_uris":["https://*.app.example/cb"]`:                                  "invalid_redirect_uri",
		`"redirect_uris":["https://u@app.example/cb"]`:                                  "invalid_redirect_uri",
		`"redirect_uris":["https://app.example/a/../cb"]`:                               "invalid_redirect_uri",
		`"redirect_uris":["https://äpp.example/cb"]`:                                    "invalid_redirect_uri",
		`"redirect_uris":["javascript:alert(1)"]`:                                       "invalid_redirect_uri",
		`"redirect_uris":["app:/cb"]`:                                                   "invalid_redirect_uri",
		`"redirect_uris":[]`:                                                            "invalid_redirect_uri",
		`"post_logout_redirect_uris":["http://` + canary + `.example/"]`:                "invalid_client_metadata",
	} {
		body := `{"redirect_uris":["https://app.example/cb"],` + member + `}`
		if strings.Contains(member, `"redirect_uris"`) {
			body = `{` + member + `}`
		}
		stranger := world.newBrowser()
		world.refuses(stranger.says(http.MethodPost, oauth.PathRegister, "", body), http.StatusBadRequest, code)
		update := `{"client_id":"` + r.ID + `",` + body[1:]
		world.refuses(r.says(http.MethodPut, r.path(), r.Token, update), http.StatusBadRequest, code)
	}
	if after := world.count(`SELECT count(*) FROM clients`); after != before {
		t.Errorf("%d clients came of refusals", after-before)
	}
	if n := world.count(`SELECT count(*) FROM clients WHERE id = $1 AND version = 1`, r.ID); n != 1 {
		t.Error("a refused update was written")
	}
}

// A field outside the specifications changes nothing, least of all what an administrator decides.
func TestY8_WhatOnlyAnAdministratorDecidesCannotBeRegistered(t *testing.T) {
	t.Parallel()
	world := newWorld(t, withPolicy(openRegistration))
	r := world.registered(`{"redirect_uris":["https://app.example/cb"],"first_party":true,"resources":["` + api + `"],"pkce":"optional",` +
		`"token_profile":"other","access_token_ttl":86400,"enabled":true,"read_attributes":[],"version":9}`)
	client, err := world.store.Client(t.Context(), r.ID)
	world.must(err)
	if s := client.Settings; s.FirstParty || s.Resources != nil || s.AccessTTL != 0 || s.TokenProfile != record.StandardProfile || s.ReadAttributes != nil {
		t.Errorf("%+v", s)
	}
}

// RFC 7592 §2: a registration access token is of its client alone, stored as its hash, and every refusal is the same.
func TestY8_ARegistrationAccessTokenIsOfItsClientAlone(t *testing.T) {
	t.Parallel()
	world := newWorld(t, withPolicy(openRegistration))
	one, two := world.registered(confidentialClient), world.registered(confidentialClient)
	public := world.registered(`{"redirect_uris":["https://app.example/cb"],"token_endpoint_auth_method":"none"}`)
	if one.ID == two.ID || public.Token != "" || public.URI != "" || public.Secret != "" {
		t.Errorf("%+v, %+v", one, public)
	}
	update := func(id string) string {
		return `{"client_id":"` + id + `","redirect_uris":["https://evil.example/cb"]}`
	}
	for name, c := range map[string]struct{ id, token string }{
		"another's token": {one.ID, two.Token}, "the secret": {one.ID, one.Secret}, "a public client's": {public.ID, one.Token},
		"an administrator's client": {"web", one.Token}, "no client": {"nobody", one.Token}, "half a token": {one.ID, one.Token[:len(one.Token)-1]},
	} {
		for _, method := range []string{http.MethodGet, http.MethodPut, http.MethodDelete} {
			a := world.newBrowser().says(method, oauth.PathRegister+"/"+c.id, c.token, update(c.id))
			if world.refuses(a, http.StatusUnauthorized, "invalid_token"); !strings.HasPrefix(a.Header.Get("WWW-Authenticate"), "Bearer ") {
				t.Errorf("%s, %s: challenged with %q", name, method, a.Header.Get("WWW-Authenticate"))
			}
		}
	}
	for _, text := range []string{one.Token, one.Secret} {
		if n := world.count(`SELECT (SELECT count(*) FROM registrations WHERE instr(token_hash, $1) > 0) + (SELECT count(*) FROM client_secrets WHERE instr(secret_hash, $1) > 0)
			+ (SELECT count(*) FROM clients WHERE instr(settings, $1) > 0)`, text); n != 0 {
			t.Error("a credential is stored in clear")
		}
	}
}

// RFC 7592 §2.3: what is deleted takes all that it has with it.
func TestY8_ADeletedRegistrationTakesItsTokensWithIt(t *testing.T) {
	t.Parallel()
	world := newWorld(t, withPolicy(openRegistration))
	r := world.registered(confidentialClient)
	got := r.granted(world.newBrowser().signIn(ana))
	if a := world.userinfo(got.Access); a.StatusCode != http.StatusOK {
		t.Fatalf("userinfo answers %d %s", a.StatusCode, a.body)
	}
	if a := r.says(http.MethodDelete, r.path(), r.Token, ""); a.StatusCode != http.StatusNoContent {
		t.Fatalf("deleting answers %d %s", a.StatusCode, a.body)
	}
	world.refuses(world.userinfo(got.Access), http.StatusUnauthorized, "invalid_token")
	world.showsError(world.newBrowser().query(oauth.PathAuthorize, r.ask()), http.StatusBadRequest, "invalid_client", "client_id")
	world.refuses(r.says(http.MethodGet, r.path(), r.Token, ""), http.StatusUnauthorized, "invalid_token")
}

// RFC 7591 §3: without leave nothing registers; the switch holds on every path.
func TestY8_NobodyRegistersWithoutLeave(t *testing.T) {
	t.Parallel()
	closed := newWorld(t)
	for _, method := range []string{http.MethodPost, http.MethodGet, http.MethodPut, http.MethodDelete} {
		for _, path := range []string{oauth.PathRegister, oauth.PathRegister + "/web"} {
			if a := closed.newBrowser().says(method, path, "", confidentialClient); a.StatusCode != http.StatusNotFound {
				t.Errorf("%s %s answers %d while registration is off", method, path, a.StatusCode)
			}
		}
	}
	if a := closed.newBrowser().get("/.well-known/openid-configuration"); strings.Contains(a.body, "registration_endpoint") {
		t.Error("the metadata name an endpoint that is not there")
	}
	world := newWorld(t, withPolicy(func(p *decide.Policy) { p.Registration.Mode = decide.RegistrationToken }))
	token, err := world.engine.CreateInitialToken(t.Context(), engine.InitialTokenForm{Name: "one", TTL: 60, Most: 1})
	world.must(err)
	for _, bad := range []string{"", "x", token.Token + "x", token.ID} {
		world.refuses(world.newBrowser().says(http.MethodPost, oauth.PathRegister, bad, confidentialClient), http.StatusUnauthorized, "invalid_token")
	}
	if a := world.newBrowser().says(http.MethodPost, oauth.PathRegister, token.Token, confidentialClient); a.StatusCode != http.StatusCreated {
		t.Fatalf("a good token is answered %d %s", a.StatusCode, a.body)
	}
	world.refuses(world.newBrowser().says(http.MethodPost, oauth.PathRegister, token.Token, confidentialClient), http.StatusUnauthorized, "invalid_token")
	if n := world.count(`SELECT count(*) FROM registrations`); n != 1 {
		t.Errorf("%d registered with a token for one", n)
	}
}

// RFC 9700 §4.11.2: whoever registers a client cannot have this server send people to it.
func TestA11_AClientThatRegisteredItselfGetsNobodyWhoIsNotSignedIn(t *testing.T) {
	t.Parallel()
	world := newWorld(t, withPolicy(openRegistration))
	r := world.registered(confidentialClient)
	for _, broken := range [][]string{{"scope", `"`}, {"response_type", "token"}, {"scope", "nothing"}, {"code_challenge_method", "plain"}, {"response_mode", "fragment"}} {
		a := world.newBrowser().query(oauth.PathAuthorize, r.ask(broken...))
		if a.StatusCode < http.StatusBadRequest || a.Header.Get("Location") != "" {
			t.Errorf("%v leads a stranger to %q (%d)", broken, a.Header.Get("Location"), a.StatusCode)
		}
	}
	if a := world.newBrowser().query(oauth.PathAuthorize, r.ask()); a.location() == nil || a.location().Path != pages.PathLogin {
		t.Errorf("a stranger is sent to %q", a.Header.Get("Location"))
	}
	b := world.newBrowser().signIn(ana)
	world.sendsBack(b.query(oauth.PathAuthorize, r.ask("scope", `"`)), "https://app.example/cb", "invalid_scope")
	// OpenID Connect Core §3.1.2.6: prompt=none exists to come back.
	world.sendsBack(world.newBrowser().query(oauth.PathAuthorize, r.ask("prompt", "none")), "https://app.example/cb", "login_required")
}

// ASVS 10.7.1: its users are asked, also after it has changed, and no administrator makes it trusted by mistake.
func TestA10_AClientThatRegisteredItselfIsAlwaysAskedFor(t *testing.T) {
	t.Parallel()
	world := newWorld(t, withPolicy(openRegistration))
	r := world.registered(confidentialClient)
	b := world.newBrowser().signIn(ana)
	asks := func(when string, want bool) {
		t.Helper()
		a := b.query(oauth.PathAuthorize, r.ask())
		if asked := a.location() != nil && a.location().Path == pages.PathConsent; asked != want {
			t.Errorf("%s: sent to %q", when, a.Header.Get("Location"))
		}
	}
	asks("at first", true)
	got := r.granted(b)
	asks("once she has said yes", false)
	for _, update := range []string{
		`{"client_id":"` + r.ID + `","redirect_uris":["https://app.example/cb"],"client_name":"Bank","id_token_signed_response_alg":"ES256"}`,
		`{"client_id":"` + r.ID + `","redirect_uris":["https://app.example/cb","https://evil.example/cb"],"client_name":"Bank","id_token_signed_response_alg":"ES256"}`,
	} {
		if a := r.says(http.MethodPut, r.path(), r.Token, update); a.StatusCode != http.StatusOK {
			t.Fatalf("%d %s", a.StatusCode, a.body)
		}
		asks("after it changed", true)
		if a := b.authorize(r.ask()); a.param("code") == "" {
			t.Fatalf("no code: %s", a.Header.Get("Location"))
		}
	}
	if a := world.userinfo(got.Access); a.StatusCode != http.StatusOK {
		t.Errorf("what it had is gone: %d", a.StatusCode)
	}
	client, err := world.store.Client(t.Context(), r.ID)
	world.must(err)
	form := engine.ClientForm{Name: client.Name, Settings: client.Settings}
	form.Settings.FirstParty = true
	if _, err := world.engine.UpdateClient(t.Context(), r.ID, form, 0); err == nil {
		t.Error("an administrator can have it pass without consent")
	}
}

// ASVS 3.2.1, for clients that enter themselves.
func TestX3_AddressesOfClientsThatRegisterAreHTTPS(t *testing.T) {
	t.Parallel()
	world := newWorld(t, withPolicy(openRegistration))
	for _, name := range []string{"client_uri", "logo_uri", "policy_uri", "tos_uri", "initiate_login_uri", "logo_uri#de", "tos_uri#pt-BR"} {
		field, _, _ := strings.Cut(name, "#")
		for _, address := range []string{"http://a.example/", "javascript:alert(1)", "data:text/html,x", "//a.example/", "https://u:p@a.example/", "https:", "x"} {
			body := fmt.Sprintf(`{"redirect_uris":["https://a.example/cb"],%q:%q}`, name, address)
			a := world.newBrowser().says(http.MethodPost, oauth.PathRegister, "", body)
			if world.refuses(a, http.StatusBadRequest, "invalid_client_metadata"); !strings.Contains(a.body, "("+field+")") {
				t.Errorf("%s: %s does not say which field", body, a.body)
			}
		}
	}
}

// RFC 7591 §5: a flood of registrations leaves a bounded number of rows, and they go by themselves.
func TestX5_RegistrationsAreBoundedAndForgotten(t *testing.T) {
	t.Parallel()
	world := newWorld(t, withPolicy(func(p *decide.Policy) { openRegistration(p); p.Registration.PerNetwork = 3 }))
	const public = `{"redirect_uris":["https://app.example/cb"],"token_endpoint_auth_method":"none","client_name":"The same"}`
	id := world.registered(public).ID
	for range 9 {
		if again := world.registered(public).ID; again != id {
			t.Fatalf("the same application is %s and %s", id, again)
		}
	}
	kept, lost := world.registered(confidentialClient), world.registered(confidentialClient)
	a := world.newBrowser().says(http.MethodPost, oauth.PathRegister, "", confidentialClient)
	if world.refuses(a, http.StatusTooManyRequests, "temporarily_unavailable"); a.Header.Get("Retry-After") == "" {
		t.Error("nobody says when to come back")
	}
	if a := world.newBrowser("127.0.1.1").says(http.MethodPost, oauth.PathRegister, "", confidentialClient); a.StatusCode != http.StatusCreated {
		t.Errorf("another network is answered %d", a.StatusCode)
	}
	world.registered(public) // nothing is added by it
	if n := world.count(`SELECT count(*) FROM registrations`); n != 4 {
		t.Errorf("there are %d rows", n)
	}
	kept.granted(world.newBrowser().signIn(ana))
	world.exec(`UPDATE registrations SET ends_at = 1 WHERE ends_at > 0`)
	world.must(world.engine.Sweep(t.Context()))
	if n := world.count(`SELECT count(*) FROM clients WHERE id IN ($1, $2, $3)`, kept.ID, lost.ID, id); n != 1 {
		t.Errorf("%d of three are left, one was let in", n)
	}
	if a := kept.says(http.MethodGet, kept.path(), kept.Token, ""); a.StatusCode != http.StatusOK {
		t.Errorf("the one that was let in is answered %d", a.StatusCode)
	}
	world.refuses(lost.says(http.MethodGet, lost.path(), lost.Token, ""), http.StatusUnauthorized, "invalid_token")
}

// OpenID Connect Core §4: the link names the issuer that the client is to come back to.
func TestAnAppThatSaysWhereItBeginsIsALinkOnTheAccountPage(t *testing.T) {
	t.Parallel()
	world := newWorld(t, withPolicy(openRegistration))
	b := world.newBrowser().signIn(ana)
	world.registered(confidentialClient).granted(b)
	if page := b.get(pages.PathAccount).body; strings.Contains(page, `id="account-app-start-`) {
		t.Error("an app without such a place is a link")
	}
	starting := strings.Replace(confidentialClient, "{", `{"initiate_login_uri":"https://app.example/start?tenant=1",`, 1)
	world.registered(starting).granted(b)
	page := b.get(pages.PathAccount).body
	if !strings.Contains(page, `href="https://app.example/start?tenant=1&amp;iss=http%3A%2F%2Flocalhost%3A8484"`) {
		t.Errorf("no link to where it begins:\n%s", page)
	}
}

// RFC 7591 §2.2: who reads German sees the client's German name, and everybody else the one without a language.
func TestAClientIsCalledInTheLanguageOfThePage(t *testing.T) {
	t.Parallel()
	world := newWorld(t, withPolicy(openRegistration))
	r := world.registered(strings.Replace(confidentialClient, "{", `{"client_name#de-AT":"Anwendung",`, 1))
	for language, want := range map[string]string{"de": "Anwendung", "en": "App", "": "App"} {
		b := world.newBrowser().signIn(ana)
		b.header.Set("Accept-Language", language)
		page := b.get(b.query(oauth.PathAuthorize, r.ask()).Header.Get("Location"))
		if !strings.Contains(page.body, ">"+want+"</bdi>") {
			t.Errorf("in %q it is not called %s:\n%s", language, want, page.body)
		}
	}
	for _, wrong := range []string{`"client_name#":"x"`, `"client_name#d":"x"`, `"client_name#de_DE":"x"`, `"client_name#de":"a\u202eb"`, `"client_name#de":7`} {
		a := world.newBrowser().says(http.MethodPost, oauth.PathRegister, "", strings.Replace(confidentialClient, "{", "{"+wrong+",", 1))
		world.refuses(a, http.StatusBadRequest, "invalid_client_metadata")
	}
}
