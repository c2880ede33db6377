package certification

import (
	"encoding/json"
	"net/http"
	"slices"
	"strings"
	"testing"
)

// byItself is a client that registers itself with a secret.
var byItself = plan{method: "client_secret_basic"}

// default_max_age counts where a request says nothing, and max_age goes before it.
func TestRegistration_2_DefaultMaxAgeStandsInForTheParameter(t *testing.T) {
	t.Parallel()
	r := newParty(t, start(t), byItself, "default_max_age", 1, "require_auth_time", true, "default_acr_values", []string{"of another world"})
	first := r.signIn()
	if first.claims["auth_time"] == nil || first.claims["acr"] != "aal1" { // the wish of default_acr_values is voluntary
		t.Errorf("the ID token says %v", first.claims)
	}
	r.pass(aMoment)
	second := r.signIn()
	r.anotherSignIn(first, second)
	r.pass(aMoment)
	r.sameSignIn(second, r.signIn("max_age", "10000"))
}

// native redirect URIs: RFC 8252 §7 has an authorization server offer all three kinds, the claimed https
// one too, which Registration §2 had left out; the answer says which application_type is registered.
func TestRegistration_2_ANativeClientMayUseTheThreeKindsOfRFC8252(t *testing.T) {
	t.Parallel()
	s := start(t)
	for _, c := range []struct {
		uris []string
		said any
		want string
	}{
		{[]string{"com.example.app:/cb"}, "native", "native"},
		{[]string{"http://127.0.0.1/cb", "http://[::1]/cb", "http://localhost/cb"}, "native", "native"},
		{[]string{"https://app.example/cb"}, "native", "native"},
		{[]string{"https://app.example/cb"}, nil, "web"},
		{[]string{"https://app.example/cb", "http://localhost:8080/cb"}, nil, "web"},
		{[]string{"http://127.0.0.1/cb"}, nil, "native"}, // RFC 7591 §3.2.1: what was not said is the server's to fill in
	} {
		r := newSite(t, s, byItself).registered("redirect_uris", c.uris, "application_type", c.said)
		if r.client["application_type"] != c.want {
			t.Errorf("%v said to be %v is %v", c.uris, c.said, r.client["application_type"])
		}
	}
	for _, uri := range []string{"http://app.example/cb", "app:/cb", "http://127.0.0.2/cb", "http://localhost.example/cb"} {
		newSite(t, s, byItself).mayNotRegister("invalid_redirect_uri", "redirect_uris", []string{uri}, "application_type", "native")
	}
}

// The answer is 201, everything that is registered, kept by nobody; two registrations share nothing.
func TestRFC7591_3_2_1_TheAnswerSaysAllThatIsRegistered(t *testing.T) {
	t.Parallel()
	r := newSite(t, start(t), byItself)
	body, err := json.Marshal(r.metadata("client_name#pt", "Conjunto", "x_unknown", "left out"))
	if err != nil {
		t.Fatal(err)
	}
	answer, err := r.s.transport.RoundTrip(r.request(http.MethodPost, r.endpoint("registration_endpoint"), "application/json", "", body))
	if err != nil {
		t.Fatal(err)
	}
	defer answer.Body.Close()
	var told map[string]any
	if err := json.NewDecoder(answer.Body).Decode(&told); err != nil || answer.StatusCode != http.StatusCreated {
		t.Fatalf("%d %v", answer.StatusCode, err)
	}
	if h := answer.Header; h.Get("Cache-Control") != "no-store" || h.Get("Pragma") != "no-cache" || !strings.HasPrefix(h.Get("Content-Type"), "application/json") {
		t.Errorf("the headers are %v", h)
	}
	for name, value := range map[string]any{
		"client_name": "Suite", "client_name#pt": "Conjunto", "token_endpoint_auth_method": "client_secret_basic", "application_type": "web",
		"id_token_signed_response_alg": "RS256", "subject_type": "public", "client_secret_expires_at": 0.0, "x_unknown": nil,
	} {
		if told[name] != value {
			t.Errorf("%s is %v, not %v", name, told[name], value)
		}
	}
	for _, name := range []string{"client_id", "client_secret", "client_id_issued_at", "registration_client_uri", "registration_access_token", "redirect_uris", "grant_types", "response_types", "scope", "jwks", "contacts"} {
		if told[name] == nil {
			t.Errorf("there is no %s", name)
		}
	}
	r.registered()
	for _, name := range []string{"client_id", "client_secret", "registration_access_token", "registration_client_uri"} {
		if r.client[name] == told[name] {
			t.Errorf("two clients share %s", name)
		}
	}
}

// What the metadata say of a client is what is done with it: RFC 7591 §2 has unknown fields ignored, and
// nothing that is known may be.
func TestRFC7591_2_1_GrantsAndResponsesAgree(t *testing.T) {
	t.Parallel()
	s := start(t)
	for _, c := range []struct{ grants, responses []string }{
		{[]string{"refresh_token"}, []string{"code"}},
		{[]string{"implicit"}, []string{"code"}},
		{[]string{"authorization_code"}, []string{"token"}},
		{[]string{"authorization_code"}, []string{"none"}},
		{[]string{"authorization_code", "implicit"}, []string{"code", "id_token"}},
	} {
		newSite(t, s, byItself).mayNotRegister("invalid_client_metadata", "grant_types", c.grants, "response_types", c.responses)
	}
}

