package demo

import (
	"encoding/json"
	"maps"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/mintmark-id/mintmark/internal/jose"
	"github.com/mintmark-id/mintmark/internal/oauth"
)

const (
	issuer   = "https://id.example"
	audience = "https://orders.example"
)

// forger signs whatever a case asks for.
type forger struct {
	t     *testing.T
	key   *jose.PrivateKey // the issuer's
	other *jose.PrivateKey // somebody's
	rsa   *jose.PrivateKey // the issuer's, of an algorithm that nobody registered
}

func newForger(t *testing.T) *forger {
	t.Helper()
	f := &forger{t: t}
	for key, alg := range map[**jose.PrivateKey]jose.Algorithm{&f.key: jose.ES256, &f.other: jose.ES256, &f.rsa: jose.RS256} {
		made, err := jose.Generate(alg)
		if err != nil {
			t.Fatal(err)
		}
		*key = made
	}
	return f
}

// provider has the issuer's keys already.
func (f *forger) provider() *provider {
	p := newProvider(issuer)
	p.keys, p.keysAt = jose.KeySet{f.key.Public(), f.rsa.Public()}, time.Now()
	p.metadata = &oauth.Metadata{Issuer: issuer, JWKSURI: "http://127.0.0.1:1/"} // nobody is there to be asked
	return p
}

// changed gives claims with some changed; a nil takes one away.
func changed(claims, change map[string]any) map[string]any {
	after := maps.Clone(claims)
	maps.Copy(after, change)
	maps.DeleteFunc(after, func(_ string, value any) bool { return value == nil })
	return after
}

func (f *forger) sign(key *jose.PrivateKey, typ string, claims map[string]any) string {
	f.t.Helper()
	payload, err := json.Marshal(claims)
	if err != nil {
		f.t.Fatal(err)
	}
	token, err := jose.Sign(key, typ, payload)
	if err != nil {
		f.t.Fatal(err)
	}
	return token
}

type set = map[string]any

func TestTheAPITakesOnlyWhatWasMintedForIt(t *testing.T) {
	f, now := newForger(t), time.Now()
	api := NewAPI(issuer, audience)
	api.provider = f.provider()
	good := set{"iss": issuer, "aud": []string{audience, issuer}, "exp": now.Unix() + 60, "iat": now.Unix(), "sub": "u", "scope": "a orders:read"}
	for _, c := range []struct {
		name   string
		token  string
		scope  string
		want   oauth.Code
		broken string // part of the rule that does not hold
	}{
		{"RFC 9068 §4", f.sign(f.key, "at+jwt", good), ScopeRead, "", ""},
		{"one audience as a string, RFC 7519 §4.1.3", f.sign(f.key, "at+jwt", changed(good, set{"aud": audience})), ScopeRead, "", ""},
		{"the long type, RFC 9068 §4", f.sign(f.key, "application/at+jwt", good), ScopeRead, "", ""},
		{"no token", "hello", ScopeRead, oauth.InvalidToken, "three parts"},
		{"an ID token, RFC 9068 §4", f.sign(f.key, "JWT", good), ScopeRead, oauth.InvalidToken, "typ"},
		{"no type", f.sign(f.key, "", good), ScopeRead, oauth.InvalidToken, "typ"},
		{"another's key under the issuer's name", tampered(f.sign(f.key, "at+jwt", good), f.sign(f.other, "at+jwt", good)), ScopeRead, oauth.InvalidToken, "signed"},
		{"a key that nobody published", f.sign(f.other, "at+jwt", good), ScopeRead, oauth.InvalidToken, "signed"},
		{"an algorithm that this API does not take, RFC 8725 §3.1", f.sign(f.rsa, "at+jwt", good), ScopeRead, oauth.InvalidToken, "signed"},
		{"one letter changed", forged(f.sign(f.key, "at+jwt", good)), ScopeRead, oauth.InvalidToken, "signed"},
		{"another issuer", f.sign(f.key, "at+jwt", changed(good, set{"iss": issuer + "/"})), ScopeRead, oauth.InvalidToken, "(iss)"},
		{"no issuer", f.sign(f.key, "at+jwt", changed(good, set{"iss": nil})), ScopeRead, oauth.InvalidToken, "(iss)"},
		{"another audience", f.sign(f.key, "at+jwt", changed(good, set{"aud": issuer})), ScopeRead, oauth.InvalidToken, "(aud"},
		{"no audience", f.sign(f.key, "at+jwt", changed(good, set{"aud": nil})), ScopeRead, oauth.InvalidToken, "(aud"},
		{"expired", f.sign(f.key, "at+jwt", changed(good, set{"exp": now.Unix() - 10})), ScopeRead, oauth.InvalidToken, "(exp)"},
		{"within the leeway", f.sign(f.key, "at+jwt", changed(good, set{"exp": now.Unix() - 2})), ScopeRead, "", ""},
		{"never ends", f.sign(f.key, "at+jwt", changed(good, set{"exp": nil})), ScopeRead, oauth.InvalidToken, "(exp)"},
		{"another scope", f.sign(f.key, "at+jwt", good), ScopeWrite, oauth.InsufficientScope, "(scope)"},
		{"no scope", f.sign(f.key, "at+jwt", changed(good, set{"scope": nil})), ScopeRead, oauth.InsufficientScope, "(scope)"},
		{"a scope of which it is a part", f.sign(f.key, "at+jwt", changed(good, set{"scope": "orders:readall"})), ScopeRead, oauth.InsufficientScope, "(scope)"},
	} {
		api.provider.keysAt = time.Now() // the keys are fresh
		got, err := api.check(t.Context(), c.token, c.scope, now)
		if err != nil {
			t.Errorf("%s: %v", c.name, err)
			continue
		}
		last := got.checks[len(got.checks)-1]
		if got.refused != c.want || last.OK != (c.want == "") || !strings.Contains(last.Rule+last.Found, c.broken) {
			t.Errorf("%s: refused %q after %+v, want %q", c.name, got.refused, last, c.want)
		}
	}
}

