package security_test

import (
	"encoding/base64"
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/mintmark-id/mintmark/internal/egress"
	"github.com/mintmark-id/mintmark/internal/engine"
	"github.com/mintmark-id/mintmark/internal/oauth"
	"github.com/mintmark-id/mintmark/internal/outbox"
	"github.com/mintmark-id/mintmark/internal/record"
	"github.com/mintmark-id/mintmark/internal/web/pages"
)

// hearing lets the client "web" hear of logouts, and gives the logout tokens that come.
func (w *world) hearing() <-chan string {
	w.t.Helper()
	tokens := make(chan string, 99)
	server := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		tokens <- r.PostFormValue("logout_token")
	}))
	w.t.Cleanup(server.Close)
	row, err := w.store.Client(w.t.Context(), "web")
	w.must(err)
	settings := row.Settings
	settings.BackchannelLogoutURI = server.URL
	w.must(w.store.Commit(w.t.Context(), []record.Change{
		record.UpdateClient{ID: row.ID, Name: row.Name, Settings: settings, Enabled: true, Version: row.Version},
	}))
	post := outbox.Open(w.t.Context(), outbox.Config{
		Store: w.store, Issuer: w.issuer.String(), SubjectFor: w.engine.SubjectFor,
		Ring: w.engine.Ring, Now: w.engine.Now, Log: w.log.logger(),
		Egress: egress.New([]netip.Prefix{netip.MustParsePrefix("127.0.0.1/32")}),
	})
	w.t.Cleanup(post.Close)
	return tokens
}

// logoutToken waits for one, and gives it with its claims.
func (w *world) logoutToken(tokens <-chan string) (string, map[string]any) {
	w.t.Helper()
	select {
	case token := <-tokens:
		w.log.hide(token)
		return token, claimsIn(w.t, token)
	case <-time.After(30 * time.Second):
		w.t.Fatal("no logout token came")
	}
	panic("unreachable")
}

func claimsIn(t *testing.T, token string) map[string]any {
	t.Helper()
	claims := map[string]any{}
	payload, err := base64.RawURLEncoding.DecodeString(strings.Split(token, ".")[1])
	if err == nil {
		err = json.Unmarshal(payload, &claims)
	}
	if err != nil {
		t.Fatal(err)
	}
	return claims
}

// OpenID Connect Back-Channel Logout §2.4, §4.1: a logout token passes for no other token, and no other token for it.
func TestM4_ALogoutTokenIsNothingElse(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	tokens := w.hearing()
	b := w.newBrowser().signIn(ana)
	web := w.app("web")
	got := web.granted(b)
	id := claimsIn(t, got.ID)
	b.query(oauth.PathEndSession, url.Values{"id_token_hint": {got.ID}})
	token, claims := w.logoutToken(tokens)
	if claims["sid"] != id["sid"] || claims["sub"] != id["sub"] || claims["aud"] != "web" || claims["iss"] != id["iss"] || claims["jti"] == "" {
		t.Errorf("its claims are %v, the ID token's %v", claims, id)
	}
	if _, ok := claims["nonce"]; ok || claims["exp"].(float64)-claims["iat"].(float64) > 120 {
		t.Errorf("its claims are %v", claims)
	}
	w.refuses(w.userinfo(token), http.StatusUnauthorized, "invalid_token")
	again := w.newBrowser().signIn(ana)
	w.showsError(again.query(oauth.PathEndSession, url.Values{"id_token_hint": {token}}), http.StatusBadRequest, "invalid_request", "id_token_hint")
	if !again.signedIn() {
		t.Error("a logout token signs out")
	}
}

// OpenID Connect Core §8.1, Back-Channel Logout §2.4: each client hears of the user by the name that it knows, and of no other.
func TestM4_ALogoutTokenNamesAPairwiseUserAsItsClientKnowsThem(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.pairwise("web", "web-two")
	tokens := w.hearing()
	b := w.newBrowser().signIn(ana)
	web, two := w.app("web").granted(b), w.app("web-two").granted(b)
	b.query(oauth.PathEndSession, url.Values{"id_token_hint": {web.ID}})
	token, claims := w.logoutToken(tokens)
	mine, others := claimsIn(t, web.ID)["sub"], claimsIn(t, two.ID)["sub"]
	if claims["sub"] != mine || mine == others || mine == w.subs[ana] {
		t.Errorf("the logout token names %v; the client knows %v, another %v, the server %s", claims["sub"], mine, others, w.subs[ana])
	}
	if payload, err := base64.RawURLEncoding.DecodeString(strings.Split(token, ".")[1]); err != nil || strings.Contains(string(payload), w.subs[ana]) {
		t.Errorf("the server's own name of the user is in it (%v)", err)
	}
}

// Back-Channel Logout §2.3: whichever way a session ends.
func TestM4_EveryWayToEndASessionTellsItsClients(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	tokens := w.hearing()
	web := w.app("web")
	sub := w.subs[ana]
	for name, end := range map[string]func(b *browser, sid, idToken string){
		"with a hint": func(b *browser, _, idToken string) {
			b.query(oauth.PathEndSession, url.Values{"id_token_hint": {idToken}})
		},
		"on the page": func(b *browser, _, _ string) {
			form := url.Values{pages.FieldToken: {b.get(pages.PathLogout).input(pages.FieldToken)}, pages.FieldDecision: {pages.DecisionLogout}}
			b.post(pages.PathLogout, form)
		},
		"everywhere": func(b *browser, _, _ string) {
			b.account(pages.PathAccountSignOut, url.Values{pages.FieldSignOut: {pages.SignOutEverywhere}})
		},
		"from another one": func(_ *browser, sid, _ string) {
			w.newBrowser().signIn(ana).account(pages.PathAccountSession, url.Values{pages.FieldSession: {sid}})
		},
		"by an administrator": func(_ *browser, sid, _ string) { w.must(w.engine.EndSession(t.Context(), sid)) },
		"with the user": func(_ *browser, _, _ string) {
			w.must(w.engine.DisableUser(t.Context(), sub))
			w.must(w.engine.EnableUser(t.Context(), sub))
		},
		"with a password that is set": func(*browser, string, string) {
			_, err := w.engine.SetPassword(t.Context(), sub, password)
			w.must(err)
		},
		"by an order": func(_ *browser, sid, _ string) {
			_, err := w.engine.RevokeFor(t.Context(), engine.RevocationOrder{Kind: "session", IDs: []string{sid}, Reason: "test"})
			w.must(err)
		},
		"with everything": func(*browser, string, string) {
			_, err := w.engine.RevokeFor(t.Context(), engine.RevocationOrder{Kind: "all", Reason: "test"})
			w.must(err)
		},
		"by another user": func(b *browser, _, _ string) {
			id := b.query(oauth.PathAuthorize, with(ask("web"), "prompt", "login")).param(pages.FieldInteraction)
			b.post(pages.PathLogin, b.loginForm(id, bob, password))
		},
	} {
		b := w.newBrowser().signIn(ana)
		got := web.granted(b, "scope", "openid offline_access")
		sid := claimsIn(t, got.ID)["sid"].(string)
		end(b, sid, got.ID)
		if _, claims := w.logoutToken(tokens); claims["sid"] != sid || claims["sub"] != sub {
			t.Errorf("%s: told of %v, not of %s", name, claims, sid)
		}
	}
}