// A client reads, replaces and deletes its registration; each answer has the token and where to use it.
func TestRFC7592_2_AClientManagesItsRegistration(t *testing.T) {
	t.Parallel()
	r := newParty(t, start(t), byItself)
	token, _ := r.client["registration_access_token"].(string)
	address, _ := r.client["registration_client_uri"].(string)
	same := func(what string, status int, told map[string]any) {
		t.Helper()
		if status != http.StatusOK || told["registration_access_token"] != token || told["registration_client_uri"] != address || told["client_id"] != r.id() { // §3
			t.Errorf("%s is answered %d %v", what, status, told)
		}
	}
	status, told := r.json(r.request(http.MethodGet, address, "", token, nil)) // §2.1
	same("reading", status, told)
	update := func(more ...any) []byte {
		said := r.metadata(more...)
		said["client_id"] = r.id()
		for name, value := range said {
			if value == "" {
				delete(said, name)
			}
		}
		body, err := json.Marshal(said)
		if err != nil {
			t.Fatal(err)
		}
		return body
	}
	status, told = r.json(r.request(http.MethodPut, address, "application/json", token, update("client_name", "Another", "policy_uri", "https://rp.example/policy"))) // §2.2
	if same("an update", status, told); told["client_name"] != "Another" || told["policy_uri"] == nil {
		t.Errorf("it says %v", told)
	}
	status, told = r.json(r.request(http.MethodPut, address, "application/json", token, update("client_name", nil, "policy_uri", nil)))
	if same("one that leaves out", status, told); told["client_name"] != "rp.example" || told["policy_uri"] != nil { // §2.2: what is left out is gone
		t.Errorf("it says %v", told)
	}
	for _, name := range []string{"registration_access_token", "registration_client_uri", "client_secret_expires_at", "client_id_issued_at"} {
		if status, told = r.json(r.request(http.MethodPut, address, "application/json", token, update(name, "x"))); status != http.StatusBadRequest || told["error"] != "invalid_client_metadata" {
			t.Errorf("%s in an update is answered %d %v", name, status, told)
		}
	}
	r.manageErrors(address, token)
	if status, _, body := r.send(r.request(http.MethodDelete, address, "", token, nil)); status != http.StatusNoContent || len(body) != 0 { // §2.3
		t.Errorf("deleting is answered %d %s", status, body)
	}
	if status, told = r.json(r.request(http.MethodGet, address, "", token, nil)); status != http.StatusUnauthorized || told["error"] != "invalid_token" {
		t.Errorf("what is gone is answered %d %v", status, told)
	}
}

// manageErrors: §2, a bad token and an unknown client are the same 401, never a 404 (Registration §4.4);
// §2.2 and §2.3, a method that is not there is 405.
func (r *party) manageErrors(address, token string) {
	r.t.Helper()
	for name, c := range map[string]struct {
		method, address, token string
		status                 int
	}{
		"no token":         {http.MethodGet, address, "", http.StatusUnauthorized},
		"another token":    {http.MethodGet, address, "mct_" + strings.Repeat("x", 43), http.StatusUnauthorized},
		"an unknown place": {http.MethodGet, address + "x", token, http.StatusUnauthorized},
		"another method":   {http.MethodPatch, address, token, http.StatusMethodNotAllowed},
		"a post":           {http.MethodPost, address, token, http.StatusMethodNotAllowed},
	} {
		answer, err := r.s.transport.RoundTrip(r.request(c.method, c.address, "application/json", c.token, []byte("{}")))
		if err != nil {
			r.t.Fatal(err)
		}
		_ = answer.Body.Close() // status and headers say it all
		if answer.StatusCode != c.status || c.status == http.StatusUnauthorized && !strings.HasPrefix(answer.Header.Get("WWW-Authenticate"), "Bearer ") ||
			c.status == http.StatusMethodNotAllowed && !slices.Equal(strings.Split(answer.Header.Get("Allow"), ", "), []string{"GET", "HEAD", "PUT", "DELETE", "OPTIONS"}) {
			r.t.Errorf("%s is answered %d %v", name, answer.StatusCode, answer.Header)
		}
	}
}

// A logo or a link of another host than codes go to is registered and not shown: nobody passes for another by it.
func TestRFC7591_5_ALogoOfAnotherHostIsNotShown(t *testing.T) {
	t.Parallel()
	s := start(t)
	for _, field := range []string{"logo_uri", "policy_uri", "tos_uri", "client_uri", "logo_uri#en", "policy_uri#en-GB"} {
		for address, want := range map[string]bool{"https://rp.example/its-own": true, "https://bank.example/its": false, "https://rp.example.evil.example/its": false} {
			r := newSite(t, s, byItself).registered(field, address)
			page := r.Get(r.endpoint("authorization_endpoint") + "?" + r.ask().Encode())
			if shown := strings.Contains(page.Text, `="`+address+`"`); !page.Has("login-submit") || shown != want || r.client[field] != address {
				t.Errorf("%s %s is shown: %v; registered: %v", field, address, shown, r.client[field])
			}
		}
	}
}
