package security_test

import (
	"encoding/json"
	"fmt"
	"maps"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/mintmark-id/mintmark/internal/decide"
	"github.com/mintmark-id/mintmark/internal/engine"
	"github.com/mintmark-id/mintmark/internal/jose"
	"github.com/mintmark-id/mintmark/internal/oauth"
	"github.com/mintmark-id/mintmark/internal/record"
)

// serial numbers the assertions of all tests.
var serial atomic.Int64

const bearerType = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"

// keyed is a client that authenticates with a key of its own.
type keyed struct {
	*world
	id  string
	key *jose.PrivateKey
}

// newKeyed registers such a client; settings without keys get this one.
func (w *world) newKeyed(id string, alg jose.Algorithm, settings record.ClientSettings) *keyed {
	w.t.Helper()
	key, err := jose.Generate(alg)
	w.must(err)
	settings.TokenEndpointAuthMethod = string(oauth.AuthPrivateKeyJWT)
	if settings.GrantTypes == nil {
		settings.GrantTypes = []string{oauth.GrantClientCredentials}
	}
	if settings.JWKSURI == "" && settings.JWKS == nil {
		settings.JWKS, err = json.Marshal(jose.KeySet{key.Public()})
		w.must(err)
	}
	made, err := w.engine.CreateClient(w.t.Context(), id, engine.ClientForm{Name: id, Settings: settings})
	w.must(err)
	if made.Secret != "" {
		w.t.Error("a client with a key of its own was given a secret")
	}
	return &keyed{world: w, id: id, key: key}
}

// assertion is signed with the claims of a good one, changed.
func (k *keyed) assertion(typ string, pairs ...any) string {
	k.t.Helper()
	now := time.Now().Unix()
	payload := changed(map[string]any{
		"iss": k.id, "sub": k.id, "aud": k.issuer.String(), "jti": fmt.Sprint(serial.Add(1)), "iat": now, "exp": now + 60,
	}, pairs...)
	text, err := json.Marshal(payload)
	k.must(err)
	token, err := jose.Sign(k.key, typ, text)
	k.must(err)
	k.log.hide(token)
	return token
}

// call sends a form with an assertion.
func (k *keyed) call(path string, form url.Values, assertion string) answer {
	k.t.Helper()
	form = maps.Clone(form)
	form.Set("client_assertion_type", bearerType)
	form.Set("client_assertion", assertion)
	return k.newBrowser().post(path, form)
}

func machineForm() url.Values { return url.Values{"grant_type": {"client_credentials"}} }

// RFC 6749 §3.2.1, RFC 7521 §4.2: with the client_id or without it.
func TestF3_AClientAuthenticatesWithAKeyOfItsOwnEverywhere(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	for i, alg := range []jose.Algorithm{jose.ES256, jose.RS256, jose.PS256, jose.Ed25519} {
		k := w.newKeyed(fmt.Sprint("keyed-", i), alg, record.ClientSettings{})
		got := k.call(oauth.PathToken, with(machineForm(), "client_id", k.id), k.assertion(""))
		if got.StatusCode != http.StatusOK {
			t.Fatalf("%s: %d %s", alg, got.StatusCode, got.body)
		}
		token := got.member("access_token")
		if a := k.call(oauth.PathIntrospect, url.Values{"token": {token}}, k.assertion("JWT")); a.StatusCode != http.StatusOK || a.member("client_id") != k.id {
			t.Errorf("%s: introspection answers %d %s", alg, a.StatusCode, a.body)
		}
		if a := k.call(oauth.PathRevoke, url.Values{"token": {token}}, k.assertion("client-authentication+jwt")); a.StatusCode != http.StatusOK {
			t.Errorf("%s: revocation answers %d %s", alg, a.StatusCode, a.body)
		}
		if a := k.call(oauth.PathIntrospect, url.Values{"token": {token}}, k.assertion("")); a.body != `{"active":false}` {
			t.Errorf("%s: revoked, and %s", alg, a.body)
		}
	}
	metadata := w.newBrowser().get("/.well-known/openid-configuration").body
	for _, endpoint := range []string{"token", "revocation", "introspection"} {
		for _, member := range []string{`_endpoint_auth_methods_supported":["client_secret_basic","client_secret_post","private_key_jwt"`, `_endpoint_auth_signing_alg_values_supported":["ES256","RS256","PS256","Ed25519","EdDSA"]`} {
			if !strings.Contains(metadata, endpoint+member) {
				t.Errorf("%s is not in %s", endpoint+member, metadata)
			}
		}
	}
}

