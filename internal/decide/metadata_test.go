package decide

import (
	"encoding/json"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/mintmark-id/mintmark/internal/oauth"
	"github.com/mintmark-id/mintmark/internal/record"
)

// everything is a registration that says all that is done here.
const everything = `{
	"redirect_uris": ["https://app.example/cb", "https://app.example/other"], "response_types": ["code"],
	"grant_types": ["authorization_code", "refresh_token"], "token_endpoint_auth_method": "client_secret_post",
	"application_type": "web", "scope": "profile openid", "post_logout_redirect_uris": ["https://app.example/bye"],
	"initiate_login_uri": "https://app.example/start", "client_name": "App", "client_uri": "https://app.example/",
	"logo_uri": "https://app.example/logo.png", "policy_uri": "https://app.example/policy", "tos_uri": "https://app.example/terms",
	"contacts": ["ops@app.example"], "software_id": "4NRB1", "software_version": "2.1", "id_token_signed_response_alg": "ES256",
	"client_name#de": "Anwendung", "policy_uri#pt-BR": "https://app.example/politica",
	"subject_type": "pairwise", "sector_identifier_uri": "https://app.example/sector", "userinfo_signed_response_alg": "RS256", "default_max_age": 300, "require_auth_time": true, "default_acr_values": ["aal1"],
	"jwks": ` + everyKeys + `, "jwks_uri": "https://app.example/jwks", "token_endpoint_auth_signing_alg": "PS256",
	"request_uris": ["https://app.example/request"], "request_object_signing_alg": "RS256", "require_signed_request_object": true,
	"tls_client_auth_subject_dn": "CN=App,O=Example", "tls_client_auth_san_dns": "app.example", "tls_client_auth_san_uri": "spiffe://example/app",
	"tls_client_auth_san_ip": "192.0.2.7", "tls_client_auth_san_email": "ops@app.example", "tls_client_certificate_bound_access_tokens": true,
	"backchannel_logout_uri": "https://app.example/logout", "backchannel_logout_session_required": true
}`

const everyKeys = `{"keys":[{"crv":"P-256","kty":"EC","x":"f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU","y":"x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a0"}]}`

func metadataOf(t *testing.T, body string) Metadata {
	t.Helper()
	m, err := ReadMetadata(body, false)
	if err != nil {
		t.Fatalf("%s: %v", body, err)
	}
	return m
}

func TestWhatAClientSaysIsWhatIsRegistered(t *testing.T) {
	age := int64(300)
	want := Metadata{Name: "App", Settings: record.ClientSettings{
		RedirectURIs: []string{"https://app.example/cb", "https://app.example/other"}, PostLogoutRedirectURIs: []string{"https://app.example/bye"},
		GrantTypes: []string{oauth.GrantAuthorizationCode, oauth.GrantRefreshToken}, TokenEndpointAuthMethod: "client_secret_post",
		ApplicationType: "web", Scope: "openid profile", PKCE: record.PKCEOptional, LogoURI: "https://app.example/logo.png",
		ClientURI: "https://app.example/", PolicyURI: "https://app.example/policy", TosURI: "https://app.example/terms",
		InitiateLoginURI: "https://app.example/start", DefaultMaxAge: &age, RequireAuthTime: true, DefaultACRValues: []string{"aal1"},
		JWKS: json.RawMessage(everyKeys), JWKSURI: "https://app.example/jwks", TokenEndpointAuthSigningAlg: "PS256",
		RequestURIs: []string{"https://app.example/request"}, RequestObjectSigningAlg: "RS256", RequireSignedRequestObject: true,
		SubjectType: record.SubjectPairwise, SectorIdentifierURI: "https://app.example/sector", UserinfoSigningAlg: "RS256",
		Contacts: []string{"ops@app.example"}, SoftwareID: "4NRB1", SoftwareVersion: "2.1", IDTokenSigningAlg: "ES256",
		BackchannelLogoutURI: "https://app.example/logout", BackchannelLogoutSessionRequired: true,
		TLSSubjectDN: "CN=App,O=Example", TLSDNS: "app.example", TLSURI: "spiffe://example/app", TLSIP: "192.0.2.7", TLSEmail: "ops@app.example", CertificateBound: true,
		Localized: map[string]string{"client_name#de": "Anwendung", "policy_uri#pt-BR": "https://app.example/politica"},
	}}
	if diff := cmp.Diff(want, metadataOf(t, everything)); diff != "" {
		t.Error(diff)
	}
}

