package security_test

import (
	"encoding/json"
	"net/http"
	"net/url"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/mintmark-id/mintmark/internal/jose"
	"github.com/mintmark-id/mintmark/internal/oauth"
	"github.com/mintmark-id/mintmark/internal/record"
)

const objectReturn = "https://object.example/cb"

// newObjectClient is a client that may send request objects; settings say how.
func (w *world) newObjectClient(id string, settings record.ClientSettings) *keyed {
	w.t.Helper()
	settings.GrantTypes = []string{oauth.GrantAuthorizationCode}
	settings.RedirectURIs = []string{objectReturn, objectReturn + "/other"}
	settings.Scope, settings.PKCE, settings.FirstParty = "openid email", record.PKCEOptional, true
	return w.newKeyed(id, jose.ES256, settings)
}

// object is a request object with the claims of a good one, changed.
func (k *keyed) object(pairs ...any) string {
	k.t.Helper()
	payload := changed(map[string]any{
		"iss": k.id, "aud": k.issuer.String(), "exp": time.Now().Unix() + 60, "client_id": k.id, "response_type": "code",
		"redirect_uri": objectReturn, "scope": "openid", "state": "inside",
	}, pairs...)
	text, err := json.Marshal(payload)
	k.must(err)
	token, err := jose.Sign(k.key, "oauth-authz-req+jwt", text)
	k.must(err)
	return token
}

func unsignedObject(payload map[string]any) string {
	return encoded(map[string]any{"alg": "none"}) + "." + encoded(payload) + "."
}

// outside is what stands around a request object.
func (k *keyed) outside(pairs ...string) url.Values {
	return with(url.Values{
		"client_id": {k.id}, "response_type": {"code"}, "scope": {"openid"}, "redirect_uri": {objectReturn + "/other"}, "state": {"outside"},
	}, pairs...)
}

// RFC 9101 §5, OpenID Connect Core §6.1: by value and by reference, what is inside counts.
func TestA2_WhatARequestObjectSaysCountsAndLeadsWhereItsClientRegistered(t *testing.T) {
	t.Parallel()
	w := newWorld(t, trusting("127.0.0.1/32"))
	b := w.newBrowser().signIn(ana)
	var k *keyed
	uri := serveOn(t, "127.0.0.1", func(rw http.ResponseWriter, _ *http.Request) {
		rw.Header().Set("Content-Type", "application/oauth-authz-req+jwt")
		_, _ = rw.Write([]byte(k.object() + "\n"))
	}) + "/request.jwt"
	k = w.newObjectClient("object", record.ClientSettings{RequestURIs: []string{uri + "#GkurKxf5T0Y-mnPFCHqWOMiZi4VS138cQO_V7PZHAdM"}})
	for name, params := range map[string]url.Values{
		"by value":           k.outside("request", k.object()),
		"with what it needs": with(url.Values{}, "client_id", k.id, "request", k.object()),
		"by reference":       k.outside("request_uri", uri),
		"with a fragment":    k.outside("request_uri", uri+"#another"),
	} {
		a := b.query(oauth.PathAuthorize, params)
		if !strings.HasPrefix(a.Header.Get("Location"), objectReturn+"?") || a.param("code") == "" || a.param("state") != "inside" {
			t.Errorf("%s: %d %s", name, a.StatusCode, a.Header.Get("Location"))
		}
	}
	strict := w.newObjectClient("strict", record.ClientSettings{RequireSignedRequestObject: true})
	a := b.query(oauth.PathAuthorize, strict.outside())
	if a.param("error") != "invalid_request" || a.param("state") != "outside" {
		t.Errorf("a request without an object: %d %s", a.StatusCode, a.Header.Get("Location"))
	}
	a = b.query(oauth.PathAuthorize, strict.outside("request", strict.object("state", nil)))
	if a.param("code") == "" || a.param("state") != "" {
		t.Errorf("what stands outside counts: %s", a.Header.Get("Location"))
	}
	metadata := b.get("/.well-known/openid-configuration").body
	for _, member := range []string{`"request_parameter_supported":true`, `"request_uri_parameter_supported":true`, `"require_request_uri_registration":true`, `"request_object_signing_alg_values_supported":["ES256","RS256","PS256","Ed25519","EdDSA"]`} {
		if !strings.Contains(metadata, member) {
			t.Errorf("%s is not in %s", member, metadata)
		}
	}
}

// RFC 9101 §10.1; RFC 8725 §3.2: unsigned only where the client registered it.
func TestJ1_ARequestObjectIsUnsignedOnlyWhereItsClientRegisteredThat(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	b := w.newBrowser().signIn(ana)
	signing := w.newObjectClient("signing", record.ClientSettings{})
	plain := w.newObjectClient("plain", record.ClientSettings{RequestObjectSigningAlg: "none"})
	payload := func(k *keyed) map[string]any {
		return map[string]any{"client_id": k.id, "redirect_uri": objectReturn, "scope": "openid", "state": "inside"}
	}
	if a := b.query(oauth.PathAuthorize, plain.outside("request", unsignedObject(payload(plain)))); a.param("code") == "" {
		t.Errorf("registered as unsigned: %d %s", a.StatusCode, a.Header.Get("Location"))
	}
	for name, params := range map[string]url.Values{
		"unsigned, not registered":    signing.outside("request", unsignedObject(payload(signing))),
		"signed, registered unsigned": plain.outside("request", plain.object()),
		"under a shared secret":       signing.outside("request", withMAC([]byte(canary), map[string]any{"alg": "HS256"}, payload(signing))),
	} {
		a := b.query(oauth.PathAuthorize, params)
		if a.param("error") != "invalid_request_object" || a.param("state") != "outside" {
			t.Errorf("%s: %d %s", name, a.StatusCode, a.Header.Get("Location"))
		}
	}
}

