package decide

import (
	"encoding/base64"
	"encoding/json"
	"fmt"
	"maps"
	"strings"
	"testing"

	"github.com/mintmark-id/mintmark/internal/jose"
	"github.com/mintmark-id/mintmark/internal/oauth"
	"github.com/mintmark-id/mintmark/internal/record"
)

// signer is a client's key of each algorithm, and the set of their public halves.
type signer struct {
	keys map[jose.Algorithm]*jose.PrivateKey
	set  jose.KeySet
}

func newSigner(t *testing.T, algs ...jose.Algorithm) *signer {
	t.Helper()
	s := &signer{keys: map[jose.Algorithm]*jose.PrivateKey{}}
	for _, alg := range append(algs, jose.ES256) {
		key, err := jose.Generate(alg)
		if err != nil {
			t.Fatal(err)
		}
		s.keys[alg], s.set = key, append(s.set, key.Public())
	}
	return s
}

// sign writes claims over the plain ones; nil leaves one out.
func (s *signer) sign(t *testing.T, alg jose.Algorithm, typ string, plain, over map[string]any) string {
	t.Helper()
	token, err := jose.Sign(s.keys[alg], typ, payload(t, plain, over))
	if err != nil {
		t.Fatal(err)
	}
	return token
}

func payload(t *testing.T, plain, over map[string]any) []byte {
	t.Helper()
	claims := maps.Clone(plain)
	for name, value := range over {
		if claims[name] = value; value == nil {
			delete(claims, name)
		}
	}
	text, err := json.Marshal(claims)
	if err != nil {
		t.Fatal(err)
	}
	return text
}

// assertionClaims are those of an assertion that is right.
func assertionClaims() map[string]any {
	return map[string]any{
		"iss": "shop", "sub": "shop", "aud": tokenIssuer, "jti": "one",
		"iat": tokenNow / second, "exp": tokenNow/second + 60,
	}
}

func signingClient() *record.Client {
	client := tokenClient()
	client.Settings.TokenEndpointAuthMethod = "private_key_jwt"
	client.Settings.SecurityProfile = record.OIDCProfile
	client.Secrets = nil
	return client
}

func asserted(text string) oauth.Credentials {
	return oauth.Credentials{ClientID: "shop", Assertion: text, Method: oauth.AuthPrivateKeyJWT, Endpoint: oauth.PathIntrospect}
}

type claims = map[string]any