// RFC 7591 §3.2.1: the answer "contains all registered metadata about this client".
func TestEveryFieldThatIsDoneComesBack(t *testing.T) {
	m := metadataOf(t, everything)
	client := &record.Client{ID: "id", Name: m.Name, Settings: m.Settings, MadeAt: 5000, Registration: &record.Registration{ClientID: "id", TokenHash: []byte{1}}}
	told := members(t, ClientInformation(Registered{Client: client, Secret: "s", Token: "t"}, tokenEnv().Policy.Issuer))
	sent := members(t, []byte(everything))
	sent["scope"] = "openid profile" // in order
	for name, value := range sent {
		if diff := cmp.Diff(value, told[name]); diff != "" {
			t.Errorf("%s: %s", name, diff)
		}
	}
	for name, want := range map[string]any{
		"client_id": "id", "client_id_issued_at": 5.0, "client_secret": "s", "client_secret_expires_at": 0.0, "registration_access_token": "t",
		"registration_client_uri": tokenIssuer + "/oauth2/register/id",
	} {
		if diff := cmp.Diff(want, told[name]); diff != "" {
			t.Errorf("%s: %s", name, diff)
		}
	}
	for _, field := range MetadataFields() {
		if _, said := sent[field.Name]; field.show != nil && !said {
			t.Errorf("%s is done here, and no test says it", field.Name)
		}
	}
}

func members(t *testing.T, object []byte) map[string]any {
	t.Helper()
	var got map[string]any
	if err := json.Unmarshal(object, &got); err != nil {
		t.Fatalf("%s: %v", object, err)
	}
	return got
}

// OpenID Connect Dynamic Client Registration §2, RFC 7591 §2.
func TestWhatIsLeftOutHasItsDefault(t *testing.T) {
	m := metadataOf(t, `{"redirect_uris":["https://app.example:8443/cb?x"],"client_name":null}`)
	s := m.Settings
	if m.Name != "app.example:8443" || s.TokenEndpointAuthMethod != "client_secret_basic" || s.IDTokenSigningAlg != "RS256" ||
		!slices.Equal(s.GrantTypes, []string{"authorization_code"}) || s.Scope != oauth.StandardScopes().String() || s.PKCE != record.PKCEOptional {
		t.Errorf("%+v", m)
	}
	public := metadataOf(t, `{"redirect_uris":["com.example.app:/cb"],"token_endpoint_auth_method":"none"}`)
	if public.Settings.PKCE != record.PKCERequired || public.Name != "com.example.app" {
		t.Errorf("a public client: %+v", public)
	}
}

// Every field of the table that is refused is refused by its name, and what is done
// is refused in another form.
func TestNoFieldIsIgnoredInSilence(t *testing.T) {
	for _, field := range MetadataFields() {
		for _, value := range []string{`"x"`, `["x"]`, `true`, `{}`, `7`} {
			_, err := ReadMetadata(`{"redirect_uris":["https://app.example/cb"],"`+field.Name+`":`+value+`}`, false)
			if field.Refused && (err == nil || err.Param != field.Name) {
				t.Errorf("%s: %s is answered with %v", field.Name, value, err)
			}
		}
		_, err := ReadMetadata(`{"`+field.Name+`":{"x":1}}`, false)
		if err == nil || err.Param != field.Name || !strings.Contains(err.Description, field.Name) && err.Reason != oauth.ReasonRegistrationStatement {
			t.Errorf("an object as %s is answered with %v", field.Name, err)
		}
		_, err = ReadMetadata(`{"`+field.Name+`#de":"x"}`, false)
		if localizable := slices.Contains(Localizable(), field.Name); localizable != (err == nil) || err != nil && err.Param != field.Name {
			t.Errorf("%s in a language is answered with %v", field.Name, err)
		}
		if _, err := ReadMetadata(`{"`+field.Name+`":null}`, false); err != nil {
			t.Errorf("%s: null is answered with %v", field.Name, err)
		}
		if field.Spec == "" || field.Rule == "" {
			t.Errorf("%s says not what it is", field.Name)
		}
	}
}

// RFC 7591 §2: "The authorization server MUST ignore any client metadata sent by the
// client that it does not understand".
func TestAFieldThatNoSpecificationKnowsIsLeftOut(t *testing.T) {
	m, err := ReadMetadata(`{"redirect_uris":["https://app.example/cb"],"first_party":true,"resources":["https://api.example"],"x":{"y":[1]}}`, false)
	if err != nil || m.Settings.FirstParty || m.Settings.Resources != nil {
		t.Errorf("%+v, %v", m, err)
	}
}

