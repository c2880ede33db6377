package certification

import (
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"
)

// What follows is required by the specifications and asked by no module of the suite.
// Each test bears the name of the specification and the section; docs/specifications.md
// has the whole list.

// operators is a client that an operator made: errors of it are redirected.
var operators = plan{method: "client_secret_basic", static: true}

// An ID token that has run out is a hint still.
func TestCore_3_1_2_1_AnExpiredHintIsStillAHint(t *testing.T) {
	t.Parallel()
	r := newParty(t, start(t), operators)
	first := r.signIn()
	r.pass(2 * time.Hour)
	if expires, _ := first.claims["exp"].(float64); int64(expires) > r.now() {
		t.Fatalf("it is good until %v", expires)
	}
	r.sameSignIn(first, r.signIn("prompt", "none", "id_token_hint", first.ID))
}

// Each error has its code, in whichever way the answer travels, with state and iss.
func TestCore_3_1_2_6_EveryErrorHasItsCode(t *testing.T) {
	t.Parallel()
	s := start(t)
	for _, p := range []plan{operators, {method: "client_secret_basic", static: true, formPost: true}} {
		t.Run(p.String(), func(t *testing.T) {
			r := newParty(t, s, p)
			r.refused(r.ask("prompt", "none"), "login_required")
			r.signIn()
			for _, c := range []struct{ name, value, code string }{
				{"response_type", "token", "unsupported_response_type"},
				{"response_type", "code id_token", "unsupported_response_type"},
				{"scope", `openid "`, "invalid_scope"},
				{"scope", "nothing", "invalid_scope"},
				{"prompt", "none login", "invalid_request"},
				{"prompt", "none consent", "invalid_request"},
				{"max_age", "-1", "invalid_request"},
				{"max_age", "soon", "invalid_request"},
				{"claims", "{", "invalid_request"},
				{"id_token_hint", "none.of.ours", "invalid_request"},
				{"code_challenge_method", "plain", "invalid_request"},
				{"registration", "{}", "registration_not_supported"},
				{"request", "none.of.theirs", "invalid_request_object"},
				{"request_uri", "https://rp.example/not-registered", "invalid_request_uri"},
				{"claims", `{"id_token":{"acr":{"essential":true,"value":"of another world"}}}`, "unmet_authentication_requirements"},
			} {
				r.refused(r.ask(c.name, c.value), c.code)
			}
			for _, mode := range []string{"fragment", "form_post.jwt", "of another world"} { // there is no saying how
				r.shown(r.ask("response_mode", mode, "scope", "nothing"), "response_mode")
			}
			both := r.ask("request", "a", "request_uri", "b")
			r.refused(both, "invalid_request")
			r.refused(r.ask("scope", "openid email", "prompt", "none"), "consent_required")
		})
	}
}

// A claim that is asked for in a language is voluntary: it is neither an error nor made up.
func TestCore_5_2_AClaimInALanguageIsNoError(t *testing.T) {
	t.Parallel()
	r := newParty(t, start(t), operators)
	got := r.signIn("claims", `{"userinfo":{"name#ja-Kana-JP":{"essential":true},"nickname":null},"id_token":{"family_name#hu":null},"other":{"x":1}}`)
	claims := r.userinfo(got)
	if claims["nickname"] != "Ana" || claims["name#ja-Kana-JP"] != nil || got.claims["family_name#hu"] != nil {
		t.Errorf("userinfo says %v, the ID token %v", claims, got.claims)
	}
}

