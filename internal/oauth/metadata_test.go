package oauth

import (
	"bytes"
	"encoding/json"
	"strings"
	"testing"
)

func TestTheMetadataDocument(t *testing.T) {
	m := NewMetadata(mustIssuer(t, "https://id.example/t"), Capabilities{
		Scopes: StandardScopes(), Claims: []string{"sub"}, GrantTypes: []string{GrantAuthorizationCode, GrantRefreshToken},
		AuthMethods: []AuthMethod{AuthBasic, AuthPost, AuthNone}, ACRValues: []string{"aal1"}, IDTokenAlgs: []string{"RS256", "ES256"}, FormPost: true,
	})
	document, err := m.Document()
	if err != nil {
		t.Fatal(err)
	}
	var indented bytes.Buffer
	if err := json.Indent(&indented, document, "", " "); err != nil {
		t.Fatal(err)
	}
	for _, line := range []string{
		`"issuer": "https://id.example/t"`,
		`"authorization_endpoint": "https://id.example/t/oauth2/authorize"`,
		`"token_endpoint": "https://id.example/t/oauth2/token"`,
		`"jwks_uri": "https://id.example/t/.well-known/jwks.json"`,
		`"authorization_response_iss_parameter_supported": true`, // RFC 9207 §3
		`"request_uri_parameter_supported": false`,               // OpenID Connect Discovery §3: absent means true
		`"request_parameter_supported": false`,
		`"claims_parameter_supported": true`,
	} {
		if !strings.Contains(indented.String(), line) {
			t.Errorf("missing: %s", line)
		}
	}
	for key, want := range map[string]string{
		"acr_values_supported":                          `["aal1"]`,
		"display_values_supported":                      `["page"]`,
		"response_types_supported":                      `["code"]`,
		"response_modes_supported":                      `["query","form_post"]`,
		"subject_types_supported":                       `["public","pairwise"]`,
		"code_challenge_methods_supported":              `["S256"]`,
		"scopes_supported":                              `["address","email","offline_access","openid","phone","profile"]`,
		"prompt_values_supported":                       `["none","login","consent","select_account"]`,
		"token_endpoint_auth_methods_supported":         `["client_secret_basic","client_secret_post","none"]`,
		"revocation_endpoint_auth_methods_supported":    `["client_secret_basic","client_secret_post","none"]`,
		"introspection_endpoint_auth_methods_supported": `["client_secret_basic","client_secret_post"]`, // RFC 7662 §2.1
	} {
		if !bytes.Contains(document, []byte(`"`+key+`":`+want)) {
			t.Errorf("%s is not %s in %s", key, want, document)
		}
	}
}

// Each document has the members that its readers know: an OpenID provider's names no feed.
func TestTheFeedStandsInTheDocumentOfResourceServers(t *testing.T) {
	m := NewMetadata(mustIssuer(t, "https://id.example"), Capabilities{RevocationFeed: true})
	for text, want := range map[string]bool{string(must(m.Document())): true, string(must(m.ForOpenID().Document())): false} {
		if strings.Contains(text, "revocation_feed") != want {
			t.Errorf("the feed stands there: %v; want %v: %s", !want, want, text)
		}
	}
}

// OpenID Connect Discovery §3: "Dynamic OpenID Providers MUST support the code, id_token, and the id_token token Response Type
// values"; here they are words.
func TestTheImplicitGrantIsNamedOnlyWhereItIsWanted(t *testing.T) {
	can := Capabilities{GrantTypes: []string{GrantAuthorizationCode}}
	for named, want := range map[bool][]string{
		false: {`"response_types_supported":["code"]`, `"grant_types_supported":["authorization_code"]`},
		true:  {`"response_types_supported":["code","id_token","id_token token"]`, `"grant_types_supported":["authorization_code","implicit"]`},
	} {
		can.NamesImplicit = named
		text := string(must(NewMetadata(mustIssuer(t, "https://id.example"), can).Document()))
		for _, member := range want {
			if !strings.Contains(text, member) {
				t.Errorf("%s is not in %s", member, text)
			}
		}
	}
	if len(can.GrantTypes) != 1 {
		t.Errorf("the caller's list grew: %v", can.GrantTypes)
	}
}

func must(document []byte, err error) []byte {
	if err != nil {
		panic(err)
	}
	return document
}

// RFC 8414 §3.2: what has no value is left out.
func TestMetadataHasNoEmptyAndNoNullMembers(t *testing.T) {
	for _, c := range []Capabilities{{}, {PromptCreate: true}} {
		document, err := NewMetadata(mustIssuer(t, "http://localhost:8484"), c).Document()
		if err != nil {
			t.Fatal(err)
		}
		for _, empty := range []string{"null", "[]", `""`, "{}"} {
			if bytes.Contains(document, []byte(empty)) {
				t.Errorf("%s in %s", empty, document)
			}
		}
		if bytes.Contains(document, []byte(`"create"`)) != c.PromptCreate || bytes.Contains(document, []byte("form_post")) {
			t.Errorf("not as told: %s", document)
		}
	}
}
