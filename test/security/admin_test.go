package security_test

import (
	"io"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/mintmark-id/mintmark/internal/oauth"
	"github.com/mintmark-id/mintmark/internal/web"
	"github.com/mintmark-id/mintmark/internal/web/pages"
)

// administer makes a request of the administration API, as whoever may open its socket.
func (w *world) administer(method, path, body string) (int, string) {
	w.t.Helper()
	request, err := http.NewRequestWithContext(w.t.Context(), method, w.admin.URL+path, strings.NewReader(body))
	w.must(err)
	request.Header.Set("Content-Type", "application/json")
	response, err := http.DefaultClient.Do(request)
	w.must(err)
	defer func() { _ = response.Body.Close() }()
	text, err := io.ReadAll(response.Body)
	w.must(err)
	return response.StatusCode, string(text)
}

// ASVS 8.2.1: what is not listed is refused, on the socket as in public.
func TestAA1_WhatIsNotListedIsRefused(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	for path, want := range map[string]int{
		"/": 404, "/admin/v1/": 404, "/admin/v1/nothing": 404, "/admin/v1/clients/web/secret": 404, "/admin/v2/clients": 404, "/oauth2/token": 404,
		"/admin/v1/keys/rotate": 405, "/admin/v1/users/x/password": 405, "/debug/pprof/": 404,
	} {
		if status, _ := w.administer(http.MethodGet, path, ""); status != want {
			t.Errorf("%s answers %d", path, status)
		}
	}
	for _, method := range []string{"PATCH", "TRACE", "OPTIONS"} {
		if status, _ := w.administer(method, "/admin/v1/clients", ""); status != http.StatusMethodNotAllowed {
			t.Errorf("%s answers %d", method, status)
		}
	}
}

// ASVS 15.3.3: a form has its fields and no others, and a claim cannot be one of the server's.
func TestV2_UnknownFieldsAreRefused(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	for body, field := range map[string]string{
		`{"email":"x@example.com","sub":"evil"}`: "sub", `{"email":"x@example.com","status":"active"}`: "status", `{"email":"x@example.com","cut":0}`: "cut",
		`{"email":"x@example.com","is_admin":true}`: "is_admin", `{"email":"x@example.com","claims":{}}`: "claims",
	} {
		if status, text := w.administer(http.MethodPost, "/admin/v1/users", body); status != http.StatusBadRequest || !strings.Contains(text, field) {
			t.Errorf("%s answers %d %s", body, status, text)
		}
	}
	if status, _ := w.administer(http.MethodPost, "/admin/v1/users", `{"email":"x@example.com"}{"email":"y@example.com"}`); status != http.StatusBadRequest {
		t.Errorf("two objects answer %d", status)
	}
	// A page takes its fields and ignores others: the account page cannot make somebody else.
	b := w.newBrowser().signIn(ana)
	b.account(pages.PathAccountPass, url.Values{
		pages.FieldCurrentPassword: {password}, pages.FieldNewPassword: {"quarry lantern 1138 moth"}, "user": {w.subs[bob]}, "sub": {w.subs[bob]}, "email": {bob},
	})
	if a := w.newBrowser().tryPassword(bob, password); a.StatusCode != http.StatusSeeOther {
		t.Error("another user's password was changed")
	}
}

// One function, applied once: Spotify's and GitHub's account takeovers came from two that disagreed.
func TestV3_AnAddressHasOneForm(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	for _, same := range []string{ana, strings.ToUpper(ana), "Ana.Canary@EXAMPLE.com", " " + ana} {
		if status, text := w.administer(http.MethodPost, "/admin/v1/users", `{"email":"`+same+`"}`); status != http.StatusBadRequest || !strings.Contains(text, "email") {
			t.Errorf("%q is made a second time: %d", same, status)
		}
		if a := w.newBrowser().tryPassword(same, password); a.StatusCode != http.StatusSeeOther {
			t.Errorf("%q does not sign in: %d", same, a.StatusCode)
		}
	}
	for _, lookalike := range []string{"аna.canary@example.com", "ana.canary@exam\u200bple.com", "ana.canary@example.com\u0000", "ª" + ana[1:], "ana.canary@ｅxample.com", "\"ana.canary\"@example.com", "ana.canary@example.com."} {
		if a := w.newBrowser().tryPassword(lookalike, password); a.StatusCode == http.StatusSeeOther {
			t.Errorf("%q signs in as ana", lookalike)
		}
		w.exec(`DELETE FROM counters`)
	}
}

