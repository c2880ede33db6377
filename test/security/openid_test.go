package security_test

import (
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"net/http"
	"slices"
	"strings"
	"testing"

	"github.com/mintmark-id/mintmark/internal/engine"
	"github.com/mintmark-id/mintmark/internal/oauth"
	"github.com/mintmark-id/mintmark/internal/web/pages"
)

// OpenID Connect Core §2, §3.1.3.6.
func TestK1_IDTokensSayWhoWhenAndForWhom(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	b := w.newBrowser().signIn(ana)
	web := w.app("web")
	got := web.granted(b, "scope", "openid offline_access", "nonce", "n-1")
	claims := w.claims(got.ID)
	sum := sha256.Sum256([]byte(got.Access))
	for name, value := range map[string]any{
		"iss": plainIssuer, "aud": "web", "sub": w.subs[ana], "nonce": "n-1", "acr": "aal1", "at_hash": base64.RawURLEncoding.EncodeToString(sum[:16]),
	} {
		if claims[name] != value {
			t.Errorf("%s is %v, not %v", name, claims[name], value)
		}
	}
	for _, name := range []string{"exp", "iat", "auth_time"} {
		if _, is := claims[name].(float64); !is {
			t.Errorf("%s is %v", name, claims[name])
		}
	}
	if w.part(got.ID, 0)["typ"] != "JWT" {
		t.Errorf("typ is %v", w.part(got.ID, 0)["typ"])
	}
	w.age(hour)
	renewed := w.claims(web.tokens(web.refresh(got.Refresh)).ID)
	if renewed["auth_time"] != claims["auth_time"] || renewed["sub"] != claims["sub"] || renewed["aud"] != claims["aud"] {
		t.Errorf("the renewed ID token says %v", renewed) // §12.2
	}
	if web.granted(b, "scope", "api:read").ID != "" {
		t.Error("an ID token without openid")
	}
}

// OpenID Connect Core §5.7.
func TestK2_EmailIsSaidToBeVerifiedOnlyIfItWas(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	const carol = "carol.canary@example.com"
	w.log.hide(carol)
	made, err := w.engine.CreateUser(t.Context(), engine.Profile{Email: carol}, password)
	w.must(err)
	if len(made.ID) > 255 {
		t.Errorf("sub has %d characters", len(made.ID))
	}
	for email, verified := range map[string]string{carol: `"email_verified":false`, ana: `"email_verified":true`} {
		got := w.app("web").granted(w.newBrowser().signIn(email), "scope", "openid email")
		if body := w.userinfo(got.Access).body; !strings.Contains(body, verified) {
			t.Errorf("userinfo says %s", body)
		}
	}
	w.must(w.engine.DeleteUser(t.Context(), made.ID))
	again, err := w.engine.CreateUser(t.Context(), engine.Profile{Email: carol}, password)
	w.must(err)
	if again.ID == made.ID {
		t.Error("a sub is given again")
	}
}

// Claims of a user have their own names: none of them stands in for the server's.
func TestK3_NoAttributeOverridesWhatTheServerSays(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.exec(`UPDATE users SET claims = '{"sub":"evil","iss":"evil","aud":"evil","email":"evil@evil.example","email_verified":true,"scope":"admin","name":"Ana","exp":9,"rvs":9}' WHERE id = $1`, w.subs[ana])
	web := w.app("web")
	got := web.granted(w.newBrowser().signIn(ana), "scope", "openid profile email")
	var info map[string]any
	w.must(json.Unmarshal([]byte(w.userinfo(got.Access).body), &info))
	for name, value := range map[string]any{"sub": w.subs[ana], "email": ana, "name": "Ana", "scope": nil, "iss": nil, "aud": nil, "exp": nil, "rvs": nil} {
		if info[name] != value {
			t.Errorf("%s is %v", name, info[name])
		}
	}
	for _, token := range []string{got.Access, got.ID} {
		if claims := w.claims(token); claims["sub"] != w.subs[ana] || claims["iss"] != plainIssuer || claims["scope"] == "admin" {
			t.Errorf("a token says %v", claims)
		}
	}
}

// OpenID Connect Core §5.3.
func TestK4_UserinfoNeedsOpenIDAndTellsWhatTheScopeCovers(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	b := w.newBrowser().signIn(ana)
	web := w.app("web")
	for scope, want := range map[string][]string{
		"openid":               {"sub"},
		"openid email":         {"email", "email_verified", "sub"},
		"openid profile email": {"email", "email_verified", "name", "nickname", "sub", "updated_at"},
	} {
		got := web.granted(b, "scope", scope)
		var info map[string]any
		a := w.userinfo(got.Access)
		w.must(json.Unmarshal([]byte(a.body), &info))
		names := make([]string, 0, len(info))
		for name := range info {
			names = append(names, name)
		}
		if slices.Sort(names); !slices.Equal(names, want) {
			t.Errorf("%s: userinfo has %v", scope, names)
		}
		if info["sub"] != w.claims(got.ID)["sub"] || a.Header.Get("Cache-Control") != "no-store" {
			t.Errorf("%s: sub %v, %q", scope, info["sub"], a.Header.Get("Cache-Control"))
		}
	}
	a := w.userinfo(web.granted(b, "scope", "email").Access)
	w.refuses(a, http.StatusForbidden, "insufficient_scope")
	if !strings.Contains(a.Header.Get("Www-Authenticate"), `scope="openid"`) {
		t.Errorf("it does not say what would do: %q", a.Header.Get("Www-Authenticate"))
	}
}

