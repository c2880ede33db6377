package security_test

import (
	"encoding/base64"
	"net/http"
	"net/url"
	"strings"
	"testing"

	"github.com/mintmark-id/mintmark/internal/engine"
	"github.com/mintmark-id/mintmark/internal/oauth"
	"github.com/mintmark-id/mintmark/internal/record"
)

func engineForm() engine.ClientForm {
	return engine.ClientForm{Name: "x", Settings: record.ClientSettings{GrantTypes: []string{"client_credentials"}}}
}

func resourceSettings() record.ResourceSettings {
	return record.ResourceSettings{Name: "API", Scopes: []string{"api:read", "api:write"}}
}

// formFor is a request that would be answered, of every kind that a client must authenticate for.
func formFor(path, token string) url.Values {
	if path == oauth.PathToken {
		return url.Values{"grant_type": {"refresh_token"}, "refresh_token": {token}}
	}
	return url.Values{"token": {token}}
}

// RFC 6749 §3.2.1, RFC 7009 §2.1, RFC 7662 §2.1: at every endpoint, in every way that is not the right one.
func TestF1_ConfidentialClientsAuthenticateEverywhere(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	b := w.newBrowser().signIn(ana)
	web := w.app("web")
	got := web.granted(b, "scope", "openid offline_access")
	secretOf := w.secrets["web"]
	for _, path := range protocolEndpoints() {
		for name, attempt := range map[string]func(c *browser, form url.Values){
			"nothing":                  func(*browser, url.Values) {},
			"only its id":              func(_ *browser, f url.Values) { f.Set("client_id", "web") },
			"an empty secret in basic": func(c *browser, _ url.Values) { c.header.Set("Authorization", basic("web", "")) },
			"an empty secret in body":  func(_ *browser, f url.Values) { f.Set("client_id", "web"); f.Set("client_secret", "") },
			"a wrong secret":           func(c *browser, _ url.Values) { c.header.Set("Authorization", basic("web", "mcs_"+canary)) },
			"another's secret":         func(c *browser, _ url.Values) { c.header.Set("Authorization", basic("web", w.secrets["machine"])) },
			"a part of its secret": func(c *browser, _ url.Values) {
				c.header.Set("Authorization", basic("web", secretOf[:len(secretOf)-1]))
			},
			"its secret and more":    func(c *browser, _ url.Values) { c.header.Set("Authorization", basic("web", secretOf+"x")) },
			"its secret in capitals": func(c *browser, _ url.Values) { c.header.Set("Authorization", basic("web", strings.ToUpper(secretOf))) },
			"its id in capitals":     func(c *browser, _ url.Values) { c.header.Set("Authorization", basic("WEB", secretOf)) },
			"its secret's hash": func(c *browser, _ url.Values) {
				c.header.Set("Authorization", basic("web", base64.RawURLEncoding.EncodeToString([]byte(secretOf))))
			},
			"a bearer token": func(c *browser, f url.Values) {
				c.header.Set("Authorization", "Bearer "+got.Access)
				f.Set("client_id", "web")
			},
			"basic without a colon": func(c *browser, _ url.Values) {
				c.header.Set("Authorization", "Basic "+base64.StdEncoding.EncodeToString([]byte("web")))
			},
			"basic that is no base64": func(c *browser, _ url.Values) {
				c.header.Set("Authorization", "Basic "+strings.TrimRight(basic("web", secretOf)[6:], "=")+"!")
			},
			"an assertion": func(_ *browser, f url.Values) {
				f.Set("client_id", "web")
				f.Set("client_assertion_type", "urn:ietf:params:oauth:client-assertion-type:jwt-bearer")
				f.Set("client_assertion", got.ID)
			},
			"its session cookie": func(c *browser, f url.Values) { c.jar = b.jar; f.Set("client_id", "web") },
		} {
			c := w.newBrowser()
			form := formFor(path, got.Refresh)
			attempt(c, form)
			a := c.post(path, form)
			if a.StatusCode != http.StatusUnauthorized || a.refusal() != "invalid_client" || !strings.HasPrefix(a.Header.Get("Www-Authenticate"), "Basic ") {
				t.Errorf("%s with %s answers %d %s", path, name, a.StatusCode, a.body)
			}
		}
	}
	if !web.active(got.Refresh) {
		t.Error("somebody without the secret had an effect")
	}
}

// The refusal does not say whether the client exists.
func TestF1_UnknownClientAndWrongSecretLookTheSame(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	for _, path := range protocolEndpoints() {
		var first string
		for _, id := range []string{"web", "nobody", "spa", canary} {
			c := w.newBrowser()
			c.header.Set("Authorization", basic(id, "mcs_wrong"))
			a := c.post(path, formFor(path, "x"))
			a.Header.Del("Date")
			a.Header.Del("Error-Reference")
			var text strings.Builder
			_ = a.Header.Write(&text)
			if got := a.Status + text.String() + a.body; first == "" {
				first = got
			} else if got != first {
				t.Errorf("%s tells %q apart:\n%s\n%s", path, id, first, got)
			}
		}
	}
}

