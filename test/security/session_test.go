package security_test

import (
	"encoding/base64"
	"net/http"
	"net/url"
	"strings"
	"testing"

	"github.com/mintmark-id/mintmark/internal/decide"
	"github.com/mintmark-id/mintmark/internal/oauth"
	"github.com/mintmark-id/mintmark/internal/secret"
	"github.com/mintmark-id/mintmark/internal/web/pages"
)

// ASVS 7.2.3.
func TestN1_SessionsAreLongAndRandom(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	seen := map[string]bool{}
	for range 5 {
		b := w.newBrowser().signIn(ana)
		value := b.jar[w.sessionCookie()]
		if raw, err := base64.RawURLEncoding.DecodeString(value); err != nil || len(raw) < 16 || seen[value] {
			t.Errorf("the session cookie is %q", value)
		}
		if len(b.jar[w.browserCookie()]) < 26 { // 128 bits in base32
			t.Errorf("the browser cookie is %q", b.jar[w.browserCookie()])
		}
		seen[value] = true
	}
}

// ASVS 7.2.4: whatever the cookie was before, planted or true.
func TestN2_TheCookieChangesAtEverySignInAndTheOldOneIsDead(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	b := w.newBrowser()
	b.jar[w.sessionCookie()] = "planted-by-an-attacker-0123456789abcdef01234"
	form := b.loginForm("", ana, password)
	b.jar[w.sessionCookie()] = "planted-by-an-attacker-0123456789abcdef01234"
	b.post(pages.PathLogin, form)
	if b.jar[w.sessionCookie()] == "planted-by-an-attacker-0123456789abcdef01234" || !b.signedIn() {
		t.Fatal("the planted value became a session")
	}
	before := b.copyOf()
	id := b.query(oauth.PathAuthorize, with(ask("web"), "prompt", "login")).param(pages.FieldInteraction)
	b.post(pages.PathLogin, b.loginForm(id, ana, password))
	if b.jar[w.sessionCookie()] == before.jar[w.sessionCookie()] {
		t.Error("signing in again keeps the cookie")
	}
	if before.signedIn() || !b.signedIn() {
		t.Error("the old cookie signs in")
	}
	// The attacker's own session, planted in the victim's browser, does not become the victim's.
	attacker, victim := w.newBrowser().signIn(bob), w.newBrowser()
	id = victim.query(oauth.PathAuthorize, ask("web")).param(pages.FieldInteraction)
	form = victim.loginForm(id, ana, password)
	victim.jar[w.sessionCookie()] = attacker.jar[w.sessionCookie()]
	victim.post(pages.PathLogin, form)
	if attacker.signedIn() {
		t.Error("the planted session is alive")
	}
	if body := victim.get(pages.PathAccount).body; !strings.Contains(body, w.subs[ana]) {
		t.Error("the victim is not signed in as themself")
	}
}

// ASVS 7.2.4: to change the password is to sign in again. A copy of the cookie does not survive it, whatever else does.
func TestN2_AChangeOfPasswordReplacesTheCookie(t *testing.T) {
	t.Parallel()
	for name, others := range map[string]string{"the others end": pages.Checked, "the others stay": ""} {
		w := newWorld(t)
		b, elsewhere := w.newBrowser().signIn(ana), w.newBrowser().signIn(ana)
		row := w.count(`SELECT rowid FROM sessions WHERE cookie_hash = $1`, secret.Hash(b.jar[w.sessionCookie()]))
		thief := b.copyOf()
		next := "quarry lantern 1138 moth"
		w.log.hide(next)
		b.account(pages.PathAccountPass, url.Values{
			pages.FieldCurrentPassword: {password}, pages.FieldNewPassword: {next}, pages.FieldSignOutOthers: {others},
		})
		if thief.signedIn() || thief.query(oauth.PathAuthorize, ask("web")).param("code") != "" {
			t.Errorf("%s: the old cookie signs in", name)
		}
		if !b.signedIn() || b.query(oauth.PathAuthorize, ask("web")).param("code") == "" {
			t.Errorf("%s: the new cookie does not sign in", name)
		}
		if w.count(`SELECT rowid FROM sessions WHERE cookie_hash = $1`, secret.Hash(b.jar[w.sessionCookie()])) != row {
			t.Errorf("%s: it is another session", name)
		}
		if elsewhere.signedIn() != (others == "") {
			t.Errorf("%s: the other browser is signed in: %v", name, others != "")
		}
	}
}

