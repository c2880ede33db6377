package security_test

import (
	"maps"
	"net/http"
	"net/url"
	"regexp"
	"strings"
	"testing"

	"github.com/mintmark-id/mintmark/internal/jose"
	"github.com/mintmark-id/mintmark/internal/oauth"
	"github.com/mintmark-id/mintmark/internal/web/pages"
)

// sealed is a reference code, which is random to whoever reads it.
var sealed = regexp.MustCompile(`r1\.[\w-]+`)

// isTrouble checks that an answer says that the fault is ours and when to come back, and says no more.
func (w *world) isTrouble(name string, a answer) {
	w.t.Helper()
	if a.StatusCode != http.StatusServiceUnavailable || a.Header.Get("Retry-After") == "" || a.Header.Get("Location") != "" {
		w.t.Errorf("%s answers %d, Retry-After %q, %s", name, a.StatusCode, a.Header.Get("Retry-After"), a.refusal())
	}
	said := sealed.ReplaceAllString(a.body, "") // chance spells words too
	for _, inside := range []string{"sql", "sqlite", "disk", "closed", ".go:", "goroutine", "invalid_grant", "invalid_token", "INSERT"} {
		if strings.Contains(strings.ToLower(said), inside) {
			w.t.Errorf("%s tells of %q", name, inside)
		}
	}
}

// Clients throw sign-ins away on invalid_grant and 401; ASVS 16.5.3, and the conditions of the issue.
func TestE5_ADatabaseThatIsDownIs503AtEveryEndpoint(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	b := w.newBrowser().signIn(ana)
	web := w.app("web")
	got := web.granted(b, "scope", "openid offline_access")
	rotating := w.app("web-two").granted(b, "scope", "openid offline_access")
	code := b.code("web")
	waiting := b.query(oauth.PathAuthorize, ask("spa")).param(pages.FieldInteraction)
	stranger := w.newBrowser()
	login := stranger.loginForm("", ana, password)
	token := b.get(pages.PathAccount).input(pages.FieldToken)
	w.must(w.store.Close())
	for name, a := range map[string]answer{
		"exchange": web.redeem(code), "refresh": web.refresh(got.Refresh), "rotation": w.app("web-two").refresh(rotating.Refresh),
		"a code that never was": web.redeem("x"), "introspection": web.call(oauth.PathIntrospect, url.Values{"token": {got.Access}}),
		"introspection of a refresh token": web.call(oauth.PathIntrospect, url.Values{"token": {got.Refresh}}), "revocation": web.revoke(got.Refresh),
		"userinfo": w.userinfo(got.Access), "authorize": b.query(oauth.PathAuthorize, ask("web")), "authorize, nobody": stranger.query(oauth.PathAuthorize, ask("web")),
		"login": stranger.post(pages.PathLogin, login), "login page": b.get(pages.PathLogin + "?interaction=" + waiting),
		"consent page": b.get(pages.PathConsent + "?interaction=" + waiting), "account": b.get(pages.PathAccount), "logout": b.get(oauth.PathEndSession),
		"logout by hint": b.query(oauth.PathEndSession, url.Values{"id_token_hint": {got.ID}}), "setup": b.get(pages.PathSetup + "?token=x"),
		"sign out": b.post(pages.PathAccountSignOut, url.Values{pages.FieldToken: {token}, pages.FieldSignOut: {pages.SignOutEverywhere}}),
		"password": b.post(pages.PathAccountPass, url.Values{
			pages.FieldToken: {token}, pages.FieldCurrentPassword: {password}, pages.FieldNewPassword: {"quarry lantern 1138 moth"},
		}),
		"a stranger's client": w.newBrowser().post(oauth.PathToken, url.Values{"grant_type": {"client_credentials"}, "client_id": {"never-seen"}}),
	} {
		w.isTrouble(name, a)
	}
	if a := b.get("/readyz"); a.StatusCode != http.StatusServiceUnavailable || a.body != "not ready\n" {
		t.Errorf("readiness answers %d %q", a.StatusCode, a.body)
	}
	if b.jar[w.sessionCookie()] == "" {
		t.Error("the browser was told to forget its session")
	}
}

