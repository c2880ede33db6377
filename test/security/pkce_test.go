package security_test

import (
	"net/http"
	"strings"
	"testing"

	"github.com/mintmark-id/mintmark/internal/engine"
	"github.com/mintmark-id/mintmark/internal/oauth"
	"github.com/mintmark-id/mintmark/internal/record"
)

// RFC 9700 §2.1.1.
func TestC1_PKCEIsRequiredOfAllButThoseSetFree(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	b := w.newBrowser().signIn(ana)
	for _, client := range []string{"web", "web-two", "spa", "native", "stranger"} {
		to := clients()[client].RedirectURIs[0]
		w.sendsBack(b.query(oauth.PathAuthorize, with(ask(client), "code_challenge", "", "code_challenge_method", "")), to, "invalid_request")
	}
	legacy := w.app("legacy")
	legacy.tokens(legacy.redeem(b.code("legacy", "code_challenge", "", "code_challenge_method", ""), "code_verifier", ""))
	if a := b.get("/.well-known/openid-configuration"); !strings.Contains(a.body, `"code_challenge_methods_supported":["S256"]`) {
		t.Error("the metadata do not say S256")
	}
	_, err := w.engine.CreateClient(t.Context(), "", engine.ClientForm{Name: "x", Settings: record.ClientSettings{
		GrantTypes: []string{"authorization_code"}, RedirectURIs: []string{"https://a.example/"},
		TokenEndpointAuthMethod: "none", PKCE: record.PKCEOptional,
	}})
	if err == nil {
		t.Error("a public client is set free")
	}
}

// ASVS 10.4.6; also of a client that may leave PKCE out.
func TestC2_OnlyS256IsAChallengeMethod(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	b := w.newBrowser().signIn(ana)
	for _, client := range []string{"web", "legacy", "spa"} {
		to := clients()[client].RedirectURIs[0]
		for _, method := range []string{"plain", "", "s256", "S512", "S256 ", canary} {
			w.sendsBack(b.query(oauth.PathAuthorize, with(ask(client), "code_challenge_method", method)), to, "invalid_request")
		}
		w.sendsBack(b.query(oauth.PathAuthorize, with(ask(client), "code_challenge", "")), to, "invalid_request")
		// plain with the verifier itself for challenge, the downgrade that a thief would want
		w.sendsBack(b.query(oauth.PathAuthorize, with(ask(client), "code_challenge", verifier, "code_challenge_method", "plain")), to, "invalid_request")
	}
}

func TestC3_AChallengeThatWasSentIsEnforced(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	b := w.newBrowser().signIn(ana)
	for _, client := range []string{"web", "spa", "legacy"} {
		c := w.app(client)
		code := b.code(client)
		for _, wrong := range []string{"", verifier[1:] + "a", oauth.ChallengeOf(verifier), strings.ToLower(verifier), verifier + "a"} {
			w.refuses(c.redeem(code, "code_verifier", wrong), http.StatusBadRequest, "invalid_grant")
		}
		if c.tokens(c.redeem(code)).Access == "" {
			t.Errorf("%s: a wrong verifier spent the code", client)
		}
	}
}

// RFC 9700 §4.8.2.
func TestC4_AVerifierWithoutAChallengeIsADowngrade(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	b := w.newBrowser().signIn(ana)
	legacy := w.app("legacy")
	code := b.code("legacy", "code_challenge", "", "code_challenge_method", "")
	w.refuses(legacy.redeem(code), http.StatusBadRequest, "invalid_grant")
	legacy.tokens(legacy.redeem(code, "code_verifier", ""))
}

// RFC 7636 §4.1 and §4.2.
func TestC5_VerifierAndChallengeHaveTheirForm(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	b := w.newBrowser().signIn(ana)
	challenge := oauth.ChallengeOf(verifier)
	for _, bad := range []string{challenge[:42], challenge + "A", challenge + "=", strings.Replace(challenge, challenge[:1], "+", 1), strings.Repeat("A", 128), canary} {
		w.sendsBack(b.query(oauth.PathAuthorize, with(ask("web"), "code_challenge", bad)), "https://app.example/cb", "invalid_request")
	}
	web := w.app("web")
	for _, bad := range []string{verifier[:42], strings.Repeat("a", 129), verifier + "+", verifier + "/", verifier + "=", verifier + " ", verifier + "é", canary} {
		code := b.code("web")
		w.refuses(web.redeem(code, "code_verifier", bad), http.StatusBadRequest, "invalid_request")
		web.tokens(web.redeem(code))
	}
	for _, good := range []string{strings.Repeat("a", 43), strings.Repeat("-._~", 32)} {
		code := b.code("web", "code_challenge", oauth.ChallengeOf(good))
		web.tokens(web.redeem(code, "code_verifier", good))
	}
}

// RFC 9700 §2.1.1: an operator learns of it, and nobody is refused.
func TestC6_ConstantChallengesAndNoncesAreNoticed(t *testing.T) {
	t.Parallel()
	const told = "a client sends the same value in different sessions"
	w := newWorld(t)
	first := w.app("web").granted(w.newBrowser().signIn(ana))
	if strings.Contains(w.log.text(), told) {
		t.Error("the first request is no repetition")
	}
	second := w.app("web").granted(w.newBrowser().signIn(bob))
	if log := w.log.text(); !strings.Contains(log, told) || !strings.Contains(log, `"client":"web"`) || strings.Contains(log, oauth.ChallengeOf(verifier)) {
		t.Errorf("the log says %s", log)
	}
	if first.Access == "" || second.Access == "" {
		t.Error("somebody was refused")
	}
}
