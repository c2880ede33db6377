package verify

import (
	"context"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/mintmark-id/mintmark/internal/jose"
	"github.com/mintmark-id/mintmark/internal/revocation"
)

// RFC 9068 §4, RFC 7519 §4.1, RFC 8725 §3; tokens.md part 3 for rvs.
func TestATokenIsGoodOnlyIfEverythingAboutItIs(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		i := newIssuer(t)
		v := i.verifier(t)
		time.Sleep(time.Second)
		now := time.Now().Unix()
		stranger, _ := jose.Generate(jose.ES256)
		good := i.token(nil)
		for _, c := range []struct{ name, token, want string }{
			{"good", good, ""},
			{"application/at+jwt (RFC 9068 §4)", i.sign("application/at+JWT", nil), ""},
			{"one audience of several", i.token(map[string]any{"aud": []string{"x", testAudience}}), ""},
			{"without user, session and grant", i.token(map[string]any{"sid": nil, "gid": nil, "acr": nil, "amr": nil, "auth_time": nil, "scope": nil}), ""},
			{"expired within the leeway", i.token(map[string]any{"exp": now - 29}), ""},
			{"from a clock that is ahead within the leeway", i.token(map[string]any{"nbf": now + 29}), ""},
			{"nothing", "", "malformed"},
			{"no JWS", "xyz", "malformed"},
			{"an opaque access token", "mat_xyz", "opaque"},
			{"an ID token", i.sign("JWT", nil), "wrong_type"},
			{"without a type", i.sign("", nil), "wrong_type"},
			{"expired", i.token(map[string]any{"exp": now - 30}), "expired"},
			{"not yet valid", i.token(map[string]any{"nbf": now + 31}), "not_yet_valid"},
			{"of another issuer", i.token(map[string]any{"iss": "https://example.com"}), "wrong_issuer"},
			{"of an issuer that looks alike", i.token(map[string]any{"iss": testIssuer + "/"}), "wrong_issuer"},
			{"for another API", i.token(map[string]any{"aud": "https://other.example.com"}), "wrong_audience"},
			{"for an API that looks alike", i.token(map[string]any{"aud": testAudience + "/"}), "wrong_audience"},
			{"without rvs", i.token(map[string]any{"rvs": nil}), "not_revocable"},
			{"rvs is no integer", i.token(map[string]any{"rvs": 1.5}), "not_revocable"},
			{"rvs beyond what every reader can read", i.token(map[string]any{"rvs": int64(1) << 53}), "not_revocable"},
			{"rvs below zero", i.token(map[string]any{"rvs": -1}), "not_revocable"},
			{"bound to a key", i.token(map[string]any{"cnf": map[string]string{"jkt": "x"}}), "bound"},
			{"without sub", i.token(map[string]any{"sub": nil}), "malformed"},
			{"without client_id", i.token(map[string]any{"client_id": nil}), "malformed"},
			{"without jti", i.token(map[string]any{"jti": nil}), "malformed"},
			{"without aud", i.token(map[string]any{"aud": nil}), "malformed"},
			{"without exp", i.token(map[string]any{"exp": nil}), "malformed"},
			{"sid of a wrong type, which would escape its revocation", i.token(map[string]any{"sid": 7}), "malformed"},
			{"empty gid", i.token(map[string]any{"gid": ""}), "malformed"},
			{"a stranger's key", (&issuer{url: testIssuer, tokenKey: stranger}).token(nil), "wrong_signature"},
			{"signed by the key of heads", (&issuer{url: testIssuer, tokenKey: i.headKey}).token(nil), "wrong_signature"},
			{"another's payload under a seen signature", swapPayload(good, i.token(map[string]any{"sub": "ben"})), "wrong_signature"},
			{"cut short", good[:len(good)-6], "wrong_signature"},
			{"alg none", "eyJhbGciOiJub25lIiwidHlwIjoiYXQrand0Iiwia2lkIjoieCJ9.e30.AA", "wrong_signature"},
			{"without kid, which would escape the revocation of its key", withoutKid(good), "wrong_signature"},
		} {
			for range 2 { // the second time, if ever, from memory
				if got := reason(v, c.token); got != c.want {
					t.Errorf("%s: %q, want %q", c.name, got, c.want)
				}
			}
		}
	})
}

