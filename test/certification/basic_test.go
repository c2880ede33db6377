package certification

import (
	"crypto/rand"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"
)

// plans are the variants of the basic plan and of its form-post twin: an operator's
// client, and one that registers itself.
var plans = []plan{
	{method: "client_secret_basic", static: true},
	{method: "client_secret_post", formPost: true},
}

// module is one module of the suite.
type module struct {
	name string // as the suite has it, and the section it is about
	run  func(r *party)
}

// TestBasicAndFormPostBasic runs the plans oidcc-basic-certification-test-plan and
// oidcc-formpost-basic-certification-test-plan.
func TestBasicAndFormPostBasic(t *testing.T) {
	t.Parallel()
	onBoth(t, func(t *testing.T, s *provider) {
		for _, p := range plans {
			for _, m := range slices.Concat(flows, requests, errorsOfRequests) {
				t.Run(p.String()+"/"+m.name, func(t *testing.T) {
					m.run(newParty(t, s, p, "grant_types", []string{"authorization_code", "refresh_token"}))
				})
			}
		}
	})
}

// claimsOf are the claims that stand for a scope (Core §5.4), all of which the user has.
var claimsOf = map[string][]string{
	"profile": {
		"name", "family_name", "given_name", "middle_name", "nickname", "preferred_username", "profile", "picture", "website", "gender",
		"birthdate", "zoneinfo", "locale", "updated_at",
	},
	"email":   {"email", "email_verified"},
	"address": {"address"},
	"phone":   {"phone_number", "phone_number_verified"},
}

// scope is a module that asks for scopes: their claims are in userinfo, no others, and
// each has its type (Core §5.1).
func scope(name, asked string) module {
	return module{name, func(r *party) {
		claims := r.userinfo(r.signIn("scope", asked))
		want := []string{"sub"}
		for word := range strings.FieldsSeq(asked) {
			want = append(want, claimsOf[word]...)
		}
		for _, name := range want {
			if claims[name] == nil {
				r.t.Errorf("there is no %s", name)
			}
		}
		for name, value := range claims {
			var ok bool
			switch name {
			case "email_verified", "phone_number_verified":
				_, ok = value.(bool)
			case "updated_at":
				number, is := value.(float64)
				ok = is && number > 0 && number < 1e11 // seconds
			case "address":
				_, ok = value.(map[string]any)
			default:
				text, is := value.(string)
				ok = is && text != ""
			}
			if !ok || !slices.Contains(want, name) {
				r.t.Errorf("userinfo says %s = %v", name, value)
			}
		}
	}}
}

// with is a module that adds a parameter which changes nothing.
func with(name string, more ...string) module {
	return module{name, func(r *party) { r.userinfo(r.signIn(more...)) }}
}