// RFC 7523 §3; each at each endpoint, the same answer, nothing spent.
func TestF4_AnAssertionThatIsNotRightIsRefusedEverywhere(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	k := w.newKeyed("keyed", jose.ES256, record.ClientSettings{})
	other := w.newKeyed("keyed-too", jose.ES256, record.ClientSettings{})
	now := time.Now().Unix()
	spent := w.count(`SELECT count(*) FROM spent`)
	for name, assertion := range map[string]string{
		"of another":           other.assertion("", "iss", k.id, "sub", k.id),
		"for another":          k.assertion("", "aud", "https://"+canary+".example"),
		"for us and another":   k.assertion("", "aud", []string{w.issuer.String(), "https://evil.example"}),
		"another issuer":       k.assertion("", "iss", other.id),
		"another subject":      k.assertion("", "sub", other.id),
		"without exp":          k.assertion("", "exp", nil),
		"expired":              k.assertion("", "exp", now-60),
		"for ever":             k.assertion("", "exp", now+7200),
		"from the future":      k.assertion("", "iat", now+120),
		"not yet":              k.assertion("", "nbf", now+120),
		"without jti":          k.assertion("", "jti", nil),
		"unsigned":             encoded(map[string]any{"alg": "none"}) + "." + strings.Split(k.assertion(""), ".")[1] + ".",
		"under the public key": withMAC([]byte(canary), map[string]any{"alg": "HS256"}, map[string]any{"iss": k.id, "sub": k.id}),
		"no JWT":               canary,
	} {
		for _, path := range protocolEndpoints() {
			form := machineForm()
			if path != oauth.PathToken {
				form = url.Values{"token": {"x"}}
			}
			a := k.call(path, with(form, "client_id", k.id), assertion)
			if a.StatusCode != http.StatusUnauthorized || a.refusal() != "invalid_client" {
				t.Errorf("%s with an assertion %s answers %d %s", path, name, a.StatusCode, a.body)
			}
		}
	}
	if n := w.count(`SELECT count(*) FROM spent`); n != spent {
		t.Errorf("%d were spent", n-spent)
	}
	form := with(machineForm(), "client_id", other.id)
	w.refuses(k.call(oauth.PathToken, form, k.assertion("")), http.StatusUnauthorized, "invalid_client") // RFC 7521 §4.2: the client_id is another's
	twice := k.newBrowser()
	twice.header.Set("Authorization", basic("web", w.secrets["web"]))
	a := twice.post(oauth.PathToken, url.Values{"grant_type": {"client_credentials"}, "client_assertion_type": {bearerType}, "client_assertion": {k.assertion("")}})
	w.refuses(a, http.StatusBadRequest, "invalid_request")
}

