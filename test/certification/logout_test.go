package certification

import (
	"crypto/rand"
	"net/url"
	"slices"
	"strings"
	"testing"

	"github.com/mintmark-id/mintmark/test/person"
)

// TestRPInitiatedLogout runs oidcc-rp-initiated-logout-certification-test-plan, for
// clients of both ways to come to be.
func TestRPInitiatedLogout(t *testing.T) {
	t.Parallel()
	onBoth(t, func(t *testing.T, s *provider) {
		for _, p := range []plan{{method: "client_secret_basic"}, {method: "client_secret_basic", static: true}} {
			for _, m := range logouts {
				t.Run(p.String()+"/"+m.name, func(t *testing.T) {
					if p.static {
						m.run(newParty(t, s, p))
						return
					}
					m.run(newParty(t, s, p, "post_logout_redirect_uris", []string{goodbye}))
				})
			}
		}
	})
}

// TestBackChannelLogout runs oidcc-backchannel-rp-initiated-logout-certification-test-plan.
func TestBackChannelLogout(t *testing.T) {
	t.Parallel()
	onBoth(t, func(t *testing.T, s *provider) {
		t.Run("oidcc-backchannel-rp-initiated-logout, Back-Channel Logout §2.4", func(t *testing.T) {
			r := newSite(t, s, plan{method: "client_secret_basic"})
			r.registered("post_logout_redirect_uris", []string{goodbye}, "backchannel_logout_uri", r.site.URL+"/logout", "backchannel_logout_session_required", true)
			got := r.signIn()
			r.leaves(got)
			form := r.heard()
			if len(form) != 1 || len(form["logout_token"]) != 1 { // §2.5
				t.Errorf("the request has %v", form)
			}
			claims, header := r.verified(form.Get("logout_token"))
			event, _ := claims["events"].(map[string]any)
			empty, isObject := event["http://schemas.openid.net/event/backchannel-logout"].(map[string]any)
			if len(event) != 1 || !isObject || len(empty) != 0 || header.Algorithm != "RS256" || header.ExtraHeaders["typ"] != "logout+jwt" {
				t.Errorf("%v says %v", header, claims)
			}
			for name, value := range map[string]any{"iss": s.Issuer, "aud": r.id(), "sub": got.claims["sub"], "sid": got.claims["sid"], "nonce": nil} {
				if claims[name] != value {
					t.Errorf("%s is %v, not %v", name, claims[name], value)
				}
			}
			issued, _ := claims["iat"].(float64)
			expires, _ := claims["exp"].(float64)
			if jti, _ := claims["jti"].(string); jti == "" || r.now()-int64(issued) > 60 || int64(issued) > r.now()+1 || expires <= issued || expires > issued+120 { // §4
				t.Errorf("jti, iat and exp are %v", claims)
			}
			r.isSignedOut()
		})
	})
}

// leave sends the browser to the end session endpoint, with more parameters or others.
func (r *party) leave(got tokens, more ...string) person.Page {
	r.t.Helper()
	q := url.Values{"id_token_hint": {got.ID}, "post_logout_redirect_uri": {goodbye}, "state": {rand.Text()}}
	for i := 0; i < len(more); i += 2 {
		if q.Set(more[i], more[i+1]); more[i+1] == "" {
			q.Del(more[i])
		}
	}
	return r.Get(r.endpoint("end_session_endpoint") + "?" + q.Encode())
}

// leaves is a logout that leads back to the client with its state and nothing else.
func (r *party) leaves(got tokens) {
	r.t.Helper()
	state := rand.Text()
	if page := r.leave(got, "state", state); page.Address != goodbye+"?state="+state {
		r.t.Errorf("the logout led to %s", page.Address)
	}
}

// isSignedOut: RP-Initiated Logout §2, the session is over.
func (r *party) isSignedOut() {
	r.t.Helper()
	state := strings.Repeat(rand.Text(), 5)[:128]
	r.refused(r.ask("prompt", "none", "state", state), "login_required", "interaction_required", "consent_required", "account_selection_required")
}