// OpenID Connect Core §5.5.1.1, RFC 8176: what is asked for is not what was done.
func TestK5_ACRAndAMRSayWhatWasDone(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	b := w.newBrowser().signIn(ana)
	for _, asked := range []string{"", "aal2", "aal3 phr", "urn:mace:incommon:iap:silver"} {
		claims := w.claims(w.app("web").granted(b, "acr_values", asked).ID)
		amr, _ := claims["amr"].([]any)
		if claims["acr"] != "aal1" || !slices.Equal(amr, []any{"pwd"}) {
			t.Errorf("asked for %q a password gives %v %v", asked, claims["acr"], claims["amr"])
		}
	}
	// What is essential and cannot be is an error, before anybody signs in and after.
	for _, by := range []*browser{b, w.newBrowser()} {
		for _, prompt := range []string{"", "none", "login"} {
			for _, claims := range []string{`{"id_token":{"acr":{"essential":true,"value":"aal2"}}}`, `{"id_token":{"acr":{"essential":true,"values":["aal3","phr"]}}}`} {
				a := by.query(oauth.PathAuthorize, with(ask("web"), "claims", claims, "prompt", prompt))
				w.sendsBack(a, "https://app.example/cb", "unmet_authentication_requirements")
			}
		}
	}
	claims := w.claims(w.app("web").granted(b, "claims", `{"id_token":{"acr":{"essential":true,"values":["aal2","aal1"]}}}`).ID)
	if claims["acr"] != "aal1" {
		t.Errorf("an essential acr that was met is %v", claims["acr"])
	}
	// A session without any proof left says nothing of how it came to be.
	w.exec(`UPDATE sessions SET proofs = '[]'`)
	if claims := w.claims(w.app("web").granted(b).ID); claims["acr"] != nil && claims["acr"] != "" {
		t.Errorf("without a proof acr is %v", claims["acr"])
	}
}

// OpenID Connect Core §5.5.1: a value that is asked for is no error if it is another, and no claim of the server's because of that.
func TestK3_AValueThatIsAskedForIsNeverMadeUp(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	b := w.newBrowser().signIn(ana)
	const asked = `{"email":{"essential":true,"value":"` + canary + `@example.com"},"name":{"values":["` + canary + `"]},"email_verified":{"value":"` + canary + `"},"nickname":{"essential":true,"value":"` + canary + `"}}`
	const named = `{"email":null,"name":null,"email_verified":null,"nickname":null}`
	plain := w.app("web").granted(b, "scope", "openid", "claims", `{"userinfo":`+named+`,"id_token":`+named+`}`)
	got := w.app("web").granted(b, "scope", "openid", "claims", `{"userinfo":`+asked+`,"id_token":`+asked+`}`)
	want, said := w.claims(plain.ID), w.claims(got.ID)
	for _, name := range []string{"email", "name", "email_verified", "nickname"} {
		if said[name] != want[name] {
			t.Errorf("%s is %v, and with a value %v", name, want[name], said[name])
		}
	}
	if with, without := w.userinfo(got.Access).body, w.userinfo(plain.Access).body; with != without || !strings.Contains(without, ana) {
		t.Errorf("userinfo says %s, and with values %s", without, with)
	}
}

// OpenID Connect Core §5.5: told where it was asked for, and nowhere else; seed S1's list holds here too.
func TestK3_ClaimsAskedForByNameAreThoseThatTheClientMayHave(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	b := w.newBrowser().signIn(ana)
	const claims = `{"userinfo":{"nickname":{"essential":true},"phone_number":null,"sub":null,"iss":{"value":"evil"}},"id_token":{"email":null,"email_verified":null,"address":null}}`
	got := w.app("web").granted(b, "scope", "openid", "claims", claims)
	id := w.claims(got.ID)
	if id["email"] != ana || id["email_verified"] != true || id["name"] != nil || id["nickname"] != nil || id["phone_number"] != nil || id["address"] != nil || id["iss"] != plainIssuer {
		t.Errorf("the ID token says %v", id)
	}
	var info map[string]any
	w.must(json.Unmarshal([]byte(w.userinfo(got.Access).body), &info))
	if len(info) != 2 || info["nickname"] != "nana" || info["sub"] != w.subs[ana] {
		t.Errorf("userinfo says %v", info)
	}
	if access := w.claims(got.Access); access["email"] != nil || access["nickname"] != nil {
		t.Errorf("the access token says %v", access)
	}
	renewed := w.claims(w.app("web").tokens(w.app("web").refresh(got.Refresh)).ID)
	if renewed["email"] != ana || renewed["auth_time"] != id["auth_time"] || renewed["sub"] != id["sub"] || renewed["nonce"] != nil {
		t.Errorf("the renewed ID token says %v", renewed) // §12.2
	}
	// Half of a scope is half of the attributes, and no more by name than by scope.
	half := w.app("half-sighted").granted(b, "scope", "openid", "claims", `{"userinfo":{"email":null,"email_verified":null,"name":null}}`)
	var seen map[string]any
	w.must(json.Unmarshal([]byte(w.userinfo(half.Access).body), &seen))
	if len(seen) != 2 || seen["email"] != ana {
		t.Errorf("userinfo of a client that may read email alone says %v", seen)
	}
	if plain := w.claims(w.app("web").granted(b, "scope", "openid profile email").ID); plain["email"] != nil || plain["name"] != nil {
		t.Errorf("claims that nobody asked for: %v", plain)
	}
}

