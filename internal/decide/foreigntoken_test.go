package decide

import (
	"encoding/json"
	"maps"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/mintmark-id/mintmark/internal/jose"
	"github.com/mintmark-id/mintmark/internal/oauth"
	"github.com/mintmark-id/mintmark/internal/record"
)

const (
	foreignIssuer = "https://op.example"
	foreignOurID  = "mintmark-there"
	foreignAccess = "an access token"
)

// foreignTrip is one under way for five seconds.
func foreignTrip() *Trip {
	return &Trip{Upstream: "harbour", Issuer: foreignIssuer, Interaction: "page", Nonce: "the nonce", Verifier: tokenVerifier, At: tokenNow - 5*second}
}

// foreignCase is an ID token of which everything is as it should be.
type foreignCase struct {
	claims map[string]any
	typ    string
	key    *jose.PrivateKey
	token  ForeignToken
	env    Env
}

func newForeign(t *testing.T) *foreignCase {
	t.Helper()
	key, err := jose.Generate(jose.ES256)
	if err != nil {
		t.Fatal(err)
	}
	now := tokenNow / second
	return &foreignCase{
		claims: map[string]any{
			"iss": foreignIssuer, "sub": "ana there", "aud": foreignOurID, "iat": now, "exp": now + 300, "nonce": "the nonce",
			"email": "ana@shop.example", "email_verified": true, "name": "Ana",
		},
		key: key, env: tokenEnv(),
		token: ForeignToken{Access: foreignAccess, Keys: jose.KeySet{key.Public()}, Algs: []string{"ES256"}, ClientID: foreignOurID, Trip: foreignTrip()},
	}
}

func (c *foreignCase) read(t *testing.T) (ForeignUser, oauth.Reason) {
	t.Helper()
	text, err := json.Marshal(c.claims)
	if err != nil {
		t.Fatal(err)
	}
	if c.token.Text == "" {
		if c.token.Text, err = jose.Sign(c.key, c.typ, text); err != nil {
			t.Fatal(err)
		}
	}
	return ReadForeignToken(c.token, c.env)
}

