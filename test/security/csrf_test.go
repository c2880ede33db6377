package security_test

import (
	"maps"
	"net/http"
	"net/url"
	"strings"
	"testing"

	"github.com/mintmark-id/mintmark/internal/oauth"
	"github.com/mintmark-id/mintmark/internal/web/pages"
)

// protectedForm is a form that acts in the name of a cookie, filled in so that only its protection can refuse it.
type protectedForm struct {
	path   string
	fields url.Values
	page   string // the token is on this page
}

// protectedForms are all of them, for a browser that is signed in and has a request waiting for consent.
func (b *browser) protectedForms() []protectedForm {
	b.t.Helper()
	waiting := b.query(oauth.PathAuthorize, ask("spa")).param(pages.FieldInteraction)
	again := b.query(oauth.PathAuthorize, with(ask("web"), "prompt", "login")).param(pages.FieldInteraction)
	choosing := b.query(oauth.PathAuthorize, with(ask("web"), "prompt", "select_account")).param(pages.FieldInteraction)
	choice := func(decision string) protectedForm {
		fields := url.Values{pages.FieldInteraction: {choosing}, pages.FieldUser: {b.subs[ana]}, pages.FieldDecision: {decision}}
		return protectedForm{pages.PathChoose, fields, pages.PathChoose + "?interaction=" + choosing}
	}
	return []protectedForm{
		choice(pages.DecisionContinue), choice(pages.DecisionSwitch),
		{pages.PathLogin, url.Values{pages.FieldInteraction: {again}, pages.FieldIdentifier: {bob}, pages.FieldPassword: {password}}, pages.PathLogin + "?interaction=" + again},
		{pages.PathConsent, url.Values{pages.FieldInteraction: {waiting}, pages.FieldUser: {b.subs[ana]}, pages.FieldDecision: {pages.DecisionAllow}}, pages.PathConsent + "?interaction=" + waiting},
		{pages.PathConsent, url.Values{pages.FieldInteraction: {waiting}, pages.FieldUser: {b.subs[ana]}, pages.FieldDecision: {pages.DecisionDeny}}, pages.PathConsent + "?interaction=" + waiting},
		{pages.PathConsent, url.Values{pages.FieldInteraction: {waiting}, pages.FieldUser: {b.subs[ana]}, pages.FieldDecision: {pages.DecisionSwitch}}, pages.PathConsent + "?interaction=" + waiting},
		{pages.PathLogout, url.Values{pages.FieldDecision: {pages.DecisionLogout}}, pages.PathLogout},
		{pages.PathAccountPass, url.Values{
			pages.FieldCurrentPassword: {password}, pages.FieldNewPassword: {"quarry lantern 1138 moth"}, pages.FieldSignOutOthers: {pages.Checked},
		}, pages.PathAccount},
		{pages.PathAccountSession, url.Values{pages.FieldSession: {b.sid(b)}}, pages.PathAccount},
		{pages.PathAccountApp, url.Values{pages.FieldClient: {"web"}}, pages.PathAccount},
		{pages.PathUpstream, url.Values{pages.FieldInteraction: {again}, pages.FieldUpstream: {"harbour"}}, pages.PathLogin + "?interaction=" + again},
		{pages.PathAccountLink, url.Values{pages.FieldUpstream: {"harbour"}}, pages.PathAccount},
		{pages.PathAccountUnlink, url.Values{pages.FieldLink: {"x"}}, pages.PathAccount},
		{pages.PathAccountSignOut, url.Values{pages.FieldSignOut: {pages.SignOutHere}}, pages.PathAccount},
		{pages.PathAccountSignOut, url.Values{pages.FieldSignOut: {pages.SignOutEverywhere}}, pages.PathAccount},
		{pages.PathSignUp, url.Values{pages.FieldEmail: {"x@example.com"}, pages.FieldNewPassword: {password}}, pages.PathSignUp},
		{pages.PathSetup, url.Values{
			pages.FieldSetupToken: {"x"}, pages.FieldEmail: {"x@example.com"}, pages.FieldNewPassword: {password}, pages.FieldConfirmPassword: {password},
		}, ""},
	}
}

// RFC 9700 §4.7, ASVS 3.5.1: with every form and every way to forge it.
func TestA5_EveryFormIsRefusedUnlessItCameFromItsOwnPage(t *testing.T) {
	t.Parallel()
	w := newWorld(t, withPolicy(open))
	b, attacker := w.newBrowser().signIn(ana), w.newBrowser().signIn(bob)
	for _, f := range b.protectedForms() {
		own := b.get(f.page).input(pages.FieldToken)
		theirs := attacker.get(pages.PathAccount).input(pages.FieldToken)
		foreign := map[string]string{"none": "", "of another browser": theirs, "made up": canary, "cut short": ""}
		if own != "" {
			foreign["cut short"] = own[:len(own)-1]
			foreign["changed"] = flip(own)
		}
		for _, page := range []string{pages.PathAccount, pages.PathLogout} { // the tokens of one page are not those of another
			if token := b.get(page).input(pages.FieldToken); token != own {
				foreign["of "+page] = token
			}
		}
		for name, token := range foreign {
			a := b.post(f.path, with(f.fields, pages.FieldToken, token))
			if a.StatusCode != http.StatusForbidden || a.element("error-code") != "form_expired" {
				t.Errorf("%s with a form token %s answers %d %q", f.path, name, a.StatusCode, a.element("error-code"))
			}
		}
		if !b.signedIn() {
			t.Fatalf("a forged post to %s had an effect", f.path)
		}
	}
	if n := w.count(`SELECT count(*) FROM consents`) + w.count(`SELECT count(*) FROM users WHERE cut > 0`); n != 0 {
		t.Error("a forged post had an effect")
	}
}