// OpenID Connect Core §5.5.1: a value of sub is whom the answer must be about.
func TestA6_ASubThatIsAskedForIsTheUserOrAnError(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	b := w.newBrowser().signIn(ana)
	whose := func(sub string) string { return `{"id_token":{"sub":{"value":"` + sub + `"}}}` }
	if a := b.query(oauth.PathAuthorize, with(ask("web"), "claims", whose(w.subs[ana]), "prompt", "none")); a.param("code") == "" {
		t.Errorf("their own sub: %q", a.Header.Get("Location"))
	}
	for _, sub := range []string{w.subs[bob], canary} {
		w.sendsBack(b.query(oauth.PathAuthorize, with(ask("web"), "claims", whose(sub), "prompt", "none")), "https://app.example/cb", "login_required")
	}
	id := b.query(oauth.PathAuthorize, with(ask("web"), "claims", whose(w.subs[bob]))).param(pages.FieldInteraction)
	w.sendsBack(b.post(pages.PathLogin, b.loginForm(id, ana, password)), "https://app.example/cb", "login_required")
}

// What is no claims request is refused whole, and none of it comes back.
func TestA3_AMalformedClaimsParameterIsRefused(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	b := w.newBrowser().signIn(ana)
	for _, claims := range []string{
		canary, `"` + canary, "[]", "null", `{"userinfo":"` + canary + `"}`, `{"id_token":{"sub":"` + canary + `"}}`, `{"userinfo":{},"userinfo":{}}`,
		`{"id_token":{"acr":{"essential":"` + canary + `"}}}`, `{} ` + canary, strings.Repeat("{", 2000),
	} {
		w.sendsBack(b.query(oauth.PathAuthorize, with(ask("web"), "claims", claims)), "https://app.example/cb", "invalid_request")
	}
}

// OpenID Connect Core §5.3.2: signed by the algorithm that the client registered, for it alone; an ID token likewise.
func TestK4_AClientsAlgorithmSignsItsIDTokensAndUserinfo(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	b := w.newBrowser().signIn(ana)
	for _, alg := range []string{"RS256", "ES256", "PS256", "Ed25519"} {
		client, err := w.engine.ClientByID(t.Context(), "web")
		w.must(err)
		settings := client.Settings
		settings.IDTokenSigningAlg, settings.UserinfoSigningAlg = alg, alg
		_, err = w.engine.UpdateClient(t.Context(), "web", engine.ClientForm{Name: client.Name, Settings: settings}, client.Version)
		w.must(err)
		got := w.app("web").granted(b, "scope", "openid email")
		a := w.userinfo(got.Access)
		if a.StatusCode != http.StatusOK || a.Header.Get("Content-Type") != "application/jwt" || a.Header.Get("Cache-Control") != "no-store" {
			t.Fatalf("%s: userinfo answers %d, %q", alg, a.StatusCode, a.Header.Get("Content-Type"))
		}
		if w.part(got.ID, 0)["alg"] != alg || w.part(a.body, 0)["alg"] != alg || w.part(a.body, 0)["kid"] == nil {
			t.Errorf("%s: signed by %v and %v", alg, w.part(got.ID, 0), w.part(a.body, 0))
		}
		told := w.claims(a.body)
		if told["iss"] != plainIssuer || told["aud"] != "web" || told["sub"] != w.claims(got.ID)["sub"] || told["email"] != ana {
			t.Errorf("%s: userinfo says %v", alg, told)
		}
		// What is signed for showing is no hint and no credential.
		w.sendsBack(b.query(oauth.PathAuthorize, with(ask("web"), "id_token_hint", a.body)), "https://app.example/cb", "invalid_request")
		w.refuses(w.userinfo(a.body), http.StatusUnauthorized, "invalid_token")
		if hint := b.query(oauth.PathAuthorize, with(ask("web"), "id_token_hint", got.ID, "prompt", "none")); hint.param("code") == "" {
			t.Errorf("%s: the ID token is no hint: %q", alg, hint.Header.Get("Location"))
		}
		w.refuses(w.userinfo(got.ID), http.StatusUnauthorized, "invalid_token")
	}
}