// ASVS 13.3.2: what is secret is shown when it is made and never again.
func TestAA2_SecretsAreWriteOnly(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	for _, path := range []string{"/admin/v1/clients", "/admin/v1/clients/machine", "/admin/v1/users", "/admin/v1/users/" + w.subs[ana], "/admin/v1/sessions", "/admin/v1/grants", "/admin/v1/keys", "/admin/v1/status"} {
		status, text := w.administer(http.MethodGet, path, "")
		if status != http.StatusOK {
			t.Errorf("%s answers %d", path, status)
		}
		for _, s := range w.log.known() {
			if strings.Contains(text, s) && s != ana && s != bob {
				t.Errorf("%s shows %q", path, s)
			}
		}
		for _, word := range []string{"mcs_", "$argon2id", "hash", "sealed", `"d":`} {
			if strings.Contains(text, word) {
				t.Errorf("%s shows %s", path, word)
			}
		}
	}
}

// ASVS 6.3.2: nobody is there until somebody is made, once, by whoever holds the link.
func TestAA3_ANewServerHasNoCredentialsAndIsSetUpOnce(t *testing.T) {
	t.Parallel()
	w := newWorld(t, empty)
	if n := w.count(`SELECT (SELECT count(*) FROM users) + (SELECT count(*) FROM clients) + (SELECT count(*) FROM factors)`); n != 0 {
		t.Errorf("a new server has %d of something", n)
	}
	for _, who := range []string{"admin", "admin@example.com", "root", "mintmark"} {
		if a := w.newBrowser().tryPassword(who, "admin-password"); a.StatusCode != http.StatusUnprocessableEntity {
			t.Errorf("%s answers %d", who, a.StatusCode)
		}
	}
	token, err := w.engine.IssueSetupToken(t.Context())
	w.must(err)
	w.log.hide(token)
	const racers = 6
	browsers, forms, statuses := make([]*browser, racers), make([]url.Values, racers), make([]int, racers)
	for i := range racers {
		browsers[i] = w.newBrowser()
		forms[i] = w.setupForm(browsers[i], token)
		forms[i].Set(pages.FieldEmail, string(rune('a'+i))+"@example.com")
	}
	var all sync.WaitGroup
	for i := range racers {
		all.Go(func() { statuses[i] = browsers[i].post(pages.PathSetup, forms[i]).StatusCode })
	}
	all.Wait()
	slices.Sort(statuses)
	if statuses[0] != http.StatusSeeOther || statuses[1] < 400 || w.count(`SELECT count(*) FROM users`) != 1 {
		t.Errorf("six at once answer %v and make %d users", statuses, w.count(`SELECT count(*) FROM users`))
	}
}

// Links are built from configuration; whatever the request says of itself. (OWASP Forgot Password)
func TestU2_LinksComeFromTheConfiguredIssuer(t *testing.T) {
	t.Parallel()
	w := newWorld(t, empty)
	token, err := w.engine.IssueSetupToken(t.Context())
	w.must(err)
	w.log.hide(token)
	link := web.SetupLink(w.issuer, token)
	if link != plainIssuer+"/setup?token="+token {
		t.Errorf("the link is %q", link)
	}
	b := w.newBrowser()
	if a := b.get(strings.TrimPrefix(link, plainIssuer)); a.StatusCode != http.StatusOK {
		t.Errorf("it answers %d", a.StatusCode)
	}
	proxy := w.newBrowser(trustedProxy)
	proxy.header = http.Header{"X-Forwarded-Host": {"localhost:8484"}, "X-Forwarded-Prefix": {"/evil"}, "X-Forwarded-Port": {"666"}}
	for _, path := range []string{"/.well-known/openid-configuration", pages.PathLogin} {
		if a := proxy.get(path); strings.Contains(a.body, "evil") || strings.Contains(a.body, "666") {
			t.Errorf("%s follows the request", path)
		}
	}
}

