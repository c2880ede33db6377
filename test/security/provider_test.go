package security_test

import (
	"encoding/json"
	"html"
	"net/http"
	"net/http/httptest"
	"net/url"
	"regexp"
	"sync"
	"time"

	"github.com/mintmark-id/mintmark/internal/engine"
	"github.com/mintmark-id/mintmark/internal/jose"
	"github.com/mintmark-id/mintmark/internal/oauth"
	"github.com/mintmark-id/mintmark/internal/record"
	"github.com/mintmark-id/mintmark/internal/web/pages"
)

const (
	ourID     = "mintmark:there"
	ourSecret = "a-secret+of:100%ours"
)

// provider is an upstream over a real socket that signs and says whatever it is told.
type provider struct {
	*world
	id     string
	server *httptest.Server
	key    *jose.PrivateKey

	mu       sync.Mutex
	codes    map[string]url.Values              // the authorization request that each was given for
	calls    map[string]int                     // by path
	claims   []any                              // what is other in its ID tokens
	document []any                              // and in its discovery document
	userinfo []any                              // what is other in its userinfo
	subject  any                                // of the last ID token
	sign     func(claims map[string]any) string // instead of its key
	handle   map[string]http.HandlerFunc        // instead of its own, by path
	token    []any                              // what is other in the answer of the token endpoint
}

// newProvider starts an upstream and declares it here.
func (w *world) newProvider(id string, change func(*record.UpstreamSettings)) *provider {
	w.t.Helper()
	key, err := jose.Generate(jose.ES256)
	w.must(err)
	p := &provider{world: w, id: id, key: key, codes: map[string]url.Values{}, calls: map[string]int{}, handle: map[string]http.HandlerFunc{}}
	p.server = httptest.NewServer(http.HandlerFunc(p.answer))
	w.t.Cleanup(p.server.Close)
	settings := record.UpstreamSettings{Name: "The " + id, Issuer: p.server.URL, ClientID: ourID, SignUp: true}
	if change != nil {
		change(&settings)
	}
	_, err = w.engine.CreateUpstream(w.t.Context(), id, engine.UpstreamForm{Settings: settings, Secret: ourSecret})
	w.must(err)
	w.log.hide(ourSecret)
	return p
}

// says changes what the provider says from now on.
func (p *provider) says(claims ...any) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.claims = claims
}

func (p *provider) called(path string) int {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.calls[path]
}

