package certification

import (
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/mintmark-id/mintmark/test/server"
)

// The answer travels in the body of a form alone, to the redirect URI, by itself or by a button, and
// nobody keeps the page.
func TestFormPost_2_TheAnswerIsAFormThatNobodyKeeps(t *testing.T) {
	t.Parallel()
	r := newParty(t, start(t), plan{method: "client_secret_basic", static: true, formPost: true})
	hears := &listener{RoundTripper: r.s.transport}
	r.Through(hears)
	for name, q := range map[string]map[string]string{"a code": {}, "an error": {"prompt": "none login"}} {
		asked := r.ask("state", `"><script>x</script>&=%`)
		for name, value := range q {
			asked.Set(name, value)
		}
		page := r.come(asked)
		for _, part := range []string{`method="post"`, `action="` + callback + `"`, "<noscript>", "<button"} {
			if !strings.Contains(page.Text, part) {
				t.Errorf("%s: the page has no %s:\n%s", name, part, page.Text)
			}
		}
		if values := r.response(asked); values.Get("state") != asked.Get("state") || strings.Contains(page.Text, "<script>x") {
			t.Errorf("%s: the form has %v", name, values)
		}
		if h := hears.last; h.Get("Cache-Control") != "no-store" || !strings.HasPrefix(h.Get("Content-Type"), "text/html") || h.Get("Referrer-Policy") != "no-referrer" {
			t.Errorf("%s: the page comes with %v", name, h)
		}
	}
}

// An ID token that has run out is a hint still, and POST is as good as GET.
func TestRPLogout_2_AnExpiredHintIsStillAHint(t *testing.T) {
	t.Parallel()
	r := newParty(t, start(t), operators)
	got := r.signIn()
	r.pass(2 * time.Hour)
	r.leaves(got)
	r.isSignedOut()
}

func TestRPLogout_2_APostIsAsGoodAsAGet(t *testing.T) {
	t.Parallel()
	r := newParty(t, start(t), operators)
	got := r.signIn()
	form := "id_token_hint=" + got.ID + "&post_logout_redirect_uri=https%3A%2F%2Frp.example%2Fgoodbye&state=s"
	request := r.request(http.MethodPost, r.endpoint("end_session_endpoint"), "application/x-www-form-urlencoded", "", []byte(form))
	answer, err := r.s.transport.RoundTrip(request) // from another site: our cookies do not come along
	if err != nil {
		t.Fatal(err)
	}
	_ = answer.Body.Close() // where it leads is in the header
	to, err := answer.Location()
	if err != nil || answer.StatusCode != http.StatusSeeOther || !strings.HasPrefix(to.String(), r.endpoint("end_session_endpoint")+"?") {
		t.Fatalf("a post is answered %d %v", answer.StatusCode, to)
	}
	if page := r.Get(to.String()); page.Address != goodbye+"?state=s" {
		t.Errorf("the logout led to %s", page.Address)
	}
	r.isSignedOut()
}

// Hint and client_id are of one client, or nothing happens.
func TestRPLogout_2_HintAndClientAreOne(t *testing.T) {
	t.Parallel()
	s := start(t)
	r, other := newParty(t, s, operators), newParty(t, s, operators)
	got := r.signIn()
	page := r.leave(got, "client_id", other.id())
	if !page.Has("error-code") || !strings.Contains(page.Text, "client_id") || !strings.HasPrefix(page.Address, s.Issuer+"/") {
		t.Errorf("the logout led to %s:\n%s", page.Address, page.Text)
	}
	r.sameSignIn(got, r.signIn("prompt", "none"))
	state := "s"
	if page := r.leave(got, "client_id", r.id(), "state", state); page.Address != goodbye+"?state="+state {
		t.Errorf("with its own client_id it led to %s", page.Address)
	}
}

// Where a client is told: absolute, without a fragment, https or in a network that is trusted.
func TestBackChannel_2_2_WhereAClientIsToldIsAnAddressThatMayBeCalled(t *testing.T) {
	t.Parallel()
	s := start(t)
	for _, uri := range []string{
		"https://rp.example/logout#f", "https://rp.example/logout#", "/logout", "logout", "ftp://rp.example/logout",
		"https://10.0.0.1/logout", "https://[::1]/logout", "https://169.254.169.254/logout", "https://u:p@rp.example/logout", "javascript:alert(1)",
	} {
		newSite(t, s, byItself).mayNotRegister("invalid_client_metadata", "backchannel_logout_uri", uri)
	}
	r := newSite(t, s, byItself)
	const uri = "https://rp.example:8443/a/logout?tenant=1" // §2.2: port, path and query it may have
	if r.registered("backchannel_logout_uri", uri); r.client["backchannel_logout_uri"] != uri {
		t.Errorf("registered is %v", r.client["backchannel_logout_uri"])
	}
}