// Verification survives the database.
func TestE5_KeysMetadataAndOfflineVerificationGoOn(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	got := w.app("web").granted(w.newBrowser().signIn(ana))
	w.must(w.store.Close())
	b := w.newBrowser()
	for _, path := range []string{"/.well-known/openid-configuration", "/.well-known/oauth-authorization-server", "/healthz", "/", pages.PathLogin} {
		if a := b.get(path); a.StatusCode != http.StatusOK {
			t.Errorf("%s answers %d", path, a.StatusCode)
		}
	}
	keys, err := jose.ParseKeySet([]byte(b.get(oauth.PathJWKS).body))
	w.must(err)
	for _, token := range []string{got.Access, got.ID} {
		parsed, err := jose.Parse(token)
		w.must(err)
		if _, err := parsed.Verify(keys, jose.ES256); err != nil {
			t.Errorf("a token does not verify: %v", err)
		}
	}
}

// full makes every write fail as on a full disk, and heals.
func (w *world) full() (heal func()) {
	w.t.Helper()
	rows, err := w.db.QueryContext(w.t.Context(), `SELECT name FROM sqlite_master WHERE type = 'table' AND name NOT LIKE 'sqlite%'`)
	w.must(err)
	defer func() { _ = rows.Close() }()
	var tables []string
	for rows.Next() {
		var name string
		w.must(rows.Scan(&name))
		tables = append(tables, name)
	}
	w.must(rows.Err())
	for _, table := range tables {
		for _, act := range []string{"INSERT", "UPDATE", "DELETE"} {
			w.exec(`CREATE TRIGGER full_` + table + act + ` BEFORE ` + act + ` ON ` + table + ` BEGIN SELECT RAISE(ABORT, 'database or disk is full'); END`)
		}
	}
	return func() {
		w.t.Helper()
		for _, table := range tables {
			for _, act := range []string{"INSERT", "UPDATE", "DELETE"} {
				w.exec(`DROP TRIGGER full_` + table + act)
			}
		}
	}
}

// Nothing that could not be written is acknowledged, nothing is spent by the attempt, and what needs no write goes on.
func TestE5_ADatabaseThatIsFullSpendsNothing(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	b := w.newBrowser().signIn(ana)
	web, two := w.app("web"), w.app("web-two")
	got := web.granted(b, "scope", "openid offline_access")
	rotating := two.granted(b, "scope", "openid offline_access")
	older := two.granted(b, "scope", "openid offline_access").Refresh
	current := two.tokens(two.refresh(two.tokens(two.refresh(older)).Refresh)).Refresh
	code := b.code("web")
	waiting := b.query(oauth.PathAuthorize, ask("spa")).param(pages.FieldInteraction)
	consent := b.consentForm(waiting, pages.DecisionAllow)
	stranger := w.newBrowser()
	login := stranger.loginForm("", ana, password)
	account := b.get(pages.PathAccount).input(pages.FieldToken)
	before := w.fingerprint()
	heal := w.full()
	for name, a := range map[string]answer{
		"exchange": web.redeem(code), "rotation": two.refresh(rotating.Refresh), "a replay": two.refresh(older), "revocation": web.revoke(got.Refresh),
		"authorize": b.query(oauth.PathAuthorize, ask("web")), "sign-in": stranger.post(pages.PathLogin, login), "consent": b.post(pages.PathConsent, consent),
		"logout":   b.query(oauth.PathEndSession, url.Values{"id_token_hint": {got.ID}}),
		"sign out": b.post(pages.PathAccountSignOut, url.Values{pages.FieldToken: {account}, pages.FieldSignOut: {pages.SignOutEverywhere}}),
		"a page":   stranger.query(oauth.PathAuthorize, ask("web")),
	} {
		w.isTrouble(name, a)
	}
	if w.userinfo(got.Access).StatusCode != http.StatusOK || !web.active(got.Refresh) || w.app("machine").own().Access == "" {
		t.Error("what writes nothing fails too")
	}
	heal()
	if after := w.fingerprint(); !maps.Equal(before, after) {
		t.Errorf("a full database changed %v to %v", before, after)
	}
	web.tokens(web.redeem(code))
	two.tokens(two.refresh(rotating.Refresh))
	two.tokens(two.refresh(current))
	if !b.signedIn() || b.post(pages.PathConsent, consent).param("code") == "" || stranger.post(pages.PathLogin, login).StatusCode != http.StatusSeeOther {
		t.Error("something was spent")
	}
}