func (p *provider) answer(rw http.ResponseWriter, r *http.Request) {
	p.mu.Lock()
	p.calls[r.URL.Path]++
	other := p.handle[r.URL.Path]
	p.mu.Unlock()
	if other != nil {
		other(rw, r)
		return
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	send := func(status int, value any) {
		rw.Header().Set("Content-Type", "application/json")
		rw.Header().Set("Cache-Control", "no-store")
		rw.WriteHeader(status)
		text, err := json.Marshal(value)
		if err != nil {
			text = []byte(err.Error())
		}
		_, _ = rw.Write(text) // whoever has gone needs no answer
	}
	switch r.URL.Path {
	case "/.well-known/openid-configuration":
		send(http.StatusOK, changed(map[string]any{
			"issuer": p.server.URL, "authorization_endpoint": p.server.URL + "/authorize?tenant=1", "token_endpoint": p.server.URL + "/token",
			"jwks_uri": p.server.URL + "/jwks", "userinfo_endpoint": p.server.URL + "/userinfo",
			"id_token_signing_alg_values_supported": []string{"none", "HS256", "ES256"},
		}, p.document...))
	case "/jwks":
		send(http.StatusOK, jose.KeySet{p.key.Public()})
	case "/userinfo":
		if r.Header.Get("Authorization") != "Bearer an access token" {
			send(http.StatusUnauthorized, nil)
			return
		}
		send(http.StatusOK, changed(map[string]any{"sub": p.subject}, p.userinfo...))
	case "/token":
		send(p.exchange(r))
	default:
		http.NotFound(rw, r)
	}
}

// exchange is strict, as a provider must be: the code, the verifier, the secret and the
// redirect URI are those of the request.
func (p *provider) exchange(r *http.Request) (int, any) {
	id, secret, _ := r.BasicAuth()
	plainID, _ := url.QueryUnescape(id)
	plainSecret, _ := url.QueryUnescape(secret)
	asked, known := p.codes[r.FormValue("code")]
	if !known || r.Method != http.MethodPost || plainID != ourID || plainSecret != ourSecret || r.FormValue("redirect_uri") != asked.Get("redirect_uri") ||
		!oauth.VerifierMatches(r.FormValue("code_verifier"), asked.Get("code_challenge")) {
		return http.StatusBadRequest, map[string]any{"error": "invalid_grant", "error_description": canary}
	}
	now := time.Now().Unix()
	claims := changed(map[string]any{
		"iss": p.server.URL, "aud": ourID, "sub": "eve there", "iat": now, "exp": now + 300, "nonce": asked.Get("nonce"),
		"email": eve, "email_verified": true, "name": "Eve There",
	}, p.claims...)
	p.subject = claims["sub"]
	return http.StatusOK, changed(map[string]any{"token_type": "Bearer", "access_token": "an access token", "id_token": p.signed(claims)}, p.token...)
}

func (p *provider) signed(claims map[string]any) string {
	if p.sign != nil {
		return p.sign(claims)
	}
	return signedBy(p.key, "", claims)
}

// signedBy is a token; what cannot be signed is none.
func signedBy(key *jose.PrivateKey, typ string, claims map[string]any) string {
	text, err := json.Marshal(claims)
	if err != nil {
		return ""
	}
	token, err := jose.Sign(key, typ, text)
	if err != nil {
		return ""
	}
	return token
}

// depart presses the button, and gives the request that the browser is sent with.
func (p *provider) depart(b *browser, interaction string) url.Values {
	b.t.Helper()
	a := p.press(b, interaction)
	to, err := url.Parse(a.onward())
	if err != nil || a.StatusCode != http.StatusOK || to.Host == "" {
		b.t.Fatalf("the button answers %d %s", a.StatusCode, a.Header.Get("Location"))
	}
	return to.Query()
}

func (p *provider) press(b *browser, interaction string) answer {
	b.t.Helper()
	form := b.loginForm(interaction, "", "")
	return b.post(pages.PathUpstream, url.Values{
		pages.FieldToken: form[pages.FieldToken], pages.FieldInteraction: {interaction}, pages.FieldUpstream: {p.id},
	})
}

var onwardLink = regexp.MustCompile(`id="onward" href="([^"]*)"`)

// onward is where a page takes the browser; "" if it is another page.
func (a answer) onward() string {
	found := onwardLink.FindStringSubmatch(a.body)
	if found == nil {
		return ""
	}
	return html.UnescapeString(found[1])
}

// code is one for a request.
func (p *provider) codeFor(asked url.Values) string {
	p.mu.Lock()
	defer p.mu.Unlock()
	code := "code-" + oauth.ChallengeOf(asked.Get("nonce"))
	p.codes[code] = asked
	return code
}

// back brings a browser back with a code for its request, changed.
func (p *provider) back(b *browser, asked url.Values, changes ...string) answer {
	b.t.Helper()
	return p.backWith(b, with(url.Values{"code": {p.codeFor(asked)}, "state": {asked.Get("state")}}, changes...))
}

func (p *provider) backWith(b *browser, query url.Values) answer {
	b.t.Helper()
	return b.query(pages.PathUpstream+"/"+p.id, query)
}

// enter is the whole way, to the account page.
func (p *provider) enter(b *browser) answer {
	b.t.Helper()
	return p.back(b, p.depart(b, ""))
}

// reason is why a sign-in came to nothing.
func (w *world) reason(a answer) oauth.Reason {
	w.t.Helper()
	said, err := w.engine.Explain(w.t.Context(), a.Header.Get("Error-Reference"))
	if err != nil {
		w.t.Fatalf("%d without a reference that can be opened: %v", a.StatusCode, err)
	}
	return said.Reason
}

// turnedAway holds an answer to having signed nobody in, for a reason.
func (b *browser) turnedAway(what string, a answer, want oauth.Reason) {
	b.t.Helper()
	if got := b.reason(a); got != want {
		b.t.Errorf("%s: the reason is %s, not %s", what, got, want)
	}
	if a.toClient() || a.onward() != "" {
		b.t.Errorf("%s: the browser is sent away", what)
	}
	if b.jar[b.sessionCookie()] != "" || b.signedIn() {
		b.t.Errorf("%s: somebody is signed in", what)
	}
}

// userOf is whom a browser is signed in as.
func (b *browser) userOf() (sub string) {
	b.t.Helper()
	b.must(b.db.QueryRowContext(b.t.Context(), `SELECT user_id FROM sessions WHERE ended_at = 0 ORDER BY made_at DESC, id LIMIT 1`).Scan(&sub))
	return sub
}
