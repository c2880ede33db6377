package security_test

import (
	"maps"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"

	"github.com/mintmark-id/mintmark/internal/oauth"
)

// protocolEndpoints are those that a client calls with a form.
func protocolEndpoints() []string {
	return []string{oauth.PathToken, oauth.PathIntrospect, oauth.PathRevoke}
}

// RFC 6749 §3.2, §5.1, §5.2.
func TestE1_TheTokenEndpointTakesFormsAndAnswersJSONThatNobodyKeeps(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	machine := w.app("machine")
	good := machine.call(oauth.PathToken, url.Values{"grant_type": {"client_credentials"}, "unknown": {"x"}})
	bad := machine.call(oauth.PathToken, url.Values{"grant_type": {canary}})
	for _, a := range []answer{good, bad} {
		for name, value := range map[string]string{
			"Content-Type": "application/json;charset=UTF-8", "Cache-Control": "no-store", "Pragma": "no-cache", "X-Content-Type-Options": "nosniff",
		} {
			if a.Header.Get(name) != value {
				t.Errorf("%d: %s is %q", a.StatusCode, name, a.Header.Get(name))
			}
		}
	}
	if machine.tokens(good).Refresh != "" || machine.tokens(good).ID != "" {
		t.Error("client_credentials gives more than an access token") // RFC 6749 §4.4.3
	}
	for _, path := range protocolEndpoints() {
		for _, method := range []string{http.MethodGet, http.MethodHead, http.MethodPut, http.MethodPatch, http.MethodDelete} {
			a := machine.send(method, path+"?grant_type=client_credentials&client_secret="+canary, "")
			if a.StatusCode != http.StatusMethodNotAllowed || !strings.HasPrefix(a.Header.Get("Allow"), http.MethodPost) {
				t.Errorf("%s %s answers %d", method, path, a.StatusCode)
			}
		}
	}
}

// The "bad input": each in its own way, at each endpoint that takes a form.
func TestE1_OtherContentTypesAreRefused(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	body := "grant_type=client_credentials&token=" + canary
	for _, path := range protocolEndpoints() {
		for _, kind := range []string{
			"application/json", "text/plain", "multipart/form-data; boundary=x", "", "application/x-www-form-urlencoded; charset=utf-7",
			"application/x-www-form-urlencoded; charset=utf-16", "application/x-www-form-urlencoded, text/plain", "application/x-www-form-urlencoded;", "x/" + canary,
		} {
			machine := w.app("machine")
			machine.header.Set("Authorization", basic("machine", w.secrets["machine"]))
			machine.header.Set("Content-Type", kind)
			if kind == "application/x-www-form-urlencoded;" {
				continue // RFC 9110 §5.6.6 lets parameters be empty
			}
			w.refuses(machine.send(http.MethodPost, path, body), http.StatusUnsupportedMediaType, "invalid_request")
		}
		for _, header := range []string{"Content-Encoding: gzip\r\n", "Content-Type: text/plain\r\n"} {
			a := w.raw("POST " + path + " HTTP/1.1\r\nHost: localhost:8484\r\nConnection: close\r\nContent-Type: application/x-www-form-urlencoded\r\n" + header + "Content-Length: 3\r\n\r\na=b")
			w.refusesRaw(a, path, http.StatusUnsupportedMediaType)
		}
	}
}

func (w *world) refusesRaw(a answer, path string, status int) {
	w.t.Helper()
	if a.StatusCode != status {
		w.t.Errorf("%s answers %d %s, not %d", path, a.StatusCode, a.body, status)
	}
}

