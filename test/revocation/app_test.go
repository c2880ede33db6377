package revocation_test

import (
	"crypto/rand"
	"encoding/base64"
	"encoding/json"
	"net/http"
	"net/url"
	"strings"

	"github.com/mintmark-id/mintmark/internal/oauth"
	"github.com/mintmark-id/mintmark/test/person"
)

// app is a client at the endpoints that have no browser.
type app struct {
	w          *world
	id, secret string
}

// holding is what a client has after somebody let it in, or by itself.
type holding struct {
	app             *app
	aud             string
	access, id      string
	refresh         string // empty: none
	code, challenge string // what it was made from, and the proof of who asked for it
}

// post sends a form as the client.
func (a *app) post(path string, form url.Values, header ...string) answer {
	a.w.Helper()
	if a.secret == "" {
		form.Set("client_id", a.id)
	}
	request, err := http.NewRequestWithContext(a.w.Context(), http.MethodPost, a.w.server.Issuer+path, strings.NewReader(form.Encode()))
	a.w.must(err)
	request.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	if a.secret != "" {
		request.SetBasicAuth(a.id, a.secret)
	}
	for i := 0; i < len(header); i += 2 {
		request.Header.Set(header[i], header[i+1])
	}
	return a.w.do(request)
}

// signIn has somebody let the client in, through the pages.
func (a *app) signIn(who *person.Person, aud, scope string) *holding {
	a.w.Helper()
	h := &holding{app: a, aud: aud, challenge: rand.Text() + rand.Text()}
	back, err := url.Parse(who.Open(a.w.server.Issuer + oauth.PathAuthorize + "?" + url.Values{
		"response_type": {"code"}, "client_id": {a.id}, "redirect_uri": {a.callback()}, "scope": {scope}, "resource": {aud},
		"code_challenge": {oauth.ChallengeOf(h.challenge)}, "code_challenge_method": {"S256"},
	}.Encode()))
	a.w.must(err)
	if h.code = back.Query().Get("code"); h.code == "" {
		a.w.Fatalf("%s was led to %s", who.Email, back)
	}
	if answer := h.exchange(); !h.take(answer) {
		a.w.Fatalf("the exchange is answered with %d %s", answer.status, answer.body)
	}
	return h
}

func (a *app) callback() string { return "https://" + a.id + ".example/cb" }

// own is what the client gets for itself.
func (a *app) own(aud string) *holding {
	a.w.Helper()
	h := &holding{app: a, aud: aud}
	form := url.Values{"grant_type": {oauth.GrantClientCredentials}}
	if aud != issuer {
		form.Set("resource", aud)
	}
	if answer := a.post(oauth.PathToken, form); !h.take(answer) {
		a.w.Fatalf("%s gets %d %s", a.id, answer.status, answer.body)
	}
	return h
}

// exchange presents the code.
func (h *holding) exchange() answer {
	h.app.w.Helper()
	return h.app.post(oauth.PathToken, url.Values{
		"grant_type": {oauth.GrantAuthorizationCode}, "code": {h.code}, "redirect_uri": {h.app.callback()}, "code_verifier": {h.challenge},
	})
}

// renew refreshes, and takes what it is given; false: it is given nothing, for
// good.
func (h *holding) renew() bool {
	h.app.w.Helper()
	answer := h.app.post(oauth.PathToken, url.Values{"grant_type": {oauth.GrantRefreshToken}, "refresh_token": {h.refresh}})
	if answer.status >= http.StatusInternalServerError {
		h.app.w.Fatalf("refreshing is answered with %d %s", answer.status, answer.body)
	}
	return h.take(answer)
}

// take takes the tokens of an answer, if it has any.
func (h *holding) take(from answer) bool {
	h.app.w.Helper()
	if from.status != http.StatusOK {
		return false
	}
	var tokens struct {
		Access  string `json:"access_token"`
		Refresh string `json:"refresh_token"`
		ID      string `json:"id_token"`
	}
	h.app.w.must(json.Unmarshal([]byte(from.body), &tokens))
	h.access = tokens.Access
	if tokens.Refresh != "" {
		h.refresh = tokens.Refresh
	}
	if tokens.ID != "" {
		h.id = tokens.ID
	}
	return true
}

// revoke is RFC 7009.
func (a *app) revoke(token string, header ...string) answer {
	a.w.Helper()
	came := a.post(oauth.PathRevoke, url.Values{"token": {token}}, header...)
	if came.status != http.StatusOK {
		a.w.Fatalf("revoking is answered with %d %s", came.status, came.body)
	}
	return came
}

// active is what introspection says of a token to the APIs that it is for.
func (w *world) active(token string) bool {
	w.Helper()
	answer := w.apps["apis"].post(oauth.PathIntrospect, url.Values{"token": {token}})
	var said struct {
		Active bool `json:"active"`
	}
	if err := json.Unmarshal([]byte(answer.body), &said); err != nil || answer.status != http.StatusOK {
		w.Fatalf("introspection is answered with %d %s", answer.status, answer.body)
	}
	return said.Active
}

// userinfo is the status that a token comes to there.
func (w *world) userinfo(token string) int {
	w.Helper()
	return w.get(w.server.Issuer+oauth.PathUserinfo, token).status
}

// claim is a claim of the access token, or of its header.
func (h *holding) claim(name string) string {
	h.app.w.Helper()
	members := map[string]any{}
	for _, part := range strings.Split(h.access, ".")[:2] {
		text, err := base64.RawURLEncoding.DecodeString(part)
		h.app.w.must(err)
		h.app.w.must(json.Unmarshal(text, &members))
	}
	value, _ := members[name].(string)
	if value == "" {
		h.app.w.Fatalf("the token has no %s", name)
	}
	return value
}