// tampered is a token with the signature of another.
func tampered(token, signature string) string {
	return token[:strings.LastIndexByte(token, '.')] + signature[strings.LastIndexByte(signature, '.'):]
}

func TestAnAPIWithoutKeysTakesTheBlame(t *testing.T) {
	f := newForger(t)
	api := NewAPI(issuer, audience)
	api.provider = f.provider()
	api.provider.keys = nil
	if _, err := api.check(t.Context(), f.sign(f.key, "at+jwt", set{}), ScopeRead, time.Now()); err == nil {
		t.Error("a token was judged without keys")
	}
	r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, audience+"/orders", nil)
	if err != nil {
		t.Fatal(err)
	}
	r.Header.Set("Authorization", "Bearer "+f.sign(f.key, "at+jwt", set{}))
	w := &noted{discard: discard{http.Header{}}}
	api.ServeHTTP(w, r)
	if w.status != http.StatusServiceUnavailable || w.header.Get("Retry-After") == "" {
		t.Errorf("status %d, header %v: a client would throw its token away", w.status, w.header)
	}
}

// noted remembers the status of an answer.
type noted struct {
	discard
	status int
}

func (n *noted) WriteHeader(status int) { n.status = status }

func TestTheAppBelievesOnlyAnIDTokenForItAndForThisSignIn(t *testing.T) {
	f, now := newForger(t), time.Now()
	const access = "the.access.token"
	good := set{
		"iss": issuer, "aud": "breadbox", "exp": now.Unix() + 3600, "iat": now.Unix(), "sub": "u", "nonce": "n",
		"auth_time": now.Unix() - 5, "at_hash": jose.AtHash(access, jose.ES256),
	}
	signIn := expected{clientID: "breadbox", nonce: "n", access: access}
	renewed := expected{clientID: "breadbox", nonce: "n", access: access, subject: "u", authTime: now.Unix() - 5}
	for _, c := range []struct {
		name   string
		key    *jose.PrivateKey
		claims set
		want   expected
		broken string // part of the rule that does not hold; empty: all do
	}{
		{"OpenID Connect Core §3.1.3.7", f.key, good, signIn, ""},
		{"§3.1.3.8: at_hash is optional", f.key, changed(good, set{"at_hash": nil}), signIn, ""},
		{"§3.1.3.7 step 5: azp of this client", f.key, changed(good, set{"azp": "breadbox"}), signIn, ""},
		{"step 2: another issuer", f.key, changed(good, set{"iss": "https://evil.example"}), signIn, "iss is"},
		{"step 3: another client", f.key, changed(good, set{"aud": "other"}), signIn, "aud is"},
		{"step 3: an audience that is not trusted", f.key, changed(good, set{"aud": []string{"breadbox", "other"}}), signIn, "aud is"},
		{"step 5: azp of another client", f.key, changed(good, set{"azp": "other"}), signIn, "azp is"},
		{"step 6: somebody else's key", f.other, good, signIn, "signed it"},
		{"step 7: an algorithm that was not registered", f.rsa, good, signIn, "signed it"},
		{"step 9: expired", f.key, changed(good, set{"exp": now.Unix() - 10}), signIn, "(exp)"},
		{"step 10: made long ago", f.key, changed(good, set{"iat": now.Unix() - 7200}), signIn, "(iat)"},
		{"step 10: made in the future", f.key, changed(good, set{"iat": now.Unix() + 60}), signIn, "(iat)"},
		{"step 11: the nonce of another sign-in", f.key, changed(good, set{"nonce": "m"}), signIn, "nonce is"},
		{"step 11: no nonce", f.key, changed(good, set{"nonce": nil}), signIn, "nonce is"},
		{"§2: no subject", f.key, changed(good, set{"sub": nil}), signIn, "sub names"},
		{"§3.1.3.8: another access token", f.key, changed(good, set{"at_hash": jose.AtHash("other", jose.ES256)}), signIn, "at_hash"},
		{"§12.2: a renewed token needs no nonce", f.key, changed(good, set{"nonce": nil}), renewed, ""},
		{"§12.2: a renewed token may repeat the nonce", f.key, good, renewed, ""},
		{"§12.2: a renewed token of another sign-in", f.key, changed(good, set{"nonce": "m"}), renewed, "nonce is"},
		{"§12.2: a renewed token of another user", f.key, changed(good, set{"sub": "v"}), renewed, "sub is"},
		{"§12.2: a renewal is no sign-in", f.key, changed(good, set{"auth_time": now.Unix()}), renewed, "auth_time"},
	} {
		_, held, err := f.provider().checkIDToken(t.Context(), f.sign(c.key, "JWT", c.claims), c.want, now)
		if err != nil {
			t.Errorf("%s: %v", c.name, err)
			continue
		}
		last := held[len(held)-1]
		if held.allHold() != (c.broken == "") || !strings.Contains(last.Rule, c.broken) {
			t.Errorf("%s: the last of %d checks is %+v", c.name, len(held), last)
		}
	}
}