// RFC 6749 §3.2: "Request and response parameters MUST NOT be included more than once", whichever grant.
func TestE1_RepeatedParametersAreRefusedWithEveryGrant(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	b := w.newBrowser().signIn(ana)
	web, machine := w.app("web"), w.app("machine")
	got := web.granted(b, "scope", "openid api:read")
	code := b.code("web")
	for _, request := range []struct {
		by   *app
		path string
		form url.Values
	}{
		{web, oauth.PathToken, url.Values{"grant_type": {"authorization_code"}, "code": {code}, "redirect_uri": {"https://app.example/cb"}, "code_verifier": {verifier}}},
		{web, oauth.PathToken, url.Values{"grant_type": {"refresh_token"}, "refresh_token": {got.Refresh}, "scope": {"openid"}}},
		{machine, oauth.PathToken, url.Values{"grant_type": {"client_credentials"}, "scope": {"api:read"}}},
		{web, oauth.PathIntrospect, url.Values{"token": {got.Access}, "token_type_hint": {"access_token"}}},
		{web, oauth.PathRevoke, url.Values{"token": {got.Access}, "token_type_hint": {"access_token"}}},
	} {
		for name, values := range request.form {
			for _, second := range []string{canary, values[0]} {
				twice := maps.Clone(request.form)
				twice[name] = []string{values[0], second}
				w.refuses(request.by.call(request.path, twice), http.StatusBadRequest, "invalid_request")
			}
		}
	}
	if web.tokens(web.redeem(code)).Access == "" || !web.active(got.Access) || web.tokens(web.refresh(got.Refresh)).Access == "" {
		t.Error("a refused request changed something")
	}
}

// What is too long or too much is refused before anything is looked up.
func TestE1_OverlongBodiesAndParametersAreRefused(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	b := w.newBrowser().signIn(ana)
	web := w.app("web")
	got := web.granted(b, "scope", "openid")
	long := canary + strings.Repeat("x", 8<<10)
	for _, path := range protocolEndpoints() {
		for name, form := range map[string]url.Values{
			"a long value":    {"grant_type": {"refresh_token"}, "refresh_token": {long}, "token": {long}},
			"a long name":     {"grant_type": {"refresh_token"}, "refresh_token": {got.Refresh}, "token": {got.Access}, canary + strings.Repeat("n", 64): {"x"}},
			"many parameters": many(url.Values{"grant_type": {"refresh_token"}, "refresh_token": {got.Refresh}, "token": {got.Access}}),
		} {
			if a := web.call(path, form); a.StatusCode != http.StatusBadRequest || a.refusal() != "invalid_request" {
				t.Errorf("%s: %s answers %d %s", name, path, a.StatusCode, a.body)
			}
		}
		if a := web.call(path, url.Values{"token": {strings.Repeat("x", 65<<10)}}); a.StatusCode != http.StatusRequestEntityTooLarge {
			t.Errorf("%s: 65 KiB answer %d", path, a.StatusCode)
		}
	}
	if a := b.get(oauth.PathAuthorize + "?" + strings.Repeat("x", 9<<10)); a.StatusCode != http.StatusBadRequest || a.Header.Get("Location") != "" {
		t.Errorf("an address of 9 KiB answers %d", a.StatusCode)
	}
	if !web.active(got.Access) || web.tokens(web.refresh(got.Refresh)).Access == "" {
		t.Error("a refused request changed something")
	}
}

func many(form url.Values) url.Values {
	for i := range 64 {
		form.Set("p"+strings.Repeat("x", i), "1")
	}
	return form
}

// RFC 9700 §2.4.
func TestE2_ThePasswordGrantExistsInNoSpelling(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	for _, kind := range []string{
		"password", "PASSWORD", "Password", "http://auth0.com/oauth/grant-type/password-realm", "urn:ietf:params:oauth:grant-type:jwt-bearer",
		"urn:ietf:params:oauth:grant-type:token-exchange", "urn:ietf:params:oauth:grant-type:device_code", "urn:openid:params:grant-type:ciba",
		"implicit", "client_credentials ", "authorization_code\x00", "refresh_token,client_credentials", canary,
	} {
		a := w.app("web").call(oauth.PathToken, url.Values{"grant_type": {kind}, "username": {ana}, "password": {password}})
		if a.refusal() != "unsupported_grant_type" && !strings.ContainsRune(kind, 0) {
			t.Errorf("%q answers %s", kind, a.body)
		}
		if a.StatusCode != http.StatusBadRequest {
			t.Errorf("%q answers %d", kind, a.StatusCode)
		}
	}
	if a := w.newBrowser().get("/.well-known/openid-configuration"); strings.Contains(a.body, "password") {
		t.Error("the metadata know a password grant")
	}
}

