package decide

import (
	"encoding/base64"
	"slices"
	"strings"
	"testing"

	"github.com/mintmark-id/mintmark/internal/jose"
	"github.com/mintmark-id/mintmark/internal/oauth"
	"github.com/mintmark-id/mintmark/internal/record"
)

// requestClaims are those of a request object that is right.
func requestClaims() claims {
	return claims{
		"iss": "shop", "aud": tokenIssuer, "client_id": "shop", "response_type": "code",
		"redirect_uri": tokenRedirect, "scope": "openid", "state": "inside", "exp": tokenNow/second + 300,
	}
}

func unsigned(t *testing.T, header string, plain, over claims) string {
	t.Helper()
	encode := base64.RawURLEncoding.EncodeToString
	return encode([]byte(header)) + "." + encode(payload(t, plain, over)) + "."
}

func around(t *testing.T, text string) oauth.Form {
	t.Helper()
	form, err := oauth.ParseForm(text)
	if err != nil {
		t.Fatal(err)
	}
	return form
}

const outside = "client_id=shop&response_type=code&scope=openid&state=outside&nonce=outside"

// opened is what becomes of a request object.
func opened(t *testing.T, text string, form oauth.Form, keys jose.KeySet, change func(*record.ClientSettings)) (oauth.Form, *oauth.Error) {
	t.Helper()
	client := signingClient()
	if change != nil {
		change(&client.Settings)
	}
	st := &record.ClientState{Client: client, Proof: record.ClientProof{Keys: keys}}
	return OpenRequestObject(text, "request", form, st, tokenEnv())
}

func fapi(s *record.ClientSettings) { s.SecurityProfile = "fapi2" }

func allSigned(s *record.ClientSettings) { s.RequireSignedRequestObject = true }

func unsecured(s *record.ClientSettings) { s.RequestObjectSigningAlg = AlgNone }

func TestARequestObjectIsOfItsClientForUsAndNow(t *testing.T) {
	s := newSigner(t)
	for _, c := range []struct {
		name   string
		over   claims
		change func(*record.ClientSettings)
		reason oauth.Reason
	}{
		{"RFC 9101 §4: as it should be", nil, nil, ""},
		{"aud in a list", claims{"aud": []string{"https://other.example", tokenIssuer}}, nil, ""},
		{"no iss, under the profile oidc", claims{"iss": nil}, nil, ""},
		{"no aud, under the profile oidc", claims{"aud": nil}, nil, ""},
		{"no exp", claims{"exp": nil}, nil, ""},
		{"no client_id inside", claims{"client_id": nil}, nil, ""},
		{"no response_type inside", claims{"response_type": nil}, nil, ""},
		{"what is no parameter", claims{"jti": 7, "unknown": []int{1}}, nil, ""},
		{"another subject", claims{"sub": "ana"}, nil, ""},

		{"iss is another", claims{"iss": "stall"}, nil, oauth.ReasonRequestObjectIssuer},
		{"iss no string", claims{"iss": 7}, nil, oauth.ReasonRequestObjectIssuer},
		{"no iss, under a stricter profile", claims{"iss": nil}, fapi, oauth.ReasonRequestObjectIssuer},
		{"aud is another", claims{"aud": "https://other.example"}, nil, oauth.ReasonRequestObjectAudience},
		{"aud is the endpoint", claims{"aud": tokenIssuer + "/oauth2/authorize"}, nil, oauth.ReasonRequestObjectAudience},
		{"aud no string", claims{"aud": 7}, nil, oauth.ReasonRequestObjectAudience},
		{"no aud, under a stricter profile", claims{"aud": nil}, fapi, oauth.ReasonRequestObjectAudience},
		{"expired", claims{"exp": tokenNow/second - 30}, nil, oauth.ReasonRequestObjectExpired},
		{"exp no number", claims{"exp": "soon"}, nil, oauth.ReasonRequestObjectClaims},
		{"nbf ahead", claims{"nbf": tokenNow/second + 61}, nil, oauth.ReasonRequestObjectFuture},
		{"iat ahead", claims{"iat": tokenNow/second + 61}, nil, oauth.ReasonRequestObjectFuture},
		{"RFC 9101 §4: a request inside", claims{"request": "x"}, nil, oauth.ReasonRequestObjectClaims},
		{"RFC 9101 §4: a request_uri inside", claims{"request_uri": "https://shop.example/r"}, nil, oauth.ReasonRequestObjectClaims},
		{"RFC 9101 §10.8: what could be an assertion", claims{"sub": "shop"}, nil, oauth.ReasonRequestObjectClaims},
		{"RFC 9101 §6.3: no client_id inside, and all are signed", claims{"client_id": nil}, allSigned, oauth.ReasonRequestObjectContradicts},
		{"RFC 9101 §6.3: no client_id inside, under a stricter profile", claims{"client_id": nil}, fapi, oauth.ReasonRequestObjectContradicts},
		{"OpenID Connect Core §6.1: another client_id", claims{"client_id": "stall"}, nil, oauth.ReasonRequestObjectContradicts},
		{"OpenID Connect Core §6.1: another response_type", claims{"response_type": "token"}, nil, oauth.ReasonRequestObjectContradicts},
		{"a parameter of another type", claims{"state": 7}, nil, oauth.ReasonRequestObjectClaims},
		{"a parameter that is null", claims{"nonce": []any{nil}}, nil, oauth.ReasonRequestObjectClaims},
		{"max_age of another type", claims{"max_age": true}, nil, oauth.ReasonRequestObjectClaims},
	} {
		t.Run(c.name, func(t *testing.T) {
			text := s.sign(t, jose.ES256, "oauth-authz-req+jwt", requestClaims(), c.over)
			_, err := opened(t, text, around(t, outside), s.set, c.change)
			wantRefusal(t, err, c.reason, oauth.InvalidRequestObject)
			if err != nil && err.Param != "request" {
				t.Errorf("blames %q", err.Param)
			}
		})
	}
}

