package security_test

import (
	"encoding/json"
	"net/http"
	"net/url"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/mintmark-id/mintmark/internal/decide"
	"github.com/mintmark-id/mintmark/internal/engine"
	"github.com/mintmark-id/mintmark/internal/oauth"
	"github.com/mintmark-id/mintmark/internal/secret"
	"github.com/mintmark-id/mintmark/internal/web/pages"
)

// published are the members of the keys that everybody may see.
func (w *world) published() []map[string]any {
	w.t.Helper()
	var set struct {
		Keys []map[string]any `json:"keys"`
	}
	w.must(json.Unmarshal([]byte(w.newBrowser().get(oauth.PathJWKS).body), &set))
	return set.Keys
}

func kids(keys []map[string]any) []string {
	var list []string
	for _, key := range keys {
		kid, _ := key["kid"].(string)
		list = append(list, kid)
	}
	return list
}

// RFC 9700 §2.6.
func TestZ1_AKeyIsPublishedBeforeItSignsAndAfterwards(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	machine := w.app("machine")
	old := machine.own().Access
	before := kids(w.published())
	w.must(w.engine.RotateKeys(t.Context(), false))
	fresh := machine.own().Access
	signer, _ := w.part(fresh, 0)["kid"].(string)
	if !slices.Contains(before, signer) {
		t.Error("the new key was not published before it signed")
	}
	was, _ := w.part(old, 0)["kid"].(string)
	if was == signer || !slices.Contains(kids(w.published()), was) {
		t.Error("the old key is gone while its tokens live")
	}
	if !machine.active(old) || !machine.active(fresh) {
		t.Error("a rotation failed somebody")
	}
}

// FAPI 2.0 §5.4.2.
func TestZ2_TheKeySetHasNoPrivateMemberAndNoKidTwice(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	for range 2 {
		w.must(w.engine.RotateKeys(t.Context(), false))
	}
	keys := w.published()
	names := kids(keys)
	slices.Sort(names)
	if len(names) < 4 || len(slices.Compact(slices.Clone(names))) != len(names) {
		t.Errorf("the kids are %v", names)
	}
	for _, key := range keys {
		for _, private := range []string{"d", "p", "q", "dp", "dq", "qi", "oth", "k"} {
			if key[private] != nil {
				t.Errorf("key %v shows %s", key["kid"], private)
			}
		}
		if key["use"] != "sig" || key["alg"] == nil {
			t.Errorf("key %v is for %v with %v", key["kid"], key["use"], key["alg"])
		}
	}
}

// ASVS 13.3.1: whoever has the file has no key.
func TestZ3_KeysAreSealedUnderAnotherKey(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	if n := w.count(`SELECT count(*) FROM signing_keys`); n == 0 {
		t.Fatal("there are no keys")
	}
	for _, mark := range []string{"PRIVATE KEY", `"d":`} {
		if n := w.count(`SELECT count(*) FROM signing_keys WHERE instr(sealed, $1) > 0 OR instr(public_jwk, $1) > 0`, mark); n != 0 {
			t.Errorf("%d rows hold %q", n, mark)
		}
	}
	issuer, err := oauth.ParseIssuer(plainIssuer)
	w.must(err)
	_, err = engine.Open(t.Context(), engine.Config{Policy: decide.DefaultPolicy(issuer), Store: w.store, KEK: secret.KEK{1}, Log: w.log.logger()})
	if err == nil {
		t.Error("another key-encryption key opens the keys")
	}
	// Rows cannot be swapped: a sealed key is bound to its kid.
	w.exec(`UPDATE signing_keys SET sealed = (SELECT sealed FROM signing_keys WHERE alg = 'ES256' AND status = 'next') WHERE alg = 'ES256' AND status = 'active'`)
	if _, err := engine.Open(t.Context(), engine.Config{Policy: decide.DefaultPolicy(issuer), Store: w.store, KEK: kek(), Log: w.log.logger()}); err == nil {
		t.Error("a key opens in another's row")
	}
}

// FAPI 2.0 §6.8: one act, and no token of the old keys is good for anything here, nor is a hint.
func TestZ5_AnEmergencyKillsWhatTheOldKeysSigned(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	b := w.newBrowser().signIn(ana)
	web := w.app("web")
	old := web.granted(b, "scope", "openid offline_access")
	w.must(w.engine.RotateKeys(t.Context(), true))
	gone, _ := w.part(old.Access, 0)["kid"].(string)
	if slices.Contains(kids(w.published()), gone) {
		t.Error("the compromised key is still published")
	}
	w.refuses(w.userinfo(old.Access), http.StatusUnauthorized, "invalid_token")
	if web.active(old.Access) {
		t.Error("introspection says active")
	}
	w.sendsBack(b.query(oauth.PathAuthorize, with(ask("web"), "id_token_hint", old.ID)), "https://app.example/cb", "invalid_request")
	if a := b.query(oauth.PathEndSession, url.Values{"id_token_hint": {old.ID}}); a.StatusCode != http.StatusBadRequest || !b.signedIn() {
		t.Errorf("a hint of the compromised key signs out: %d", a.StatusCode)
	}
	renewed := web.tokens(web.refresh(old.Refresh)) // the refresh token hangs from no such key
	if w.userinfo(renewed.Access).StatusCode != http.StatusOK {
		t.Error("the new key's tokens do not work")
	}
}