// RFC 7523 §3, item 7; also where the request was refused after the client was believed.
func TestF4_AnAssertionCountsOnceAtWhicheverEndpoint(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	k := w.newKeyed("keyed", jose.ES256, record.ClientSettings{Scope: "api:read"})
	for _, first := range protocolEndpoints() {
		assertion := k.assertion("")
		form := with(machineForm(), "scope", "not-mine", "token", "x")
		if a := k.call(first, form, assertion); a.StatusCode == http.StatusUnauthorized {
			t.Errorf("%s answers %d %s", first, a.StatusCode, a.body)
		}
		for _, path := range protocolEndpoints() {
			w.refuses(k.call(path, with(machineForm(), "token", "x"), assertion), http.StatusUnauthorized, "invalid_client")
		}
	}
	// Two clients may choose the same jti.
	other := w.newKeyed("keyed-too", jose.ES256, record.ClientSettings{})
	for _, c := range []*keyed{k, other} {
		if a := c.call(oauth.PathToken, machineForm(), c.assertion("", "jti", "same")); a.StatusCode != http.StatusOK {
			t.Errorf("%s answers %d %s", c.id, a.StatusCode, a.body)
		}
	}
}

// RFC 8725 §3.11, §3.12.
func TestJ8_WhatWasSignedForAnotherPurposeIsNoAssertion(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	k := w.newKeyed("keyed", jose.ES256, record.ClientSettings{})
	for _, typ := range []string{"at+jwt", "oauth-authz-req+jwt", "dpop+jwt", "logout+jwt", "secevent+jwt", canary} {
		w.refuses(k.call(oauth.PathToken, machineForm(), k.assertion(typ)), http.StatusUnauthorized, "invalid_client")
	}
}

// RFC 8725 §3.10: by address, by what it redirects to, and by name.
func TestJ10_AnAddressThatLeadsInwardIsNotCalled(t *testing.T) {
	t.Parallel()
	w := newWorld(t, trusting("127.0.0.3/32"))
	var calls atomic.Int64
	inside := serveOn(t, "127.0.0.2", func(http.ResponseWriter, *http.Request) { calls.Add(1) })
	for name, uri := range map[string]string{"by address": inside, "by another port": "https://127.0.0.2:8443/", "the cloud's": "http://169.254.169.254/latest/meta-data/"} {
		_, err := w.engine.CreateClient(t.Context(), "", engine.ClientForm{Name: "x", Settings: record.ClientSettings{
			GrantTypes: []string{"client_credentials"}, TokenEndpointAuthMethod: "private_key_jwt", JWKSURI: uri,
		}})
		if err == nil {
			t.Errorf("%s: registered", name)
		}
	}
	named := strings.Replace(inside, "127.0.0.2", "localhost", 1)
	redirecting := serveOn(t, "127.0.0.3", func(rw http.ResponseWriter, r *http.Request) { http.Redirect(rw, r, inside, http.StatusFound) })
	for i, uri := range []string{named, redirecting} {
		k := w.newKeyed(fmt.Sprint("sly-", i), jose.ES256, record.ClientSettings{JWKSURI: uri})
		w.refuses(k.call(oauth.PathToken, machineForm(), k.assertion("")), http.StatusUnauthorized, "invalid_client")
	}
	if calls.Load() != 0 {
		t.Error("it was called")
	}
}

// RFC 8725 §3.10: whatever answers there.
func TestY9_WhatAClientNamesIsCalledWithinLimits(t *testing.T) {
	t.Parallel()
	w := newWorld(t, trusting("127.0.0.1/32"))
	block := make([]byte, 1<<20)
	for name, answer := range map[string]http.HandlerFunc{
		"a gigabyte": func(rw http.ResponseWriter, _ *http.Request) {
			for range 1 << 10 {
				if _, err := rw.Write(block); err != nil {
					return
				}
			}
			t.Error("a gigabyte was read")
		},
		"a page": func(rw http.ResponseWriter, _ *http.Request) { _, _ = rw.Write([]byte("<html>" + canary)) },
		"a secret": func(rw http.ResponseWriter, _ *http.Request) {
			_, _ = rw.Write([]byte(`{"keys":[{"kty":"oct","k":"` + canary + `"}]}`))
		},
		"not found": func(rw http.ResponseWriter, _ *http.Request) { rw.WriteHeader(http.StatusNotFound) },
		"ten answers": func(rw http.ResponseWriter, _ *http.Request) {
			_, _ = rw.Write([]byte(strings.Repeat(`{"keys":[]}`, 10)))
		},
	} {
		k := w.newKeyed(strings.ReplaceAll(name, " ", "-"), jose.ES256, record.ClientSettings{JWKSURI: serveOn(t, "127.0.0.1", answer)})
		w.refuses(k.call(oauth.PathToken, machineForm(), k.assertion("")), http.StatusUnauthorized, "invalid_client")
	}
	// Silence is trouble, and not the client's request's: it may come again.
	silent := w.newKeyed("silent", jose.ES256, record.ClientSettings{JWKSURI: serveOn(t, "127.0.0.1", func(_ http.ResponseWriter, r *http.Request) { <-r.Context().Done() })})
	began := time.Now()
	a := silent.call(oauth.PathToken, machineForm(), silent.assertion(""))
	w.refuses(a, http.StatusServiceUnavailable, "temporarily_unavailable")
	if took := time.Since(began); took > 8*time.Second || a.Header.Get("Retry-After") == "" {
		t.Errorf("after %s, Retry-After %q", took, a.Header.Get("Retry-After"))
	}
}