func TestAKeyThatIsNewerThanTheCopyIsFetched(t *testing.T) {
	w, b := newWorld(t), newBrowser(t)
	b.signIn(w)
	token := w.held(t).here.tokens.Access
	stranger := newForger(t).other.Public()
	w.api.provider.metadata = nil
	w.api.provider.keys, w.api.provider.keysAt = jose.KeySet{stranger}, time.Now().Add(-2*keysPause)
	got, err := w.api.check(t.Context(), token, ScopeRead, time.Now())
	if err != nil || got.refused != "" {
		t.Errorf("refused %q, %v", got.refused, err)
	}
	w.api.provider.keys, w.api.provider.keysAt = jose.KeySet{stranger}, time.Now()
	if got, err := w.api.check(t.Context(), token, ScopeRead, time.Now()); err != nil || got.refused != oauth.InvalidToken {
		t.Errorf("fetched again within %s: refused %q, %v", keysPause, got.refused, err)
	}
}

func TestMetadataOfAnotherIssuerIsNotUsed(t *testing.T) {
	w := newWorld(t)
	// OpenID Connect Discovery §4.3: the same server under another spelling is another issuer.
	p := newProvider(strings.Replace(w.issuer, "localhost", "127.0.0.1", 1))
	if metadata, err := p.discover(t.Context()); err == nil {
		t.Errorf("the metadata of %s was taken", metadata.Issuer)
	}
}
