package security_test

import (
	"encoding/base64"
	"encoding/json"
	"maps"
	"net/http"
	"net/url"
	"strings"

	"github.com/mintmark-id/mintmark/internal/oauth"
	"github.com/mintmark-id/mintmark/internal/web/pages"
)

// ask is the authorization request that a client usually makes.
func ask(clientID string) url.Values {
	settings := clients()[clientID]
	params := url.Values{
		"response_type": {"code"}, "client_id": {clientID},
		"scope": {"openid"}, "state": {"s-" + clientID}, "nonce": {"n-" + clientID},
		"code_challenge": {oauth.ChallengeOf(verifier)}, "code_challenge_method": {"S256"},
	}
	if len(settings.RedirectURIs) > 0 {
		params.Set("redirect_uri", settings.RedirectURIs[0])
	}
	return params
}

// with sets or, with an empty value, removes parameters: name, value, name, value.
func with(params url.Values, pairs ...string) url.Values {
	changed := maps.Clone(params)
	for i := 0; i < len(pairs); i += 2 {
		if changed.Del(pairs[i]); pairs[i+1] != "" {
			changed.Set(pairs[i], pairs[i+1])
		}
	}
	return changed
}

// authorize makes an authorization request and goes through the pages that it leads to, saying yes.
func (b *browser) authorize(params url.Values) answer {
	b.t.Helper()
	a := b.query(oauth.PathAuthorize, params)
	for range 3 {
		to := a.location()
		switch {
		case to == nil || a.toClient():
			return a
		case to.Path == pages.PathLogin:
			a = b.post(pages.PathLogin, b.loginForm(to.Query().Get(pages.FieldInteraction), ana, password))
		case to.Path == pages.PathConsent:
			a = b.consent(to.Query().Get(pages.FieldInteraction), pages.DecisionAllow)
		}
	}
	return a
}

// consent answers the consent page of a waiting request.
func (b *browser) consent(interaction, decision string) answer {
	b.t.Helper()
	return b.post(pages.PathConsent, b.consentForm(interaction, decision))
}

// consentForm opens the consent page of a waiting request and fills it in.
func (b *browser) consentForm(interaction, decision string) url.Values {
	b.t.Helper()
	page := b.query(pages.PathConsent, url.Values{pages.FieldInteraction: {interaction}})
	return url.Values{
		pages.FieldToken:       {page.input(pages.FieldToken)},
		pages.FieldUser:        {page.input(pages.FieldUser)},
		pages.FieldInteraction: {interaction},
		pages.FieldDecision:    {decision},
	}
}

// code gets a code for a client: the changes are those of with.
func (b *browser) code(clientID string, changes ...string) string {
	b.t.Helper()
	a := b.authorize(with(ask(clientID), changes...))
	code := a.param("code")
	if code == "" {
		b.t.Fatalf("no code for %s: %d, Location %q, %s", clientID, a.StatusCode, a.Header.Get("Location"), a.element("error-code"))
	}
	return code
}

// app is a client at the endpoints that have no browser.
type app struct {
	*browser
	id string
}

func (w *world) app(id string) *app { return &app{w.newBrowser(), id} }

// call sends a form to an endpoint, authenticated as the client registered it.
func (c *app) call(path string, form url.Values) answer {
	c.t.Helper()
	sent := maps.Clone(form)
	c.header.Del("Authorization")
	switch settings := clients()[c.id]; settings.TokenEndpointAuthMethod {
	case string(oauth.AuthNone):
		sent.Set("client_id", c.id)
	case string(oauth.AuthPost):
		sent.Set("client_id", c.id)
		sent.Set("client_secret", c.secrets[c.id])
	default:
		c.header.Set("Authorization", basic(c.id, c.secrets[c.id]))
	}
	return c.post(path, sent)
}

func basic(id, secret string) string {
	return "Basic " + base64.StdEncoding.EncodeToString([]byte(url.QueryEscape(id)+":"+url.QueryEscape(secret)))
}

// redeem presents a code. The changes are those of with.
func (c *app) redeem(code string, changes ...string) answer {
	c.t.Helper()
	c.log.hide(code)
	return c.call(oauth.PathToken, with(url.Values{
		"grant_type": {"authorization_code"}, "code": {code},
		"redirect_uri": {clients()[c.id].RedirectURIs[0]}, "code_verifier": {verifier},
	}, changes...))
}

// refresh presents a refresh token. The changes are those of with.
func (c *app) refresh(token string, changes ...string) answer {
	c.t.Helper()
	c.log.hide(token)
	return c.call(oauth.PathToken, with(url.Values{"grant_type": {"refresh_token"}, "refresh_token": {token}}, changes...))
}