var assertionTable = []struct {
	name    string
	over    claims
	profile record.SecurityProfile
	reason  oauth.Reason
}{
	{"RFC 7523 §3: as it should be", nil, "oidc", ""},
	{"the issuer in a list", claims{"aud": []string{tokenIssuer}}, "oidc", ""},
	{"OpenID Connect Core §9: the token endpoint", claims{"aud": tokenIssuer + "/oauth2/token"}, "oidc", ""},
	{"the endpoint itself", claims{"aud": tokenIssuer + "/oauth2/introspect"}, "oidc", ""},
	{"several names of ours", claims{"aud": []string{tokenIssuer, tokenIssuer + "/oauth2/token"}}, "oidc", ""},
	{"iat is optional", claims{"iat": nil}, "oidc", ""},
	{"a clock a minute ahead", claims{"iat": tokenNow/second + 60, "nbf": tokenNow/second + 60}, "oidc", ""},
	{"within the leeway", claims{"exp": tokenNow/second - 29}, "oidc", ""},
	{"an hour ahead", claims{"exp": tokenNow/second + 3600}, "oidc", ""},
	{"claims of its own", claims{"more": 1}, "oidc", ""},

	{"item 1: iss is another", claims{"iss": "stall"}, "oidc", oauth.ReasonAssertionSubject},
	{"item 2: sub is another", claims{"sub": "stall"}, "oidc", oauth.ReasonAssertionSubject},
	{"both are another", claims{"iss": "stall", "sub": "stall"}, "oidc", oauth.ReasonAssertionSubject},
	{"no iss", claims{"iss": nil}, "oidc", oauth.ReasonAssertionMalformed},
	{"no sub", claims{"sub": nil}, "oidc", oauth.ReasonAssertionMalformed},
	{"sub no string", claims{"sub": 7}, "oidc", oauth.ReasonAssertionMalformed},
	{"item 3: no aud", claims{"aud": nil}, "oidc", oauth.ReasonAssertionMalformed},
	{"an empty list of aud", claims{"aud": []string{}}, "oidc", oauth.ReasonAssertionAudience},
	{"another server", claims{"aud": "https://evil.example"}, "oidc", oauth.ReasonAssertionAudience},
	{"another server beside us, which could use it", claims{"aud": []string{tokenIssuer, "https://evil.example"}}, "oidc", oauth.ReasonAssertionAudience},
	{"the issuer with a slash", claims{"aud": tokenIssuer + "/"}, "oidc", oauth.ReasonAssertionAudience},
	{"another endpoint of ours", claims{"aud": tokenIssuer + "/oauth2/revoke"}, "oidc", oauth.ReasonAssertionAudience},
	{"item 4: no exp", claims{"exp": nil}, "oidc", oauth.ReasonAssertionMalformed},
	{"exp no number", claims{"exp": "1750000060"}, "oidc", oauth.ReasonAssertionMalformed},
	{"expired", claims{"exp": tokenNow/second - 30}, "oidc", oauth.ReasonAssertionExpired},
	{"it lives too long", claims{"exp": tokenNow/second + 3661}, "oidc", oauth.ReasonAssertionLongLived},
	{"exp in milliseconds", claims{"exp": tokenNow}, "oidc", oauth.ReasonAssertionLongLived},
	{"exp beyond all clocks", claims{"exp": 9007199254740992}, "oidc", oauth.ReasonAssertionLongLived},
	{"item 5: nbf ahead", claims{"nbf": tokenNow/second + 61}, "oidc", oauth.ReasonAssertionFromFuture},
	{"item 6: iat ahead", claims{"iat": tokenNow/second + 61}, "oidc", oauth.ReasonAssertionFromFuture},
	{"iat no number", claims{"iat": true}, "oidc", oauth.ReasonAssertionMalformed},
	{"OpenID Connect Core §9: no jti", claims{"jti": nil}, "oidc", oauth.ReasonAssertionMalformed},
	{"an empty jti", claims{"jti": ""}, "oidc", oauth.ReasonAssertionMalformed},
	{"an endless jti", claims{"jti": strings.Repeat("x", 257)}, "oidc", oauth.ReasonAssertionMalformed},

	{"FAPI 2.0 §5.3.2.1: the issuer alone", nil, "fapi2", ""},
	{"FAPI 2.0 §5.3.2.1: as a string", claims{"aud": []string{tokenIssuer}}, "fapi2", oauth.ReasonAssertionAudience},
	{"FAPI 2.0 §5.3.2.1: not the endpoint", claims{"aud": tokenIssuer + "/oauth2/token"}, "fapi2", oauth.ReasonAssertionAudience},
}

func TestAnAssertionIsOfItsClientForUsAndNow(t *testing.T) {
	s := newSigner(t)
	for _, c := range assertionTable {
		t.Run(c.name, func(t *testing.T) {
			client := signingClient()
			client.Settings.SecurityProfile = c.profile
			st := &record.ClientState{Client: client, Proof: record.ClientProof{Keys: s.set}}
			caller, err := Authenticate(asserted(s.sign(t, jose.ES256, "JWT", assertionClaims(), c.over)), st, tokenEnv())
			wantRefusal(t, err, c.reason, oauth.InvalidClient)
			if (caller.spend != nil) != (c.reason == "") {
				t.Errorf("spends %v", caller.spend)
			}
		})
	}
}

