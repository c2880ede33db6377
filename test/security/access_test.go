package security_test

import (
	"encoding/json"
	"net/http"
	"net/url"
	"slices"
	"testing"

	"github.com/mintmark-id/mintmark/internal/decide"
	"github.com/mintmark-id/mintmark/internal/engine"
	"github.com/mintmark-id/mintmark/internal/oauth"
	"github.com/mintmark-id/mintmark/internal/record"
	"github.com/mintmark-id/mintmark/internal/revocation"
	"github.com/mintmark-id/mintmark/internal/web/pages"
)

// RFC 9068 §2.1, §2.2.
func TestI1_AccessTokensAreOfRFC9068(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	b := w.newBrowser().signIn(ana)
	for client, token := range map[string]string{
		"web": w.app("web").granted(b, "scope", "openid api:read", "resource", api).Access, "machine": w.app("machine").own("resource", api).Access,
	} {
		header, claims := w.part(token, 0), w.claims(token)
		if header["typ"] != "at+jwt" || header["alg"] != "ES256" || header["kid"] == nil {
			t.Errorf("%s: the header is %v", client, header)
		}
		for _, name := range []string{"iss", "exp", "aud", "sub", "client_id", "iat", "jti", "rvs"} {
			if claims[name] == nil {
				t.Errorf("%s: there is no %s in %v", client, name, claims)
			}
		}
		for _, name := range []string{"email", "name", "phone_number", "nonce"} {
			if claims[name] != nil {
				t.Errorf("%s: a token that everybody can read says %s", client, name)
			}
		}
	}
}

// ASVS 9.2.3.
func TestI2_ATokenIsForTheAudienceThatWasAskedFor(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	b := w.newBrowser().signIn(ana)
	web := w.app("web")
	audience := func(changes ...string) []any {
		aud := w.claims(web.granted(b, changes...).Access)["aud"]
		if list, ok := aud.([]any); ok {
			return list
		}
		return []any{aud}
	}
	if aud := audience("scope", "api:read", "resource", api); !slices.Equal(aud, []any{api}) {
		t.Errorf("aud is %v", aud)
	}
	if aud := audience("scope", "openid"); !slices.Equal(aud, []any{plainIssuer}) {
		t.Errorf("aud is %v", aud)
	}
	forAPI := web.granted(b, "scope", "api:read", "resource", api).Access
	w.refuses(w.userinfo(forAPI), http.StatusUnauthorized, "invalid_token")
	w.refuses(web.redeem(b.code("web"), "resource", "https://unknown.example"), http.StatusBadRequest, "invalid_target")
}

func TestI3_AccessTokensAreShortLived(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	for _, got := range []tokens{w.app("web").granted(w.newBrowser().signIn(ana)), w.app("machine").own()} {
		claims := w.claims(got.Access)
		life := claims["exp"].(float64) - claims["iat"].(float64)
		if life > 900 || int64(life) != got.Expires {
			t.Errorf("a token lives %v s and says %d", life, got.Expires)
		}
	}
}

// Seeds A4 and RFC 9068 §4, RFC 8725 §3.11: each endpoint takes one kind of token.
func TestI4_AnIDTokenOrARefreshTokenIsNoAccessToken(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	b := w.newBrowser().signIn(ana)
	web := w.app("web")
	got := web.granted(b, "scope", "openid offline_access api:read", "resource", api)
	for _, token := range []string{got.ID, got.Refresh} {
		w.refuses(w.userinfo(token), http.StatusUnauthorized, "invalid_token")
		if w.app("api-server").active(token) {
			t.Error("introspection at an API takes it")
		}
	}
	if web.active(got.ID) {
		t.Error("introspection takes an ID token for an access token")
	}
	if a := web.revoke(got.ID); a.refusal() != "unsupported_token_type" { // RFC 7009 §2.2.1
		t.Errorf("revoking an ID token answers %d %s", a.StatusCode, a.body)
	}
	// An access token's type in the ID token's place, and the other way round, both with genuine signatures.
	w.sendsBack(b.query(oauth.PathAuthorize, with(ask("web"), "id_token_hint", got.Access)), "https://app.example/cb", "invalid_request")
	if a := b.query(oauth.PathEndSession, url.Values{"id_token_hint": {got.Access}}); a.StatusCode != http.StatusBadRequest {
		t.Errorf("logout takes an access token for a hint: %d", a.StatusCode)
	}
	if !b.signedIn() || w.userinfo(got.Access).StatusCode != http.StatusOK {
		t.Error("something was spent")
	}
}