// tokens are those of an answer.
type tokens struct {
	Access  string `json:"access_token"`
	Refresh string `json:"refresh_token"`
	ID      string `json:"id_token"`
	Scope   string `json:"scope"`
	Expires int64  `json:"expires_in"`
}

// tokens reads an answer that must have them.
func (c *app) tokens(a answer) tokens {
	c.t.Helper()
	var got tokens
	if err := json.Unmarshal([]byte(a.body), &got); err != nil || got.Access == "" {
		c.t.Fatalf("%s: %d without tokens: %s", c.id, a.StatusCode, a.body)
	}
	return got
}

// granted are tokens that a browser's user gives the client.
func (c *app) granted(by *browser, changes ...string) tokens {
	c.t.Helper()
	return c.tokens(c.redeem(by.code(c.id, changes...)))
}

// own are tokens that the client gets for itself.
func (c *app) own(changes ...string) tokens {
	c.t.Helper()
	return c.tokens(c.call(oauth.PathToken, with(url.Values{"grant_type": {"client_credentials"}}, changes...)))
}

// active reports what introspection says of a token.
func (c *app) active(token string) bool {
	c.t.Helper()
	a := c.introspect(token)
	return a["active"] == true
}

// introspect gives the members of an introspection; an inactive one has no other.
func (c *app) introspect(token string) map[string]any {
	c.t.Helper()
	c.log.hide(token)
	a := c.call(oauth.PathIntrospect, url.Values{"token": {token}})
	var members map[string]any
	if err := json.Unmarshal([]byte(a.body), &members); err != nil || a.StatusCode != http.StatusOK {
		c.t.Fatalf("introspection as %s answers %d: %s", c.id, a.StatusCode, a.body)
	}
	if members["active"] != true && a.body != `{"active":false}` {
		c.t.Errorf("an inactive token is told more about: %s", a.body) // RFC 7662 §2.2
	}
	return members
}

func (c *app) revoke(token string) answer {
	c.t.Helper()
	c.log.hide(token)
	return c.call(oauth.PathRevoke, url.Values{"token": {token}})
}

// userinfo presents a token to the userinfo endpoint.
func (w *world) userinfo(token string) answer {
	w.t.Helper()
	w.log.hide(token)
	b := w.newBrowser()
	b.header.Set("Authorization", "Bearer "+token)
	return b.get(oauth.PathUserinfo)
}

// claims are those of a token, unverified.
func (w *world) claims(token string) map[string]any { return w.part(token, 1) }

// part decodes a part of a compact JWS.
func (w *world) part(token string, n int) map[string]any {
	w.t.Helper()
	var members map[string]any
	text, err := base64.RawURLEncoding.DecodeString(strings.Split(token, ".")[n])
	if err == nil {
		err = json.Unmarshal(text, &members)
	}
	if err != nil {
		w.t.Fatalf("%q is no JWT: %v", token, err)
	}
	return members
}

// refusal is the error of an answer in JSON.
func (a answer) refusal() string {
	var members map[string]string
	if json.Unmarshal([]byte(a.body), &members) != nil {
		return ""
	}
	return members["error"]
}

// refuses checks that an answer is a refusal in JSON of this status and error.
func (w *world) refuses(a answer, status int, code string) {
	w.t.Helper()
	if a.StatusCode != status || a.refusal() != code {
		w.t.Errorf("%s %s answers %d %s, not %d %s", a.Request.Method, a.Request.URL.Path, a.StatusCode, a.body, status, code)
	}
}

// showsError checks that an answer is an error page, with the machine code and the parameter, and no redirect.
func (w *world) showsError(a answer, status int, code, parameter string) {
	w.t.Helper()
	if a.StatusCode != status || a.Header.Get("Location") != "" || a.element("error-code") != code || a.element("error-parameter") != parameter {
		w.t.Errorf("%s %s answers %d, error %q, parameter %q, Location %q; not the page of %d %s %s",
			a.Request.Method, a.Request.URL.Path, a.StatusCode, a.element("error-code"), a.element("error-parameter"),
			a.Header.Get("Location"), status, code, parameter)
	}
}

// sendsBack checks that an error went to the client's address, with state and issuer.
func (w *world) sendsBack(a answer, to, code string) {
	w.t.Helper()
	if a.StatusCode != http.StatusSeeOther || !strings.HasPrefix(a.Header.Get("Location"), to) || a.param("error") != code || a.param("code") != "" {
		w.t.Errorf("%s answers %d, Location %q; not 303 to %s with %s", a.Request.URL.Path, a.StatusCode, a.Header.Get("Location"), to, code)
	}
	if a.param("iss") != w.issuer.String() {
		w.t.Errorf("the error response says iss=%q", a.param("iss")) // RFC 9207 §2
	}
}