func TestARequestObjectIsSignedAsItsClientRegistered(t *testing.T) {
	s, other := newSigner(t, jose.RS256, jose.PS256, jose.Ed25519), newSigner(t)
	sign := func(alg jose.Algorithm, typ string) string { return s.sign(t, alg, typ, requestClaims(), nil) }
	registered := func(alg string) func(*record.ClientSettings) {
		return func(s *record.ClientSettings) { s.RequestObjectSigningAlg = alg }
	}
	signed := sign(jose.ES256, "")
	body, _, _ := strings.Cut(signed, ".")
	for _, c := range []struct {
		name, text string
		change     func(*record.ClientSettings)
		reason     oauth.Reason
	}{
		{"ES256", signed, nil, ""},
		{"RS256", sign(jose.RS256, "JWT"), registered("RS256"), ""},
		{"PS256", sign(jose.PS256, "oauth-authz-req+jwt"), registered("PS256"), ""},
		{"Ed25519", sign(jose.Ed25519, "application/oauth-authz-req+jwt"), registered("EdDSA"), ""},
		{"OpenID Connect Core §6.1: none, registered", unsigned(t, `{"alg":"none"}`, requestClaims(), nil), unsecured, ""},

		{"RFC 9101 §10.1: none, not registered", unsigned(t, `{"alg":"none"}`, requestClaims(), nil), nil, oauth.ReasonRequestObjectAlgorithm},
		{"none, another registered", unsigned(t, `{"alg":"none"}`, requestClaims(), nil), registered("ES256"), oauth.ReasonRequestObjectAlgorithm},
		{"signed, none registered", signed, unsecured, oauth.ReasonRequestObjectAlgorithm},
		{"None", unsigned(t, `{"alg":"None"}`, requestClaims(), nil), unsecured, oauth.ReasonRequestObjectMalformed},
		{"ES256 without a signature", body + strings.TrimRight(signed[len(body):strings.LastIndex(signed, ".")], ".") + ".", unsecured, oauth.ReasonRequestObjectMalformed},
		{"none with a signature", unsigned(t, `{"alg":"none"}`, requestClaims(), nil) + "AA", unsecured, oauth.ReasonRequestObjectAlgorithm},
		{"another algorithm than registered", signed, registered("RS256"), oauth.ReasonRequestObjectAlgorithm},
		{"a key of somebody else", other.sign(t, jose.ES256, "", requestClaims(), nil), nil, oauth.ReasonRequestObjectKey},
		{"a broken signature", signed[:len(signed)-4] + "AAAA", nil, oauth.ReasonRequestObjectSignature},
		{"RFC 8725 §3.11: typ of an assertion", sign(jose.ES256, "client-authentication+jwt"), nil, oauth.ReasonRequestObjectType},
		{"typ of an access token", sign(jose.ES256, "at+jwt"), nil, oauth.ReasonRequestObjectType},
		{"typ of an unsigned one", unsigned(t, `{"alg":"none","typ":"at+jwt"}`, requestClaims(), nil), unsecured, oauth.ReasonRequestObjectType},
		{"encrypted", "a.b.c.d.e", nil, oauth.ReasonRequestObjectMalformed},
		{"no JWS", "x", nil, oauth.ReasonRequestObjectMalformed},
		{"empty parts", "..", unsecured, oauth.ReasonRequestObjectMalformed},
	} {
		t.Run(c.name, func(t *testing.T) {
			_, err := opened(t, c.text, around(t, outside), s.set, c.change)
			wantRefusal(t, err, c.reason, oauth.InvalidRequestObject)
		})
	}
}