// RFC 8725 §3.1: at every endpoint that takes a signed token, and none of them has an effect.
func TestI4_ForgedTokensAreRefusedEverywhere(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	b := w.newBrowser().signIn(ana)
	web := w.app("web")
	got := web.granted(b, "scope", "openid api:read", "resource", api)
	for name, token := range w.forgeries(got.Access) {
		if a := w.userinfo(token); a.StatusCode < 400 || a.StatusCode >= 500 {
			t.Errorf("userinfo takes %s: %d", name, a.StatusCode)
		}
		if len(token) > 8<<10 {
			continue // refused as a form
		}
		if web.active(token) {
			t.Errorf("introspection takes %s", name)
		}
		if a := web.revoke(token); a.StatusCode != http.StatusOK && a.refusal() != "unsupported_token_type" {
			t.Errorf("revoking %s answers %d", name, a.StatusCode)
		}
		w.refuses(web.refresh(token), http.StatusBadRequest, "invalid_grant")
	}
	for name, token := range w.forgeries(got.ID) {
		if len(token) > 4<<10 {
			continue
		}
		w.sendsBack(b.query(oauth.PathAuthorize, with(ask("web"), "id_token_hint", token)), "https://app.example/cb", "invalid_request")
		a := b.query(oauth.PathEndSession, url.Values{"id_token_hint": {token}, "post_logout_redirect_uri": {"https://app.example/bye"}})
		if a.StatusCode != http.StatusBadRequest || a.Header.Get("Location") != "" {
			t.Errorf("logout takes %s: %d", name, a.StatusCode)
		}
	}
	if !web.active(got.Access) || !b.signedIn() {
		t.Error("a forgery had an effect")
	}
}

// A token of the same keys in another issuer's name, and one past its end.
func TestI4_AnExpiredTokenIsRefused(t *testing.T) {
	t.Parallel()
	w := newWorld(t, withPolicy(func(p *decide.Policy) { p.AccessTTL = 0 }))
	web := w.app("web")
	got := web.granted(w.newBrowser().signIn(ana), "scope", "openid api:read", "resource", api)
	w.refuses(w.userinfo(got.Access), http.StatusUnauthorized, "invalid_token")
	if web.active(got.Access) || w.app("api-server").active(got.Access) {
		t.Error("introspection says active")
	}
	if a := web.revoke(got.Access); a.StatusCode != http.StatusOK {
		t.Errorf("revoking it answers %d", a.StatusCode)
	}
}

// RFC 6750 §2.3, RFC 9700 §4.3.2.
func TestI5_ATokenInAnAddressIsRefused(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	got := w.app("web").granted(w.newBrowser().signIn(ana))
	b := w.newBrowser()
	w.refuses(b.query(oauth.PathUserinfo, url.Values{"access_token": {got.Access}}), http.StatusBadRequest, "invalid_request")
	w.refuses(b.send(http.MethodPost, oauth.PathUserinfo+"?access_token="+got.Access, ""), http.StatusBadRequest, "invalid_request")
	b.header.Set("Authorization", "Bearer "+got.Access)
	w.refuses(b.query(oauth.PathUserinfo, url.Values{"access_token": {got.Access}}), http.StatusBadRequest, "invalid_request")
	w.refuses(b.post(oauth.PathUserinfo, url.Values{"access_token": {got.Access}}), http.StatusBadRequest, "invalid_request")
	b.header.Del("Authorization")
	if a := b.post(oauth.PathUserinfo, url.Values{"access_token": {got.Access}}); a.StatusCode != http.StatusOK {
		t.Errorf("in a form it answers %d", a.StatusCode)
	}
	if a := b.get(oauth.PathUserinfo); a.StatusCode != http.StatusUnauthorized || a.Header.Get("Www-Authenticate") != `Bearer realm="http://localhost:8484"` {
		t.Errorf("without a token: %d %q", a.StatusCode, a.Header.Get("Www-Authenticate")) // RFC 6750 §3.1
	}
	w.refuses(b.send(http.MethodPost, oauth.PathToken+"?grant_type=refresh_token&refresh_token="+got.Refresh+"&client_id=spa", ""), http.StatusBadRequest, "invalid_request")
}

