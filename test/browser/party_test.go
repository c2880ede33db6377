//go:build external

package browser

import (
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/mintmark-id/mintmark/admin"
	"github.com/mintmark-id/mintmark/test/server"
)

// world is what a test needs: a server, an application that listens, and a user
// who has never been there.
type world struct {
	*server.Server
	t       *testing.T
	scripts bool
	http    *http.Client // of the application, towards the server
	user    admin.User
	client  admin.RegisteredClient
	site    *httptest.Server
	came    chan call // whom the browser brought to the application
	pkce    string
}

// call is a request that a browser made to the application.
type call struct {
	path, method string
	values       url.Values
}

// withAndWithoutScripts runs a test in a browser that runs scripts and in one
// that does not.
func withAndWithoutScripts(t *testing.T, run func(w *world)) {
	s := server.Start(t)
	for name, scripts := range map[string]bool{"with scripts": true, "without scripts": false} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			run(newWorld(t, s, scripts))
		})
	}
}

func newWorld(t *testing.T, s *server.Server, scripts bool) *world {
	t.Helper()
	w := &world{Server: s, t: t, scripts: scripts, http: http.DefaultClient, came: make(chan call, 100), pkce: rand.Text() + rand.Text()}
	w.site = httptest.NewServer(http.HandlerFunc(w.answer))
	t.Cleanup(w.site.Close)
	w.user = s.NewUser(strings.ToLower(rand.Text())+"@example.com", "--name", "Ana Sousa")
	w.client = s.NewClient("Paper Shop", "--grant", "authorization_code,refresh_token",
		"--redirect-uri", w.callback(), "--post-logout-redirect-uri", w.site.URL+"/bye",
		"--scope", "openid,profile,email")
	return w
}

func (w *world) callback() string { return w.site.URL + "/callback" }

// answer is the application: it notes who came, and says hello. At /form it asks
// for authorization by a form of its own, as an application may.
func (w *world) answer(rw http.ResponseWriter, r *http.Request) {
	_ = r.ParseForm() // what cannot be read is missing in the values
	w.came <- call{path: r.URL.Path, method: r.Method, values: r.Form}
	body := `<h1>Hello</h1>`
	if r.URL.Path == "/form" {
		body = `<form method="post" action="` + w.Issuer + `/oauth2/authorize">`
		for name := range r.Form {
			body += `<input type="hidden" name="` + name + `" value="` + r.Form.Get(name) + `">`
		}
		body += `<button id="go">Go</button></form>`
	}
	rw.Header().Set("Content-Type", "text/html; charset=utf-8")
	_, _ = rw.Write([]byte(`<!doctype html><html lang="en"><title>Paper Shop</title>` + //nolint:gosec // nothing here is a stranger's
		`<link rel="icon" href="data:,">` + body)) // a browser that is gone needs no answer
}

// arrival is the next call that the browser made to a path of the application.
func (w *world) arrival(path string) call {
	w.t.Helper()
	select {
	case c := <-w.came:
		if c.path != path {
			w.t.Fatalf("the browser came to %s, not to %s", c.path, path)
		}
		return c
	case <-time.After(patience):
		w.t.Fatalf("nobody came to %s", path)
		return call{}
	}
}

// nobodyCame holds the server to having sent nobody to the application.
func (w *world) nobodyCame() {
	w.t.Helper()
	if len(w.came) > 0 {
		w.t.Errorf("the browser was sent to the application: %+v", <-w.came)
	}
}

// request is the parameters of an authorization request, with more of them or
// others as names and values.
func (w *world) request(more ...string) url.Values {
	challenge := sha256.Sum256([]byte(w.pkce))
	q := url.Values{
		"client_id": {w.client.ClientID}, "redirect_uri": {w.callback()}, "response_type": {"code"},
		"scope": {"openid profile email"}, "state": {"a state"}, "nonce": {"a nonce"},
		"code_challenge": {base64.RawURLEncoding.EncodeToString(challenge[:])}, "code_challenge_method": {"S256"},
	}
	for i := 0; i < len(more); i += 2 {
		q.Set(more[i], more[i+1])
	}
	return q
}