// ASVS 16.2.1-16.4.2: who did what, when and from where; in UTC; without what would open anything.
func TestAA5_SignInsFailuresAndActsAreOnRecord(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	start := time.Now().UnixMilli()
	b := w.newBrowser().signIn(ana)
	w.newBrowser().tryPassword(ana, "a wrong guess of ana's")
	w.newBrowser().tryPassword(ana, "another wrong guess of ana's")
	spa := w.app("spa")
	code := b.code("spa", "scope", "openid offline_access")
	got := spa.tokens(spa.redeem(code))
	spa.revoke(got.Refresh)
	b.consent(b.query(oauth.PathAuthorize, with(ask("spa"), "prompt", "consent")).param(pages.FieldInteraction), pages.DecisionDeny)
	b.account(pages.PathAccountApp, url.Values{pages.FieldClient: {"spa"}})
	b.change("quarry lantern 1138 moth")
	b.account(pages.PathAccountSignOut, url.Values{pages.FieldSignOut: {pages.SignOutEverywhere}})
	w.must(w.engine.DisableUser(t.Context(), w.subs[bob]))
	_, err := w.engine.RotateClientSecret(t.Context(), "machine", 0)
	w.must(err)
	w.must(w.engine.RotateKeys(t.Context(), true))
	for event, actor := range map[string]string{
		"sign_in": "user:" + w.subs[ana], "sign_in_failed": "server", "consent_given": "user:" + w.subs[ana], "consent_denied": "user:" + w.subs[ana],
		"grant_made": "client:spa", "grant_ended": "client:spa", "consent_ended": "user:" + w.subs[ana], "password_changed": "user:" + w.subs[ana],
		"user_cut": "user:" + w.subs[ana], "session_ended": "user:" + w.subs[ana], "user_disabled": "admin", "key_compromised": "admin",
	} {
		if n := w.count(`SELECT count(*) FROM audit WHERE event = $1 AND actor = $2 AND at >= $3`, event, actor, start); n == 0 {
			t.Errorf("there is no %s by %s", event, actor)
		}
	}
	if n := w.count(`SELECT sum(n) FROM audit WHERE event = 'sign_in_failed'`); n != 2 {
		t.Errorf("two failures are counted as %d", n)
	}
	for _, s := range w.log.known() {
		if w.count(`SELECT count(*) FROM audit WHERE instr(event || actor || user_id || client_id || gid || detail, $1) > 0`, s) != 0 {
			t.Errorf("the audit trail has %q", s)
		}
	}
	log := w.log.text()
	for _, part := range []string{`"reason":"credentials_wrong"`, `"network":"127.0.0.0/24"`, `"client_id":"spa"`, `"gid":"`, `"error_reference":"r1.`} {
		if !strings.Contains(log, part) {
			t.Errorf("the log has no %s", part)
		}
	}
	if strings.Contains(log, "127.0.0.1") && strings.Contains(log, `"network":"127.0.0.1"`) {
		t.Error("the log has whole addresses")
	}
}

// Log lines are one line each, whatever a request contains.
func TestAA5_NothingWritesALineOfItsOwnIntoTheLog(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	b := w.newBrowser()
	b.header = http.Header{"User-Agent": {"x\tevil " + canary}, "X-Request-Id": {canary}, "Traceparent": {canary}}
	for _, path := range []string{"/" + canary, "/login?x=" + canary, "/%0a%7b%22level%22:%22ERROR%22%7d", oauth.PathAuthorize + "?client_id=" + canary + "%22,%22level%22:%22ERROR"} {
		b.get(path)
	}
	w.app("web").call(oauth.PathToken, url.Values{"grant_type": {canary}, "code": {canary}})
	c := w.newBrowser()
	c.header.Set("Authorization", basic(ana, password))
	c.post(oauth.PathToken, url.Values{"grant_type": {"client_credentials"}}) // an address and a password in the wrong field
	for _, path := range []string{"/x\x01y"} {
		if a := w.raw("GET " + path + " HTTP/1.1\r\nHost: localhost:8484\r\nConnection: close\r\n\r\n"); a.StatusCode < 400 {
			t.Errorf("answers %d", a.StatusCode)
		}
	}
	for line := range strings.SplitSeq(strings.TrimSpace(w.log.text()), "\n") {
		if !strings.HasPrefix(line, `{"time":`) || !strings.HasSuffix(line, "}") || strings.Contains(line, `"level":"ERROR"`) {
			t.Errorf("the log has a line %q", line)
		}
	}
}

// ASVS 16.5.1: a refusal names the rule to whoever may know it, by a reference that only they can open.
func TestAA6_RefusalsSayNoMoreThanTheirCode(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	web := w.app("web")
	refused := web.refresh(w.foreignRefresh())
	reference := refused.Header.Get("Error-Reference")
	if !strings.HasPrefix(reference, "r1.") || len(reference) > 120 {
		t.Errorf("the reference is %q", reference)
	}
	for _, inside := range []string{"forged", "tag", "generation", "gid"} {
		if strings.Contains(refused.body, inside) {
			t.Errorf("the refusal tells of %q", inside)
		}
	}
	if status, text := w.administer(http.MethodGet, "/admin/v1/references/"+reference, ""); status != http.StatusOK || !strings.Contains(text, "refresh_forged") {
		t.Errorf("an administrator reads %d %s", status, text)
	}
	changed := reference[:len(reference)-2] + "AA"
	if status, _ := w.administer(http.MethodGet, "/admin/v1/references/"+changed, ""); status == http.StatusOK {
		t.Error("a changed reference opens")
	}
}