// swapPayload puts the payload of one token under the header and signature of another.
func swapPayload(token, from string) string {
	a, b := strings.Split(token, "."), strings.Split(from, ".")
	return a[0] + "." + b[1] + "." + a[2]
}

func withoutKid(token string) string {
	parts := strings.Split(token, ".")
	return "eyJhbGciOiJFUzI1NiIsInR5cCI6ImF0K2p3dCJ9." + parts[1] + "." + parts[2]
}

func TestARememberedTokenStillExpires(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		i := newIssuer(t)
		v := i.verifier(t, WithLeeway(0))
		token := i.token(map[string]any{"exp": time.Now().Unix() + 10})
		if got := reason(v, token); got != "" {
			t.Fatal(got)
		}
		time.Sleep(9999 * time.Millisecond)
		if got := reason(v, token); got != "" {
			t.Errorf("a millisecond before: %q", got)
		}
		time.Sleep(time.Millisecond)
		if got := reason(v, token); got != "expired" {
			t.Errorf("at exp: %q", got)
		}
	})
}

func TestSettingsThatCannotWorkAreRefusedAtOnce(t *testing.T) {
	client := WithClient("orders", "secret")
	for want, make := range map[string]func() (*Verifier, error){
		"no client":       func() (*Verifier, error) { return New(t.Context(), testIssuer, testAudience) },
		"no audience":     func() (*Verifier, error) { return New(t.Context(), testIssuer, "", client) },
		"https":           func() (*Verifier, error) { return New(t.Context(), "http://id.example.com", testAudience, client) },
		"without a slash": func() (*Verifier, error) { return New(t.Context(), testIssuer+"/", testAudience, client) },
		"leeway": func() (*Verifier, error) {
			return New(t.Context(), testIssuer, testAudience, client, WithLeeway(time.Hour))
		},
		`algorithm "none"`: func() (*Verifier, error) {
			return New(t.Context(), testIssuer, testAudience, client, WithAlgorithms("none"))
		},
		"no algorithms": func() (*Verifier, error) { return New(t.Context(), testIssuer, testAudience, client, WithAlgorithms()) },
	} {
		if _, err := make(); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v", want, err)
		}
	}
}

// Keys: fetched once for many tokens, again for an unknown kid, not for each of a flood of them.
func TestAnUnknownKeyIsLookedUpOnceForAll(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		i := newIssuer(t)
		v := i.verifier(t)
		if got := reason(v, i.token(nil)); got != "" {
			t.Fatal(got)
		}
		fetched := i.count(pathKeys)
		next, _ := jose.Generate(jose.ES256)
		i.set(func(i *issuer) { i.tokenKey = next })
		if got := reason(v, i.token(nil)); got != "" || i.count(pathKeys) != fetched+1 {
			t.Errorf("a token of the next key: %q after %d fetches", got, i.count(pathKeys)-fetched)
		}
		stranger, _ := jose.Generate(jose.ES256)
		rubbish := (&issuer{url: testIssuer, tokenKey: stranger}).token(nil)
		done := make(chan string)
		for range 100 {
			go func() { done <- reason(v, rubbish) }()
		}
		for range 100 {
			if got := <-done; got != "wrong_signature" {
				t.Errorf("rubbish: %q", got)
			}
		}
		if got := i.count(pathKeys); got > fetched+2 {
			t.Errorf("a hundred tokens of an unknown key made %d fetches", got-fetched-1)
		}
		i.set(func(i *issuer) { i.frozen = true })
		other, _ := jose.Generate(jose.RS256)
		if got := reason(v, (&issuer{url: testIssuer, tokenKey: other}).token(nil)); got != "unavailable" {
			t.Errorf("an unknown key while the issuer is away: %q", got)
		}
		i.set(func(i *issuer) { i.frozen = false })
	})
}