// TestAForeignTokenIsCheckedWhole: OpenID Connect Core §3.1.3.7. Each row breaks one thing, at the bound where there is one.
func TestAForeignTokenIsCheckedWhole(t *testing.T) {
	now, age := tokenNow/second, func(n int64) *int64 { return &n }
	set := func(name string, value any) func(*foreignCase) {
		return func(c *foreignCase) { c.claims[name] = value }
	}
	without := func(name string) func(*foreignCase) { return func(c *foreignCase) { delete(c.claims, name) } }
	asked := func(age *int64, at any) func(*foreignCase) {
		return func(c *foreignCase) {
			c.token.Trip.MaxAge = age
			if at != nil {
				c.claims["auth_time"] = at
			}
		}
	}
	for name, row := range map[string]struct {
		change func(*foreignCase)
		want   oauth.Reason
	}{
		"right": {func(*foreignCase) {}, ""},

		"1: encrypted":        {func(c *foreignCase) { c.token.Text = "a.b.c.d.e" }, oauth.ReasonForeignTokenMalformed},
		"no token":            {func(c *foreignCase) { c.token.Text = "x" }, oauth.ReasonForeignTokenMalformed},
		"of type JWT":         {func(c *foreignCase) { c.typ = "JWT" }, ""},
		"of another type":     {func(c *foreignCase) { c.typ = "at+jwt" }, oauth.ReasonForeignTokenMalformed},
		"2: another issuer":   {set("iss", "https://op.example.net"), oauth.ReasonForeignTokenIssuer},
		"2: with a slash":     {set("iss", foreignIssuer+"/"), oauth.ReasonForeignTokenIssuer},
		"2: none":             {without("iss"), oauth.ReasonForeignTokenIssuer},
		"3: another audience": {set("aud", "another"), oauth.ReasonForeignTokenAudience},
		"3: none":             {without("aud"), oauth.ReasonForeignTokenAudience},
		"3: a list of us":     {set("aud", []string{foreignOurID}), ""},
		"4: several":          {set("aud", []string{"another", foreignOurID}), oauth.ReasonForeignTokenParty},
		"4: several, for us": {func(c *foreignCase) {
			c.claims["aud"], c.claims["azp"] = []string{"another", foreignOurID}, foreignOurID
		}, ""},
		"5: another party":         {set("azp", "another"), oauth.ReasonForeignTokenParty},
		"6: another's signature":   {func(c *foreignCase) { c.token.Keys = otherKeys(t, c.key) }, oauth.ReasonForeignTokenSignature},
		"6: another's key":         {func(c *foreignCase) { c.token.Keys = jose.KeySet{} }, oauth.ReasonForeignTokenKey},
		"7: another algorithm":     {func(c *foreignCase) { c.token.Algs = []string{"RS256"} }, oauth.ReasonForeignTokenAlgorithm},
		"7: none allowed":          {func(c *foreignCase) { c.token.Algs = nil }, oauth.ReasonForeignTokenAlgorithm},
		"9: expired":               {set("exp", now-30), oauth.ReasonForeignTokenExpired},
		"9: within the leeway":     {set("exp", now-29), ""},
		"9: without end":           {without("exp"), oauth.ReasonForeignTokenExpired},
		"10: a minute before":      {set("iat", now-65), ""},
		"10: older than the trip":  {set("iat", now-66), oauth.ReasonForeignTokenTime},
		"10: a minute ahead":       {set("iat", now+60), ""},
		"10: further ahead":        {set("iat", now+61), oauth.ReasonForeignTokenTime},
		"10: none":                 {without("iat"), oauth.ReasonForeignTokenTime},
		"good from a minute ahead": {set("nbf", now+60), ""},
		"good from later":          {set("nbf", now+61), oauth.ReasonForeignTokenTime},
		"good from no time":        {set("nbf", "now"), oauth.ReasonForeignTokenTime},
		"11: another nonce":        {set("nonce", "the Nonce"), oauth.ReasonForeignTokenNonce},
		"11: none":                 {without("nonce"), oauth.ReasonForeignTokenNonce},
		"13: not said":             {asked(age(600), nil), oauth.ReasonForeignTokenAuthTime},
		"13: just in time":         {asked(age(600), now-630), ""},
		"13: too old":              {asked(age(600), now-631), oauth.ReasonForeignTokenAuthTime},
		"13: ahead":                {asked(age(600), now+61), oauth.ReasonForeignTokenAuthTime},
		"13: anew, on the trip":    {asked(age(0), now-35), ""},
		"13: anew, before it":      {asked(age(0), now-36), oauth.ReasonForeignTokenAuthTime},
		"13: not asked, and old":   {asked(nil, now-1_000_000), ""},
		"at_hash":                  {set("at_hash", jose.AtHash(foreignAccess, jose.ES256)), ""},
		"at_hash of another":       {set("at_hash", jose.AtHash("another", jose.ES256)), oauth.ReasonForeignTokenHash},
		"about nobody":             {without("sub"), oauth.ReasonForeignTokenSubject},
		"about the empty":          {set("sub", ""), oauth.ReasonForeignTokenSubject},
		"about the longest":        {set("sub", strings.Repeat("x", 255)), ""},
		"about one longer":         {set("sub", strings.Repeat("x", 256)), oauth.ReasonForeignTokenSubject},
		"about no ASCII":           {set("sub", "аna"), oauth.ReasonForeignTokenSubject},
	} {
		t.Run(name, func(t *testing.T) {
			c := newForeign(t)
			row.change(c)
			if _, got := c.read(t); got != row.want {
				t.Errorf("the reason is %q, not %q", got, row.want)
			}
		})
	}
}

// otherKeys are a stranger's, of which one bears the kid of the genuine one.
func otherKeys(t *testing.T, genuine *jose.PrivateKey) jose.KeySet {
	t.Helper()
	stranger, err := jose.Generate(jose.ES256)
	if err != nil {
		t.Fatal(err)
	}
	text, err := json.Marshal(stranger.Public())
	if err != nil {
		t.Fatal(err)
	}
	var jwk map[string]any
	if err := json.Unmarshal(text, &jwk); err != nil {
		t.Fatal(err)
	}
	jwk["kid"] = genuine.Public().Kid()
	text, err = json.Marshal(map[string]any{"keys": []any{jwk}})
	if err != nil {
		t.Fatal(err)
	}
	keys, err := jose.ParseKeySet(text)
	if err != nil {
		t.Fatal(err)
	}
	return keys
}