// A refresh token ends with its session, unless it was given for when the user is away; the client is told of
// either.
func TestBackChannel_2_7_RefreshTokensEndWithTheSessionButTheOfflineOnes(t *testing.T) {
	t.Parallel()
	s := start(t)
	for scope, lives := range map[string]bool{"openid": false, "openid offline_access": true} {
		t.Run(scope, func(t *testing.T) {
			r := newSite(t, s, byItself)
			r.registered("grant_types", []string{"authorization_code", "refresh_token"}, "post_logout_redirect_uris", []string{goodbye},
				"backchannel_logout_uri", r.site.URL+"/logout")
			got := r.signIn("scope", scope, "prompt", "consent")
			r.leaves(got)
			claims, _ := r.verified(r.heard().Get("logout_token"))
			if claims["sid"] != got.claims["sid"] || claims["sub"] != got.claims["sub"] {
				t.Errorf("the client hears of %v", claims)
			}
			status, after := r.token(map[string][]string{"grant_type": {"refresh_token"}, "refresh_token": {got.Refresh}})
			if lives != (status == http.StatusOK) || !lives && after.Error != "invalid_grant" {
				t.Errorf("it is answered %d %s", status, after.Error)
			}
		})
	}
}

// An issuer with a path: OpenID Connect appends its name, RFC 8414 puts its own in between, and all
// say the issuer exactly.
func TestRFC8414_3_1_AnIssuerWithAPathIsFoundBothWays(t *testing.T) {
	t.Parallel()
	const issuer = "https://op.example.com/tenant/one"
	s := server.Start(t, "--issuer", issuer, "--trusted-proxy", "127.0.0.1", "--registration", "open")
	openID := read(t, s, "/tenant/one/.well-known/openid-configuration")
	for _, path := range []string{"/.well-known/oauth-authorization-server/tenant/one", "/.well-known/openid-configuration/tenant/one"} {
		document := read(t, s, path)
		for name, value := range openID {
			if members[name] == "url" && document[name] != value || document["issuer"] != issuer { // §3.3
				t.Errorf("%s says %s = %v, not %v", path, name, document[name], value)
			}
		}
	}
	for name, kind := range members {
		if value, _ := openID[name].(string); kind == "url" && !strings.HasPrefix(value, issuer) {
			t.Errorf("%s is %q", name, value)
		}
	}
	for _, path := range []string{"/.well-known/openid-configuration", "/.well-known/oauth-authorization-server", "/tenant/one/.well-known/oauth-authorization-server", "/tenant/.well-known/openid-configuration"} {
		request, err := http.NewRequestWithContext(t.Context(), http.MethodGet, "http://"+s.Listen()+path, nil)
		if err != nil {
			t.Fatal(err)
		}
		request.Host = "op.example.com"
		answer, err := http.DefaultClient.Do(request)
		if err != nil {
			t.Fatal(err)
		}
		_ = answer.Body.Close() // that it is not there is all
		if answer.StatusCode != http.StatusNotFound {
			t.Errorf("%s is answered %d", path, answer.StatusCode)
		}
	}
}

// acr_values_supported lists what a sign-in can reach, and what it lists can be asked for as essential and is then said.
func TestDiscovery_3_AnACRThatIsOfferedIsReached(t *testing.T) {
	t.Parallel()
	r := newParty(t, start(t), operators)
	offered := list(r.told["acr_values_supported"])
	if !slices.Equal(offered, []string{"aal1"}) {
		t.Fatalf("offered are %v", offered)
	}
	for _, acr := range offered {
		got := r.signIn("claims", `{"id_token":{"acr":{"essential":true,"value":"`+acr+`"}}}`)
		if got.claims["acr"] != acr {
			t.Errorf("asked for %s, told %v", acr, got.claims["acr"])
		}
	}
	for _, claims := range []string{`{"id_token":{"acr":{"values":["of another world"]}}}`, `{"id_token":{"acr":{"essential":false,"value":"of another world"}}}`, `{"id_token":{"acr":null}}`} {
		if got := r.signIn("claims", claims); got.claims["acr"] != "aal1" { // Core §5.5.1.1: voluntary, so what was done is told
			t.Errorf("%s gives %v", claims, got.claims["acr"])
		}
	}
}