// RFC 6750 §3 and §3.1; RFC 9470 §3.
func TestRefusalsAreWordedAsTheStandardsAsk(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		i := newIssuer(t)
		v := i.verifier(t)
		good := i.token(nil)
		h := v.Middleware(ok())
		two := httptest.NewRecorder()
		r := httptest.NewRequest("GET", "/", nil)
		r.Header["Authorization"] = []string{"Bearer " + good, "Bearer " + good}
		h.ServeHTTP(two, r)
		basic := httptest.NewRecorder()
		r = httptest.NewRequest("GET", "/", nil)
		r.SetBasicAuth("a", "b")
		h.ServeHTTP(basic, r)
		for _, c := range []struct {
			name      string
			got       *httptest.ResponseRecorder
			status    int
			challenge string
		}{
			{"good", ask(h, "GET", good), 204, ""},
			{"no token: no error", ask(h, "GET", ""), 401, "Bearer"},
			{"another scheme: no error", basic, 401, "Bearer"},
			{"two tokens", two, 400, `Bearer error="invalid_request", error_description="more than one Authorization header"`},
			{"rubbish is not repeated", ask(h, "GET", `"><script>`), 401, `Bearer error="invalid_token", error_description="the access token is not valid here"`},
			{"expired", ask(h, "GET", i.token(map[string]any{"exp": 1})), 401, `Bearer error="invalid_token", error_description="the access token has expired"`},
			{"scope there, without a middleware before", ask(v.Require("orders:read")(ok()), "GET", good), 204, ""},
			{"scope missing", ask(v.Middleware(v.Require("orders:read", "orders:delete")(ok())), "GET", good), 403, `Bearer error="insufficient_scope", error_description="the access token does not reach this far", scope="orders:read orders:delete"`},
			{"acr there", ask(v.RequireACR("aal1", 2*time.Minute)(ok()), "GET", good), 204, ""},
			{"acr missing", ask(v.RequireACR("aal2 aal3", 0)(ok()), "GET", good), 401, `Bearer error="insufficient_user_authentication", error_description="a different or more recent sign-in is required", acr_values="aal2 aal3"`},
			{"sign-in too old", ask(v.RequireACR("aal1", 20*time.Second)(ok()), "GET", good), 401, `Bearer error="insufficient_user_authentication", error_description="a different or more recent sign-in is required", acr_values="aal1", max_age="20"`},
			{"fresh", ask(v.RequireFresh(5*time.Second)(ok()), "POST", good), 204, ""},
		} {
			if c.got.Code != c.status || c.got.Header().Get("WWW-Authenticate") != c.challenge {
				t.Errorf("%s: %d %q, want %d %q", c.name, c.got.Code, c.got.Header().Get("WWW-Authenticate"), c.status, c.challenge)
			}
			if c.status >= 400 && c.got.Header().Get("Cache-Control") != "no-store" {
				t.Errorf("%s: may be cached", c.name)
			}
		}
		i.revoke(revocation.ForSub("ana"))
		synctest.Wait()
		if w := ask(h, "GET", good); w.Code != 401 || !strings.Contains(w.Body.String(), `"the access token was revoked"`) {
			t.Errorf("revoked: %d %s", w.Code, w.Body)
		}
	})
}

func TestHandlersFindTheClaims(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		i := newIssuer(t)
		v := i.verifier(t)
		var got *Claims
		h := v.Middleware(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) { got, _ = FromContext(r.Context()) }))
		ask(h, "GET", i.token(map[string]any{"team": "blue"}))
		if got == nil || got.Subject != "ana" || got.ClientID != "shop" || got.ID != "j1" || got.SessionID != "s1" || got.GrantID != "g1" ||
			!got.Has("orders:write") || got.Has("orders") || got.ACR != "aal1" || len(got.AMR) != 1 || time.Since(got.AuthTime) < time.Minute {
			t.Fatalf("%+v", got)
		}
		var custom struct{ Team string }
		if err := got.Decode(&custom); err != nil || custom.Team != "blue" {
			t.Errorf("%+v, %v", custom, err)
		}
		if _, ok := FromContext(context.Background()); ok {
			t.Error("claims without a token")
		}
	})
}