// ASVS 10.4.4: with each grant, also when it was taken away later.
func TestE3_AClientUsesTheGrantsThatItWasGiven(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	b := w.newBrowser().signIn(ana)
	w.refuses(w.app("web").call(oauth.PathToken, url.Values{"grant_type": {"client_credentials"}}), http.StatusBadRequest, "unauthorized_client")
	w.refuses(w.app("machine").call(oauth.PathToken, url.Values{"grant_type": {"authorization_code"}, "code": {"x"}}), http.StatusBadRequest, "unauthorized_client")
	w.refuses(w.app("machine").refresh("mrt_x"), http.StatusBadRequest, "unauthorized_client")
	w.refuses(w.app("spa").call(oauth.PathToken, url.Values{"grant_type": {"client_credentials"}}), http.StatusBadRequest, "unauthorized_client")
	legacy := w.app("legacy")
	if got := legacy.granted(b); got.Refresh != "" {
		t.Error("a client without the grant gets a refresh token")
	}
	w.refuses(legacy.refresh("mrt_x"), http.StatusBadRequest, "unauthorized_client")

	stranger := w.app("stranger")
	got := stranger.granted(b)
	code := b.code("stranger")
	w.exec(`UPDATE clients SET settings = json_set(settings, '$.grant_types', json('["client_credentials"]')) WHERE id = 'stranger'`)
	again := w.reopened()
	stranger = again.app("stranger")
	again.refuses(stranger.refresh(got.Refresh), http.StatusBadRequest, "unauthorized_client")
	again.refuses(stranger.redeem(code), http.StatusBadRequest, "unauthorized_client")
	again.sendsBack(again.newBrowser().query(oauth.PathAuthorize, ask("stranger")), "https://stranger.example/cb", "unauthorized_client")
}

// reopened is a second server on the same database: another node, whose cache has seen nothing yet.
func (w *world) reopened() *world {
	w.t.Helper()
	again := &world{t: w.t, log: w.log, path: w.path, secrets: w.secrets, subs: w.subs}
	again.open(setting{issuer: w.issuer.String()})
	again.listen(w.issuer.IsHTTPS())
	return again
}

// RFC 9700 §4.15.1.
func TestE4_AClientsOwnTokenCannotPassForAUsers(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	b := w.newBrowser().signIn(ana)
	machine := w.app("machine")
	own := w.claims(machine.own("scope", "api:read", "resource", api).Access)
	user := w.claims(w.app("web").granted(b, "scope", "openid api:read", "resource", api).Access)
	if own["sub"] != "machine" || own["client_id"] != "machine" || own["sid"] != nil || own["gid"] != nil || own["auth_time"] != nil || own["acr"] != nil {
		t.Errorf("the client's own token says %v", own)
	}
	if user["sub"] == user["client_id"] || user["gid"] == nil || user["auth_time"] == nil {
		t.Errorf("the user's says %v", user)
	}
	for _, scope := range []string{"openid", "profile", "email", "offline_access", "api:read openid"} {
		w.refuses(machine.call(oauth.PathToken, url.Values{"grant_type": {"client_credentials"}, "scope": {scope}}), http.StatusBadRequest, "invalid_scope")
	}
	w.refuses(w.userinfo(machine.own().Access), http.StatusForbidden, "insufficient_scope")
	w.refuses(w.userinfo(machine.own("resource", api).Access), http.StatusUnauthorized, "invalid_token")
	_, err := w.engine.CreateClient(t.Context(), w.subs[ana], engineForm())
	if err == nil {
		t.Error("a client takes a user's sub for its id")
	}
	if _, err := w.engine.CreateClient(t.Context(), strings.Repeat("a", 21)+"g", engineForm()); err == nil {
		t.Error("a client's id has the form of a sub")
	}
}