var flows = []module{
	{"oidcc-server, Core §3.1", func(r *party) { r.userinfo(r.signIn()) }},
	{"oidcc-idtoken-signature, Core §15.1", func(r *party) {
		if got := r.signIn(); got.header.Algorithm != "RS256" || got.header.KeyID == "" {
			r.t.Errorf("the ID token has the header %v", got.header)
		}
	}},
	{"oidcc-userinfo-get, Core §5.3.1", func(r *party) { r.userinfo(r.signIn()) }},
	{"oidcc-userinfo-post-header, Core §5.3.1", func(r *party) {
		got := r.signIn()
		status, claims := r.json(r.request(http.MethodPost, r.endpoint("userinfo_endpoint"), "", got.Access, nil))
		if status != http.StatusOK || claims["sub"] != got.claims["sub"] {
			r.t.Errorf("%d %v", status, claims)
		}
	}},
	{"oidcc-userinfo-post-body, RFC 6750 §2.2", func(r *party) {
		got := r.signIn()
		form := []byte(url.Values{"access_token": {got.Access}}.Encode())
		status, claims := r.json(r.request(http.MethodPost, r.endpoint("userinfo_endpoint"), "application/x-www-form-urlencoded", "", form))
		if status != http.StatusOK || claims["sub"] != got.claims["sub"] {
			r.t.Errorf("%d %v", status, claims)
		}
	}},
	with("oidcc-ensure-request-without-nonce-succeeds-for-code-flow, Core §3.1.2.1", "nonce", ""),
	scope("oidcc-scope-profile, Core §5.4", "openid profile"),
	scope("oidcc-scope-email, Core §5.4", "openid email"),
	scope("oidcc-scope-address, Core §5.4", "openid address"),
	scope("oidcc-scope-phone, Core §5.4", "openid phone"),
	scope("oidcc-scope-all, Core §5.4", "openid profile email address phone"),
	scope("oidcc-alternate-happy-flow, RFC 6749 §3.3", "email openid"),
	{"oidcc-claims-essential, Core §5.5", func(r *party) {
		got := r.signIn("claims", `{"userinfo":{"name":{"essential":true}}}`)
		if claims := r.userinfo(got); claims["name"] != "Ana Sousa" {
			r.t.Errorf("userinfo says %v", claims)
		}
	}},
	{"oidcc-codereuse, RFC 6749 §4.1.2", func(r *party) { r.reuse(time.Millisecond) }},
	{"oidcc-codereuse-30seconds, RFC 6749 §4.1.2", func(r *party) { r.reuse(30 * time.Second) }},
	{"oidcc-refresh-token, Core §12.2", func(r *party) {
		first := r.signIn("scope", "openid offline_access", "prompt", "consent")
		status, second := r.token(url.Values{"grant_type": {"refresh_token"}, "refresh_token": {first.Refresh}})
		if status != http.StatusOK || second.Access == first.Access {
			r.t.Fatalf("%d %+v", status, second)
		}
		r.check(&second, "")
		r.sameSignIn(first, second)
		r.userinfo(second)
		another := newParty(r.t, r.s, r.plan, "grant_types", []string{"authorization_code", "refresh_token"})
		status, refused := another.token(url.Values{"grant_type": {"refresh_token"}, "refresh_token": {first.Refresh}})
		if status != http.StatusBadRequest || refused.Error != "invalid_grant" { // RFC 6749 §10.4
			r.t.Errorf("another client gets %d %+v", status, refused)
		}
	}},
	{"oidcc-ensure-request-with-valid-pkce-succeeds, RFC 7636 §4", func(r *party) {
		verifier := rand.Text() + rand.Text()
		q := r.ask("code_challenge", challenge(verifier), "code_challenge_method", "S256")
		status, got := r.token(url.Values{
			"grant_type": {"authorization_code"}, "code": {r.response(q).Get("code")}, "redirect_uri": {callback}, "code_verifier": {verifier},
		})
		if status != http.StatusOK || got.ID == "" {
			r.t.Errorf("%d %+v", status, got)
		}
	}},
}

// reuse presents a code for the second time.
func (r *party) reuse(after time.Duration) {
	r.t.Helper()
	q := r.ask()
	response := r.response(q)
	got := r.redeem(q, response)
	r.userinfo(got)
	r.pass(after)
	status, again := r.token(url.Values{"grant_type": {"authorization_code"}, "code": {response.Get("code")}, "redirect_uri": {callback}})
	if status != http.StatusBadRequest || again.Error != "invalid_grant" {
		r.t.Errorf("the code gives %d %+v", status, again)
	}
	r.dead(got)
}

