package security_test

import (
	"fmt"
	"net/http"
	"net/url"
	"runtime"
	"strings"
	"testing"

	"github.com/mintmark-id/mintmark/internal/decide"
	"github.com/mintmark-id/mintmark/internal/engine"
	"github.com/mintmark-id/mintmark/internal/oauth"
	"github.com/mintmark-id/mintmark/internal/web/pages"
)

// open lets strangers make accounts.
func open(p *decide.Policy) { p.SignUp = true }

const eve = "eve.canary@example.com"

// signUpForm opens the sign-up page and fills it in.
func (b *browser) signUpForm(email, secret string) url.Values {
	b.t.Helper()
	b.log.hide(email, secret)
	return url.Values{
		pages.FieldToken: {b.get(pages.PathSignUp).input(pages.FieldToken)},
		pages.FieldEmail: {email}, pages.FieldNewPassword: {secret},
	}
}

func (b *browser) signUp(email, secret string) answer {
	b.t.Helper()
	return b.post(pages.PathSignUp, b.signUpForm(email, secret))
}

// ASVS 6.3.8: a taken address, one that is free, one in other letters and one of a disabled user get the same bytes, for one
// hash and one commit each. (Not parallel: it counts what is allocated.)
func TestV1_ASignUpForATakenAddressLooksLikeAnyOther(t *testing.T) {
	w := newWorld(t, withPolicy(open))
	w.exec(`UPDATE users SET status = 'disabled' WHERE id = $1`, w.subs[bob])
	var first string
	for _, email := range []string{eve, ana, bob, "ANA.canary@example.com", "dora.canary@example.com"} {
		b := w.newBrowser()
		form := b.signUpForm(email, "quarry lantern 1138 moth")
		var before, after runtime.MemStats
		runtime.ReadMemStats(&before)
		a := b.post(pages.PathSignUp, form)
		runtime.ReadMemStats(&after)
		if hashes := (after.TotalAlloc - before.TotalAlloc) / (19 << 20); hashes != 1 || a.StatusCode != http.StatusOK {
			t.Errorf("%s: %d, the password is hashed %d times", email, a.StatusCode, hashes)
		}
		h := a.Header.Clone()
		h.Del("Date")
		h.Del("Content-Length")
		body := strings.NewReplacer(a.input(pages.FieldToken), "TOKEN", email, "TYPED").Replace(a.body)
		if got := fmt.Sprint(h, body); first == "" {
			first = got
		} else if got != first {
			t.Errorf("%s is told apart:\n%s\n%s", email, got, first)
		}
	}
	if a := w.newBrowser().tryPassword(ana, password); a.StatusCode != http.StatusSeeOther {
		t.Errorf("the account that was there does not sign in any more: %d", a.StatusCode)
	}
	if a := w.newBrowser().tryPassword(ana, "quarry lantern 1138 moth"); a.StatusCode == http.StatusSeeOther {
		t.Error("a sign-up gave an account another password")
	}
}

// What can be learned at a price (docs/decisions) has one: a network is stopped.
func TestV1_ANetworkThatAsksForManyAccountsIsStopped(t *testing.T) {
	t.Parallel()
	w := newWorld(t, withPolicy(open))
	b := w.newBrowser()
	for n := range 20 {
		if a := b.signUp(fmt.Sprintf("n%d.canary@example.com", n), password); a.StatusCode != http.StatusOK {
			t.Fatalf("number %d answers %d", n, a.StatusCode)
		}
	}
	users := w.count(`SELECT count(*) FROM users`)
	for _, email := range []string{"n21.canary@example.com", ana} {
		a := w.newBrowser().signUp(email, password) // another browser there
		if a.StatusCode != http.StatusTooManyRequests || a.Header.Get("Retry-After") == "" {
			t.Errorf("%s answers %d", email, a.StatusCode)
		}
	}
	if w.count(`SELECT count(*) FROM users`) != users {
		t.Error("an account was made all the same")
	}
}

// ASVS 15.3.3: nobody makes themself verified, another's, or anything else.
func TestV2_ASignUpTakesAnAddressAndAPasswordAndNothingElse(t *testing.T) {
	t.Parallel()
	w := newWorld(t, withPolicy(open))
	b := w.newBrowser()
	form := b.signUpForm(eve, password)
	for field, value := range map[string]string{
		"email_verified": "true", "verified": "true", "verified_at": "1", "sub": w.subs[ana], "user": w.subs[ana], "id": w.subs[ana], "status": "active",
		"name": "Ana Canary", "claims": `{"role":"admin"}`, "role": "admin", "phone_number": "+4930123456", "confirm_password": "x",
	} {
		form.Set(field, value)
	}
	if a := b.post(pages.PathSignUp, form); a.StatusCode != http.StatusOK {
		t.Fatalf("the sign-up answers %d", a.StatusCode)
	}
	made := `FROM users u JOIN identifiers i ON i.user_id = u.id WHERE i.value = '` + eve + `'`
	if w.count(`SELECT count(*) `+made+` AND i.verified_at = 0 AND u.claims = '{}' AND u.status = 'active'`) != 1 {
		t.Error("the account is not as a sign-up makes it")
	}
	if w.count(`SELECT count(*) FROM identifiers WHERE kind = 'phone'`) != 0 {
		t.Error("it has a phone number")
	}
	e := w.newBrowser()
	if a := e.tryPassword(eve, password); a.StatusCode != http.StatusSeeOther {
		t.Fatalf("signing in answers %d", a.StatusCode)
	}
	if page := e.get(pages.PathAccount); strings.Contains(page.body, `class="tag">verified`) {
		t.Error("the account page says that the address is verified")
	}
}