// RFC 8725 §3.1, §3.2, §3.11.
func TestAnAssertionIsSignedByAKeyOfTheClientWithItsAlgorithm(t *testing.T) {
	s, other := newSigner(t, jose.RS256, jose.PS256, jose.Ed25519), newSigner(t)
	es := func(typ string, over claims) string { return s.sign(t, jose.ES256, typ, assertionClaims(), over) }
	parts := strings.Split(es("", nil), ".")
	header := func(text string) string {
		return base64.RawURLEncoding.EncodeToString([]byte(text)) + "." + parts[1] + "." + parts[2]
	}
	edParts := strings.Split(s.sign(t, jose.Ed25519, "", assertionClaims(), nil), ".")
	for _, c := range []struct {
		name, text, registered string
		reason                 oauth.Reason
	}{
		{"ES256", es("", nil), "", ""},
		{"ES256, registered", es("", nil), "ES256", ""},
		{"RS256", s.sign(t, jose.RS256, "", assertionClaims(), nil), "", ""},
		{"PS256", s.sign(t, jose.PS256, "", assertionClaims(), nil), "PS256", ""},
		{"Ed25519", s.sign(t, jose.Ed25519, "", assertionClaims(), nil), "", ""},
		{"Ed25519 where EdDSA is registered", s.sign(t, jose.Ed25519, "", assertionClaims(), nil), "EdDSA", ""},
		{"typ JWT", es("jwt", nil), "", ""},
		{"typ of its own", es("client-authentication+jwt", nil), "", ""},

		{"typ of an access token", es("at+jwt", nil), "", oauth.ReasonAssertionType},
		{"typ of a request object", es("oauth-authz-req+jwt", nil), "", oauth.ReasonAssertionType},
		{"typ of a proof", es("dpop+jwt", nil), "", oauth.ReasonAssertionType},
		{"another algorithm than the registered one", es("", nil), "RS256", oauth.ReasonAssertionAlgorithm},
		{"RS256 where PS256 is registered", s.sign(t, jose.RS256, "", assertionClaims(), nil), "PS256", oauth.ReasonAssertionAlgorithm},
		{"none", header(`{"alg":"none"}`), "", oauth.ReasonAssertionAlgorithm},
		{"None", header(`{"alg":"None"}`), "", oauth.ReasonAssertionAlgorithm},
		{"HS256", header(`{"alg":"HS256"}`), "", oauth.ReasonAssertionAlgorithm},
		{"the key's kid under another name", header(`{"alg":"RS256","kid":"` + s.keys[jose.ES256].Public().Kid() + `"}`), "", oauth.ReasonAssertionAlgorithm},
		{"a key of somebody else", other.sign(t, jose.ES256, "", assertionClaims(), nil), "", oauth.ReasonAssertionKey},
		{"no kid of several", header(`{"alg":"ES256"}`), "", oauth.ReasonAssertionKey},
		{"the signature of another header", header(`{"kid":"` + s.keys[jose.ES256].Public().Kid() + `","alg":"ES256"}`), "", oauth.ReasonAssertionSignature},
		{"EdDSA with the signature of Ed25519 claims", base64.RawURLEncoding.EncodeToString([]byte(`{"alg":"EdDSA","kid":"`+s.keys[jose.Ed25519].Public().Kid()+`"}`)) + "." + edParts[1] + "." + edParts[2], "", oauth.ReasonAssertionSignature},
		{"an embedded key", header(`{"alg":"ES256","kid":"x","jwk":{"kty":"EC"}}`), "", oauth.ReasonAssertionKey},
		{"crit", header(`{"alg":"ES256","crit":["x"],"x":1}`), "", oauth.ReasonAssertionMalformed},
		{"no JWS", "x", "", oauth.ReasonAssertionMalformed},
		{"five parts", "a.b.c.d.e", "", oauth.ReasonAssertionMalformed},
		{"no signature", parts[0] + "." + parts[1] + ".", "", oauth.ReasonAssertionMalformed},
	} {
		t.Run(c.name, func(t *testing.T) {
			client := signingClient()
			client.Settings.TokenEndpointAuthSigningAlg = c.registered
			st := &record.ClientState{Client: client, Proof: record.ClientProof{Keys: s.set}}
			_, err := Authenticate(asserted(c.text), st, tokenEnv())
			wantRefusal(t, err, c.reason, oauth.InvalidClient)
		})
	}
}