// RFC 6819 §5.1.4.1.3: whatever opens something is in the database as a hash or sealed, and in no other place of it.
func TestN1_WhatOpensSomethingIsNotInTheDatabase(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	b := w.newBrowser().signIn(ana)
	two := w.app("web-two")
	got := two.granted(b, "scope", "openid offline_access email")
	two.tokens(two.refresh(got.Refresh))
	b.code("spa", "scope", "openid email")
	w.app("web").own401(t)
	w.newBrowser().tryPassword(ana, "a wrong guess of ana's")
	b.change("quarry lantern 1138 moth")
	made, err := w.engine.RotateClientSecret(t.Context(), "machine", 60)
	w.must(err)
	w.log.hide(made.Secret, "a wrong guess of ana's")
	w.exec(`PRAGMA wal_checkpoint(TRUNCATE)`)
	text, err := os.ReadFile(w.path)
	w.must(err)
	file := string(text)
	addresses := []string{ana, bob}
	for _, s := range w.log.known() {
		if strings.Contains(file, s) && !slices.Contains(addresses, s) {
			t.Errorf("the database has %q", s)
		}
	}
	if !strings.Contains(file, ana) {
		t.Error("the search finds nothing at all")
	}
}

// own401 leaves a refused request behind.
func (c *app) own401(t *testing.T) {
	t.Helper()
	c.refuses(c.newBrowser().post(oauth.PathToken, url.Values{"grant_type": {"client_credentials"}, "client_id": {"web"}}), http.StatusUnauthorized, "invalid_client")
}

// OWASP Forgot Password, of the one link that there is: random, hashed, once, from the configured issuer.
func TestU1_TheSetupLinkIsRandomAndWorksOnce(t *testing.T) {
	t.Parallel()
	w := newWorld(t, empty)
	first, err := w.engine.IssueSetupToken(t.Context())
	w.must(err)
	token, err := w.engine.IssueSetupToken(t.Context())
	w.must(err)
	w.log.hide(first, token)
	if len(token) < 47 || first == token || !strings.HasPrefix(token, "mst_") {
		t.Errorf("the token is %q", token)
	}
	b := w.newBrowser()
	for _, bad := range []string{"", first, token[:len(token)-1], token + "A", strings.ToUpper(token), canary} {
		if a := b.query(pages.PathSetup, url.Values{"token": {bad}}); a.StatusCode != http.StatusForbidden {
			t.Errorf("%q answers %d", bad, a.StatusCode)
		}
	}
	form := w.setupForm(b, token)
	for field, bad := range map[string]string{pages.FieldSetupToken: first, pages.FieldEmail: "nobody", pages.FieldNewPassword: "short", pages.FieldConfirmPassword: "another one"} {
		if a := b.post(pages.PathSetup, with(form, field, bad)); a.StatusCode < 400 {
			t.Errorf("with a wrong %s: %d", field, a.StatusCode)
		}
	}
	if w.count(`SELECT count(*) FROM users`) != 0 {
		t.Fatal("a refused setup made a user")
	}
	if a := b.post(pages.PathSetup, form); a.StatusCode != http.StatusSeeOther || b.jar[w.sessionCookie()] != "" {
		t.Errorf("the setup answers %d", a.StatusCode)
	}
	for _, again := range []answer{b.post(pages.PathSetup, form), b.query(pages.PathSetup, url.Values{"token": {token}})} {
		if again.StatusCode != http.StatusGone {
			t.Errorf("a second time answers %d", again.StatusCode)
		}
	}
	if late, err := w.engine.IssueSetupToken(t.Context()); late != "" || err != nil {
		t.Error("a server with users issues a setup link")
	}
}

// setupForm fills the setup page in, out of its own page.
func (w *world) setupForm(b *browser, token string) url.Values {
	w.t.Helper()
	page := b.query(pages.PathSetup, url.Values{"token": {token}})
	return url.Values{
		pages.FieldToken: {page.input(pages.FieldToken)}, pages.FieldSetupToken: {token}, pages.FieldEmail: {ana},
		pages.FieldNewPassword: {password}, pages.FieldConfirmPassword: {password},
	}
}