// notBack is a module in which the server must not lead back to the client. Either a
// page names what is wrong, or the user is asked, says yes, and sees that they are
// signed out.
func notBack(name, parameter string, more ...string) module {
	return module{name, func(r *party) { r.staysThere(parameter, r.signIn(), more...) }}
}

func (r *party) staysThere(parameter string, got tokens, more ...string) {
	r.t.Helper()
	page := r.leave(got, more...)
	if !strings.HasPrefix(page.Address, r.s.Issuer+"/") {
		r.t.Fatalf("the browser was sent to %s", page.Address)
	}
	if page.Has("error-code") {
		if parameter == "" || !strings.Contains(page.Text, parameter) {
			r.t.Errorf("the page does not name %q:\n%s", parameter, page.Text)
		}
		return
	}
	if page = r.Press(page, "logout-confirm", nil); !strings.HasPrefix(page.Address, r.s.Issuer+"/") || !strings.Contains(page.Text, "Signed out") {
		r.t.Errorf("the confirmation led to %s:\n%s", page.Address, page.Text)
	}
	r.isSignedOut()
}

var logouts = slices.Concat([]module{
	{"oidcc-rp-initiated-logout, RP-Initiated Logout §2", func(r *party) {
		r.leaves(r.signIn())
		r.isSignedOut()
	}},
	{"oidcc-rp-initiated-logout-no-state, RP-Initiated Logout §3", func(r *party) {
		if page := r.leave(r.signIn(), "state", ""); page.Address != goodbye {
			r.t.Errorf("the logout led to %s", page.Address)
		}
		r.isSignedOut()
	}},
	{"oidcc-rp-initiated-logout-no-post-logout-redirect-uri, RP-Initiated Logout §2", func(r *party) {
		page := r.leave(r.signIn(), "post_logout_redirect_uri", "", "state", "")
		if page.Has("logout-confirm") {
			page = r.Press(page, "logout-confirm", nil)
		}
		if !strings.HasPrefix(page.Address, r.s.Issuer+"/") || !strings.Contains(page.Text, "Signed out") {
			r.t.Errorf("the page at %s says\n%s", page.Address, page.Text)
		}
		r.isSignedOut()
	}},
	{"oidcc-rp-initiated-logout-bad-id-token-hint, RP-Initiated Logout §4", func(r *party) {
		got := r.signIn()
		forged := r.sign(map[string]any{"iss": r.s.Issuer, "sub": got.claims["sub"], "aud": r.id(), "exp": r.now() + 300, "iat": r.now(), "sid": got.claims["sid"]})
		r.staysThere("id_token_hint", got, "id_token_hint", forged)
	}},
	{"oidcc-rp-initiated-logout-modified-id-token-hint, RP-Initiated Logout §4", func(r *party) {
		got := r.signIn()
		r.staysThere("id_token_hint", got, "id_token_hint", unsigned(got.claims))
	}},
}, []module{
	notBack("oidcc-rp-initiated-logout-bad-post-logout-redirect-uri, RP-Initiated Logout §3", "post_logout_redirect_uri", "post_logout_redirect_uri", goodbye+"/another"),
	notBack("oidcc-rp-initiated-logout-query-added-to-post-logout-redirect-uri, RP-Initiated Logout §3", "post_logout_redirect_uri", "post_logout_redirect_uri", goodbye+"?foo=bar"),
	notBack("oidcc-rp-initiated-logout-no-id-token-hint, RP-Initiated Logout §2", "", "id_token_hint", ""),
	notBack("oidcc-rp-initiated-logout-no-params, RP-Initiated Logout §2", "", "id_token_hint", "", "post_logout_redirect_uri", "", "state", ""),
	notBack("oidcc-rp-initiated-logout-only-state, RP-Initiated Logout §2", "", "id_token_hint", "", "post_logout_redirect_uri", ""),
})