func TestAnAssertionNeedsAClientThatRegisteredKeys(t *testing.T) {
	s := newSigner(t)
	good := s.sign(t, jose.ES256, "", assertionClaims(), nil)
	away := oauth.Refuse(oauth.ReasonClientKeysAway)
	disabled := signingClient()
	disabled.Enabled = false
	for _, c := range []struct {
		name   string
		client *record.Client
		proof  record.ClientProof
		reason oauth.Reason
		code   oauth.Code
	}{
		{"another method", tokenClient(), record.ClientProof{Keys: s.set}, oauth.ReasonClientAuthMethodWrong, oauth.InvalidClient},
		{"a public client", tokenPublic(), record.ClientProof{Keys: s.set}, oauth.ReasonClientAuthMethodWrong, oauth.InvalidClient},
		{"no keys", signingClient(), record.ClientProof{}, oauth.ReasonAssertionKey, oauth.InvalidClient},
		{"keys that cannot be had are trouble, not a refusal", signingClient(), record.ClientProof{Trouble: away}, oauth.ReasonClientKeysAway, oauth.TemporarilyUnavailable},
		{"used before", signingClient(), record.ClientProof{Keys: s.set, Spent: true}, oauth.ReasonAssertionReplayed, oauth.InvalidClient},
		{"disabled", disabled, record.ClientProof{Keys: s.set}, oauth.ReasonClientDisabled, oauth.InvalidClient},
	} {
		t.Run(c.name, func(t *testing.T) {
			caller, err := Authenticate(asserted(good), &record.ClientState{Client: c.client, Proof: c.proof}, tokenEnv())
			wantRefusal(t, err, c.reason, c.code)
			if caller.Client() != nil || caller.spend != nil {
				t.Errorf("%+v", caller)
			}
		})
	}
}

// RFC 7523 §3, item 7: what was believed once is used, whatever became of the
// request; what was not believed spends nothing of anybody's.
func TestAnAssertionIsSpentWithWhatItsRequestDoes(t *testing.T) {
	s := newSigner(t)
	token := s.sign(t, jose.ES256, "", assertionClaims(), nil)
	spend := record.Spend{KeyHash: ReadAssertion(token).Key, EndsAt: tokenNow + 60*second + 30*second}
	state := func() record.ClientState {
		st := tokenClientState(signingClient())
		st.Proof.Keys = s.set
		return st
	}
	req := &oauth.TokenRequest{Credentials: asserted(token), GrantType: oauth.GrantClientCredentials}
	st := state()
	out := ClientCredentials(req, &st, tokenEnv())
	wantRefusal(t, out.Err, "", "")
	if diff := diffChanges([]record.Change{spend}, out.Changes); diff != "" {
		t.Error(diff)
	}

	none := signingClient()
	none.Settings.GrantTypes = []string{"authorization_code"}
	st = state()
	st.Client = none
	out = ClientCredentials(req, &st, tokenEnv())
	wantRefusal(t, out.Err, oauth.ReasonGrantNotAllowed, oauth.UnauthorizedClient)
	if diff := diffChanges([]record.Change{spend}, out.Changes); diff != "" {
		t.Error("refused afterwards:", diff)
	}

	st = state()
	introspected := Introspect(&oauth.IntrospectionRequest{Credentials: asserted(token)}, Presented{Reason: oauth.ReasonTokenMalformed},
		&record.TokenState{ClientState: st}, tokenEnv())
	if diff := diffChanges([]record.Change{spend}, introspected.Changes); diff != "" || introspected.Err != nil {
		t.Error("asked about nothing:", diff, introspected.Err)
	}
	revoked := Revoke(&oauth.RevocationRequest{Credentials: asserted(token)}, Presented{Reason: oauth.ReasonTokenMalformed},
		&record.TokenState{ClientState: st}, tokenEnv())
	if diff := diffChanges([]record.Change{spend}, revoked.Changes); diff != "" || revoked.Err != nil {
		t.Error("ended nothing:", diff, revoked.Err)
	}

	st = state()
	st.Proof.Spent = true
	out = ClientCredentials(req, &st, tokenEnv())
	wantRefusal(t, out.Err, oauth.ReasonAssertionReplayed, oauth.InvalidClient)
	if len(out.Changes) != 0 {
		t.Error("a replay writes", out.Changes)
	}
	if string(ReadAssertion(token).Key) == string(ReadAssertion(s.sign(t, jose.ES256, "", assertionClaims(), claims{"sub": "stall"})).Key) {
		t.Error("one client's jti is another's")
	}
}