// serveOn answers on an address of this machine.
func serveOn(t *testing.T, host string, answer http.HandlerFunc) string {
	t.Helper()
	listener, err := (&net.ListenConfig{}).Listen(t.Context(), "tcp", host+":0")
	if err != nil {
		t.Fatal(err)
	}
	server := &httptest.Server{Listener: listener, Config: &http.Server{Handler: answer, ReadHeaderTimeout: time.Second}}
	server.Start()
	t.Cleanup(server.Close)
	return server.URL
}

// member is a text of a JSON answer.
func (a answer) member(name string) string {
	var members map[string]any
	if json.Unmarshal([]byte(a.body), &members) != nil {
		return ""
	}
	text, _ := members[name].(string)
	return text
}

// RFC 7591 §2: a client that registers itself may do so with a key instead of a secret, and then keeps to it.
func TestF3_AClientRegistersItselfWithAKey(t *testing.T) {
	t.Parallel()
	w := newWorld(t, withPolicy(func(p *decide.Policy) { p.Registration.Mode = decide.RegistrationOpen }))
	key, err := jose.Generate(jose.ES256)
	w.must(err)
	set, err := json.Marshal(jose.KeySet{key.Public()})
	w.must(err)
	body := func(more string) string {
		return `{"redirect_uris":["https://app.example/cb"],"token_endpoint_auth_method":"private_key_jwt"` + more + `}`
	}
	made := w.newBrowser().says(http.MethodPost, oauth.PathRegister, "", body(`,"jwks":`+string(set)))
	if made.StatusCode != http.StatusCreated || made.member("client_secret") != "" || made.member("client_id") == "" {
		t.Fatalf("%d %s", made.StatusCode, made.body)
	}
	w.log.hide(made.member("registration_access_token"))
	k := &keyed{world: w, id: made.member("client_id"), key: key}
	if a := k.call(oauth.PathIntrospect, url.Values{"token": {"x"}}, k.assertion("")); a.body != `{"active":false}` {
		t.Errorf("%d %s", a.StatusCode, a.body)
	}
	for name, more := range map[string]string{
		"no keys": ``, "keys twice": `,"jwks":` + string(set) + `,"jwks_uri":"https://app.example/jwks"`,
		"a private key":   `,"jwks":` + strings.Replace(string(set), `"kty"`, `"d":"AA","kty"`, 1),
		"a secret":        `,"jwks":{"keys":[{"kty":"oct","k":"AA"}]}`,
		"an inward place": `,"jwks_uri":"https://127.0.0.1/jwks"`,
	} {
		if a := w.newBrowser().says(http.MethodPost, oauth.PathRegister, "", body(more)); a.StatusCode != http.StatusBadRequest || a.refusal() != "invalid_client_metadata" {
			t.Errorf("%s: %d %s", name, a.StatusCode, a.body)
		}
	}
}