func flip(token string) string {
	if strings.HasPrefix(token, "A") {
		return "B" + token[1:]
	}
	return "A" + token[1:]
}

// What the browser says of where a form comes from, also when the token is right.
func TestX2_FormsFromOtherSitesAreRefused(t *testing.T) {
	t.Parallel()
	w := newWorld(t, withPolicy(open))
	b := w.newBrowser().signIn(ana)
	for _, f := range b.protectedForms() {
		fields := f.fields
		if f.page != "" {
			fields = with(fields, pages.FieldToken, b.get(f.page).input(pages.FieldToken))
		}
		for _, header := range []http.Header{
			{"Sec-Fetch-Site": {"cross-site"}},
			{"Sec-Fetch-Site": {"same-site"}},
			{"Sec-Fetch-Site": {canary}},
			{"Sec-Fetch-Site": {"cross-site"}, "Origin": {plainIssuer}},
			{"Origin": {"https://evil.example"}},
			{"Origin": {"http://localhost:8485"}},
			{"Origin": {"https://localhost:8484"}},
			{"Origin": {plainIssuer + ".evil.example"}},
			{"Origin": {"http://LOCALHOST:8484"}},
			{"Origin": {plainIssuer + "/"}},
		} {
			b.header = header
			a := b.post(f.path, fields)
			if a.StatusCode != http.StatusForbidden || a.element("error-code") != "form_expired" {
				t.Errorf("%s with %v answers %d", f.path, header, a.StatusCode)
			}
		}
		b.header = http.Header{}
	}
	if !b.signedIn() || w.count(`SELECT count(*) FROM consents`) != 0 {
		t.Error("a foreign post had an effect")
	}
	b.header.Set("Sec-Fetch-Site", "same-origin")
	b.header.Set("Origin", "null") // what our Referrer-Policy makes of it
	if a := b.account(pages.PathAccountSignOut, url.Values{pages.FieldSignOut: {pages.SignOutHere}}); a.StatusCode != http.StatusOK || b.signedIn() {
		t.Errorf("our own form answers %d", a.StatusCode)
	}
}

// ASVS 3.5.3: neither GET nor HEAD nor a method in a header does what a form does.
func TestX2_NothingIsChangedByFollowingALink(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	b := w.newBrowser().signIn(ana)
	for _, f := range b.protectedForms() {
		fields := f.fields
		if f.page != "" {
			fields = with(fields, pages.FieldToken, b.get(f.page).input(pages.FieldToken))
		}
		before := w.fingerprint()
		for _, method := range []string{http.MethodGet, http.MethodHead} {
			b.send(method, f.path+"?"+fields.Encode(), "")
		}
		for _, header := range []string{"X-Http-Method-Override", "X-Method-Override", "X-Http-Method"} {
			b.header.Set(header, http.MethodPost)
			b.query(f.path, fields)
		}
		b.query(f.path, with(fields, "_method", "POST"))
		b.header = http.Header{}
		if after := w.fingerprint(); !maps.Equal(before, after) {
			t.Errorf("GET %s changes %v to %v", f.path, before, after)
		}
	}
	if !b.signedIn() {
		t.Error("a link signs out")
	}
}

// fingerprint counts what is alive of everything that a request could change.
func (w *world) fingerprint() map[string]int64 {
	w.t.Helper()
	counts := map[string]int64{}
	for name, query := range map[string]string{
		"users": `SELECT count(*) + sum(cut) FROM users`, "factors": `SELECT count(*) + sum(made_at) FROM factors`,
		"sessions": `SELECT count(*) FROM sessions WHERE ended_at = 0`, "grants": `SELECT count(*) FROM grants WHERE ended_at = 0`,
		"generations": `SELECT coalesce(sum(gen), 0) FROM grants`, "codes": `SELECT count(*) FROM codes WHERE used_at = 0`,
		"consents": `SELECT count(*) + coalesce(sum(cut), 0) FROM consents`, "revocations": `SELECT count(*) FROM revlog WHERE keep_until > 0`,
		"clients": `SELECT count(*) + sum(version) FROM clients`,
	} {
		counts[name] = w.count(query)
	}
	return counts
}