// RFC 9101 §10, RFC 9700 §4.11: an object that is not believed leads nowhere, and one that is no further than its
// client registered.
func TestB6_ARequestObjectRedirectsNowhereElse(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	b := w.newBrowser().signIn(ana)
	k, other := w.newObjectClient("object", record.ClientSettings{}), w.newObjectClient("other", record.ClientSettings{})
	evil := "https://" + canary + ".example/cb"
	foreign := other.object("iss", k.id, "client_id", k.id, "redirect_uri", evil)
	for name, c := range map[string]struct{ object, code string }{
		"of another, to anywhere":   {foreign, "invalid_request_object"},
		"for another server":        {k.object("aud", evil), "invalid_request_object"},
		"of another issuer":         {k.object("iss", other.id), "invalid_request_object"},
		"expired":                   {k.object("exp", time.Now().Unix()-60), "invalid_request_object"},
		"with another client_id":    {k.object("client_id", other.id), "invalid_request_object"},
		"with another type":         {k.object("response_type", "token"), "invalid_request_object"},
		"with a request inside":     {k.object("request", k.object()), "invalid_request_object"},
		"with a request_uri inside": {k.object("request_uri", evil), "invalid_request_object"},
		"no JWT":                    {canary, "invalid_request_object"},
		"encrypted":                 {"a.b.c.d.e", "invalid_request_object"},
		"a client assertion":        {k.assertion("client-authentication+jwt"), "invalid_request_object"},
	} {
		a := b.query(oauth.PathAuthorize, k.outside("request", c.object))
		if !strings.HasPrefix(a.Header.Get("Location"), objectReturn+"/other?") || a.param("error") != c.code {
			t.Errorf("%s: %d %s", name, a.StatusCode, a.Header.Get("Location"))
		}
		w.showsError(b.query(oauth.PathAuthorize, k.outside("request", c.object, "redirect_uri", evil)), http.StatusBadRequest, "invalid_request", "redirect_uri")
	}
	for name, params := range map[string]url.Values{
		"a believed one, to anywhere": k.outside("request", k.object("redirect_uri", evil)),
		"no address at all":           with(url.Values{}, "client_id", k.id, "request", foreign),
	} {
		a := b.query(oauth.PathAuthorize, params)
		if a.StatusCode != http.StatusBadRequest || a.Header.Get("Location") != "" || a.element("error-parameter") != "redirect_uri" {
			t.Errorf("%s: %d %s", name, a.StatusCode, a.Header.Get("Location"))
		}
	}
	if a := b.query(oauth.PathAuthorize, k.outside("request", k.object(), "request_uri", evil)); a.param("error") != "invalid_request" {
		t.Errorf("both at once: %s", a.Header.Get("Location"))
	}
	if n := w.count(`SELECT count(*) FROM codes`) + w.count(`SELECT count(*) FROM interactions`); n != 0 {
		t.Errorf("%d codes and interactions were made", n)
	}
}

// OpenID Connect Core §6.2; RFC 9101 §10.4: only what was registered is fetched, and within limits.
func TestY9_ARequestURIIsFetchedOnlyIfItIsRegisteredAndWithinLimits(t *testing.T) {
	t.Parallel()
	w := newWorld(t, trusting("127.0.0.3/32"))
	b := w.newBrowser().signIn(ana)
	var strange atomic.Int64
	unregistered := serveOn(t, "127.0.0.3", func(http.ResponseWriter, *http.Request) { strange.Add(1) })
	inside := serveOn(t, "127.0.0.2", func(http.ResponseWriter, *http.Request) { strange.Add(1) })
	block := make([]byte, 1<<20)
	answers := map[string]http.HandlerFunc{
		"redirect": func(rw http.ResponseWriter, r *http.Request) { http.Redirect(rw, r, inside, http.StatusFound) },
		"missing":  func(rw http.ResponseWriter, _ *http.Request) { rw.WriteHeader(http.StatusNotFound) },
		"endless": func(rw http.ResponseWriter, _ *http.Request) {
			for range 1 << 10 {
				if _, err := rw.Write(block); err != nil {
					return
				}
			}
			t.Error("a gigabyte was read")
		},
		"silent": func(_ http.ResponseWriter, r *http.Request) { <-r.Context().Done() },
	}
	var uris []string
	for _, answer := range answers {
		uris = append(uris, serveOn(t, "127.0.0.3", answer))
	}
	uris = append(uris, strings.Replace(inside, "127.0.0.2", "localhost", 1))
	k := w.newObjectClient("object", record.ClientSettings{RequestURIs: uris})
	for _, uri := range append(uris, unregistered, inside, uris[0]+"/", "urn:ietf:params:oauth:request_uri:"+canary, canary, "#") {
		began := time.Now()
		a := b.query(oauth.PathAuthorize, k.outside("request_uri", uri))
		if a.param("error") != "invalid_request_uri" || time.Since(began) > 8*time.Second {
			t.Errorf("%s: %d %s after %s", uri, a.StatusCode, a.Header.Get("Location"), time.Since(began))
		}
	}
	if strange.Load() != 0 {
		t.Error("something was called that must not be")
	}
	for _, uri := range []string{"http://127.0.0.2/r", "https://10.0.0.1/r", "ftp://a.example/r", "r"} {
		settings := record.ClientSettings{RequestURIs: []string{uri}, GrantTypes: []string{"client_credentials"}}
		form := engineForm()
		form.Settings = settings
		if _, err := w.engine.CreateClient(t.Context(), "", form); err == nil {
			t.Errorf("%s is registered", uri)
		}
	}
}