// A value that we did not give out is no session, nor one in a place that we did not put it.
func TestN2_OnlyAValueOfOursIsASession(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	b := w.newBrowser().signIn(ana)
	value := b.jar[w.sessionCookie()]
	for name, header := range map[string]string{
		"cut short":        w.sessionCookie() + "=" + value[:len(value)-1],
		"longer":           w.sessionCookie() + "=" + value + "A",
		"too long":         w.sessionCookie() + "=" + value + strings.Repeat("A", 4000),
		"in other letters": w.sessionCookie() + "=" + strings.ToUpper(value),
		"empty":            w.sessionCookie() + "=",
		"another name":     "session=" + value,
		"capitals":         strings.ToUpper(w.sessionCookie()) + "=" + value,
		"prefixed":         "__Host-" + w.sessionCookie() + "=" + value,
		"twice":            w.sessionCookie() + "=" + value + "; " + w.sessionCookie() + "=planted",
		"twice, ours last": w.sessionCookie() + "=planted; " + w.sessionCookie() + "=" + value,
	} {
		thief := w.newBrowser()
		thief.header.Set("Cookie", header)
		if thief.signedIn() {
			t.Errorf("%s signs in", name)
		}
	}
	thief := w.newBrowser()
	for _, path := range []string{"?" + w.sessionCookie() + "=" + value, ";jsessionid=" + value, "?sid=" + value} {
		if thief.get(pages.PathAccount+path).StatusCode == http.StatusOK {
			t.Errorf("%s signs in", path)
		}
	}
	thief.header.Set("Authorization", "Bearer "+value)
	if thief.signedIn() {
		t.Error("a cookie as a bearer token signs in")
	}
	if !b.signedIn() {
		t.Error("the session is gone")
	}
}

// ASVS 3.3.1-3.3.4.
func TestN3_CookiesOverHTTPSAreBoundToTheHost(t *testing.T) {
	t.Parallel()
	w := newWorld(t, overTLS)
	b := w.newBrowser()
	form := b.loginForm("", ana, password)
	a := b.post(pages.PathLogin, form)
	cookies := append(w.newBrowser().get(pages.PathLogin).Cookies(), a.Cookies()...)
	names := map[string]bool{}
	for _, c := range cookies {
		names[c.Name] = true
		if !strings.HasPrefix(c.Name, "__Host-") || !c.Secure || !c.HttpOnly || c.Path != "/" || c.Domain != "" || c.SameSite != http.SameSiteLaxMode {
			t.Errorf("cookie %s", c.Raw)
		}
		if c.Name == w.sessionCookie() && (c.MaxAge != 0 || !c.Expires.IsZero()) {
			t.Errorf("the session outlives the browser: %s", c.Raw)
		}
		if c.MaxAge > 400*24*3600 {
			t.Errorf("a cookie outlives 400 days: %s", c.Raw)
		}
	}
	if !names[w.sessionCookie()] || !names[w.browserCookie()] {
		t.Errorf("the cookies are %v", names)
	}
	plain := w.newBrowser() // the names of plain http mean nothing here
	plain.jar["mintmark_session"] = b.jar[w.sessionCookie()]
	if plain.signedIn() {
		t.Error("a cookie without the prefix is believed")
	}
}

func TestN3_CookiesOnLoopbackAreAsBoundAsHTTPLets(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	b := w.newBrowser()
	form := b.loginForm("", ana, password)
	a := b.post(pages.PathLogin, form)
	for _, c := range append(w.newBrowser().get(pages.PathLogin).Cookies(), a.Cookies()...) {
		if c.Secure || !c.HttpOnly || c.Path != "/" || c.Domain != "" || c.SameSite != http.SameSiteLaxMode {
			t.Errorf("cookie %s", c.Raw)
		}
	}
}