var requests = []module{
	with("oidcc-display-page, Core §3.1.2.1", "display", "page"),
	with("oidcc-display-popup, Core §3.1.2.1", "display", "popup"),
	with("oidcc-ensure-request-with-unknown-parameter-succeeds, RFC 6749 §3.1", "extra", "foobar"),
	with("oidcc-login-hint, Core §3.1.2.1", "login_hint", "buffy@op.example"),
	with("oidcc-ui-locales, Core §3.1.2.1", "ui_locales", "se"),
	with("oidcc-claims-locales, Core §5.2", "claims_locales", "se"),
	{"oidcc-ensure-request-with-acr-values-succeeds, Core §3.1.2.1", func(r *party) {
		supported, _ := r.told["acr_values_supported"].([]any)
		var values []string
		for _, value := range supported {
			values = append(values, value.(string))
		}
		got := r.signIn("acr_values", strings.Join(values, " "))
		if acr, _ := got.claims["acr"].(string); !slices.Contains(values, acr) {
			r.t.Errorf("acr is %v of %v", got.claims["acr"], values)
		}
	}},
	{"oidcc-prompt-login, Core §3.1.2.1", func(r *party) {
		first := r.signIn()
		r.pass(aMoment)
		r.anotherSignIn(first, r.signIn("prompt", "login"))
	}},
	{"oidcc-prompt-none-not-logged-in, Core §3.1.2.6", func(r *party) {
		state := strings.Repeat(rand.Text(), 5)[:128]
		r.refused(r.ask("prompt", "none", "state", state), "login_required", "interaction_required", "consent_required", "account_selection_required")
	}},
	{"oidcc-prompt-none-logged-in, Core §3.1.2.1", func(r *party) {
		first := r.signIn()
		r.pass(aMoment)
		r.sameSignIn(first, r.signIn("prompt", "none"))
	}},
	{"oidcc-max-age-1, Core §3.1.2.1", func(r *party) {
		first := r.signIn()
		r.pass(aMoment)
		r.anotherSignIn(first, r.signIn("max_age", "1"))
	}},
	{"oidcc-max-age-10000, Core §3.1.2.1", func(r *party) {
		first := r.signIn("max_age", "15000")
		r.pass(aMoment)
		r.sameSignIn(first, r.signIn("max_age", "10000"))
	}},
	{"oidcc-id-token-hint, Core §3.1.2.1", func(r *party) {
		first := r.signIn()
		r.sameSignIn(first, r.signIn("prompt", "none", "id_token_hint", first.ID))
	}},
	{"oidcc-ensure-post-request-succeeds, Core §3.1.2.1", func(r *party) {
		q := r.ask()
		request := r.request(http.MethodPost, r.endpoint("authorization_endpoint"), "application/x-www-form-urlencoded", "", []byte(q.Encode()))
		answer, err := r.s.transport.RoundTrip(request)
		if err != nil {
			r.t.Fatal(err)
		}
		defer answer.Body.Close()
		to, err := answer.Location()
		if err != nil || answer.StatusCode != http.StatusSeeOther || to.Path != "/oauth2/authorize" {
			r.t.Fatalf("a post is answered %d %v", answer.StatusCode, to)
		}
		r.redeem(q, r.response(to.Query()))
	}},
}

var errorsOfRequests = []module{
	{"oidcc-response-type-missing, RFC 6749 §3.1.1", func(r *party) {
		r.refusedOrShown(r.ask("response_type", ""), "response_type", "invalid_request", "unsupported_response_type")
	}},
	{"oidcc-ensure-registered-redirect-uri, Core §3.1.2.1", func(r *party) {
		r.shown(r.ask("redirect_uri", callback+"/"+rand.Text()), "redirect_uri")
	}},
	{"oidcc-unsigned-request-object-supported-correctly-or-rejected-as-unsupported, Core §6.1", func(r *party) {
		// The suite leaves this and its two siblings out where the metadata do not offer none.
		if algs, _ := r.told["request_object_signing_alg_values_supported"].([]any); slices.Contains(algs, any("none")) || !slices.Contains(algs, any("RS256")) {
			r.t.Errorf("offered are %v", algs)
		}
		q := r.ask()
		q.Set("request", unsigned(map[string]any{"client_id": r.id(), "response_type": "code", "redirect_uri": callback, "scope": "openid"}))
		r.refusedOrShown(q, "request", "invalid_request_object")
	}},
}

// TestFortySignInsOfOneUserAtThreeAtATime is what the suite does to one account in a few
// minutes: nobody is slowed down who knows the password.
func TestFortySignInsOfOneUserAtThreeAtATime(t *testing.T) {
	t.Parallel()
	s := start(t)
	made := newParty(t, s, plans[0])
	for _, n := range []int{14, 13, 13} {
		t.Run("", func(t *testing.T) {
			t.Parallel()
			for range n {
				r := *made
				r.t, r.Person = t, s.visitor(t, made.user)
				r.userinfo(r.signIn())
				if !slices.Contains(r.Met, "login-submit") {
					t.Errorf("the user met %v", r.Met)
				}
			}
		})
	}
}