func TestSwitchesThatNothingIsBehindMayBeOff(t *testing.T) {
	for _, name := range []string{"dpop_bound_access_tokens", "require_pushed_authorization_requests"} {
		if _, err := ReadMetadata(`{"`+name+`":false}`, false); err != nil {
			t.Errorf("%s off: %v", name, err)
		}
		if _, err := ReadMetadata(`{"`+name+`":true}`, false); err == nil || err.Code != oauth.InvalidClientMetadata {
			t.Errorf("%s on: %v", name, err)
		}
	}
}

func TestABodyThatIsNoMetadataIsRefused(t *testing.T) {
	for body, want := range map[string]oauth.Reason{
		``: oauth.ReasonRegistrationMalformed, `[]`: oauth.ReasonRegistrationMalformed, `"x"`: oauth.ReasonRegistrationMalformed,
		`{"redirect_uris":["a"],"redirect_uris":["b"]}`: oauth.ReasonRegistrationMalformed,
		`{} {}`:                      oauth.ReasonRegistrationMalformed,
		"{\"client_name\":\"\xff\"}": oauth.ReasonRegistrationMalformed,
		`{"client_name":"` + strings.Repeat("x", maxMetadata) + `"}`: oauth.ReasonBodyTooLarge,
		`{"client_id":"mine"}`:              oauth.ReasonRegistrationField,
		`{"software_statement":"x"}`:        oauth.ReasonRegistrationStatement,
		`{"response_types":["token"]}`:      oauth.ReasonRegistrationField,
		`{"response_types":[]}`:             oauth.ReasonRegistrationField,
		`{"subject_type":"both"}`:           oauth.ReasonRegistrationField,
		`{"default_max_age":-1}`:            oauth.ReasonRegistrationField,
		`{"default_max_age":1.5}`:           oauth.ReasonRegistrationField,
		`{"scope":"a  b"}`:                  oauth.ReasonRegistrationField,
		`{"redirect_uris":"https://a.b/c"}`: oauth.ReasonRegistrationField,
		`{"client_name":""}`:                oauth.ReasonRegistrationField,
	} {
		if _, err := ReadMetadata(body, false); err == nil || err.Reason != want {
			t.Errorf("%.60s is answered with %v, not %s", body, err, want)
		}
	}
}

func TestTheSameApplicationHasTheSameID(t *testing.T) {
	issuer := tokenEnv().Policy.Issuer
	id := func(body string) string {
		m := metadataOf(t, body)
		return PublicClientID(issuer, &m)
	}
	one := id(`{"redirect_uris":["https://a.example/1","https://a.example/2"],"token_endpoint_auth_method":"none","scope":"openid email"}`)
	same := id(`{"scope":"email openid","token_endpoint_auth_method":"none","response_types":["code"],"redirect_uris":["https://a.example/2","https://a.example/1"],"unknown":1}`)
	other := id(`{"redirect_uris":["https://a.example/1"],"token_endpoint_auth_method":"none","scope":"openid email"}`)
	if one != same || one == other || len(one) != 22 {
		t.Errorf("%s, %s, %s", one, same, other)
	}
}

// FuzzMetadata: whatever comes, it is read or refused by a name of the table, and
// what was read says the same when it is read again.
func FuzzMetadata(f *testing.F) {
	for _, seed := range []string{
		everything, `{}`, `{"redirect_uris":["https://a.example/cb"]}`, `{"client_name#ja":"\u30af"}`, `{"jwks":{"keys":[]}}`, `{"jwks":` + everyKeys + `}`,
		`{"redirect_uris":[null]}`, `{"scope":"\u0000"}`, `{"default_max_age":1e3}`, `{"contacts":[[[]]]}`, `{"client_name":"\ud800"}`,
	} {
		f.Add(seed, false)
		f.Add(seed, true)
	}
	issuer := tokenEnv().Policy.Issuer
	f.Fuzz(func(t *testing.T, body string, update bool) {
		m, err := ReadMetadata(body, update)
		if err != nil {
			if _, known := metadataIndex[err.Param]; err.Param != "" && !known {
				t.Fatalf("the error names %q", err.Param)
			}
			return
		}
		client := &record.Client{ID: "id", Name: m.Name, Settings: m.Settings}
		told := ClientInformation(Registered{Client: client}, issuer)
		if update {
			return
		}
		again := members(t, told)
		delete(again, "client_id")
		delete(again, "client_id_issued_at")
		text, _ := json.Marshal(again)
		if len(text) > maxMetadata {
			return
		}
		second, err := ReadMetadata(string(text), false)
		if err != nil {
			t.Fatalf("%s is refused: %v", text, err)
		}
		if one, two := PublicClientID(issuer, &m), PublicClientID(issuer, &second); one != two {
			t.Fatalf("%s is another client than %s", text, body)
		}
	})
}