// One function: a second account for one address would be another's sign-in.
func TestV3_ASignUpKnowsAnAddressInAnyForm(t *testing.T) {
	t.Parallel()
	w := newWorld(t, withPolicy(open))
	users := w.count(`SELECT count(*) FROM users`)
	for _, same := range []string{strings.ToUpper(ana), " " + ana + "\t", "Ana.Canary@EXAMPLE.com"} {
		w.newBrowser().signUp(same, password)
	}
	for _, lookalike := range []string{"аna.canary@example.com", "ana.canary@exam\u200bple.com", "ª" + ana[1:], "\"ana.canary\"@example.com", ana + ".", ana + "," + eve, ana + "\nbcc: " + eve} {
		if a := w.newBrowser().signUp(lookalike, password); a.StatusCode != http.StatusUnprocessableEntity && a.StatusCode != http.StatusBadRequest {
			t.Errorf("%q answers %d", lookalike, a.StatusCode)
		}
	}
	if n := w.count(`SELECT count(*) FROM users`); n != users {
		t.Errorf("%d accounts came of it", n-users)
	}
}

// Pre-hijack: who makes an account with another's address is out once it is seen whose it is.
func TestV4_WhatAStrangerSetIsGoneOnceTheAddressIsSeen(t *testing.T) {
	t.Parallel()
	w := newWorld(t, withPolicy(open))
	w.newBrowser().signUp(eve, password)
	attacker := w.newBrowser()
	if a := attacker.tryPassword(eve, password); a.StatusCode != http.StatusSeeOther {
		t.Fatalf("signing in answers %d", a.StatusCode)
	}
	var sub string
	w.must(w.db.QueryRowContext(t.Context(), `SELECT user_id FROM identifiers WHERE value = $1`, eve).Scan(&sub))
	change := func(verified bool) {
		status, text := w.administer(http.MethodPut, "/admin/v1/users/"+sub, fmt.Sprintf(`{"email":%q,"email_verified":%t,"name":"Eve"}`, eve, verified))
		if status != http.StatusOK {
			t.Fatalf("the administrator is answered %d %s", status, text)
		}
	}
	change(false)
	if !attacker.signedIn() {
		t.Error("a change of name ended the session")
	}
	change(true)
	if attacker.signedIn() {
		t.Error("the stranger's session is alive")
	}
	if a := w.newBrowser().tryPassword(eve, password); a.StatusCode == http.StatusSeeOther {
		t.Error("the stranger's password still signs in")
	}
	// From then on it is an account like any other.
	_, err := w.engine.SetPassword(t.Context(), sub, "quarry lantern 1138 moth")
	w.must(err)
	change(false)
	change(true)
	if a := w.newBrowser().tryPassword(eve, "quarry lantern 1138 moth"); a.StatusCode != http.StatusSeeOther {
		t.Errorf("the owner's password answers %d", a.StatusCode)
	}
}

// CVE-2026-29193 and its like: a switch that one of several ways does not look at.
func TestV7_WithoutTheSettingNobodySignsUpByAnyWay(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	users := w.count(`SELECT count(*) FROM users`)
	b := w.newBrowser()
	waiting := b.query(oauth.PathAuthorize, ask("spa")).param(pages.FieldInteraction)
	login := b.get(pages.PathLogin + "?interaction=" + waiting)
	if strings.Contains(login.body, "login-signup") || strings.Contains(login.body, pages.PathSignUp) {
		t.Error("the sign-in page leads to a sign-up")
	}
	if a := b.post(pages.PathSignUp, b.signUpForm(eve, password)); a.StatusCode != http.StatusForbidden {
		t.Errorf("the form answers %d", a.StatusCode)
	}
	for _, path := range []string{pages.PathSignUp, pages.PathSignUp + "?interaction=" + waiting} {
		if a := b.get(path); a.StatusCode != http.StatusForbidden || a.element("error-code") != "sign_up_off" {
			t.Errorf("%s answers %d %s", path, a.StatusCode, a.element("error-code"))
		}
	}
	err := w.engine.SignUp(t.Context(), engine.SignUpForm{Email: eve, Password: password}, engine.Browser{Browser: "a browser"})
	if err == nil || err.Reason != oauth.ReasonSignUpOff {
		t.Errorf("behind the pages it is %v", err)
	}
	if w.count(`SELECT count(*) FROM users`) != users {
		t.Error("an account was made")
	}
	if to := b.query(oauth.PathAuthorize, with(ask("spa"), "prompt", "create")).Header.Get("Location"); !strings.HasPrefix(to, pages.PathLogin) {
		t.Errorf("prompt=create leads to %s", to)
	}
	const metadata = "/.well-known/openid-configuration"
	if here, there := b.get(metadata).body, newWorld(t, withPolicy(open)).newBrowser().get(metadata).body; strings.Contains(here, `"create"`) || !strings.Contains(there, `"create"`) {
		t.Error("the metadata says otherwise")
	}
}