func TestWhatAnAssertionSaysOfItselfIsReadWithoutBelief(t *testing.T) {
	s := newSigner(t)
	read := ReadAssertion(s.sign(t, jose.ES256, "", assertionClaims(), nil))
	if read.ClientID != "shop" || read.KID != s.keys[jose.ES256].Public().Kid() || len(read.Key) != 32 {
		t.Errorf("%+v", read)
	}
	for _, over := range []claims{{"sub": nil}, {"sub": 7}, {"sub": "\n"}, {"sub": "é"}, {"sub": strings.Repeat("x", 257)}} {
		if read := ReadAssertion(s.sign(t, jose.ES256, "", assertionClaims(), over)); read.ClientID != "" {
			t.Errorf("%v is of %q", over, read.ClientID)
		}
	}
	for _, text := range []string{"", "x", "a.b.c"} {
		if read := ReadAssertion(text); read.ClientID != "" || read.Key != nil {
			t.Errorf("%q: %+v", text, read)
		}
	}
}

// RFC 7517 §5, §9.2: a set of public keys, of which one can be used here.
func TestKeysOfAClientArePublicAndUsable(t *testing.T) {
	s := newSigner(t, jose.RS256, jose.PS256, jose.Ed25519)
	whole, err := json.Marshal(s.set)
	if err != nil {
		t.Fatal(err)
	}
	one, err := json.Marshal(s.set[0])
	if err != nil {
		t.Fatal(err)
	}
	key := string(one)
	for text, keys := range map[string]int{
		string(whole): 4, `{"keys":[` + key + `]}`: 1,
		`{"keys":[` + key + `,{"kty":"EC","crv":"P-521"}]}`: 1,
		`{"keys":[]}`: 0, `{"keys":[{"kty":"RSA","use":"enc"}]}`: 0, `{}`: 0, `[]`: 0, `null`: 0, ``: 0, `{"keys":{}}`: 0, key: 0,
		`{"keys":[{"kty":"oct","k":"c2VjcmV0"}]}`:                               0,
		`{"keys":[` + key + `,{"kty":"oct","k":"c2VjcmV0"}]}`:                   0,
		`{"keys":[` + strings.Replace(key, `"kty"`, `"d":"AA","kty"`, 1) + `]}`: 0,
		`{"keys":[` + key + `,` + key + `]}`:                                    0,
		fmt.Sprintf(`{"keys":[%s]}`, strings.Repeat(`{"kty":"x"},`, 64)+key):    0,
	} {
		if got, err := ReadKeys([]byte(text)); len(got) != keys || (err == nil) != (keys > 0) {
			t.Errorf("%.60s: %d keys, %v", text, len(got), err)
		}
	}
}

// RFC 8705 §5: whoever shows a certificate calls another address, also to authenticate
// with an assertion there.
func TestAnAssertionMayNameTheAddressWhereCertificatesAreShown(t *testing.T) {
	key := newSigner(t)
	for aud, fine := range map[string]bool{
		"https://mtls.example/oauth2/token": true, "https://mtls.example/oauth2/introspect": true,
		"https://mtls.example": false, "https://mtls.example/oauth2/revoke": false, "https://other.example/oauth2/token": false,
	} {
		for origin, known := range map[string]bool{"https://mtls.example": true, "": false} {
			env := tokenEnv()
			env.Policy.Mutual.Origin = origin
			text := key.sign(t, jose.ES256, "", assertionClaims(), claims{"aud": aud})
			_, err := Authenticate(asserted(text), &record.ClientState{Client: signingClient(), Proof: record.ClientProof{Keys: key.set}}, env)
			if (err == nil) != (fine && known) {
				t.Errorf("for %s, where it is %q: %v", aud, origin, err)
			}
		}
	}
}
