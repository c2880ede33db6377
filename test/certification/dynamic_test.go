package certification

import (
	"encoding/json"
	"html"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/go-jose/go-jose/v4"
)

// dynamic is how oidcc-dynamic-certification-test-plan runs.
var dynamic = plan{method: "private_key_jwt"}

func TestDynamic(t *testing.T) {
	t.Parallel()
	onBoth(t, func(t *testing.T, s *provider) {
		for _, m := range slices.Concat(registrations, redirects, clientsKeys) {
			t.Run(m.name, func(t *testing.T) { m.run(newSite(t, s, dynamic)) })
		}
	})
}

// TestThirdPartyInitiatedLogin runs oidcc-3rdparty-init-login-certification-test-plan.
func TestThirdPartyInitiatedLogin(t *testing.T) {
	t.Parallel()
	s := start(t)
	const uri = "https://rp.example/initiate"
	t.Run("oidcc-3rd_party-init-login, Core §4", func(t *testing.T) {
		r := newParty(t, s, plan{method: "client_secret_basic"}, "initiate_login_uri", uri)
		token, _ := r.client["registration_access_token"].(string)
		address, _ := r.client["registration_client_uri"].(string)
		status, read := r.json(r.request(http.MethodGet, address, "", token, nil))
		if r.client["initiate_login_uri"] != uri || status != http.StatusOK || read["initiate_login_uri"] != uri {
			t.Errorf("registered %v, read %d %v", r.client["initiate_login_uri"], status, read["initiate_login_uri"])
		}
	})
	t.Run("oidcc-3rd_party-init-login-nohttps, Registration §2", func(t *testing.T) {
		newSite(t, s, plan{method: "client_secret_basic"}).mayNotRegister("invalid_client_metadata", "initiate_login_uri", "http"+strings.TrimPrefix(uri, "https"))
	})
}

// registered makes the client with more of it, as names and values.
func (r *party) registered(more ...any) *party {
	r.t.Helper()
	status, answer := r.register(more...)
	if status != http.StatusCreated {
		r.t.Fatalf("Registration §3.2: %d %v", status, answer)
	}
	r.client = answer
	return r
}

// mayNotRegister holds a registration to its error.
func (r *party) mayNotRegister(code string, more ...any) {
	r.t.Helper()
	if status, answer := r.register(more...); status != http.StatusBadRequest || answer["error"] != code { // Registration §3.3
		r.t.Errorf("registering is answered %d %v; want %s", status, answer, code)
	}
}

// seenOnLogin is a module that registers an address which the sign-in page shows.
func seenOnLogin(name, field string) module {
	return module{name, func(r *party) {
		address := r.site.URL + "/" + field
		if strings.HasPrefix(address, "http://") {
			address = "https://rp.example/" + field // what pages show is https
		}
		r.registered(field, address)
		page := r.Get(r.endpoint("authorization_endpoint") + "?" + r.ask().Encode())
		if !page.Has("login-submit") || !strings.Contains(html.UnescapeString(page.Text), `="`+address+`"`) {
			r.t.Errorf("the sign-in page does not have %s:\n%s", address, page.Text)
		}
	}}
}

var registrations = []module{
	{"oidcc-server, Registration §3.2", func(r *party) { r.registered().userinfo(r.signIn()) }},
	{"oidcc-idtoken-rs256, Core §15.1", func(r *party) {
		if got := r.registered("id_token_signed_response_alg", "RS256").signIn(); got.header.Algorithm != "RS256" {
			r.t.Errorf("the header is %v", got.header)
		}
	}},
	{"oidcc-idtoken-unsigned, Core §2", func(r *party) { // the suite leaves it out where none is not offered
		if algs, _ := r.told["id_token_signing_alg_values_supported"].([]any); slices.Contains(algs, any("none")) {
			r.t.Errorf("offered are %v", algs)
		}
		r.mayNotRegister("invalid_client_metadata", "id_token_signed_response_alg", "none")
	}},
	{"oidcc-userinfo-rs256, Core §5.3.2", func(r *party) {
		got := r.registered("userinfo_signed_response_alg", "RS256").signIn("scope", "openid email")
		status, kind, body := r.send(r.request(http.MethodGet, r.endpoint("userinfo_endpoint"), "", got.Access, nil))
		if status != http.StatusOK || kind != "application/jwt" {
			r.t.Fatalf("%d %s %s", status, kind, body)
		}
		claims, header := r.verified(string(body))
		if header.Algorithm != "RS256" || claims["iss"] != r.s.Issuer || claims["aud"] != r.id() || claims["sub"] != got.claims["sub"] ||
			claims["email"] == nil || claims["nonce"] != nil {
			r.t.Errorf("%v says %v", header, claims)
		}
	}},
	seenOnLogin("oidcc-registration-logo-uri, Registration §2", "logo_uri"),
	seenOnLogin("oidcc-registration-policy-uri, Registration §2", "policy_uri"),
	seenOnLogin("oidcc-registration-tos-uri, Registration §2", "tos_uri"),
	{"oidcc-registration-jwks-uri, Registration §2", func(r *party) {
		r.kid = "first"
		r.registered("jwks_uri", r.site.URL+"/jwks").userinfo(r.signIn())
	}},
	{"oidcc-registration-sector-uri, Registration §5", func(r *party) {
		sector := r.site.show("/sector", `["`+callback+`"]`)
		r.registered("subject_type", "pairwise", "sector_identifier_uri", sector)
		if got := r.signIn(); got.claims["sub"] == r.user.Sub {
			r.t.Error("the sub is that of everybody")
		}
	}},
	{"oidcc-registration-sector-bad, Registration §5", func(r *party) {
		sector := r.site.show("/sector", `["https://rp.example/another"]`)
		r.mayNotRegister("invalid_client_metadata", "subject_type", "pairwise", "sector_identifier_uri", sector)
	}},
}