// ASVS 10.3.3: nothing of a user that could be reassigned names them in a token.
func TestI6_TheSubjectIsTheSameForEverybodyAndNothingElse(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	b := w.newBrowser().signIn(ana)
	for _, client := range []string{"web", "spa", "web-two"} {
		got := w.app(client).granted(b, "scope", "openid email")
		for _, token := range []string{got.Access, got.ID} {
			if claims := w.claims(token); claims["sub"] != w.subs[ana] || claims["iss"] != plainIssuer {
				t.Errorf("%s: %v", client, claims)
			}
		}
	}
}

// OpenID Connect Core §8: two sectors cannot tell that it is one user, and all that is said to one of them agrees.
func TestI6_APairwiseSubjectIsTheSameAtEveryDoorOfItsSector(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.pairwise("web", "web-two", "spa")
	b := w.newBrowser().signIn(ana)
	subs := map[string]string{}
	for _, client := range []string{"web", "web-two", "spa"} {
		app := w.app(client)
		got := app.granted(b, "scope", "openid email")
		sub, _ := w.claims(got.ID)["sub"].(string)
		subs[client] = sub
		if len(sub) != 22 || sub == w.subs[ana] {
			t.Errorf("%s: sub is %q", client, sub)
		}
		renewed := app.tokens(app.refresh(got.Refresh))
		again := app.granted(b, "scope", "openid email")
		var info map[string]any
		w.must(json.Unmarshal([]byte(w.userinfo(got.Access).body), &info))
		said := map[string]any{
			"access": w.claims(got.Access)["sub"], "renewed": w.claims(renewed.Access)["sub"], "renewed ID": w.claims(renewed.ID)["sub"],
			"the next grant": w.claims(again.ID)["sub"], "userinfo": info["sub"],
		}
		if client != "spa" { // public clients do not introspect
			said["introspection"] = app.introspect(got.Access)["sub"]
			said["introspection of a refresh token"] = app.introspect(again.Refresh)["sub"]
		}
		for where, value := range said {
			if value != sub {
				t.Errorf("%s: %s says %v, the ID token %s", client, where, value, sub)
			}
		}
		if info["email"] != ana {
			t.Errorf("%s: userinfo says %v", client, info)
		}
		silently := with(ask(client), "prompt", "none", "scope", "openid email")
		if a := b.query(oauth.PathAuthorize, with(silently, "id_token_hint", got.ID)); a.param("code") == "" {
			t.Errorf("%s: its own ID token is no hint: %q", client, a.Header.Get("Location"))
		}
		for _, foreign := range []string{w.subs[ana], subs["web"]} {
			if foreign == sub {
				continue
			}
			a := b.query(oauth.PathAuthorize, with(silently, "claims", `{"id_token":{"sub":{"value":"`+foreign+`"}}}`))
			if a.param("error") != "login_required" {
				t.Errorf("%s learns that it is %s: %q", client, foreign, a.Header.Get("Location"))
			}
		}
	}
	if subs["web"] == subs["web-two"] || subs["web"] == subs["spa"] || subs["web-two"] == subs["spa"] {
		t.Errorf("sectors share subs: %v", subs)
	}
	if bobs := w.claims(w.app("web").granted(w.newBrowser().signIn(bob)).ID)["sub"]; bobs == subs["web"] {
		t.Error("two users have one sub")
	}
}

