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
	if a := b.get("/.well-known/openid-configuration"); !strings.Contains(a.body, `"claims_parameter_supported":false`) {
		t.Error("an essential acr can be asked for, and would have to be refused")
	}
	// A session without any proof left says nothing of how it came to be.
	w.exec(`UPDATE sessions SET proofs = '[]'`)
	if claims := w.claims(w.app("web").granted(b).ID); claims["acr"] != nil && claims["acr"] != "" {
		t.Errorf("without a proof acr is %v", claims["acr"])
	}
}