// ask is the address of such a request.
func (w *world) ask(more ...string) string {
	return w.Issuer + "/oauth2/authorize?" + w.request(more...).Encode()
}

// tokens are what a code was exchanged for.
type tokens struct {
	Access  string `json:"access_token"`
	Refresh string `json:"refresh_token"`
	ID      string `json:"id_token"`
	Error   string `json:"error"`
}

// exchange takes the code from a call and exchanges it.
func (w *world) exchange(c call) tokens {
	w.t.Helper()
	if c.values.Get("state") != "a state" || c.values.Get("iss") != w.Issuer || c.values.Get("code") == "" {
		w.t.Fatalf("the browser brought %v", c.values)
	}
	return w.token(url.Values{
		"grant_type": {"authorization_code"}, "code": c.values["code"],
		"redirect_uri": {w.callback()}, "code_verifier": {w.pkce},
	})
}

func (w *world) refresh(t tokens) tokens {
	w.t.Helper()
	return w.token(url.Values{"grant_type": {"refresh_token"}, "refresh_token": {t.Refresh}})
}

func (w *world) token(form url.Values) (got tokens) {
	w.t.Helper()
	request, err := http.NewRequestWithContext(w.t.Context(), http.MethodPost, w.Issuer+"/oauth2/token", strings.NewReader(form.Encode()))
	if err != nil {
		w.t.Fatal(err)
	}
	request.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	request.SetBasicAuth(w.client.ClientID, w.client.ClientSecret)
	answer, err := w.http.Do(request)
	if err != nil {
		w.t.Fatalf("asking the token endpoint: %v", err)
	}
	defer answer.Body.Close()
	if err := json.NewDecoder(answer.Body).Decode(&got); err != nil {
		w.t.Fatalf("reading the answer of the token endpoint: %v", err)
	}
	return got
}

// authTime is when the user of an ID token signed in.
func (w *world) authTime(t tokens) int64 {
	w.t.Helper()
	var claims struct {
		Sub      string `json:"sub"`
		AuthTime int64  `json:"auth_time"`
	}
	parts := strings.Split(t.ID, ".")
	if len(parts) != 3 {
		w.t.Fatalf("there is no ID token: %+v", t)
	}
	payload, err := base64.RawURLEncoding.DecodeString(parts[1])
	if err == nil {
		err = json.Unmarshal(payload, &claims)
	}
	if err != nil || claims.Sub != w.user.Sub {
		w.t.Fatalf("the ID token says %s (%v); the user is %s", payload, err, w.user.Sub)
	}
	return claims.AuthTime
}

// browser opens a browser in which nobody is signed in.
func (w *world) browser() *tab {
	w.t.Helper()
	return newTab(w.t, w.scripts)
}

// signIn fills in the sign-in page that a tab shows, which then leads to want.
func (w *world) signIn(b *tab, want string) {
	w.t.Helper()
	b.enter("login-identifier", w.user.Email)
	b.enter("login-password", w.user.Password)
	b.click("login-submit", want)
}

// signedIn opens a browser and signs the user in to their account page.
func (w *world) signedIn() *tab {
	w.t.Helper()
	b := w.browser()
	b.open(w.Issuer+"/login", w.Issuer+"/login")
	w.signIn(b, w.Issuer+"/account")
	return b
}

// letIn signs the user in for the application and allows it what it asks.
func (w *world) letIn(b *tab) tokens {
	w.t.Helper()
	b.open(w.ask(), w.Issuer+"/login")
	w.signIn(b, w.Issuer+"/consent")
	b.click("consent-allow", w.callback())
	return w.exchange(w.arrival("/callback"))
}