// NIST SP 800-63B-4 §2.1.3: on the server, whatever the cookie says.
func TestN4_SessionsEndByIdlenessAndAtTheirCap(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	b := w.newBrowser().signIn(ana)
	w.age(12*hour - 60_000)
	if !b.signedIn() || b.query(oauth.PathAuthorize, ask("web")).param("code") == "" {
		t.Fatal("dead before its time")
	}
	w.age(12*hour + 1000)
	if b.signedIn() {
		t.Error("an idle session opens the account")
	}
	w.sendsBack(b.query(oauth.PathAuthorize, with(ask("web"), "prompt", "none")), "https://app.example/cb", "login_required")
	b.signIn(ana)
	for range 61 { // used every half day
		w.age(12*hour - 60_000)
		b.query(oauth.PathAuthorize, ask("web"))
	}
	if b.signedIn() {
		t.Error("a session in use outlives 30 days")
	}
}

// A session is bounded also where the operator allows less.
func TestN4_TheOperatorsLimitsHold(t *testing.T) {
	t.Parallel()
	w := newWorld(t, withPolicy(func(p *decide.Policy) { p.SessionIdle, p.SessionAbsolute = hour, 2*hour }))
	b := w.newBrowser().signIn(ana)
	w.age(hour + 1000)
	if b.signedIn() {
		t.Error("the idle limit does not hold")
	}
}

// ASVS 7.4.3: the page offers it, and it is on unless switched off.
func TestN6_AChangeOfPasswordSignsTheOthersOut(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	b, second := w.newBrowser().signIn(ana), w.newBrowser().signIn(ana)
	if page := b.get(pages.PathAccount); !strings.Contains(page.body, `name="sign_out_others" type="checkbox" value="yes" checked`) {
		t.Error("signing out the others is not the default")
	}
	next := "quarry lantern 1138 moth"
	w.log.hide(next)
	b.account(pages.PathAccountPass, url.Values{
		pages.FieldCurrentPassword: {password}, pages.FieldNewPassword: {next}, pages.FieldSignOutOthers: {pages.Checked},
	})
	if second.signedIn() || !b.signedIn() {
		t.Error("the wrong sessions ended")
	}
	if a := w.newBrowser().tryPassword(ana, password); a.StatusCode != http.StatusUnprocessableEntity {
		t.Errorf("the old password answers %d", a.StatusCode)
	}
	if a := w.newBrowser().tryPassword(ana, next); a.StatusCode != http.StatusSeeOther {
		t.Errorf("the new password answers %d", a.StatusCode)
	}
}

// ASVS 7.5.1.
func TestN7_ChangingThePasswordNeedsIt(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	b := w.newBrowser().signIn(ana)
	for _, current := range []string{"", "wrong " + password, password + " ", strings.ToUpper(password)} {
		a := b.account(pages.PathAccountPass, url.Values{
			pages.FieldCurrentPassword: {current}, pages.FieldNewPassword: {"quarry lantern 1138 moth"}, pages.FieldSignOutOthers: {pages.Checked},
		})
		if a.StatusCode != http.StatusUnprocessableEntity || !strings.Contains(a.body, `id="account-problem"`) {
			t.Errorf("with %q: %d", current, a.StatusCode)
		}
	}
	if a := w.newBrowser().tryPassword(ana, password); a.StatusCode != http.StatusSeeOther {
		t.Error("the password was changed")
	}
	// Whoever got hold of a session guesses no faster here than at the door.
	for range 3 {
		b.account(pages.PathAccountPass, url.Values{pages.FieldCurrentPassword: {"guess"}, pages.FieldNewPassword: {"quarry lantern 1138 moth"}})
	}
	w.exec(`UPDATE counters SET n = n + 10`) // so that the wait is longer than this test
	if a := b.account(pages.PathAccountPass, url.Values{
		pages.FieldCurrentPassword: {password}, pages.FieldNewPassword: {"quarry lantern 1138 moth"},
	}); a.StatusCode != http.StatusTooManyRequests || a.Header.Get("Retry-After") == "" {
		t.Errorf("after many guesses: %d", a.StatusCode)
	}
}

// NIST SP 800-63B-4 §5.1.
func TestN8_PagesKeepNothingInWebStorage(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	b := w.newBrowser().signIn(ana)
	for _, page := range []answer{
		w.newBrowser().get(pages.PathLogin), b.get(pages.PathAccount), b.get(pages.PathLogout), b.query(oauth.PathAuthorize, with(ask("web"), "response_mode", "form_post")),
	} {
		for _, word := range []string{"localStorage", "sessionStorage", "indexedDB", "document.cookie"} {
			if strings.Contains(page.body, word) {
				t.Errorf("%s uses %s", page.Request.URL.Path, word)
			}
		}
	}
}