// RFC 6749 §2.3; OpenID Connect Core §9.
func TestF2_OneMethodAndTheRegisteredOne(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	for _, path := range protocolEndpoints() {
		inBody := func(id string) url.Values {
			return with(formFor(path, "x"), "client_id", id, "client_secret", w.secrets[id])
		}
		w.refuses(w.newBrowser().post(path, inBody("web")), http.StatusUnauthorized, "invalid_client") // registered: basic
		c := w.newBrowser()
		c.header.Set("Authorization", basic("web-two", w.secrets["web-two"])) // registered: post
		w.refuses(c.post(path, formFor(path, "x")), http.StatusUnauthorized, "invalid_client")
		c.header.Set("Authorization", basic("web", w.secrets["web"]))
		w.refuses(c.post(path, inBody("web")), http.StatusBadRequest, "invalid_request") // both
		w.refuses(c.post(path, with(formFor(path, "x"), "client_id", "web-two")), http.StatusBadRequest, "invalid_request")
		public := w.newBrowser()
		w.refuses(public.post(path, with(formFor(path, "x"), "client_id", "spa", "client_secret", canary)), http.StatusUnauthorized, "invalid_client")
		public.header.Set("Authorization", basic("spa", ""))
		w.refuses(public.post(path, formFor(path, "x")), http.StatusUnauthorized, "invalid_client")
		twice := "POST " + path + " HTTP/1.1\r\nHost: localhost:8484\r\nConnection: close\r\nContent-Type: application/x-www-form-urlencoded\r\n" +
			"Authorization: " + basic("machine", w.secrets["machine"]) + "\r\nAuthorization: " + basic("web", canary) + "\r\nContent-Length: 7\r\n\r\ntoken=x"
		w.refusesRaw(w.raw(twice), path, http.StatusBadRequest)
	}
	// A secret in the address is no secret: it does not authenticate.
	c := w.newBrowser()
	a := c.send(http.MethodPost, oauth.PathToken+"?client_id=web-two&client_secret="+url.QueryEscape(w.secrets["web-two"]), "grant_type=client_credentials")
	w.refuses(a, http.StatusUnauthorized, "invalid_client")
}

// A client_id in the body that agrees with the header is no second method.
func TestF2_TheSameClientIDTwiceIsNoContradiction(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	machine := w.app("machine")
	machine.tokens(machine.call(oauth.PathToken, url.Values{"grant_type": {"client_credentials"}, "client_id": {"machine"}}))
}

// ASVS 6.5.3, 13.3.2: 256 bits, shown once, two alive while one is rotated, the old one dead after its time.
func TestF5_SecretsAreLongShownOnceAndRotated(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	old := w.secrets["machine"]
	if raw, err := base64.RawURLEncoding.DecodeString(strings.TrimPrefix(old, "mcs_")); err != nil || len(raw) != 32 {
		t.Errorf("a secret has %d bytes", len(raw))
	}
	works := func(secret string) bool {
		c := w.newBrowser()
		c.header.Set("Authorization", basic("machine", secret))
		return c.post(oauth.PathToken, url.Values{"grant_type": {"client_credentials"}}).StatusCode == http.StatusOK
	}
	rotated, err := w.engine.RotateClientSecret(t.Context(), "machine", 3600)
	w.must(err)
	w.log.hide(rotated.Secret)
	if !works(old) || !works(rotated.Secret) {
		t.Error("while one is rotated, both work")
	}
	shown, err := w.engine.ClientByID(t.Context(), "machine")
	w.must(err)
	if shown.Secret != "" {
		t.Error("a secret is shown again")
	}
	last, err := w.engine.RotateClientSecret(t.Context(), "machine", 0)
	w.must(err)
	w.log.hide(last.Secret)
	if works(old) || works(rotated.Secret) || !works(last.Secret) {
		t.Error("a secret outlives its end")
	}
}

// A client that was disabled is refused at every endpoint, and in every grant.
func TestF1_ADisabledClientIsRefusedEverywhere(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	b := w.newBrowser().signIn(ana)
	web := w.app("web")
	got := web.granted(b, "scope", "openid offline_access")
	w.must(w.engine.DisableClient(t.Context(), "web"))
	for _, path := range protocolEndpoints() {
		w.refuses(web.call(path, formFor(path, got.Refresh)), http.StatusUnauthorized, "invalid_client")
	}
	w.refuses(web.redeem("x"), http.StatusUnauthorized, "invalid_client")
	w.refuses(w.userinfo(got.Access), http.StatusUnauthorized, "invalid_token")
	if w.app("api-server").active(got.Access) {
		t.Error("its token is active")
	}
	if a := b.query(oauth.PathAuthorize, ask("web")); a.StatusCode < 400 || a.element("error-parameter") != "client_id" {
		t.Errorf("authorize answers %d", a.StatusCode)
	}
}