// Seeds A9: S1's five errors under exactly S1's conditions, byte for byte.
func TestSeedA9_TheFiveErrorsOfTheTokenEndpoint(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	b := w.newBrowser().signIn(ana)
	web := w.app("web")
	used := b.code("web")
	ended := web.tokens(web.redeem(used))
	web.revoke(ended.Refresh)
	wrongSecret := func() answer {
		c := w.newBrowser()
		c.header.Set("Authorization", basic("web", "mcs_"+canary))
		return c.post(oauth.PathToken, url.Values{"grant_type": {"refresh_token"}, "refresh_token": {ended.Refresh}})
	}
	const (
		missing      = `{"error":"invalid_request","error_description":"A required parameter is missing (`
		malformed    = `{"error":"invalid_request","error_description":"A parameter is malformed (`
		client       = `{"error":"invalid_client","error_description":"Client authentication failed"}`
		grant        = `{"error":"invalid_grant","error_description":"The grant is invalid, expired or revoked, or does not match this request"}`
		unauthorized = `{"error":"unauthorized_client","error_description":"The client is not allowed to use this grant type"}`
		unsupported  = `{"error":"unsupported_grant_type","error_description":"The grant type is not supported"}`
	)
	for name, exchange := range map[string]struct {
		got  answer
		body string
	}{
		"no refresh token":           {web.call(oauth.PathToken, url.Values{"grant_type": {"refresh_token"}}), missing + `refresh_token)"}`},
		"no code":                    {web.call(oauth.PathToken, url.Values{"grant_type": {"authorization_code"}}), missing + `code)"}`},
		"no grant type":              {web.call(oauth.PathToken, url.Values{"code": {"x"}}), missing + `grant_type)"}`},
		"a malformed parameter":      {web.redeem("x", "code_verifier", "short"), malformed + `code_verifier)"}`},
		"a wrong secret":             {wrongSecret(), client},
		"no such client":             {w.newBrowser().post(oauth.PathToken, url.Values{"grant_type": {"client_credentials"}, "client_id": {"nobody"}}), client},
		"a revoked refresh token":    {web.refresh(ended.Refresh), grant},
		"a consumed code":            {web.redeem(used), grant},
		"a code that never was":      {web.redeem("x"), grant},
		"a client without code":      {w.app("machine").call(oauth.PathToken, url.Values{"grant_type": {"authorization_code"}, "code": {"x"}}), unauthorized},
		"a client without refresh":   {w.app("legacy").refresh(ended.Refresh), unauthorized},
		"anything but the three":     {web.call(oauth.PathToken, url.Values{"grant_type": {"password"}}), unsupported},
		"anything, by nobody at all": {w.newBrowser().post(oauth.PathToken, url.Values{"grant_type": {"x"}}), unsupported},
	} {
		status := http.StatusBadRequest
		challenge := ""
		if exchange.body == client {
			status, challenge = http.StatusUnauthorized, `Basic realm="http://localhost:8484"` // RFC 6749 §5.2
		}
		a := exchange.got
		if a.StatusCode != status || a.body != exchange.body || a.Header.Get("Www-Authenticate") != challenge {
			t.Errorf("%s: %d %q %s", name, a.StatusCode, a.Header.Get("Www-Authenticate"), a.body)
		}
		if a.Header.Get("Content-Type") != "application/json;charset=UTF-8" || a.Header.Get("Cache-Control") != "no-store" {
			t.Errorf("%s: %v", name, a.Header)
		}
	}
}

// The order of the contract: what is wrong first is said, so that nobody learns from the second.
func TestE1_ChecksAreMadeInTheOrderOfTheContract(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	anonymous := w.newBrowser()
	forged := url.Values{"grant_type": {"refresh_token"}, "refresh_token": {"mrt_" + canary}, "scope": {"api:write"}, "resource": {other}}
	w.refuses(anonymous.post(oauth.PathToken, with(forged, "client_id", "web")), http.StatusUnauthorized, "invalid_client")
	w.refuses(anonymous.post(oauth.PathToken, with(forged, "client_id", "web", "grant_type", "x")), http.StatusBadRequest, "unsupported_grant_type")
	w.refuses(w.app("machine").call(oauth.PathToken, forged), http.StatusBadRequest, "unauthorized_client")
	w.refuses(w.app("web").call(oauth.PathToken, forged), http.StatusBadRequest, "invalid_grant")
	names := slices.Sorted(maps.Keys(forged))
	for _, name := range names {
		if name == "resource" {
			continue
		}
		w.refuses(anonymous.send(http.MethodPost, oauth.PathToken, forged.Encode()+"&"+name+"=x"), http.StatusBadRequest, "invalid_request")
	}
}
