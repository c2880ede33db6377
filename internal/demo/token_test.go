package demo

import (
	"encoding/json"
	"errors"
	"log/slog"
	"maps"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/mintmark-id/mintmark/internal/jose"
	"github.com/mintmark-id/mintmark/internal/oauth"
	"github.com/mintmark-id/mintmark/verify"
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

func TestAnAPIThatCannotKnowTakesTheBlame(t *testing.T) {
	f := newForger(t)
	api, err := NewAPI(t.Context(), APIConfig{ // nobody listens there
		Issuer: "http://127.0.0.1:1", Address: audience, ClientID: "demo-api", ClientSecret: "s", Log: slog.New(slog.DiscardHandler),
	})
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = api.Close() }()
	r := httptest.NewRequestWithContext(t.Context(), http.MethodGet, audience+"/orders", nil)
	r.Header.Set("Authorization", "Bearer "+f.sign(f.key, "at+jwt", set{"iss": "http://127.0.0.1:1"}))
	w := httptest.NewRecorder()
	api.ServeHTTP(w, r)
	if outcome, _ := readVerdict(w.Header()); w.Code != http.StatusServiceUnavailable || w.Header().Get("Retry-After") == "" || outcome != notKnown {
		t.Errorf("status %d, header %v: a client would throw its token away", w.Code, w.Header())
	}
}

func TestAnAccountEndsWithTheRuleThatDoesNotHold(t *testing.T) {
	f, now := newForger(t), time.Now()
	token := f.sign(f.key, "JWT", set{"iss": issuer, "aud": audience, "exp": now.Unix() + 60, "sub": "u", "scope": "orders:read"})
	for _, r := range rules() {
		held := account(r.broken, token, now)
		for n, c := range held {
			if last := n == len(held)-1; c.OK == last || last && c.Rule != r.says {
				t.Errorf("%s: rule %d of %d is %+v", r.broken, n, len(held), c)
			}
		}
	}
	if held := account(accepted, token, now); len(held) != len(rules()) || !held.allHold() {
		t.Errorf("accepted: %+v", held)
	}
	if found := account(string(verify.WrongType), token, now)[1].Found; found != "typ JWT" {
		t.Errorf("of a wrong type was found %q", found)
	}
	for _, outcome := range []string{noToken, notKnown, ""} {
		if held := account(outcome, "", now); held != nil {
			t.Errorf("%s: nothing was checked, but %+v", outcome, held)
		}
	}
}

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
	token, err := jose.Parse(w.held(t).here.tokens.ID)
	if err != nil {
		t.Fatal(err)
	}
	stranger := newForger(t).other.Public()
	p := newProvider(w.issuer)
	p.keys, p.keysAt = jose.KeySet{stranger}, time.Now().Add(-2*keysPause)
	if _, err := p.verify(t.Context(), token, jose.ES256); err != nil {
		t.Error(err)
	}
	p.keys, p.keysAt = jose.KeySet{stranger}, time.Now()
	if _, err := p.verify(t.Context(), token, jose.ES256); !errors.Is(err, jose.ErrUnknownKey) {
		t.Errorf("fetched again within %s: %v", keysPause, err)
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