func TestAForeignTokenSaysWhoItIs(t *testing.T) {
	c := newForeign(t)
	c.claims["auth_time"] = tokenNow/second - 100
	got, reason := c.read(t)
	want := ForeignUser{
		Issuer: foreignIssuer, Subject: "ana there", AuthTime: tokenNow - 100*second, Email: "ana@shop.example", EmailVerified: true, Name: "Ana",
	}
	if diff := cmp.Diff(want, got); reason != "" || diff != "" {
		t.Errorf("%s (-want +got):\n%s", reason, diff)
	}
	for said, address := range map[string]struct {
		email    any
		verified any
	}{
		"ana@shop.example": {" Ana@SHOP.example", true},
		"":                 {"ana@shop.example", "true"}, // OpenID Connect Core §5.1: a boolean
	} {
		c := newForeign(t)
		maps.Copy(c.claims, map[string]any{"email": address.email, "email_verified": address.verified})
		if who, _ := c.read(t); ForeignAddress(&who) != said {
			t.Errorf("%v is %q", address, ForeignAddress(&who))
		}
	}
	for name, answer := range map[string]string{
		"about another": `{"sub":"bob there","email":"x@y.example"}`, "about nobody": `{"email":"x@y.example"}`, "no object": `[]`, "a JWT": `a.b.c`,
	} {
		if _, reason := ReadForeignUserinfo(want, []byte(answer)); reason == "" {
			t.Errorf("userinfo %s is believed", name)
		}
	}
	more, reason := ReadForeignUserinfo(want, []byte(`{"sub":"ana there","email":"x@y.example","email_verified":true}`))
	if reason != "" || ForeignAddress(&more) != "x@y.example" || more.Subject != want.Subject {
		t.Errorf("userinfo: %s %+v", reason, more)
	}
}

// TestAnUpstreamIsWhoItIsConfiguredToBe: OpenID Connect Discovery §4.3, and no algorithm whose key is a shared secret.
func TestAnUpstreamIsWhoItIsConfiguredToBe(t *testing.T) {
	document := func(change func(map[string]any)) []byte {
		all := map[string]any{
			"issuer": foreignIssuer, "authorization_endpoint": "https://op.example/a", "token_endpoint": "https://op.example/t", "jwks_uri": "https://op.example/k",
			"id_token_signing_alg_values_supported": []string{"none", "HS256", "RS512", "RS256", "ES256"}, "authorization_response_iss_parameter_supported": true,
		}
		change(all)
		text, err := json.Marshal(all)
		if err != nil {
			t.Fatal(err)
		}
		return text
	}
	settings := record.UpstreamSettings{Issuer: foreignIssuer}
	got, reason := ReadUpstream(document(func(map[string]any) {}), &settings)
	want := UpstreamMetadata{
		Authorization: "https://op.example/a", Token: "https://op.example/t", JWKS: "https://op.example/k", Algs: []string{"RS256", "ES256"}, SendsIss: true,
	}
	if diff := cmp.Diff(want, got); reason != "" || diff != "" {
		t.Errorf("%s (-want +got):\n%s", reason, diff)
	}
	settings.Algs = []string{"PS256", "HS256"}
	if got, _ := ReadUpstream(document(func(map[string]any) {}), &settings); !cmp.Equal(got.Algs, []string{"PS256"}) {
		t.Errorf("the administrator's algorithms are %v", got.Algs)
	}
	settings.Algs = nil
	for name, change := range map[string]func(map[string]any){
		"another issuer": func(d map[string]any) { d["issuer"] = foreignIssuer + "/" },
		"no issuer":      func(d map[string]any) { delete(d, "issuer") },
		"no login":       func(d map[string]any) { delete(d, "authorization_endpoint") },
		"no tokens":      func(d map[string]any) { d["token_endpoint"] = "" },
		"no keys":        func(d map[string]any) { d["jwks_uri"] = 7 },
		"no algorithm":   func(d map[string]any) { d["id_token_signing_alg_values_supported"] = []string{"HS256", "none"} },
	} {
		if _, reason := ReadUpstream(document(change), &settings); reason != oauth.ReasonUpstreamUnusable {
			t.Errorf("%s: %q", name, reason)
		}
	}
	if _, reason := ReadUpstream([]byte(`{"issuer":"a","issuer":"b"}`), &settings); reason != oauth.ReasonUpstreamUnusable {
		t.Errorf("two issuers: %q", reason)
	}
}

func TestATokenAnswerHasBothTokens(t *testing.T) {
	if id, access, reason := ReadTokenAnswer([]byte(`{"id_token":"i","access_token":"a"}`)); id != "i" || access != "a" || reason != "" {
		t.Errorf("%q %q %s", id, access, reason)
	}
	for _, answer := range []string{"", "[]", `{"id_token":"i"}`, `{"access_token":"a"}`, `{"id_token":1,"access_token":"a"}`, `{"id_token":"i","id_token":"j","access_token":"a"}`} {
		if _, _, reason := ReadTokenAnswer([]byte(answer)); reason != oauth.ReasonUpstreamCode {
			t.Errorf("%s: %q", answer, reason)
		}
	}
}