// OpenID Connect Core §6.1: the values inside supersede those outside, which fill
// the gaps; RFC 9101 §6.3: they do not.
func TestWhatARequestObjectSaysGoesBeforeWhatStandsAroundIt(t *testing.T) {
	s := newSigner(t)
	text := s.sign(t, jose.ES256, "", requestClaims(), claims{
		"max_age": 60, "prompt": "login", "resource": []string{"https://a.example", "https://b.example"},
		"claims": claims{"id_token": claims{"acr": nil}},
	})
	form, err := opened(t, text, around(t, outside), s.set, nil)
	wantRefusal(t, err, "", "")
	req, err := oauth.ParseAuthorizationRequest(form)
	wantRefusal(t, err, "", "")
	if req.State != "inside" || req.Nonce != "outside" || req.RedirectURI != tokenRedirect || *req.MaxAge != 60 || !req.ByObject ||
		!req.Prompts("login") || !slices.Equal(req.Resources, []string{"https://a.example", "https://b.example"}) {
		t.Errorf("%+v", req)
	}
	if got := form.Get("claims"); got != `{"id_token":{"acr":null}}` {
		t.Errorf("claims %s", got)
	}
	for name, change := range map[string]func(*record.ClientSettings){
		"all are signed":     allSigned,
		"a stricter profile": fapi,
	} {
		form, err := opened(t, text, around(t, outside+"&login_hint=ana"), s.set, change)
		wantRefusal(t, err, "", "")
		if form.Get("nonce") != "" || form.Get("login_hint") != "" || form.Get("state") != "inside" || form.Get("client_id") != "shop" {
			t.Errorf("%s: %+v", name, form)
		}
	}
}

func TestValuesInsideAreHeldToTheRulesOfThoseOutside(t *testing.T) {
	s := newSigner(t)
	for name, c := range map[string]struct {
		over   claims
		reason oauth.Reason
	}{
		"a control character": {claims{"state": "a\u0000b"}, oauth.ReasonParameterMalformed},
		"endless":             {claims{"state": strings.Repeat("x", 8<<10+1)}, oauth.ReasonParameterTooLong},
		"an unknown prompt":   {claims{"prompt": "dance"}, oauth.ReasonParameterMalformed},
		"an unknown mode":     {claims{"response_mode": "fragment"}, oauth.ReasonResponseModeUnsupported},
	} {
		form, err := opened(t, s.sign(t, jose.ES256, "", requestClaims(), c.over), around(t, outside), s.set, nil)
		wantRefusal(t, err, "", "")
		if _, err := oauth.ParseAuthorizationRequest(form); err == nil || err.Reason != c.reason {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// OpenID Connect Core §6.2.
func TestARequestURIIsOneThatWasRegistered(t *testing.T) {
	client := signingClient()
	client.Settings.RequestURIs = []string{"https://shop.example/r?a=b#first", "https://shop.example/plain"}
	for uri, allowed := range map[string]bool{
		"https://shop.example/r?a=b#first":    true,
		"https://shop.example/r?a=b#second":   true,
		"https://shop.example/r?a=b":          true,
		"https://shop.example/plain#x":        true,
		"https://shop.example/r":              false,
		"https://shop.example/plain/":         false,
		"https://shop.example/PLAIN":          false,
		"https://SHOP.example/plain":          false,
		"https://shop.example:443/plain":      false,
		"https://shop.example/x/../plain":     false,
		"https://evil.example/plain":          false,
		"#x":                                  false,
		"":                                    false,
		"urn:ietf:params:oauth:request_uri:x": false,
	} {
		if err := CheckRequestURI(uri, client); (err == nil) != allowed {
			t.Errorf("%q: %v", uri, err)
		}
	}
	client.Settings.RequestURIs = nil
	wantRefusal(t, CheckRequestURI("https://shop.example/plain", client), oauth.ReasonRequestURIUnregistered, oauth.InvalidRequestURI)
}

// FuzzRequestObject: whatever comes unsigned from a client that registered so, it
// is refused as a request object, or is a form that the parser takes or blames.
func FuzzRequestObject(f *testing.F) {
	for _, seed := range []string{
		`{}`, `{"redirect_uri":"https://shop.example/cb","scope":"openid","claims":{"id_token":{}},"max_age":0}`,
		`{"request":"x"}`, `{"max_age":1e9}`, `{"state":"\u0000"}`, `{"aud":[]}`, `{"exp":-1}`, `{"resource":[null]}`, `{"client_id":"shop","sub":"shop"}`,
	} {
		f.Add(seed)
	}
	form, err := oauth.ParseForm(outside)
	if err != nil {
		f.Fatal(err)
	}
	client := signingClient()
	client.Settings.RequestObjectSigningAlg = AlgNone
	st := &record.ClientState{Client: client}
	head := base64.RawURLEncoding.EncodeToString([]byte(`{"alg":"none"}`))
	f.Fuzz(func(t *testing.T, body string) {
		text := head + "." + base64.RawURLEncoding.EncodeToString([]byte(body)) + "."
		got, refused := OpenRequestObject(text, "request", form, st, tokenEnv())
		if refused != nil {
			if refused.Code != oauth.InvalidRequestObject {
				t.Fatalf("refused with %v", refused)
			}
			return
		}
		req, _ := oauth.ParseAuthorizationRequest(got)
		if req.ClientID != "shop" || !req.ByObject {
			t.Fatalf("%+v", req)
		}
	})
}