var redirects = []module{
	{"oidcc-ensure-redirect-uri-in-authorization-request, RFC 6749 §3.1.2.3", func(r *party) {
		r.registered("redirect_uris", []string{callback, callback + "/2"}).shown(r.ask("redirect_uri", ""), "redirect_uri")
	}},
	{"oidcc-redirect-uri-query-OK, RFC 6749 §3.1.2", func(r *party) {
		const with = callback + "?foo=bar"
		q := r.registered("redirect_uris", []string{with}).ask("redirect_uri", with)
		response := r.response(q)
		if response.Get("foo") != "bar" {
			r.t.Errorf("the response is %v", response)
		}
		r.userinfo(r.redeem(q, response))
	}},
	{"oidcc-redirect-uri-query-mismatch, Core §3.1.2.1", func(r *party) {
		r.registered("redirect_uris", []string{callback + "?foo=bar"}).shown(r.ask("redirect_uri", callback+"?bar=foo"), "redirect_uri")
	}},
	{"oidcc-redirect-uri-query-added, Core §3.1.2.1", func(r *party) {
		r.registered().shown(r.ask("redirect_uri", callback+"?foo=bar"), "redirect_uri")
	}},
	{"oidcc-redirect-uri-regfrag, RFC 6749 §3.1.2", func(r *party) {
		r.mayNotRegister("invalid_redirect_uri", "redirect_uris", []string{callback + "#foobar"})
	}},
	{"oidcc-request-uri-signed-rs256, Core §6.2", func(r *party) {
		// Registered with a fragment, as the suite does it, which is the hash of what was there once.
		address := r.site.URL + "/request.jwt"
		r.registered("request_uris", []string{address + "#" + challenge(address)}, "request_object_signing_alg", "RS256")
		q := r.ask()
		claims := map[string]any{"iss": r.id(), "aud": r.s.Issuer}
		for name := range q {
			claims[name] = q.Get(name)
		}
		r.site.show("/request.jwt", r.sign(claims))
		sent := url.Values{"request_uri": {address + "#" + challenge(address)}}
		for _, name := range []string{"client_id", "response_type", "scope", "redirect_uri", "state"} {
			sent.Set(name, q.Get(name))
		}
		r.userinfo(r.redeem(q, r.response(sent)))
	}},
	{"oidcc-request-uri-unsigned and oidcc-ensure-request-object-with-redirect-uri, Core §6.1", func(r *party) {
		// Left out where none is not offered. Who registers it is heard, and what the object says counts.
		r.registered("request_object_signing_alg", "none")
		inside := map[string]any{"client_id": r.id(), "response_type": "code", "redirect_uri": callback, "scope": "openid"}
		sent := r.ask("redirect_uri", callback, "nonce", "")
		sent.Set("request", unsigned(inside))
		r.userinfo(r.redeem(sent, r.response(sent)))
		sent.Set("redirect_uri", "https://rp.example/wrong")
		if page := r.come(sent); !strings.HasPrefix(page.Address, callback+"?") {
			r.t.Errorf("the redirect_uri outside counts: %s", page.Address)
		}
	}},
}

var clientsKeys = []module{
	{"oidcc-server-rotate-keys, Core §10.1.1", func(r *party) {
		signs := func() string { return r.registered().signIn().header.KeyID }
		before, published := signs(), r.published()
		r.pass(time.Hour)
		r.s.CLI("key", "rotate")
		after, now := signs(), r.published()
		if before == after || !slices.Contains(published, after) || !slices.Contains(now, before) || slices.Equal(now, published) {
			r.t.Errorf("%s of %v signed, and then %s of %v", before, published, after, now)
		}
	}},
	{"oidcc-refresh-token-rp-key-rotation, Core §10.1.1", func(r *party) {
		r.kid = "first"
		r.registered("jwks_uri", r.site.URL+"/jwks", "grant_types", []string{"authorization_code", "refresh_token"})
		first := r.signIn("scope", "openid offline_access", "prompt", "consent")
		r.key, r.kid = r.s.keys[1], "second"
		r.pass(aMoment) // the suite waits longer, so as not to ask too often
		status, second := r.token(url.Values{"grant_type": {"refresh_token"}, "refresh_token": {first.Refresh}})
		if status != http.StatusOK {
			r.t.Fatalf("with the new key: %d %+v", status, second)
		}
		r.check(&second, "")
		r.sameSignIn(first, second)
		r.userinfo(second)
	}},
	{"oidcc-ensure-client-assertion-with-iss-aud-succeeds, RFC 7523 §3", func(r *party) {
		q := r.registered().ask()
		r.userinfo(r.redeem(q, r.response(q), "aud", r.s.Issuer))
	}},
}

// published are the kids of the server's keys: distinct, and of public keys alone
// (RFC 7517 §4.5).
func (r *party) published() (kids []string) {
	r.t.Helper()
	_, _, body := r.send(r.request(http.MethodGet, r.endpoint("jwks_uri"), "", "", nil))
	var set jose.JSONWebKeySet
	if err := json.Unmarshal(body, &set); err != nil {
		r.t.Fatal(err)
	}
	for _, key := range set.Keys {
		if slices.Contains(kids, key.KeyID) || !key.IsPublic() || !key.Valid() || key.Use != "sig" || key.KeyID == "" {
			r.t.Errorf("the key %s is not right", key.KeyID)
		}
		kids = append(kids, key.KeyID)
	}
	slices.Sort(kids)
	return kids
}