// Whoever shows no token is told no more than what to show; errors are those of RFC 6750 §3.1.
func TestCore_5_3_3_UserinfoRefusesAsABearersResource(t *testing.T) {
	t.Parallel()
	r := newParty(t, start(t), operators)
	got, plain := r.signIn(), r.signInWithout()
	const form = "application/x-www-form-urlencoded"
	for name, c := range map[string]struct {
		method, kind, bearer, body string
		status                     int
		challenge                  string
	}{
		"nothing shown":   {http.MethodGet, "", "", "", http.StatusUnauthorized, ""},
		"no token":        {http.MethodGet, "", "none", "", http.StatusUnauthorized, "invalid_token"},
		"an ID token":     {http.MethodGet, "", got.ID, "", http.StatusUnauthorized, "invalid_token"},
		"shown twice":     {http.MethodPost, form, got.Access, "access_token=" + got.Access, http.StatusBadRequest, "invalid_request"},
		"without openid":  {http.MethodGet, "", plain.Access, "", http.StatusForbidden, "insufficient_scope"},
		"in the body":     {http.MethodPost, form, "", "access_token=" + got.Access, http.StatusOK, ""},
		"in a repetition": {http.MethodPost, form, "", "access_token=a&access_token=" + got.Access, http.StatusBadRequest, "invalid_request"},
	} {
		answer, err := r.s.transport.RoundTrip(r.request(c.method, r.endpoint("userinfo_endpoint"), c.kind, c.bearer, []byte(c.body)))
		if err != nil {
			t.Fatal(err)
		}
		_ = answer.Body.Close() // the headers say it all
		challenge := answer.Header.Get("WWW-Authenticate")
		named := strings.Contains(challenge, `error="`+c.challenge+`"`)
		if answer.StatusCode != c.status || c.status != http.StatusOK && !strings.HasPrefix(challenge, "Bearer ") ||
			c.challenge != "" && !named || c.challenge == "" && strings.Contains(challenge, "error=") {
			t.Errorf("%s: %d %q", name, answer.StatusCode, challenge)
		}
	}
}

// signInWithout is a sign-in without the scope openid: plain OAuth, no ID token.
func (r *party) signInWithout() tokens {
	r.t.Helper()
	q := r.ask("scope", "email", "nonce", "")
	status, got := r.token(url.Values{"grant_type": {"authorization_code"}, "code": {r.response(q).Get("code")}, "redirect_uri": {callback}})
	if status != http.StatusOK || got.Access == "" || got.ID != "" { // Core §3.1.2.1: without openid it is no OpenID Connect request
		r.t.Fatalf("%d %+v", status, got)
	}
	return got
}

// offline_access is for who may refresh, and with consent: asked for with prompt=consent, or on
// record; for everybody else it is ignored.
func TestCore_11_OfflineAccessIsGivenWithConsentAndElseIgnored(t *testing.T) {
	t.Parallel()
	s := start(t)
	const scope = "openid offline_access"
	r := newParty(t, s, operators)
	r.signIn() // she has said yes to openid alone
	if got := r.signIn("scope", scope); got.Refresh == "" || !slices.Contains(r.Met, "consent-allow") {
		t.Errorf("it is given without a question: %v", r.Met)
	}
	r.signIn("scope", scope)
	if slices.Contains(r.Met, "consent-allow") {
		t.Error("what was allowed is asked again")
	}
	r.signIn("scope", scope, "prompt", "consent")
	if !slices.Contains(r.Met, "consent-allow") {
		t.Error("prompt=consent asks nothing")
	}
	other := newParty(t, s, plan{method: "client_secret_basic"}) // without the grant type refresh_token
	if got := other.signIn("scope", scope, "prompt", "consent"); got.Refresh != "" || slices.Contains(strings.Fields(got.Scope), "offline_access") {
		t.Errorf("who may not refresh gets %+v", got)
	}
}

// Text is compared as it is: another form of the same letters is another text.
func TestCore_14_TextIsComparedWithoutNormalizing(t *testing.T) {
	t.Parallel()
	r := newParty(t, start(t), operators)
	const composed, decomposed = "caf\u00e9", "cafe\u0301"
	for _, text := range []string{composed, decomposed} {
		q := r.ask("state", text, "nonce", text)
		response := r.response(q)
		if got := r.redeem(q, response); response.Get("state") != text || got.claims["nonce"] != text {
			t.Errorf("%+q comes back as %+q and %+q", text, response.Get("state"), got.claims["nonce"])
		}
	}
	q := r.ask("claims", `{"id_token":{"sub":{"value":"`+strings.ToUpper(r.user.Sub)+`"}}}`, "prompt", "none")
	r.refused(q, "login_required")
}