// pairwise makes clients of sectors of their own.
func (w *world) pairwise(ids ...string) {
	w.t.Helper()
	for _, id := range ids {
		client, err := w.engine.ClientByID(w.t.Context(), id)
		w.must(err)
		settings := client.Settings
		settings.SubjectType = record.SubjectPairwise
		_, err = w.engine.UpdateClient(w.t.Context(), id, engine.ClientForm{Name: client.Name, Settings: settings}, client.Version)
		w.must(err)
	}
}

// tokens.md, part 2: verifiers know a user by the sub in the token, so what ends a user names every one of them.
func TestH7_WhatEndsAUserEndsTheTokensUnderEveryName(t *testing.T) {
	t.Parallel()
	for name, end := range map[string]func(*world, *browser){
		"disabled": func(w *world, _ *browser) { w.must(w.engine.DisableUser(w.t.Context(), w.subs[ana])) },
		"deleted":  func(w *world, _ *browser) { w.must(w.engine.DeleteUser(w.t.Context(), w.subs[ana])) },
		"another password": func(w *world, _ *browser) {
			_, err := w.engine.SetPassword(w.t.Context(), w.subs[ana], "")
			w.must(err)
		},
		"revoked": func(w *world, _ *browser) {
			_, err := w.engine.RevokeFor(w.t.Context(), engine.RevocationOrder{Kind: "user", IDs: []string{w.subs[ana]}, Reason: "test"})
			w.must(err)
		},
		"everywhere": func(_ *world, b *browser) {
			b.account(pages.PathAccountSignOut, url.Values{pages.FieldSignOut: {pages.SignOutEverywhere}})
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t)
			w.pairwise("web", "web-two")
			b, stays := w.newBrowser().signIn(ana), w.newBrowser().signIn(bob)
			held := map[string]tokens{"web": w.app("web").granted(b), "web-two": w.app("web-two").granted(b), "legacy": w.app("legacy").granted(b)}
			others := w.app("web").granted(stays)
			end(w, b)
			for client, got := range held {
				if w.app(client).active(got.Access) {
					t.Errorf("%s: an access token lives", client)
				}
				w.refuses(w.userinfo(got.Access), http.StatusUnauthorized, "invalid_token")
				if got.Refresh != "" {
					w.refuses(w.app(client).refresh(got.Refresh), http.StatusBadRequest, "invalid_grant")
				}
			}
			if !w.app("web").active(others.Access) {
				t.Error("somebody else's token ended with it")
			}
			if n := w.count(`SELECT count(*) FROM revlog WHERE kind = $1`, int64(revocation.Sub)); n != 3 {
				t.Errorf("the log has %d entries for one user with two further names", n)
			}
			if n := w.count(`SELECT count(DISTINCT lc) FROM revlog WHERE kind = $1`, int64(revocation.Sub)); n != 1 {
				t.Errorf("they are of %d moments", n)
			}
		})
	}
}

// The app that is removed is known by its own name of the user, and the client whose names change starts anew.
func TestH7_AConsentEndsUnderTheNameThatTheClientKnows(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.pairwise("web", "web-two")
	b := w.newBrowser().signIn(ana)
	web, two := w.app("web").granted(b), w.app("web-two").granted(b)
	b.account(pages.PathAccountApp, url.Values{pages.FieldClient: {"web"}})
	if w.app("web").active(web.Access) || !w.app("web-two").active(two.Access) {
		t.Error("the app that was removed lives, or another ended with it")
	}
	w.refuses(w.userinfo(web.Access), http.StatusUnauthorized, "invalid_token")
	client, err := w.engine.ClientByID(t.Context(), "web-two")
	w.must(err)
	settings := client.Settings
	settings.SubjectType = record.SubjectPublic
	_, err = w.engine.UpdateClient(t.Context(), "web-two", engine.ClientForm{Name: client.Name, Settings: settings}, client.Version)
	w.must(err)
	if w.app("web-two").active(two.Access) {
		t.Error("a token says a sub that the client knows no more")
	}
	w.refuses(w.app("web-two").refresh(two.Refresh), http.StatusBadRequest, "invalid_grant")
	if sub := w.claims(w.app("web-two").granted(b).ID)["sub"]; sub != w.subs[ana] {
		t.Errorf("afterwards sub is %v", sub)
	}
}
